"""One application's whole life in a few seconds, on a database that is thrown away.

Ends with the path of the agreement and the result of the audit check; answers False where anything is amiss.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import click
import sqlalchemy as sa

from fundflow import clock, seed, storage
from fundflow.app import bring_up_to_date, create_app
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import db
from fundflow.jobs import worker
from fundflow.lifecycle import audit
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments import queries as ledger
from fundflow.story import Story


def run(folder: Path | None) -> bool:
    """Tell the story in `folder`, which must not hold an installation yet, or in a new temporary one."""
    folder = (folder or Path(tempfile.mkdtemp(prefix="fundflow-demo-"))).resolve()
    if (folder / "fundflow.db").exists():
        raise click.ClickException(f"{folder} holds an installation already; name an empty folder")
    app = create_app(Settings(instance=folder, demo=False, embedded_worker=False))
    bring_up_to_date(app)
    with app.app_context():
        return _tell(folder)


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
    project = seed.PROJECTS["saint-amary"]
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


def _conclude(folder: Path, application: Application) -> bool:
    balance = ledger.balance(application.round_id)
    _say(
        f"money: budget {balance.budget}, committed {balance.committed}, paid {balance.paid}, available {balance.available}"
    )
    agreement = db.session.scalars(
        sa.select(Document).where(Document.application_id == application.id, Document.language == "en")
    ).first()
    if agreement is None or agreement.sha256 is None:
        click.echo("the agreement was not made")
        return False
    pdf = folder / f"agreement-{application.number}.pdf"
    pdf.write_bytes(storage.get(agreement.sha256))
    report = audit.verify()
    for broken in report.breaks:
        click.echo(str(broken))
    click.echo(f"agreement: {pdf}")
    click.echo(f"audit: {report.summary}")
    return report.is_whole


def _say(line: str) -> None:
    click.echo(f"{clock.now():%H:%M:%S}  {line}")
