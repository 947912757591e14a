"""Every night one witness is left outside the database, once, and what was rewritten since is found by it."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from fundflow import clock
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.jobs.models import Job
from fundflow.lifecycle import anchors, audit
from fundflow.lifecycle.models import Anchor, Application, Event
from tests import factories as make
from tests.lifecycle.test_races import at_once
from tests.lifecycle.toys import a_toy, a_toy_round
from tests.processes import kill_when_ready, start

TONIGHT = datetime(2027, 3, 4, 0, 3, tzinfo=UTC)


def defined(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_tree_is_the_one_that_the_standard_defines(leaves: list[bytes]) -> None:
    assert anchors.tree_hash(leaves) == defined(leaves).hex()


@pytest.fixture
def application(app: Flask) -> Application:
    """Four events: started, send, return, send."""
    focal = make.a_person()
    application = a_toy(a_toy_round(), applicant=focal, state="sent")
    make.press(application, "return", make.a_person(groups=[make.MANAGERS]), reason="Too short.")
    make.press(application, "send", focal)
    return application


def made() -> Anchor:
    anchor = anchors.make()
    assert anchor is not None
    return anchor


def touch(statement: str, **values: object) -> None:
    with transaction():
        db.session.execute(sa.text(statement), values)


def breaks() -> str:
    return " ".join(str(found) for found in audit.verify().breaks)


def change(path: Path, **values: Any) -> None:
    """A hand in the folder: the file says something else now."""
    path.chmod(0o644)
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_anchor_is_a_row_a_file_that_nobody_may_write_and_a_mail_to_every_auditor(
    application: Application, settings: Settings
) -> None:
    for one in ("a@audit.example", "b@audit.example"):
        make.a_person(email=one, groups=[make.AUDITORS])
    scoped = make.a_person(email="c@audit.example", groups=[(make.AUDITORS, a_toy_round())])
    other = a_toy()
    anchor = made()
    (path,) = (settings.instance / "anchors").iterdir()
    assert path.name == f"anchor-00001-{clock.now():%Y-%m-%d}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    said = json.loads(path.read_text())
    assert said["root"] == anchor.root and said["count"] == anchor.count == 2
    assert said["leaves"] == sorted([each.number, each.revision, each.head] for each in (application, other))
    mails = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send")).all()
    told = {job.payload["email"]: job.payload["facts"] for job in mails if job.payload["template"] == "anchor"}
    assert set(told) == {"a@audit.example", "b@audit.example", scoped.email}
    assert told[scoped.email]["root"] == anchor.root
    report = audit.verify()
    assert report.is_whole and report.anchors == 1
    assert report.digest == anchor.tree


def test_every_night_has_one_anchor_chained_to_the_one_before(application: Application, settings: Settings) -> None:
    with clock.standing_at(TONIGHT):
        first = anchors.nightly()
        assert first is not None and anchors.nightly() is None
    with clock.standing_at(TONIGHT + timedelta(hours=12)):
        by_hand = made()
        assert anchors.nightly() is None
    with clock.standing_at(TONIGHT + timedelta(days=1)):
        second = anchors.nightly()
    assert second is not None
    assert [first.day, by_hand.day, second.day] == [date(2027, 3, 4), None, date(2027, 3, 5)]
    assert [first.previous, by_hand.previous, second.previous] == ["", first.root, by_hand.root]
    assert len(list((settings.instance / "anchors").iterdir())) == 3
    assert audit.verify().is_whole


def test_an_installation_without_applications_has_nothing_to_witness(app: Flask) -> None:
    assert anchors.nightly() is None


def test_however_many_workers_there_are_a_night_has_one_anchor(app: Flask, application: Application) -> None:
    make.a_person(groups=[make.AUDITORS])
    with clock.standing_at(TONIGHT):
        results = at_once(app, [anchors.nightly] * 12, threads=6)
    assert not [each for each in results if isinstance(each, Exception)], results
    assert len([each for each in results if each is not None]) == 1
    assert db.session.scalars(sa.select(sa.func.count()).select_from(Anchor)).one() == 1
    mails = sa.select(sa.func.count()).where(Job.key.startswith("mail:anchor:"))
    assert db.session.scalars(mails).one() == 1
    assert len(anchors.files()) == 1
    db.session.rollback()
    assert audit.verify().is_whole


def test_anchors_asked_for_at_the_same_moment_stand_behind_one_another(app: Flask, application: Application) -> None:
    results = at_once(app, [anchors.make] * 5, threads=5)
    assert sorted(each.number for each in results) == [1, 2, 3, 4, 5]
    assert audit.verify().is_whole


def test_a_worker_killed_between_the_file_and_its_row_leaves_a_file_that_the_next_takes_over(
    application: Application, settings: Settings
) -> None:
    db.session.close()
    kill_when_ready(
        start(
            settings,
            """
            from fundflow.lifecycle import anchors

            @anchors.announcer
            def die(anchor):
                ready()
                time.sleep(60)

            anchors.make()
            """,
        )
    )
    (path,) = anchors.files().values()
    assert "the database does not know it" in breaks()
    written = path.read_bytes()
    other = a_toy()
    anchor = anchors.nightly()
    assert anchor is not None and anchor.number == 2 and anchor.count == 2
    assert path.read_bytes() == written
    assert audit.verify().is_whole
    assert other.number in anchors.files()[2].read_text()


def test_a_file_that_does_not_continue_the_chain_stops_the_next_anchor(application: Application) -> None:
    made()
    path = anchors.files()[1]
    path.with_name("anchor-00002-2027-01-01.json").write_bytes(path.read_bytes())
    with pytest.raises(anchors.AnchorInTheWay, match=r"anchor-00002-2027-01-01\.json"):
        anchors.make()
    assert db.session.scalars(sa.select(sa.func.count()).select_from(Anchor)).one() == 1


def test_a_removed_end_with_a_rewritten_head_is_found_by_the_anchor_that_saw_it(application: Application) -> None:
    """Nothing in the database can tell that this history was ever longer."""
    made()
    touch("DELETE FROM commands WHERE event_seq = 4")
    touch("DELETE FROM events WHERE seq = 4")
    touch(
        "UPDATE applications SET revision = 3, state = 'draft', head = e.hash, last_event_at = e.at, state_since = e.at"
        " FROM (SELECT hash, at FROM events WHERE seq = 3) AS e"
    )
    (found,) = audit.verify().breaks
    assert (found.number, found.seq) == (application.number, 4)
    assert found.says == f"event 4, which anchor 1 saw on {clock.now():%Y-%m-%d}, is gone."


def test_a_history_rewritten_with_every_digest_made_anew_is_found_by_the_anchor(application: Application) -> None:
    made()
    other = a_toy()
    rewrite(application)
    (found,) = audit.verify().breaks
    assert found.says == f"event 4 is not the one that anchor 1 saw on {clock.now():%Y-%m-%d}: it was rewritten."
    assert audit.verify(other.id).is_whole
    assert not audit.verify(application.id).is_whole


def rewrite(application: Application) -> None:
    """Somebody who knows everything gives event 3 to another person and makes every digest behind it anew."""
    someone, prev = make.a_person().id, ""
    rows = sa.select(*Event.__table__.c).where(Event.application_id == application.id).order_by(Event.seq)
    with transaction():
        for row in db.session.execute(rows).all():
            link = audit.link_of(row)
            if row.seq == 3:
                link = link._replace(actor_id=someone)
            digest = link.hash(prev)
            this = sa.and_(Event.application_id == application.id, Event.seq == row.seq)
            db.session.execute(sa.update(Event).where(this).values(actor_id=link.actor_id, prev=prev, hash=digest))
            prev = digest
        db.session.execute(sa.update(Application).where(Application.id == application.id).values(head=prev))


def test_an_application_that_vanished_is_found(application: Application) -> None:
    other = a_toy()
    made()
    for table in ("commands", "events", "timers", "answers", "sent_answers"):
        touch(f"DELETE FROM {table} WHERE application_id = :id", id=sa_id(other))
    touch("DELETE FROM applications WHERE number = :number", number=other.number)
    assert f"{other.number}: event 1, which anchor 1 saw" in breaks()


def sa_id(application: Application) -> str:
    return str(application.id) if db.engine.dialect.name == "postgresql" else application.id.hex


@pytest.mark.parametrize(
    ("says", "values"),
    [
        ("anchor 1 was altered: what it says does not give its root", {"made_at": "2027-01-01T00:00:00.000000+00:00"}),
        ("anchor 1 was altered: what it says does not give its root", {"root": "0" * 64}),
        ("anchor 1 was altered: its heads do not give its tree", {"tree": "0" * 64}),
        ("anchor 1 was altered: what it says does not give its root", {"day": "2027-01-01"}),
        ("anchor 1 says it covers 9 applications, but its file has 1", {"count": 9}),
        ("anchor 1 was altered: its heads do not give its tree", {"leaves": [["SG-1", 1, "0" * 64]]}),
        ("anchor 1 has another root in the database than in its file", {"root": "0" * 64}),
        ("anchor 1 does not follow the anchor before it", {"previous": "0" * 64}),
        ("the file of anchor 1 cannot be read", {"leaves": 7}),
        ("the file of anchor 1 cannot be read", {"more": 7}),
    ],
)
def test_a_changed_file_is_found(application: Application, says: str, values: dict[str, Any]) -> None:
    made()
    made()
    change(anchors.files()[1], **values)
    assert says in breaks()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE anchors SET root = tree WHERE number = 1", "anchor 1 has another root in the database"),
        ("UPDATE anchors SET count = 9 WHERE number = 1", "anchor 1 has another count in the database"),
        ("UPDATE anchors SET day = '2027-01-01' WHERE number = 1", "anchor 1 has another day in the database"),
        ("DELETE FROM anchors WHERE number = 2", "anchor 2 is in the anchors folder, but the database does not know"),
    ],
)
def test_a_changed_row_is_found(application: Application, statement: str, says: str) -> None:
    made()
    made()
    touch(statement)
    assert says in breaks()


def test_a_file_that_was_removed_or_put_in_the_place_of_another_is_found(application: Application) -> None:
    for _ in range(3):
        made()
    first, second, third = anchors.files().values()
    second.rename(second.with_name("kept"))
    assert breaks() == ("anchor 2 has no file in the anchors folder: it was removed or moved.")
    second.write_bytes(third.read_bytes())
    assert "anchor 2 has another number in the database than in its file" in breaks()
    assert "anchor 2 does not follow the anchor before it" in breaks()
    assert first.exists()


def test_anchors_of_many_nights_look_each_head_up_once(application: Application) -> None:
    """A head that an anchor repeats from the one before costs nothing, so years of anchors cost little."""
    for _ in range(5):
        made()
    asked: list[str] = []
    with audit.one_moment() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        assert list(anchors.breaks(connection)) == []
    assert len([each for each in asked if "JOIN" in each]) == 1
