"""The ledger under thousands of operations, under raw SQL, and under whoever owns the database."""

from __future__ import annotations

import random
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import IntegrityError

from fundflow import clock
from fundflow.cli import main
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.ledger import queries, service, verifying
from fundflow.ledger.models import LedgerBalance, LedgerEntry
from fundflow.money import Money
from tests.conftest import ON_POSTGRES
from tests.ledger.operating import Fund, a_fund, plans, walk
from tests.ledger.tampering import unguarded

pytestmark = pytest.mark.usefixtures("app")
MANY = 200 if ON_POSTGRES else 1_000
"""PostgreSQL has the same rules and is the slower of the two; bench/ledger.py goes on to ten thousand operations."""


def test_a_thousand_tranche_plans_in_five_currencies_are_paid_to_the_last_unit() -> None:
    done = plans(MANY, random.Random(5))
    assert done >= 7 * MANY
    proof = verifying.verify()
    assert proof.is_whole, proof.faults[:5]
    assert proof.entries > done


def test_whatever_is_tried_the_lines_together_hold_what_plain_sums_say() -> None:
    with transaction():
        fund = a_fund("TND", [1_000, 700, 1, 299], 3)
        moved, refused = walk(fund, MANY * 2, random.Random(7))
    assert moved > 400 / (ON_POSTGRES + 1) / 4 and refused > 50
    proof = verifying.verify()
    assert proof.is_whole, proof.faults[:5]


@pytest.fixture
def fund() -> Fund:
    with transaction():
        fund = a_fund("EUR", [60_00, 40_00], 2)
        service.commit(fund.applications[0], Money(80_00, "EUR"), 2)
        service.pay(fund.applications[0], Money(30_00, "EUR"), 3)
    return fund


def test_an_award_above_the_budget_by_one_cent_is_refused(fund: Fund) -> None:
    with pytest.raises(service.NotEnoughLeft), transaction():
        service.commit(fund.applications[1], Money(20_01, "EUR"), 2)
    with transaction():
        service.commit(fund.applications[1], Money(20_00, "EUR"), 2)
    assert not queries.balance(fund.round.id).available


def an_entry(fund: Fund, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "created_at": clock.now(),
        "line_id": fund.lines[0].id,
        "round_id": fund.round.id,
        "application_id": fund.applications[0].id,
        "event_seq": 9,
        "kind": "payment",
        "credit": "committed",
        "debit": "paid",
        "minor": 1,
        "currency": "EUR",
    } | more


def test_raw_sql_that_breaks_a_rule_is_refused(fund: Fund) -> None:
    other = a_fund("EUR", [5], 1)
    yen = a_fund("JPY", [5], 1)
    db.session.commit()
    first = db.session.scalars(sa.select(LedgerEntry).where(LedgerEntry.kind == "commitment")).first()
    assert first is not None
    back = {"kind": "reversal", "reversal_of": first.id, "line_id": first.line_id, "event_seq": None}
    wrong: list[Any] = [
        sa.update(LedgerEntry).values(minor=1),
        sa.delete(LedgerEntry),
        sa.update(LedgerBalance).where(LedgerBalance.account == "available").values(minor=LedgerBalance.minor + 1),
        sa.update(LedgerBalance).where(LedgerBalance.account == "paid").values(minor=1, entry_id=first.id),
        sa.delete(LedgerBalance),
        sa.insert(LedgerBalance).values(holder_id=uuid4(), line_id=fund.lines[0].id, account="paid", minor=5),
        sa.insert(LedgerEntry).values(an_entry(fund, minor=10**6)),  # below zero
        sa.insert(LedgerEntry).values(an_entry(fund, minor=0)),
        sa.insert(LedgerEntry).values(an_entry(fund, minor=-1)),
        sa.insert(LedgerEntry).values(an_entry(fund, credit="available")),  # past the commitment
        sa.insert(LedgerEntry).values(an_entry(fund, kind="theft")),
        sa.insert(LedgerEntry).values(an_entry(fund, currency="USD")),
        sa.insert(LedgerEntry).values(an_entry(fund, line_id=other.lines[0].id)),  # another window's line
        sa.insert(LedgerEntry).values(an_entry(fund, line_id=yen.lines[0].id, currency="JPY")),
        sa.insert(LedgerEntry).values(an_entry(fund, application_id=other.applications[0].id)),
        sa.insert(LedgerEntry).values(an_entry(fund, round_id=None)),
        sa.insert(LedgerEntry).values(an_entry(fund, **back, credit="committed", debit="available", minor=1)),
        sa.insert(LedgerEntry).values(an_entry(fund, **back, credit="available", debit="committed", minor=first.minor)),
    ]
    if ON_POSTGRES:
        wrong += [
            sa.text(f"TRUNCATE {table} CASCADE") for table in ("ledger_entries", "ledger_balances", "donor_lines")
        ]
    db.session.rollback()
    for n, statement in enumerate(wrong):
        with pytest.raises(IntegrityError), db.engine.begin() as connection:
            connection.execute(statement)
            pytest.fail(f"number {n} was let through")
    assert verifying.verify().is_whole


def test_what_was_tampered_with_is_found_and_said(fund: Fund) -> None:
    changes: list[tuple[Any, str]] = [
        (sa.update(LedgerEntry).where(LedgerEntry.kind == "payment").values(minor=LedgerEntry.minor + 1), "is kept as"),
        (sa.delete(LedgerEntry).where(LedgerEntry.kind == "allocation"), "stands at -"),
        (
            sa.update(LedgerBalance).where(LedgerBalance.account == "available").values(minor=LedgerBalance.minor + 1),
            "add up to",
        ),
        (sa.delete(LedgerBalance).where(LedgerBalance.account == "paid"), "is kept as 0 minor units"),
        (sa.update(LedgerEntry).where(LedgerEntry.kind == "commitment").values(currency="USD"), "is in USD, its line"),
        (
            sa.update(LedgerEntry).where(LedgerEntry.kind == "payment").values(application_id=fund.applications[1].id),
            "stands at -",
        ),
        (sa.text("UPDATE rounds SET budget_minor = 1, cap_minor = 1"), "and its lines gave it 100.00 EUR"),
    ]
    kept = {
        table: db.session.execute(sa.select(*table.__table__.c)).mappings().all()
        for table in (LedgerEntry, LedgerBalance)
    }
    db.session.rollback()
    with unguarded():
        for statement, says in changes:
            with db.engine.begin() as connection:
                connection.execute(statement)
            proof = verifying.verify()
            assert any(says in fault for fault in proof.faults), (says, proof.faults)
            with db.engine.begin() as connection:
                connection.execute(sa.delete(LedgerBalance))
                connection.execute(sa.delete(LedgerEntry))
                for table, rows in kept.items():
                    connection.execute(sa.insert(table), [{**row, **_forgotten(row)} for row in rows])
                connection.execute(sa.text("UPDATE rounds SET budget_minor = 10000, cap_minor = 10000"))
        assert verifying.verify().is_whole


def _forgotten(row: Any) -> dict[str, Any]:
    return {"entry_id": None} if "entry_id" in row else {}


def test_the_command_proves_the_ledger_and_prints_a_statement_of_any_day(fund: Fund, settings: Settings) -> None:
    given = {"FUNDFLOW_INSTANCE": str(settings.instance), "FUNDFLOW_DATABASE_URL": settings.database_url}
    run = CliRunner(env=given)
    number, slug = fund.applications[0].number, fund.round.slug
    db.session.rollback()
    done = run.invoke(main, ["ledger", "verify"])
    assert done.exit_code == 0 and "the ledger holds" in done.output, done.output
    done = run.invoke(main, ["ledger", "statement", "--application", number, "--csv"])
    assert done.exit_code == 0, done.output
    lines = done.output.split()
    assert any(",payment,committed,paid,22.50,EUR," in line for line in lines) or ",paid,30.00,EUR" in done.output
    assert ",closing,,committed,50.00,EUR" in done.output and ",closing,,paid,30.00,EUR" in done.output
    before = run.invoke(main, ["ledger", "statement", "--round", slug, "--at", "2000-01-01"])
    assert before.exit_code == 0 and "closing" not in before.output
    assert run.invoke(main, ["ledger", "statement", "--donor", "Nobody"]).exit_code == 1
    assert run.invoke(main, ["ledger", "statement"]).exit_code == 2
    with unguarded(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ledger_balances SET minor = minor + 1 WHERE account = 'paid'"))
    for command in (["ledger", "verify"], ["verify"]):
        done = run.invoke(main, command)
        assert done.exit_code == 1 and done.output.count("its entries add up to") == 2, done.output
