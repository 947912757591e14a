"""The large grant's demo: every state of the workflow is come through, every document is made, the record is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import demo, documents
from fundflow.db import db
from fundflow.lifecycle.models import Event
from tests import factories as make


def test_demo_of_the_large_grant_comes_through_every_state(
    app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        is_whole = demo.TALES["global-cities-fund"](tmp_path)
    finally:
        documents.press.close()
    said = capsys.readouterr().out
    assert is_whole, said
    reached = set(db.session.scalars(sa.select(Event.to_state)))
    assert reached - {None} == set(make.a_workflow("global-cities-fund").states)
    for kind in ("award_letter", "agreement", "plan_amendment", "closing_letter"):
        papers = sorted(tmp_path.glob(f"*-{kind}.pdf"))
        assert len(papers) == (2 if kind == "agreement" else 1), "one file for each that was made"
        assert all(pdf.read_bytes().startswith(b"%PDF") for pdf in papers)
    assert "by itself, as everyone has signed: signature → embargo" in said
    assert "every chain holds" in said
