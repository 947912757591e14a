"""What a donor's person sees: their own lines, the rounds and announced grants that live on them, and statements.

They only read. What is not announced yet is on no page, in no figure and in no file.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow.charts import Chart, Numbers, Series, Words, stacked
from fundflow.errors import NotFound
from fundflow.ledger import announced, naming, policy, sources, statement_views
from fundflow.ledger.models import DonorLine
from fundflow.ledger.sources import LineRow, Project
from fundflow.money import Money
from fundflow.web import reader
from fundflow.web.gate import Rule, requires

followers = Rule(policy.is_donor_person, _l("a fund manager of every round"), "the people of donors")


def add_to(pages: Blueprint) -> None:
    """Serve them."""
    pages.add_url_rule("/donor", "followed", followed)
    for ending in ("", ".csv", ".xlsx"):
        name = f"donor_statement{ending.replace('.', '_')}"
        pages.add_url_rule(f"/donor/lines/<uuid:line_id>/statement{ending}", name, _view(ending))


@requires(followers)
def followed() -> ResponseReturnValue:
    """Every line of the person's donors with its money, rounds and announced grants."""
    lines = sources.lines(policy.lines_of(g.actor))
    told = announced.applications([row.line.id for row in lines])
    found = []
    for number, row in enumerate(lines):
        projects = sources.awarded([row.line.id], told)
        held = announced.standing(row, projects)
        found.append((row, held, projects, _chart(number, row, projects)))
    return render_template("ledger/followed.html", lines=found, donors=sources.donors_of(g.actor))


def _view(ending: str) -> Any:
    @requires(followers)
    def statement(line_id: UUID) -> ResponseReturnValue:
        """The statement of one line, without what is not announced."""
        found = sources.lines(DonorLine.id == line_id, policy.lines_of(g.actor))
        if not found:
            raise NotFound
        of = announced.clause([line_id], announced.applications([line_id]))
        address = {"line_id": line_id}
        return statement_views.answer(
            of, found[0].line.name, ending, address=address, endpoint="ledger.donor_statement"
        )

    return statement


def _chart(number: int, row: LineRow, projects: list[Project]) -> Chart | None:
    """What each grant was promised and paid of this line, in whole units of money."""
    if not projects:
        return None
    names, zero = naming.accounts(), Money.zero(row.line.currency)

    def series(account: str) -> Series:
        return Series(names[account], [float(each.held.get(account, zero).amount) for each in projects])

    return stacked(
        f"line-{number}",
        _("Grants of %(line)s", line=row.line.name),
        [each.city for each in projects],
        [series("paid"), series("ordered"), series("committed")],
        Numbers(language=reader.language(), currency=row.line.currency),
        heading=_("City"),
        words=Words(value=_("Value"), low=_("From"), high=_("To"), data=_("Data")),
    )
