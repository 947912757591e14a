"""What a donor may know of: grants that were committed and that their city has been told of, and nothing before.

A state that the workflow shows to the city as another one, or that another one is shown as, tells nobody anything; nor
does a grant that a feature above withholds, such as one whose city knows of it before the public does. The money of
such an application counts as if it still lay in its round.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from fundflow.ledger import sources
from fundflow.ledger.models import LedgerEntry
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.workflow import access

Withholding = Callable[[Sequence[Application]], Collection[UUID]]
withholding: list[Withholding] = []
"""What features above know of grants that nobody outside may be told of yet."""


def withholds(run: Withholding) -> Withholding:
    """Have these applications told to no donor, whatever their city sees."""
    withholding[:] = [each for each in withholding if each.__qualname__ != run.__qualname__] + [run]
    return run


def is_announced(application: Application) -> bool:
    """Its city sees where it stands, and nothing else looks like that."""
    if application.outcome is not None:
        return True
    workflow = definitions.get(application.definition_sha)
    team = frozenset(role.id for role in workflow.roles.values() if role.kind == "team")
    return application.state in workflow.states and len(access.alike(workflow, application.state, team)) == 1


def applications(line_ids: Sequence[UUID]) -> list[UUID]:
    """The announced grants that draw on these lines."""
    found = [each for each in sources.drawing_on(line_ids) if is_announced(each)]
    withheld = {application_id for run in withholding for application_id in run(found)} if found else set()
    return [each.id for each in found if each.id not in withheld]


def clause(line_ids: Sequence[UUID], announced: Sequence[UUID]) -> sa.ColumnElement[bool]:
    """The entries of these lines that may be told: of the lines and rounds themselves, and of what is announced."""
    return sa.and_(
        LedgerEntry.line_id.in_(line_ids),
        sa.or_(LedgerEntry.application_id.is_(None), LedgerEntry.application_id.in_(announced)),
    )


def standing(row: sources.LineRow, projects: Sequence[sources.Project]) -> dict[str, Money]:
    """What stands in a line's accounts as a donor may know it: what is not announced is still available."""
    held = dict(row.held)
    for account in ("reserved", "committed", "ordered", "paid"):
        told = sum((each.held[account] for each in projects if account in each.held), Money.zero(row.line.currency))
        held["available"] = held["available"] + held[account] - told
        held[account] = told
    return held
