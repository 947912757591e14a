"""What came in about batches, the fund's own accounts and the bank's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from fundflow.banking.numbers import LONGEST
from fundflow.rounds.models import Window
from fundflow.web import fields
from fundflow.web.keyed import KeyedForm

_PLAIN: Mapping[str, Any] = {"autocomplete": "off", "maxlength": LONGEST}
_CODE: Mapping[str, Any] = {**_PLAIN, "spellcheck": "false", "autocapitalize": "characters"}


class BatchForm(KeyedForm):
    """From which account, and on which day."""

    account = SelectField(_l("Paid from"), choices=[], validate_choice=False)
    execute_on = DateField(_l("On which day the bank shall do it"), description=_l("The bank may take a day longer."))

    def offer(self, accounts: Iterable[tuple[UUID, str]]) -> None:
        """The accounts to choose from."""
        self.account.choices = [SelectChoice(str(account_id), label) for account_id, label in accounts]

    @property
    def account_id(self) -> UUID:
        try:
            return UUID(self.account.data or "")
        except ValueError:
            return UUID(int=0)

    @property
    def day(self) -> date | None:
        found: date | None = self.execute_on.data
        return found


class PayingForm(KeyedForm):
    """An account that the fund pays from."""

    holder = StringField(
        _l("Account holder"), description=_l("The fund, exactly as the bank writes it."), render_kw=dict(_PLAIN)
    )
    country = SelectField(_l("Country of the bank"), choices=[], validate_choice=False)
    bank_name = StringField(_l("Bank"), render_kw=dict(_PLAIN))
    number = StringField(_l("IBAN or account number"), description=_l("It is kept encrypted."), render_kw=dict(_CODE))
    bic = StringField(_l("SWIFT code (BIC)"), render_kw=dict(_CODE))
    bank_code = StringField(_l("Bank code"), render_kw=dict(_CODE))
    currency = StringField(
        _l("Currency of the account"),
        description=_l("Three letters, such as EUR."),
        render_kw={**_CODE, "maxlength": 3},
    )
    window = SelectField(_l("For which window"), choices=[], validate_choice=False)
    charges = SelectField(_l("Who bears the charges outside SEPA"), choices=[], validate_choice=False)

    def __init__(self, *args: Any, windows: Iterable[Window] = (), locale: str = "en", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice("", _("Choose a country")), *fields.countries(locale)]
        self.window.choices = [
            SelectChoice("", _("All windows")),
            *(SelectChoice(str(window.id), window.name) for window in windows),
        ]
        self.charges.choices = [
            SelectChoice("SHAR", _("Each side its own bank's")),
            SelectChoice("DEBT", _("The fund")),
            SelectChoice("CRED", _("The city")),
        ]
        for name in ("bic", "bank_code", "window"):
            self[name].flags.optional = True

    def typed(self) -> dict[str, str]:
        """Everything about the account as it was typed."""
        names = ("holder", "country", "bank_name", "number", "bic", "bank_code", "currency")
        return {name: self[name].data or "" for name in names}


class BankFileForm(FlaskForm):
    """A file of the bank."""

    file = FileField(
        _l("The bank's file"),
        description=_l("A payment status (pain.002) or a statement (camt.053, camt.054), as XML. At most 10 MB."),
    )


class NoteForm(FlaskForm):
    """What somebody found out."""

    note = TextAreaField(_l("What you found out"), validators=[Length(max=2000)], render_kw={"rows": 2})
