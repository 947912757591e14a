"""What is wrong with a workflow file: where, which rule, and what to write instead.

Never one at a time: whoever loads a file gets every problem that can be found at once.
"""

from __future__ import annotations

import difflib
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake at a place; lines and columns count from one. Warnings do not stop a file from loading.

    `path` is a counter-example: the transitions that lead to it, from the beginning. `example` are the facts under
    which it shows, each by its path with its value as a person would write it. `at` is the dotted path of the part, as
    an acceptance names it.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = field(default="error", compare=False)
    path: tuple[str, ...] = field(default=(), compare=False)
    example: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    at: str = field(default="", compare=False)
    accepted_because: str = field(default="", compare=False)
    accepted_by: str = field(default="", compare=False)

    @property
    def is_warning(self) -> bool:
        return self.severity == "warning"

    @property
    def is_accepted(self) -> bool:
        """A warning that somebody answers for in the file."""
        return self.is_warning and bool(self.accepted_by)

    @property
    def blocks(self) -> bool:
        """It keeps the file from being published."""
        return not self.is_accepted

    @property
    def sentence(self) -> str:
        """The message, and after it the path that shows it."""
        return f"{self.message}: {' → '.join(self.path)}" if self.path else self.message

    def __str__(self) -> str:
        word = "warning " if self.is_warning else ""
        return f"{self.file}:{self.line}:{self.column}: {word}{self.code} {self.sentence}"


class Problems(Exception):
    """The file cannot be used. `str()` prints one problem a line, as ``file:line:column: CODE message``."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


MANY = 150
"""Of more names than this, only those around the place of the wrong one are compared with it: a file with thousands
of states and thousands of mistakes is answered in a second, not in a minute."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'draft'?`` or nothing, for the end of a message."""
    names = sorted(known)
    if len(names) > MANY:
        near = bisect(names, name)
        names = names[max(0, near - MANY // 2) : near + MANY // 2]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    if 0 < len(names) <= 6:
        return f"; there is {listed(names)}"
    return ""


def listed(names: Iterable[str]) -> str:
    """``'a', 'b' and 'c'``."""
    quoted = [f"'{name}'" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
