"""Conflicts of interest that the records show, before anybody is asked to declare one.

A conflict is a refusal: the same sentence stands beside the person's name on the page and answers a hand-made request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City, Invitation, TeamMember, User
from fundflow.accounts.queries import Reached
from fundflow.applications.models import Answers, File
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import Application, Event
from fundflow.reviews.models import Review

PUBLIC_MAIL = frozenset(
    "163.com 126.com aol.com fastmail.com free.fr gmail.com gmx.com gmx.de gmx.net googlemail.com hotmail.com "
    "icloud.com laposte.net live.com mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com pm.me "
    "proton.me protonmail.com qq.com tutanota.com web.de yahoo.co.uk yahoo.com yahoo.fr yandex.com yandex.ru ymail.com "
    "zoho.com".split()
)
"""Mail providers open to everybody: sharing one says nothing about where people work."""

YEARS = 3
"""For how long an award to a city counts as a prior contract of its people."""


class OnTheTeam(Refused):
    """{person} is on the team of {city}, which sent this application."""


class SameAddress(Refused):
    """{person} has an e-mail address at {domain}, as the team of {city} does."""


class SameCountry(Refused):
    """{person} acts for {other}, in the same country as {city}."""


class TookPart(Refused):
    """{person} started or wrote a part of this application."""


class DeclaredBefore(Refused):
    """{person} declared a conflict of interest on this application."""


class ActedBefore(Refused):
    """{person} was on the team of {city} before."""


class PriorContract(Refused):
    """{person} acts or acted for {other}, which this fund awarded money in the last {years} years."""


class DeclaredOnCity(Refused):
    """{person} declared a conflict of interest on another application of {city}."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An application to be reviewed, the conflicts that its workflow names, and the forms its team fills in."""

    application: Application
    kinds: Collection[str]
    own_forms: Collection[str]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the records say of all people and applications asked about."""

    cities: Mapping[UUID, City]
    teams: Mapping[UUID, Mapping[UUID, str]]
    """Address by person, by city."""
    acting: Mapping[UUID, Collection[UUID]]
    """Cities by person."""
    acted: Mapping[UUID, Collection[UUID]]
    """Cities that a person founded, was invited to or applied for, by person; only where prior contracts count."""
    awarded: Collection[UUID]
    wrote: Set[tuple[UUID, str, UUID]]
    """Application, form, person."""
    declared: Collection[tuple[UUID, UUID, UUID]]
    """Application, its city, person."""


def conflicts_of(
    application: Application, people: Collection[User | Reached], kinds: Collection[str], own_forms: Collection[str]
) -> dict[UUID, list[Refused]]:
    """What keeps each of these people from reviewing the application; as many reads however many people there are."""
    found = conflicts_among([Subject(application, kinds, own_forms)], people)
    return {person.id: found[application.id, person.id] for person in people}


def conflicts_among(
    subjects: Collection[Subject], people: Collection[User | Reached]
) -> dict[tuple[UUID, UUID], list[Refused]]:
    """What keeps each of these people from reviewing each of these applications, by application and person.

    Being of the same organisation, having written in one of the applicant's own forms and a conflict declared before on
    the application always count; `same_country` and `prior_contract` only where the workflow names them. The reads are
    three, or five with prior contracts, and one more for cities that were not read yet.
    """
    facts = _facts(subjects, {person.id for person in people})
    return {
        (subject.application.id, person.id): _of(person, subject, facts) for subject in subjects for person in people
    }


def _of(person: User | Reached, subject: Subject, facts: _Facts) -> list[Refused]:
    found: list[Refused] = []
    application = subject.application
    city, name = facts.cities[application.city_id], person.name or person.email
    team = facts.teams.get(city.id, {})
    if person.id in team:
        found.append(OnTheTeam(person=name, city=city.name))
    elif shared := _shared_domain(person.email, team.values()):
        found.append(SameAddress(person=name, city=city.name, domain=shared))
    if person.id == application.created_by or any(
        (application.id, f, person.id) in facts.wrote for f in subject.own_forms
    ):
        found.append(TookPart(person=name))
    if "same_country" in subject.kinds:
        for other in sorted((facts.cities[each] for each in facts.acting.get(person.id, ())), key=_by_name):
            if other.country == city.country and other.id != city.id:
                found.append(SameCountry(person=name, other=other.name, city=city.name))
                break
    if any(each[0] == application.id and each[2] == person.id for each in facts.declared):
        found.append(DeclaredBefore(person=name))
    if "prior_contract" in subject.kinds:
        found += _prior(person.id, name, application, city, facts)
    return found


def _prior(person: UUID, name: str, application: Application, city: City, facts: _Facts) -> Iterator[Refused]:
    """Earlier ties: with the applying city itself, or with any city that this fund pays or paid."""
    acted = facts.acted.get(person, ())
    if city.id in acted and person not in facts.teams.get(city.id, {}):
        yield ActedBefore(person=name, city=city.name)
    paid = sorted((facts.cities[each] for each in acted if each in facts.awarded and each != city.id), key=_by_name)
    if paid:
        yield PriorContract(person=name, other=paid[0].name, years=YEARS)
    if any(on != application.id and of == city.id and who == person for on, of, who in facts.declared):
        yield DeclaredOnCity(person=name, city=city.name)


def _by_name(city: City) -> tuple[str, str]:
    return city.name, str(city.id)


def _facts(subjects: Collection[Subject], people: Collection[UUID]) -> _Facts:
    ids = [subject.application.id for subject in subjects]
    applying = {subject.application.city_id for subject in subjects}
    rows = db.session.execute(
        sa.select(TeamMember.user_id, User.email, City)
        .join(User, User.id == TeamMember.user_id)
        .join(City, City.id == TeamMember.city_id)
        .where(sa.or_(TeamMember.city_id.in_(applying), TeamMember.user_id.in_(people)))
    ).all()
    cities = {city.id: city for _person, _email, city in rows}
    teams: dict[UUID, dict[UUID, str]] = {}
    acting: dict[UUID, set[UUID]] = {}
    for person, email, city in rows:
        teams.setdefault(city.id, {})[person] = email
        acting.setdefault(person, set()).add(city.id)
    forms = {form for subject in subjects for form in subject.own_forms}
    wrote = sa.union(
        sa.select(Answers.application_id, Answers.form, Answers.saved_by).where(
            Answers.application_id.in_(ids), Answers.form.in_(forms)
        ),
        sa.select(File.application_id, File.form, File.uploaded_by).where(
            File.application_id.in_(ids), File.form.in_(forms)
        ),
    )
    declared = (
        sa.select(Review.application_id, Application.city_id, Review.reviewer_id)
        .join(Application, Application.id == Review.application_id)
        .where(
            Application.city_id.in_(applying),
            Review.reviewer_id.in_(people),
            Review.conflict == "declared",
            Review.withdrawn_at.is_(None),
        )
    )
    acted: dict[UUID, set[UUID]] = {}
    awarded: set[UUID] = set()
    if any("prior_contract" in subject.kinds for subject in subjects):
        acted = _acted(people)
        for person in people & acting.keys():
            acted.setdefault(person, set()).update(acting[person])
        awarded = _awarded({city for found in acted.values() for city in found})
    missing = (applying | {city for found in acted.values() for city in found}) - cities.keys()
    return _Facts(
        cities=cities | _cities(missing),
        teams=teams,
        acting=acting,
        acted=acted,
        awarded=awarded,
        wrote={(row[0], row[1], row[2]) for row in db.session.execute(wrote)},
        declared={(row[0], row[1], row[2]) for row in db.session.execute(declared)},
    )


def _cities(ids: Collection[UUID]) -> dict[UUID, City]:
    """These cities, read together where the session does not hold them yet."""
    identity = sa.inspect(City).identity_key_from_primary_key
    held = {key: city for key in ids if (city := db.session.identity_map.get(identity((key,)))) is not None}
    return {**held, **(accounts.cities_named(set(ids) - held.keys()) if len(held) < len(ids) else {})}


def _acted(people: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """The cities that each person founded, joined by an invitation or started an application for."""
    ways: sa.CompoundSelect[Any, Any] = sa.union(
        sa.select(City.created_by, City.id).where(City.created_by.in_(people)),
        sa.select(Invitation.accepted_by, Invitation.city_id).where(
            Invitation.accepted_by.in_(people), Invitation.city_id.is_not(None)
        ),
        sa.select(Application.created_by, Application.city_id).where(Application.created_by.in_(people)),
    )
    found: dict[UUID, set[UUID]] = {}
    for person, city in db.session.execute(ways):
        found.setdefault(person, set()).add(city)
    return found


def _awarded(cities: Collection[UUID]) -> set[UUID]:
    """Those of the cities whose application made this fund reserve or commit money in the last years."""
    rows = db.session.execute(
        sa.select(Application.city_id, Event.definition_sha, Event.transition)
        .join(Event, Event.application_id == Application.id)
        .where(Application.city_id.in_(cities), Event.at > clock.now() - timedelta(days=366 * YEARS))
        .distinct()
    )
    return {city for city, sha, transition in rows if _awards(sha, transition)}


def _awards(sha: str, transition: str) -> bool:
    step = definitions.get(sha).transitions.get(transition)
    return step is not None and any(effect.ledger in ("reserve", "commit") for effect in step.do)


def _shared_domain(address: str, others: Collection[str]) -> str | None:
    """The domain that an address has in common with one of the others; a part of an organisation counts as it."""
    mine = _domain(address)
    for theirs in map(_domain, others):
        if mine and theirs and (mine == theirs or _within(mine, theirs) or _within(theirs, mine)):
            return min(mine, theirs, key=len)
    return None


def _domain(address: str) -> str | None:
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    return domain if "." in domain and domain not in PUBLIC_MAIL else None


def _within(inner: str, outer: str) -> bool:
    return inner.endswith("." + outer) and outer.count(".") > 0
