"""Text of an expression into tokens, each with its place.

Refuses what is no part of the language by naming the character, and what people write from other languages by naming
what to write here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fundflow.workflow.expressions.nodes import ExpressionError

LONGEST = 2_000
"""Characters an expression may have."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<decimal>[0-9]+\.[0-9]+)
    |(?P<integer>[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_INSTEAD = {"and": "&&", "or": "||", "not": "!", "is": "==", "None": "null", "True": "true", "False": "false"}
_SIGNS_INSTEAD = {"=": "==", "&": "&&", "|": "||", "≤": "<=", "≥": ">=", "≠": "!=", "“": '"', "”": '"', "’": "'"}
_UNESCAPED = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is integer, decimal, name, text, sign or end."""

    kind: str
    text: str
    at: int


def tokens(source: str) -> list[Token]:
    """All tokens, ending with one of kind ``end``."""
    if len(source) > LONGEST:
        raise ExpressionError(f"this expression is longer than {LONGEST:,} characters", 0)
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _unknown(source, at)
        kind = match.lastgroup or ""
        word = match[0]
        if kind == "name" and word in _INSTEAD:
            raise ExpressionError(f"write {_INSTEAD[word]} instead of {word}", at)
        if kind in ("integer", "decimal"):
            _number(source, match)
        if kind == "text":
            word = _unescape(word, at)
        if kind != "space":
            found.append(Token(kind, word, at))
        at = match.end()
    found.append(Token("end", "", len(source)))
    return found


def _number(source: str, match: re.Match[str]) -> None:
    if source[match.end() : match.end() + 1].isalpha() or source[match.end() : match.end() + 1] == "_":
        raise ExpressionError("a number has digits only, such as 10 or 2.5", match.start())
    if len(match[0]) > 24:
        raise ExpressionError("this number has more than 24 digits", match.start())


def _unescape(quoted: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in _UNESCAPED:
            raise ExpressionError(f"\\{match[1]} means nothing here; write the character itself", at + match.start())
        return _UNESCAPED[match[1]]

    return re.sub(r"\\(.)", one, quoted[1:-1])


def _unknown(source: str, at: int) -> ExpressionError:
    character = source[at]
    if character in "'\"":
        return ExpressionError(f"this text is never closed; it needs another {character}", at)
    if character in _SIGNS_INSTEAD:
        return ExpressionError(f"write {_SIGNS_INSTEAD[character]} instead of {character}", at)
    return ExpressionError(f"'{character}' has no meaning in an expression", at)
