"""What the database itself keeps true of the ledger: triggers, in the words of SQLite and of PostgreSQL.

With every entry the balances of both its accounts follow, in the same statement. Refused: to change or delete an
entry; an entry whose currency, round or application is not its line's; a reversal that is not the exact opposite of an
entry which is no reversal itself; an account below zero (a CHECK of the balances); and a balance that anything but an
entry moves.
"""

from __future__ import annotations

import sqlalchemy as sa

_HOLDER = (
    "CASE WHEN {account} IN ('reserved', 'committed', 'ordered', 'paid') THEN {e}.application_id"
    " WHEN {account} IN ('available', 'exchange') THEN {e}.round_id ELSE {e}.line_id END"
)
_ROUND = "CASE WHEN {account} IN ('donor', 'unallocated', 'returned') THEN NULL ELSE NEW.round_id END"


def _of(template: str, account: str, entry: str = "NEW") -> str:
    return template.format(account=account, e=entry)


_UNFIT = """NOT EXISTS (
    SELECT 1 FROM donor_lines l
    LEFT JOIN rounds r ON r.id = NEW.round_id
    LEFT JOIN applications a ON a.id = NEW.application_id
    WHERE l.id = NEW.line_id AND l.currency = NEW.currency
    AND (NEW.round_id IS NULL OR (r.window_id = l.window_id AND r.currency = NEW.currency))
    AND (NEW.application_id IS NULL OR (a.round_id = NEW.round_id AND a.currency = NEW.currency)))"""
_UNFIT_SAYS = "ledger: the currency, the round or the application is not that of the line"
_NO_OPPOSITE = """NEW.reversal_of IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ledger_entries e
    WHERE e.id = NEW.reversal_of AND e.reversal_of IS NULL AND e.line_id = NEW.line_id AND e.minor = NEW.minor
    AND e.credit = NEW.debit AND e.debit = NEW.credit
    AND e.round_id {same} NEW.round_id AND e.application_id {same} NEW.application_id)"""
_NO_OPPOSITE_SAYS = "ledger: a reversal is the exact opposite of an entry that is no reversal"
_KEPT_SAYS = "ledger: entries are appended, never changed or deleted"
_BALANCE_SAYS = "ledger: a balance is moved by an entry and by nothing else"


def _follow(account: str, sign: str) -> str:
    holder, round_ = _of(_HOLDER, account), _of(_ROUND, account)
    return f"""
    INSERT INTO ledger_balances (holder_id, line_id, account, round_id, minor)
    VALUES ({holder}, NEW.line_id, {account}, {round_}, 0) ON CONFLICT DO NOTHING;
    UPDATE ledger_balances SET minor = minor {sign} NEW.minor, entry_id = NEW.id
    WHERE holder_id = {holder} AND line_id = NEW.line_id AND account = {account};"""  # noqa: S608 - only our own words


SQLITE = (
    f"""CREATE TRIGGER ledger_entries_fit BEFORE INSERT ON ledger_entries BEGIN
    SELECT RAISE(ABORT, '{_UNFIT_SAYS}') WHERE {_UNFIT};
    SELECT RAISE(ABORT, '{_NO_OPPOSITE_SAYS}') WHERE {_NO_OPPOSITE.format(same="IS")};
    END""",
    f"""CREATE TRIGGER ledger_entries_move AFTER INSERT ON ledger_entries BEGIN
    {_follow("NEW.credit", "-")}
    {_follow("NEW.debit", "+")}
    END""",
    f"""CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, '{_KEPT_SAYS}'); END""",
    f"""CREATE TRIGGER ledger_entries_last BEFORE DELETE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, '{_KEPT_SAYS}'); END""",
    f"""CREATE TRIGGER ledger_balances_begin BEFORE INSERT ON ledger_balances WHEN NEW.minor <> 0 BEGIN
    SELECT RAISE(ABORT, '{_BALANCE_SAYS}'); END""",
    # A newer entry than the last one, of this very account, by exactly its amount: only the trigger above can say so.
    f"""CREATE TRIGGER ledger_balances_follow BEFORE UPDATE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, '{_BALANCE_SAYS}') WHERE NEW.holder_id <> OLD.holder_id OR NEW.line_id <> OLD.line_id
    OR NEW.account <> OLD.account OR NEW.round_id IS NOT OLD.round_id OR NOT EXISTS (
    SELECT 1 FROM ledger_entries e WHERE e.id = NEW.entry_id AND e.line_id = OLD.line_id
    AND ((e.credit = OLD.account AND NEW.minor = OLD.minor - e.minor)
    OR (e.debit = OLD.account AND NEW.minor = OLD.minor + e.minor))
    AND OLD.holder_id = {_of(_HOLDER, "OLD.account", "e")}
    AND (OLD.entry_id IS NULL OR e.rowid > (SELECT o.rowid FROM ledger_entries o WHERE o.id = OLD.entry_id)));
    END""",  # noqa: S608 - only our own words
    f"""CREATE TRIGGER ledger_balances_last BEFORE DELETE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, '{_BALANCE_SAYS}'); END""",
)

POSTGRES = (
    f"""CREATE FUNCTION ledger_entry_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {_UNFIT} THEN RAISE EXCEPTION '{_UNFIT_SAYS}' USING ERRCODE = 'check_violation'; END IF;
    IF {_NO_OPPOSITE.format(same="IS NOT DISTINCT FROM")} THEN
    RAISE EXCEPTION '{_NO_OPPOSITE_SAYS}' USING ERRCODE = 'check_violation'; END IF;
    {_follow("NEW.credit", "-")}
    {_follow("NEW.debit", "+")}
    RETURN NULL; END $$""",
    f"""CREATE FUNCTION ledger_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION '{_KEPT_SAYS}' USING ERRCODE = 'check_violation'; END $$""",
    f"""CREATE FUNCTION ledger_balance_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION '{_BALANCE_SAYS}' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW; END $$""",
    "CREATE TRIGGER ledger_entries_move AFTER INSERT ON ledger_entries"
    " FOR EACH ROW EXECUTE FUNCTION ledger_entry_moves()",
    "CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE ON ledger_entries"
    " FOR EACH ROW EXECUTE FUNCTION ledger_entry_stays()",
    # TRUNCATE passes by every trigger of a row; SQLite has no such statement.
    "CREATE TRIGGER ledger_entries_last BEFORE TRUNCATE ON ledger_entries"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_stays()",
    "CREATE TRIGGER ledger_balances_last BEFORE TRUNCATE ON ledger_balances"
    " FOR EACH STATEMENT EXECUTE FUNCTION ledger_balance_follows()",
    "CREATE TRIGGER ledger_balances_follow BEFORE INSERT OR UPDATE OR DELETE ON ledger_balances"
    " FOR EACH ROW EXECUTE FUNCTION ledger_balance_follows()",
)


def statements(dialect: str) -> tuple[str, ...]:
    """The statements that put the constraints on tables which have none of them yet."""
    return POSTGRES if dialect == "postgresql" else SQLITE


def put(_metadata: sa.MetaData, connection: sa.Connection, **_more: object) -> None:
    """Tables that are made without the migrations get them too."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
