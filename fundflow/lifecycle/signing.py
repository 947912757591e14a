"""What a signature needs beside a name: proof of who gives it, moments ago, and the mark that was made.

Refuses a signature without a proof, with the proof of somebody else, and with one that is too old. An access token, a
cookie or a session that was opened this morning is no proof: the person has to show who they are for this signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from fundflow import jobs, storage
from fundflow.db import begin_reading, db
from fundflow.errors import Refused
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Signature

SIGN_WITHIN = timedelta(minutes=5)
"""How long after they showed who they are a person may sign."""
_SKEW = timedelta(minutes=1)
"""By how much the clocks of a server and of its database may differ."""

METHODS = frozenset({"password", "passkey", "code", "recovery_code", "demonstration"})
"""Ways to show who one is. `code` and `recovery_code` come after the password; `demonstration` is the story's own."""

Made = Literal["typed", "drawn", "uploaded"]


class NotProven(Refused):
    """A signature needs you to show who you are for it. Sign on the page of the application, in a browser."""

    status = 403


class ProvenTooLongAgo(Refused):
    """You showed who you are more than {minutes} minutes ago. Do so again, then sign.

    Raised by the command itself, so that no page and no program signs with an old proof.
    """

    status = 403


@dataclass(frozen=True, slots=True)
class Proof:
    """That a person showed who they are: how and when; and from which address, with what kind of program."""

    person_id: UUID
    method: str
    at: datetime
    address: str = ""
    agent: str = ""

    @property
    def until(self) -> datetime:
        """Until when it is good enough to sign with."""
        return self.at + SIGN_WITHIN

    def is_fresh(self, now: datetime) -> bool:
        return self.at - _SKEW <= now <= self.until

    def told(self) -> dict[str, str]:
        """What the event keeps of it, where it can be erased."""
        return {
            "method": self.method,
            "at": self.at.isoformat(timespec="seconds"),
            "address": self.address,
            "agent": self.agent,
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """The signature as it was made: typed, or an image that is kept under this digest."""

    made: Made = "typed"
    image_sha256: str | None = None

    def told(self) -> dict[str, str]:
        return {"made": self.made, **({"image": self.image_sha256} if self.image_sha256 else {})}


def require_person(proof: Proof | None, actor: Actor) -> Proof:
    """The proof, if it is this actor's own and of a known kind; NotProven otherwise."""
    if proof is None or proof.person_id != actor.id or proof.method not in METHODS:
        raise NotProven()
    return proof


def require_fresh(proof: Proof, now: datetime) -> None:
    """ProvenTooLongAgo where the proof is not of these minutes."""
    if not proof.is_fresh(now):
        raise ProvenTooLongAgo(minutes=SIGN_WITHIN // timedelta(minutes=1))


def forget(application_id: UUID, seqs: list[int]) -> None:
    """Erase the names and the images of the signatures given with these events; that each was given stays.

    In the caller's transaction; the content of the images is removed by a job once that is committed.
    """
    given = sa.and_(Signature.application_id == application_id, Signature.event_seq.in_(seqs))
    images = db.session.scalars(sa.select(Signature.image_sha256).where(given, Signature.image_sha256.is_not(None)))
    for sha256 in set(images):
        jobs.enqueue("signature.forget", {"sha256": sha256}, f"signature.forget:{application_id}:{sha256}")
    db.session.execute(
        sa.update(Signature)
        .where(given)
        .values(name="", image_sha256=None)
        .execution_options(synchronize_session=False)
    )


@jobs.handler("signature.forget")
def remove_image(payload: Mapping[str, Any]) -> None:
    """Remove an image that no signature has any more."""
    begin_reading()
    used = db.session.scalar(sa.select(sa.func.count()).where(Signature.image_sha256 == payload["sha256"]))
    db.session.rollback()
    if not used:
        storage.remove(payload["sha256"])
