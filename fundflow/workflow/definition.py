"""A workflow as the engine works with it: immutable, every name resolved, every expression compiled.

It is made only by the loader, so nothing in it can be misspelt, missing or of the wrong type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import Form
from fundflow.workflow.text import Text

__all__ = [
    "SYSTEM",
    "Duration",
    "Effect",
    "Input",
    "Review",
    "Role",
    "State",
    "Text",
    "Timer",
    "Transition",
    "When",
    "Workflow",
]

SYSTEM = "system"
"""The role of the clock: it may be named in `by`, and no person ever has it."""

InputType = Literal["text", "date", "money", "integer", "decimal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A predicate over a person and an application.

    team: the city's people (with `duty`, only those who hold it); group: people of the fund; panel: those assigned to
    `review` and not recused.
    """

    id: str
    label: Text
    kind: Literal["team", "group", "panel"]
    duty: str | None = None
    group: str | None = None
    review: str | None = None
    never_also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where an application is. `edit` and `view` give forms (and reviews) by role; `help` says what happens now."""

    id: str
    label: Text
    help: Text | None = None
    edit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    view: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown_as: Mapping[str, str] = field(default_factory=dict)
    final: Literal["success", "failure"] | None = None

    @property
    def is_final(self) -> bool:
        return self.final is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """One condition. `name` is the form (complete), the review (quorum, assigned) or the timer (overdue)."""

    kind: Literal["if", "complete", "quorum", "assigned", "overdue"]
    name: str = ""
    expression: Expression | None = None
    says: Text | None = None
    mentions: frozenset[str] = frozenset()
    """The paths that `says` fills in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing a transition causes. `amount` is an expression of type money; without one, all that is committed."""

    kind: Literal["notify", "document", "ledger", "set"]
    notify: str | None = None
    to: tuple[str, ...] = ()
    document: str | None = None
    ledger: Literal["commit", "pay", "release"] | None = None
    amount: Expression | None = None
    set: str | None = None
    """The field of the application that gets `value`."""
    value: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A fact asked from the person who fires: text gives str, date date, money Money, integer int, decimal Decimal."""

    id: str
    type: InputType
    label: Text
    help: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An arrow: it leads to a state (`to`, or per source `back_to`) or ends the application with an outcome (`end`)."""

    id: str
    label: Text
    help: Text | None = None
    sources: tuple[str, ...]
    to: str | None = None
    end: str | None = None
    back_to: Mapping[str, str] = field(default_factory=dict)
    by: frozenset[str]
    """Every role that may do this from at least one source; `by_from` is the rule."""
    by_state: Mapping[str, frozenset[str]] = field(default_factory=dict)
    when: tuple[When, ...] = ()
    do: tuple[Effect, ...] = ()
    reason: bool = False
    confirm: bool = False
    max: int | None = None
    deadline: str | None = None
    not_same_actor_as: tuple[str, ...] = ()
    input: Mapping[str, Input] = field(default_factory=dict)

    def by_from(self, state: str) -> frozenset[str]:
        """The roles that may do this from `state`; none from a state it does not leave."""
        if state not in self.sources:
            return frozenset()
        return self.by_state[state] if self.by_state else self.by

    def destination(self, state: str) -> str | None:
        """Where it leads from `state`; None where it ends the application."""
        return self.back_to.get(state, self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Several people score one application in a state; `weights` by criterion add up to 100."""

    id: str
    label: Text
    state: str
    form: str
    by: str
    assigned_by: frozenset[str] = frozenset()
    group: str | None = None
    count: int = 1
    conflicts: tuple[str, ...] = ("declared",)
    is_blind: bool = True
    """Nobody reads another's sheet before sending their own."""
    quorum: int = 1
    share: Decimal | None = None
    """Also this share of those assigned and not recused must have sent, where given."""
    weights: Mapping[str, int] = field(default_factory=dict)
    aggregate: Literal["mean", "median", "min"] = "mean"
    scale: int = 10
    due: Duration | None = None
    """How long a reviewer has from being assigned."""

    def needed(self, *, assigned: int, recused: int) -> int:
        """How many sheets make the quorum: the count, or more where the share of those left asks for more."""
        share = 0 if self.share is None else ceil(self.share * (assigned - recused))
        return max(self.quorum, share)

    def is_quorum_met(self, *, assigned: int, submitted: int, recused: int) -> bool:
        """Enough sheets were sent."""
        return submitted >= self.needed(assigned=assigned, recused=recused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A due moment that runs in `states`: `at` an instant of the facts, or `after` a time from entering the state.

    `then` is the transition the system starts when it is due plus `grace`; reminders go out `remind` before, to `to`.
    """

    id: str
    label: Text
    states: tuple[str, ...]
    at: Expression | None = None
    after: Duration | None = None
    grace: Duration | None = None
    end_of_day: bool = False
    remind: tuple[Duration, ...] = ()
    remind_with: str | None = None
    overdue_with: str | None = None
    to: tuple[str, ...] = ()
    then: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One version of one workflow with its forms, and the texts it was made of."""

    id: str
    version: int
    title: Text
    languages: tuple[str, ...]
    currency: str
    timezone: str
    roles: Mapping[str, Role]
    forms: Mapping[str, Form]
    states: Mapping[str, State]
    reviews: Mapping[str, Review]
    transitions: Mapping[str, Transition]
    timers: Mapping[str, Timer]
    initial: str
    main: str
    files: Mapping[str, str]
    sha256: str
    """Over the canonical JSON of ``{path: text}`` of all files."""
    outcomes: Mapping[str, Text] = field(default_factory=dict)
    """The label of every outcome that an `end:` names."""
    places: Mapping[str, tuple[str, int, int]] = field(default_factory=dict, repr=False)
    """File, line and column of each part, by dotted path, for whoever reports on it."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def answer_forms(self) -> dict[str, Form]:
        """The forms whose answers make up ``application``: all but the score sheets, in the file's order."""
        sheets = {review.form for review in self.reviews.values()}
        return {name: form for name, form in self.forms.items() if name not in sheets}

    def transitions_from(self, state: str) -> list[Transition]:
        """What may be done in `state`, in the file's order."""
        return [t for t in self.transitions.values() if state in t.sources]

    def application_values(
        self, answers: Mapping[str, Mapping[str, Any]], currency: str | None = None
    ) -> dict[str, Any]:
        """The typed fields of ``application`` from stored answers by form; what is not answered is None or empty."""
        values: dict[str, Any] = {}
        for name, form in self.answer_forms.items():
            values.update(form.values(answers.get(name, {}), currency or self.currency))
        return values
