"""One application's whole life in a few seconds, on a database that is thrown away.

Ends with the paths of the documents and the result of the audit check; answers False where anything is amiss.
"""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import click
import sqlalchemy as sa

from fundflow import clock, seed, storage
from fundflow.app import bring_up_to_date, create_app
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import db
from fundflow.invented import PROJECTS
from fundflow.jobs import worker
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.steps_gcf import LargeStory, starts_after
from fundflow.story import Story


def run(folder: Path | None, workflow: str = "small-grant") -> bool:
    """Tell the story in `folder`, which must not hold an installation yet, or in a new temporary one."""
    folder = (folder or Path(tempfile.mkdtemp(prefix="fundflow-demo-"))).resolve()
    if (folder / "fundflow.db").exists():
        raise click.ClickException(f"{folder} holds an installation already; name an empty folder")
    app = create_app(Settings(instance=folder, demo=False, embedded_worker=False))
    bring_up_to_date(app)
    with app.app_context():
        return TALES[workflow](folder)


def _tell(folder: Path) -> bool:
    present = clock.now()
    with clock.standing_at(present - timedelta(days=3)):
        cast = seed.people()
        story = Story(cast, seed.cities(cast), tell=_say)
        round_ = seed.a_round(
            story, "Climate and displacement", "climate-and-displacement", -2, 40, "150000", "Climate and displacement"
        )
    _say(f"{round_.title} is open: {round_.budget.format('en')}, closes {round_.closes_wall} {round_.zone}")
    application = story.start("amara", "saint-amary", round_)
    project = PROJECTS["saint-amary"]
    story.write(application, "amara", project)
    story.fire(application, "submit", "amara")
    story.assign(application, "ines", "ruth", "kenji", "lucia")
    story.declare(application, "lucia", conflict="I advised this city last year.")
    story.score(application, "ruth", 8, 9, 7, 8)
    story.score(application, "kenji", 9, 8, 8, 7)
    story.fire(application, "approve", "ines")
    paid = Money.of(project.requested, application.currency)
    story.fire(application, "disburse", "mette", reference="TRF-0001", paid_on=clock.now().date(), amount=paid)
    story.report(application, "amara", 934, paid)
    story.fire(application, "report", "amara")
    done = worker.drain()
    _say(f"{done} background jobs done; mail lies in {folder / 'mail'}")
    return _conclude(folder, application)


def _tell_large(folder: Path) -> bool:
    """Two stages and five more years of everybody's work: every state that an application can be in."""
    began = clock.now() - timedelta(days=1300)
    when = {"now": began}

    def later(days: int) -> AbstractContextManager[None]:
        when["now"] += timedelta(days=days)
        return clock.standing_at(when["now"])

    with later(0):
        cast = seed.people()
        story = LargeStory(cast, seed.cities(cast), tell=_say_day)
        round_ = seed.a_round(
            story, "Global Cities Fund", "global-cities-fund", 0, 60, "1000000", "Global Cities Fund",
            "global-cities-fund",
        )  # fmt: skip
    with later(5):
        _say(f"{round_.title} is open: {round_.budget.format('en')}, closes {round_.closes_wall} {round_.zone}")
        application = story.note("saint-amary", "amara", round_)
        later_round = story.note("tell-marwan", "rania", round_)
        not_now = story.note("batu-indah", "maria", round_)
    with later(10):
        for each in (application, later_round, not_now):
            story.found_eligible(each)
    with later(15):
        story.answered(later_round, "kept_for_later")
        story.answered(not_now, "declined")
        story.answered(application)
    with later(60):
        story.proposal(application, "amara", starts_after(clock.now() + timedelta(days=120)), returned=True)
    with later(10):
        story.to_committee(application)
    with later(15):
        story.scored(application, "apart")
    with later(7):
        story.appealed(application, "amara")
    with later(7):
        story.decided(application, reserve=True)
    with later(10):
        story.account(application, "amara")
        story.checked(application)
    with later(5):
        story.signed(application, "awa")
    with later(10):
        story.fire(application, "announce", "adaeze")
    with later(30):
        story.paid(application, "1", "amara")
    with later(170):
        story.progress(application, "1", "amara", 30)
    with later(10):
        story.paid(application, "2", "amara", refused=True)
        story.extended(application, "amara", "awa", 2)
    with later(60):
        story.interrupted(application)
    with later(200):
        story.progress(application, "2", "amara", 70, returned=True)
    with later(200):
        story.reported(application, "amara")
    with later(20):
        story.paid(application, "3", "amara")
        story.gave_back(application)
        story.fire(application, "close", "tomas")
    with later(190):
        story.followed_up(application, "1", "amara", "180000")
    with later(190):
        story.followed_up(application, "2", "amara", "240000")
        done = worker.drain()
    _say(f"{done} background jobs done; mail lies in {folder / 'mail'}")
    return _conclude(folder, application)


TALES = {"small-grant": _tell, "global-cities-fund": _tell_large}
"""How the story of each shipped workflow is told."""


def _conclude(folder: Path, application: Application) -> bool:
    balance = ledger.balance(application.round_id)
    _say(
        f"money: budget {balance.budget}, committed {balance.committed}, paid {balance.paid}, available {balance.available}"
    )
    documents = db.session.scalars(
        sa.select(Document)
        .where(Document.application_id == application.id, Document.language == "en")
        .order_by(Document.event_seq)
    ).all()
    if not documents or any(document.sha256 is None for document in documents):
        click.echo("not every document was made")
        return False
    for document in documents:
        pdf = folder / f"{application.number}-{document.event_seq:03d}-{document.kind}.pdf"
        pdf.write_bytes(storage.get(document.sha256 or ""))
        click.echo(f"{document.kind.replace('_', ' ')}: {pdf}")
    report = audit.verify()
    for broken in report.breaks:
        click.echo(str(broken))
    click.echo(f"audit: {report.summary}")
    return report.is_whole


def _say(line: str) -> None:
    click.echo(f"{clock.now():%H:%M:%S}  {line}")


def _say_day(line: str) -> None:
    click.echo(f"{clock.now():%Y-%m-%d}  {line}")
