"""What a rule of the checker finds, and what a rule is: a generator over one workflow.

A finding names its part of the file by dotted path; `check` turns that into a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from fundflow.workflow.checker.context import Context
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Severity


class Finding(NamedTuple):
    """A code, the dotted path of what is wrong, and the sentence; the rest as in `Problem`."""

    code: str
    at: str
    message: str
    path: tuple[str, ...] = ()
    example: tuple[tuple[str, str], ...] = ()
    severity: Severity | None = None
    """That of the code where nothing else is said."""


Rule = Callable[[Workflow], Iterator[Finding]]
"""Looks at the file alone."""

WiderRule = Callable[[Workflow, Context], Iterator[Finding]]
"""Looks also at people, at what is installed or at earlier versions, or keeps to the limits of the context."""
