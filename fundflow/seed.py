"""The demo: invented people, cities and decisions, brought to where they stand through the same doors as real ones.

Refuses to touch a database that already holds people. Nothing here writes a state: every step is a command of the
person who takes it, at the moment it is said to have happened.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask_security import hash_password

from fundflow import clock
from fundflow.accounts import queries as people_of_the_fund
from fundflow.accounts import service as accounts
from fundflow.accounts.models import City, User
from fundflow.db import begin_reading, db, transaction
from fundflow.invented import (
    CURRENCY,
    FOLLOWER,
    FUND,
    LIMITS,
    LINES,
    PAID,
    PLACES,
    PRESENT,
    PROJECTS,
    REPORTED,
    SUMMARIES,
    TEXTS,
    TURNED_DOWN,
    WINDOWS,
    ZONE,
    Person,
)
from fundflow.ledger import funding
from fundflow.ledger.models import Donor, DonorLine
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds import service as rounds
from fundflow.rounds.models import Round
from fundflow.rounds.plans import Plan
from fundflow.steps_gcf import LargeStory, starts_after
from fundflow.story import Story, wall

PASSWORD = "welcome-to-fundflow"  # noqa: S105 - the demo's public password, never used in production


def load() -> bool:
    """Fill an empty database; False, and nothing done, where there are people already."""
    begin_reading()  # a second start must not wait for a worker that writes
    is_used = db.session.scalar(sa.select(User.id).limit(1)) is not None
    db.session.rollback()
    if is_used:
        return False
    now = clock.now()
    with clock.standing_at(now - timedelta(days=420)):
        cast = people()
        story = Story(cast, cities(cast))
        first = a_round(story, "Welcoming cities, first round", "welcoming-cities-1", -415, -360, "180000")
    _first_round(story, first, now)
    with clock.standing_at(now - timedelta(days=36)):
        second = a_round(story, "Welcoming cities, second round", "welcoming-cities-2", -34, 24, "260000")
    _second_round(story, second, now)
    _large_round(LargeStory(story.cast, story.cities), now)
    with clock.standing_at(now - timedelta(days=3)):
        a_round(
            story, "Climate and displacement", "climate-and-displacement", 30, 95, "150000", "Climate and displacement"
        )
    return True


def _first_round(story: Story, round_: Round, now: datetime) -> None:
    """Last year's: one reported, one paid and waiting for its report, one declined."""
    cases = (
        ("kesmara", "peter", REPORTED, (8, 8, 9, 7), -400),
        ("novohrad", "oksana", PAID, (7, 8, 7, 8), -396),
        ("batu-indah", "maria", TURNED_DOWN, (3, 2, 4, 3), -398),
    )
    for city, lead, project, figures, sent in cases:
        with _at(now, sent):
            application = story.start(lead, city, round_)
            story.write(application, lead, project)
        with _at(now, sent + 4):
            story.fire(application, "submit", lead)
        with _at(now, sent + 42):
            story.assign(application, "ines", "ruth", "kenji", "lucia")
        for days, reviewer in ((46, "ruth"), (49, "kenji"), (52, "lucia")):
            with _at(now, sent + days):
                story.score(application, reviewer, *figures)
        if project is TURNED_DOWN:
            with _at(now, sent + 58):
                story.fire(
                    application,
                    "decline",
                    "ines",
                    reason="The need is not shown, and those concerned were not asked. "
                    "A smaller proposal made with them would be welcome in the next round.",
                )
            continue
        with _at(now, sent + 60):
            if project is PAID:
                _on_two_lines(story, application, Money.of(project.requested, CURRENCY))
            story.fire(application, "approve", "ines")
        paid = Money.of(project.requested, CURRENCY)
        with _at(now, sent + 70):
            story.fire(
                application,
                "disburse",
                "mette",
                reference=f"TRF-{application.number}",
                paid_on=clock.now().date(),
                amount=paid,
            )
    with _at(now, -20):
        reported = _application(story, "kesmara", round_)
        story.report(reported, "peter", 861, Money.of("23410.75", CURRENCY))
        story.fire(reported, "report", "peter")


def _second_round(story: Story, round_: Round, now: datetime) -> None:
    """This year's, open now: drafts, cases at each point of the review, one approved and to be paid."""
    drafts = (("saint-amary", "amara", -6, True), ("batu-indah", "maria", -2, False))
    for city, lead, day, whole in drafts:
        with _at(now, day):
            story.write(story.start(lead, city, round_), lead, PROJECTS[city], whole=whole)
    sent = (("puerto-lindero", "camila", -30), ("vila-aurora", "joana", -28), ("kesmara", "peter", -26),
            ("tell-marwan", "rania", -12), ("novohrad", "oksana", -4), ("san-telmo-del-valle", "diego", -19))  # fmt: skip
    for city, lead, day in sent:
        with _at(now, day):
            application = story.start(lead, city, round_)
            story.write(application, lead, PROJECTS[city])
        with _at(now, day + 1):
            story.fire(application, "submit", lead)
    with _at(now, -24):
        for city in ("puerto-lindero", "vila-aurora", "kesmara"):
            story.assign(_application(story, city, round_), "ines", "ruth", "kenji", "lucia", days=28)
    with _at(now, -10):
        story.assign(_application(story, "tell-marwan", round_), "ines", "ruth", "kenji", "samir", days=17)
    approved, ready, waiting, fresh = (
        _application(story, city, round_) for city in ("puerto-lindero", "vila-aurora", "kesmara", "tell-marwan")
    )
    for days, reviewer, figures in (
        (-20, "ruth", (9, 9, 8, 8)),
        (-19, "kenji", (8, 9, 8, 9)),
        (-18, "lucia", (9, 8, 9, 8)),
    ):
        with _at(now, days):
            story.score(approved, reviewer, *figures)
    with _at(now, -9):
        story.fire(approved, "approve", "ines")
    for days, reviewer, figures in ((-17, "ruth", (8, 7, 8, 7)), (-16, "kenji", (7, 8, 6, 8))):
        with _at(now, days):
            story.score(ready, reviewer, *figures)
    with _at(now, -8):
        story.score(waiting, "ruth", 6, 7, 7, 6)
        story.declare(waiting, "lucia", conflict="I advised the county on this project last year.")
    with _at(now, -3):
        story.score(fresh, "samir", 8, 8, 7, 7, send=False)
    with _at(now, -7):
        story.fire(
            _application(story, "san-telmo-del-valle", round_),
            "send_back",
            "tomas",
            reason="The budget pays for tools twice. Please look at lines 2 and 3, and say who leads each crew.",
        )


def _large_round(story: LargeStory, now: datetime) -> None:
    """The Global Cities Fund: a note to be answered, a committee at work, checks, a signature, and a grant under way."""
    with _at(now, -270):
        round_ = a_round(
            story, "Global Cities Fund", "global-cities-fund", -268 + 270, -200 + 270, "1500000", "Global Cities Fund",
            "global-cities-fund",
        )  # fmt: skip
    leads = {
        "saint-amary": "amara",
        "puerto-lindero": "camila",
        "tell-marwan": "rania",
        "kesmara": "peter",
        "batu-indah": "maria",
    }
    notes = {}
    for days, (city, lead) in enumerate(leads.items()):
        with _at(now, -215 + days):
            notes[city] = story.note(city, lead, round_)
    for city in ("saint-amary", "puerto-lindero", "tell-marwan", "kesmara"):
        with _at(now, -195):
            story.found_eligible(notes[city])
    starts = starts_after(now - timedelta(days=60))
    for city in ("saint-amary", "puerto-lindero", "tell-marwan"):
        with _at(now, -180):
            story.answered(notes[city])
        with _at(now, -130):
            story.proposal(notes[city], leads[city], starts)
        with _at(now, -12 if city == "tell-marwan" else -120):
            story.to_committee(notes[city], days=30)
    for city in ("saint-amary", "puerto-lindero"):
        with _at(now, -100):
            story.scored(notes[city], "apart" if city == "saint-amary" else "award")
        with _at(now, -90):
            story.decided(notes[city])
        with _at(now, -70):
            story.account(notes[city], leads[city])
    with _at(now, -60):
        story.checked(notes["saint-amary"])
    with _at(now, -50):
        story.signed(notes["saint-amary"], "awa")
        story.fire(notes["saint-amary"], "announce", "adaeze")
    with _at(now, -20):
        story.paid(notes["saint-amary"], "1", "amara")
    with _at(now, -6):
        story.checked(notes["puerto-lindero"])
    with _at(now, -5):
        story.sheet(notes["tell-marwan"], "ruth", (8, 8, 7))


def _at(now: datetime, days: float) -> AbstractContextManager[None]:
    return clock.standing_at(now + timedelta(days=days))


def _application(story: Story, city: str, round_: Round) -> Application:
    return db.session.scalars(
        sa.select(Application).where(Application.city_id == story.cities[city].id, Application.round_id == round_.id)
    ).one()


def greeting() -> str:
    """The demo people and how to sign in, for the terminal."""
    everyone = [person for group in FUND.values() for person in group]
    everyone += [person for place in PLACES.values() for person, _ in place.team]
    everyone.append(FOLLOWER)
    rows = "\n".join(f"  {person.email:<34} {person.name}, {person.part}" for person in everyone)
    return f"Sign in as one of these invented people; everyone's password is {PASSWORD}\n{rows}"


def people() -> dict[str, User]:
    """Everyone of the demo by first name (the part of the address before the @), in their groups."""
    found: dict[str, User] = {}
    # One hash serves all: they share a password that everybody may know, and each hash takes a fifth of a second.
    hashed = hash_password(PASSWORD)
    with transaction():
        for group, members in FUND.items():
            for person in members:
                found[_first_name(person)] = user = _register(person, hashed)
                accounts.add_to_group(user, group)
        for place in PLACES.values():
            for person, _ in place.team:
                found[_first_name(person)] = _register(person, hashed)
        _register(FOLLOWER, hashed)
    return found


def cities(cast: dict[str, User]) -> dict[str, City]:
    """The invented cities with their teams."""
    found: dict[str, City] = {}
    with transaction():
        for name, place in PLACES.items():
            (lead, _), *others = place.team
            found[name] = city = accounts.create_city(
                name=place.name,
                country=place.country,
                kind=place.kind,
                by=cast[_first_name(lead)].id,
                population=place.population,
                languages=place.languages,
                latitude=Decimal(place.latitude),
                longitude=Decimal(place.longitude),
                is_demo=True,
            )
            for person, duty in others:
                accounts.add_to_team(city, cast[_first_name(person)], duty)
    return found


def a_round(
    story: Story,
    title: str,
    slug: str,
    opens: int,
    closes: int,
    budget: str,
    window: str = "Welcoming cities",
    workflow: str = "small-grant",
) -> Round:
    """A published round that opens and closes so many days from the real present."""
    present = clock.now() + timedelta(days=PRESENT[slug])
    actor = story.actor("ines")
    currency, floor, cap = LIMITS[workflow]
    with transaction():
        round_ = rounds.create_round(
            Plan(
                window_id=rounds.create_window(window, theme=WINDOWS[window], donors="Invented donors of the demo").id,
                title=title,
                slug=slug,
                zone=ZONE,
                opens_wall=wall(present + timedelta(days=opens), ZONE).replace("17:00", "09:00"),
                closes_wall=wall(present + timedelta(days=closes), ZONE),
                currency=currency,
                floor=Money.of(floor, currency),
                cap=Money.of(cap, currency),
                budget=Money.of(budget, currency),
                workflow=workflow,
                theme=WINDOWS[window],
                summary=SUMMARIES[slug],
                text=TEXTS[workflow],
            ),
            actor=actor,
        )
    fund(story, round_)
    with transaction():
        rounds.publish(round_, actor=actor)
    return round_


def fund(story: Story, round_: Round) -> None:
    """The invented donors give their parts of the budget, asked for by one person and approved by another."""
    manager, finance = story.actor("ines"), story.actor("mette")
    rest = round_.budget
    for donor_name, name, reference, share in LINES:
        part = rest if name == LINES[-1][1] else Money(round_.budget.minor * share // 100, round_.currency)
        rest -= part
        with transaction():
            line = _line(round_, donor_name, name, reference, manager)
            asked = funding.ask(
                "appropriation", line, part, f"Contract {reference}", key=f"seed:{round_.slug}:{name}", actor=manager
            )
            funding.answer(asked, approve=True, actor=finance)


def _line(round_: Round, donor_name: str, name: str, reference: str, manager: Actor) -> DonorLine:
    line = db.session.scalar(
        sa.select(DonorLine).where(
            DonorLine.window_id == round_.window_id, DonorLine.currency == round_.currency, DonorLine.name == name
        )
    )
    if line is not None:
        return line
    donor = db.session.scalar(sa.select(Donor).where(Donor.name == donor_name))
    if donor is None:
        donor = funding.make_donor(donor_name, "Invented for the demo.", actor=manager)
        if people_of_the_fund.person_by_email(FOLLOWER.email) is not None and donor_name == LINES[0][0]:
            funding.let_follow(donor, FOLLOWER.email, actor=manager)
    return funding.make_line(round_.window_id, donor.id, name, round_.currency, reference=reference, actor=manager)


def _on_two_lines(story: Story, application: Application, amount: Money) -> None:
    """An award that both donors bear, half and half."""
    lines = db.session.scalars(
        sa.select(DonorLine)
        .join(Round, sa.and_(Round.window_id == DonorLine.window_id, Round.currency == DonorLine.currency))
        .where(Round.id == application.round_id)
        .order_by(DonorLine.position)
    ).all()
    half, manager = Money(amount.minor // 2, amount.currency), story.actor("ines")
    with transaction():
        shares = dict(zip((each.id for each in lines), (half, amount - half), strict=True))
        funding.split(application, shares, actor=manager)


def _register(person: Person, hashed: str) -> User:
    user = accounts.register_person(
        person.email, person.name, confirmed=True, language=person.language, timezone=person.zone
    )
    user.password = hashed
    return user


def _first_name(person: Person) -> str:
    return person.email.split("@")[0]
