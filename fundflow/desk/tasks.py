"""What needs a person now: one task for each thing that only they (or a colleague in the same role) can move on.

Tasks are read off the workflows and the memberships, so they promise nothing: whether a step is allowed is decided on
the application's own page and again inside the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import gettext, ngettext

from fundflow import clock
from fundflow.applications.models import Answers
from fundflow.applications.queries import Row
from fundflow.desk import queries
from fundflow.desk.errands import Collected, collected_of, errands, is_waiting
from fundflow.desk.masks import Sight
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Event, Publication, Timer
from fundflow.reviews.queries import Case, Progress, progress_of
from fundflow.rounds.models import Round
from fundflow.web import reader
from fundflow.workflow import access
from fundflow.workflow.definition import Review, State, Transition, Workflow

LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do: what, about which application, by when, and where to go for it."""

    title: str
    subject: str
    url: str
    where: str = ""
    detail: str = ""
    due_at: datetime | None = None
    zone: str | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that goes on without the person: where an application is and what it waits for."""

    row: Row
    state: str
    waits_for: str
    since: datetime
    tone: str = "info"


@dataclass(slots=True)
class Desk:
    """Both lists of a home page."""

    tasks: list[Task] = field(default_factory=list)
    going_on: list[Standing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Around:
    """What one application's task is made from, all read in sets."""

    row: Row
    workflow: Workflow
    state: State
    roles: frozenset[str]
    sight: Sight
    since: datetime
    answers: Mapping[str, Answers]
    timers: Sequence[Timer]
    last: Event | None
    progress: Mapping[str, Progress]
    collected: Collected
    reader: UUID | None

    def may_see_figures(self, progress: Progress) -> bool:
        """As the reviews' own policy says it: whose cell has the review, and who does not have to score it still."""
        of_team = any(self.workflow.roles[role].kind == "team" for role in self.roles)
        reads = progress.name in access.cell(self.workflow, self.state.id, self.roles).view
        return reads and not of_team and self.reader not in progress.closed_to


def of_versions(waiting: Sequence[Publication]) -> list[Task]:
    """Versions of workflows that wait for this person's word."""
    return [
        Task(
            _("Look at version %(number)s and publish it, or send it back", number=each.version),
            each.workflow,
            url_for("studio.proposal", publication_id=each.id),
        )
        for each in waiting
    ]


def of_rules(waiting: Sequence[Round]) -> list[Task]:
    """Rounds whose rules somebody else wants to change."""
    return [
        Task(
            _("Agree to other rules for this round, or refuse them"),
            each.title,
            url_for("studio.choose", slug=each.slug),
        )
        for each in waiting
    ]


def desk_of(actor: Actor, workflows: Mapping[str, Workflow]) -> Desk:
    """The tasks that follow from applications, the one that is due first at the top; nine queries at most."""
    rows = [row for row in queries.work_for(actor, workflows) if row.application.definition_sha in workflows]
    rows = [row for row in rows if row.application.state in workflows[row.application.definition_sha].states]
    ids = {row.application.id for row in rows}
    sights = {row.application.id: sight_at(workflows[row.application.definition_sha], row, actor) for row in rows}
    masked = {row.application.id for row in rows if not sights[row.application.id].is_plain(row.application.state)}
    answers, timers = queries.answers_of(ids), queries.timers_of(ids)
    events = queries.last_events(ids, masked)
    collected = collected_of(ids, [workflows[row.application.definition_sha] for row in rows])
    reviewed = [row.application for row in rows if _review_at(workflows[row.application.definition_sha], row)]
    progress = progress_of(reviewed) if reviewed else {}
    around = []
    for row in rows:
        application = row.application
        sight, happened = sights[application.id], events.get(application.id, [])
        # An event that tells nothing is passed over only where all of them were read.
        known = sight.seen(happened) if application.id in masked else happened
        around.append(
            _Around(
                row,
                sight.workflow,
                sight.workflow.states[application.state],
                sight.roles,
                sight,
                sight.since(application, happened),
                answers.get(application.id, {}),
                timers.get(application.id, ()),
                known[-1] if known else None,
                {name: each for (owner, name), each in progress.items() if owner == application.id},
                collected[application.id],
                actor.id,
            )
        )
    desk = Desk()
    for each in sorted(around, key=lambda each: (each.since, each.row.application.id)):
        found = _tasks(each)
        desk.tasks += found
        if not found:
            label = sights[each.row.application.id].place(each.state.id).label.in_(reader.language())
            desk.going_on.append(Standing(each.row, label, _waits_for(each), each.since))
    desk.tasks.sort(key=by_date)
    return desk


def by_date(task: Task) -> datetime:
    """The order of tasks: what is due first comes first; what has no date comes last, the longest waiting first."""
    return task.due_at or LAST


def roles_at(workflow: Workflow, row: Row, actor: Actor) -> frozenset[str]:
    """The roles that the actor's memberships, and being named, suggest on one application."""
    application = row.application
    found = set()
    for role in workflow.roles.values():
        if role.kind == "team":
            is_held = any(city == application.city_id and role.duty in (None, duty) for city, duty in actor.teams)
        elif role.kind == "group" and role.group:
            is_held = actor.is_in(role.group, round_id=application.round_id)
        elif role.kind == "field":
            is_held = application.officer_id is not None and (
                application.officer_id == actor.id or application.officer_id in actor.stands_in_for
            )
        else:
            is_held = False
        if is_held:
            found.add(role.id)
    return frozenset(found)


def sight_at(workflow: Workflow, row: Row, actor: Actor) -> Sight:
    """What these roles let the actor tell of one application."""
    roles = roles_at(workflow, row, actor)
    is_of_fund = any(workflow.roles[role].kind != "team" for role in roles)
    return Sight(workflow, roles, frozenset({actor.id} if actor.id else ()), is_of_fund)


def _review_at(workflow: Workflow, row: Row) -> Review | None:
    return next((review for review in workflow.reviews.values() if review.state == row.application.state), None)


def _tasks(around: _Around) -> list[Task]:
    """The tasks of an application: writing or judging it, what it collects, or else a step on or a late paper."""
    ways_on = [
        each
        for each in around.workflow.transitions_from(around.state.id)
        if each.by_from(around.state.id) & around.roles
    ]
    first = _writing(around, ways_on) or _reviewing(around, ways_on)
    found = [each for each in (_blocked(around), first) if each is not None]
    application, now, answers = around.row.application, clock.now(), around.answers
    waiting = errands(around.workflow, application, around.roles, around.collected, now, answers, around.timers)
    for each in waiting:
        task = _about(around, each.title, each.url, each.detail)
        if each.due_at is not None:
            task = replace(task, due_at=each.due_at, zone=each.zone, is_late=each.due_at < clock.now())
        found.append(task)
    if not found and (last := _acting(around, ways_on) or _chasing(around, ways_on)):
        found.append(last)
    return found


def _blocked(around: _Around) -> Task | None:
    """What the system could not do on the day, for whoever its workflow asks to mend that."""
    for row in around.timers:
        timer = around.workflow.timers[row.name]
        if row.blocked is not None and row.retry_at is not None and around.roles & set(timer.if_blocked):
            found = around.workflow.find(timer.then or "")
            step = found.label.in_(reader.language()) if found else ""
            url = url_for("desk.show", application_id=around.row.application.id)
            return _about(around, _("Could not happen by itself: %(step)s", step=step), url, row.blocked)
    return None


def _writing(around: _Around, ways_on: Sequence[Transition]) -> Task | None:
    """A form that these roles fill in, with how much is missing and what was said when it was returned."""
    language, application = reader.language(), around.row.application
    names = [name for role in around.state.edit if role in around.roles for name in around.state.edit[role]]
    if not names:
        return None
    forms = [around.workflow.forms[name] for name in dict.fromkeys(names)]
    missing = {form.id: len(form.check(_data(around.answers.get(form.id)), application.currency)) for form in forms}
    total = sum(missing.values())
    said = []
    if _came_back(around):
        said.append(
            _("Returned: %(reason)s", reason=around.last.reason)
            if around.last and around.last.reason
            else _("Returned to you.")
        )
    said.append(
        _n("%(num)s answer still missing.", "%(num)s answers still missing.", total)
        if total
        else _("Complete: it can be sent.")
    )
    onward = next((each for each in ways_on if each.end is None), None)
    first = next((form for form in forms if missing[form.id]), forms[0])
    if total or onward is None:
        url = url_for("applications.edit", application_id=application.id, form=first.id)
    else:
        url = url_for("desk.act", application_id=application.id, transition=onward.id)
    title = (
        _("Fill in: %(form)s", form=first.title.in_(language))
        if total or onward is None
        else onward.label.in_(language)
    )
    return _about(around, title, url, " ".join(said))


def _reviewing(around: _Around, ways_on: Sequence[Transition]) -> Task | None:
    """Assigning reviewers until there are enough; deciding once the quorum is there."""
    review = _review_at(around.workflow, around.row)
    progress = around.progress.get(review.id) if review else None
    if review is None or progress is None:
        return None
    asked = progress.assigned - progress.recused
    if review.assigned_by & around.roles and asked < review.count and not progress.quorum_met:
        url = url_for("reviews.assign", application_id=around.row.application.id)
        detail = _("%(n)s of %(count)s asked.", n=asked, count=review.count)
        return _about(around, _("Assign reviewers"), url, detail)
    if progress.quorum_met and any(each.end is None for each in ways_on):
        url = url_for("desk.show", application_id=around.row.application.id)
        return _about(around, _("Decide"), url, _reviews_sent(progress, around.may_see_figures(progress)))
    return None


def _reviews_sent(progress: Progress, may_see_figures: bool) -> str:
    sent = _("Reviews sent: %(n)s, needed: %(needed)s.", n=progress.submitted, needed=progress.needed)
    if progress.score is None or not may_see_figures:
        return sent
    return (
        sent
        + " "
        + _("Score %(score)s of %(max)s.", score=reader.decimal(progress.score), max=reader.decimal(progress.maximum))
    )


def _acting(around: _Around, ways_on: Sequence[Transition]) -> Task | None:
    """A step that leads on and waits for nothing else: paying, signing, accepting."""
    if _review_at(around.workflow, around.row):
        return None
    # What needs a reason or leads nowhere else steps in when something is wrong; it is nobody's duty.
    steps = [each for each in ways_on if each.end is None and not each.reason]
    steps = [each for each in steps if each.destination(around.state.id) != around.state.id]
    # What a deadline brings by itself is nobody's duty before it.
    by_the_clock = {each.then for each in around.workflow.timers.values() if around.state.id in each.states}
    steps = [each for each in steps if each.id not in by_the_clock]
    application, collected = around.row.application, around.collected
    onward = next((each for each in steps if not is_waiting(around.workflow, application, each, collected)), None)
    if onward is None:
        return None
    url = url_for("desk.act", application_id=around.row.application.id, transition=onward.id)
    amount = reader.money(around.row.requested) if around.row.requested else ""
    return _about(around, onward.label.in_(reader.language()), url, amount)


def _chasing(around: _Around, ways_on: Sequence[Transition]) -> Task | None:
    """What others owe and have not sent in time, where these roles may draw the consequence."""
    awaited = {when.name for each in ways_on for when in each.when if when.kind == "overdue"}
    late = next((timer for timer in around.timers if timer.name in awaited and timer.due_at < clock.now()), None)
    if late is None:
        return None
    label = around.workflow.timers[late.name].label.in_(reader.language())
    url = url_for("desk.show", application_id=around.row.application.id)
    return _about(around, _("Overdue: %(what)s", what=label), url, "")


def _about(around: _Around, title: str, url: str, detail: str) -> Task:
    timer = next((each for each in around.timers if around.sight.is_running(each.name, around.state.id)), None)
    row = around.row
    return Task(
        title=title,
        subject=row.application.title or _("Application %(number)s", number=row.application.number),
        url=url,
        where=f"{row.city} · {row.round_title}",
        detail=detail,
        due_at=timer.due_at if timer else None,
        zone=timer.zone if timer else None,
        is_late=bool(timer and timer.due_at < clock.now()),
    )


def _came_back(around: _Around) -> bool:
    """The last thing that happened took it back from a later state to this one."""
    event, order = around.last, list(around.workflow.states)
    if event is None or event.from_state not in order or event.to_state not in order:
        return False
    return order.index(event.to_state) < order.index(event.from_state)


def _waits_for(around: _Around) -> str:
    """Whom an application waits for, in words, where it stands as it is shown."""
    state = around.sight.shown(around.state.id)
    roles = {
        role
        for each in around.workflow.transitions_from(state)
        if each.end is None
        for role in each.by_from(state)
        if role in around.workflow.roles
    }
    review = _review_at(around.workflow, around.row) if around.sight.is_plain(around.state.id) else None
    progress = around.progress.get(review.id) if review else None
    is_of_the_fund = any(around.workflow.roles[role].kind in ("group", "field") for role in around.roles)
    if progress is not None and is_of_the_fund and not progress.quorum_met:
        return _("Reviews: %(n)s of %(needed)s sent", n=progress.submitted, needed=progress.needed)
    roles = _collecting(around) or roles
    names = [
        around.workflow.roles[role].label.in_(reader.language()) for role in around.workflow.roles if role in roles
    ]
    return _("Waits for: %(who)s", who=", ".join(names)) if names else ""


def _collecting(around: _Around) -> set[str]:
    """Who has to sign or to check something first, where this person is shown the true state."""
    if not around.sight.is_plain(around.state.id):
        return set()
    signatures = around.state.signatures
    if signatures is not None:
        missing = [
            role
            for party, role in signatures.parties.items()
            if (around.state.id, party) not in around.collected.signed
        ]
        return set(missing[:1] if signatures.in_order else missing)
    if not any(around.workflow.roles[role].kind in ("group", "field") for role in around.roles):
        return set()  # the fund's checks are its own affair
    return {role for task in around.state.tasks.values() if task.id not in around.collected.done for role in task.by}


def of_reviews(cases: Sequence[Case]) -> list[Task]:
    """A reviewer's tasks, in the order of the queue. Before the declaration a task tells no more than the title."""
    titles = {
        "declare": _("Declare a conflict of interest, or none"),
        "score": _("Score"),
        "draft": _("Finish your score sheet"),
    }
    return [
        Task(
            title=titles[case.step],
            subject=case.application.title or case.application.number,
            url=url_for("reviews.declare" if case.step == "declare" else "reviews.show", review_id=case.review.id),
            where=" · ".join(part for part in (case.city, case.round_title) if part),
            due_at=case.review.due_at,
            is_late=case.is_overdue,
        )
        for case in cases
    ]


def _data(answers: Answers | None) -> dict[str, Any]:
    return dict(answers.data) if answers else {}


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))


def _n(one: str, many: str, num: int) -> str:
    return str(ngettext(one, many, num))
