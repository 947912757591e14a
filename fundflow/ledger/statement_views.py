"""Statements as pages and files: of a donor, a window, a line, a round or one award, until any past day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.errors import NotFound, Refused
from fundflow.ledger import naming, policy, sources, statements
from fundflow.ledger.statements import Clause, Statement
from fundflow.rounds import queries as rounds
from fundflow.web import csv, xlsx
from fundflow.web.gate import Rule, requires
from fundflow.web.refusals import sentence

sees_lines = Rule(
    policy.may_see_lines,
    _l("a fund manager of every round"),
    "managers, directors, finance and auditors of every round",
)


def add_to(pages: Blueprint) -> None:
    """Serve them."""
    for ending in ("", ".csv", ".xlsx"):
        pages.add_url_rule(
            f"/funding/<any(donors, windows, lines, rounds, awards):kind>/<uuid:key>/statement{ending}",
            f"statement{ending.replace('.', '_')}",
            _view(ending),
        )


def _view(ending: str) -> Any:
    @requires(sees_lines)
    def statement(kind: str, key: UUID) -> ResponseReturnValue:
        """One statement until a past day, or until now."""
        of, title = scope(kind, key)
        return answer(of, title, ending, address={"kind": kind, "key": key}, endpoint="ledger.statement")

    return statement


def scope(kind: str, key: UUID) -> tuple[Clause, str]:
    """Which entries a statement is of, and what it is called; NotFound where there is no such thing."""
    match kind:
        case "donors":
            return statements.of_donor(key), sources.donor_for(g.actor, key).name
        case "lines":
            return statements.of_line(key), sources.line_for(g.actor, key).line.name
        case "windows":
            window = rounds.window(key)
            if window is None:
                raise NotFound
            return statements.of_window(key), window.name
        case "rounds":
            return statements.of_round(key), rounds.money_round_for(g.actor, key).title
    return statements.of_application(key), sources.application_for(g.actor, key).number


def answer(of: Clause, title: str, ending: str, *, address: dict[str, Any], endpoint: str) -> ResponseReturnValue:
    """The page, or its file; 422 with the text kept where a day cannot be read."""
    since, until = request.args.get("since", ""), request.args.get("until", "")
    problems, status = [], 200
    begin: datetime | None = None
    end = clock.now()
    try:
        begin = statements.end_of(statements.read_day(since)) - statements.ONE_DAY if since.strip() else None
        end = statements.end_of(statements.read_day(until)) if until.strip() else end
    except Refused as problem:
        problems, status = [sentence(problem)], 422
    found = statements.statements(of, end, begin) if not problems else []
    if ending and not problems:
        name = f"statement-{min(end, clock.now()):%Y-%m-%d}{ending}"
        if ending == ".csv":
            return csv.response(_cells(found), header=_header(), filename=name)
        return xlsx.response((title, _header(), _cells(found)), filename=name)
    page = render_template(
        "ledger/statement.html",
        title=title,
        statements=found,
        kinds=naming.kinds(),
        accounts=naming.accounts(),
        since=since,
        until=until,
        problems=problems,
        address=address,
        endpoint=endpoint,
        may_correct=policy.may_correct(g.actor),
    )
    return page, status


def _header() -> list[str]:
    header = [_("When"), _("Entry"), _("From"), _("To"), _("Amount"), _("Currency"), _("Line"), _("Round")]
    return [*header, _("Application"), _("City")]


def _cells(found: list[Statement]) -> Iterator[list[Any]]:
    kinds, accounts = naming.kinds(), naming.accounts()
    for each in found:
        for account in each.accounts:
            yield [None, _("Opening balance"), None, accounts[account], each.opening[account], each.currency]
        for row in each.movements:
            entry = row.entry
            yield [
                entry.created_at,
                kinds[entry.kind],
                accounts[entry.credit],
                accounts[entry.debit],
                entry.amount,
                entry.currency,
                row.line,
                row.round,
                row.number,
                row.city,
            ]
        for account in each.accounts:
            yield [None, _("Closing balance"), None, accounts[account], each.closing[account], each.currency]
