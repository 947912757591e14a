"""The kinds of documents that a workflow may name: the template of each, and what reads its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fundflow.awards import agreements, letters
from fundflow.lifecycle.registry import EffectContext

Facts = Callable[[EffectContext, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A document: its template below `templates/agreements`, and the facts of an event in a language."""

    template: str
    facts: Facts


KINDS: Mapping[str, Kind] = {
    "agreement": Kind("grant_agreement", agreements.agreement),
    "award_letter": Kind("award_letter", letters.award_letter),
    "amendment": Kind("amendment", letters.amendment),
    "rejection_letter": Kind("rejection_letter", letters.rejection_letter),
    "closing_letter": Kind("closing_letter", letters.closing_letter),
    "termination_letter": Kind("termination_letter", letters.termination_letter),
}
