"""Who may look at the portfolio: whoever sees the money of a round, of that round; others by clauses they register.

What it shows of a grant is what the fund has announced and accepted, so that it may also be shown outside the fund.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from fundflow.accounts.policy import in_group
from fundflow.lifecycle.actor import Actor
from fundflow.rounds.policy import SEES_MONEY, money_seen_by
from fundflow.web.gate import Rule

portfolio_clauses: list[Callable[[Actor], sa.ColumnElement[bool] | None]] = []
"""Further ways to see a round's portfolio, from the features above: a clause over Round, or None for this actor."""

_staff = in_group(*SEES_MONEY)
sees_portfolio = Rule(
    lambda actor: _staff(actor) or any(each(actor) is not None for each in portfolio_clauses),
    _staff.who,
    "portfolio",
)


def portfolio_seen_by(actor: Actor) -> sa.ColumnElement[bool]:
    """The rounds whose portfolio the actor may look at, as a clause over Round."""
    more = [clause for each in portfolio_clauses if (clause := each(actor)) is not None]
    return sa.or_(money_seen_by(actor), *more)
