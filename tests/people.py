"""People for tests: made in the database, and signed in by writing the session that a real sign-in writes.

The real sign-in, with its password hash, is driven once in tests/accounts; everywhere else it would only cost time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from uuid import UUID

from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import City, GroupMember, TeamMember, User
from fundflow.db import db

BROWSER = "tests"
PASSWORD = "correct horse battery"
"""What `accounts.service.register_person` is given in tests; people made here have no password at all."""


def a_person(email: str = "ada@city.example", name: str = "", *, language: str = "en") -> User:
    """A confirmed person without a password; committed, so that requests see them."""
    person = User(
        email=email,
        name=name or email.partition("@")[0].replace(".", " ").title(),
        language=language,
        confirmed_at=clock.now(),
    )
    db.session.add(person)
    db.session.commit()
    return person


def a_city(
    name: str = "Lund",
    *,
    team: Iterable[tuple[User, str]] = (),
    country: str = "SE",
    created_by: User | None = None,
) -> City:
    """A city with its team as (person, duty) pairs; the first of them created it. Committed."""
    team = list(team)
    creator = created_by or (team[0][0] if team else a_person(f"focal@{name.lower().replace(' ', '')}.example"))
    city = City(name=name, country=country, kind="city", population=100_000, created_by=creator.id)
    db.session.add(city)
    db.session.flush()
    for person, duty in team or [(creator, "focal_point")]:
        db.session.add(TeamMember(city_id=city.id, user_id=person.id, duty=duty))
    db.session.commit()
    return city


def a_group_member(group: str, email: str = "", *, round_id: UUID | None = None) -> User:
    """A person of one group of the fund, for every round or for one. Committed."""
    person = a_person(email or f"{group}@fund.example")
    db.session.add(GroupMember(user_id=person.id, group=group, round_id=round_id))
    db.session.commit()
    return person


def sign_in(client: FlaskClient, person: User) -> None:
    """From now on `client` acts as this person, freshly authenticated, as after typing the password."""
    client.environ_base["HTTP_USER_AGENT"] = BROWSER
    address = client.environ_base.get("REMOTE_ADDR", "127.0.0.1")
    with client.session_transaction() as session:
        session.clear()
        session["_user_id"] = person.fs_uniquifier
        session["_fresh"] = True
        session["_id"] = hashlib.sha512(f"{address}|{BROWSER}".encode()).hexdigest()
        session["fs_cc"] = "set"
        session["fs_paa"] = time.time()
        session["proved"] = ["password", clock.now().timestamp(), person.fs_uniquifier]


def sign_out(client: FlaskClient) -> None:
    """Forget the session, as closing the browser does."""
    with client.session_transaction() as session:
        session.clear()
