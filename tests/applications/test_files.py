"""Files come in judged by their content, lie whole or not at all, and go out only to whom the form is shown."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import storage
from fundflow.applications import uploads
from fundflow.applications.models import File
from fundflow.config import ROOT
from fundflow.db import db
from fundflow.workflow.forms import Field
from fundflow.workflow.text import Text
from tests import factories as make
from tests.applications.scene import JSON, PDF, PROGRAM, a_scene, as_person, kept, upload, url_of

pytestmark = pytest.mark.usefixtures("app")


def question(*accept: str, max_mb: int = 1, max_files: int = 1) -> Field:
    return Field(id="letter", type="file", label=Text.same("Letter"), accept=accept, max_mb=max_mb, max_files=max_files)


def archive(**entries: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in entries.items():
            made.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def rows() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(File)) or 0


def test_a_file_is_attached_with_the_form_and_comes_back_unchanged(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    sent = client.post(
        url_of(scene.draft_id), data={"revision": "0", "title": "Homes", **upload("Lettre du maire.pdf")}
    )
    assert sent.status_code == 303
    (file_id,) = kept(scene.draft_id)["letter"]
    assert "Lettre du maire.pdf" in client.get(sent.location).text
    got = client.get(f"/files/{file_id}")
    assert got.data == PDF and got.mimetype == "application/pdf"
    assert (
        got.headers["Content-Disposition"].startswith("attachment") and "Lettre" in got.headers["Content-Disposition"]
    )
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"] and got.headers["Cache-Control"] == "private, no-store"


def test_a_script_gets_the_list_and_the_reason(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    where = url_of(scene.draft_id, rest="/files/letter")
    done = client.post(where, data=upload("letter.pdf"), headers=JSON)
    assert (
        done.status_code == 200
        and done.get_json()["files"][0]["name"] == "letter.pdf"
        and done.get_json()["detail"] == ""
    )
    full = client.post(where, data=upload("second.pdf"), headers=JSON)
    assert full.status_code == 422 and "There is room for 1 here" in full.get_json()["detail"]
    assert len(full.get_json()["files"]) == 1 and rows() == 1
    assert client.post(url_of(scene.draft_id, rest="/files/title"), data=upload("a.pdf")).status_code == 404


def test_a_renamed_program_is_refused_in_words_and_nothing_typed_is_lost(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    sent = client.post(url_of(scene.draft_id), data={"revision": "0", "title": "Homes", **upload("cv.pdf", PROGRAM)})
    assert sent.status_code == 422
    assert "“cv.pdf” is named like a PDF file, but its content is not one." in sent.text
    assert kept(scene.draft_id) == {"title": "Homes"} and rows() == 0
    named = client.post(url_of(scene.draft_id, rest="/files/letter"), data=upload("setup.exe", PROGRAM), headers=JSON)
    assert "“setup.exe” cannot be attached here" in named.get_json()["detail"] and "PDF" in named.get_json()["detail"]


@pytest.mark.parametrize(
    ("name", "content", "accept"),
    [
        ("a.pdf", PROGRAM, "pdf"),
        ("a.pdf", b"<html><script>alert(1)</script>", "pdf"),
        ("a.docx", archive(evil="x"), "docx"),
        ("a.docx", PDF, "docx"),
        ("a.xlsx", archive(**{"[Content_Types].xml": "x", "word__document.xml": "x"}), "xlsx"),
        ("a.ods", archive(mimetype="application/vnd.oasis.opendocument.text"), "ods"),
        ("a.doc", PDF, "doc"),
        ("a.csv", PROGRAM, "csv"),
        ("a.txt", b"#!/bin/sh\n", "txt"),
        ("a.png", PDF, "png"),
    ],
)
def test_content_that_is_not_what_the_name_says_is_refused(name: str, content: bytes, accept: str) -> None:
    with pytest.raises(uploads.NotWhatItSays):
        uploads.receive(question(accept), name, io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.PDF", PDF),
        ("budget.xlsx", archive(**{"[Content_Types].xml": "x", "xl__workbook.xml": "x"})),
        ("text.docx", archive(**{"[Content_Types].xml": "x", "word__document.xml": "x"})),
        ("sheet.ods", archive(mimetype="application/vnd.oasis.opendocument.spreadsheet")),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600),
        ("data.csv", "stadt;anzahl\nMünchen;3\n".encode()),
        ("map.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64),
    ],
)
def test_content_that_is_what_the_name_says_is_kept(name: str, content: bytes) -> None:
    kind = uploads.extension_of(name)
    received = uploads.receive(question(kind), name, io.BytesIO(content))
    assert received.media_type == uploads.MEDIA_TYPES[kind] and received.size == len(content)
    assert storage.get(received.sha256) == content


def test_size_and_emptiness_are_refused_before_anything_is_kept(app: Flask) -> None:
    with pytest.raises(uploads.FileTooBig, match="1 MB"):
        uploads.receive(question("pdf"), "a.pdf", io.BytesIO(PDF + b"\x00" * 1024 * 1024))
    with pytest.raises(uploads.EmptyFile):
        uploads.receive(question("pdf"), "a.pdf", io.BytesIO(b""))
    assert not list((Path(app.instance_path) / "files").rglob("*.*"))


def test_an_upload_of_200_mb_is_refused_before_it_is_read(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    refused = client.post(
        url_of(scene.draft_id, rest="/files/letter"),
        headers={**JSON, "Content-Type": "multipart/form-data; boundary=x"},
        environ_overrides={"CONTENT_LENGTH": str(200 * 1024 * 1024), "wsgi.input": NeverRead()},
    )
    assert refused.status_code == 413 and "25" in refused.text
    assert rows() == 0


class NeverRead(io.RawIOBase):
    """A body that must not be read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise AssertionError("the body was read")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\me\\letter.pdf", "letter.pdf"),
        ("le\u202efdp.exe", "lefdp.exe"),
        ("a\x00b\r\nc.pdf", "abc.pdf"),
        ("  spaced   out .pdf ", "spaced out .pdf"),
        (".pdf", "pdf"),
        ("", "file"),
        ("..", "file"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ('<img src="x">.pdf', "_img src=_x__.pdf"),
        ("مدينة 🏘️.pdf", "مدينة 🏘️.pdf"),
    ],
)
def test_names_are_made_harmless(given: str, shown: str) -> None:
    assert uploads.display_name(given) == shown


def test_a_file_is_seen_by_whom_its_form_is_shown_and_by_nobody_else(app: Flask) -> None:
    cast = make.a_cast()
    draft = make.an_application(state="complete", cast=cast)
    content = storage.put(PDF)
    (file_id,) = kept(draft.id)["letter"]
    db.session.execute(sa.update(File).values(sha256=content.sha256, size=content.size))
    db.session.commit()
    stranger = make.a_person(team_of=make.a_city())

    def sees(person: object) -> int:
        return as_person(app, person).get(f"/files/{file_id}").status_code  # type: ignore[arg-type]

    people = (cast.applicant, cast.manager, stranger, cast.reviewers[0], cast.finance)
    assert [sees(person) for person in people] == [200, 404, 404, 404, 404]
    make.press(draft, "submit", cast.applicant)
    assert [sees(person) for person in people] == [200, 200, 404, 404, 404]
    assert app.test_client().get(f"/files/{file_id}").status_code == 303
    assert as_person(app, stranger).get("/files/0b2f7d7e-0000-4000-8000-000000000000").status_code == 404


def test_a_file_is_taken_out_of_a_draft_but_never_out_of_what_was_sent(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    client.post(url_of(scene.draft_id), data={"revision": "0", **upload("letter.pdf")})
    (file_id,) = kept(scene.draft_id)["letter"]
    gone = {"revision": "1", "remove-file": f"letter:{file_id}"}
    foreign = make.an_application(scene.round, state="complete")
    (theirs,) = kept(foreign.id)["letter"]
    assert client.post(url_of(scene.draft_id), data={**gone, "remove-file": f"letter:{theirs}"}).status_code == 404
    assert client.post(url_of(scene.draft_id), data={**gone, "remove-file": "letter:x"}).status_code == 400
    assert client.post(url_of(scene.draft_id), data=gone).status_code == 303
    assert kept(scene.draft_id) == {} and client.get(f"/files/{file_id}").status_code == 404
    assert kept(foreign.id)["letter"] == [theirs]


def test_a_file_that_was_sent_stays_in_the_record_when_the_draft_drops_it(app: Flask) -> None:
    cast = make.a_cast()
    application = make.an_application(state="review", cast=cast)
    (file_id,) = kept(application.id)["letter"]
    make.press(application, "send_back", cast.manager, reason="Please add the date.")
    client = as_person(app, cast.applicant)
    client.post(url_of(application.id), data={"revision": "9", "remove-file": f"letter:{file_id}"})
    page = client.post(url_of(application.id), data={"revision": "1", "remove-file": f"letter:{file_id}"})
    assert page.status_code in (303, 409)
    assert rows() == 1


def test_the_same_content_lies_once() -> None:
    first, second = storage.put(PDF), storage.put(io.BytesIO(PDF))
    assert first == second and first.sha256 == hashlib.sha256(PDF).hexdigest()
    with pytest.raises(storage.ContentLost):
        storage.get("0" * 64)
    with pytest.raises(ValueError, match="64"):
        storage.get("../../secret.key")


DISK_FULL = """
import io, json, resource, sys
from pathlib import Path
from flask import Flask
from fundflow import storage
from fundflow.config import Settings
app = Flask("x")
app.extensions["settings"] = Settings(instance=Path(sys.argv[1]), secret_key="x" * 40)
storage.init_app(app)
with app.app_context():
    storage.put(b"small")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    said = []
    for size in (300_000, 12_000_000):
        try:
            storage.put(io.BytesIO(b"x" * size))
        except storage.StorageFull as refusal:
            said.append(str(refusal))
    print(json.dumps({"said": said, "small": storage.get(storage.put(b"small").sha256).decode()}))
"""


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    assert len(found["said"]) == 2 and "no room left" in found["said"][0] and found["small"] == "small"
    assert [path.stat().st_size for path in (tmp_path / "files").rglob("*") if path.is_file()] == [5]


def test_a_storage_that_fails_while_attaching_loses_no_answer(app: Flask) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    folder = Path(app.instance_path) / "files"
    folder.mkdir(exist_ok=True)
    (folder / hashlib.sha256(PDF).hexdigest()[:2]).write_text("where a folder should be")
    sent = client.post(url_of(scene.draft_id), data={"revision": "0", "title": "Homes", **upload("letter.pdf")})
    assert sent.status_code == 422 and "The place where files are kept does not answer." in sent.text
    assert kept(scene.draft_id) == {"title": "Homes"} and rows() == 0


def test_a_disk_that_is_full_while_the_upload_is_read_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = a_scene()
    client = as_person(app, scene.ana)
    monkeypatch.setattr(app.request_class, "_get_file_stream", lambda *_a, **_k: NoRoom())
    refused = client.post(url_of(scene.draft_id, rest="/files/letter"), data=upload("letter.pdf"), headers=JSON)
    assert refused.status_code == 507 and "There is no room left to keep this file." in refused.text
    assert rows() == 0


class NoRoom(io.BytesIO):
    """A temporary file on a full disk."""

    def write(self, _data: object) -> int:
        raise OSError(28, "No space left on device")
