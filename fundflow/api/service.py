"""Tokens made, used and revoked; and a command of a program, which happens once for each key.

Refuses a key that was used for anything else, and whatever the same command on a page would refuse.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.api import queries, refusals
from fundflow.api.calls import Call
from fundflow.api.decisions import money
from fundflow.api.models import AccessToken, ApiCall
from fundflow.api.schemas import Amount
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.lifecycle.claims import Fired
from fundflow.lifecycle.refusals import WrongInput
from fundflow.money import Money
from fundflow.workflow.definition import Transition
from fundflow.workflow.durations import at_wall

LONGEST = timedelta(days=366)
MOST = 20
_NOTICED = timedelta(minutes=1)
"""How exactly the last use is kept: not every reading should write."""


def make_token(user: User, name: str, last_day: date, may_act: bool, *, key: str) -> tuple[AccessToken, str]:
    """A new token, good to the end of the last day in the person's zone, and its secret, which is kept nowhere.

    MadeAlready for the same key again, TooLate for a last day that is past or more than a year away, TooManyTokens.
    """
    db.session.execute(sa.select(User.id).where(User.id == user.id).with_for_update())
    if db.session.scalar(sa.select(AccessToken.id).where(AccessToken.key == key)) is not None:
        raise refusals.MadeAlready()
    now = clock.now()
    zone = ZoneInfo(user.timezone)
    today = now.astimezone(zone).date()
    if not today < last_day <= today + LONGEST:
        raise refusals.TooLate()
    if len(queries.tokens_of(user.id)) >= MOST:
        raise refusals.TooManyTokens(most=MOST)
    secret = queries.PREFIX + secrets.token_urlsafe(32)
    made = AccessToken(
        key=key,
        user_id=user.id,
        name=name,
        may_act=may_act,
        digest=queries.digest(secret),
        expires_at=min(at_wall(datetime.combine(last_day + timedelta(days=1), time()), zone), now + LONGEST),
    )
    db.session.add(made)
    db.session.flush()
    return made, secret


def revoke(token: AccessToken) -> None:
    """End it at once; a second time changes nothing."""
    token.revoked_at = token.revoked_at or clock.now()


def note_use(token: AccessToken) -> None:
    """Remember that it was used, to the minute. In a transaction of its own."""
    now = clock.now()
    if token.last_used_at is not None and now - token.last_used_at < _NOTICED:
        return
    with transaction():
        db.session.execute(
            sa.update(AccessToken)
            .where(AccessToken.id == token.id)
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )


def command_key(call: Call) -> str:
    """The key of the command that a call makes: of one person's one key, whatever it was used for."""
    return f"api:{call.key}"


def was_sent(call: Call) -> bool:
    """Whether this very call was answered before. KeyUsed where another was made with its key."""
    known = db.session.scalar(sa.select(ApiCall.fingerprint).where(ApiCall.key == call.key))
    if known is not None and known != call.fingerprint:
        raise refusals.KeyUsed()
    return known is not None


def once(call: Call, run: Callable[[str], Fired]) -> Fired:
    """Let `run` fire under the call's key, and remember what the key was used for, in one transaction."""
    with transaction():
        was_sent(call)
        fired = run(command_key(call))
        if fired.replayed:
            was_sent(call)  # by another request, while this one waited for it
        else:
            db.session.add(ApiCall(key=call.key, fingerprint=call.fingerprint))
    return fired


def typed(step: Transition, call: Call, currency: str) -> Mapping[str, Any]:
    """What was entered, amounts read without a language; WrongInput for those that cannot be read."""
    values: dict[str, Any] = dict(call.said.input)
    problems: dict[str, Refused] = {}
    for name, asked in step.input.items():
        value = values.get(name)
        if asked.type == "money" and isinstance(value, Amount):
            values[name] = Money(value.minor, value.currency)
        elif isinstance(value, Amount) or (asked.type == "money" and isinstance(value, int)):
            problems[f"input.{name}"] = refusals.WrongKind(field=name)
        elif asked.type == "money" and isinstance(value, str) and value:
            try:
                values[name] = money(value.strip(), currency)
            except Refused as problem:
                problems[f"input.{name}"] = problem
    if step.confirm and not call.said.confirm:
        problems["confirm"] = refusals.NotConfirmed()
    if problems:
        raise WrongInput(problems)
    return values


def person_id(call: Call) -> UUID:
    """The person that a command names."""
    try:
        return UUID(call.said.value or "")
    except ValueError:
        raise WrongInput({"value": refusals.WrongKind(field="value")}) from None
