"""Everything that a fund needs: people, rounds, applications and their events, reviews, money, documents and jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "anchors",
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("tree", sa.String(length=64), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_anchors")),
        sa.UniqueConstraint("day", name=op.f("uq_anchors_day")),
    )
    op.create_table(
        "api_calls",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_api_calls")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "definitions",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("main", sa.Text(), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("templates", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_definitions")),
        sa.UniqueConstraint("workflow", "version", "sha256", name=op.f("uq_definitions_workflow_version_sha256")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("run_at", INSTANT, nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("dead_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("done_at IS NULL OR dead_at IS NULL", name=op.f("ck_jobs_one_end")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["run_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("tf_phone_number", sa.String(length=128), nullable=True),
        sa.Column("mf_recovery_codes", sa.UnicodeText(), nullable=True),
        sa.Column("fs_webauthn_user_handle", sa.String(length=64), nullable=True),
        sa.Column("last_totp_counter", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_users_fs_uniquifier")),
        sa.UniqueConstraint("fs_webauthn_user_handle", name=op.f("uq_users_fs_webauthn_user_handle")),
    )
    op.create_table(
        "windows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("donors", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
        sa.UniqueConstraint("name", name=op.f("uq_windows_name")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("may_act", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_access_tokens_digest")),
        sa.UniqueConstraint("key", name=op.f("uq_access_tokens_key")),
    )
    op.create_index(op.f("ix_access_tokens_user_id"), "access_tokens", ["user_id"], unique=False)
    op.create_table(
        "brakes",
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(released_at IS NULL) = (reason IS NULL)", name=op.f("ck_brakes_reason")),
        sa.ForeignKeyConstraint(["released_by"], ["users.id"], name=op.f("fk_brakes_released_by")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_brakes")),
    )
    op.create_table(
        "cities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("population", INTEGER, nullable=True),
        sa.Column("languages", JSON, nullable=False),
        sa.Column("latitude", sa.String(length=64), nullable=True),
        sa.Column("longitude", sa.String(length=64), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("population IS NULL OR population > 0", name=op.f("ck_cities_population")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_cities_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cities")),
    )
    op.create_table(
        "outages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("applications", INTEGER, nullable=False),
        sa.Column("timers", INTEGER, nullable=False),
        sa.CheckConstraint("from_at < until_at", name=op.f("ck_outages_span")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_outages_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", INTEGER, nullable=True),
        sa.Column("transports", sa.UnicodeText(), nullable=True),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.String(length=64), nullable=False),
        sa.Column("extensions", sa.String(length=255), nullable=True),
        sa.Column("create_datetime", INSTANT, nullable=False),
        sa.Column("lastuse_datetime", INSTANT, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("usage", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("window_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("opens_wall", sa.String(length=16), nullable=False),
        sa.Column("closes_wall", sa.String(length=16), nullable=False),
        sa.Column("opens_at", INSTANT, nullable=False),
        sa.Column("closes_at", INSTANT, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("floor_minor", INTEGER, nullable=False),
        sa.Column("cap_minor", INTEGER, nullable=False),
        sa.Column("budget_minor", INTEGER, nullable=False),
        sa.Column("countries", JSON, nullable=False),
        sa.Column("definition_sha", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("cloned_from_id", sa.Uuid(), nullable=True),
        sa.Column("revision", INTEGER, nullable=False),
        sa.CheckConstraint("(status = 'published') = (published_at IS NOT NULL)", name=op.f("ck_rounds_published")),
        sa.CheckConstraint("status IN ('draft', 'published')", name=op.f("ck_rounds_status")),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_rounds_dates")),
        sa.CheckConstraint(
            "floor_minor >= 0 AND cap_minor >= floor_minor AND budget_minor >= cap_minor",
            name=op.f("ck_rounds_amounts"),
        ),
        sa.ForeignKeyConstraint(["cloned_from_id"], ["rounds.id"], name=op.f("fk_rounds_cloned_from_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_rounds_created_by")),
        sa.ForeignKeyConstraint(["definition_sha"], ["definitions.sha256"], name=op.f("fk_rounds_definition_sha")),
        sa.ForeignKeyConstraint(["published_by"], ["users.id"], name=op.f("fk_rounds_published_by")),
        sa.ForeignKeyConstraint(["window_id"], ["windows.id"], name=op.f("fk_rounds_window_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
        sa.UniqueConstraint("slug", name=op.f("uq_rounds_slug")),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.Column("definition_sha", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("last_event_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("requested_minor", INTEGER, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("requested_minor IS NULL OR requested_minor >= 0", name=op.f("ck_applications_requested")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_applications_revision")),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name=op.f("fk_applications_city_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_applications_created_by")),
        sa.ForeignKeyConstraint(
            ["definition_sha"], ["definitions.sha256"], name=op.f("fk_applications_definition_sha")
        ),
        sa.ForeignKeyConstraint(["officer_id"], ["users.id"], name=op.f("fk_applications_officer_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_applications_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("number", name=op.f("uq_applications_number")),
    )
    op.create_index("ix_applications_city", "applications", ["city_id"], unique=False)
    op.create_index("ix_applications_officer", "applications", ["officer_id"], unique=False)
    op.create_index("ix_applications_round_state", "applications", ["round_id", "state", "outcome"], unique=False)
    op.create_table(
        "definition_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("old_sha", sa.String(length=64), nullable=False),
        sa.Column("new_sha", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("refused_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('policy', 'structure')", name=op.f("ck_definition_changes_kind")),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)",
            name=op.f("ck_definition_changes_answered"),
        ),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_definition_changes_two_people")),
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name=op.f("ck_definition_changes_one_answer")),
        sa.CheckConstraint("old_sha <> new_sha", name=op.f("ck_definition_changes_changes")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_definition_changes_approved_by")),
        sa.ForeignKeyConstraint(["new_sha"], ["definitions.sha256"], name=op.f("fk_definition_changes_new_sha")),
        sa.ForeignKeyConstraint(["old_sha"], ["definitions.sha256"], name=op.f("fk_definition_changes_old_sha")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_definition_changes_proposed_by")),
        sa.ForeignKeyConstraint(["refused_by"], ["users.id"], name=op.f("fk_definition_changes_refused_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_definition_changes_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition_changes")),
    )
    op.create_index("ix_definition_changes_round", "definition_changes", ["round_id"], unique=False)
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("taker_id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.Text(), nullable=True),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_delegations_revoked")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_delegations_dates")),
        sa.CheckConstraint("giver_id <> taker_id", name=op.f("ck_delegations_two_people")),
        sa.ForeignKeyConstraint(["giver_id"], ["users.id"], name=op.f("fk_delegations_giver_id")),
        sa.ForeignKeyConstraint(["revoked_by"], ["users.id"], name=op.f("fk_delegations_revoked_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_delegations_round_id")),
        sa.ForeignKeyConstraint(["taker_id"], ["users.id"], name=op.f("fk_delegations_taker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
        sa.UniqueConstraint("key", name=op.f("uq_delegations_key")),
    )
    op.create_index("ix_delegations_giver", "delegations", ["giver_id", "ends_at"], unique=False)
    op.create_index("ix_delegations_taker", "delegations", ["taker_id", "ends_at"], unique=False)
    op.create_table(
        "group_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "\"group\" IN ('fund-managers', 'reviewers', 'committee-chairs', 'compliance', 'directors', 'finance', 'auditors', 'administrators')",
            name=op.f("ck_group_members_group"),
        ),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("fk_group_members_added_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_group_members_round_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_group_members_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_members")),
        sa.UniqueConstraint("user_id", "group", "round_id", name=op.f("uq_group_members_user_id_group_round_id")),
    )
    op.create_index(
        "uq_group_members_every_round",
        "group_members",
        ["user_id", "group"],
        unique=True,
        postgresql_where=sa.text("round_id IS NULL"),
        sqlite_where=sa.text("round_id IS NULL"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("city_id", sa.Uuid(), nullable=True),
        sa.Column("duty", sa.Text(), nullable=True),
        sa.Column("group", sa.Text(), nullable=True),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint('(city_id IS NULL) <> ("group" IS NULL)', name=op.f("ck_invitations_one_target")),
        sa.CheckConstraint("(city_id IS NULL) = (duty IS NULL)", name=op.f("ck_invitations_duty")),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name=op.f("fk_invitations_accepted_by")),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name=op.f("fk_invitations_city_id")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_invitations_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_invitations_token_sha256")),
    )
    op.create_table(
        "team_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "duty IN ('focal_point', 'finance_officer', 'signatory')", name=op.f("ck_team_members_duty")
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name=op.f("fk_team_members_city_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_team_members_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_members")),
        sa.UniqueConstraint("city_id", "user_id", "duty", name=op.f("uq_team_members_city_id_user_id_duty")),
    )
    op.create_index("ix_team_members_user", "team_members", ["user_id"], unique=False)
    op.create_table(
        "answers",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_answers_application_id")),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name=op.f("fk_answers_saved_by")),
        sa.PrimaryKeyConstraint("application_id", "form", name=op.f("pk_answers")),
    )
    op.create_table(
        "children",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_children_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_children")),
        sa.UniqueConstraint("application_id", "kind", "key", name=op.f("uq_children_application_id_kind_key")),
    )
    op.create_table(
        "commands",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_commands_actor_id")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_commands_application_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_commands")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("template_sha256", sa.String(length=64), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("facts_sha256", sa.String(length=64), nullable=False),
        sa.Column("rendered_at", INSTANT, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", INTEGER, nullable=True),
        sa.Column("sealed_seq", INTEGER, nullable=True),
        sa.CheckConstraint("(rendered_at IS NULL) = (sha256 IS NULL)", name=op.f("ck_documents_rendered")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_documents_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint(
            "application_id",
            "kind",
            "language",
            "event_seq",
            name=op.f("uq_documents_application_id_kind_language_event_seq"),
        ),
    )
    op.create_table(
        "events",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("seq", INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("acting_for", sa.Uuid(), nullable=True),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("definition_sha", sa.String(length=64), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("payload", JSON, nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["acting_for"], ["users.id"], name=op.f("fk_events_acting_for")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_events_actor_id")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_events_application_id")),
        sa.PrimaryKeyConstraint("application_id", "seq", name=op.f("pk_events")),
    )
    op.create_index("ix_events_actor", "events", ["application_id", "transition", "actor_id"], unique=False)
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", INTEGER, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_files_application_id")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["users.id"], name=op.f("fk_files_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index("ix_files_application", "files", ["application_id"], unique=False)
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
    op.create_table(
        "overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("transition", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=True),
        sa.Column("input", JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("refused_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("event_seq", INTEGER, nullable=True),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (approved_by IS NULL AND refused_by IS NULL)", name=op.f("ck_overrides_answered")
        ),
        sa.CheckConstraint("(approved_by IS NULL) = (event_seq IS NULL)", name=op.f("ck_overrides_event")),
        sa.CheckConstraint("approved_by <> asked_by", name=op.f("ck_overrides_second_person")),
        sa.CheckConstraint("approved_by IS NULL OR refused_by IS NULL", name=op.f("ck_overrides_one_answer")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_overrides_application_id")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_overrides_approved_by")),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_overrides_asked_by")),
        sa.ForeignKeyConstraint(["refused_by"], ["users.id"], name=op.f("fk_overrides_refused_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
        sa.UniqueConstraint("key", name=op.f("uq_overrides_key")),
    )
    op.create_index("ix_overrides_application", "overrides", ["application_id", "event_seq"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("reference", sa.String(length=140), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("minor", INTEGER, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("minor > 0", name=op.f("ck_payments_minor")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_payments_application_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_payments_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("application_id", "event_seq", name=op.f("uq_payments_application_id_event_seq")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("generation", INTEGER, nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("due_wall", sa.String(length=16), nullable=False),
        sa.Column("due_zone", sa.String(length=64), nullable=False),
        sa.Column("conflict", sa.Text(), nullable=True),
        sa.Column("conflict_reason", sa.Text(), nullable=True),
        sa.Column("declared_at", INSTANT, nullable=True),
        sa.Column("data", JSON, nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("score", sa.String(length=64), nullable=True),
        sa.Column("first_data", JSON, nullable=True),
        sa.Column("first_score", sa.String(length=64), nullable=True),
        sa.Column("first_sent_at", INSTANT, nullable=True),
        sa.Column("late_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("conflict <> 'declared' OR conflict_reason IS NOT NULL", name=op.f("ck_reviews_reason")),
        sa.CheckConstraint("conflict IN ('none', 'declared')", name=op.f("ck_reviews_conflict")),
        sa.CheckConstraint(
            "sent_at IS NULL OR (declared_at IS NOT NULL AND conflict = 'none' AND withdrawn_at IS NULL)",
            name=op.f("ck_reviews_sent"),
        ),
        sa.CheckConstraint("(conflict IS NULL) = (declared_at IS NULL)", name=op.f("ck_reviews_declared")),
        sa.CheckConstraint(
            "(first_sent_at IS NULL) = (first_score IS NULL) AND (first_sent_at IS NULL OR sent_at IS NOT NULL)",
            name=op.f("ck_reviews_revised"),
        ),
        sa.CheckConstraint("(sent_at IS NULL) = (score IS NULL)", name=op.f("ck_reviews_scored")),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_reviews_withdrawn")),
        sa.CheckConstraint("closed_at IS NULL OR sent_at IS NULL", name=op.f("ck_reviews_closed")),
        sa.CheckConstraint("generation > 0", name=op.f("ck_reviews_generation")),
        sa.CheckConstraint("late_at IS NULL OR sent_at IS NULL", name=op.f("ck_reviews_late")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_reviews_revision")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_reviews_application_id")),
        sa.ForeignKeyConstraint(["assigned_by"], ["users.id"], name=op.f("fk_reviews_assigned_by")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_reviews_reviewer_id")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["users.id"], name=op.f("fk_reviews_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_reviewer", "reviews", ["reviewer_id", "due_at"], unique=False)
    op.create_index(
        "uq_reviews_place",
        "reviews",
        ["application_id", "name", "generation", "reviewer_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
        sqlite_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "sent_answers",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", INTEGER, autoincrement=False, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_sent_answers_application_id")),
        sa.PrimaryKeyConstraint("application_id", "event_seq", "form", name=op.f("pk_sent_answers")),
    )
    op.create_table(
        "signatures",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_signatures_application_id")),
        sa.ForeignKeyConstraint(["signed_by"], ["users.id"], name=op.f("fk_signatures_signed_by")),
        sa.PrimaryKeyConstraint("application_id", "state", "party", name=op.f("pk_signatures")),
    )
    op.create_table(
        "task_results",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("event_seq", INTEGER, nullable=False),
        sa.Column("done_by", sa.Uuid(), nullable=False),
        sa.Column("done_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_task_results_application_id")),
        sa.ForeignKeyConstraint(["done_by"], ["users.id"], name=op.f("fk_task_results_done_by")),
        sa.PrimaryKeyConstraint("application_id", "task", name=op.f("pk_task_results")),
    )
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", INTEGER, nullable=False),
        sa.Column("wall", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("act_at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("starts", sa.Text(), nullable=True),
        sa.Column("acted_at", INSTANT, nullable=True),
        sa.Column("reminded", JSON, nullable=False),
        sa.Column("repeats", INTEGER, nullable=False),
        sa.Column("blocked", sa.Text(), nullable=True),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("tried_revision", INTEGER, nullable=True),
        sa.Column("extended", INTEGER, nullable=False),
        sa.Column("remaining", INTEGER, nullable=True),
        sa.Column("pauses", JSON, nullable=False),
        sa.CheckConstraint("(status = 'paused') = (remaining IS NOT NULL)", name=op.f("ck_timers_remaining")),
        sa.CheckConstraint("status IN ('armed', 'paused', 'fired', 'cancelled')", name=op.f("ck_timers_status")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_timers_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timers")),
        sa.UniqueConstraint(
            "application_id", "name", "generation", name=op.f("uq_timers_application_id_name_generation")
        ),
    )
    op.create_index("ix_timers_acted", "timers", ["acted_at"], unique=False)
    op.create_index("ix_timers_next", "timers", ["next_at"], unique=False)
    op.create_index("ix_timers_starting", "timers", ["act_at", "status"], unique=False)
    op.create_index("ix_timers_tried", "timers", ["tried_revision"], unique=False)
    op.create_table(
        "stand_bys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("named_by", sa.Uuid(), nullable=False),
        sa.Column("called_at", INSTANT, nullable=True),
        sa.Column("review_id", sa.Uuid(), nullable=True),
        sa.Column("instead_of", sa.Uuid(), nullable=True),
        sa.Column("dropped_at", INSTANT, nullable=True),
        sa.CheckConstraint("(called_at IS NULL) = (review_id IS NULL)", name=op.f("ck_stand_bys_called")),
        sa.CheckConstraint("called_at IS NULL OR dropped_at IS NULL", name=op.f("ck_stand_bys_dropped")),
        sa.CheckConstraint("generation > 0 AND position > 0", name=op.f("ck_stand_bys_numbers")),
        sa.CheckConstraint("instead_of IS NULL OR called_at IS NOT NULL", name=op.f("ck_stand_bys_instead")),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_stand_bys_application_id")),
        sa.ForeignKeyConstraint(["instead_of"], ["reviews.id"], name=op.f("fk_stand_bys_instead_of")),
        sa.ForeignKeyConstraint(["named_by"], ["users.id"], name=op.f("fk_stand_bys_named_by")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_stand_bys_person_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_stand_bys_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_bys")),
        sa.UniqueConstraint("instead_of", name=op.f("uq_stand_bys_instead_of")),
        sa.UniqueConstraint("review_id", name=op.f("uq_stand_bys_review_id")),
    )
    op.create_index(
        "uq_stand_bys_waiting",
        "stand_bys",
        ["application_id", "name", "generation", "person_id"],
        unique=True,
        postgresql_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
        sqlite_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_stand_bys_waiting",
        table_name="stand_bys",
        postgresql_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
        sqlite_where=sa.text("called_at IS NULL AND dropped_at IS NULL"),
    )
    op.drop_table("stand_bys")
    op.drop_index("ix_timers_tried", table_name="timers")
    op.drop_index("ix_timers_starting", table_name="timers")
    op.drop_index("ix_timers_next", table_name="timers")
    op.drop_index("ix_timers_acted", table_name="timers")
    op.drop_table("timers")
    op.drop_table("task_results")
    op.drop_table("signatures")
    op.drop_table("sent_answers")
    op.drop_index(
        "uq_reviews_place",
        table_name="reviews",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
        sqlite_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_index("ix_reviews_reviewer", table_name="reviews")
    op.drop_table("reviews")
    op.drop_table("payments")
    op.drop_index("ix_overrides_application", table_name="overrides")
    op.drop_table("overrides")
    op.drop_index("ix_ledger_entries_round", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_application", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index("ix_files_application", table_name="files")
    op.drop_table("files")
    op.drop_index("ix_events_actor", table_name="events")
    op.drop_table("events")
    op.drop_table("documents")
    op.drop_table("commands")
    op.drop_table("children")
    op.drop_table("answers")
    op.drop_index("ix_team_members_user", table_name="team_members")
    op.drop_table("team_members")
    op.drop_table("invitations")
    op.drop_index(
        "uq_group_members_every_round",
        table_name="group_members",
        postgresql_where=sa.text("round_id IS NULL"),
        sqlite_where=sa.text("round_id IS NULL"),
    )
    op.drop_table("group_members")
    op.drop_index("ix_delegations_taker", table_name="delegations")
    op.drop_index("ix_delegations_giver", table_name="delegations")
    op.drop_table("delegations")
    op.drop_index("ix_definition_changes_round", table_name="definition_changes")
    op.drop_table("definition_changes")
    op.drop_index("ix_applications_round_state", table_name="applications")
    op.drop_index("ix_applications_officer", table_name="applications")
    op.drop_index("ix_applications_city", table_name="applications")
    op.drop_table("applications")
    op.drop_table("rounds")
    op.drop_table("passkeys")
    op.drop_table("outages")
    op.drop_table("cities")
    op.drop_table("brakes")
    op.drop_index(op.f("ix_access_tokens_user_id"), table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_table("windows")
    op.drop_table("users")
    op.drop_index(
        "ix_jobs_waiting",
        table_name="jobs",
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.drop_table("jobs")
    op.drop_table("definitions")
    op.drop_table("counters")
    op.drop_table("api_calls")
    op.drop_table("anchors")
