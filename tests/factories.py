"""Real rows to begin a test with: people, cities, rounds, and applications driven to a state by real commands.

Everything is committed before it is returned, so that another process or another session sees it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City, Delegation, GroupMember, TeamMember, User
from fundflow.applications import queries as application_queries
from fundflow.applications import service as applications
from fundflow.applications.models import File
from fundflow.db import db, transaction
from fundflow.lifecycle import commands, definitions, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.signing import Proof
from fundflow.money import Money
from fundflow.reviews import committees
from fundflow.reviews import service as reviews
from fundflow.rounds.models import Round, Window
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.forms import Field, Form

_numbers = count(1)

MANAGERS, REVIEWERS, FINANCE, AUDITORS, ADMINISTRATORS = (
    "fund-managers",
    "reviewers",
    "finance",
    "auditors",
    "administrators",
)

Group = str | tuple[str, Round | None]
"""A group's name, for every round, or the name with the one round it counts for."""


def a_person(
    name: str = "", *, email: str = "", groups: Sequence[Group] = (), team_of: City | None = None, **more: Any
) -> User:
    """A confirmed person; in these groups, and with every duty of a city's team if one is given."""
    n = next(_numbers)
    with transaction():
        user = User(
            id=uuid4(),
            email=email or f"person{n}@of-{n}.example.org",
            name=name or f"Person {n}",
            active=True,
            confirmed_at=clock.now(),
            **more,
        )
        db.session.add(user)
        db.session.flush()
        for group in groups:
            group_name, round_ = group if isinstance(group, tuple) else (group, None)
            db.session.add(GroupMember(user_id=user.id, group=group_name, round_id=round_.id if round_ else None))
    if team_of is not None:
        join(team_of, user)
    return user


def join(city: City, user: User, *duties: str) -> None:
    """Put a person on a city's team, with every duty unless some are named."""
    with transaction():
        for duty in duties or ("focal_point", "finance_officer", "signatory"):
            db.session.add(TeamMember(city_id=city.id, user_id=user.id, duty=duty))


def stand_in(giver: User, taker: User) -> Delegation:
    """The taker stands in for the giver, yesterday to tomorrow, in all that they do for the fund."""
    now, day = clock.now(), timedelta(days=1)
    lent = Delegation(
        key=f"lent:{uuid4()}", giver_id=giver.id, taker_id=taker.id, reason="On leave.", starts_at=now - day,
        ends_at=now + day,
    )  # fmt: skip
    with transaction():
        db.session.add(lent)
    return lent


def acting(user: User) -> Actor:
    """The person as the gate reads them now."""
    actor = accounts.actor_for(user.id)
    db.session.rollback()
    return actor


def proof(user: User) -> Proof:
    """That this person has typed the password just now."""
    return Proof(user.id, "password", clock.now())


def a_city(name: str = "", *, country: str = "KE", focal_point: User | None = None) -> City:
    """A city with a focal point of its own, or the given one."""
    focal_point = focal_point or a_person()
    with transaction():
        city = City(
            id=uuid4(),
            name=name or f"City {next(_numbers)}",
            country=country,
            kind="city",
            population=250_000,
            languages=["en"],
            created_by=focal_point.id,
        )
        db.session.add(city)
    join(city, focal_point)
    return city


def a_workflow(name: str = "small-grant") -> Workflow:
    """A shipped workflow by its name, or one of those that other funds may begin with."""
    other = definitions.FOLDER / "examples" / f"{name.replace('-', '_')}.yaml"
    if other.exists():
        return loader.read(other)
    return next(workflow for workflow in definitions.shipped() if workflow.id == name)


def a_workflow_from(text: str, **forms: str) -> Workflow:
    """A workflow written in the test; `forms` are further files by name, without their ending."""
    return loader.load({"test.yaml": text, **{f"{name}.yaml": body for name, body in forms.items()}}, "test.yaml")


def kept(workflow: Workflow) -> Workflow:
    """A toy as if it were published already, so that nothing is asked of it; a toy proves one thing at a time."""
    with transaction():
        definitions.keep(workflow)
    return workflow


def a_round(
    *,
    workflow: Workflow | None = None,
    budget: int = 100_000,
    cap: int = 50_000,
    floor: int = 1_000,
    currency: str = "EUR",
    zone: str = "Europe/Paris",
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    is_published: bool = True,
) -> Round:
    """A round that opened yesterday and closes in thirty days, published with its budget; amounts in whole units."""
    workflow = workflow or a_workflow()
    n = next(_numbers)
    now = clock.now().replace(second=0, microsecond=0)
    opens_at, closes_at = opens_at or now - timedelta(days=1), closes_at or now + timedelta(days=30)
    with transaction():
        window = Window(id=uuid4(), name=f"Window {n}")
        db.session.add(window)
        round_ = Round(
            id=uuid4(),
            window_id=window.id,
            slug=f"round-{n}",
            title=f"Round {n}",
            zone=zone,
            opens_wall=opens_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"),
            closes_wall=closes_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M"),
            opens_at=opens_at,
            closes_at=closes_at,
            currency=currency,
            floor_minor=Money.of(floor, currency).minor,
            cap_minor=Money.of(cap, currency).minor,
            budget_minor=Money.of(budget, currency).minor,
            definition_sha=definitions.keep(workflow),
        )
        db.session.add(round_)
        if is_published:
            round_.status, round_.published_at = "published", clock.now()
            db.session.flush()
            registry.round_published(round_.id, round_.budget)
    return round_


@dataclass(slots=True)
class Cast:
    """The people of one application."""

    applicant: User
    manager: User
    finance: User
    reviewers: list[User]


def a_cast(city: City | None = None) -> Cast:
    """A focal point, a manager, a finance officer and three reviewers."""
    return Cast(
        applicant=a_person(team_of=city),
        manager=a_person(groups=[MANAGERS]),
        finance=a_person(groups=[FINANCE]),
        reviewers=[a_person(groups=[REVIEWERS]) for _ in range(3)],
    )


STATES = ("draft", "complete", "review", "scored", "approved", "disbursed", "reported")
"""How far `an_application` drives: `complete` is a draft ready to be sent, `scored` a review with its quorum."""


def an_application(
    round_: Round | None = None,
    *,
    state: str = "draft",
    cast: Cast | None = None,
    city: City | None = None,
    requested: int = 10_000,
    score: int = 8,
) -> Application:
    """An application to the round, driven to this state of the small grant by the real commands of real people."""
    round_ = round_ or a_round()
    cast = cast or a_cast()
    city = city or a_city(focal_point=cast.applicant)
    application = started(round_, city, cast.applicant)
    for step in STATES[1 : STATES.index(state) + 1]:
        match step:
            case "complete":
                fill(application, "proposal", cast.applicant, requested=requested, title=f"Project of {city.name}")
            case "review":
                press(application, "submit", cast.applicant)
            case "scored":
                scored(application, cast, score)
            case "approved":
                press(application, "approve", cast.manager)
            case "disbursed":
                pay(application, cast.finance, requested)
            case "reported":
                fill(application, "report", cast.applicant, spent=requested)
                press(application, "report", cast.applicant)
    return application


def started(round_: Round, city: City, user: User) -> Application:
    """A draft that this person began for the city."""
    with transaction():
        return applications.start(round_, city, acting(user))


def press(
    application: Application,
    transition: str,
    user: User | Actor,
    *,
    key: str = "",
    revision: int | None = None,
    **more: Any,
) -> commands.Fired:
    """Fire a transition as a person who sees the application as it is now, and commit."""
    actor = acting(user) if isinstance(user, User) else user
    with transaction():
        return commands.fire(
            application.id,
            transition,
            actor=actor,
            key=key or f"test:{uuid4()}",
            revision=revision_of(application) if revision is None else revision,
            **more,
        )


def revision_of(application: Application) -> int:
    """The revision that stands in the database now."""
    return db.session.execute(sa.select(Application.revision).where(Application.id == application.id)).scalar_one()


def pay(application: Application, user: User, amount: int | Money, **more: Any) -> commands.Fired:
    """Record the payment of the whole grant, today."""
    if not isinstance(amount, Money):
        amount = Money.of(amount, application.currency)
    given = {"reference": "TR-2026-1", "paid_on": clock.now().date().isoformat(), "amount": amount}
    return press(application, "disburse", user, input=given, **more)


def scored(application: Application, cast: Cast, score: int = 8) -> None:
    """Have every reviewer of the cast assigned, declared free of conflict, and send a sheet full of this score."""
    manager = acting(cast.manager)
    with transaction():
        committee = committees.committee_for(manager, application.id)
        wall = (clock.now() + timedelta(days=10)).astimezone(ZoneInfo(committee.zone)).strftime("%Y-%m-%dT%H:%M")
        places = reviews.assign(committee, [user.id for user in cast.reviewers], wall_time=wall, actor=manager)
    form = definitions.get(application.definition_sha).forms["score"]
    for place in places:
        reviewer = acting(next(user for user in cast.reviewers if user.id == place.reviewer_id))
        with transaction():
            reviews.declare(place.id, has_conflict=False, actor=reviewer)
        with transaction():
            data = complete(form, **{name: str(score) for name, f in form.fields.items() if f.type == "score"})
            saved = reviews.save(place.id, data, revision=0, actor=reviewer)
        with transaction():
            reviews.send(place.id, revision=saved.revision, actor=reviewer)


def fill(application: Application, form_id: str, user: User, **answers: Any) -> None:
    """Save a form so that it may be sent, with these answers set; whole numbers are amounts where money is asked."""
    form = definitions.get(application.definition_sha).forms[form_id]
    actor = acting(user)
    files = {
        field.id: [str(a_file(application, form_id, field, user).id)]
        for field in form.fields.values()
        if field.type == "file" and field.required
    }
    with transaction():
        data = complete(form, application.currency, **answers)
        row = application_queries.answers_row(application.id, form_id)
        applications.save(application, form_id, data, row.revision if row else None, actor)
        if files:
            # Files come by uploads, which need content: here only their rows are there.
            row = application_queries.answers_row(application.id, form_id)
            assert row is not None
            row.data = {**row.data, **files}


def a_file(application: Application, form_id: str, field: Field, user: User) -> File:
    """A file row; its content is stored nowhere."""
    with transaction():
        file = File(
            id=uuid4(),
            application_id=application.id,
            form=form_id,
            field=field.id,
            name=f"{field.id}.pdf",
            media_type="application/pdf",
            size=1024,
            sha256=uuid4().hex * 2,
            uploaded_by=user.id,
        )
        db.session.add(file)
    return file


def complete(form: Form, currency: str = "EUR", **answers: Any) -> dict[str, Any]:
    """Stored answers that may be sent: every required question answered, sums exact, with these answers set."""
    data = {name: _answer(field, currency) for name, field in form.fields.items() if field.required}
    for name, value in answers.items():
        field = form.fields[name]
        is_amount = field.type == "money" and isinstance(value, int)
        data[name] = _money(value, currency) if is_amount else value
    for field in form.fields.values():
        if field.after and data.get(field.id) is not None:
            data[field.id] = "2027-12-31"
        if field.sum_column and field.sum_equals and field.id in data and field.id not in answers:
            row: Mapping[str, Any] = data[field.id][0]
            data[field.id] = [{**row, field.sum_column: data[field.sum_equals]}]
    return {name: value for name, value in data.items() if value is not None}


def _answer(field: Field, currency: str) -> Any:
    match field.type:
        case "number":
            return str(field.min if field.min is not None else 1)
        case "score":
            return "8"
        case "money":
            return _money(5_000, currency)
        case "date":
            return "2027-01-15"
        case "choice":
            return field.options[0].id
        case "choices":
            return [field.options[0].id]
        case "country":
            return "KE"
        case "email":
            return "focal.point@example.org"
        case "table":
            return [{"_id": "1", **{name: _answer(column, currency) for name, column in field.columns.items()}}]
        case "file":
            return None
        case _:
            return "Homes for people who arrive"


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"minor": Money.of(amount, currency).minor, "currency": currency}


def processes_settings(settings: Any) -> str:
    """Settings as Python source, for a process of its own on the same database."""
    return (
        f"Settings(instance=Path({str(Path(settings.instance))!r}), database_url={settings.database_url!r}, "
        f"secret_key={settings.secret_key!r}, rate_limits=False)"
    )


def ids(*rows: Any) -> list[UUID]:
    """The ids of these rows."""
    return [row.id for row in rows]


def join_rows(city_id: UUID, user: User) -> None:
    """Put a person on a team inside the present transaction."""
    db.session.add(TeamMember(city_id=city_id, user_id=user.id, duty="focal_point"))
