"""Words in lines of a given width: what is short stays whole, what is long is broken between words, or else anywhere.

Widths are estimated on the wide side for any usual font without feet, so that no words ever run into others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

_WIDTHS = (
    "26 27 44 65 67 92 74 26 32 32 56 58 27 39 27 38 63 58 61 64 64 65 64 61 66 64 27 27 58 58 58 53 90 72 68 "
    "70 73 63 60 74 77 34 40 70 58 91 77 79 65 79 69 68 60 74 69 96 70 63 65 33 38 33 58 53 29 57 62 55 62 57 "
    "40 63 62 26 27 57 31 94 62 61 62 62 42 52 40 62 51 79 58 55 49 38 56 38 58 "
).split()
"""How wide each character from the space to the tilde is, in hundredths of its size, in the widest of some fonts."""
LABEL, SMALL, HEAD = 12.5, 11.0, 14.0
SIZES = {"head": HEAD, "label": LABEL, "who": SMALL, "mark": SMALL, "end": SMALL, "note": SMALL, "title": 13.0}
BOLD = {"head": 1.08, "title": 1.08, "label": 1.04}
ICON = 15.0
"""The room of a sign before its words."""
SPACE = 4.0
PILL = 8.0
"""The room left and right of words in a pill."""


def width_of(text: str, size: float) -> float:
    """About how wide a text is in a proportional font."""
    return size * sum(map(_share, text)) / 100


@lru_cache(4096)
def _share(c: str) -> int:
    base = normalize("NFD", c)[0]
    if " " <= base <= "~":
        return int(_WIDTHS[ord(base) - 32])
    return 46 if c in "’‘“”·…" else 62 if c.isalpha() and ord(c) < 0x2E80 else 105


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one kind in a line of text, or a sign with its words that stay together."""

    kind: str
    text: str
    icon: str = ""
    is_whole: bool = False
    is_pill: bool = False
    tail: float = 0
    """Room kept behind the words of a pill."""

    @property
    def lead(self) -> float:
        """What comes before the words: the sign, and the edge of the pill."""
        return (ICON if self.icon else 0) + (PILL if self.is_pill else 0)

    @property
    def width(self) -> float:
        return self.lead + wide(self.kind, self.text) + (PILL + self.tail if self.is_pill else 0)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece, or a part of it, where it stands: `x` from the left edge of its lines."""

    x: float
    line: int
    piece: Piece


def wide(kind: str, text: str) -> float:
    """How wide a text of this kind is."""
    return width_of(text, SIZES[kind]) * BOLD.get(kind, 1.0)


def shortened(kind: str, text: str, room: float) -> str:
    """The text, or as much of it as there is room for."""
    if wide(kind, text) <= room:
        return text
    while text and wide(kind, f"{text}…") > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def set_in(pieces: Sequence[Piece], room: float, first: float | None = None) -> tuple[list[Span], int]:
    """The pieces in lines no wider than `room` (the first no wider than `first`), and how many lines that makes."""
    spans: list[Span] = []
    x, line = 0.0, 0
    for piece in pieces:
        is_whole = piece.is_whole and piece.width <= room
        for part in [piece] if is_whole else _parts(piece, room - piece.lead):
            last = spans[-1].piece if spans and spans[-1].line == line else None
            gap, part_ = _after(last, part)
            if x and x + gap + part_.width > (room if line or first is None else first):
                x, line, gap, last, part_ = 0.0, line + 1, 0.0, None, part
            if last is not None and last.kind == part.kind and not (part.icon or part.is_pill or last.is_pill):
                begin, part_ = spans.pop().x, Piece(part.kind, f"{last.text} {part.text}", last.icon)
                x = begin + part_.width
                spans.append(Span(begin, line, part_))
            else:
                spans.append(Span(x + gap, line, part_))
                x += gap + part_.width
    return spans, line + 1 if spans else 0


def _after(last: Piece | None, part: Piece) -> tuple[float, Piece]:
    """The gap after what stands before it in its line, and how it is written there: with a dot after other words."""
    if last is None:
        return 0.0, part
    if part.is_pill or part.icon or last.is_pill or last.icon:
        return (7.0, part) if last.kind != part.kind or part.is_whole else (SPACE, part)
    if last.kind != part.kind:
        return SPACE, Piece(part.kind, f"· {part.text}", part.icon, part.is_whole)
    return SPACE, part


def _parts(piece: Piece, room: float) -> Iterable[Piece]:
    """Its words one by one, the sign with the first; a word that is too wide for any line in pieces of it."""
    icon = piece.icon
    for word in piece.text.split():
        for text in _fitting(piece.kind, word, room):
            yield Piece(piece.kind, text, icon)
            icon = ""


def _fitting(kind: str, word: str, room: float) -> Iterable[str]:
    begin = ""
    for c in word:
        if begin and wide(kind, begin + c) > room:
            yield begin
            begin = ""
        begin += c
    if begin:
        yield begin
