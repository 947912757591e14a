"""The agreement path against the bare typesetter on the same page, in one run, interleaved.

The path: facts from the database, their digest, the template filled in, the row, then the job as it is: PDF/A-3a and
PDF/UA-1 with the facts inside, from the press process, sealed, digests, storage, the row marked. Bare: WeasyPrint in
this process, as its manual shows it, from the finished page and style sheet to PDF/A-3a, which is then neither
PDF/UA-1 nor even valid PDF/A. The seal is measured by itself. Prints the ratio bare/path without the seal last (1.0
means the path costs nothing).

    python -m bench.agreement [rounds]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from fundflow import clock, documents
from fundflow.app import create_app
from fundflow.awards import agreements, service
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import Model, db, make_database_file, transaction
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import EffectContext

sealing: list[float] = []
"""How long each seal took."""


def main(rounds: int = 7) -> None:
    """Measure and print."""
    seal = documents.seal

    def timed(content: bytes) -> documents.Sealed:
        started = time.perf_counter()
        try:
            return seal(content)
        finally:
            sealing.append(time.perf_counter() - started)

    documents.seal = timed
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(instance=Path(folder), secret_key="for the bench only, never elsewhere")
        app = create_app(settings)
        make_database_file(settings.database)
        with app.app_context():
            Model.metadata.create_all(db.engine)
            from tests import factories

            cast = factories.a_cast()
            application = factories.an_application(state="scored", cast=cast)
            manager = factories.acting(cast.manager)
            paths, bares, sealed = [], [], []
            for number in range(rounds + 1):
                started = time.perf_counter()
                text = path(application, manager)
                paths.append(time.perf_counter() - started - sealing[number])
                sealed.append(sealing[number])
                started = time.perf_counter()
                size = bare(text)
                bares.append(time.perf_counter() - started)
            documents.press.close()
            db.engine.dispose()
    print(f"machine: {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(
        f"first: path {paths[0]:.2f} s (starts a process, loads fonts), seal {sealed[0]:.2f} s, bare {bares[0]:.2f} s"
    )
    print(f"path: median {statistics.median(paths[1:]) * 1000:.0f} ms of {rounds}; {size} bytes bare")
    print(f"bare: median {statistics.median(bares[1:]) * 1000:.0f} ms of {rounds}")
    print(f"seal: median {statistics.median(sealed[1:]) * 1000:.0f} ms of {rounds}, not in the ratio")
    print(f"ratio bare/path: {statistics.median(b / p for b, p in zip(bares[1:], paths[1:], strict=True)):.2f}")


def path(application: Application, actor: Actor) -> str:
    """Everything that the product does for one agreement; returns the page, for the other side."""
    with transaction():
        db.session.execute(sa.delete(Document))
        ctx = EffectContext(
            application=db.session.merge(application),
            workflow=definitions.get(application.definition_sha),
            transition="approve",
            event_seq=1,
            from_state="review",
            to_state="approved",
            outcome=None,
            actor=actor,
            now=clock.now(),
            reason=None,
            input={},
            evaluate=lambda expression: expression,
        )
        said, texts = agreements.agreement(ctx, "en"), definitions.templates_of(application.definition_sha)
        text = documents.html("grant_agreement", said, "en", texts)
        document = Document(
            id=uuid4(),
            application_id=application.id,
            kind="agreement",
            language="en",
            event_seq=1,
            template_sha256=documents.template_sha256(texts),
            facts=said,
            facts_sha256=documents.digest(said),
        )
        db.session.add(document)
    service.render({"document_id": str(document.id)})
    db.session.commit()
    return text


def bare(text: str) -> int:
    """The library as its manual shows it."""
    from weasyprint import HTML

    style = documents.FOLDER / "grant_agreement.css"
    pdf = HTML(string=text, base_url=str(documents.FOLDER)).write_pdf(stylesheets=[str(style)], pdf_variant="pdf/a-3a")
    return len(pdf)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
