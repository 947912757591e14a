"""Moments that meet or run out: two timers due at one instant, and working days beyond the known holidays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from itertools import combinations

from fundflow.workflow.checker.context import Context
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Timer, Workflow
from fundflow.workflow.durations import Duration, may_outlast

LIFE = 5
"""Years that an application may live, so that its last timer may begin so much after today."""


def at_once(workflow: Workflow) -> Iterator[Finding]:
    """Two timers that are always due at the same moment start different transitions from the same state."""
    for one, other in combinations(workflow.timers.values(), 2):
        shared = [state for state in one.states if state in other.states]
        if shared and one.then and other.then and one.then != other.then and _moment(one) == _moment(other):
            message = (
                f"'{one.id}' and '{other.id}' are due at the same instant in '{shared[0]}' and start '{one.then}' and"
                f" '{other.then}'; which comes first is chance"
            )
            yield Finding("FF208", f"timers.{other.id}", message)


def _moment(timer: Timer) -> tuple[object, ...]:
    length = timer.after
    after = (length.months, length.days, length.working_days, length.minutes) if length else None
    at = timer.at.source if timer.at else None
    # Timers of several states begin anew in each, but at a different moment only where the states differ.
    entered = timer.states if after and timer.is_sla else ()
    return (at, after, timer.grace, timer.end_of_day, entered)


def outlast(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """A length of working days may end in a year whose holidays nobody knows."""
    if context.today is None:
        return
    calendar = workflow.working_days
    begins = datetime.combine(context.today.replace(year=context.today.year + LIFE, day=1), time(12), UTC)
    lengths: list[tuple[str, Duration | None]] = []
    for name, timer in workflow.timers.items():
        lengths.append((f"timers.{name}.after", timer.after))
        lengths.append((f"timers.{name}.escalate", timer.escalate.after if timer.escalate else None))
    lengths += [(f"reviews.{name}.due", review.due) for name, review in workflow.reviews.items()]
    for at, length in lengths:
        if length is not None and may_outlast(length, calendar, begins, workflow.zone):
            message = (
                f"a length of {length} that begins within {LIFE} years may end after {calendar.last_year}, the last"
                f" year whose holidays are known in {workflow.calendar.country}"
            )
            yield Finding("FF207", at, message)


RULES = (at_once,)
WIDER_RULES = (outlast,)
