"""Small changes inside the texts of conditions and lengths of time, by what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_COMPARED: Mapping[str, str] = {">=": ">", "<=": "<", "==": "!=", "!=": "==", ">": ">=", "<": "<="}
_COMPARISON = re.compile(r">=|<=|==|!=|>|<")
_NUMBER = re.compile(r"(?<![\w'.])[0-9]+(\.[0-9]+)?(?![\w'])")
_LENGTH = re.compile(r"'([1-9][0-9]*) ((?:working )?[a-z]+)'")
_LOGIC: Mapping[str, str] = {"&&": "||", "||": "&&", ".all(": ".exists(", ".exists(": ".all("}
_LOGICAL = re.compile(r"&&|\|\||\.all\(|\.exists\(")
_ANY_LENGTH = re.compile(r"([1-9][0-9]*) ((?:working )?[a-z]+)")
_DATES = ("starts_on", "ends_on", "opens_at", "closes_at")


def _each(text: str, pattern: re.Pattern[str], other: Mapping[str, str]) -> Iterator[str]:
    quoted = [(m.start(), m.end()) for m in re.finditer(r"'[^']*'", text)]
    for found in pattern.finditer(text):
        if not any(start <= found.start() < end for start, end in quoted):
            yield text[: found.start()] + other[found[0]] + text[found.end() :]


def other_comparisons(text: str) -> Iterator[str]:
    """With one comparison moved or turned round."""
    yield from _each(text, _COMPARISON, _COMPARED)


def other_logic(text: str) -> Iterator[str]:
    """With one `and` for `or`, one `all` for `exists`, or the other way round."""
    yield from _each(text, _LOGICAL, _LOGIC)


def other_numbers(text: str) -> Iterator[str]:
    """With one number a little larger."""
    for found in _NUMBER.finditer(text):
        number = found[0]
        whole, dot, part = number.partition(".")
        more = f"{whole}.{int(part) + 1:0{len(part)}}" if dot else str(int(whole) + 1)
        yield text[: found.start()] + more + text[found.end() :]


def other_lengths(text: str) -> Iterator[str]:
    """With one length of time a little longer."""
    for found in _LENGTH.finditer(text):
        if (more := longer(found[0].strip("'"))) is not None:
            yield f"{text[: found.start()]}'{more}'{text[found.end() :]}"


def longer(text: str) -> str | None:
    """A length of time that is one longer; None for what is none."""
    found = _ANY_LENGTH.fullmatch(text)
    if found is None:
        return None
    unit = found[2] if found[2].endswith("s") else f"{found[2]}s"
    return f"{int(found[1]) + 1} {unit}"


def other_dates(text: str) -> Iterator[str]:
    """Looking at the other end of the same stretch of time."""
    for one, other in zip(_DATES, (*_DATES[1::-1], *_DATES[:1:-1]), strict=True):
        if re.search(rf"\b{one}\b", text):
            yield re.sub(rf"\b{one}\b", other, text)
