"""Conflicts of interest that the records show, before anybody is asked to declare one.

A conflict is a refusal: the same sentence stands beside the person's name on the page and answers a hand-made request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from fundflow.accounts.models import City, TeamMember, User
from fundflow.accounts.queries import Reached
from fundflow.applications.models import Answers, File
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle.models import Application
from fundflow.reviews.models import Review

PUBLIC_MAIL = frozenset(
    "163.com 126.com aol.com fastmail.com free.fr gmail.com gmx.com gmx.de gmx.net googlemail.com hotmail.com "
    "icloud.com laposte.net live.com mac.com mail.com mail.ru me.com msn.com naver.com orange.fr outlook.com pm.me "
    "proton.me protonmail.com qq.com tutanota.com web.de yahoo.co.uk yahoo.com yahoo.fr yandex.com yandex.ru ymail.com "
    "zoho.com".split()
)
"""Mail providers open to everybody: sharing one says nothing about where people work."""


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


@dataclass(frozen=True, slots=True)
class _Facts:
    city: City
    team: Mapping[UUID, str]
    """Address by person."""
    cities: Mapping[UUID, list[City]]
    """Cities by person, of the people asked about."""
    took_part: Collection[UUID]
    declared: Collection[UUID]


def conflicts_of(
    application: Application, people: Collection[User | Reached], kinds: Collection[str], own_forms: Collection[str]
) -> dict[UUID, list[Refused]]:
    """What keeps each of these people from reviewing the application; four reads, however many people there are.

    Being of the same organisation, having written in one of `own_forms` (those the applicant fills in) and a conflict
    declared before always count; `same_country` only where `kinds`, the conflicts that the workflow names, has it.
    """
    facts = _facts(application, {person.id for person in people}, own_forms)
    return {person.id: _of(person, facts, kinds) for person in people}


def _of(person: User | Reached, facts: _Facts, kinds: Collection[str]) -> list[Refused]:
    found: list[Refused] = []
    city, name = facts.city.name, person.name or person.email
    if person.id in facts.team:
        found.append(OnTheTeam(person=name, city=city))
    elif shared := _shared_domain(person.email, facts.team.values()):
        found.append(SameAddress(person=name, city=city, domain=shared))
    if person.id in facts.took_part:
        found.append(TookPart(person=name))
    if "same_country" in kinds:
        for other in facts.cities.get(person.id, []):
            if other.country == facts.city.country and other.id != facts.city.id:
                found.append(SameCountry(person=name, other=other.name, city=city))
                break
    if person.id in facts.declared:
        found.append(DeclaredBefore(person=name))
    return found


def _facts(application: Application, people: Collection[UUID], own_forms: Collection[str]) -> _Facts:
    city = db.session.get_one(City, application.city_id)
    rows = db.session.execute(
        sa.select(TeamMember.user_id, User.email, City)
        .join(User, User.id == TeamMember.user_id)
        .join(City, City.id == TeamMember.city_id)
        .where(sa.or_(TeamMember.city_id == city.id, TeamMember.user_id.in_(people)))
        .order_by(City.name)
    ).all()
    cities: dict[UUID, list[City]] = {}
    for person, _email, of in rows:
        cities.setdefault(person, []).append(of)
    wrote = sa.union(
        sa.select(Answers.saved_by).where(Answers.application_id == application.id, Answers.form.in_(own_forms)),
        sa.select(File.uploaded_by).where(File.application_id == application.id, File.form.in_(own_forms)),
    )
    declared = sa.select(Review.reviewer_id).where(
        Review.application_id == application.id, Review.conflict == "declared", Review.withdrawn_at.is_(None)
    )
    return _Facts(
        city=city,
        team={person: email for person, email, of in rows if of.id == city.id},
        cities=cities,
        took_part={application.created_by, *db.session.scalars(wrote)},
        declared=set(db.session.scalars(declared)),
    )


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
