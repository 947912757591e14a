"""Everything that comes in and goes out, as models: the views answer nothing else, and the description is made of them.

Refuses names it does not know, and numbers with a fraction: an amount is text, or whole smallest units.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fundflow.money import LARGEST_MINOR

Whole = Annotated[int, Field(ge=-LARGEST_MINOR, le=LARGEST_MINOR)]


class Part(BaseModel):
    """Whatever is part of a message."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Part):
    """Something with the name by which rules know it, and its name for people in the caller's language."""

    id: str
    label: str


class Link(Part):
    """Something with its page for people."""

    id: str
    label: str
    page: str


class FormLink(Link):
    """A form that the caller may read, or also fill in."""

    may_edit: bool


class Stop(Part):
    """One step of the way: `done`, `current` or `next`; a phase that is current has its states as parts."""

    label: str
    is_at: str
    parts: list[Stop] = []


class Application(Part):
    """An application as the caller is shown it."""

    id: UUID
    number: str
    title: str
    state: Named
    outcome: Named | None
    revision: int = Field(description="What the caller has seen of it; goes back in If-Match.")
    round: Link
    city: Link
    forms: list[FormLink]
    phases: list[Stop]
    page: str


class Clause(Part):
    """One condition. What it was decided by is told where it fails, as far as the sentence tells it."""

    kind: str
    holds: bool
    sentence: str | None = Field(description="Why not, in the caller's language; null where the condition holds.")
    values: dict[str, Any]


class Choice(Part):
    """One of the values that can be given."""

    value: str
    label: str


class Asked(Part):
    """A value to be sent: of type text, date (2026-11-23), money, integer, decimal or choice."""

    name: str
    type: str
    label: str
    help: str
    choices: list[Choice] = []


class Asks(Part):
    """What the call must carry."""

    reason: bool = False
    confirm: bool = False
    input: list[Asked] = []
    value: Asked | None = None


class Decision(Part):
    """Something the caller may do, or is kept from by the clauses that do not hold."""

    id: str
    label: str
    help: str
    allowed: bool
    clauses: list[Clause]
    asks: Asks
    deadline: datetime | None
    call: str = Field(description="The address to post to.")


class Child(Part):
    """A child of the application, such as a tranche, with what can be done with it."""

    kind: Named
    key: str
    state: Named
    values: dict[str, Any]
    forms: list[FormLink]
    decisions: list[Decision]


class Decisions(Part):
    """Everything the caller may do with an application, or is kept from, now."""

    application: UUID
    revision: int
    transitions: list[Decision]
    acts: list[Decision]
    children: list[Child]


class Amount(Part):
    """Money in the currency's smallest unit."""

    model_config = ConfigDict(strict=True)

    minor: Annotated[int, Field(ge=0, le=LARGEST_MINOR)]
    currency: str


class Command(Part):
    """What a command says. Which of it is needed, its decision says under `asks`."""

    model_config = ConfigDict(strict=True)

    reason: str | None = None
    input: dict[str, str | Whole | Amount | None] = {}
    confirm: bool = False
    value: str | None = Field(
        default=None, description="What a task came to (null takes it back), or the id of the person to put in charge."
    )


class Done(Part):
    """That a command happened, now or (`replayed`) when it was sent before."""

    event: int
    state: Named
    outcome: Named | None
    revision: int
    replayed: bool
    says: str


class Problem(Part):
    """A failure (RFC 9457); `clauses` where a decision refuses, `fields` where something is to be corrected."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str
    clauses: list[Clause] | None = None
    fields: dict[str, str] | None = None
    reference: str | None = None
