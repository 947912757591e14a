"""Tokens by what was sent and by whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.api.models import AccessToken
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle.actor import Actor

PREFIX = "fundflow_"


def digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_in_force(secret: str) -> AccessToken | None:
    """The token, unless it has ended, was revoked or never was."""
    if not secret.startswith(PREFIX) or len(secret) > 100:
        return None
    found = db.session.scalar(
        sa.select(AccessToken).where(AccessToken.digest == digest(secret)).execution_options(populate_existing=True)
    )
    return found if found is not None and found.is_in_force else None


def tokens_of(user_id: UUID) -> Sequence[AccessToken]:
    """The tokens of a person that are in force, the newest first."""
    return db.session.scalars(
        sa.select(AccessToken)
        .where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now())
        .order_by(AccessToken.created_at.desc(), AccessToken.id)
        .execution_options(populate_existing=True)
    ).all()


def token_for(actor: Actor, token_id: UUID) -> AccessToken:
    """A token, for the person who made it; NotFound for everybody else."""
    found = db.session.get(AccessToken, token_id)
    if found is None or found.user_id != actor.id:
        raise NotFound
    return found
