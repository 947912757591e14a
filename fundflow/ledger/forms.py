"""What came in about donors, lines and movements between them: typed text, turned into values or into sentences.

What cannot be read stays in the form as it was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import DateInput

from fundflow.errors import Refused
from fundflow.ledger.models import Donor, DonorLine
from fundflow.ledger.statements import read_day
from fundflow.money import Money
from fundflow.rounds import plans
from fundflow.rounds.models import Round, Window
from fundflow.web import reader
from fundflow.web.keyed import KeyedForm

FIELD_OF = {
    "NoAmount": "amount",
    "NotAnAmount": "amount",
    "TooPrecise": "amount",
    "TooLarge": "amount",
    "OtherCurrency": "amount",
    "NothingUnallocated": "amount",
    "NothingAvailable": "amount",
    "NoReason": "reason",
    "NoSuchRound": "round",
    "NoLineName": "name",
    "LineKnown": "name",
    "NoDonorName": "name",
    "DonorKnown": "name",
    "NoSuchWindow": "window",
    "NoSuchDonor": "donor",
    "NoSuchCurrency": "currency",
    "NotADay": "ends_on",
    "NobodyThere": "email",
    "OfTheFund": "email",
}
"""At which field each refusal belongs; all others stand above the form."""


class Typed(KeyedForm):
    """A form that says a refusal where it belongs, and sends its command once."""

    def __init__(self) -> None:
        super().__init__()
        self.key.data = self.key.data or str(uuid4())

    def command_key(self, actor_id: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("funding", actor_id)

    def refuse(self, problem: Refused) -> None:
        """Put a refusal at its field, or above the form."""
        self.say({FIELD_OF.get(type(problem).__name__, ""): problem})


class DonorForm(Typed):
    name = StringField(_l("Name"))
    note = TextAreaField(_l("Note"), validators=[Optional()], render_kw={"rows": 3})


class PersonForm(Typed):
    email = StringField(
        _l("Email address"),
        description=_l("Of a person who has made an account here and belongs to no city."),
    )


class LineForm(Typed):
    window = SelectField(_l("Window"))
    donor = SelectField(_l("Donor"))
    name = StringField(_l("Name of the line"), description=_l("As reports to the donor call it."))
    reference = StringField(
        _l("Reference"), validators=[Optional()], description=_l("Of the contract or of the donor's own books.")
    )
    currency = SelectField(_l("Currency"))
    ends_on = StringField(
        _l("Last day"),
        validators=[Optional()],
        description=_l("After it the line gives no more money to rounds. Empty: no end."),
        widget=DateInput(),
    )

    def __init__(self, windows: Sequence[Window], donors: Sequence[Donor]) -> None:
        super().__init__()
        self.window.choices = [(str(each.id), each.name) for each in windows]
        self.donor.choices = [(str(each.id), each.name) for each in donors]
        self.currency.choices = [(code, f"{code} – {name}") for code, name in plans.currencies()]
        if not self.is_submitted():
            self.currency.data = "EUR"

    def last_day(self) -> date | None:
        """The day as typed; NotADay where it is none."""
        return read_day(self.ends_on.data) if (self.ends_on.data or "").strip() else None


class MovementForm(Typed):
    kind = SelectField(_l("What"))
    amount = StringField(_l("Amount"), render_kw={"inputmode": "decimal"})
    round = SelectField(_l("Round"), description=_l("For money that a round gets or gives back."))
    reason = TextAreaField(
        _l("Reason"),
        description=_l("It stays with the entry for good: the contract, the payment received, the decision."),
        render_kw={"rows": 2},
    )

    def __init__(self, line: DonorLine, rounds: Sequence[Round]) -> None:
        super().__init__()
        self.kind.choices = [
            ("appropriation", _("Appropriation: money of the donor comes in")),
            ("allocation", _("Allocation: a round gets money of this line")),
            ("withdrawal", _("Withdrawal: a round gives money back to this line")),
            ("restitution", _("Restitution: money goes back to the donor")),
        ]
        if line.is_own:
            self.kind.choices[0] = ("appropriation", _("Appropriation: own money comes in"))
        self.round.choices = [("", _("No round")), *((str(each.id), each.title) for each in rounds)]
        self._currency = line.currency

    def money(self) -> Money:
        """The amount as typed, in the line's currency."""
        return Money.read(self.amount.data or "", self._currency, reader.locale())

    def round_id(self) -> UUID | None:
        return UUID(self.round.data) if self.round.data else None


class ReasonForm(Typed):
    reason = TextAreaField(_l("Reason"), description=_l("It stays with the entry for good."), render_kw={"rows": 2})


class AnswerForm(Typed):
    note = StringField(_l("Note"), validators=[Optional()])
