"""The evidence of an application, as an auditor takes it home."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fundflow import storage
from fundflow.jobs import worker
from tests.awards.large import LargeGrant
from tests.people import sign_in


@pytest.fixture
def grant(app: Flask) -> LargeGrant:
    return LargeGrant.once("paid and printed", _paid)


def _paid() -> LargeGrant:
    grant = LargeGrant("active")
    grant.pay(1)
    worker.drain()
    return grant


def _zip(client: FlaskClient, grant: LargeGrant) -> zipfile.ZipFile:
    sign_in(client, grant.auditor)
    answer = client.get(f"/applications/{grant.application.id}/evidence.zip")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.data))


def test_pack_holds_together_without_fundflow(grant: LargeGrant, client: FlaskClient, tmp_path: Path) -> None:
    pack = _zip(client, grant)
    lines = [line.split("  ", 1) for line in pack.read("SHA256SUMS").decode().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert {hashlib.sha256(pack.read(name)).hexdigest() == digest for name, digest in sums.items()} == {True}
    assert set(pack.namelist()) == set(sums) | {
        "SHA256SUMS",
        "README.txt",
        "verify.py",
        "applications.jsonl",
        "events.jsonl",
        "anchors.jsonl",
        "definitions.jsonl",
    }
    events = [json.loads(line) for line in pack.read("events.jsonl").splitlines()]
    notes = [note for event in events for note in event["body"].get("notes", ())]
    told = {digest for note in notes for digest in note.get("sent", {}).values()}
    kept = {digest for name, digest in sums.items() if name.startswith("answers/")}
    assert kept and kept <= told
    sealed = {each["sha256"] for note in notes for each in note.get("documents", ())}
    assert sealed and sealed <= {digest for name, digest in sums.items() if name.startswith("documents/")}
    assert b"payment" in pack.read("ledger/entries.csv") and pack.read("ledger/payments.csv").count(b"\r\n") == 2
    whole = tmp_path / "pack.zip"
    whole.write_bytes(b"")
    with zipfile.ZipFile(whole, "w") as copy:
        for name in pack.namelist():
            copy.writestr(name, pack.read(name))
    (tmp_path / "verify.py").write_bytes(pack.read("verify.py"))
    checked = subprocess.run(
        [sys.executable, str(tmp_path / "verify.py"), str(whole)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_page_of_the_case_reads_by_itself_and_takes_no_text_for_markup(grant: LargeGrant, client: FlaskClient) -> None:
    page = _zip(client, grant).read("case.html").decode()
    assert "http" not in page.replace("https://www.w3.org", "") and "<script" not in page
    assert "Award the grant" in page and grant.application.number in page


def test_lost_content_is_named_and_the_rest_is_there(grant: LargeGrant, client: FlaskClient, app: Flask) -> None:
    pack = _zip(client, grant)
    paper = next(name for name in pack.namelist() if name.startswith("documents/"))
    digest = hashlib.sha256(pack.read(paper)).hexdigest()
    folder: Path = app.extensions["settings"].instance
    (found,) = [path for path in folder.rglob("*") if path.name == digest[2:]]
    found.unlink()
    assert not storage.exists(digest)
    again = _zip(client, grant)
    assert digest.encode() in again.read(f"{paper}.lost.txt")


def test_only_auditors_of_the_round_take_it(grant: LargeGrant, client: FlaskClient) -> None:
    at = f"/applications/{grant.application.id}/evidence.zip"
    for person in (grant.manager, grant.finance, grant.focal):
        sign_in(client, person)
        assert client.get(at).status_code == 403
