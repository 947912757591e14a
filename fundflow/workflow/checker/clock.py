"""Timers: what never fires, what fires for nothing, and reminders before the beginning."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.conditions import place_of
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import SYSTEM, Duration, Workflow


def timers(workflow: Workflow) -> Iterator[Finding]:
    started = {(timer.then, state) for timer in workflow.timers.values() if timer.then for state in timer.states}
    every = {effect.each or effect.renew for t in workflow.every_transition() for effect in t.do}
    for transition in workflow.every_transition():
        kind = transition.id.rpartition(".")[0]
        for source in () if transition.is_auto or transition.id in every else transition.sources:
            place = f"{kind}.{source}" if kind else source
            if transition.by_from(source) == {SYSTEM} and (transition.id, place) not in started:
                message = "only the system may do this, but no timer starts it"
                at = f"{place_of(workflow, transition)}.by"
                yield Finding("FF158", at, f"{message} in '{source}', so it never happens")
    for name, timer in workflow.timers.items():
        for state in timer.states:
            stands = workflow.state_of(state)
            if stands is not None and stands.is_final:
                yield Finding("FF154", f"timers.{name}.in", f"'{state}' is final; a timer there can do nothing")
        length = timer.after
        for remind in timer.remind if length else ():
            assert length is not None  # noqa: S101 - the loop is over nothing without it
            if _days(remind) >= _days(length):
                message = f"a reminder {remind} before the end is not before the start: the timer lasts only {length}"
                yield Finding("FF160", f"timers.{name}.remind", message)


def _days(length: Duration) -> float:
    """About how many days: a month has 30.4 of them, and seven stand for five that are worked."""
    return length.months * 30.4 + length.days + length.working_days * 1.4 + length.minutes / 1440


RULES = (timers,)
