"""A batch of agreements by one worker and by two, one of them killed in the midst of it; then everything is counted.

Every agreement is a document of an application of its own, asked for as a decision asks for it, and printed, sealed and
kept by the job as it is, in worker processes as `fundflow worker` runs them, but with a lease of ten seconds, so that
what the killed one held is not waited for a minute. At half of the batch one worker gets SIGKILL and another begins.

Counted at the end: lost (no file, or one that is not what the row says, or no good seal on one of a sample), double
(printed by more than one finished job, or two rows with one file), and files that no row names: a worker killed between
keeping a file and saying so leaves one.

    python -m bench.agreements_batch [count] [workers ...]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from fundflow import clock, documents, jobs, storage
from fundflow.app import create_app
from fundflow.awards import agreements
from fundflow.awards.models import Document
from fundflow.config import ROOT, Settings
from fundflow.db import Model, begin_reading, db, make_database_file, transaction
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Event
from fundflow.lifecycle.registry import EffectContext

LEASE = timedelta(seconds=10)
SAMPLE = 50


def main(count: int, *workers: int) -> None:
    """Run the batch with each number of workers, and print what was counted."""
    for number in workers or (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            app = installation(Path(folder))
            with app.app_context():
                Model.metadata.create_all(db.engine)
                begun = time.perf_counter()
                ask(count)
                print(f"{number} worker(s): {count} agreements asked for in {time.perf_counter() - begun:.0f} s")
                seconds = printed(Path(folder), count, number)
                print(
                    f"{number} worker(s): {count} in {seconds:.0f} s, one killed: {count / seconds:.2f} a second "
                    f"({os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})"
                )
                counted(Path(folder), count)
                documents.press.close()
                db.engine.dispose()


def installation(folder: Path) -> Flask:
    settings = Settings(instance=folder, secret_key="for the bench only, never elsewhere")
    make_database_file(settings.database)
    return create_app(settings)


def ask(count: int) -> None:
    """The documents and their jobs, with the facts of one real decision under as many numbers and titles."""
    from tests import factories as make

    cast = make.a_cast()
    decided = make.an_application(state="scored", cast=cast)
    round_ = make.a_round()
    with transaction():
        ctx = EffectContext(
            application=db.session.merge(decided),
            workflow=definitions.get(decided.definition_sha),
            transition="approve",
            event_seq=1,
            from_state="review",
            to_state="approved",
            outcome=None,
            actor=make.acting(cast.manager),
            now=clock.now(),
            reason=None,
            input={},
            evaluate=lambda expression: expression,
        )
        facts = agreements.agreement(ctx, "en")
    for _ in range(count):
        application = make.an_application(round_, cast=cast, city=make.a_city(focal_point=cast.applicant))
        with transaction():
            seq = db.session.scalars(sa.select(sa.func.min(Event.seq)).filter_by(application_id=application.id)).one()
            said = facts | {
                "application": facts["application"]
                | {"number": application.number, "title": f"Of {application.number}"},
                "agreement": facts["agreement"] | {"number": f"GA-{application.number}"},
            }
            document = Document(
                id=uuid4(),
                application_id=application.id,
                kind="agreement",
                language="en",
                event_seq=seq,
                template_sha256=documents.template_sha256(definitions.templates_of(application.definition_sha)),
                facts=said,
                facts_sha256=documents.digest(said),
            )
            db.session.add(document)
            jobs.enqueue("document.render", {"document_id": str(document.id)}, f"document:{document.id}")
    with transaction():
        db.session.execute(sa.delete(Job).where(Job.kind != "document.render"))


def printed(folder: Path, count: int, number: int) -> float:
    """Have them all printed, killing one worker at half; the seconds that it took."""
    running = [begin(folder) for _ in range(number)]
    begun, told, killed = time.perf_counter(), 0.0, False
    try:
        while (done := ready()) < count:
            if not killed and done >= count // 2:
                os.kill(running[0].pid, signal.SIGKILL)
                running[0].wait()
                running[0], killed = begin(folder), True
                print(f"  {done} of {count}: killed one worker with SIGKILL, began another")
            spent = time.perf_counter() - begun
            if spent - told > max(2.0, count / 50):
                left = f", about {spent / done * (count - done):.0f} s left" if done else ""
                print(f"  {done} of {count} after {spent:.0f} s{left}", flush=True)
                told = spent
            time.sleep(0.2)
        return time.perf_counter() - begun
    finally:
        for each in running:
            each.terminate()
            each.wait()


def begin(folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "bench.agreements_batch", "work", str(folder)], env=environment)


def work(folder: Path) -> None:
    """A worker, until it is told to stop or killed."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.run(stop, installation(folder), lease=LEASE)


def ready() -> int:
    begin_reading()
    done = db.session.scalars(sa.select(sa.func.count()).where(Document.sha256.is_not(None))).one()
    db.session.rollback()  # an open transaction would lock the workers out
    return done


def counted(folder: Path, count: int) -> None:
    """Count what is lost and what is double, and print it."""
    begin_reading()
    rows = db.session.execute(sa.select(Document.sha256, Document.size)).all()
    finished = db.session.scalars(sa.select(sa.func.count()).where(Job.done_at.is_not(None))).one()
    again = db.session.scalars(sa.select(sa.func.count()).where(Job.attempts > 1)).one()
    db.session.rollback()
    kept = {
        path.parent.name + path.name: path.stat().st_size for path in (folder / "files").rglob("*") if path.is_file()
    }
    named = [sha256 for sha256, _ in rows if sha256]
    lost = count - sum(kept.get(sha256) == size for sha256, size in rows)
    sample = Random(7).sample(named, min(SAMPLE, len(named)))
    bad = sum(not documents.verify(storage.get(sha256)).is_valid for sha256 in sample)
    double = len(named) - len(set(named)) + max(0, finished - count)
    print(
        f"  lost {lost + bad}, double {double}; {finished} jobs finished, {again} of them taken up twice, "
        f"{len(set(kept) - set(named))} files that no row names; {len(sample)} seals checked"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(Path(sys.argv[2]))
    else:
        main(*(int(each) for each in sys.argv[1:] or ["1000"]))
