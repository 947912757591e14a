"""The timers of a workflow file: when they are due, whom they tell, and what they start.

Refuses a timer that does nothing, and one that tells nobody.
"""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow import environment, format
from fundflow.workflow.child_files import environment_of
from fundflow.workflow.definition import Escalation, Timer
from fundflow.workflow.expressions import INSTANT, Expression, Type
from fundflow.workflow.expressions.check import expected
from fundflow.workflow.names import Names
from fundflow.workflow.reader import Place


def _moment(names: Names, place: Place, types: Mapping[str, Type]) -> Expression | None:
    """A moment, or a day: then the timer is due when that day ends."""
    at = names.expression(place, environment.moments(types), None)
    if at is not None and at.type.solid().kind != "date" and (message := expected(INSTANT, at.type)):
        place.error("FF110", message)
        return None
    return at


def timers(names: Names, top: dict[str, Place]) -> dict[str, Timer]:
    found: dict[str, Timer] = {}
    for name, place in (top["timers"].entries("timer") if "timers" in top else {}).items():
        settings = place.settings(format.Timer, what=f"the timer '{name}'")
        if ("at" in settings) == ("after" in settings):
            place.error("FF151", "a timer has either at: (a date or time) or after: (a length of time)", key=True)
        kind = next((each for each, timers in names.child_timers.items() if name in timers), "")
        types = environment_of(names, top, kind) if kind else names.environment
        at = _moment(names, settings["at"], types) if "at" in settings else None
        known = [f"{kind}.{state}" for state in names.child_states.get(kind, ())] if kind else names.states
        given = [p.named(known, "state", "FF101") for p in settings["in"].one_or_many()] if "in" in settings else []
        steps = [f"{kind}.{step}" for step in names.child_steps.get(kind, ())] if kind else names.transitions
        to = [names.role(p) for p in settings["to"].one_or_many()] if "to" in settings else []
        remind = [p.duration() for p in settings["remind"].one_or_many()] if "remind" in settings else []
        if ("remind" in settings) != ("remind_with" in settings):
            place.error("FF011", "remind says when and remind_with which mail: give both", key=True)
        if ("remind_with" in settings or "overdue_with" in settings) and not to:
            place.error("FF011", "say who is written to: to: <role>", key=True)
        if "repeat" in settings and "overdue_with" not in settings:
            settings["repeat"].error("FF011", "repeat says the late notice again: name it with overdue_with", key=True)
        if "if_blocked" in settings and "then" not in settings:
            settings["if_blocked"].error("FF011", "if_blocked is told when then: is refused: add then:", key=True)
        if "sla" in settings and "after" not in settings:
            settings["sla"].error("FF151", "only a length of time can stand still: sla goes with after:", key=True)
        blocked = [names.role(p) for p in settings["if_blocked"].one_or_many()] if "if_blocked" in settings else []
        if not any(key in settings for key in ("then", "overdue_with", "remind", "escalate")) and not _used(name, top):
            message = f"nothing happens when '{name}' runs out: add then:, overdue_with: or remind:"
            place.error("FF157", message, key=True)
        found[name] = Timer(
            id=name,
            label=names.label(settings, name, place),
            states=tuple(state for state in given if state),
            at=at,
            after=settings["after"].duration() if "after" in settings else None,
            grace=settings["grace"].duration() if "grace" in settings else None,
            end_of_day=settings["end_of_day"].flag() if "end_of_day" in settings else False,
            remind=tuple(duration for duration in remind if duration),
            remind_with=names.template(settings["remind_with"]) if "remind_with" in settings else None,
            overdue_with=names.template(settings["overdue_with"]) if "overdue_with" in settings else None,
            to=tuple(role for role in to if role),
            then=settings["then"].named(steps, "transition", "FF150") if "then" in settings else None,
            repeat=settings["repeat"].duration() if "repeat" in settings else None,
            escalate=_escalation(names, settings["escalate"]) if "escalate" in settings else None,
            if_blocked=tuple(role for role in blocked if role),
            is_sla=settings["sla"].flag() if "sla" in settings else False,
        )
    return found


def _escalation(names: Names, place: Place) -> Escalation | None:
    settings = place.settings(format.Escalation, what="escalate")
    after = settings["after"].duration() if "after" in settings else None
    to = [names.role(p) for p in settings["to"].one_or_many()] if "to" in settings else []
    template = names.template(settings["with"]) if "with" in settings else None
    if after is None or template is None:
        return None
    return Escalation(after=after, to=tuple(role for role in to if role), template=template)


def _used(timer: str, top: dict[str, Place]) -> bool:
    """A transition looks at this timer."""
    value = top["transitions"].value if "transitions" in top else None
    given = list(value.values() if isinstance(value, dict) else ())
    kinds = top["children"].value if "children" in top else None
    for child in kinds.values() if isinstance(kinds, dict) else ():
        steps = child.get("transitions") if isinstance(child, dict) else None
        given += steps.values() if isinstance(steps, dict) else ()
    for transition in given:
        if isinstance(transition, dict):
            if transition.get("deadline") == timer or f"timers.{timer}." in str(transition.get("when")):
                return True
            if f"'overdue': '{timer}'" in str(transition.get("when")):
                return True
    return False
