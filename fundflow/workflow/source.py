"""A YAML 1.2 file as plain values with the place of each, so that every mistake can be shown where it was made.

Refuses what two readers could understand differently: anchors and tags, keys written twice, ``NO``, ``010`` and
``12:30`` without quotes, line breaks that only some see, deep nesting, and files beyond 256 KB. libyaml finds where
each value begins and ends; what a value means is decided here, so none of its YAML 1.1 comes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fundflow.workflow.problems import Problem

LARGEST, DEEPEST = 256 * 1024, 14
TOO_DEEP = f"this is nested more than {DEEPEST} levels deep"

Path = tuple[str | int, ...]

_TWO_MEANINGS = re.compile(
    r"y|n|yes|no|on|off|true|false|null|0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
    r"|[-+]?\.(inf|nan)|[-+]?[0-9][0-9_]*(\.[0-9_]*)?e[-+]?[0-9]+|[0-9]+_[0-9_]+",
    re.IGNORECASE,
)
_NOT_ALLOWED = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2 has no place for, and three line breaks of YAML 1.1."""
_BREAKS = "\x85\u2028\u2029"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")


@dataclass
class Source:
    """One file: its values, and for each path the line and column (from one) of the value and of its key."""

    file: str
    data: Any = None
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    quoted: dict[Path, int] = field(default_factory=dict)
    """How far the text of a scalar stands behind the scalar's place: one for quotes."""
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Fields that are there but wrong, so that whoever names one is not told that it is missing."""

    def add(self, code: str, message: str, place: tuple[int, int]) -> None:
        self.problems.append(Problem(self.file, place[0], place[1], code, message))

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Where a value (or its key) stands; for what is not there, where its parent stands."""
        while path:
            if key and path in self.keys:
                return self.keys[path]
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return (1, 1)


def read(file: str, text: str) -> Source:
    """The file's values with their places; what is wrong as YAML is in `problems`, and then `data` may be None."""
    source = Source(file)
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        source.add("FF002", "this file is larger than 256 KB", (1, 1))
        return source
    if strange := _NOT_ALLOWED.search(text, text.startswith("\ufeff")):
        before = re.split(r"\r\n?|\n", text[: strange.start()])
        what = "which ends a line to some tools only" if strange[0] in _BREAKS else "a character YAML does not allow"
        message = f"this file holds U+{ord(strange[0]):04X}, {what}"
        source.add("FF001", message, (len(before), len(before[-1]) + 1))
        return source
    try:
        events = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        _syntax(source, error, text)
        return source
    reading = _Reading(source, events)
    documents = [e for e in events if isinstance(e, DocumentStartEvent)]
    if len(documents) != 1:
        place = _place(documents[1]) if documents else (1, 1)
        source.add("FF001", "a file holds one document" if documents else "this file is empty", place)
        return source
    source.data = reading.node((), 0)
    return source


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _syntax(source: Source, error: yaml.MarkedYAMLError, text: str) -> None:
    problem, context = str(error.problem or "it cannot be read"), str(error.context or "")
    lines = text.splitlines() or [""]
    mark, opened = error.problem_mark, error.context_mark
    if mark is None or (opened and opened.line < mark.line and ("flow" in context or "quoted" in context)):
        mark = opened
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    if line >= len(lines):  # libyaml puts the end of a file on a line of its own
        line, column = len(lines) - 1, len(lines[-1])
    place = (line + 1, column + 1)
    if "nesting depth" in problem:
        source.add("FF002", TOO_DEEP, place)
    else:
        source.add("FF001", f"this is not valid YAML: {problem}{_hint(problem, context, lines[line])}", place)


def _hint(problem: str, context: str, written: str) -> str:
    if "\t" in written:
        return "; indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "; put a text that contains ': ' in quotes"
    if "quoted" in context:
        return "; a quote is opened here and never closed"
    if "flow" in context:
        return "; check the brackets and commas, and put texts with commas or brackets in quotes"
    if "cannot start any token" in problem or "alias" in problem or "tag" in context:
        return "; put this text in quotes"
    if "block" in context or "document start" in problem:
        return "; check the indentation"
    return ""


_STARTS, _ENDS = (MappingStartEvent, SequenceStartEvent), (MappingEndEvent, SequenceEndEvent)


class _Reading:
    """Goes through the parser's events once."""

    def __init__(self, source: Source, events: list[Any]) -> None:
        self.source = source
        self.events = [e for e in events if isinstance(e, (AliasEvent, ScalarEvent, *_STARTS, *_ENDS))]
        self.position = 0

    def take(self) -> Any:
        event = self.events[self.position]
        self.position += 1
        return event

    def pass_by(self, event: Any) -> None:
        """Leave out what is inside a node that was taken."""
        level = int(isinstance(event, _STARTS))
        while level > 0:
            event = self.take()
            level += isinstance(event, _STARTS) - isinstance(event, _ENDS)

    def node(self, path: Path, depth: int) -> Any:
        event = self.take()
        place = _place(event)
        self.source.values[path] = place
        if depth > DEEPEST:
            self.source.add("FF002", TOO_DEEP, place)
            self.pass_by(event)
            return None
        if isinstance(event, AliasEvent):
            self.source.add("FF005", "aliases (*name) are not allowed: write it out", place)
            return None
        if event.anchor is not None:
            self.source.add("FF005", "anchors (&name) are not allowed: write it out where it is needed", place)
        if event.tag is not None and str(event.tag) not in ("", "!"):
            self.source.add("FF005", "tags (!name) are not allowed; put a text that begins with ! in quotes", place)
        if isinstance(event, ScalarEvent):
            return self.scalar(event, path, place)
        if isinstance(event, SequenceStartEvent):
            found: list[Any] = []
            while not isinstance(self.events[self.position], SequenceEndEvent):
                found.append(self.node((*path, len(found)), depth + 1))
            self.position += 1
            return found
        return self.mapping(path, depth)

    def mapping(self, path: Path, depth: int) -> dict[str | int, Any]:
        found: dict[str | int, Any] = {}
        first: dict[str | int, tuple[int, int]] = {}
        while not isinstance(self.events[self.position], MappingEndEvent):
            event = self.events[self.position]
            place = _place(event)
            if not isinstance(event, ScalarEvent):
                self.source.add("FF001", "a key must be a name; check the brackets", place)
                self.node((*path, "?"), depth + 1)
                self.node((*path, "?"), depth + 1)
                continue
            key = self.node((*path, "?"), depth)
            if not isinstance(key, str | int) or isinstance(key, bool):
                key = event.value
            inner = (*path, key)
            if key in found:
                self.source.add("FF003", f"'{key}' is written twice; the first is on line {first[key][0]}", place)
                inner = (*path, f"{key} again")
                self.node(inner, depth + 1)
                continue
            first[key] = self.source.keys[inner] = place
            found[key] = self.node(inner, depth + 1)
        self.position += 1
        self.source.values.pop((*path, "?"), None)
        return found

    def scalar(self, event: Any, path: Path, place: tuple[int, int]) -> Any:
        value = str(event.value)
        if event.style:
            self.source.quoted[path] = 1 if event.style in "'\"" else 0
            return value
        if value in ("", "~", "null"):
            return None
        if value in ("true", "false"):
            return value == "true"
        if _TWO_MEANINGS.fullmatch(value):
            what = "a time or a number" if ":" in value else "true, false or a number"
            self.source.add(
                "FF006", f'{value} means {what} to some tools and a text to others; write "{value}" in quotes', place
            )
            return value
        if _INTEGER.fullmatch(value):
            return int(value)
        if _DECIMAL.fullmatch(value):
            return Decimal(value)
        return value
