"""The agreement path against the bare typesetter on the same page, in one run, interleaved.

The path: facts from the database, digest, row, template, PDF in the press process, storage, row marked.
Bare: WeasyPrint in this process from the finished HTML and style sheet to bytes. Prints the ratio bare/path last (1.0
means the path costs nothing).

    python -m bench.agreement [rounds]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from fundflow import clock, documents
from fundflow.app import create_app
from fundflow.awards import facts, service
from fundflow.awards.models import Document
from fundflow.config import Settings
from fundflow.db import Model, db, transaction
from fundflow.lifecycle import definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.registry import EffectContext


def main(rounds: int = 7) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fundflow.db").touch()  # a database that is not there is never made by connecting
        app = create_app(Settings(instance=Path(folder), secret_key="for the bench only, never elsewhere"))
        with app.app_context():
            Model.metadata.create_all(db.engine)
            from tests import factories

            cast = factories.a_cast()
            application = factories.an_application(state="scored", cast=cast)
            manager = factories.acting(cast.manager)
            paths, bares = [], []
            for number in range(rounds + 1):
                started = time.perf_counter()
                text = path(application, manager, seq=100 + number)
                paths.append(time.perf_counter() - started)
                started = time.perf_counter()
                size = bare(text)
                bares.append(time.perf_counter() - started)
            documents.press.close()
            db.engine.dispose()
    print(f"first: path {paths[0]:.2f} s (starts a process, loads fonts), bare {bares[0]:.2f} s; {size} bytes")
    print(f"path: median {statistics.median(paths[1:]) * 1000:.0f} ms of {rounds}")
    print(f"bare: median {statistics.median(bares[1:]) * 1000:.0f} ms of {rounds}")
    print(f"ratio bare/path: {statistics.median(b / p for b, p in zip(bares[1:], paths[1:], strict=True)):.2f}")


def path(application: Application, actor: Actor, seq: int) -> str:
    """Everything that the product does for one agreement; returns the page, for the other side."""
    with transaction():
        ctx = EffectContext(
            application=db.session.merge(application),
            workflow=definitions.get(application.definition_sha),
            transition="approve",
            event_seq=seq,
            from_state="review",
            to_state="approved",
            outcome=None,
            actor=actor,
            now=clock.now(),
            reason=None,
            input={},
            evaluate=lambda expression: expression,
        )
        said = facts.agreement(ctx, "en")
        document = Document(
            id=uuid4(),
            application_id=application.id,
            kind="agreement",
            language="en",
            event_seq=seq,
            template_sha256=documents.template_sha256(),
            facts=said,
            facts_sha256=documents.digest(said),
        )
        db.session.add(document)
    service.render({"document_id": str(document.id)})
    db.session.commit()
    return documents.html("grant_agreement", document.facts, "en")


def bare(text: str) -> int:
    """The library as its manual shows it."""
    from weasyprint import HTML

    style = documents.FOLDER / "grant_agreement.css"
    pdf = HTML(string=text, base_url=str(documents.FOLDER)).write_pdf(
        stylesheets=[str(style)], pdf_variant="pdf/ua-1", pdf_tags=True
    )
    return len(pdf)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
