"""The states of a scenario file: the ways out of each with their shares, and what everything there takes.

Refuses a way that does not leave the state, shares that do not add up, and a role that may not do the step or has
nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fundflow.simulation import format, measures
from fundflow.simulation.assumptions import Effort, Staff, Stay, Way
from fundflow.workflow.definition import SYSTEM, State, Workflow
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place


def stays(top: Mapping[str, Place], workflow: Workflow, staff: Mapping[str, Staff]) -> dict[str, Stay]:
    """Every state that the file describes; one with a single way out need not be described."""
    found: dict[str, Stay] = {}
    for name, place in (top["states"].entries("state") if "states" in top else {}).items():
        if name not in workflow.states:
            place.error("SC102", f"there is no state '{name}'{did_you_mean(name, workflow.states)}", key=True)
            continue
        state = workflow.states[name]
        if state.is_final:
            place.error("SC102", f"'{name}' is final: nothing happens there", key=True)
            continue
        inner = place.settings(format.State, what=f"the state '{name}'")
        parts = {part: inner[part].entries(part[:-1]) for part in ("tasks", "forms", "signatures") if part in inner}
        found[name] = Stay(
            ways=_ways(inner["ways"], workflow, state, staff) if "ways" in inner else {},
            tasks=_efforts(parts.get("tasks", {}), {k: t.by for k, t in state.tasks.items()}, workflow, staff, name),
            forms=_efforts(parts.get("forms", {}), editors(state), workflow, staff, name),
            signatures=_efforts(parts.get("signatures", {}), signers(state), workflow, staff, name),
            limit=inner["limit"].duration() if "limit" in inner else None,
        )
    for name, state in workflow.states.items():
        leaving = workflow.transitions_from(name)
        if not (found[name].ways if name in found else ()) and len(leaving) == 1 and not state.is_final:
            found[name] = replace(found.get(name, Stay()), ways={leaving[0].id: Way(share=1.0)})
    return found


def editors(state: State) -> dict[str, frozenset[str]]:
    """The forms that are written in a state, with the roles that write them."""
    forms = dict.fromkeys(form for names in state.edit.values() for form in names)
    return {form: frozenset(role for role, names in state.edit.items() if form in names) for form in forms}


def signers(state: State) -> dict[str, frozenset[str]]:
    """The parties that sign in a state, with the role of each."""
    parties = state.signatures.parties if state.signatures is not None else {}
    return {party: frozenset({role}) for party, role in parties.items()}


def _efforts(
    places: Mapping[str, Place],
    known: Mapping[str, frozenset[str]],
    workflow: Workflow,
    staff: Mapping[str, Staff],
    state: str,
) -> dict[str, Effort]:
    found = {}
    for name, place in places.items():
        if name not in known:
            kind = str(place.path[-2])[:-1]
            place.error("SC102", f"'{state}' has no {kind} '{name}'{did_you_mean(name, known)}", key=True)
        elif (effort := steps_effort(place, workflow, known[name], staff, state)) is not None:
            found[name] = effort
    return found


def _ways(place: Place, workflow: Workflow, state: State, staff: Mapping[str, Staff]) -> dict[str, Way]:
    leaving = {t.id: t for t in workflow.transitions_from(state.id)}
    shares: dict[str, float | None] = {}
    efforts: dict[str, Effort] = {}
    is_whole = True
    for name, each in place.entries("transition").items():
        if name not in leaving:
            known = workflow.transitions.get(name)
            why = (
                f"'{name}' does not leave '{state.id}', only {listed(known.sources)}"
                if known is not None
                else f"there is no transition '{name}' out of '{state.id}'{did_you_mean(name, leaving)}"
            )
            each.error("SC102", why, key=True)
            is_whole = False
            continue
        inner = each.settings(format.Way, what=f"the way '{name}'")
        shares[name] = None
        if "share" in inner:
            shares[name] = measures.share(inner["share"])
            is_whole = is_whole and shares[name] is not None
        by = leaving[name].by_from(state.id)
        if by == {SYSTEM} and not leaving[name].is_auto and not started_by(workflow, name, state.id):
            each.error("SC109", f"only the system does '{name}', and no timer starts it in '{state.id}'", key=True)
        efforts[name] = _effort(inner, each, workflow, by, staff, state.id) or Effort()
    return {name: Way(share=share, effort=efforts[name]) for name, share in _whole(place, shares, is_whole).items()}


def _whole(place: Place, shares: Mapping[str, float | None], is_whole: bool) -> dict[str, float]:
    """The shares with the one that is left out filled in; they must add up to 1."""
    open_ = [name for name, share in shares.items() if share is None]
    given = {name: share for name, share in shares.items() if share is not None}
    total = sum(given.values())
    if not is_whole or not shares:
        if not shares and is_whole:
            place.error("SC103", "name at least one way out", key=True)
        return {name: share or 0.0 for name, share in shares.items()}
    if len(open_) > 1:
        place.error("SC103", f"only one way may leave out its share, not {listed(open_)}", key=True)
    elif total > 1 + measures.TOLERANCE or (not open_ and total < 1 - measures.TOLERANCE):
        place.error("SC103", f"the shares of '{place.path[-2]}' add up to {round(total, 4)}, not 1", key=True)
    return {name: max(0.0, round(1 - total, 9)) if share is None else share for name, share in shares.items()}


def started_by(workflow: Workflow, transition: str, state: str) -> list[str]:
    """The timers that start this transition in this state."""
    return [timer.id for timer in workflow.timers.values() if timer.then == transition and state in timer.states]


def steps_effort(
    place: Place, workflow: Workflow, by: Collection[str], staff: Mapping[str, Staff], state: str
) -> Effort | None:
    """What a step takes; the role that does it is the only one of `by` that has staff, unless it is named."""
    return _effort(place.settings(format.Effort), place, workflow, by, staff, state)


def _effort(
    inner: Mapping[str, Place],
    place: Place,
    workflow: Workflow,
    by: Collection[str],
    staff: Mapping[str, Staff],
    state: str,
) -> Effort | None:
    role = None
    if "by" in inner:
        role = inner["by"].named(workflow.roles, "role", "SC102")
        if role is not None and role not in by:
            inner["by"].error("SC108", f"'{role}' may not do this; {listed(sorted(by))} may")
            return None
    days = measures.distribution(inner["days"], unit="days") if "days" in inner else None
    hours = measures.distribution(inner["hours"], unit="hours") if "hours" in inner else None
    before = None
    if "before" in inner:
        before = inner["before"].named(workflow.timers, "timer", "SC102")
        if before is not None and state not in workflow.timers[before].states:
            inner["before"].error("SC102", f"the timer '{before}' does not run in '{state}'")
        if "days" not in inner:
            inner["before"].error("SC107", "say in days: how long before it is due", key=True)
    if hours is not None and role is None:
        able = [name for name in workflow.roles if name in by and name in staff]
        if not able:
            whose = [name for name in workflow.roles if name in by]
            teams = [name for name in whose if workflow.roles[name].kind == "team"]
            hint = "say in staff how many people there are" + (", or give days: instead of hours:" if teams else "")
            place.error(
                "SC108", f"nobody is there to do this: {listed(whose) or 'the system'} has no staff; {hint}", key=True
            )
            return None
        role = able[0]
    elif hours is not None and role is not None and role not in staff:
        place.error("SC108", f"nobody is there to do this: '{role}' has no staff", key=True)
    return Effort(by=role, days=days, hours=hours, before=before)
