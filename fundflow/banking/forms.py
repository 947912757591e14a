"""What came in about a bank account, kept as it was typed; what it means, `bank_numbers` and the service decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import DateInput, DateTimeLocalInput

from fundflow.banking.numbers import LONGEST
from fundflow.banking.service import LONGEST as LONGEST_SAID
from fundflow.lifecycle.models import Application
from fundflow.web import fields
from fundflow.web.keyed import KeyedForm

_PLAIN: Mapping[str, Any] = {"autocomplete": "off", "maxlength": LONGEST}
_CODE: Mapping[str, Any] = {**_PLAIN, "spellcheck": "false", "autocapitalize": "characters"}
_NEEDED = _l("Fill this in.")


class StepForm(KeyedForm):
    """What every step with an account brings: the key that makes a double click one, and what the person saw."""

    seen = HiddenField()

    @classmethod
    def open(cls, seen: str, **data: Any) -> StepForm:
        """On a GET, with a key of its own."""
        return cls(key=str(uuid4()), seen=seen, **data)

    def command_key(self, application: Application, actor_id: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("bank", application.id, actor_id)


class AccountForm(StepForm):
    """The account of the city, and whom to ask about it there."""

    holder = StringField(
        _l("Account holder"),
        description=_l("The city itself, exactly as the bank writes it."),
        render_kw=dict(_PLAIN),
    )
    country = SelectField(_l("Country of the bank"), choices=[], validate_choice=False)
    bank_name = StringField(_l("Bank"), render_kw=dict(_PLAIN))
    number = StringField(
        _l("IBAN or account number"),
        description=_l("Spaces do not matter. It is kept encrypted, and shown in full to the fund's finance only."),
        render_kw=dict(_CODE),
    )
    bic = StringField(
        _l("SWIFT code (BIC)"),
        description=_l("8 or 11 letters and digits. Without an IBAN, either this or the bank code is needed."),
        render_kw=dict(_CODE),
    )
    bank_code = StringField(_l("Bank code"), render_kw=dict(_CODE))
    currency = StringField(
        _l("Currency of the account"),
        description=_l("Three letters, such as USD. Leave it open if the account takes any."),
        render_kw={**_CODE, "maxlength": 3},
    )
    contact_name = StringField(
        _l("Who in the finance office knows this account"),
        description=_l("This person is told whenever another account is entered."),
        render_kw=dict(_PLAIN),
    )
    contact_email = StringField(_l("Their e-mail address"), render_kw={**_PLAIN, "inputmode": "email"})
    contact_phone = StringField(
        _l("Telephone of the finance office"),
        description=_l("A number that the city publishes, not a mobile telephone."),
        render_kw={**_PLAIN, "inputmode": "tel"},
    )

    OPTIONAL = ("bic", "bank_code", "currency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice("", _("Choose a country")), *fields.countries(kwargs.get("locale", "en"))]
        for name in self.OPTIONAL:
            self[name].flags.optional = True

    def typed(self) -> dict[str, str]:
        """Everything as it was typed."""
        return {each.name: each.data or "" for each in self if each.name not in ("key", "seen", "csrf_token")}


class CallForm(StepForm):
    """The second channel: a call to a number that was found somewhere else than in the form."""

    phone = StringField(
        _l("Number called"),
        description=_l("One that you found independently of what the city entered here."),
        validators=[InputRequired(_NEEDED), Length(max=LONGEST)],
        render_kw={**_PLAIN, "inputmode": "tel"},
    )
    source = StringField(
        _l("Where you found this number"),
        description=_l("For example the city's own website, the chamber of municipalities, an earlier contract."),
        validators=[InputRequired(_NEEDED), Length(max=LONGEST_SAID)],
        render_kw={"autocomplete": "off", "maxlength": LONGEST_SAID},
    )
    spoken_to = StringField(
        _l("Whom you spoke to"),
        description=_l("Name and office."),
        validators=[InputRequired(_NEEDED), Length(max=LONGEST)],
        render_kw=dict(_PLAIN),
    )
    called_at = StringField(
        _l("When"),
        description=_l("On your own clock."),
        validators=[InputRequired(_NEEDED)],
        widget=DateTimeLocalInput(),
    )


class ReasonForm(StepForm):
    """A step that needs a reason."""

    reason = TextAreaField(
        _l("Reason"),
        validators=[InputRequired(_NEEDED), Length(max=LONGEST_SAID)],
        render_kw={"rows": 3, "maxlength": LONGEST_SAID},
    )


class ScreeningForm(StepForm):
    """What a search for three names found; a subject that was not searched for stays open."""

    list_name = StringField(
        _l("List that was searched"),
        description=_l("For example: consolidated list of the United Nations Security Council."),
        render_kw={"autocomplete": "off", "maxlength": 200},
    )
    list_day = StringField(_l("State of the list"), description=_l("Its date, if it has one."), widget=DateInput())
    city_name = StringField(_l("City, as it was searched for"), render_kw=dict(_PLAIN))
    city_result = SelectField(_l("Found about the city"), choices=[], validate_choice=False)
    city_note = StringField(_l("Note on the city"), render_kw={"maxlength": LONGEST_SAID})
    signatory_name = StringField(_l("Signatory, as searched for"), render_kw=dict(_PLAIN))
    signatory_result = SelectField(_l("Found about the signatory"), choices=[], validate_choice=False)
    signatory_note = StringField(_l("Note on the signatory"), render_kw={"maxlength": LONGEST_SAID})
    bank_name = StringField(_l("Bank, as searched for"), render_kw=dict(_PLAIN))
    bank_result = SelectField(_l("Found about the bank"), choices=[], validate_choice=False)
    bank_note = StringField(_l("Note on the bank"), render_kw={"maxlength": LONGEST_SAID})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("city", "signatory", "bank"):
            self[f"{name}_result"].choices = [
                SelectChoice("", _("Not searched this time")),
                *(SelectChoice(result, words) for result, words in result_names().items()),
            ]
            self[f"{name}_note"].flags.optional = True
        self.list_day.flags.optional = True


def result_names() -> dict[str, str]:
    """What a search came to, in words."""
    return {
        "clear": str(_("Clear")),
        "false_hit": str(_("A hit, but somebody else")),
        "true_hit": str(_("A true hit")),
    }
