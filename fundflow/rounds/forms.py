"""What came in when a manager writes a round: typed text, turned into a plan or into sentences at its fields.

What cannot be read stays in the form as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import DateTimeLocalInput

from fundflow.errors import Refused
from fundflow.money import Money, plain_decimal
from fundflow.rounds import plans, queries
from fundflow.rounds.models import Round
from fundflow.rounds.plans import Plan
from fundflow.rounds.wall import wall_of, zones
from fundflow.web import reader
from fundflow.web.fields import clean
from fundflow.web.refusals import sentence

NEW = "new"
TEXTS = ("title", "theme", "summary", "text")
AMOUNTS = ("floor", "cap", "budget")
FIXED = ("slug", "window", "new_window", "zone", "opens", "currency", *AMOUNTS, "countries", "workflow")
"""What a published round no longer asks for."""


class RoundForm(FlaskForm):
    """One page for creating, editing and cloning; `plan()` is what it says once `validate()` held."""

    title = StringField(
        _l("Title"), description=_l("What cities see in the list, for example “Economic inclusion 2027”.")
    )
    slug = StringField(
        _l("Address"),
        validators=[Optional()],
        description=_l("The last part of the round's web address. Leave it empty to make it from the title."),
    )
    window = SelectField(_l("Window"), description=_l("The themed part of the fund that this round belongs to."))
    new_window = StringField(
        _l("Name of the new window"), validators=[Optional()], description=_l("Only if you chose “A new window”.")
    )
    theme = StringField(_l("Theme"), validators=[Optional()], description=_l("A few words."))
    summary = TextAreaField(
        _l("Summary"),
        validators=[Optional()],
        description=_l("One or two sentences for the list of rounds."),
        render_kw={"rows": 2},
    )
    text = TextAreaField(
        _l("Description"),
        validators=[Optional()],
        description=_l("What is funded, and who may apply. An empty line begins a new paragraph."),
        render_kw={"rows": 10},
    )
    zone = SelectField(_l("Time zone"), description=_l("The clock on which the round opens and closes."))
    opens = StringField(_l("Opens"), description=_l("Date and time on that clock."), widget=DateTimeLocalInput())
    closes = StringField(
        _l("Closes"),
        description=_l("Each city is shown this time on its own clock as well."),
        widget=DateTimeLocalInput(),
    )
    currency = SelectField(_l("Currency"))
    floor = StringField(_l("Smallest grant"), render_kw={"inputmode": "decimal"})
    cap = StringField(_l("Largest grant"), render_kw={"inputmode": "decimal"})
    budget = StringField(
        _l("Budget of the round"),
        description=_l("Approvals can never commit more than this."),
        render_kw={"inputmode": "decimal"},
    )
    countries = TextAreaField(
        _l("Countries"),
        validators=[Optional()],
        description=_l(
            "Where cities may apply from: names or two-letter codes, with commas between. Empty: everywhere."
        ),
        render_kw={"rows": 2},
    )
    workflow = SelectField(
        _l("Workflow"), description=_l("The steps, forms and rules. Its version is fixed when you publish.")
    )
    revision = HiddenField(default="0")

    def __init__(self, round_: Round | None = None, *, plan: Plan | None = None) -> None:
        plan = plan or (plans.plan_of(round_) if round_ else None)
        start = {"zone": reader.select_zone(), "currency": "EUR", "floor": "0"}
        super().__init__(data={**(typed(plan) if plan else start), "revision": str(round_.revision if round_ else 0)})
        self.window.choices = [(str(each.id), each.name) for each in queries.windows()]
        if not (round_ and round_.status == "published"):
            self.window.choices.append((NEW, _("A new window")))
        self.zone.choices = [(each, each.replace("_", " ")) for each in zones()]
        self.currency.choices = [(code, f"{code} – {name}") for code, name in plans.currencies()]
        language = reader.language()
        self.workflow.choices = [
            (name, _("%(title)s (version %(n)s)", title=each.title.in_(language), n=each.version))
            for name, each in plans.offered()
        ]
        for field in (self.zone, self.currency, self.workflow):
            if field.data and field.data not in dict(field.choices):
                # An alias or a workflow that is no longer shipped stays what it is until somebody chooses another.
                field.choices.append((field.data, field.data))
        if round_ and round_.status == "published":
            self.fix()

    def fix(self) -> None:
        """Leave out what publishing has fixed: it is not asked for and not read."""
        for name in FIXED:
            del self[name]

    def plan(self, base: Plan | None = None) -> Plan | None:
        """The plan as typed, over `base` where that is fixed; None, with sentences at the fields, where unreadable."""
        problems: dict[str, Refused] = {}

        def taken(name: str, read: Callable[[str], Any], otherwise: Any) -> Any:
            try:
                return read(self[name].data or "")
            except Refused as problem:
                problems[name] = problem
                return otherwise

        typed: dict[str, Any] = {name: clean(self[name].data or "") for name in TEXTS}
        typed["closes_wall"] = taken("closes", wall_of, "")
        if base is None:
            currency = self.currency.data or ""
            for name in AMOUNTS:
                typed[name] = taken(
                    name, lambda text: Money.read(text, currency, reader.locale()), Money.zero(currency)
                )
            typed |= {
                "window_id": None if self.window.data in (NEW, None, "") else UUID(self.window.data),
                "new_window": clean(self.new_window.data or ""),
                "slug": (self.slug.data or "").strip() or plans.slug_of(self.title.data or ""),
                "zone": self.zone.data or "",
                "opens_wall": taken("opens", wall_of, ""),
                "currency": currency,
                "countries": taken("countries", plans.countries_in, ()),
                "workflow": self.workflow.data or "",
            }
        self.say(problems)
        if problems:
            return None
        return replace(base, **typed) if base else Plan(**typed)

    def say(self, problems: Mapping[str, Refused]) -> None:
        """Put each refusal at its field; what belongs to a field this form does not ask for goes to the whole form."""
        for name, problem in problems.items():
            if name in self:
                self[name].errors = [*self[name].errors, sentence(problem)]
            else:
                self.form_errors.append(sentence(problem))


class PublishForm(FlaskForm):
    """Nothing but the revision that the manager looked at."""

    revision = HiddenField()


def typed(round_plan: Plan) -> dict[str, str]:
    """A plan the way a person would type it into the form."""
    amounts = {name: plain_decimal(getattr(round_plan, name).amount, reader.locale()) for name in AMOUNTS}
    texts = {name: getattr(round_plan, name) for name in (*TEXTS, "slug", "zone", "currency", "workflow", "new_window")}
    return {
        **texts,
        **amounts,
        "countries": ", ".join(reader.country(code) for code in round_plan.countries),
        "window": str(round_plan.window_id or NEW),
        "opens": round_plan.opens_wall,
        "closes": round_plan.closes_wall,
    }
