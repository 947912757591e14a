"""Whether a transition may happen now, and if not, exactly why not.

One function answers for firing, for buttons, for "what happens next" and for the audit trail, so they cannot disagree.
It reads only the situation it is given and never raises for a "no": a refusal is a decision with failing clauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fundflow.workflow.definition import Text, Workflow


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision may look at: where the application is, who asks, when, and the facts that its guards read.

    `facts` maps a root (``application``, ``round``, ``ledger``, ``input``, ``reviews``, ``forms``, ``timers``) to a record;
    ``reviews``, ``forms`` and ``timers`` map once more by name. A root that `reads()` did not name may be absent.
    """

    state: str
    now: datetime
    received_at: datetime
    actor: str | None
    roles: frozenset[str]
    facts: Mapping[str, Mapping[str, Any]]
    acted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fired: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition and its answer. `says` carries {placeholders}; `values` what they stood for when it was decided."""

    kind: str
    holds: bool
    says: Text
    values: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """The author's sentence in the reader's language with money, dates and numbers in its way of writing."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one transition: allowed, or the clauses that fail."""

    transition: str
    allowed: bool
    clauses: tuple[Clause, ...]
    to: str | None
    outcome: str | None

    def refusals(self, language: str) -> list[str]:
        """One sentence for each clause that does not hold."""
        return [clause.sentence(language) for clause in self.clauses if not clause.holds]


def reads(workflow: Workflow, transition: str) -> frozenset[str]:
    """The roots a decision on this transition needs: ``ledger``, ``round``, ``forms.proposal``, ``reviews.panel``, …"""
    raise NotImplementedError


def decide(workflow: Workflow, transition: str, situation: Situation) -> Decision:
    """Role, source state, separation of duty, deadline, then every `when` item; all are evaluated, none skipped."""
    raise NotImplementedError
