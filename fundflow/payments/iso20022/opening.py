"""Opening a file that somebody says is the bank's: XML of a message we know, and nothing else.

Refuses what is too large, what defines a document type or entities, what is no XML or ends too early, and messages of
other kinds and versions; each in one sentence with what to do. Nothing outside the file is ever read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from fundflow.errors import Refused

LARGEST_FILE = 10 * 1024 * 1024
KNOWN = {
    "pain.002.001": ("03", "10", "11", "12", "13", "14"),
    "camt.053.001": ("08",),
    "camt.054.001": ("08",),
}
"""The messages that are read, by their versions."""

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.\d{3}\.\d{3})\.(\d{2})")


class FileTooLarge(Refused):
    """This file has {megabytes} MB; at most {most} MB are read. Ask the bank for one file a day."""

    status = 422


class Dangerous(Refused):
    """This file defines its own document type or entities, as no bank's file does. It was not read; ask the bank."""

    status = 422


class NotXml(Refused):
    """This is not an XML file. Give the bank's file as it came, not a PDF, a spreadsheet or a picture of it."""

    status = 422


class CutOff(Refused):
    """This file is broken off or damaged at line {line}. Fetch it from the bank again; nothing of it was used."""

    status = 422


class NotTheBanks(Refused):
    """This file ({found}) is no answer of a bank. Give a payment status (pain.002) or a statement (camt.053, 054)."""

    status = 422


class WrongVersion(Refused):
    """This file is a {message} in version {version}. Ask the bank for version {known}."""

    status = 422


class Unreadable(Refused):
    """The bank's file has no readable {what} at line {line}. Nothing of it was used; send it to the bank."""

    status = 422


@dataclass(frozen=True, slots=True)
class Node:
    """An element of the message, read by the names of its children alone: the namespace was looked at once."""

    element: Any

    @property
    def line(self) -> int:
        return int(self.element.sourceline or 0)

    def all(self, path: str) -> list[Node]:
        """Every element at the end of a path such as ``NtryDtls/TxDtls``, in the order of the file."""
        found = [self.element]
        for name in path.split("/"):
            found = [child for each in found for child in each if _local(child) == name]
        return [Node(each) for each in found]

    def one(self, path: str) -> Node | None:
        """The first element at the end of a path; None where there is none."""
        return next(iter(self.all(path)), None)

    def text(self, *paths: str) -> str:
        """The text at the first of the paths that has one, in one line; empty where none has."""
        for path in paths:
            for each in self.all(path):
                if text := each.text_of():
                    return text
        return ""

    def text_of(self) -> str:
        """Its own text, in one line."""
        return " ".join("".join(self.element.itertext()).split())

    def attribute(self, name: str) -> str:
        return str(self.element.get(name, "")).strip()

    @property
    def name(self) -> str:
        return _local(self.element)


@dataclass(frozen=True, slots=True)
class Opened:
    """The message inside the file: its kind, such as ``camt.053.001``, its version, and its one element."""

    kind: str
    version: str
    body: Node


def opened(content: bytes) -> Opened:
    """The message in these bytes, or the sentence that says why they are not read."""
    if len(content) > LARGEST_FILE:
        raise FileTooLarge(megabytes=-(-len(content) // 1024**2), most=LARGEST_FILE // 1024**2)
    if b"\0" in content or not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise NotXml()
    # Before any parser sees it: what it would do with an entity need not be known then.
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise Dangerous()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        raise CutOff(line=problem.lineno or 1) from None
    if root.getroottree().docinfo.doctype:
        raise Dangerous()
    name = etree.QName(root)
    known = _NAMESPACE.fullmatch(name.namespace or "")
    if name.localname != "Document" or known is None or not len(root):
        raise NotTheBanks(found=f"“{name.localname}”")
    kind, version = known.groups()
    if kind not in KNOWN:
        raise NotTheBanks(found=f"{kind}.{version}")
    if version not in KNOWN[kind]:
        raise WrongVersion(message=kind, version=version, known=", ".join(KNOWN[kind]))
    return Opened(kind, version, Node(root[0]))


def _local(element: Any) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""
