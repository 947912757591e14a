"""Access tokens, and the calls that were made with an idempotency key.

No token is kept, only its digest; of a call no more than what tells a repetition from another call.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fundflow import clock
from fundflow.db import Identified, Model


class AccessToken(Identified, Model):
    """What a program shows to act for a person: to read, or to read and act, up to a day or until it is revoked."""

    __tablename__ = "access_tokens"

    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    may_act: Mapped[bool]
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    @property
    def is_in_force(self) -> bool:
        return self.revoked_at is None and self.expires_at > clock.now()


class ApiCall(Model):
    """That a key was used, and a digest of what for: the same key for anything else is refused.

    The key itself is not kept, so what was said cannot be guessed from its digest.
    """

    __tablename__ = "api_calls"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
