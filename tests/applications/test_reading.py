"""Who knows of an application, and how many questions a list asks the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from fundflow.accounts.models import User
from fundflow.applications import queries
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import ANONYMOUS, SYSTEM, Actor
from fundflow.lifecycle.models import Application
from tests import factories as make

pytestmark = pytest.mark.usefixtures("app")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The questions that reach the database inside the block; SQLite's BEGIN is none."""
    said: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            said.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def sees(person: User | Actor, application: Application) -> bool:
    actor = make.acting(person) if isinstance(person, User) else person
    try:
        return queries.application_for(actor, application.id).id == application.id
    except NotFound:
        return False


def test_an_application_is_known_to_its_team_and_to_those_who_work_on_its_round() -> None:
    round_, other = make.a_round(), make.a_round()
    application = make.an_application(round_, state="review", cast=(cast := make.a_cast()))
    colleague = make.a_person(team_of=queries.city_of(application))
    assert sees(cast.applicant, application) and sees(colleague, application) and sees(SYSTEM, application)
    for group in (make.MANAGERS, make.FINANCE, make.AUDITORS):
        assert sees(make.a_person(groups=[group]), application)
        assert sees(make.a_person(groups=[(group, round_)]), application)
        assert not sees(make.a_person(groups=[(group, other)]), application)
    for group in (make.REVIEWERS, make.ADMINISTRATORS):
        assert not sees(make.a_person(groups=[group]), application)
    assert not sees(make.a_person(team_of=make.a_city()), application)
    assert not sees(ANONYMOUS, application) and not sees(make.a_person(), application)


def test_a_list_asks_one_question_whatever_its_length() -> None:
    round_ = make.a_round()
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    for rows, add in ((1, 1), (3, 2), (30, 27)):
        for _ in range(add):
            focal = make.a_person()
            make.started(round_, make.a_city(focal_point=focal), focal)
        db.session.rollback()
        with counted() as said:
            page = queries.applications_for(manager)
            shown = [(row.application.number, row.city, row.country, row.round_title, row.requested) for row in page]
        assert (len(shown), len(said)) == (rows, 1)


def test_a_list_is_read_page_by_page_without_gap_or_double() -> None:
    round_ = make.a_round()
    focal = make.a_person()
    for n in range(7):
        make.started(round_, make.a_city(f"City of {n}", focal_point=focal), focal)
    actor = make.acting(focal)
    found: list[str] = []
    after = None
    while True:
        page = queries.applications_for(actor, after=after, size=3)
        found += [row.application.number for row in page]
        after = page.next
        if after is None:
            break
    assert len(found) == len(set(found)) == 7 and found == sorted(found, reverse=True)
    assert [row.city for row in queries.applications_for(actor, search="of 3")] == ["City of 3"]
    assert len(queries.applications_for(actor, search="%")) == 0
    assert len(queries.applications_for(actor, states=["review"])) == 0
    assert len(queries.applications_for(actor, is_ended=False, round_id=round_.id)) == 7
