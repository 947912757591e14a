"""What a command may answer instead of happening, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.errors import Refused, Stale
from fundflow.workflow.decide import Decision

__all__ = [
    "HasEnded",
    "KeyReused",
    "NotAllowed",
    "NotThisWorkflow",
    "ReasonMissing",
    "Stale",
    "UnknownEffect",
    "UnknownTransition",
    "WrongInput",
    "shorten",
]


class NotAllowed(Refused):
    """{refusals}

    Carries the whole decision; the sentences are the workflow author's own, in the actor's language.
    """

    def __init__(self, decision: Decision, language: str) -> None:
        super().__init__(refusals=" ".join(decision.refusals(language)))
        self.decision = decision


class UnknownTransition(Refused):
    """There is no step “{transition}” in this workflow."""

    status = 404


class ReasonMissing(Refused):
    """Say why: this step needs a reason."""

    status = 422


class WrongInput(Refused):
    """What was entered cannot be used: {problems}

    `problems` has one refusal for each field, so that a page can show each beside its own.
    """

    status = 422

    def __init__(self, problems: Mapping[str, Refused]) -> None:
        super().__init__(problems=" ".join(str(problem) for problem in problems.values()))
        self.problems = dict(problems)


class HasEnded(Refused):
    """This application has ended, so nothing more can be done with it."""


class UnknownEffect(Refused):
    """The rules ask for “{effect}”, which this installation cannot do, so nothing was done."""

    status = 500


class KeyReused(Refused):
    """This form was already used for something else. Open the page again and repeat what you wanted to do."""


class NotThisWorkflow(Refused):
    """This application stands in “{state}”, which its workflow does not have, so nothing was done.

    Nothing but a hand in the database can cause this.
    """

    status = 500


def shorten(value: Any) -> str:
    """A value as it may appear in a sentence: on one line and not endless."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else text[:79] + "…"
