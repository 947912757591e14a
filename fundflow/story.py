"""Telling a story: invented people take the steps of an application through the same services as the pages do.

It has no door of its own: what a person of the story may not do is refused, as it would be on the page.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pikepdf
import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as people
from fundflow.accounts.models import City, User
from fundflow.applications import service as applications
from fundflow.applications import uploads
from fundflow.db import db, transaction
from fundflow.lifecycle import commands
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.reviews import committees
from fundflow.reviews import service as reviews
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round

SHARES = (
    ("Coordinator, part time", "staff", 38),
    ("Trainers and partners", "services", 30),
    ("Material", "material", 20),
)
"""Budget lines of an invented project in percent; what is left goes to rooms and events."""


@dataclass(frozen=True, slots=True)
class Project:
    """What an invented city wants to do, in few words; `answers` makes a whole proposal of it."""

    title: str
    theme: str
    requested: str
    people: int
    summary: str
    objectives: tuple[str, ...] = ("inclusion",)


class Story:
    """The cast, and what its people do; each step is a transaction of its own, as on the page."""

    def __init__(
        self, cast: Mapping[str, User], cities: Mapping[str, City], tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.cast, self.cities, self.tell = cast, cities, tell

    def actor(self, name: str) -> Actor:
        """A person of the cast as the gate would read them now."""
        return people.actor_for(self.cast[name].id)

    def start(self, who: str, city: str, round_: Round) -> Application:
        with transaction():
            application = applications.start(round_, self.cities[city], self.actor(who))
        self.tell(
            f"{self._name(who)} starts an application of {self.cities[city].name}: {application.number}, {application.state}"
        )
        return application

    def write(self, application: Application, who: str, project: Project, *, whole: bool = True) -> None:
        """Save the proposal: all of it, or only as much as one has after the first evening."""
        actor = self.actor(who)
        city = db.session.get_one(City, application.city_id)
        data = proposal(project, city, self.cast[who], application.currency)
        if not whole:
            data = {key: data[key] for key in ("title", "summary", "theme", "project_country", "requested", "need")}
        with transaction():
            applications.save(application, "proposal", data, 0, actor)
        if whole:
            self._attach(
                application, who, "proposal", "letter", f"We support “{project.title}”.", f"{city.name}: the mayor"
            )

    def report(self, application: Application, who: str, reached: int, spent: Money) -> None:
        data = {
            "achieved": "What we planned was done, two months later than planned. People came in larger numbers than we "
            "expected in the second half, once those who had come first told their neighbours.",
            "people_reached": str(reached),
            "different": "The first partner withdrew in spring; another took over within six weeks.",
            "ended": (clock.now() - timedelta(days=10)).date().isoformat(),
            "lessons": "Pay the first helpers from the first day: they bring everybody else.",
            "goes_on": "paid_by_city",
            "spent": {"minor": spent.minor, "currency": spent.currency},
        }
        with transaction():
            applications.save(application, "report", data, 0, self.actor(who))
        self._attach(application, who, "report", "accounts", f"Spent of the grant: {spent}", "Statement of accounts")

    def fire(
        self, application: Application, transition: str, who: str, *, reason: str | None = None, **given: Any
    ) -> None:
        """The person takes the transition at the revision they see."""
        before = application.state
        with transaction():
            db.session.refresh(application)
            key = f"story:{application.id}:{transition}:{application.revision}"
            fired = commands.fire(
                application.id,
                transition,
                actor=self.actor(who),
                key=key,
                revision=application.revision,
                reason=reason,
                input=given,
            )
        db.session.refresh(application)
        self.tell(f"{self._name(who)}: {transition.replace('_', ' ')}, {before} → {fired.outcome or fired.state}")

    def assign(self, application: Application, who: str, *reviewers: str, days: int = 14) -> None:
        actor = self.actor(who)
        committee = committees.committee_for(actor, application.id)
        due = (clock.now() + timedelta(days=days)).astimezone(ZoneInfo(committee.zone))
        with transaction():
            reviews.assign(
                committee, [self.cast[each].id for each in reviewers], wall_time=f"{due:%Y-%m-%dT}17:00", actor=actor
            )
        self.tell(f"{self._name(who)} asks {', '.join(self._name(each) for each in reviewers)} to review it")

    def declare(self, application: Application, who: str, conflict: str = "") -> UUID:
        review = self._review(application, who)
        with transaction():
            reviews.declare(review.id, has_conflict=bool(conflict), reason=conflict, actor=self.actor(who))
        self.tell(f"{self._name(who)} declares {f'a conflict: {conflict}' if conflict else 'no conflict of interest'}")
        return review.id

    def score(self, application: Application, who: str, *figures: int, send: bool = True) -> None:
        """Scores in the order of the sheet, with a reason; sent, or left as a draft."""
        review_id = self.declare(application, who)
        names = ("impact", "voice_score", "feasibility", "value")
        data: dict[str, Any] = dict(zip(names, map(str, figures), strict=False))
        data["reason"] = REASONS[sum(figures) % len(REASONS)]
        actor = self.actor(who)
        with transaction():
            saved = reviews.save(review_id, data, revision=0, actor=actor)
        if send:
            with transaction():
                sent = reviews.send(review_id, revision=saved.revision, actor=actor)
            self.tell(f"{self._name(who)} sends scores: {sent.score}")

    def _attach(self, application: Application, who: str, form: str, field: str, text: str, heading: str) -> None:
        question = applications.workflow_of(application).forms[form].fields[field]
        db.session.rollback()
        received = uploads.receive(question, f"{field}.pdf", io.BytesIO(one_page(heading, text)))
        with transaction():
            applications.attach(application, form, field, received, self.actor(who))

    def _review(self, application: Application, who: str) -> Review:
        return (
            db.session.scalars(
                sa.select(Review)
                .where(Review.application_id == application.id, Review.reviewer_id == self.cast[who].id)
                .order_by(Review.generation.desc())
            ).first()
            or Review()
        )

    def _name(self, who: str) -> str:
        return self.cast[who].name


REASONS = (
    "The need is shown with figures and with people's own words. The plan is modest and can be done with the staff named.",
    "Those concerned share the decisions, which few proposals achieve. The budget is careful; the time for training is short.",
    "A convincing idea in a hard place. I would like to see how the work goes on once the grant is spent.",
)


def proposal(project: Project, city: City, lead: User, currency: str) -> dict[str, Any]:
    """A whole, honest-looking proposal for an invented project; the budget adds up to the last cent."""
    requested = Money.of(project.requested, currency)
    starts = (clock.now() + timedelta(days=120)).date().replace(day=1)
    return {
        "title": project.title,
        "summary": project.summary,
        "theme": project.theme,
        "objectives": list(project.objectives),
        "project_country": city.country,
        "need": f"Two in ten of those who moved to {city.name} in the last three years told our survey that they have never "
        "set foot in a city office. Schools, health posts and market wardens say the same. Those who help them today are "
        "neighbours and volunteers, and they are tired.",
        "people_expected": str(project.people),
        "voice": "A group of twelve newcomers and twelve long-time residents planned this with us over four evenings. They "
        "choose the places and times, sit on the panel that hires, and meet the mayor every three months.",
        "starts_on": starts.isoformat(),
        "ends_on": _a_year_after(starts).isoformat(),
        "activities": [
            row(1, activity="Hire and train the team with the planning group", who="City and planning group",
                 done_by=months_after(starts, 2).isoformat()),
            row(2, activity=project.title, who="Team with partners", done_by=months_after(starts, 10).isoformat()),
            row(3, activity="Public evening: what worked, what did not, what goes on", who="Planning group",
                 done_by=months_after(starts, 11).isoformat()),
        ],
        "risks": "If a partner leaves, two others have said that they would step in. If prices rise, we shorten the season "
        "instead of paying people less.",
        "requested": {"minor": requested.minor, "currency": currency},
        "budget": _budget(requested),
        "cofinance": {"minor": requested.minor // 10, "currency": currency},
        "contact_name": lead.name,
        "contact_email": lead.email,
    }  # fmt: skip


def _budget(requested: Money) -> list[dict[str, Any]]:
    rows, left = [], requested.minor
    for number, (item, kind, percent) in enumerate(SHARES, 1):
        part = requested.minor * percent // 100
        left -= part
        rows.append(row(number, item=item, kind=kind, amount={"minor": part, "currency": requested.currency}))
    rest = {"minor": left, "currency": requested.currency}
    return [*rows, row(len(rows) + 1, item="Rooms, food and child care", kind="events", amount=rest)]


def row(number: int, **cells: Any) -> dict[str, Any]:
    return {"_id": f"r{number}", **cells}


def months_after(day: date, months: int) -> date:
    whole = day.year * 12 + day.month - 1 + months
    return day.replace(year=whole // 12, month=whole % 12 + 1)


def _a_year_after(day: date) -> date:
    return months_after(day, 12) - timedelta(days=1)


def one_page(heading: str, text: str) -> bytes:
    """A small real PDF, for letters and accounts that an invented city attaches."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type1,
            BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )
    )
    lines = [
        heading,
        "",
        *[text[i : i + 80] for i in range(0, len(text), 80)],
        "",
        "Invented for the demo of fundflow.",
    ]
    drawn = b"BT /F1 14 Tf 72 760 Td 20 TL " + b" ".join(_shown(line) + b" Tj T*" for line in lines) + b" ET"
    page = pdf.add_blank_page(page_size=(595, 842))
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    page.Contents = pdf.make_stream(drawn)
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _shown(line: str) -> bytes:
    plain = line.encode("cp1252", "replace")
    return b"(" + plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"


def wall(moment: datetime, zone: str) -> str:
    """The moment's day at five in the afternoon in the zone, as a round keeps it."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT}17:00"
