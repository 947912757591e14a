"""Donors, their lines, and the ledger in accounts whose balances are kept.

What a used database has booked is carried over: every window gets a line of the fund's own money in each currency, and
all entries become its entries, in their order, so that the balances follow from them.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
GROUPS = (
    "\"group\" IN ('fund-managers', 'reviewers', 'committee-chairs', 'compliance', 'directors', 'finance', "
    "'auditors', 'administrators'{donors})"
)
OWN_FUNDS = "Own funds"

SQLITE = (
    """CREATE TRIGGER ledger_entries_fit BEFORE INSERT ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger: the currency, the round or the application is not that of the line') WHERE NOT EXISTS (
    SELECT 1 FROM donor_lines l
    LEFT JOIN rounds r ON r.id = NEW.round_id
    LEFT JOIN applications a ON a.id = NEW.application_id
    WHERE l.id = NEW.line_id AND l.currency = NEW.currency
    AND (NEW.round_id IS NULL OR (r.window_id = l.window_id AND r.currency = NEW.currency))
    AND (NEW.application_id IS NULL OR (a.round_id = NEW.round_id AND a.currency = NEW.currency)));
    SELECT RAISE(ABORT, 'ledger: a reversal is the exact opposite of an entry that is no reversal') WHERE NEW.reversal_of IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ledger_entries e
    WHERE e.id = NEW.reversal_of AND e.reversal_of IS NULL AND e.line_id = NEW.line_id AND e.minor = NEW.minor
    AND e.credit = NEW.debit AND e.debit = NEW.credit
    AND e.round_id IS NEW.round_id AND e.application_id IS NEW.application_id);
    END""",
    """CREATE TRIGGER ledger_entries_move AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO ledger_balances (holder_id, line_id, account, round_id, minor)
    VALUES (CASE WHEN NEW.credit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.credit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END, NEW.line_id, NEW.credit, CASE WHEN NEW.credit IN ('donor', 'unallocated', 'returned') THEN NULL ELSE NEW.round_id END, 0) ON CONFLICT DO NOTHING;
    UPDATE ledger_balances SET minor = minor - NEW.minor, entry_id = NEW.id
    WHERE holder_id = CASE WHEN NEW.credit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.credit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END AND line_id = NEW.line_id AND account = NEW.credit;
    INSERT INTO ledger_balances (holder_id, line_id, account, round_id, minor)
    VALUES (CASE WHEN NEW.debit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.debit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END, NEW.line_id, NEW.debit, CASE WHEN NEW.debit IN ('donor', 'unallocated', 'returned') THEN NULL ELSE NEW.round_id END, 0) ON CONFLICT DO NOTHING;
    UPDATE ledger_balances SET minor = minor + NEW.minor, entry_id = NEW.id
    WHERE holder_id = CASE WHEN NEW.debit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.debit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END AND line_id = NEW.line_id AND account = NEW.debit;
    END""",
    """CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger: entries are appended, never changed or deleted'); END""",
    """CREATE TRIGGER ledger_entries_last BEFORE DELETE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger: entries are appended, never changed or deleted'); END""",
    """CREATE TRIGGER ledger_balances_begin BEFORE INSERT ON ledger_balances WHEN NEW.minor <> 0 BEGIN
    SELECT RAISE(ABORT, 'ledger: a balance is moved by an entry and by nothing else'); END""",
    """CREATE TRIGGER ledger_balances_follow BEFORE UPDATE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, 'ledger: a balance is moved by an entry and by nothing else') WHERE NEW.holder_id <> OLD.holder_id OR NEW.line_id <> OLD.line_id
    OR NEW.account <> OLD.account OR NEW.round_id IS NOT OLD.round_id OR NOT EXISTS (
    SELECT 1 FROM ledger_entries e WHERE e.id = NEW.entry_id AND e.line_id = OLD.line_id
    AND ((e.credit = OLD.account AND NEW.minor = OLD.minor - e.minor)
    OR (e.debit = OLD.account AND NEW.minor = OLD.minor + e.minor))
    AND OLD.holder_id = CASE WHEN OLD.account IN ('reserved', 'committed', 'ordered', 'paid') THEN e.application_id WHEN OLD.account IN ('available', 'exchange') THEN e.round_id ELSE e.line_id END
    AND (OLD.entry_id IS NULL OR e.rowid > (SELECT o.rowid FROM ledger_entries o WHERE o.id = OLD.entry_id)));
    END""",
    """CREATE TRIGGER ledger_balances_last BEFORE DELETE ON ledger_balances BEGIN
    SELECT RAISE(ABORT, 'ledger: a balance is moved by an entry and by nothing else'); END""",
)

POSTGRES = (
    """CREATE FUNCTION ledger_entry_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (
    SELECT 1 FROM donor_lines l
    LEFT JOIN rounds r ON r.id = NEW.round_id
    LEFT JOIN applications a ON a.id = NEW.application_id
    WHERE l.id = NEW.line_id AND l.currency = NEW.currency
    AND (NEW.round_id IS NULL OR (r.window_id = l.window_id AND r.currency = NEW.currency))
    AND (NEW.application_id IS NULL OR (a.round_id = NEW.round_id AND a.currency = NEW.currency))) THEN RAISE EXCEPTION 'ledger: the currency, the round or the application is not that of the line' USING ERRCODE = 'check_violation'; END IF;
    IF NEW.reversal_of IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM ledger_entries e
    WHERE e.id = NEW.reversal_of AND e.reversal_of IS NULL AND e.line_id = NEW.line_id AND e.minor = NEW.minor
    AND e.credit = NEW.debit AND e.debit = NEW.credit
    AND e.round_id IS NOT DISTINCT FROM NEW.round_id AND e.application_id IS NOT DISTINCT FROM NEW.application_id) THEN
    RAISE EXCEPTION 'ledger: a reversal is the exact opposite of an entry that is no reversal' USING ERRCODE = 'check_violation'; END IF;
    INSERT INTO ledger_balances (holder_id, line_id, account, round_id, minor)
    VALUES (CASE WHEN NEW.credit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.credit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END, NEW.line_id, NEW.credit, CASE WHEN NEW.credit IN ('donor', 'unallocated', 'returned') THEN NULL ELSE NEW.round_id END, 0) ON CONFLICT DO NOTHING;
    UPDATE ledger_balances SET minor = minor - NEW.minor, entry_id = NEW.id
    WHERE holder_id = CASE WHEN NEW.credit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.credit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END AND line_id = NEW.line_id AND account = NEW.credit;
    INSERT INTO ledger_balances (holder_id, line_id, account, round_id, minor)
    VALUES (CASE WHEN NEW.debit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.debit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END, NEW.line_id, NEW.debit, CASE WHEN NEW.debit IN ('donor', 'unallocated', 'returned') THEN NULL ELSE NEW.round_id END, 0) ON CONFLICT DO NOTHING;
    UPDATE ledger_balances SET minor = minor + NEW.minor, entry_id = NEW.id
    WHERE holder_id = CASE WHEN NEW.debit IN ('reserved', 'committed', 'ordered', 'paid') THEN NEW.application_id WHEN NEW.debit IN ('available', 'exchange') THEN NEW.round_id ELSE NEW.line_id END AND line_id = NEW.line_id AND account = NEW.debit;
    RETURN NULL; END $$""",
    """CREATE FUNCTION ledger_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'ledger: entries are appended, never changed or deleted' USING ERRCODE = 'check_violation'; END $$""",
    """CREATE FUNCTION ledger_balance_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'ledger: a balance is moved by an entry and by nothing else' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER ledger_entries_move AFTER INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entry_moves()""",
    """CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entry_stays()""",
    """CREATE TRIGGER ledger_entries_last BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_stays()""",
    """CREATE TRIGGER ledger_balances_last BEFORE TRUNCATE ON ledger_balances FOR EACH STATEMENT EXECUTE FUNCTION ledger_balance_follows()""",
    """CREATE TRIGGER ledger_balances_follow BEFORE INSERT OR UPDATE OR DELETE ON ledger_balances FOR EACH ROW EXECUTE FUNCTION ledger_balance_follows()""",
)

FUNCTIONS = ("ledger_entry_moves", "ledger_entry_stays", "ledger_balance_follows")


def upgrade() -> None:
    booked = _kept()
    _drop_entries()
    _groups(", 'donors'")
    op.create_table(
        "donors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_donors_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donors")),
        sa.UniqueConstraint("name", name=op.f("uq_donors_name")),
    )
    op.create_table(
        "donor_people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("donor_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("fk_donor_people_added_by")),
        sa.ForeignKeyConstraint(["donor_id"], ["donors.id"], name=op.f("fk_donor_people_donor_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_donor_people_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donor_people")),
        sa.UniqueConstraint("donor_id", "user_id", name=op.f("uq_donor_people_donor_id_user_id")),
    )
    op.create_index("ix_donor_people_user", "donor_people", ["user_id"], unique=False)
    op.create_table(
        "donor_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("window_id", sa.Uuid(), nullable=False),
        sa.Column("donor_id", sa.Uuid(), nullable=True),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=140), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_donor_lines_currency")),
        sa.CheckConstraint("is_own = (donor_id IS NULL)", name=op.f("ck_donor_lines_donor")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_donor_lines_created_by")),
        sa.ForeignKeyConstraint(["donor_id"], ["donors.id"], name=op.f("fk_donor_lines_donor_id")),
        sa.ForeignKeyConstraint(["window_id"], ["windows.id"], name=op.f("fk_donor_lines_window_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donor_lines")),
        sa.UniqueConstraint("window_id", "currency", "name", name=op.f("uq_donor_lines_window_id_currency_name")),
    )
    op.create_index(
        "uq_donor_lines_own",
        "donor_lines",
        ["window_id", "currency"],
        unique=True,
        postgresql_where=sa.text("is_own"),
        sqlite_where=sa.text("is_own"),
    )
    op.create_table(
        "ledger_instructions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("refused_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)",
            name=op.f("ck_ledger_instructions_answered"),
        ),
        sa.CheckConstraint("(kind = 'reversal') = (entry_id IS NOT NULL)", name=op.f("ck_ledger_instructions_entry")),
        sa.CheckConstraint(
            "kind IN ('appropriation', 'restitution', 'allocation', 'withdrawal', 'reversal')",
            name=op.f("ck_ledger_instructions_kind"),
        ),
        sa.CheckConstraint("minor > 0", name=op.f("ck_ledger_instructions_minor")),
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name=op.f("ck_ledger_instructions_one_answer")),
        sa.CheckConstraint(
            "kind NOT IN ('allocation', 'withdrawal') OR round_id IS NOT NULL",
            name=op.f("ck_ledger_instructions_round"),
        ),
        sa.CheckConstraint("approved_by <> asked_by", name=op.f("ck_ledger_instructions_second_person")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_ledger_instructions_approved_by")),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_ledger_instructions_asked_by")),
        sa.ForeignKeyConstraint(["line_id"], ["donor_lines.id"], name=op.f("fk_ledger_instructions_line_id")),
        sa.ForeignKeyConstraint(["refused_by"], ["users.id"], name=op.f("fk_ledger_instructions_refused_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_ledger_instructions_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_instructions")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_instructions_key")),
    )
    op.create_table(
        "award_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("minor > 0", name=op.f("ck_award_lines_minor")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_award_lines_application_id")),
        sa.ForeignKeyConstraint(["line_id"], ["donor_lines.id"], name=op.f("fk_award_lines_line_id")),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_award_lines_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_lines")),
        sa.UniqueConstraint("application_id", "line_id", name=op.f("uq_award_lines_application_id_line_id")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("event_seq", INTEGER, nullable=True),
        sa.Column("instruction_id", sa.Uuid(), nullable=True),
        sa.Column("reversal_of", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "(kind = 'appropriation' AND credit = 'donor' AND debit = 'unallocated') OR (kind = 'restitution' AND credit = 'unallocated' AND debit = 'returned') OR (kind = 'allocation' AND credit = 'unallocated' AND debit = 'available') OR (kind = 'withdrawal' AND credit = 'available' AND debit = 'unallocated') OR (kind = 'reservation' AND credit = 'available' AND debit = 'reserved') OR (kind = 'commitment' AND credit IN ('available', 'reserved') AND debit = 'committed') OR (kind = 'order' AND credit = 'committed' AND debit = 'ordered') OR (kind = 'payment' AND credit IN ('ordered', 'committed') AND debit = 'paid') OR (kind = 'failure' AND credit = 'ordered' AND debit = 'committed') OR (kind = 'return' AND credit = 'paid' AND debit = 'committed') OR (kind = 'refund' AND credit = 'paid' AND debit = 'available') OR (kind = 'release' AND credit IN ('reserved', 'committed') AND debit = 'available') OR (kind = 'exchange_loss' AND credit = 'available' AND debit = 'exchange') OR (kind = 'exchange_gain' AND credit = 'exchange' AND debit = 'available') OR (kind = 'reversal' AND credit <> debit)",
            name=op.f("ck_ledger_entries_accounts"),
        ),
        sa.CheckConstraint(
            "kind = 'reversal' OR (application_id IS NULL) = (event_seq IS NULL)", name=op.f("ck_ledger_entries_event")
        ),
        sa.CheckConstraint(
            "(kind IN ('appropriation', 'restitution') AND round_id IS NULL AND application_id IS NULL) OR (kind IN ('allocation', 'withdrawal') AND round_id IS NOT NULL AND application_id IS NULL) OR kind = 'reversal' OR (round_id IS NOT NULL AND application_id IS NOT NULL)",
            name=op.f("ck_ledger_entries_holders"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('reversal', 'restitution') OR instruction_id IS NOT NULL",
            name=op.f("ck_ledger_entries_instruction"),
        ),
        sa.CheckConstraint("minor > 0", name=op.f("ck_ledger_entries_minor")),
        sa.CheckConstraint("(kind = 'reversal') = (reversal_of IS NOT NULL)", name=op.f("ck_ledger_entries_reversal")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_ledger_entries_application_id")),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["ledger_instructions.id"], name=op.f("fk_ledger_entries_instruction_id")
        ),
        sa.ForeignKeyConstraint(["line_id"], ["donor_lines.id"], name=op.f("fk_ledger_entries_line_id")),
        sa.ForeignKeyConstraint(["reversal_of"], ["ledger_entries.id"], name=op.f("fk_ledger_entries_reversal_of")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_ledger_entries_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("reversal_of", name=op.f("uq_ledger_entries_reversal_of")),
    )
    op.create_index("ix_ledger_entries_application", "ledger_entries", ["application_id"], unique=False)
    op.create_index("ix_ledger_entries_line", "ledger_entries", ["line_id", "created_at"], unique=False)
    op.create_index("ix_ledger_entries_round", "ledger_entries", ["round_id"], unique=False)
    op.create_table(
        "ledger_balances",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "minor >= 0 OR account IN ('donor', 'exchange')", name=op.f("ck_ledger_balances_never_below_zero")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("fk_ledger_balances_entry_id")),
        sa.ForeignKeyConstraint(["line_id"], ["donor_lines.id"], name=op.f("fk_ledger_balances_line_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_ledger_balances_round_id")),
        sa.PrimaryKeyConstraint("holder_id", "line_id", "account", name=op.f("pk_ledger_balances")),
    )
    op.create_index("ix_ledger_balances_line", "ledger_balances", ["line_id"], unique=False)
    op.create_index("ix_ledger_balances_round", "ledger_balances", ["round_id"], unique=False)
    for statement in POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.get_bind().exec_driver_sql(statement)
    _book(booked)


def downgrade() -> None:
    booked = [row for row in _kept() if row["kind"] != "appropriation"]
    unsaid = sorted({row["kind"] for row in booked} - {"allocation", *BEFORE})
    if unsaid:
        raise RuntimeError("The ledger of before has no word for what was booked: " + ", ".join(unsaid))
    if op.get_bind().dialect.name == "sqlite":
        for name in ("ledger_balances_last", "ledger_balances_follow", "ledger_entries_last", "ledger_entries_stay"):
            op.get_bind().exec_driver_sql(f"DROP TRIGGER {name}")
    op.drop_table("ledger_balances")
    _drop_entries()
    if op.get_bind().dialect.name == "postgresql":
        for name in FUNCTIONS:
            op.get_bind().exec_driver_sql(f"DROP FUNCTION {name}()")
    op.drop_table("award_lines")
    op.drop_table("ledger_instructions")
    op.drop_table("donor_lines")
    op.drop_table("donor_people")
    op.drop_table("donors")
    op.get_bind().execute(sa.text("DELETE FROM group_members WHERE \"group\" = 'donors'"))
    _groups("")
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("event_seq", INTEGER, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "(kind = 'appropriation' AND credit = 'budget' AND debit = 'available') OR (kind = 'reservation' AND credit = 'available' AND debit = 'reserved') OR (kind = 'commitment' AND credit IN ('available', 'reserved') AND debit = 'committed') OR (kind = 'payment' AND credit = 'committed' AND debit = 'paid') OR (kind = 'release' AND credit IN ('reserved', 'committed') AND debit = 'available')",
            name=op.f("ck_ledger_entries_accounts"),
        ),
        sa.CheckConstraint(
            "(kind = 'appropriation') = (application_id IS NULL)", name=op.f("ck_ledger_entries_application")
        ),
        sa.CheckConstraint("(application_id IS NULL) = (event_seq IS NULL)", name=op.f("ck_ledger_entries_event")),
        sa.CheckConstraint("minor > 0", name=op.f("ck_ledger_entries_minor")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_ledger_entries_application_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_ledger_entries_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_application", "ledger_entries", ["application_id"], unique=False)
    op.create_index("ix_ledger_entries_round", "ledger_entries", ["round_id"], unique=False)
    _insert({**row, **BEFORE_ACCOUNTS.get(row["kind"], {})} for row in booked)


BEFORE = ("reservation", "commitment", "payment", "release")
BEFORE_ACCOUNTS = {"allocation": {"kind": "appropriation", "credit": "budget"}, "payment": {"credit": "committed"}}


def _entries(*more: str) -> sa.TableClause:
    columns = [sa.column(name, sa.Uuid()) for name in ("id", "round_id", "application_id", *more)]
    columns += [sa.column("created_at", INSTANT)]
    columns += [sa.column(name) for name in ("event_seq", "kind", "credit", "debit", "minor", "currency")]
    return sa.table("ledger_entries", *columns)


def _kept() -> list[dict[str, Any]]:
    """Every entry in the order in which it was booked; one moment's by the order of their events."""
    entries = _entries().c
    rows = op.get_bind().execute(
        sa.select(*entries).order_by(entries.created_at, sa.func.coalesce(entries.event_seq, 0), entries.kind.desc())
    )
    return [dict(row) for row in rows.mappings()]


def _drop_entries() -> None:
    op.drop_table("ledger_entries")


def _groups(donors: str) -> None:
    with op.batch_alter_table("group_members") as table:
        table.drop_constraint(op.f("ck_group_members_group"), type_="check")
        table.create_check_constraint(op.f("ck_group_members_group"), GROUPS.format(donors=donors))


def _insert(rows: Iterator[Mapping[str, Any]]) -> None:
    columns = _entries().c.keys()
    given = [{name: row[name] for name in columns} for row in rows]
    if given:
        op.get_bind().execute(sa.insert(_entries()), given)


def _book(booked: list[dict[str, Any]]) -> None:
    """What was booked, as entries of the fund's own lines."""
    if not booked:
        return
    connection = op.get_bind()
    rounds = sa.table("rounds", sa.column("id", sa.Uuid()), sa.column("window_id", sa.Uuid()))
    windows = {row.id: row.window_id for row in connection.execute(sa.select(*rounds.c))}
    lines = sa.table(
        "donor_lines",
        *(sa.column(name, sa.Uuid()) for name in ("id", "window_id")),
        sa.column("created_at", INSTANT),
        sa.column("is_own", sa.Boolean()),
        *(sa.column(name) for name in ("name", "reference", "currency", "position")),
    )
    own: dict[tuple[Any, str], Any] = {}
    rows: list[dict[str, Any]] = []
    for each in booked:
        of = (windows[each["round_id"]], each["currency"])
        if of not in own:
            own[of] = uuid4()
            line = {"id": own[of], "window_id": of[0], "created_at": each["created_at"], "is_own": True}
            given = {"name": OWN_FUNDS, "reference": "", "currency": of[1], "position": 0}
            connection.execute(sa.insert(lines), [{**line, **given}])
        entry = {**each, "line_id": own[of]}
        if entry["kind"] == "appropriation":
            rows.append({**entry, "id": uuid4(), "round_id": None, "credit": "donor", "debit": "unallocated"})
            entry |= {"kind": "allocation", "credit": "unallocated", "debit": "available"}
        rows.append(entry)
    for start in range(0, len(rows), 1000):
        connection.execute(sa.insert(_entries("line_id")), rows[start : start + 1000])
