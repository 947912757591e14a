"""An example as it was read: who and what is given, what happens, and what is so afterwards, each with its line.

Names are as they are written; whoever runs an example meets those that the workflow does not have (any more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fundflow.money import Money
from fundflow.workflow.durations import Duration

Verb = Literal["take", "fill", "task", "undo", "sign", "assign", "ask", "score", "recuse", "discuss", "bank", "screen"]
VERBS: Mapping[str, int] = {
    "fill": 1,
    "task": 1,
    "undo": 1,
    "sign": 1,
    "assign": 2,
    "ask": 1,
    "score": 1,
    "recuse": 1,
    "discuss": 1,
    "bank": 1,
    "screen": 1,
}
"""What people do beside transitions, and how many words must follow."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of an example: the roles they are given, and what the records show between them and the city."""

    name: str
    roles: tuple[str, ...]
    conflicts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an example begins with; None for what it does not say."""

    now: datetime | None = None
    title: str | None = None
    floor: Money | None = None
    cap: Money | None = None
    budget: Money | None = None
    taken: Money | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    zone: str | None = None
    countries: tuple[str, ...] | None = None
    city: str | None = None
    country: str | None = None
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is said to be so: `path` says of what, `line` where it is written.

    Paths are ``state``, ``outcome``, ``revision``, ``ledger.available``, ``timers``, ``tasks.risk``, ``signed``,
    ``children.tranche.1``, ``reviews.panel.score``, ``application.requested``, ``sees.ana``, ``can.ana``,
    ``holds.ana``, ``sends`` and ``makes``. The last two are about the step, or with `is_whole` about all that the
    example itself does.
    """

    path: str
    value: Any
    line: int
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody is shown; None for what is not said."""

    state: str | None = None
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that goes out, and (where it is said) on which day or at which minute."""

    template: str
    role: str
    on: str = ""

    def __str__(self) -> str:
        return f"{self.template} to {self.role}" + (f" on {self.on}" if self.on else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens: somebody does something, or time passes; or nothing, and something is just looked at.

    `subject` is the transition, form, task, party, role, review or step with an account that `verb` is about, or what a
    search came to; `detail` the key of a child,
    what a task came to, or the person put in charge.
    """

    line: int
    who: str = ""
    verb: Verb | None = None
    subject: str = ""
    detail: str = ""
    at: datetime | None = None
    after: Duration | None = None
    is_asleep: bool = False
    """While the time passes nothing that is due happens, as when no worker runs."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Of a form, as they are stored, by field."""
    without: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    people: tuple[str, ...] = ()
    reserve: tuple[str, ...] = ()
    scores: Mapping[str, str] | str | None = None
    refused: tuple[str, ...] = ()
    refused_line: int = 0
    claims: tuple[Claim, ...] = ()

    @property
    def is_time(self) -> bool:
        return self.at is not None or self.after is not None

    @property
    def phrase(self) -> str:
        """What the person does, as it is written."""
        words = (self.subject, self.detail) if self.verb == "take" else (self.verb or "", self.subject, self.detail)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One story of a workflow."""

    name: str
    file: str
    line: int
    continues: str | None = None
    given: Given = Given()
    steps: tuple[Step, ...] = ()
