"""The one door through which an application's state changes, and the answers to what may happen next.

Refuses, with the failing clauses in words, whatever the workflow, the actor's roles or the facts do not allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import KeyReused, NotAllowed, ReasonMissing, Stale, UnknownTransition, WrongInput
from fundflow.workflow.decide import Decision

if TYPE_CHECKING:
    from fundflow.workflow.access import Cell

__all__ = [
    "Fired",
    "KeyReused",
    "NotAllowed",
    "ReasonMissing",
    "Stale",
    "UnknownTransition",
    "WrongInput",
    "available",
    "begin",
    "cell_of",
    "fire",
    "roles_of",
    "shown_state_of",
]


@dataclass(frozen=True, slots=True)
class Fired:
    """What a command did; `replayed` when an earlier one under the same key had done it already."""

    event_seq: int
    state: str
    outcome: str | None
    replayed: bool


def begin(
    *, round_id: UUID, city_id: UUID, definition_sha: str, currency: str, actor: Actor, key: str, title: str = ""
) -> Application:
    """Start an application: its row, its number (`SG-2026-0007`) and its first event, `started`."""
    raise NotImplementedError


def fire(
    application_id: UUID,
    transition: str,
    *,
    actor: Actor,
    key: str,
    revision: int | None,
    reason: str | None = None,
    input: Mapping[str, Any] | None = None,
    received_at: datetime | None = None,
) -> Fired:
    """Let a transition happen, or refuse."""
    raise NotImplementedError


def available(application: Application, actor: Actor) -> list[Decision]:
    """A decision for every transition that leaves the present state and that the actor's roles may start."""
    raise NotImplementedError


def roles_of(application: Application, actor: Actor) -> frozenset[str]:
    """The roles this actor holds on this application, by the database as it is now."""
    raise NotImplementedError


def cell_of(application: Application, actor: Actor) -> Cell:
    """What this actor may edit and view of this application now."""
    raise NotImplementedError


def shown_state_of(application: Application, actor: Actor) -> str:
    """The state as this actor is shown it."""
    raise NotImplementedError
