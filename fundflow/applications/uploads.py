"""What comes in as a file: its name made harmless, its kind and size judged, its content kept before a row is written.

Refuses by what is inside, not by what the sender says: a renamed program is told so whatever it is called.
"""

from __future__ import annotations

import lzma
import os
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

import filetype

from fundflow import storage
from fundflow.errors import Refused
from fundflow.workflow.forms import Field

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "rtf": "application/rtf",
    "zip": "application/zip",
    "csv": "text/csv",
    "txt": "text/plain",
}
"""What each extension is served as; every other extension is served as plain bytes."""

_OPEN_XML = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}
_OPEN_DOCUMENT = frozenset({"odt", "ods", "odp"})
_OLE = frozenset({"doc", "xls", "ppt"})
_PLAIN = frozenset({"csv", "txt"})
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SECRET_MARKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_HEAD = 8192
_LONGEST_NAME = 120
_MEGABYTE = 1024 * 1024


class WrongKind(Refused):
    """“{name}” cannot be attached here. Attach one of these kinds of file: {kinds}."""

    status = 422


class NotWhatItSays(Refused):
    """“{name}” is named like a {kind} file, but its content is not one. Save it again as {kind}, then attach that."""

    status = 422


class FileTooBig(Refused):
    """“{name}” is larger than the {limit} MB that fit here. Make it smaller, or split it."""

    status = 413


class EmptyFile(Refused):
    """“{name}” is empty. Choose the file again."""

    status = 422


@dataclass(frozen=True, slots=True)
class Received:
    """A file whose content is kept and fit for its question; no row knows it yet."""

    name: str
    media_type: str
    size: int
    sha256: str


def display_name(given: str) -> str:
    """The file's own name, fit to be shown and to be saved under: no folders, no invisible or turning characters."""
    text = _SECRET_MARKS.sub("", unicodedata.normalize("NFC", given.encode("utf-8", "replace").decode("utf-8")))
    name = re.split(r"[/\\]", text)[-1]
    name = re.sub(r"[<>:\"|?*]", "_", " ".join(name.split())).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    if len(name) > _LONGEST_NAME:
        stem = stem[: _LONGEST_NAME - len(extension) - 1].rstrip()
    return (f"{stem or 'file'}.{extension}" if extension else stem) or "file"


def extension_of(name: str) -> str:
    """What follows the last dot, in lower case."""
    _stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot else ""


def receive(question: Field, given_name: str, stream: IO[bytes]) -> Received:
    """Judge a file for this question and keep its content. To be called outside any transaction.

    Refuses in order: its kind by name, an empty file, its size, its kind by content, then what the storage refuses.
    """
    name = display_name(given_name)
    extension = extension_of(name)
    kinds = question.accept or tuple(MEDIA_TYPES)
    if extension not in kinds:
        raise WrongKind(name=name, kinds=", ".join(kind.upper() for kind in kinds))
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        raise EmptyFile(name=name)
    if size > question.max_mb * _MEGABYTE:
        raise FileTooBig(name=name, limit=question.max_mb)
    if not _is(extension, stream):
        raise NotWhatItSays(name=name, kind=extension.upper())
    kept = storage.put(stream)
    return Received(name, MEDIA_TYPES.get(extension, "application/octet-stream"), kept.size, kept.sha256)


def _is(extension: str, stream: IO[bytes]) -> bool:
    """Whether the content is of the kind that the extension names."""
    stream.seek(0)
    head = stream.read(_HEAD)
    if extension in _OPEN_XML or extension in _OPEN_DOCUMENT:
        return _is_office(extension, stream)
    if extension in _OLE:
        return head.startswith(_OLE_MAGIC)
    if extension in _PLAIN:
        return filetype.guess(head) is None and not head.startswith((b"MZ", b"\x7fELF", b"#!")) and b"\x00" not in head
    found = filetype.guess(head)
    if found is None:
        return extension not in MEDIA_TYPES
    wanted = MEDIA_TYPES.get(extension)
    return bool(found.mime == wanted if wanted else found.extension == extension)


def _is_office(extension: str, stream: IO[bytes]) -> bool:
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if extension in _OPEN_XML:
                return "[Content_Types].xml" in names and any(n.startswith(_OPEN_XML[extension]) for n in names)
            with archive.open("mimetype") as kind:
                return kind.read(100).decode("ascii", "replace").strip().startswith(MEDIA_TYPES[extension])
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):  # no archive, or a broken one
        return False
    except (KeyError, OSError, NotImplementedError, RuntimeError, ValueError):  # without its parts, or encrypted
        return False
