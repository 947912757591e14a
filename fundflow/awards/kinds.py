"""The kinds of documents that a workflow may name: the template of each, and what reads its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fundflow.awards import agreements, countersigned, letters, reasons
from fundflow.awards.answered import ENDS, MONTHS, STARTS
from fundflow.lifecycle.registry import EffectContext

Facts = Callable[[EffectContext, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A document: its template below `templates/agreements`, and the facts of an event in a language.

    What binds the fund is sealed with its certificate. What `is_signed` shows the signatures of another document, in
    the one language in which that was signed.

    `prints` are the answers it looks for where a form asks for them; it takes inputs of the types `asks`.
    """

    template: str
    facts: Facts
    prints: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    is_sealed: bool = False
    is_signed: bool = False


_PERIOD = frozenset({*STARTS, *ENDS})


KINDS: Mapping[str, Kind] = {
    "agreement": Kind("grant_agreement", agreements.agreement, _PERIOD | {"requested", *MONTHS}, is_sealed=True),
    "countersigned_agreement": Kind(
        "countersigned_agreement", countersigned.countersigned, is_sealed=True, is_signed=True
    ),
    "award_letter": Kind("award_letter", letters.award_letter, _PERIOD | {"requested"}, is_sealed=True),
    "amendment": Kind("amendment", letters.amendment, _PERIOD, frozenset({"date"}), is_sealed=True),
    "plan_amendment": Kind("plan_amendment", letters.plan_amendment, frozenset({"requested"}), is_sealed=True),
    "rejection_letter": Kind("rejection_letter", letters.rejection_letter, is_sealed=True),
    "closing_letter": Kind("closing_letter", letters.closing_letter, _PERIOD | {"spent", "people_reached"}),
    "termination_letter": Kind("termination_letter", letters.termination_letter, is_sealed=True),
    "statement_of_reasons": Kind("statement_of_reasons", reasons.statement_of_reasons, is_sealed=True),
}
