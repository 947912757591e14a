"""What people said can be erased, the record says so, and every chain still holds."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, mail
from fundflow.accounts import erasing, queries, refusals
from fundflow.accounts.models import GroupMember, TeamMember, User
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import anchors, audit, erasure, export
from fundflow.lifecycle.models import Application, Event
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round

pytestmark = pytest.mark.usefixtures("app")
WHY = "At the request of 3 May."


@pytest.fixture
def manager(app: Flask) -> User:
    return make.a_person("Ines Keller", groups=[make.MANAGERS])


@pytest.fixture
def focal(app: Flask) -> User:
    return make.a_person("Amara Diallo", email="amara@saint.example")


@pytest.fixture
def application(focal: User, manager: User) -> Application:
    """Four events, the last declines: started, send, return, send, decline."""
    application = a_toy(a_toy_round(), applicant=focal, state="sent")
    make.press(application, "return", manager, reason="Amara Diallo must say who pays.")
    make.press(application, "send", focal)
    make.press(application, "decline", manager, reason="Mrs Diallo has no mandate.")
    return application


def erase(application: Application, seqs: list[int] | None = None, key: str = "") -> int:
    with transaction():
        return erasure.erase(application.id, key=key or str(uuid4()), reason=WHY, seqs=seqs)


def events(application: Application) -> list[Event]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Event).where(Event.application_id == application.id).order_by(Event.seq)))


def text_of_the_table() -> str:
    return " ".join(str(row) for row in db.session.execute(sa.select(*Event.__table__.c)))


def test_what_was_said_is_gone_the_chain_holds_and_says_how_much_was_erased(application: Application) -> None:
    assert "Diallo" in text_of_the_table()
    erased = erase(application)
    assert "Diallo" not in text_of_the_table()
    *before, last = events(application)
    assert (last.transition, last.actor_id, last.reason) == ("erased", None, WHY)
    assert last.body["events"] == [event.seq for event in before if event.payload_digest is not None]
    assert len(last.body["events"]) == erased
    assert all(event.payload is None and event.salt is None and event.reason is None for event in before)
    assert before[-1].outcome == last.outcome == "declined"
    report = audit.verify()
    assert report.is_whole, report.breaks
    assert report.erased == erased
    assert f"{erased} payloads erased" in report.summary


def test_what_is_kept_still_says_who_decided_what_and_whether_it_held(application: Application) -> None:
    erase(application)
    declined = events(application)[4]
    assert [clause["holds"] for clause in declined.body["decision"]] == [True, True]
    assert declined.body["roles"] == ["manager"] and declined.actor_id is not None


def test_chosen_events_are_erased_and_the_others_stay(application: Application) -> None:
    assert erase(application, [3]) == 1
    assert [event.reason for event in events(application)][2:5] == [None, None, "Mrs Diallo has no mandate."]
    assert audit.verify().erased == 1
    with pytest.raises(erasure.NoSuchEvents, match=r"has no event 3, 9 with"):
        erase(application, [3, 9])
    erase(application)
    assert audit.verify().is_whole
    with pytest.raises(erasure.NothingToErase):
        erase(application)


def test_the_same_key_erases_once(application: Application) -> None:
    assert erase(application, [3], key="once") == 1
    assert erase(application, [3], key="once") == 0
    assert len(events(application)) == 6


def test_nothing_is_erased_while_the_application_runs(focal: User) -> None:
    running = a_toy(applicant=focal, state="sent")
    with pytest.raises(erasure.StillRuns, match=f"{running.number} still runs"):
        erase(running)
    assert len(events(running)) == 2
    with pytest.raises(NotFound), transaction():
        erasure.erase(uuid4(), key="none", reason=WHY)


def test_a_removal_that_no_event_tells_of_is_no_erasure(application: Application) -> None:
    with transaction():
        db.session.execute(sa.text("UPDATE events SET payload = NULL, salt = NULL WHERE seq IN (3, 5)"))
    said = " ".join(str(found) for found in audit.verify().breaks)
    assert "event 3 was removed, and no event says that it was erased" in said
    assert "event 5 was removed" in said


def test_what_comes_back_after_it_was_erased_is_told(application: Application) -> None:
    kept = events(application)[2]
    payload, salt = kept.payload, kept.salt
    erase(application)
    with transaction():
        db.session.execute(
            sa.update(Event)
            .where(Event.application_id == application.id, Event.seq == 3)
            .values(payload=payload, salt=salt)
        )
    (found,) = audit.verify().breaks
    assert found.says == "what was said with event 3 was erased, but it is there again."


def test_anchors_and_exports_hold_after_an_erasure(application: Application, tmp_path: Path) -> None:
    anchors.make()
    erase(application)
    anchors.make()
    assert audit.verify().is_whole
    with (tmp_path / "trail.zip").open("wb") as out:
        export.write(out, sa.true(), fund="Test fund")
    with zipfile.ZipFile(tmp_path / "trail.zip") as whole:
        assert b"Diallo" not in whole.read("events.jsonl")
        whole.extract("verify.py", tmp_path)
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(tmp_path / "trail.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{audit.verify().erased} payloads erased" in done.stdout


def test_the_mails_about_an_application_forget_what_they_said(application: Application) -> None:
    facts = {"number": application.number, "anchor": 1, "made_at": clock.now(), "count": 1, "root": "", "previous": ""}
    with transaction():
        mail.queue("anchor", make.acting(make.a_person(email="ada@fund.example")), facts, "about it")
        mail.queue("anchor", make.acting(make.a_person(email="bo@fund.example")), facts | {"number": "TG-0"}, "other")
    worker.drain()
    erase(application)
    payloads = db.session.scalars(sa.select(Job.payload).where(Job.kind == "mail.send")).all()
    assert sorted(payload["email"] for payload in payloads if payload) == ["bo@fund.example"]
    assert {} in payloads


def test_a_person_becomes_nobody_and_their_id_stays_in_the_chains(
    application: Application, focal: User, manager: User
) -> None:
    with transaction():
        done = erasing.erase_person(manager.id, key="p", reason=WHY)
    assert done.payloads == 2 and done.running == []
    person = db.session.get_one(User, manager.id)
    assert person.name == "(erased)" and person.email == f"erased-{manager.id.hex}@erased.invalid"
    assert not person.active and person.password is None
    assert not db.session.scalars(sa.select(GroupMember).where(GroupMember.user_id == manager.id)).all()
    assert [event.actor_id for event in events(application)][2] == manager.id
    assert [event.payload is None for event in events(application)][1:5] == [False, True, False, True]
    assert audit.verify().is_whole
    with pytest.raises(NotFound):
        erasing.person_called("ines@nobody.example")
    assert erasing.person_called(str(manager.id)) == manager.id


def test_a_person_who_said_something_in_a_running_application_can_be_finished_later(
    application: Application, manager: User, focal: User
) -> None:
    running = a_toy(a_toy_round(), applicant=make.a_person(), state="sent")
    make.press(running, "return", manager, reason="Too short, says Ines.")
    with transaction():
        done = erasing.erase_person(manager.id, key="p", reason=WHY)
    assert done.running == [running.number] and done.payloads == 2
    make.press(running, "withdraw", starter(running))
    with transaction():
        again = erasing.erase_person(manager.id, key="q", reason=WHY)
    assert (again.payloads, again.running) == (1, [])
    assert "Ines" not in text_of_the_table()
    assert audit.verify().is_whole


def starter(application: Application) -> User:
    return db.session.get_one(User, application.created_by)


def test_a_person_whom_somebody_counts_on_stays(application: Application, focal: User) -> None:
    a_toy(applicant=focal)
    with pytest.raises(erasing.StillNeeded, match="Amara Diallo cannot be erased yet"), transaction():
        erasing.erase_person(focal.id, key="p", reason=WHY)
    administrator = make.a_person(groups=[make.ADMINISTRATORS])
    with pytest.raises(refusals.LastAdministrator), transaction():
        erasing.erase_person(administrator.id, key="p", reason=WHY)
    assert queries.person(focal.id).name == "Amara Diallo"  # type: ignore[union-attr]
    officer = make.a_person()
    with transaction():
        db.session.execute(sa.update(Application).where(Application.outcome.is_(None)).values(officer_id=officer.id))
    with pytest.raises(erasing.StillInCharge), transaction():
        erasing.erase_person(officer.id, key="p", reason=WHY)


def test_a_focal_point_who_is_not_alone_can_go_while_the_application_runs(focal: User) -> None:
    running = a_toy(applicant=focal)
    city = db.session.get_one(Application, running.id).city_id
    other = make.a_person()
    with transaction():
        db.session.add(TeamMember(city_id=city, user_id=other.id, duty="focal_point"))
    with transaction():
        erasing.erase_person(focal.id, key="p", reason=WHY)
    assert not db.session.get_one(User, focal.id).active
