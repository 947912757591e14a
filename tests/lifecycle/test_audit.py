"""A record that was touched is found, and the sentence says where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundflow.db import canonical_json, db, transaction
from fundflow.errors import NotFound
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application, Event
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def application() -> Application:
    """Four events: started, send, return, send."""
    focal = make.a_person()
    application = a_toy(a_toy_round(), applicant=focal, state="sent")
    make.press(application, "return", make.a_person(groups=[make.MANAGERS]), reason="Too short.")
    make.press(application, "send", focal)
    return application


def touch(statement: str, **values: object) -> None:
    with transaction():
        db.session.execute(sa.text(statement), values)


def test_an_untouched_record_is_whole(application: Application) -> None:
    a_toy()
    report = audit.verify()
    assert report.is_whole, report.breaks
    assert (report.applications, report.events) == (2, 5)
    assert audit.verify(application.id).events == 4


def test_an_application_that_does_not_exist_cannot_be_verified(app: object) -> None:
    with pytest.raises(NotFound):
        audit.verify(uuid4())


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE events SET payload = '{\"reason\": \"Fine.\"}' WHERE transition = 'return'",
            "what was said with event 3 (return) was altered",
        ),
        (
            "UPDATE events SET payload = NULL, salt = NULL WHERE seq = 3",
            "what was said with event 3 was removed",
        ),
        ("UPDATE events SET salt = NULL WHERE seq = 3", "what was said with event 3 (return) was altered"),
        ("UPDATE events SET payload_digest = salt WHERE seq = 3", "event 3 (return) was altered"),
        ("UPDATE events SET subject = 'x' WHERE seq = 3", "event 3 (return) was altered"),
        ("UPDATE events SET acting_for = actor_id WHERE seq = 3", "event 3 (return) was altered"),
        ("UPDATE events SET actor_id = NULL WHERE seq = 2", "event 2 (send) was altered"),
        ("UPDATE events SET to_state = 'granted' WHERE seq = 4", "event 4 (send) was altered"),
        ("UPDATE events SET body = '{}' WHERE seq = 2", "event 2 (send) was altered"),
        ("DELETE FROM events WHERE seq = 3", "event 3 is missing; the next one kept is 4"),
        ("DELETE FROM events WHERE seq = 1", "event 1 is missing; the next one kept is 2"),
        ("DELETE FROM events WHERE seq = 4", "its head is not the hash of its last event"),
        ("DELETE FROM events", "it has no events, not even its start"),
        ("UPDATE applications SET state = 'granted'", "it stands in “granted”, but its last event left it in “sent”"),
        ("UPDATE applications SET outcome = 'declined'", "its outcome is “declined”, but its last event says “None”"),
        ("UPDATE applications SET revision = 9", "its revision is 9, but its last event is number 4"),
        ("UPDATE events SET hash = prev, prev = hash WHERE seq = 3", "event 3 does not follow the event before it"),
        ("DELETE FROM events WHERE seq = 4", "was accepted as event 4, which is not kept"),
        ("UPDATE definitions SET files = '{}'", "the rules of toy-grant, version 1, were altered after being pinned"),
    ],
)
def test_every_kind_of_tampering_is_found(application: Application, statement: str, says: str) -> None:
    touch(statement)
    report = audit.verify()
    assert not report.is_whole
    assert says in " ".join(str(found) for found in report.breaks)


def test_two_events_that_changed_places_are_found(application: Application) -> None:
    touch("UPDATE events SET seq = 99 WHERE seq = 2")
    touch("UPDATE events SET seq = 2 WHERE seq = 4")
    touch("UPDATE events SET seq = 4 WHERE seq = 99")
    assert any("altered" in str(found) for found in audit.verify().breaks)


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_single_stored_field_of_an_event_can_change(application: Application, data: st.DataObject) -> None:
    """Whatever one column of one event is changed to, by somebody who writes to the table, verify finds it."""
    column = data.draw(st.sampled_from(sorted(CHANGES)), label="column")
    seq = data.draw(st.integers(1, 4), label="seq")
    this = sa.and_(Event.application_id == application.id, Event.seq == seq)
    before = getattr(db.session.execute(sa.select(*Event.__table__.c).where(this)).one(), column)
    after = data.draw(CHANGES[column].filter(lambda value: canonical_json(value) != canonical_json(before)))
    db.session.rollback()
    change(sa.update(Event).where(this).values({column: after}))
    try:
        assert not audit.verify().is_whole, (seq, column, before, after)
    finally:
        change(sa.update(Event).where(this).values({column: before}))


def change(statement: Any) -> None:
    with transaction():
        db.session.execute(statement.execution_options(synchronize_session=False))


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_short = st.none() | _texts
_digests = st.text("0123456789abcdef", min_size=64, max_size=64)
_values = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | _texts, st.lists, max_leaves=4)
_json = st.dictionaries(_texts, _values)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "at": st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "actor_id": st.none(),
    "acting_for": st.deferred(lambda: st.sampled_from(people())),
    "transition": _texts,
    "subject": _short,
    "from_state": _short,
    "to_state": _short,
    "outcome": _short,
    "definition_sha": _digests,
    "body": _json,
    "payload": st.none() | _json,
    "salt": st.none() | st.text("0123456789abcdef", min_size=32, max_size=32),
    "payload_digest": st.none() | _digests,
    "prev": _digests,
    "hash": _digests,
}


def people() -> list[UUID]:
    found = list(db.session.scalars(sa.text("SELECT id FROM users")))
    db.session.rollback()
    return [each if isinstance(each, UUID) else UUID(each) for each in found]


def test_every_column_of_an_event_is_changed_by_these_tests() -> None:
    assert set(CHANGES) == set(Event.__table__.c.keys()) - {"application_id", "seq"}


def test_a_value_that_cannot_be_read_is_a_break_and_no_failure(application: Application) -> None:
    if db.engine.dialect.name == "postgresql":
        touch("UPDATE events SET body = '7' WHERE seq = 2")
    else:
        touch("UPDATE events SET body = 'no json' WHERE seq = 2")
    assert not audit.verify().is_whole
