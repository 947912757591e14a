"""What an application collects, as one reader is shown it: the checklist, the signatures, and tables of its children.

Whether something may be done, the engine's decisions say; a panel that this reader may not know of is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from flask_babel import gettext

from fundflow import clock
from fundflow.applications.queries import answers_of_children
from fundflow.awards import queries as awards
from fundflow.awards.models import Document
from fundflow.awards.policy import may_read_documents
from fundflow.awards.titles import document_title
from fundflow.desk.viewer import Viewer
from fundflow.lifecycle import children, collected, timers
from fundflow.lifecycle.models import Application, Child, Signature, TaskResult, Timer
from fundflow.money import Money
from fundflow.payments import waits
from fundflow.rounds import process
from fundflow.web import reader
from fundflow.workflow import access, definition
from fundflow.workflow.decide import Decision, Situation, decide, reads
from fundflow.workflow.definition import SYSTEM, Workflow
from fundflow.workflow.forms import OwnForm

Decided = Mapping[tuple[str, str], Decision]
"""The decisions on acts, by act and subject."""


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a checklist. `options` are what it can come to, as (value, words); one value where it is ticked."""

    id: str
    label: str
    help: str
    who: str
    value: str
    result: str
    by: str
    at: datetime | None
    is_mine: bool
    refusals: list[str]
    options: list[tuple[str, str]]
    key: str = field(default_factory=lambda: str(uuid4()))


@dataclass(frozen=True, slots=True)
class Checklist:
    """The tasks of a state; only those of the present one can be done."""

    place: str
    is_now: bool
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Party:
    """Who signs, and whether they did."""

    id: str
    who: str
    name: str
    """As it was typed."""
    by: str
    """Whose account signed, in case that is another name."""
    at: datetime | None
    is_mine: bool
    may_sign: bool
    refusals: list[str]


@dataclass(frozen=True, slots=True)
class Signing:
    """A document and its parties in the order of the file."""

    kind: str
    title: str
    document: Document | None
    """The text of record, for those who may read it."""
    languages: int
    is_ready: bool
    in_order: bool
    is_now: bool
    parties: list[Party]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that may be done with a child, or not yet."""

    id: str
    label: str
    is_allowed: bool
    refusals: list[str]
    tone: str


@dataclass(frozen=True, slots=True)
class OwnLink:
    """A form that a child has for itself, and how many answers are missing where the reader may fill it in."""

    name: str
    label: str
    is_editable: bool
    missing: int


@dataclass(frozen=True, slots=True)
class Row:
    """One child: its columns as text in the reader's way of writing."""

    key: str
    name: str
    words: str
    """Its texts, such as the condition of a payment."""
    cells: list[str]
    place: str
    tone: str
    since: datetime
    steps: list[Step]
    next: list[str]
    forms: list[OwnLink] = field(default_factory=list)
    dues: list[tuple[str, datetime, bool]] = field(default_factory=list)
    """What must have happened by when, and whether that is past."""


@dataclass(frozen=True, slots=True)
class Table:
    """All children of a kind. `current` is how many rows to tell of under what happens next."""

    kind: str
    label: str
    columns: list[tuple[str, bool]]
    rows: list[Row]
    totals: list[tuple[str, Money]]
    current: int
    has_pages: bool = False
    """Each of them has a page of its own."""

    @property
    def has_forms(self) -> bool:
        return any(row.forms for row in self.rows)

    @property
    def has_steps(self) -> bool:
        return any(row.steps for row in self.rows)


def checklists(
    workflow: Workflow,
    application: Application,
    viewer: Viewer,
    results: Mapping[str, TaskResult],
    decided: Decided,
) -> list[Checklist]:
    """That of the present state first, then those of states that were left, as far as there are results."""
    found = []
    for state in workflow.states.values():
        is_now = state.id == application.state and application.outcome is None
        seen = [task for task in state.tasks.values() if viewer.may_see_task(workflow, state.id, task)]
        if not seen or not (is_now or any(task.id in results for task in seen)):
            continue
        tasks = [_task(workflow, each, viewer, results.get(each.id), decided) for each in seen]
        found.append(Checklist(state.label.in_(viewer.language), is_now, tasks))
    return sorted(found, key=lambda each: not each.is_now)


def _task(
    workflow: Workflow, task: definition.Task, viewer: Viewer, result: TaskResult | None, decided: Decided
) -> Task:
    language = viewer.language
    options = [(value, words.in_(language)) for value, words in task.values.items()]
    decision = decided.get(("task", task.id))
    value = result.value if result else ""
    return Task(
        id=task.id,
        label=task.label.in_(language),
        help=task.help.in_(language) if task.help else "",
        who=process.people(workflow, task.by, language),
        value=value,
        result=(dict(options).get(value, value) if options else _("Done")) if result else "",
        by=viewer.name_of(result.done_by) if result else "",
        at=result.done_at if result else None,
        is_mine=decision is not None and decision.allowed,
        refusals=_refusals(decision, language),
        options=options or [(collected.DONE, _("Done"))],
    )


def signing(
    workflow: Workflow,
    application: Application,
    viewer: Viewer,
    signatures: Sequence[Signature],
    decided: Decided,
) -> Signing | None:
    """The signatures of the present state, or those that were given in an earlier one."""
    signed = {row.state for row in signatures}
    places = [state for state in workflow.states.values() if state.signatures is not None]
    state = next((each for each in places if each.id == application.state), None)
    state = state or next((each for each in reversed(places) if each.id in signed), None)
    if state is None or not viewer.may_see_signing(workflow, state.id):
        return None
    asked = state.signatures
    assert asked is not None  # noqa: S101 - only such states were looked at
    is_now = state.id == application.state and application.outcome is None
    document = awards.text_of_record(application, asked.document)
    by_party = {row.party: row for row in signatures if row.state == state.id}
    return Signing(
        kind=asked.document,
        title=document_title(asked.document),
        document=document if may_read_documents(viewer.actor, application) else None,
        languages=awards.languages_of(document) if document is not None else 0,
        is_ready=document is not None and document.is_ready,
        in_order=asked.in_order,
        is_now=is_now,
        parties=[
            _party(workflow, party, role, by_party.get(party), decided.get(("sign", party)), viewer)
            for party, role in asked.parties.items()
        ],
    )


def _party(
    workflow: Workflow, party: str, role: str, row: Signature | None, decision: Decision | None, viewer: Viewer
) -> Party:
    return Party(
        id=party,
        who=workflow.roles[role].label.in_(viewer.language),
        name=row.name if row else "",
        by=viewer.name_of(row.signed_by) if row else "",
        at=row.signed_at if row else None,
        is_mine=decision is not None,
        may_sign=decision is not None and decision.allowed,
        refusals=[] if row else _refusals(decision, viewer.language),
    )


def tables(
    workflow: Workflow, application: Application, viewer: Viewer, decided: Sequence[tuple[Child, Sequence[Decision]]]
) -> list[Table]:
    """One table for each kind of child that has any."""
    found = []
    running = timers.of_children(application) if any(row.kind for row, _ in decided) else []
    kept = answers_of_children(application.id) if workflow.own_forms and decided else {}
    for kind in workflow.children.values():
        rows = [(row, decisions) for row, decisions in decided if row.kind == kind.id]
        if rows:
            found.append(_table(workflow, application, kind, rows, viewer, _Beside(running, kept)))
    return found


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the children of an application: their timers, and what they answered."""

    running: Sequence[Timer]
    kept: Mapping[str, Mapping[str, Any]]


def _table(
    workflow: Workflow,
    application: Application,
    kind: definition.Child,
    rows: Sequence[tuple[Child, Sequence[Decision]]],
    viewer: Viewer,
    beside: _Beside,
) -> Table:
    language, now = viewer.language, clock.now()
    names = [name for name in kind.columns if name != kind.key and kind.columns[name] != "string"]
    texts = [name for name in kind.columns if name != kind.key and kind.columns[name] == "string"]
    records = children.records_of(workflow, application, [row for row, _decisions in rows], beside.kept)
    by_key = {row.key: record for (row, _decisions), record in zip(rows, records, strict=True)}
    made = [
        Row(
            key=row.key,
            name=child_name(kind, row.key, language),
            words=" · ".join(record[name] for name in texts if record[name]),
            cells=[_written(record[name]) for name in names],
            place=kind.states[row.state].label.in_(language),
            tone=tone_of(kind, row.state),
            since=row.state_since,
            steps=[step_of(kind, each, language) for each in decisions],
            next=_next(workflow, application, kind, row, by_key, language) if application.outcome is None else [],
            forms=_own_forms(workflow, application, row, viewer, beside.kept),
            dues=[
                (workflow.timers[each.name].label.in_(language), each.due_at, each.due_at < now)
                for each in beside.running
                if each.subject == f"{row.kind}:{row.key}" and is_told(workflow.timers[each.name])
            ],
        )
        for (row, decisions), record in zip(rows, records, strict=True)
    ]
    open_rows = sum(not kind.states[row.state].is_final for row, _decisions in rows)
    # What is settled is told by its badge; of what is still planned, the first is enough.
    started = [each for each in made if each.next]
    return Table(
        kind=kind.id,
        label=kind.label.in_(language),
        columns=[(kind.labels[name].in_(language), kind.columns[name] in FIGURES) for name in names],
        rows=made,
        totals=_totals(kind, records, language),
        current=made.index(started[0]) + 1 if open_rows and started else 0,
        has_pages=kind.id in waits.kinds_paid(workflow),
    )


def facts_of(
    workflow: Workflow, application: Application, kind: definition.Child, row: Child, language: str
) -> list[tuple[str, str]]:
    """A child's fields under their labels."""
    record = children.fields_of(workflow, row)
    return [(kind.labels[name].in_(language), _written(record[name])) for name in kind.columns if name != kind.key]


def is_told(timer: definition.Timer) -> bool:
    """A due moment that people go by: what only lets something begin by itself is none."""
    return bool(timer.to or timer.remind or timer.overdue_with)


def _own_forms(
    workflow: Workflow, application: Application, row: Child, viewer: Viewer, kept: Mapping[str, Mapping[str, Any]]
) -> list[OwnLink]:
    has_ended = application.outcome is not None
    cell = access.own_cell(workflow, application.state, row.kind, row.state, viewer.roles, has_ended=has_ended)
    found = []
    for name in workflow.children[row.kind].forms:
        form = children.form_of(workflow, row, name) if name in cell.view else None
        if form is not None:
            whole, may = str(OwnForm(row.kind, row.key, name)), name in cell.edit
            missing = len(form.check(kept.get(whole, {}), application.currency)) if may else 0
            found.append(OwnLink(whole, form.title.in_(viewer.language), may, missing))
    return found


FIGURES = frozenset({"money", "integer", "decimal"})


def child_name(kind: definition.Child, key: str, language: str) -> str:
    """Tranche 2."""
    return _("%(kind)s %(key)s", kind=kind.label.in_(language), key=key)


def short(transition: str) -> str:
    """The id of a child's transition without its kind, as addresses carry it."""
    return transition.partition(".")[2]


def child_tone(kind: definition.Child, step: definition.Transition, state: str) -> str:
    """How a step's button looks: on is the main one, a failure is marked, back is plain."""
    to = step.destination(state)
    if to is None or kind.states[to].final == "failure":
        return "danger"
    order = list(kind.states)
    return "primary" if order.index(to) > order.index(state) else "secondary"


def is_open_to(
    workflow: Workflow,
    step: definition.Transition,
    row: Child,
    parent: str,
    roles: frozenset[str],
    records: Mapping[str, Mapping[str, object]],
    now: datetime,
) -> bool:
    """Whether a child can take the step, as far as it, its siblings and the state of its application tell."""
    if reads(workflow, step.id):
        return True
    siblings = tuple(record for key, record in records.items() if key != row.key)
    facts: dict[str, Any] = {"self": records[row.key], "siblings": siblings, "parent": {"state": parent}, "input": {}}
    situation = Situation(state=row.state, now=now, received_at=now, actor=None, roles=roles, facts=facts)
    return decide(workflow, step.id, situation).allowed


def step_of(kind: definition.Child, decision: Decision, language: str) -> Step:
    step = kind.transitions[decision.transition]
    state = next((source for source in step.sources if step.destination(source) == decision.to), step.sources[0])
    return Step(
        short(step.id),
        step.label.in_(language),
        decision.allowed,
        _refusals(decision, language),
        child_tone(kind, step, state),
    )


def _next(
    workflow: Workflow,
    application: Application,
    kind: definition.Child,
    row: Child,
    records: Mapping[str, Mapping[str, object]],
    language: str,
) -> list[str]:
    """Who can lead a child on, as things stand: nothing of a payment while its grant is suspended."""
    return [
        _(
            "%(who)s: “%(what)s” leads to “%(where)s”.",
            who=process.people(workflow, step.by_from(row.state) - {SYSTEM}, language),
            what=step.label.in_(language),
            where=kind.states[to].label.in_(language),
        )
        for step in kind.transitions_from(row.state)
        if step.by_from(row.state) != {SYSTEM}
        and (to := step.destination(row.state)) is not None
        and child_tone(kind, step, row.state) == "primary"
        and is_open_to(workflow, step, row, application.state, step.by_from(row.state), records, clock.now())
    ]


def tone_of(kind: definition.Child, state: str) -> str:
    match kind.states[state].final:
        case "success":
            return "success"
        case "failure":
            return "danger"
    return "neutral" if state == kind.initial else "info"


def _totals(kind: definition.Child, records: Sequence[Mapping[str, Any]], language: str) -> list[tuple[str, Money]]:
    """For each column of money what is planned in all, without what was dropped, and what has been settled."""
    found = []
    several = sum(given == "money" for given in kind.columns.values()) > 1
    for name in (name for name, given in kind.columns.items() if given == "money"):
        label = kind.labels[name].in_(language)
        kept = [(r[name], r["state"]) for r in records if r[name] and kind.states[r["state"]].final != "failure"]
        if not kept:
            continue
        zero = Money.zero(kept[0][0].currency)
        settled = next((s for s in kind.states.values() if s.final == "success"), None)
        planned = _("Planned in all") if not several else _("%(what)s, planned in all", what=label)
        found.append((planned, sum((money for money, _state in kept), zero)))
        if settled is not None:
            done = settled.label.in_(language)
            found.append(
                (
                    done if not several else _("%(what)s, %(state)s", what=label, state=done),
                    sum((money for money, state in kept if kind.states[state].final == "success"), zero),
                )
            )
    return found


def _written(value: Any) -> str:
    match value:
        case None | "":
            return "—"
        case Money():
            return reader.money(value)
        case date():
            return reader.day(value)
        case Decimal() | int():
            return reader.decimal(value)
    return str(value)


def _refusals(decision: Decision | None, language: str) -> list[str]:
    return [] if decision is None or decision.allowed else list(dict.fromkeys(decision.refusals(language)))


def people_in(results: Mapping[str, TaskResult], signatures: Sequence[Signature]) -> set[UUID]:
    """Everyone that the panels may name."""
    return {row.done_by for row in results.values()} | {row.signed_by for row in signatures}


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
