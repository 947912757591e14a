"""A workflow as the engine works with it: immutable, every name resolved, every expression compiled.

It is made only by the loader, so nothing in it can be misspelt, missing or of the wrong type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, get_args
from zoneinfo import ZoneInfo

from fundflow.workflow.calendars import WorkingDays
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import Form
from fundflow.workflow.text import Text

if TYPE_CHECKING:
    from fundflow.workflow.examples.statement import Example

__all__ = [
    "NEEDS_AMOUNT",
    "OPERATIONS",
    "PART_OPERATIONS",
    "SYSTEM",
    "Acceptance",
    "Calendar",
    "Child",
    "Duration",
    "Effect",
    "Escalation",
    "Input",
    "Migration",
    "Phase",
    "Planned",
    "Review",
    "Role",
    "Signatures",
    "State",
    "Task",
    "Text",
    "Timer",
    "Transition",
    "When",
    "Workflow",
]

SYSTEM = "system"
"""The role of the clock: it may be named in `by`, and no person ever has it."""

PartOperation = Literal[
    "reserve", "commit", "order", "pay", "fail", "return", "refund", "release", "exchange_loss", "exchange_gain"
]
Operation = PartOperation | Literal["close"]
"""What the ledger can be asked to do. A part never settles the whole account: `close` is the application's."""
PART_OPERATIONS: tuple[PartOperation, ...] = get_args(PartOperation)
OPERATIONS: tuple[Operation, ...] = (*PART_OPERATIONS, "close")
NEEDS_AMOUNT = frozenset(PART_OPERATIONS) - {"release"}

Meeting = Literal["award", "reserve", "later", "reject"]
MEETING: tuple[Meeting, ...] = ("award", "reserve", "later", "reject")
"""As what a decision meeting may prepare a transition, the best for the city first."""
InputType = Literal["text", "date", "money", "integer", "decimal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A predicate over a person and an application.

    team: the city's people (with `duty`, only those who hold it); group: people of the fund; panel: those assigned to
    `review` and not recused; field: the one person named in `field` of the application, chosen by `assigned_by` among
    the people of `group`.
    """

    id: str
    label: Text
    kind: Literal["team", "group", "panel", "field"]
    duty: str | None = None
    group: str | None = None
    review: str | None = None
    field: str | None = None
    assigned_by: frozenset[str] = frozenset()
    never_also: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to be ticked off in a state by one of `by`; with `values`, one of them is chosen instead."""

    id: str
    label: Text
    help: Text | None = None
    by: frozenset[str] = frozenset()
    values: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Who signs which document in a state: role by party, in the order of the file where `in_order`."""

    document: str
    parties: Mapping[str, str]
    in_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A named group of states, for readers."""

    id: str
    label: Text
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where an application (or a child) is.

    `edit` and `view` give forms (and reviews and children) by role; `help` says what happens now.
    """

    id: str
    label: Text
    help: Text | None = None
    edit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    view: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown_as: Mapping[str, str] = field(default_factory=dict)
    final: Literal["success", "failure"] | None = None
    tasks: Mapping[str, Task] = field(default_factory=dict)
    signatures: Signatures | None = None

    @property
    def is_final(self) -> bool:
        return self.final is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """One condition.

    `name` is the form (complete), the review (quorum, assigned) or the timer (overdue); `names` the tasks that must be
    done (tasks), or the parties that must have signed (signed; empty for all of the state).
    """

    kind: Literal["if", "complete", "quorum", "assigned", "overdue", "tasks", "signed"]
    name: str = ""
    names: tuple[str, ...] = ()
    expression: Expression | None = None
    says: Text | None = None
    mentions: frozenset[str] = frozenset()
    """The paths that `says` fills in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing a transition causes. `amount` is an expression of type money; without one, all that is committed.

    `children` creates the children of that kind from their table or their rows or, with `each`, fires that transition
    on every child that can take it; with `renew` those that have not begun to move follow their changed table, and one
    whose row is gone takes that transition. `child` begins a single one with these `values`; `cancel` closes what runs
    beside the application; `rearm` starts a timer anew.
    """

    kind: Literal["notify", "document", "ledger", "set", "children", "child", "cancel", "rearm"]
    notify: str | None = None
    to: tuple[str, ...] = ()
    document: str | None = None
    ledger: Operation | None = None
    amount: Expression | None = None
    set: str | None = None
    """The field of the application that gets `value`; one of the child that moves as ``self.amount``."""
    value: Expression | None = None
    when: Expression | None = None
    """The field is set, or the money moved, only where this holds."""
    children: str | None = None
    each: str | None = None
    renew: str | None = None
    child: str | None = None
    values: Mapping[str, Expression] = field(default_factory=dict)
    cancel: Literal["reviews"] | None = None
    rearm: str | None = None

    @property
    def makes(self) -> str | None:
        """The kind of child that this begins. One that only moves them, or has them follow their table, makes none."""
        return self.child or (self.children if self.each is None and self.renew is None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A fact asked from the person who fires: text gives str, date date, money Money, integer int, decimal Decimal."""

    id: str
    type: InputType
    label: Text
    help: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An arrow: it leads to a state (`to`, or per source `back_to`) or ends the application with an outcome (`end`).

    One with `is_auto` happens by itself, in the transaction of the command that made its conditions true. One of a
    child has the child's kind before its id: ``tranche.pay``.
    """

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
    is_auto: bool = False
    meeting: Meeting | None = None
    """As what a decision meeting may prepare this; None where it may not."""
    max: int | None = None
    deadline: str | None = None
    not_same_actor_as: tuple[str, ...] = ()
    input: Mapping[str, Input] = field(default_factory=dict)

    def by_from(self, state: str) -> frozenset[str]:
        """The roles that may do this from `state`; none from a state it does not leave."""
        if state not in self.sources:
            return frozenset()
        return self.by_state.get(state, frozenset()) if self.by_state else self.by

    def destination(self, state: str) -> str | None:
        """Where it leads from `state`; None where it ends the application."""
        return self.back_to.get(state, self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Several people score one application in a state; `weights` by criterion add up to 100.

    `reserve` more people stand by for those who are recused. `discussed_by` may record that the committee talked a
    case over.
    """

    id: str
    label: Text
    state: str
    form: str
    by: str
    assigned_by: frozenset[str] = frozenset()
    group: str | None = None
    count: int = 1
    reserve: int = 0
    discussed_by: frozenset[str] = frozenset()
    conflicts: tuple[str, ...] = ("declared",)
    is_blind: bool = True
    """Nobody reads another's sheet before sending their own."""
    quorum: int = 1
    share: Decimal | None = None
    """Also this share of those assigned and not recused must have sent, where given."""
    weights: Mapping[str, int] = field(default_factory=dict)
    aggregate: Literal["mean", "median", "trimmed_mean", "min"] = "mean"
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
class Planned:
    """One line of a schedule that stands in the workflow: the fields of the child it makes, where `when` holds."""

    values: Mapping[str, Expression]
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A bounded machine beside the application, with forms and timers of its own where the file gives it any.

    One for each line of the table `field` of `form` (both empty where there is none), one for each of `rows` that
    holds, or begun one at a time by an effect. `key` is the field that names it among its kind; without one it has a
    running number. `columns` are its fields with their types; `ledger` is what its transitions may do with money. Its
    events stand in the application's own chain.
    """

    id: str
    label: Text
    labels: Mapping[str, Text] = field(default_factory=dict)
    """What people call its fields."""
    form: str = ""
    field: str = ""
    key: str = ""
    rows: tuple[Planned, ...] = ()
    max: int
    columns: Mapping[str, str]
    forms: tuple[str, ...] = ()
    """The forms that each child has for itself."""
    ledger: tuple[str, ...] = ()
    states: Mapping[str, State]
    transitions: Mapping[str, Transition]
    initial: str

    def transitions_from(self, state: str) -> list[Transition]:
        """What may be done with a child in `state`, in the file's order."""
        return [t for t in self.transitions.values() if state in t.sources]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom to tell with `template` when a timer is overdue for `after`."""

    after: Duration
    to: tuple[str, ...]
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked: those of `week` (0 is Monday) that are no public holiday of `country` (and `region`)."""

    week: frozenset[int] = frozenset(range(5))
    country: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """How applications of version `source` come to this one: where their states, timers and fields go.

    States in `hold` stay behind on their old version; a timer is kept, rearmed or cancelled.
    """

    source: int
    states: Mapping[str, str] = field(default_factory=dict)
    hold: frozenset[str] = frozenset()
    timers: Mapping[str, Literal["keep", "rearm", "cancel"]] = field(default_factory=dict)
    fields: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A warning of the checker at a place (dotted path) that somebody answers for by name."""

    code: str
    at: str
    because: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A due moment that runs in `states`: `at` an instant of the facts, or `after` a time from entering the state.

    `then` is the transition the system starts when it is due plus `grace`; if that is refused, `if_blocked` is told.
    Reminders go out `remind` before, to `to`; the late notice again every `repeat`. One with `is_sla` stands still
    while the application is elsewhere and goes on when it comes back.
    """

    id: str
    label: Text
    states: tuple[str, ...]
    """States of the application; or of one kind of child, each with the kind before it: ``report.open``."""
    at: Expression | None = None
    after: Duration | None = None
    grace: Duration | None = None
    end_of_day: bool = False
    remind: tuple[Duration, ...] = ()
    remind_with: str | None = None
    overdue_with: str | None = None
    to: tuple[str, ...] = ()
    then: str | None = None
    repeat: Duration | None = None
    escalate: Escalation | None = None
    if_blocked: tuple[str, ...] = ()
    is_sla: bool = False

    @property
    def child(self) -> str:
        """The kind of child it is of, each of which then has one of its own; empty for the application's."""
        return self.states[0].rpartition(".")[0] if self.states else ""


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
    children: Mapping[str, Child] = field(default_factory=dict)
    phases: Mapping[str, Phase] = field(default_factory=dict)
    calendar: Calendar = Calendar()
    migrations: tuple[Migration, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    """The texts of the mails and documents it names, by path below `templates/`, as they were when it was pinned."""
    examples: tuple[Example, ...] = field(default=(), repr=False, compare=False)
    """The stories that show what it means; of a file of their own only where they were asked for."""
    examples_file: str | None = None
    """The file of its examples, beside its own; it says nothing about what the rules are, so no digest covers it."""
    places: Mapping[str, tuple[str, int, int]] = field(default_factory=dict, repr=False)
    """File, line and column of each part, by dotted path, for whoever reports on it."""
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    own_forms: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """The forms that children have for themselves, each with the kind it belongs to."""
    prefilled: frozenset[str] = field(init=False, repr=False, compare=False)
    """The forms some answers of which begin as a copy of something else."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        own = {form: kind for kind, child in self.children.items() for form in child.forms}
        object.__setattr__(self, "own_forms", own)
        copied = (name for name, form in self.forms.items() if any(each.source for each in form.fields.values()))
        object.__setattr__(self, "prefilled", frozenset(copied))

    @property
    def working_days(self) -> WorkingDays:
        """The days that its calendar counts as worked."""
        return WorkingDays(self.calendar.week, self.calendar.country, self.calendar.region)

    def after(self, length: Duration, instant: datetime) -> datetime:
        """So long after an aware instant, in UTC, by its zone and calendar."""
        return length.after(instant, self.zone, self.working_days)

    def before(self, length: Duration, instant: datetime) -> datetime:
        """So long before an aware instant, in UTC, by its zone and calendar."""
        return length.before(instant, self.zone, self.working_days)

    @property
    def answer_forms(self) -> dict[str, Form]:
        """The forms whose answers make up ``application``: no score sheets and no child's own, in the file's order."""
        others = {review.form for review in self.reviews.values()} | self.own_forms.keys()
        return {name: form for name, form in self.forms.items() if name not in others}

    def timers_of(self, child: str = "") -> dict[str, Timer]:
        """The timers of the application itself, or of a kind of child."""
        return {name: timer for name, timer in self.timers.items() if timer.child == child}

    def state_of(self, name: str) -> State | None:
        """A state of the application by its id, or one of a child as ``report.open``."""
        kind, dot, state = name.rpartition(".")
        child = self.children.get(kind)
        return (child.states.get(state) if child else None) if dot else self.states.get(name)

    def transitions_from(self, state: str) -> list[Transition]:
        """What may be done in `state`, in the file's order."""
        return [t for t in self.transitions.values() if state in t.sources]

    def child_of(self, transition: str) -> Child | None:
        """The kind of child whose transition this is; None for one of the application itself."""
        kind, dot, _ = transition.partition(".")
        return self.children.get(kind) if dot else None

    def find(self, transition: str) -> Transition | None:
        """A transition of the application by its id, or one of a child as ``tranche.pay``."""
        found = self.transitions.get(transition)
        if found is not None:
            return found
        child = self.child_of(transition)
        return None if child is None else child.transitions.get(transition)

    def every_transition(self) -> Iterator[Transition]:
        """Those of the application, then those of its children."""
        yield from self.transitions.values()
        for child in self.children.values():
            yield from child.transitions.values()

    @property
    def tasks(self) -> dict[str, Task]:
        """Every task of every state; ids are unique in a workflow."""
        return {name: task for state in self.states.values() for name, task in state.tasks.items()}

    def application_values(
        self, answers: Mapping[str, Mapping[str, Any]], currency: str | None = None
    ) -> dict[str, Any]:
        """The typed fields of ``application`` from stored answers by form; what is not answered is None or empty."""
        values: dict[str, Any] = {}
        for name, form in self.answer_forms.items():
            values.update(form.values(answers.get(name, {}), currency or self.currency))
        return values
