"""The life of a grant in one list, past and future: decisions, signatures, the project, payments, reports, follow-up.

It takes what the application's page shows this reader already, and tells nothing beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext

from fundflow.awards.models import Document
from fundflow.desk import granted, history, panels
from fundflow.desk.story import Story
from fundflow.lifecycle import children, definitions
from fundflow.lifecycle.models import Child, Event
from fundflow.money import Money
from fundflow.payments import waits
from fundflow.web import reader
from fundflow.workflow import definition

DONE, LATE, AHEAD, DROPPED = "done", "late", "ahead", "dropped"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One line: what happened or is to happen on a day; `standing` is one of the four above."""

    day: date
    title: str
    standing: str
    amount: Money | None = None
    place: str = ""
    """Where it stands, in the words of the workflow."""
    tone: str = "neutral"
    text: str = ""
    url: str = ""
    at: datetime | None = None

    @property
    def is_late(self) -> bool:
        return self.standing == LATE


@dataclass(frozen=True, slots=True)
class Period:
    """When the project begins and ends, by the newest agreement or amendment; empty where none says."""

    starts_on: date | None = None
    ends_on: date | None = None
    reports: tuple[tuple[str, date], ...] = ()
    """What the agreement asks for after the end, and by when."""


def period(documents: Sequence[Document], language: str) -> Period:
    """What the documents say, which come with the newest first; in this language where there is one."""
    made = [each for each in documents if each.kind == "agreement"]
    made = [each for each in made if each.event_seq == made[0].event_seq]
    agreement = next((each for each in made if each.language == language), made[0] if made else None)
    if agreement is None:
        return Period()
    later = [each.facts for each in documents if each.kind == "amendment" and each.event_seq > agreement.event_seq]
    ends_on = (later[0] if later else {}).get("new_end") or agreement.facts.get("ends_on")
    reports = [(str(each["name"]), _day(each["due_on"])) for each in agreement.facts.get("reports", ())]
    asked = tuple((name, day) for name, day in reports if day is not None)
    return Period(_day(agreement.facts.get("starts_on")), _day(ends_on), asked)


def milestones(story: Story, rows: Sequence[Child], times: Period, now: datetime) -> list[Milestone]:
    """Everything in the order of its day; what is late stands where it was due."""
    zone = story.workflow.zone
    today = now.astimezone(zone).date()
    found = [*_events(story, zone), *_project(story, times, today), *_children(story, rows, today, zone)]
    found += [
        Milestone(
            due.at.astimezone(zone).date(), due.label, LATE if due.is_late else AHEAD,
            url=_application(story) if due.is_late else "",
        )
        for due in story.dues
        if due.at.astimezone(zone).date() != times.ends_on
    ]  # fmt: skip
    # Of one day, what happened comes before what is to happen, and that in the order in which it happened.
    order = {DONE: 0, DROPPED: 1, LATE: 2, AHEAD: 3}
    return sorted(found, key=lambda each: (each.day, order[each.standing], each.at.timestamp() if each.at else 0.0))


def _events(story: Story, zone: ZoneInfo) -> Iterator[Milestone]:
    """The decisions and signatures since it is a grant."""
    grant, paid = story.grant, {payment.event_seq: payment for payment in story.payments}
    for event in story.events:
        if grant is None or event.seq < grant.seq or history.is_hidden(story.workflow, event, story.viewer):
            continue
        then = definitions.get(event.definition_sha)
        step = then.transitions.get(event.transition)
        if step is None and event.transition != "sign":
            continue
        payment = paid.get(event.seq)
        reference = _("Reference: %(reference)s", reference=payment.reference) if payment else ""
        yield Milestone(
            payment.paid_on if payment else event.at.astimezone(zone).date(),
            _title(story, event, then, step),
            DONE,
            amount=payment.amount if payment else None,
            tone="danger" if event.outcome and event.to_state is None else "success",
            text=" · ".join(part for part in (reference, event.reason) if part),
            at=event.at,
        )


def _title(story: Story, event: Event, then: definition.Workflow, step: definition.Transition | None) -> str:
    """That it was awarded, or in the past tense what happened; where we have no such word, where it led to."""
    if story.grant is not None and event.seq == story.grant.seq and step is not None and granted.makes_award(step):
        return _("Awarded")
    title, to = history.past(then, event, story.viewer), event.to_state
    if (
        step is not None
        and to is not None
        and to in then.states
        and to != event.from_state
        and title == step.label.in_(story.viewer.language)
    ):
        return story.viewer.sight.place(to).label.in_(story.viewer.language)
    return title


def _project(story: Story, times: Period, today: date) -> Iterator[Milestone]:
    for day, title in ((times.starts_on, _("The project begins")), (times.ends_on, _("The project ends"))):
        # A grant that came to an end before has no more of it ahead.
        if day is not None and (day <= today or not story.is_ended):
            yield Milestone(day, title, DONE if day <= today else AHEAD, tone="info")
    # Once it is asked for, its own date is told with what is due; one of a schedule has a line of its own.
    begun = {form.title for form in story.forms if form.is_editable or form.saved_at}
    begun |= {row.name for table in story.tables for row in table.rows}
    if times.ends_on is not None and today < times.ends_on and not story.is_ended:
        yield from (Milestone(day, name, AHEAD) for name, day in times.reports if name not in begun and day > today)


def _children(story: Story, rows: Sequence[Child], today: date, zone: ZoneInfo) -> Iterator[Milestone]:
    """One line for each payment, report, amendment and follow-up that the reader's cell shows: on the day when it was
    settled, or for which it is planned.
    """
    shown = {(table.kind, row.key): (table, row) for table in story.tables for row in table.rows}
    paid_on = _paid_on(story)
    for row in rows:
        if (row.kind, row.key) not in shown:
            continue
        kind, (table, line) = story.workflow.children[row.kind], shown[row.kind, row.key]
        due, final = _due(story.workflow, row), kind.states[row.state].final
        settled = paid_on.get((row.kind, row.key)) or row.state_since.astimezone(zone).date()
        standing = {"success": DONE, "failure": DROPPED}.get(final or "", AHEAD)
        if standing == AHEAD and not story.is_ended and (any(d[2] for d in line.dues) or (due or today) < today):
            standing = LATE
        fields = children.fields_of(story.workflow, row)
        text = line.words
        if standing == DONE and due is not None:
            planned = _("Was due on %(day)s.", day=reader.day(due))
            text = f"{planned} {text}".strip()
        yield Milestone(
            day=settled if final else due or row.created_at.astimezone(zone).date(),
            title=line.name,
            standing=standing if final or not story.is_ended else DROPPED,
            amount=next((value for value in fields.values() if isinstance(value, Money)), None),
            place=line.place,
            tone=line.tone,
            text=text,
            url=_address(story, table, line),
        )


def _paid_on(story: Story) -> Mapping[tuple[str, str], date]:
    """The value date of the last payment to each child."""
    subjects = {event.seq: event.subject or "" for event in story.events}
    found: dict[tuple[str, str], date] = {}
    for payment in story.payments:
        kind, _colon, key = subjects.get(payment.event_seq, "").partition(":")
        found[kind, key] = payment.paid_on
    return found


def _due(workflow: definition.Workflow, row: Child) -> date | None:
    """The last of its days: what it is about comes before when it is due."""
    days = [value for value in children.fields_of(workflow, row).values() if isinstance(value, date)]
    return days[-1] if days else None


def _address(story: Story, table: panels.Table, row: panels.Row) -> str:
    application_id = story.application.id
    if table.kind in waits.kinds_paid(story.workflow):
        return url_for("desk.payment", application_id=application_id, kind=table.kind, key=row.key)
    if row.forms:
        return url_for("applications.edit", application_id=application_id, form=row.forms[0].name)
    return url_for("desk.show", application_id=application_id, _anchor=table.kind)


def _application(story: Story) -> str:
    return url_for("desk.show", application_id=story.application.id)


def _day(written: object) -> date | None:
    return date.fromisoformat(written) if isinstance(written, str) and written else None


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
