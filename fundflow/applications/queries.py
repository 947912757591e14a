"""Reading applications, their answers and files; the only way from an address to one of them.

What a person may not see is answered like what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City, User
from fundflow.applications import policy
from fundflow.applications.models import Answers, File, SentAnswers
from fundflow.db import db, foreseen, read
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Event
from fundflow.money import Money
from fundflow.prepared import Prepared, Question
from fundflow.rounds.models import Round
from fundflow.web import paging

_ANSWERS_AND_CITY = Prepared(
    sa.select(City.name, City.country, Answers.form, Answers.data)
    .select_from(City)
    .outerjoin(Answers, Answers.application_id == sa.bindparam("application_id"))
    .where(City.id == sa.bindparam("city_id"))
)
_PLACE = Prepared(
    sa.select(City.name, Round.title)
    .select_from(City)
    .join(Round, Round.id == sa.bindparam("round_id"))
    .where(City.id == sa.bindparam("city_id")),
    is_steady=True,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One application in a list: everything a line shows, from one query."""

    application: Application
    city: str
    country: str
    round_title: str
    round_slug: str
    closes_at: datetime

    @property
    def requested(self) -> Money | None:
        minor = self.application.requested_minor
        return None if minor is None else Money(minor, self.application.currency)


def application_for(actor: Actor, application_id: UUID) -> Application:
    """The application if the actor may know of it, or NotFound."""
    found = db.session.scalar(sa.select(Application).where(Application.id == application_id, policy.visible_to(actor)))
    if found is None:
        raise NotFound
    return found


def applications_for(
    actor: Actor,
    *,
    round_id: UUID | None = None,
    city_ids: Iterable[UUID] | None = None,
    states: Sequence[str] | None = None,
    is_ended: bool | None = None,
    search: str = "",
    after: str | None = None,
    size: int = paging.SIZE,
) -> paging.Page[Row]:
    """What the actor may know of, the newest first, in one query whatever its length.

    `after` is the place that the page before gave as its `next`.
    """
    query = (
        sa.select(Application, City.name, City.country, Round.title, Round.slug, Round.closes_at)
        .join(City, City.id == Application.city_id)
        .join(Round, Round.id == Application.round_id)
        .where(policy.visible_to(actor))
    )
    if round_id is not None:
        query = query.where(Application.round_id == round_id)
    if city_ids is not None:
        query = query.where(Application.city_id.in_(list(city_ids)))
    if states is not None:
        query = query.where(Application.state.in_(states))
    if is_ended is not None:
        query = query.where(Application.outcome.is_not(None) if is_ended else Application.outcome.is_(None))
    if search.strip():
        words = search.strip()
        query = query.where(
            sa.or_(
                Application.title.icontains(words, autoescape=True),
                Application.number.icontains(words, autoescape=True),
                City.name.icontains(words, autoescape=True),
            )
        )
    keys = (paging.Key(Application.created_at, descending=True), paging.Key(Application.id, descending=True))
    page = paging.read(db.session, query, keys, after, size)  # type: ignore[arg-type]
    return paging.Page([Row(*row[: len(fields(Row))]) for row in page], page.after, page.next)


def of_city_in_round(city_id: UUID, round_id: UUID) -> Application | None:
    """The application of this city to this round that counts: one still running, or ended by the fund once it was sent.

    One that the team itself withdrew, or that ran out of time unsent, leaves the place free again.
    """
    found = db.session.execute(
        sa.select(Application, Event.transition)
        .outerjoin(Event, sa.and_(Event.application_id == Application.id, Event.seq == Application.revision))
        .where(Application.city_id == city_id, Application.round_id == round_id)
        .order_by(Application.created_at.desc())
    )
    for application, last in found:
        if application.outcome is None:
            return application
        if application.submitted_at is not None and not _by_the_team(application, last):
            return application
    return None


def _by_the_team(application: Application, transition_id: str | None) -> bool:
    """Whether a transition belongs to the city's team alone."""
    workflow = definitions.get(application.definition_sha)
    transition = workflow.transitions.get(transition_id or "")
    roles = [workflow.roles.get(name) for name in transition.by] if transition else []
    return bool(roles) and all(role is not None and role.kind == "team" for role in roles)


def answers_row(application_id: UUID, form: str) -> Answers | None:
    """What is kept for one form, with its revision; None before the first save."""
    return db.session.get(Answers, (application_id, form), populate_existing=True)


def answers(application_id: UUID) -> dict[str, Answers]:
    """What is kept for every form that was ever saved, by form."""
    rows = db.session.scalars(
        sa.select(Answers).where(Answers.application_id == application_id),
        execution_options={"populate_existing": True},
    )
    return {row.form: row for row in rows}


def answers_of_children(application_id: UUID) -> dict[str, dict[str, Any]]:
    """What is kept for the own forms of its children, by ``kind:key:form``."""
    rows = db.session.execute(
        sa.select(Answers.form, Answers.data).where(
            Answers.application_id == application_id, Answers.form.contains(":", autoescape=True)
        )
    )
    return {row.form: row.data for row in rows}


def answers_asked(application: Application) -> Question:
    """What `answers_and_city` asks."""
    return _ANSWERS_AND_CITY, {"application_id": application.id, "city_id": application.city_id}


def answers_and_city(application: Application) -> tuple[dict[str, dict[str, Any]], str, str]:
    """What is kept for every form that was ever saved, by form, and the name and country of the city."""
    statement, values = answers_asked(application)
    rows = read(statement, **values)
    return {form: data for _, _, form, data in rows if form is not None}, rows[0][0], rows[0][1]


def foresee_answers(applications: Iterable[Application]) -> None:
    """Have `answers_and_city` of each of these applications answered by one question."""
    found: dict[tuple[UUID, UUID], list[tuple[Any, ...]]] = {(each.id, each.city_id): [] for each in applications}
    rows = db.session.execute(
        sa.select(Application.id, City.id, City.name, City.country, Answers.form, Answers.data)
        .join(City, City.id == Application.city_id)
        .outerjoin(Answers, Answers.application_id == Application.id)
        .where(Application.id.in_([application_id for application_id, _ in found]))
    )
    for application_id, city_id, *row in rows:
        found[application_id, city_id].append(tuple(row))
    for (application_id, city_id), known in found.items():
        foreseen(_ANSWERS_AND_CITY, known, application_id=application_id, city_id=city_id)


def place_of(application: Application) -> tuple[str, str]:
    """The name of the city that an application comes from and the title of the round that it was sent to."""
    ((city, round_title),) = read(_PLACE, city_id=application.city_id, round_id=application.round_id)
    return city, round_title


def sent_answers(application_id: UUID, form: str, event_seq: int | None = None) -> SentAnswers | None:
    """The answers as an event froze them: that of `event_seq`, or the latest."""
    query = sa.select(SentAnswers).where(SentAnswers.application_id == application_id, SentAnswers.form == form)
    if event_seq is not None:
        query = query.where(SentAnswers.event_seq == event_seq)
    return db.session.scalar(query.order_by(SentAnswers.event_seq.desc()).limit(1))


def files_of(application_id: UUID, form: str | None = None) -> dict[str, File]:
    """The files of an application (of one form) by their id as answers hold it."""
    query = sa.select(File).where(File.application_id == application_id).order_by(File.created_at, File.id)
    if form is not None:
        query = query.where(File.form == form)
    return {str(file.id): file for file in db.session.scalars(query)}


def file_row(file_id: UUID) -> File:
    """The file of this id, or NotFound. Whether the actor may have it, `service.file_for` decides."""
    found = db.session.get(File, file_id)
    if found is None:
        raise NotFound
    return found


def round_of(application: Application) -> Round:
    """The round an application was sent to."""
    return db.session.get_one(Round, application.round_id)


def city_of(application: Application) -> City:
    """The city an application comes from."""
    return db.session.get_one(City, application.city_id)


def name_of(user_id: UUID) -> str:
    """How a person is called."""
    return db.session.scalar(sa.select(User.name).where(User.id == user_id)) or ""


def data_of(row: Answers | None) -> dict[str, Any]:
    """The kept data, empty before the first save."""
    return dict(row.data) if row is not None else {}


def count_of_city_in_round(city_id: UUID, round_id: UUID) -> int:
    """How many applications this city ever began in this round, those that came to nothing included."""
    query = sa.select(sa.func.count()).where(Application.city_id == city_id, Application.round_id == round_id)
    return db.session.scalar(query) or 0


def has_written(application_id: UUID, person_id: UUID) -> bool:
    """Whether this person last saved a form of the application or brought one of its files."""
    saved = sa.exists().where(Answers.application_id == application_id, Answers.saved_by == person_id)
    brought = sa.exists().where(File.application_id == application_id, File.uploaded_by == person_id)
    return bool(db.session.scalar(sa.select(sa.or_(saved, brought))))


def was_sent(file: File) -> bool:
    """Whether an event's record of sent answers names this file."""
    frozen = db.session.scalars(
        sa.select(SentAnswers.data).where(
            SentAnswers.application_id == file.application_id, SentAnswers.form == file.form
        )
    )
    return any(str(file.id) in data.get("_files", {}) for data in frozen)
