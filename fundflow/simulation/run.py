"""One round from its opening to its end, event by event: applications move, people work, timers run out.

Every draw comes from one random source, so a seed decides the run. Nothing loops for ever: an application that has been
in `MOST_VISITS` states is taken out and counted as endless.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from heapq import heappop, heappush
from math import ceil
from random import Random
from typing import Any

from fundflow.simulation.arrivals import hours_of_arrival
from fundflow.simulation.days import DAY, Days
from fundflow.simulation.lateness import close, tell
from fundflow.simulation.log import Case, Desk, Job, Log, Paper, ReviewLog, StateLog
from fundflow.simulation.model import NONE, Model, State, Timer, Way, Work

MOST_VISITS = 1_000
SAMPLE_DAYS = 7
_ARRIVE, _WAITED, _WORKED, _FIRE, _DUE, _SAMPLE = range(6)
_STEP, _NEED, _SIGN, _CHOSEN, _SHEET = range(5)


def once(model: Model, random: Random, days: Days | None = None, *, keeps_passes: bool = False) -> Log:
    """One run. `days` may be shared by runs of the same model, for they all look up the same days."""
    return _Run(model, random, days or days_of(model), keeps_passes).go()


def days_of(model: Model) -> Days:
    """The days of a model, from the opening."""
    return Days(model.opens.date(), model.calendar)


class _Run:
    def __init__(self, model: Model, random: Random, days: Days, keeps_passes: bool) -> None:
        self.model, self.random, self.days = model, random, days
        self.heap: list[tuple[float, int, int, Any, int, int]] = []
        self.number = 0
        self.left = model.budget
        self.log = Log(
            states=[StateLog() for _ in model.states],
            desks=[
                [Desk(1, d.hours) for _ in range(d.people)] if d.is_personal else [Desk(d.people, d.hours)]
                for d in model.desks
            ],
            reviews=[ReviewLog() for _ in model.reviews],
            timers=[[0, 0] for _ in model.timers],
            samples=[],
            passes=[] if keeps_passes else None,
            papers=[] if keeps_passes else None,
        )
        self.open = 0

    def push(self, at: float, kind: int, what: Any, visit: int = 0, more: int = 0) -> None:
        self.number += 1
        heappush(self.heap, (at, self.number, kind, what, visit, more))

    def go(self) -> Log:
        model, heap, log = self.model, self.heap, self.log
        arrivals = hours_of_arrival(model, self.random)
        log.cases = [Case(number, model.amount.draw(self.random)) for number in range(len(arrivals))]
        for case, at in zip(log.cases, arrivals, strict=True):
            self.push(at, _ARRIVE, case)
        self.open = len(arrivals)
        self.push(0.0, _SAMPLE, None)
        now = 0.0
        while heap and self.open:
            at, _, kind, what, visit, more = heappop(heap)
            if at > model.until:
                now = model.until
                break
            now = at
            if kind == _WORKED:
                self.worked(what, now)
            elif kind == _WAITED:
                if what.case.visit == what.visit:
                    self.on_a_desk(what, now)
            elif kind == _SAMPLE:
                counts = [state.here for state in log.states]
                log.samples.append(array("L", counts + [sum(d.waiting for d in role) for role in log.desks]))
                if heap:
                    self.push(now + SAMPLE_DAYS * DAY, _SAMPLE, None)
            elif kind == _ARRIVE:
                what.came = now
                what.sent = None if model.into == model.initial else now
                self.note(what, "", now, model.into)
                self.enter(what, model.into, now)
            elif what.visit == visit:
                if kind == _FIRE:
                    self.fire(what, now)
                else:
                    self.run_out(what, model.timers[more], now)
        close(model, log, now)
        return log

    def note(self, case: Case, transition: str, now: float, state: int) -> None:
        if self.log.passes is not None:
            self.log.passes.append((case.number, transition, state, now))

    # Coming to a state, and leaving it

    def enter(self, case: Case, number: int, now: float) -> None:
        state, log = self.model.states[number], self.log.states[number]
        case.state, case.entered = number, now
        case.visit += 1
        log.area += log.here * (now - log.since)
        log.since = now
        log.here += 1
        log.came += 1
        log.most = max(log.most, log.here)
        if log.first is None:
            log.first = now
        if state.is_final:
            self.open -= 1
            return
        if case.visit > MOST_VISITS:
            self.log.endless += 1
            self.open -= 1
            case.outcome = "endless"
            return
        case.due = {}
        for timer in state.timers:
            self.start(case, timer, now)
        if state.limit is not None:
            case.limit = self.days.later(now, state.limit)
        self.choose(case, state, now, ())

    def start(self, case: Case, number: int, now: float) -> None:
        timer = self.model.timers[number]
        if timer.at is not None:
            due = timer.at
        elif timer.after is not None:
            due = self.days.later(now, timer.after)
        elif timer.drawn is not None:
            due = now + timer.drawn.draw(self.random) * DAY
        else:
            return
        if timer.end_of_day:
            due = (due // DAY + 1) * DAY - 1 / 3600
        case.due[number] = due
        if timer.then:
            acts = due if timer.grace is None else self.days.later(due, timer.grace)
            self.push(max(acts, now), _DUE, case, case.visit, number)

    def choose(self, case: Case, state: State, now: float, left_out: Collection[str], *, again: bool = False) -> None:
        """Draw the way that the application will take; where there is none, it stays until a timer moves it."""
        ways = [
            way
            for way in state.ways
            if way.share > 0 and way.id not in left_out and not (way.limit and case.used.get(way.id, 0) >= way.limit)
        ]
        total = sum(way.share for way in ways)
        at = self.random.random() * total
        case.way = None
        for way in ways:
            at -= way.share
            if at <= 0:
                case.way = way
                break
        else:
            case.way = ways[-1] if ways else None
        if case.way is None or case.way.waits:
            return
        if again:
            self.begin(case, case.way.step, _STEP, now)
        else:
            self.set_out(case, case.way, now)

    def set_out(self, case: Case, way: Way, now: float) -> None:
        """Begin all that must be there before the step of the way itself."""
        in_turn = way.in_order and way.signs
        case.signed = case.sheets = 0
        case.waiting = len(way.needs) + (1 if in_turn else len(way.signs)) + (way.review != NONE)
        if way.choosing is not None:
            case.waiting += 1
        if case.waiting == 0:
            self.begin(case, way.step, _STEP, now)
            return
        # Reviewers who are chosen here work in a later state.
        for work in way.needs if way.choosing is None else (*way.needs, way.choosing):
            self.begin(case, work, _NEED, now)
        for work in way.signs[:1] if in_turn else way.signs:
            self.begin(case, work, _SIGN, now)
        if way.review != NONE:
            self.begin(case, self.model.reviews[way.review].choosing, _CHOSEN, now)

    def leave(self, case: Case, now: float) -> None:
        state, log = self.model.states[case.state], self.log.states[case.state]
        log.area += log.here * (now - log.since)
        log.since = now
        log.here -= 1
        log.stays.append(now - case.entered)
        if state.limit is not None:
            if now > case.limit:
                log.limit_missed += 1
            else:
                log.limit_kept += 1
        for timer in state.timers:
            if not self.model.timers[timer].then:
                tell(self.model.timers[timer], timer, case, self.log.timers[timer], self.days, now)
        for job in case.jobs:
            if job.is_waiting and job.desk is not None:
                job.is_waiting = False
                job.desk.count(now, -1)
        case.jobs = []

    # Work

    def begin(
        self, case: Case, work: Work, what: int, now: float, desk: Desk | None = None, sheet: Paper | None = None
    ) -> None:
        """Wait, then put it on the desk's pile; what takes nothing is done at once."""
        random = self.random
        if work.days is None and work.hours is None:
            if what == _STEP:
                self.push(now, _FIRE, case, case.visit)
            else:
                self.after(case, what, now)
            return
        hours = 0.0 if work.hours is None else work.hours.draw(random)
        if work.hours is not None and desk is None:
            desk = self.shortest(work.desk)
        elif work.hours is None:
            desk = None
        job = Job(case, what, hours, desk, sheet)
        if work.days is None:
            self.on_a_desk(job, now)
            return
        wait = work.days.draw(random) * DAY
        at = now + wait if work.before == NONE else max(now, case.due.get(work.before, now) - wait)
        self.push(at, _WAITED, job)

    def shortest(self, desk: int) -> Desk:
        """The role's only pile, or the shortest of the piles of its people."""
        piles = self.log.desks[desk]
        return piles[0] if len(piles) == 1 else min(piles, key=lambda each: each.waiting - each.free)

    def on_a_desk(self, job: Job, now: float) -> None:
        desk = job.desk
        if desk is None:
            self.finish(job, now)
            return
        desk.asked += job.hours
        if desk.first is None:
            desk.first = now
        desk.last = now
        if desk.free:
            desk.free -= 1
            self.take(desk, job, now)
        else:
            job.is_waiting = True
            job.case.jobs.append(job)
            desk.pile.append(job)
            desk.count(now, 1)

    def take(self, desk: Desk, job: Job, now: float) -> None:
        desk.worked += job.hours
        self.push(self.days.done(now, job.hours, desk.a_day), _WORKED, job)

    def worked(self, job: Job, now: float) -> None:
        desk = job.desk
        if desk is None:
            return
        desk.ended = now
        if job.case.visit == job.visit:
            self.finish(job, now)
        while desk.pile:
            following = desk.pile.popleft()
            if following.is_waiting:
                following.is_waiting = False
                desk.count(now, -1)
                self.take(desk, following, now)
                return
        desk.free += 1

    def finish(self, job: Job, now: float) -> None:
        if job.sheet is not None:
            job.sheet.sent = now
        if job.what == _STEP:
            self.fire(job.case, now)
        else:
            self.after(job.case, job.what, now)

    def after(self, case: Case, what: int, now: float) -> None:
        """Something that the step waits for is there."""
        way = case.way
        if way is None:
            return
        if what == _CHOSEN:
            self.review(case, way.review, now)
            return
        if what == _SHEET:
            review, log = self.model.reviews[way.review], self.log.reviews[way.review]
            log.turnarounds.append(now - case.reviewed)
            if review.due is not None and now > self.days.later(case.reviewed, review.due):
                log.late += 1
            case.sheets += 1
            if case.sheets != case.needed:
                return
        if what == _SIGN and way.in_order:
            case.signed += 1
            if case.signed < len(way.signs):
                self.begin(case, way.signs[case.signed], _SIGN, now)
                return
        case.waiting -= 1
        if case.waiting == 0:
            self.begin(case, way.step, _STEP, now)

    def review(self, case: Case, number: int, now: float) -> None:
        """Ask people until enough are left without a conflict: those of the file, its reserve, then anybody else."""
        review, log, random = self.model.reviews[number], self.log.reviews[number], self.random
        papers = self.log.papers
        people = self.log.desks[review.desk] if review.desk != NONE else []
        order = list(people)
        random.shuffle(order)
        if review.picks_fewest:
            order.sort(key=lambda desk: desk.assigned)
        chosen: list[Desk] = []
        for asked, desk in enumerate(order):
            wanted = review.count if asked < review.count + review.reserve else review.quorum
            if len(chosen) >= wanted:
                break
            if review.conflict and random.random() < review.conflict:
                log.recused += 1
                if papers is not None:
                    papers.append(Paper(review.id, case.number, people.index(desk), now, is_recused=True))
            else:
                chosen.append(desk)
        case.reviewed = now
        case.needed = max(review.quorum, ceil(review.share * len(chosen)), len(chosen) if review.waits_for_all else 0)
        if len(chosen) < case.needed:
            log.short += 1
        for desk in chosen:
            desk.assigned += 1
            sheet = None
            if papers is not None:
                sheet = Paper(review.id, case.number, people.index(desk), now)
                papers.append(sheet)
            self.begin(case, review.sheet, _SHEET, now, desk, sheet)

    # Moving

    def fire(self, case: Case, now: float) -> None:
        way, state = case.way, self.model.states[case.state]
        if way is None:
            return
        due = case.due.get(way.deadline)
        if due is not None and now > self.acts_at(way.deadline, due):
            self.choose(case, state, now, {w.id for w in state.ways if w.deadline == way.deadline}, again=True)
            return
        if way.takes_money and not case.held and self.left is not None and case.amount > self.left:
            self.log.unfunded += 1
            self.choose(case, state, now, {w.id for w in state.ways if w.takes_money}, again=True)
            return
        self.move(case, way, now)

    def acts_at(self, timer: int, due: float) -> float:
        grace = self.model.timers[timer].grace
        return due if grace is None else self.days.later(due, grace)

    def run_out(self, case: Case, timer: Timer, now: float) -> None:
        self.move(case, timer.then[case.state], now)

    def move(self, case: Case, way: Way, now: float) -> None:
        came_from = case.state
        self.leave(case, now)
        case.used[way.id] = case.used.get(way.id, 0) + 1
        if case.sent is None and came_from == self.model.initial:
            case.sent = now
        if way.money:
            self.settle(case, way)
        if way.is_decision and not case.is_decided and case.sent is not None:
            case.is_decided = True
            self.log.decisions.append(now - case.sent)
        self.note(case, way.id, now, way.target)
        if way.target == NONE:
            case.outcome = way.outcome or way.id
            case.state = NONE
            case.visit += 1
            self.open -= 1
        else:
            self.enter(case, way.target, now)

    def settle(self, case: Case, way: Way) -> None:
        """Set the application's money aside once, and give back what is released or was not paid before a bad end."""
        if way.takes_money and not case.held:
            case.held = case.amount
            self.log.awarded += case.amount
            self.log.awards += 1
            if self.left is not None:
                self.left -= case.amount
        if "pay" in way.money:
            case.paid = case.held
        # What a close leaves unpaid is not known, for tranches are not played: after a good end all counts as paid.
        is_bad = way.target == NONE or self.model.states[way.target].is_failure
        if ("release" in way.money or ("close" in way.money and is_bad)) and case.held:
            if self.left is not None:
                self.left += case.held - case.paid
            self.log.released += case.held - case.paid
            case.held = case.paid
