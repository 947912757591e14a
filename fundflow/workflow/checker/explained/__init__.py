"""What each code of the checker means, by layer: why it matters, how to mend it, and the smallest file that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fundflow.workflow.problems import Severity

Layer = Literal[
    "file",
    "form",
    "graph",
    "conditions",
    "people",
    "access",
    "timers",
    "reviews",
    "effects",
    "words",
    "parts",
    "versions",
    "installation",
    "acceptance",
    "examples",
]
Needs = Literal["file", "directory", "installation", "earlier", "live", "today", "proof", "examples"]


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `needs` says what the checker must be told beside the file to find it."""

    id: str
    layer: Layer
    title: str
    why: str
    mend: str
    example: str
    severity: Severity = "error"
    needs: Needs = "file"
