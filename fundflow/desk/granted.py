"""Since when an application is a grant, as far as somebody can tell.

What a workflow disguises from them is none yet: they learn of it with the next move that they are shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from fundflow.desk.masks import Sight
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Event
from fundflow.workflow.definition import Transition

AWARDING = frozenset({"award_letter", "agreement"})
"""Documents that tell a city of its grant."""


def granted_by(events: Sequence[Event], sight: Sight) -> Event | None:
    """The event that made it a grant, or by which this reader learns of it; None where there is none for them."""
    made = next((event for event in events if _awards(event)), None)
    if made is None or not sight.is_hidden(made):
        return made
    return next(
        (
            event
            for event in events
            if event.seq > made.seq and event.from_state != event.to_state and not sight.is_hidden(event)
        ),
        None,
    )


def _awards(event: Event) -> bool:
    step = definitions.get(event.definition_sha).find(event.transition)
    return step is not None and makes_award(step)


def makes_award(step: Transition) -> bool:
    """It commits money, or puts it aside by a decision that awards it: a mere place on a reserve list is no grant."""
    operations = {effect.ledger for effect in step.do}
    tells = step.meeting == "award" or any(effect.document in AWARDING for effect in step.do)
    return "commit" in operations or ("reserve" in operations and tells)
