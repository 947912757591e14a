"""Messages: said in the reader's language and zone, sent once, and lost by no mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import UndefinedError

from fundflow import clock, jobs, mail
from fundflow.app import create_app
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import definitions
from fundflow.money import Money
from fundflow.workflow.definition import Text, Workflow


@dataclass(frozen=True)
class Reader:
    email: str = "focal@lund.example"
    name: str = "Åsa Ek"
    language: str = "en"
    timezone: str = "Africa/Nairobi"


FACTS: dict[str, Any] = {
    "number": "SG-2026-0007",
    "title": "Homes & hope",
    "city": "Lund",
    "round": "Small grants 2026",
    "requested": Money(4_500_050, "EUR"),
    "reason": "Please say who pays\nthe rest of the rent.",
    "by": "Ada",
    "at": datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
    "due_at": datetime(2027, 1, 15, 22, 30, tzinfo=UTC),
    "input": {"reference": "TR-1", "paid_on": date(2026, 11, 20), "amount": Money(4_500_050, "EUR")},
    "link": "/applications/9a1f",
}
OTHER_FACTS: dict[str, Any] = {
    "reviewer": "Bo",
    "stand_in": "Cy",
    "is_begun": True,
    "may_revise": True,
    "is_declared": True,
    "is_overdue": False,
    "duty": "focal_point",
    "group": "",
    "expires_at": datetime(2026, 12, 7, tzinfo=UTC),
    "starts_at": datetime(2026, 12, 1, tzinfo=UTC),
    "ends_at": datetime(2026, 12, 14, tzinfo=UTC),
    "account": "KE •••• 0042",
    "old": "KE •••• 0041",
    "until": datetime(2026, 12, 14, tzinfo=UTC),
    "asked_by": "Cy",
    "answered_by": "Di",
    "answer": "Agreed.",
    "is_approved": True,
    "is_known": False,
    "is_confirmed": True,
    "passkey": "Phone",
    "what": "passkey_added",
    "anchor": 12,
    "made_at": datetime(2026, 11, 23, 0, 4, tzinfo=UTC),
    "count": 40,
    "root": "5f" * 32,
    "previous": "",
    "step": Text({"en": "Ask for the report", "fr": "Demander le rapport"}),
    "why": Text({"en": "Some tranches are still open.", "fr": "Des tranches restent ouvertes."}),
    "since": datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
    "changes": ["The quorum of “Panel scores” is 3; it was 2."],
}


def payload(template: str, *, facts: dict[str, Any] | None = None, **who: Any) -> dict[str, Any]:
    reader = replace(Reader(), **who)
    return {
        "template": template,
        "email": reader.email,
        "name": reader.name,
        "language": reader.language,
        "timezone": reader.timezone,
        "facts": mail.plain(FACTS if facts is None else facts, reader.language),
        "key": "ab" * 32,
    }


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def flat(text: str) -> str:
    """Without folded lines, and with every kind of space the same."""
    return " ".join(text.split())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("template", sorted(mail.names()))
def test_every_message_can_be_written_in_every_language(template: str, language: str, settings: Settings) -> None:
    message = mail.compose(payload(template, language=language, facts=FACTS | OTHER_FACTS), settings)
    assert message["Subject"]
    text = text_of(message)
    assert "http://127.0.0.1:8000/applications/9a1f" in text
    assert "None" not in text
    assert "{" not in text
    assert "%" not in text
    assert settings.fund_name in text


@pytest.mark.parametrize("template", sorted(name for name in mail.names() if not name.startswith("review_")))
def test_amounts_and_moments_may_be_unknown(template: str, settings: Settings) -> None:
    facts = FACTS | OTHER_FACTS | {"requested": None, "due_at": None, "input": {}, "reason": "", "by": ""}
    assert "None" not in text_of(mail.compose(payload(template, facts=facts), settings))


def told(workflow: Workflow) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every message that a workflow sends, and to which roles."""
    for step in workflow.every_transition():
        yield from ((effect.notify, effect.to) for effect in step.do if effect.notify)
    for timer in workflow.timers.values():
        yield from ((name, timer.to) for name in (timer.remind_with, timer.overdue_with) if name)
        if timer.escalate is not None:
            yield timer.escalate.template, timer.escalate.to


def test_every_message_a_workflow_names_exists() -> None:
    named = {workflow.id: {name for name, _ in told(workflow)} for workflow in definitions.shipped()}
    assert {"approved", "paid"} <= named["small-grant"]
    assert {"awarded", "tranche_paid", "committee_very_late"} <= named["global-cities-fund"]
    assert set().union(*named.values()) - mail.names() == set()


def test_no_message_tells_a_city_of_a_state_that_is_hidden_from_it(settings: Settings) -> None:
    hidden = 0
    for workflow in definitions.shipped():
        kept_from = {role for state in workflow.states.values() for role in state.shown_as}
        for name in sorted({name for name, roles in told(workflow) if kept_from & set(roles)}):
            hidden += 1
            message = mail.compose(payload(name), settings)
            assert "committee" not in (message["Subject"] + text_of(message)).lower(), name
    assert hidden > 20


def test_moments_are_told_in_the_readers_zone_and_amounts_in_the_readers_way(settings: Settings) -> None:
    message = mail.compose(payload("report_soon"), settings)
    assert "Saturday, 16 January 2027" in flat(text_of(message))
    assert "1:30" in text_of(message)
    assert "Africa/Nairobi" in text_of(message)
    assert "€45,000.50" in text_of(mail.compose(payload("approved"), settings))
    assert "45 000,50 €" in flat(text_of(mail.compose(payload("approved", language="fr"), settings)))


def test_html_part_says_the_same_and_markup_in_facts_is_text(settings: Settings) -> None:
    message = mail.compose(payload("received", facts=FACTS | {"title": "<b>Homes</b> <script>x</script>"}), settings)
    html = text_of(message, "html")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert '<a href="http://127.0.0.1:8000/applications/9a1f" rel="noreferrer">' in html
    assert html.startswith('<!doctype html>\n<html lang="en" dir="ltr">')


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85"])
def test_no_fact_and_no_name_can_begin_a_new_header(line_end: str, settings: Settings) -> None:
    evil = f"Homes{line_end}Bcc: everyone@example.org{line_end}{line_end}text"
    message = mail.compose(payload("closing_soon", name=evil, facts=FACTS | {"round": evil, "title": evil}), settings)
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Homes Bcc: everyone@example.org text closes soon")
    raw = message.as_bytes()
    assert raw.split(b"\r\n\r\n")[0].count(b"\nBcc") == 0
    assert f"{line_end}Bcc" not in text_of(message).replace("\n", "|")


@pytest.mark.parametrize("address", ["a@b.example\nBcc: c@d.example", "a\r\n@b.example"])
def test_address_with_a_line_break_is_refused(address: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"invalid|Header"):
        mail.compose(payload("received", email=address), settings)


def test_reason_keeps_its_lines(settings: Settings) -> None:
    assert "Please say who pays\nthe rest of the rent.\n" in text_of(mail.compose(payload("sent_back"), settings))


def test_template_with_a_missing_fact_is_an_error(settings: Settings) -> None:
    facts = {name: fact for name, fact in FACTS.items() if name != "city"}
    with pytest.raises(UndefinedError):
        mail.compose(payload("received", facts=facts), settings)


def test_amount_without_its_filter_is_an_error(settings: Settings) -> None:
    with pytest.raises(TypeError):
        mail.compose(payload("received", facts=FACTS | {"city": Money(1, "EUR")}), settings)


@pytest.mark.parametrize("link", ["//evil.example/", "https://evil.example/", "javascript:x", "/a b", "/a\n/b", "x"])
def test_messages_link_only_to_this_site(link: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match="pages of this site"):
        mail.compose(payload("received", facts=FACTS | {"link": link}), settings)


def test_unknown_message_is_refused_when_it_is_queued(app: Flask) -> None:
    for name in ("nothing_like_this", "../secret", "_layout", ""):
        with pytest.raises(mail.UnknownTemplate):
            mail.queue(name, Reader(), FACTS, "k")


def test_texts_by_language_are_told_in_the_readers(app: Flask) -> None:
    assert mail.plain(Text({"en": "Draft", "fr": "Brouillon"}), "fr") == "Brouillon"
    with pytest.raises(TypeError):
        mail.plain(1.5, "en")
    with pytest.raises(ValueError, match="time zone"):
        mail.plain(datetime(2026, 1, 1), "en")  # noqa: DTZ001


def test_sentences_with_facts_in_them_are_pinned_with_their_translation() -> None:
    """A message of a pinned workflow is written from these; without them its French would be half English."""
    pinned = {sentence: said for sentence, _, said in json.loads(mail.texts("received")["mail/received.fr.json"])}
    assert "candidature" in pinned["We have received your application %(number)s"]
    assert len(pinned) == 3 and mail.untranslated("received")["fr"] == ()


def kept(app: Flask) -> list[Path]:
    settings: Settings = app.extensions["settings"]
    return sorted((settings.instance / "mail").glob("*.eml"))


def test_message_goes_out_once_for_each_key_and_person(app: Flask) -> None:
    with transaction():
        mail.queue("received", Reader(), FACTS, "app:2:1")
        mail.queue("received", Reader(), FACTS, "app:2:1")
        mail.queue("received", Reader(email="finance@lund.example"), FACTS, "app:2:1")
        mail.queue("received", Reader(), FACTS, "app:5:1")
    worker.drain()
    assert len(kept(app)) == 3


def test_message_of_a_change_that_was_undone_is_never_sent(app: Flask) -> None:
    with pytest.raises(RuntimeError), transaction():
        mail.queue("received", Reader(), FACTS, "app:2:1")
        raise RuntimeError
    worker.drain()
    assert kept(app) == []


def test_job_that_runs_twice_leaves_one_file(app: Flask) -> None:
    mail.send(payload("received"))
    before = kept(app)[0].read_bytes()
    mail.send(payload("received"))
    assert [path.read_bytes() for path in kept(app)] == [before]


class Post(socketserver.ThreadingTCPServer):
    """A mail server on this machine that says what it is told to say."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0, *, answers: dict[str, str] | None = None) -> None:
        self.answers = answers or {}
        self.letters: list[str] = []
        self.said: list[str] = []
        super().__init__(("127.0.0.1", port), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    server: Post
    timeout: ClassVar[int] = 10

    def handle(self) -> None:
        self.reply("220 post.example")
        while line := self.rfile.readline().decode().strip():
            self.server.said.append(line)
            verb = line.split()[0].upper()
            if verb in self.server.answers:
                self.reply(self.server.answers[verb])
            elif verb == "DATA":
                self.reply("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part.decode())
                self.server.letters.append("".join(lines))
                self.reply("250 kept")
            elif verb == "QUIT":
                self.reply("221 bye")
                return
            else:
                self.reply("250 fine")

    def reply(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def a_post(port: int = 0, answers: dict[str, str] | None = None) -> Iterator[Post]:
    with Post(port, answers=answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def sending_to(app: Flask, url: str) -> None:
    app.extensions["settings"] = replace(app.extensions["settings"], mail_url=url)


def the_job() -> Job:
    db.session.rollback()
    return db.session.scalars(sa.select(Job), execution_options={"populate_existing": True}).one()


def test_message_waits_while_the_server_is_down_and_arrives_once_when_it_is_back(app: Flask) -> None:
    with a_post() as gone:
        port = gone.server_address[1]
    sending_to(app, f"smtp://127.0.0.1:{port}")
    with transaction():
        mail.queue("received", Reader(), FACTS, "app:2:1")
    worker.drain()
    job = the_job()
    assert (job.attempts, job.done_at, job.dead_at) == (1, None, None)
    assert "NotSent" in (job.last_error or "")
    with transaction():
        db.session.execute(sa.update(Job).values(run_at=clock.now() - timedelta(minutes=1)))
    with a_post(port) as server:
        worker.drain()
        worker.drain()
    assert the_job().done_at is not None
    [letter] = server.letters
    assert message_from_string(letter, policy=default)["To"] == "Åsa Ek <focal@lund.example>"
    assert "rcpt TO:<focal@lund.example>" in server.said


@pytest.mark.parametrize(
    ("verb", "answer", "is_dead"),
    [("RCPT", "451 later", False), ("RCPT", "550 nobody here", True), ("DATA", "452 full", False)],
)
def test_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    app: Flask, verb: str, answer: str, is_dead: bool
) -> None:
    with a_post(answers={verb: answer}) as server:
        sending_to(app, f"smtp://127.0.0.1:{server.server_address[1]}")
        with transaction():
            mail.queue("received", Reader(), FACTS, "app:2:1")
        worker.drain()
    job = the_job()
    assert job.done_at is None
    assert (job.dead_at is not None) == is_dead


def test_password_is_never_sent_without_encryption(app: Flask) -> None:
    with a_post() as server:
        sending_to(app, f"smtp://fund:hunter%402@127.0.0.1:{server.server_address[1]}")
        with pytest.raises(mail.NotSent, match="no encryption"):
            mail.send(payload("received"))
    assert not any("AUTH" in line.upper() or "hunter" in line for line in server.said)
    assert server.letters == []


def test_mail_page_shows_the_newest_first_and_a_message_as_text(app: Flask, client: FlaskClient) -> None:
    assert "No messages yet" in client.get("/dev/mail").text
    with transaction():
        mail.queue("received", Reader(), FACTS | {"title": "<i>Old</i>"}, "1")
    worker.drain()
    with transaction():
        mail.queue("lapsed", Reader(), FACTS, "2")
    worker.drain()
    listed = client.get("/dev/mail").text
    assert listed.index("was not sent") < listed.index("We have received")
    name = max(kept(app), key=lambda path: "Old" in path.read_text()).stem
    shown = client.get(f"/dev/mail/{name}")
    assert shown.status_code == 200
    assert "&lt;i&gt;Old&lt;/i&gt;" in shown.text
    assert '<a href="http://127.0.0.1:8000/applications/9a1f"' in shown.text
    for wrong in ("0" * 40, "..%2f..%2ffundflow", "x"):
        assert client.get(f"/dev/mail/{wrong}").status_code == 404


def test_production_has_no_mail_page(settings: Settings) -> None:
    app = create_app(
        replace(settings, mode="production", secret_key="k" * 40, base_url="https://fund.example", demo=False)
    )
    with app.app_context():
        db.engine.dispose()
    assert app.test_client().get("/dev/mail").status_code == 404
    assert "mail.index" not in app.view_functions


def test_job_kind_is_registered() -> None:
    from fundflow.jobs import service

    assert service.handlers["mail.send"] is mail.send
    assert jobs.handler is service.handler
