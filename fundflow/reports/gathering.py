"""What was read of one application, and what it means by its own workflow: its plan, its reports, and what it owes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Child
from fundflow.money import Money
from fundflow.reports import tables
from fundflow.reports.schemes import Scheme, scheme_of
from fundflow.reports.tables import Cost, Line
from fundflow.workflow.definition import Workflow
from fundflow.workflow.forms import OwnForm
from fundflow.workflow.text import Text

LATE, DUE, TO_READ = "late", "due", "to read"


@dataclass(frozen=True, slots=True)
class Told:
    """One report of a grant: of the application itself (`kind` is empty), or of a child."""

    order: tuple[int, int]
    label: Text
    key: str
    kind: str
    answers: Mapping[str, Mapping[str, Any]]
    """What stands in each of its forms."""
    is_accepted: bool
    has_figures: bool
    """It tells of indicators and costs, not only of what came after."""
    place: Text
    """Where it stands."""
    state: str
    due: date | None

    @property
    def id(self) -> str:
        """What addresses call it: ``report:1``, or the form of the application itself."""
        return f"{self.kind}:{self.key}" if self.kind else self.key

    def lines(self, workflow: Workflow, currency: str) -> tuple[Line, ...]:
        """The indicators that it tells."""
        return tuple(
            line
            for name, data in self.answers.items()
            if tables.is_report(workflow.forms[name])
            for line in tables.lines(workflow.forms[name], data, currency)
        )

    def costs(self, workflow: Workflow, currency: str) -> tuple[Cost, ...]:
        """What it says was spent."""
        forms = ((workflow.forms[name], data) for name, data in self.answers.items())
        return tuple(
            cost for form, data in forms if tables.against_costs(form) for cost in tables.costs(form, data, currency)
        )


@dataclass(frozen=True, slots=True)
class Owed:
    """A report that somebody has to do something about: `turn` says what, `due` by when the city has to send it."""

    label: Text
    key: str
    kind: str
    place: Text
    turn: str
    due: date | None


@dataclass(slots=True)
class Gathered:
    """What was read of one application, and what it means by its own workflow."""

    application: Application
    children: Sequence[Child]
    answers: Mapping[str, dict[str, Any]]
    workflow: Workflow = field(init=False)
    scheme: Scheme = field(init=False)

    def __post_init__(self) -> None:
        self.workflow = definitions.get(self.application.definition_sha)
        self.scheme = scheme_of(self.application.definition_sha)

    @property
    def is_announced(self) -> bool:
        if any(child.kind in self.scheme.kinds for child in self.children):
            return True
        return self.application.outcome is None and self.workflow.states[self.application.state].final == "success"

    def plan(self) -> tuple[tuple[Line, ...], tuple[Cost, ...]]:
        """What is promised by the plan in force: the last of the forms that promise which was filled in."""
        forms = [self.workflow.forms[name] for name in self.scheme.plans if name in self.answers]
        lines: tuple[Line, ...] = ()
        costs: tuple[Cost, ...] = ()
        for form in forms:
            data = self.answers[form.id]
            lines = tables.lines(form, data, self.application.currency) or lines
            costs = tables.costs(form, data, self.application.currency) or costs
        return lines, costs

    def reports(self) -> list[Told]:
        """Every report in its order: those of children first, then those of the application itself."""
        own: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for name, data in self.answers.items():
            if (of := OwnForm.read(name)) is not None:
                own.setdefault((of.kind, of.key), {})[of.form] = data
        found = []
        for child in self.children:
            if child.kind in self.scheme.kinds:
                kind = self.workflow.children[child.kind]
                is_accepted = kind.states[child.state].final == "success"
                has_indicators = any(tables.is_report(self.workflow.forms[name]) for name in kind.forms)
                order = (0 if has_indicators else 2, child.position)
                answers = own.get((child.kind, child.key), {})
                found.append(
                    Told(
                        order,
                        kind.label,
                        child.key,
                        child.kind,
                        answers,
                        is_accepted,
                        has_indicators,
                        kind.states[child.state].label,
                        child.state,
                        _day(child.fields.get("due")),
                    )
                )
        for position, (name, states) in enumerate(self.scheme.accepted.items()):
            if name in self.answers:
                is_accepted = self.application.outcome is None and self.application.state in states
                label, place = self.workflow.forms[name].title, self.workflow.states[self.application.state].label
                own_answers = {name: self.answers[name]}
                found.append(
                    Told(
                        (1, position),
                        label,
                        name,
                        "",
                        own_answers,
                        is_accepted,
                        True,
                        place,
                        self.application.state,
                        None,
                    )
                )
        return sorted(found, key=lambda each: each.order)

    def after(self, reports: Sequence[Told]) -> tuple[bool | None, Money | None]:
        """What the latest accepted answer says of the time after the grant; each of the two by itself."""
        goes_on, further = None, None
        for report in reports:
            for name, data in report.answers.items() if report.is_accepted else ():
                said = tables.after(self.workflow.forms[name], data, self.application.currency)
                goes_on = goes_on if said[0] is None else said[0]
                further = said[1] or further
        return goes_on, further

    def owed(self, dues: Mapping[str, datetime], now: datetime) -> tuple[Owed, ...]:
        """The reports that wait for the city or for the fund, while the application has not ended."""
        if self.application.outcome is not None:
            return ()
        today, found = now.astimezone(self.workflow.zone).date(), []
        for child in self.children:
            kind = self.workflow.children.get(child.kind)
            if kind is None or child.kind not in self.scheme.kinds:
                continue
            due = _day(child.fields.get("due"))
            turn = ""
            if child.state in self.scheme.open[child.kind]:
                turn = LATE if due is not None and due < today else DUE
            elif child.state in self.scheme.read[child.kind]:
                turn = TO_READ
            if turn:
                found.append(Owed(kind.label, child.key, child.kind, kind.states[child.state].label, turn, due))
        for name, states in self.scheme.writing.items():
            if self.application.state in states:
                here = [dues[t.id] for t in self.workflow.timers.values() if t.id in dues and self._runs_here(t.states)]
                moment = min(here, default=None)
                due = moment.astimezone(self.workflow.zone).date() if moment else None
                label, place = self.workflow.forms[name].title, self.workflow.states[self.application.state].label
                found.append(Owed(label, name, "", place, LATE if due and due < today else DUE, due))
        return tuple(found)

    def _runs_here(self, states: Sequence[str]) -> bool:
        return self.application.state in states


def _day(written: Any) -> date | None:
    try:
        return date.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
