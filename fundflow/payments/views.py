"""The money of the rounds: budget, committed, paid and available, exact to the smallest unit; entries and payments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import in_group
from fundflow.ledger import listing, naming
from fundflow.ledger import queries as ledger
from fundflow.money import Money
from fundflow.payments import queries
from fundflow.rounds.policy import SEES_MONEY
from fundflow.rounds.queries import money_round_for, money_rounds
from fundflow.web import csv
from fundflow.web.gate import requires
from fundflow.web.shell import nav_item

pages = Blueprint("payments", __name__)

sees_money = in_group(*SEES_MONEY)


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    app.register_blueprint(pages)
    nav_item(_l("Money"), "payments.index", sees_money, 50)


@pages.get("/money")
@requires(sees_money)
def index() -> ResponseReturnValue:
    """Every round's budget and where it stands."""
    rounds = money_rounds(g.actor)
    balances = ledger.balances(each.id for each in rounds)
    totals: dict[str, Money] = {}
    for balance in balances.values():
        currency = balance.available.currency
        totals[currency] = totals.get(currency, Money.zero(currency)) + balance.available
    return render_template("payments/index.html", rounds=rounds, balances=balances, totals=sorted(totals.items()))


@pages.get("/money/<slug>")
@requires(sees_money)
def show(slug: str) -> ResponseReturnValue:
    """One round's money: the balance, every payment and every entry of the ledger."""
    round_ = money_round_for(g.actor, slug)
    return render_template(
        "payments/show.html",
        round=round_,
        balance=ledger.balance(round_.id),
        payments=queries.payments_of_round(round_.id),
        entries=listing.entries_of(round_.id),
        kinds=naming.kinds(),
        accounts=naming.accounts(),
    )


@pages.get("/money/<slug>.csv")
@requires(sees_money)
def entries_csv(slug: str) -> ResponseReturnValue:
    """Every entry of the round's ledger as a file, the first first."""
    round_ = money_round_for(g.actor, slug)
    header = [_("When"), _("Entry"), _("From"), _("To"), _("Amount"), _("Currency"), _("Application"), _("City")]
    return csv.response(_cells(round_.id), header=header, filename=f"ledger-{slug}-{clock.now():%Y-%m-%d}.csv")


def _cells(round_id: UUID) -> Iterator[list[Any]]:
    kinds, accounts = naming.kinds(), naming.accounts()
    for line in listing.entries_of(round_id):
        entry = line.entry
        yield [
            entry.created_at,
            kinds.get(entry.kind, entry.kind),
            accounts.get(entry.credit, entry.credit),
            accounts.get(entry.debit, entry.debit),
            entry.amount,
            entry.currency,
            line.number,
            line.city,
        ]
