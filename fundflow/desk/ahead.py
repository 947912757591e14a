"""The way of an application as one reader is shown it: the path, what comes next, who acts, and what is due.

It describes the rules and repeats decisions; it decides nothing, and says nothing of a state that is disguised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import gettext

from fundflow.desk.panels import Checklist, Signing, Table
from fundflow.desk.viewer import Viewer
from fundflow.lifecycle.models import Application
from fundflow.rounds import process
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import SYSTEM, State, Workflow

OF_EVERYONE = frozenset({"signed", "complete"})
"""What a city may know of why a step has not happened by itself; the rest is the fund's own work."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the path; a phase has its states as parts as long as the application is in it."""

    label: str
    state: str
    hint: str = ""
    url: str = ""
    parts: list[Stop] = field(default_factory=list)


def path(workflow: Workflow, shown: str, ended: str, has_ended: bool, viewer: Viewer) -> list[Stop]:
    """The states in order, or where the workflow groups them its phases; an end off the path closes it."""
    hidden = {
        name
        for name, state in workflow.states.items()
        if viewer.sight.shown(name) != name or (state.final == "failure" and name != shown)
    }
    groups = [
        (phase.label.in_(viewer.language), [workflow.states[state] for state in phase.states if state not in hidden])
        for phase in workflow.phases.values()
    ]
    states = [state for state in workflow.states.values() if state.id not in hidden]
    if not workflow.phases:
        return _closed(_stops(states, shown, has_ended, viewer.language, bool(ended)), ended)
    stops: list[Stop] = []
    is_reached = False
    is_off = bool(ended) or workflow.states[shown].final == "failure"  # nothing lies ahead any more
    for label, members in groups:
        is_here = any(state.id == shown for state in members)
        if is_off and is_reached:
            break
        is_done = (not is_reached and not is_here) or (is_here and has_ended and members[-1].id == shown)
        parts = _stops(members, shown, has_ended, viewer.language, is_off) if is_here else []
        stops.append(Stop(label, "current" if is_here and not is_done else "done" if is_done else "next", parts=parts))
        is_reached = is_reached or is_here
    return _closed(stops, ended)


def _closed(stops: list[Stop], ended: str) -> list[Stop]:
    return [*stops, Stop(ended, "current")] if ended else stops


def _stops(states: Sequence[State], shown: str, has_ended: bool, language: str, is_off: bool) -> list[Stop]:
    at = next((index for index, state in enumerate(states) if state.id == shown), 0)
    found = []
    for index, state in enumerate(states):
        if is_off and index > at:
            break
        is_done = index < at or (index == at and has_ended)
        found.append(Stop(state.label.in_(language), "done" if is_done else "current" if index == at else "next"))
    return found


def lines(
    workflow: Workflow,
    application: Application,
    viewer: Viewer,
    checklist: Checklist | None,
    signing: Signing | None,
    tables: Sequence[Table],
    by_itself: Sequence[Decision],
) -> list[str]:
    """Who may do what next, as far as this person is shown where it stands."""
    sight, language = viewer.sight, viewer.language
    shown = sight.shown(application.state)
    alike = sight.alike(shown)
    if application.outcome is not None or workflow.states[shown].is_final:
        return []
    found = process.scoring(workflow, shown, language)
    if checklist is not None and checklist.is_now:
        found += [
            _("%(who)s: “%(what)s” is still to be done.", who=task.who, what=task.label)
            for task in checklist.tasks
            if not task.result
        ]
    if signing is not None and signing.is_now:
        found += _to_sign(signing)
    for table in tables:
        found += [
            _("%(what)s: %(step)s", what=row.name, step=step)
            for row in table.rows[: table.current]
            for step in row.next
        ]
    found += [
        process.leads(workflow, each, shown, language)
        for each in workflow.transitions_from(shown)
        if each.by_from(shown) != {SYSTEM}
        and (each.destination(shown) == shown or each.destination(shown) not in alike)
    ]
    if viewer.is_shown(application.state):
        found += [_by_itself(workflow, each, viewer) for each in by_itself]
    return found


def _to_sign(signing: Signing) -> list[str]:
    if not signing.is_ready:
        return [_("“%(document)s” is being prepared; then it can be signed.", document=signing.title)]
    missing = [party for party in signing.parties if party.at is None]
    if signing.in_order:
        return [
            _("%(who)s signs “%(document)s”.", who=party.who, document=signing.title)
            if number == 0
            else _("Then %(who)s signs “%(document)s”.", who=party.who, document=signing.title)
            for number, party in enumerate(missing)
        ]
    return [_("%(who)s signs “%(document)s”.", who=party.who, document=signing.title) for party in missing]


def _by_itself(workflow: Workflow, decision: Decision, viewer: Viewer) -> str:
    """As soon as everyone has signed, it goes on to “Under implementation” by itself. Still to sign: City team."""
    step = workflow.transitions[decision.transition]
    to = workflow.states[decision.to].label.in_(viewer.language) if decision.to else step.label.in_(viewer.language)
    kinds = {when.kind for when in step.when}
    if kinds == {"signed"}:
        says = _("As soon as everyone has signed, it goes on to “%(where)s” by itself.", where=to)
    elif kinds == {"tasks"}:
        says = _("As soon as the checklist is done, it goes on to “%(where)s” by itself.", where=to)
    elif kinds == {"quorum"}:
        says = _("As soon as enough reviews are sent, it goes on to “%(where)s” by itself.", where=to)
    else:
        says = _("As soon as everything for it is there, it goes on to “%(where)s” by itself.", where=to)
    why = [
        clause.sentence(viewer.language)
        for clause in decision.clauses
        if not clause.passes and (viewer.is_of_fund or clause.kind in OF_EVERYONE)
    ]
    return " ".join([says, *dict.fromkeys(why)])


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
