"""What goes wrong in life, tried on real processes: each ends in a sentence, with nothing lost and nothing doubled.

Late, doubled, stale and forged requests stand beside the pages they concern; here is what needs a whole installation.
"""

from __future__ import annotations

import http.client
import re
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock, storage
from fundflow.accounts.models import User
from fundflow.app import migrations
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import db
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit, queries
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests.commands import Running
from tests.conftest import ON_POSTGRES
from tests.people import BROWSER, sign_in

pytestmark = pytest.mark.skipif(
    ON_POSTGRES, reason="an embedded installation; tests/lifecycle and tests/jobs kill processes on PostgreSQL too"
)


class Visitor:
    """A signed-in person's connection to a real server; the cookie is kept as a browser does."""

    def __init__(self, app: Flask, person: User, address: str) -> None:
        client = app.test_client()
        sign_in(client, person)
        db.session.rollback()  # what this process reads must not hold up the server's writing
        kept = client.get_cookie("session")
        assert kept is not None
        self.cookie = f"session={kept.value}"
        self.host = urlsplit(address).netloc.replace("localhost", "127.0.0.1")

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """GET, or POST where there is a form: the status and the page."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        headers = {"Cookie": self.cookie, "User-Agent": BROWSER}
        if form is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        self.cookie = (answer.headers.get("Set-Cookie") or self.cookie).partition(";")[0]
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def step(self, path: str) -> dict[str, str]:
        """The hidden fields of the form on the page of a step."""
        status, page = self.ask(path)
        assert status == 200, page
        main = page.partition("<main")[2]
        found = re.findall(r"<input[^>]*>", main)
        hidden = {}
        for each in found:
            name, value = re.search(r'name="([^"]*)"', each), re.search(r'value="([^"]*)"', each)
            if 'type="hidden"' in each and name and value:
                hidden[name.group(1)] = value.group(1)
        return hidden


@pytest.fixture
def installation(app: Flask, settings: Settings) -> Iterator[list[Running]]:
    """The database of the test as `fundflow` would have made it; what is started on it is ended with the test."""
    migrations.stamp()
    db.session.rollback()
    started: list[Running] = []
    yield started
    for each in started:
        each.close()


def start(installation: list[Running], settings: Settings, *words: str) -> Running:
    more = {"FUNDFLOW_SECRET_KEY": settings.secret_key, "FUNDFLOW_DEMO": "no", "FUNDFLOW_EMBEDDED_WORKER": "no"}
    db.session.rollback()
    command = Running(settings.instance, *words, **more)
    installation.append(command)
    return command


def test_a_server_killed_while_many_submit_has_taken_each_whole_or_not_at_all(
    app: Flask, settings: Settings, installation: list[Running]
) -> None:
    round_ = make.a_round(budget=1_000_000)
    casts = [make.a_cast() for _city in range(6)]
    applications = [make.an_application(round_, state="complete", cast=cast) for cast in casts]
    paths = [f"/applications/{each.id}/do/submit" for each in applications]
    server = start(installation, settings, "run")
    address = server.until(r"ready at (\S+)")
    visitors = [Visitor(app, cast.applicant, address) for cast in casts]
    forms = [visitor.step(path) for visitor, path in zip(visitors, paths, strict=True)]
    answered: list[int] = []
    first = threading.Event()

    def submit(number: int) -> None:
        try:
            status, _ = visitors[number].ask(paths[number], forms[number])
        except (OSError, http.client.HTTPException):
            return
        assert status == 303
        answered.append(number)
        first.set()

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(len(paths))]
    for thread in threads:
        thread.start()
    assert first.wait(60)
    server.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()

    db.session.rollback()
    for number, each in enumerate(applications):
        steps = [event.transition for event in queries.history(each.id)]
        assert steps in (["started"], ["started", "submit"])
        assert db.session.get_one(Application, each.id).state == ("review" if len(steps) == 2 else "draft")
        assert len(steps) == 2 or number not in answered
    assert audit.verify().is_whole
    # Everybody presses once more, with the key of the page that they still have before them.
    for cast, path, form in zip(casts, paths, forms, strict=True):
        client = app.test_client()
        sign_in(client, cast.applicant)
        assert client.post(path, data=form).status_code == 303
    for each in applications:
        assert [event.transition for event in queries.history(each.id)] == ["started", "submit"]
    assert audit.verify().is_whole


def test_a_worker_killed_while_it_prints_leaves_every_document_made_once(
    app: Flask, settings: Settings, installation: list[Running]
) -> None:
    make.an_application(state="approved")
    job = db.session.scalars(sa.select(Job).where(Job.kind == "document.render").order_by(Job.id)).first()
    assert job is not None
    job_id = job.id
    db.session.execute(sa.delete(Job).where(Job.kind != "document.render"))
    db.session.commit()
    killed = start(installation, settings, "worker")
    killed.until("working")
    taken = sa.select(Job.id).where(Job.leased_by.is_not(None))
    for _tenth in range(600):
        ids = db.session.scalars(taken).all()
        db.session.rollback()
        if ids:
            break
        time.sleep(0.1)
    killed.stop(signal.SIGKILL)
    assert ids
    with clock.shifted(timedelta(minutes=2)):
        worker.drain()
    db.session.expire_all()
    documents = db.session.scalars(sa.select(Document)).all()
    assert {document.language for document in documents} == {"en", "fr"} and len(documents) == 2
    for document in documents:
        assert document.sha256 is not None and storage.get(document.sha256).startswith(b"%PDF-")
    jobs = db.session.scalars(sa.select(Job).where(Job.kind == "document.render")).all()
    assert all(each.done_at is not None for each in jobs)
    assert sorted(each.attempts for each in jobs)[-1] == 2 and job_id in {each.id for each in jobs}


def test_a_lost_database_file_is_told_and_its_return_is_noticed(
    app: Flask, settings: Settings, installation: list[Running], tmp_path: Path
) -> None:
    person = make.a_person(groups=[make.MANAGERS])
    server = start(installation, settings, "run")
    visitor = Visitor(app, person, server.until(r"ready at (\S+)"))
    assert visitor.ask("/home")[0] == 200
    aside = tmp_path / "aside"
    aside.mkdir()
    for each in settings.instance.glob("fundflow.db*"):
        each.rename(aside / each.name)
    for path in ("/home", "/rounds"):
        status, page = visitor.ask(path)
        assert status == 503 and "cannot reach its records" in page
    assert not list(settings.instance.glob("fundflow.db*"))
    for each in aside.iterdir():
        each.rename(settings.instance / each.name)
    assert visitor.ask("/home")[0] == 200
    assert server.stop() == 0 and "Traceback" not in server.said


def test_an_upload_of_200_mb_is_refused_before_it_has_come_in(
    app: Flask, settings: Settings, installation: list[Running]
) -> None:
    cast = make.a_cast()
    path = f"/applications/{make.an_application(cast=cast).id}/forms/proposal/files/letter"
    server = start(installation, settings, "run")
    visitor = Visitor(app, cast.applicant, server.until(r"ready at (\S+)"))
    connection = http.client.HTTPConnection(visitor.host, timeout=60)
    connection.putrequest("POST", path)
    for name, value in {
        "Cookie": visitor.cookie,
        "User-Agent": BROWSER,
        "Accept": "application/json",
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(200 * 1024 * 1024),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(b"--x\r\n" + b"0" * 65536)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    assert answer.status == 413
    assert "25" in said and "MB" in said, said
    assert not list((settings.instance / "files").rglob("*.*"))
    assert visitor.ask("/home")[0] == 200
