"""People, cities, teams, groups and invitations."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask_security import AsaList, UserMixin, WebAuthnMixin
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fundflow import clock
from fundflow.db import Identified, Model


class User(Identified, UserMixin, Model):  # type: ignore[misc]
    """A person who can sign in. What they may do is said by teams and groups, never by the sign-in library's roles."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(sa.String(255), unique=True)
    name: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(sa.String(12), default="en")
    timezone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    password: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True, default=lambda: uuid4().hex)
    confirmed_at: Mapped[datetime | None]
    tf_primary_method: Mapped[str | None] = mapped_column(sa.String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(sa.String(255))
    tf_phone_number: Mapped[str | None] = mapped_column(sa.String(128))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(sa.String(64), unique=True)  # type: ignore[assignment]
    last_totp_counter: Mapped[int | None]
    """The time step of the last code that was accepted: no code opens twice."""

    roles = ()  # type: ignore[assignment]
    webauthn: Mapped[list[WebAuthn]] = relationship(  # type: ignore[assignment]
        back_populates="user", cascade="all, delete", lazy="select"
    )


class WebAuthn(WebAuthnMixin, Model):
    """A passkey."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary(1024), unique=True)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    sign_count: Mapped[int | None] = mapped_column(default=0)  # type: ignore[assignment]
    transports: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    backup_state: Mapped[bool]
    device_type: Mapped[str] = mapped_column(sa.String(64))
    extensions: Mapped[str | None] = mapped_column(sa.String(255))
    create_datetime: Mapped[datetime] = mapped_column(default=clock.now)
    lastuse_datetime: Mapped[datetime]
    name: Mapped[str] = mapped_column(sa.String(64))
    usage: Mapped[str] = mapped_column(sa.String(64))

    user: Mapped[User] = relationship(back_populates="webauthn")


class City(Identified, Model):
    """An applying government: a city, municipality, county, district or a partnership of them."""

    __tablename__ = "cities"

    name: Mapped[str]
    country: Mapped[str] = mapped_column(sa.String(2))
    kind: Mapped[str]
    population: Mapped[int | None]
    languages: Mapped[list[str]] = mapped_column(default=list)
    latitude: Mapped[Decimal | None]
    longitude: Mapped[Decimal | None]
    website: Mapped[str | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (sa.CheckConstraint("population IS NULL OR population > 0", name="population"),)


class TeamMember(Identified, Model):
    """That a person may act for a city, with one duty: focal_point, finance_officer or signatory."""

    __tablename__ = "team_members"

    city_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cities.id"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    duty: Mapped[str]

    __table_args__ = (
        sa.UniqueConstraint("city_id", "user_id", "duty"),
        sa.CheckConstraint("duty IN ('focal_point', 'finance_officer', 'signatory')", name="duty"),
        sa.Index("ix_team_members_user", "user_id"),
    )


class GroupMember(Identified, Model):
    """That a person belongs to a group of the fund, for one round or (round_id null) for all."""

    __tablename__ = "group_members"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    group: Mapped[str]
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    added_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (
        sa.CheckConstraint(
            "\"group\" IN ('fund-managers', 'reviewers', 'committee-chairs', 'compliance', 'directors', 'finance', "
            "'auditors', 'administrators', 'donors')",
            name="group",
        ),
        sa.UniqueConstraint("user_id", "group", "round_id"),
        # A null equals no other null, so membership of every round needs an index of its own.
        sa.Index(
            "uq_group_members_every_round",
            "user_id",
            "group",
            unique=True,
            postgresql_where=sa.text("round_id IS NULL"),
            sqlite_where=sa.text("round_id IS NULL"),
        ),
    )


class Invitation(Identified, Model):
    """A link sent to an address: whoever follows it, signed in under that address, joins the team or group."""

    __tablename__ = "invitations"

    email: Mapped[str] = mapped_column(sa.String(255))
    city_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("cities.id"))
    duty: Mapped[str | None]
    group: Mapped[str | None]
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    invited_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint('(city_id IS NULL) <> ("group" IS NULL)', name="one_target"),
        sa.CheckConstraint("(city_id IS NULL) = (duty IS NULL)", name="duty"),
    )


class Delegation(Identified, Model):
    """That `taker` stands in for `giver` for a time: in one group or (null) all, for one round or (null) every round.

    It gives no more than the giver holds at each moment, and ends by itself.
    """

    __tablename__ = "delegations"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    giver_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    taker_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    group: Mapped[str | None]
    round_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rounds.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"))

    __table_args__ = (
        sa.CheckConstraint("giver_id <> taker_id", name="two_people"),
        sa.CheckConstraint("ends_at > starts_at", name="dates"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        sa.Index("ix_delegations_taker", "taker_id", "ends_at"),
        sa.Index("ix_delegations_giver", "giver_id", "ends_at"),
    )
