"""A scenario from the history of a round: what was seen there, and invented figures where nothing was seen.

Times are whole times: what an event log does not tell is how much of a week was work and how much was waiting for it.
So a fitted scenario has `days` and no queues; of reviewers it has their number and how often each was asked. Whoever
asks what more people would do puts `hours` in their place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fundflow.simulation import defaults
from fundflow.simulation.assumptions import (
    NO_MONEY,
    Arrivals,
    Effort,
    Opening,
    Rush,
    Scenario,
    Sheets,
    Staff,
    Stay,
    Way,
)
from fundflow.simulation.days import DAY, Days
from fundflow.simulation.distributions import Distribution, Observed
from fundflow.simulation.estimates import Lasting, lengths, shares, thinned
from fundflow.simulation.history import History, Sheet, Visit
from fundflow.simulation.paths import is_known
from fundflow.simulation.stays import started_by
from fundflow.workflow.definition import SYSTEM, Review, Timer, Transition, Workflow

FEW = 5
"""Figures from fewer stays than this are named in the note."""
_RUSH_DAYS = (1, 2, 3, 5, 7, 10, 14)


def fitted(workflow: Workflow, history: History) -> Scenario:
    """The scenario that this history suggests. States that nobody left are as in the default scenario."""
    return _Fitting(workflow, history).scenario()


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """One visit to a state in which it was reviewed: its sheets, and when the step after them could be taken."""

    visit: Visit
    sheets: tuple[Sheet, ...]
    at_quorum: float | None
    at_all: float | None


class _Fitting:
    def __init__(self, workflow: Workflow, history: History) -> None:
        self.workflow, self.history = workflow, history
        self.begun = defaults.default(workflow)
        self.days = Days(history.opens, workflow.working_days)
        self.reviewed = {name: self._reviewed(review) for name, review in workflow.reviews.items()}
        self.waits_for_all = {name: self._waits_for_all(each) for name, each in self.reviewed.items()}

    def scenario(self) -> Scenario:
        history, lastings = self.history, self.history.lastings()
        states, unseen, few = dict(self.begun.states), [], []
        for name in self.begun.states:
            ended = sum(each.end is not None for each in lastings.get(name, ()))
            if ended:
                states[name] = self._stay(name, lastings[name])
            if not ended:
                unseen.append(name)
            elif ended < FEW:
                few.append(name)
        arrivals = [at for at, _ in history.arrivals]
        initial = self._first_state()
        return Scenario(
            id=f"fitted-{history.name}",
            title=f"As in {history.name}",
            note=self._note(len(arrivals), unseen, few),
            workflow=self.workflow.id,
            opening=Opening(
                opens=history.opens,
                closes=history.closes,
                budget=history.budget,
                amount=thinned(history.amounts) if history.amounts else NO_MONEY,
            ),
            arrivals=Arrivals(into=initial, count=len(arrivals), rush=rush(arrivals, history.closing)),
            staff=self._staff(),
            states=states,
            reviews={name: self._sheets(review) for name, review in self.workflow.reviews.items()},
            timers=self._timers(lastings),
            until=self.begun.until,
        )

    def _first_state(self) -> str:
        first: dict[int, Visit] = {}
        for visit in self.history.visits:
            if visit.application not in first or visit.came < first[visit.application].came:
                first[visit.application] = visit
        counts = Counter(visit.state for visit in first.values())
        return counts.most_common(1)[0][0] if counts else self.workflow.initial

    def _stay(self, state: str, seen: Sequence[Lasting]) -> Stay:
        ways = {}
        for name, share in shares(seen).items():
            t = self.workflow.transitions[name]
            ways[name] = Way(share=share, effort=self._effort(t, state, seen))
        ordered = {t.id: ways[t.id] for t in self.workflow.transitions_from(state) if t.id in ways}
        return Stay(ways=ordered)

    def _effort(self, t: Transition, state: str, seen: Sequence[Lasting]) -> Effort:
        if SYSTEM in t.by_from(state) and started_by(self.workflow, t.id, state):
            return Effort()
        if t.deadline is not None and (before := self._before(t.deadline, t.id, state)) is not None:
            return Effort(days=before, before=t.deadline)
        review = next(
            (w.name for w in t.when if w.kind == "quorum" and self.workflow.reviews[w.name].state == state), ""
        )
        if review and any(each.sheets for each in self.reviewed[review]):
            return Effort(days=self._after_review(t, review))
        return Effort(days=_in_days(lengths(seen, t.id)))

    def _before(self, timer: str, way: str, state: str) -> Distribution | None:
        """How long before the deadline it was done, where the deadline can be known from here."""
        found = []
        for visit in self.history.of_state(state):
            due = self._due(self.workflow.timers[timer], visit.came)
            if visit.way == way and visit.left is not None and due is not None:
                found.append(max(0.0, due - visit.left) / DAY)
        return thinned(found) if found else None

    def _due(self, timer: Timer, came: float) -> float | None:
        if timer.after is not None:
            due = self.days.later(came, timer.after)
            return (due // DAY + 1) * DAY - 1 / 3600 if timer.end_of_day else due
        if timer.at is not None and timer.at.reads == {"round.closes_at"}:
            return self.days.hour_of(self.days.wall_of(self.history.closing))
        return None

    # Reviews

    def _reviewed(self, review: Review) -> list[_Reviewed]:
        """The visits to the review's state, each with the sheets that belong to it."""
        visits = self.history.of_state(review.state)
        of: dict[int, list[Visit]] = defaultdict(list)
        for visit in visits:
            of[visit.application].append(visit)
        sheets: dict[Visit, list[Sheet]] = defaultdict(list)
        for sheet in self.history.sheets:
            if sheet.review != review.id:
                continue
            # Reviewers may be chosen before the application comes to the state, and belong to that coming.
            coming = [visit for visit in of[sheet.application] if visit.left is None or visit.left >= sheet.asked]
            if coming:
                sheets[min(coming, key=lambda visit: visit.came)].append(sheet)
        return [self._ready(review, visit, tuple(sheets[visit])) for visit in visits]

    def _ready(self, review: Review, visit: Visit, sheets: tuple[Sheet, ...]) -> _Reviewed:
        end = self.history.until if visit.left is None else visit.left
        recused = sum(sheet.is_recused for sheet in sheets)
        needed = review.needed(assigned=len(sheets), recused=recused)
        sent = sorted(sheet.sent for sheet in sheets if sheet.sent is not None and sheet.sent <= end)
        at_quorum = sent[needed - 1] if len(sent) >= needed else None
        at_all = sent[-1] if sent and len(sent) == len(sheets) - recused else None
        return _Reviewed(visit, sheets, at_quorum, at_all)

    def _waits_for_all(self, reviewed: Sequence[_Reviewed]) -> bool:
        """Whether those who decide mostly wait for every sheet, though fewer would do."""
        done = [each for each in reviewed if each.visit.left is not None and each.at_quorum is not None]
        return bool(done) and sum(each.at_all is not None for each in done) > 0.8 * len(done)

    def _after_review(self, t: Transition, review: str) -> Distribution | None:
        found = []
        for each in self.reviewed[review]:
            ready = each.at_all if self.waits_for_all[review] else each.at_quorum
            if each.visit.way == t.id and each.visit.left is not None and ready is not None:
                found.append(max(0.0, each.visit.left - ready) / DAY)
        return thinned(found) if found else None

    def _sheets(self, review: Review) -> Sheets:
        begun = self.begun.reviews[review.id]
        reviewed = self.reviewed[review.id]
        sheets = [sheet for sheet in self.history.sheets if sheet.review == review.id]
        if not sheets:
            return replace(begun, choosing=Effort(), sheet=Effort(days=None))
        seen = [
            self._turnaround(sheet, each.visit) for each in reviewed for sheet in each.sheets if not sheet.is_recused
        ]
        asked = [
            max(0.0, min(sheet.asked for sheet in each.sheets) - each.visit.came) / DAY
            for each in reviewed
            if each.sheets
        ]
        took = lengths(seen, "sent")
        return Sheets(
            choosing=Effort(days=thinned(asked)) if asked else Effort(),
            sheet=Effort(days=_in_days(took)) if took is not None else begun.sheet,
            conflict=sum(sheet.is_recused for sheet in sheets) / len(sheets),
            picks=self._picks(sheets),
            waits_for="all" if self.waits_for_all[review.id] else "quorum",
        )

    def _turnaround(self, sheet: Sheet, visit: Visit) -> Lasting:
        """From when the sheet could be written; one that was not sent when its state was left was closed by that."""
        begun = max(sheet.asked, visit.came)
        if sheet.sent is not None:
            return Lasting(max(0.0, sheet.sent - begun), "sent")
        ends = [each for each in (self.history.until, visit.left, sheet.ended) if each is not None]
        return Lasting(max(0.0, min(ends) - begun), None)

    def _picks(self, sheets: Sequence[Sheet]) -> str:
        """Whether the load is more even than chance makes it: then those with the fewest are asked first."""
        loads = list(Counter(sheet.reviewer for sheet in sheets).values())
        mean = sum(loads) / len(loads)
        spread = sum((load - mean) ** 2 for load in loads) / max(1, len(loads) - 1)
        return "fewest" if spread < mean / 2 else "random"

    # The rest

    def _staff(self) -> dict[str, Staff]:
        found = dict(self.begun.staff)
        for review in self.workflow.reviews.values():
            people = {sheet.reviewer for sheet in self.history.sheets if sheet.review == review.id}
            if people and review.by in found:
                # At least as many as the file's quorum asks for: a history may hold one half-done review.
                found[review.by] = Staff(people=max(len(people), review.quorum), hours=found[review.by].hours)
        return found

    def _timers(self, lastings: Mapping[str, Sequence[Lasting]]) -> dict[str, Distribution]:
        found = dict(self.begun.timers)
        for timer in self.workflow.timers_of().values():
            if timer.id in found and not is_known(timer) and timer.then is not None:
                seen = [each for state in timer.states for each in lastings.get(state, ())]
                took = _in_days(lengths(seen, timer.then))
                if took is not None:
                    found[timer.id] = took
        return found

    def _note(self, applications: int, unseen: Sequence[str], few: Sequence[str]) -> str:
        said = f"Fitted from {applications} applications of {self.history.name}."
        if few:
            said += f" From fewer than {FEW} stays: {', '.join(few)}."
        if unseen:
            said += f" Invented, for nobody left them: {', '.join(unseen)}."
        return said


def rush(arrivals: Sequence[float], closing: float) -> Rush | None:
    """The last days in which clearly more came than in others, if there are any: those with the greatest excess."""
    if not arrivals or closing <= 0:
        return None
    best, excess = None, 0.05
    for days in _RUSH_DAYS:
        if days * DAY >= closing:
            break
        share = sum(at >= closing - days * DAY for at in arrivals) / len(arrivals)
        if share - days * DAY / closing > excess:
            best, excess = Rush(share=round(share, 4), days=days), share - days * DAY / closing
    return best


def _in_days(hours: Observed | None) -> Observed | None:
    """An observed distribution of hours, in days."""
    return None if hours is None else Observed.of([value / DAY for value in hours.values], list(hours.shares))
