"""What is late: stays that outlast a timer which only tells, and what is still open when a run ends."""

from __future__ import annotations

from fundflow.simulation.days import DAY, Days
from fundflow.simulation.log import Case, Log
from fundflow.simulation.model import NONE, Model, Timer


def tell(timer: Timer, number: int, case: Case, counts: list[int], days: Days, now: float) -> None:
    """Count the stay that ends as in time or late; one that stands still elsewhere counts an application once."""
    if not timer.is_sla or timer.after is None:
        counts[now > case.due[number]] += 1
        return
    if timer.after.working_days:
        spent = case.spent.get(number, 0.0) + days.worked_time(case.entered, now)
        allowed = timer.after.working_days * DAY
    else:
        spent = case.spent.get(number, 0.0) + now - case.entered
        allowed = days.later(0.0, timer.after)
    is_new, case.spent[number] = number not in case.spent, spent
    if spent > allowed and number not in case.late:
        case.late.add(number)
        counts[1] += 1
        counts[0] -= not is_new
    elif is_new:
        counts[0] += 1


def close(model: Model, log: Log, now: float) -> None:
    """The last moment: what is still open is counted until now, and as late where it is late already."""
    log.ended_at = now
    for seen in log.states:
        seen.area += seen.here * (now - seen.since)
        seen.since = now if seen.here else seen.since
    for case in log.cases:
        if NONE in (case.visit, case.state) or case.outcome is not None:
            continue
        state = model.states[case.state]
        if state.is_final:
            continue
        if state.limit is not None and now > case.limit:
            log.states[case.state].limit_missed += 1
        for number in state.timers:
            timer = model.timers[number]
            if not timer.then and not timer.is_sla and now > case.due[number]:
                log.timers[number][1] += 1
    for role in log.desks:
        for desk in role:
            desk.count(now, 0)
