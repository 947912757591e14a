"""Published workflows: pinned by the digest of their texts, loaded once a process.

Refuses a stored text that no longer has the digest it was pinned under.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fundflow.workflow.definition import Workflow


def pin(workflow: Workflow) -> str:
    """Keep a workflow's texts for ever and return their digest; pinning the same texts again changes nothing."""
    raise NotImplementedError


def get(sha256: str) -> Workflow:
    """The workflow pinned under this digest; NotFound where there is none."""
    raise NotImplementedError


def shipped() -> list[Workflow]:
    """The workflows in `workflows/`, by name."""
    raise NotImplementedError
