"""Children with forms, timers and a beginning of their own: reports by a schedule, changes begun one at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from fundflow import clock
from fundflow.applications import queries as applications
from fundflow.applications import service, uploads
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.jobs.models import Job
from fundflow.lifecycle import audit, children, commands, definitions, migrating, queries
from fundflow.lifecycle.models import Timer
from fundflow.lifecycle.sweeping import sweep
from fundflow.money import Money
from fundflow.workflow import examples
from tests import factories as make
from tests.lifecycle.delivery import STORY, Delivery, a_delivery_workflow
from tests.lifecycle.replaying import Engine

pytestmark = pytest.mark.usefixtures("app")

EARLY = datetime(2026, 12, 1, 9, tzinfo=UTC)
FIRST, LAST = "report:1:periodic", "report:3:periodic"


def delivered(**more: Any) -> Delivery:
    with clock.standing_at(EARLY):
        return Delivery(closes_at=EARLY + timedelta(days=10), opens_at=EARLY - timedelta(days=10), **more)


@pytest.fixture
def delivery() -> Iterator[Delivery]:
    yield delivered()


def running(delivery: Delivery, name: str) -> dict[str, date]:
    """When this timer is due, by child."""
    db.session.rollback()
    rows = db.session.scalars(
        sa.select(Timer).where(
            Timer.application_id == delivery.application.id, Timer.name == name, Timer.status == "armed"
        )
    )
    return {row.subject: row.due_at.date() for row in rows}


def save(delivery: Delivery, form: str, **answers: Any) -> None:
    application = delivery.application
    with transaction():
        declared = service.form_of(application, form)
        row = applications.answers_row(application.id, form)
        data = {**make.complete(declared, "EUR"), **(row.data if row else {}), **answers}
        service.save(application, form, data, row.revision if row else None, make.acting(delivery.focal))


def send(delivery: Delivery, key: str, spent: int) -> None:
    save(delivery, f"report:{key}:periodic", spent={"minor": spent, "currency": "EUR"})
    delivery.press("report.send", delivery.focal, of=key)


def test_a_schedule_makes_as_many_children_as_its_conditions_let_it() -> None:
    long, short = delivered(), delivered(months="9")
    dues = [(row.key, row.fields["nr"], row.fields["due"]) for row in long.rows("report")]
    assert dues == [("1", 1, "2027-07-01"), ("2", 2, "2028-01-01"), ("3", 9, "2028-03-01")]
    assert [row.fields["nr"] for row in short.rows("report")] == [1, 9]
    assert running(short, "report_opens") == {"report:1": date(2027, 6, 1), "report:2": date(2028, 1, 31)}
    assert audit.verify(long.application.id).is_whole


def test_a_child_is_begun_by_a_step_of_its_application_until_there_are_as_many_as_there_may_be(
    delivery: Delivery,
) -> None:
    with pytest.raises(commands.NotAllowed, match=r"Dates or budget\."):
        delivery.press("ask_change", delivery.focal, input={"about": "weather", "because": "Rain"})
    for _ in range(2):
        delivery.press("ask_change", delivery.focal, input={"about": "budget", "because": "Prices"})
        delivery.press("amendment.drop", delivery.focal, of=delivery.rows("amendment")[-1].key)
    assert delivery.states("amendment") == {"1": "dropped", "2": "dropped"}
    with pytest.raises(children.TooManyChildren, match="“Amendment”: there are 2 already"):
        delivery.press("ask_change", delivery.focal, input={"about": "budget", "because": "Prices"})
    db.session.rollback()
    told = queries.history(delivery.application.id)[2]
    assert told.transition == "ask_change" and told.body["effects"][0]["keys"] == ["1"]
    assert told.account["effects"][0]["fields"]["1"]["because"] == "Prices", "what may be personal can be erased"
    assert "because" not in str(told.body)
    assert audit.verify(delivery.application.id).is_whole


def test_a_form_of_a_child_is_its_own_and_open_only_where_its_state_says_so(delivery: Delivery) -> None:
    application, focal, manager = delivery.application, make.acting(delivery.focal), make.acting(delivery.manager)
    for name in (FIRST, "report:9:periodic", "report:1:ask", "amendment:1:change", "periodic", "report:1"):
        with pytest.raises(NotFound):
            service.readable_form(application, name, focal)
    delivery.press("report.open_early", delivery.manager, of="1")
    assert service.readable_form(application, FIRST, focal)[1]
    with pytest.raises(NotFound):
        service.readable_form(application, FIRST, manager)
    with pytest.raises(commands.NotAllowed, match="“Report” is not complete"):
        delivery.press("report.send", delivery.focal, of="1")
    send(delivery, "1", 30_000)
    form, is_open = service.readable_form(application, FIRST, manager)
    assert not is_open and form.id == FIRST
    with pytest.raises(service.ReadOnly), transaction():
        service.save(application, FIRST, {}, None, focal)
    event = queries.history(application.id)[-1]
    sent = applications.sent_answers(application.id, FIRST)
    assert event.body["notes"][0]["sent"] == {FIRST: sent.sha256 if sent else ""}
    assert not delivery.answers("report:2:periodic"), "each child has answers of its own"


def test_what_was_asked_before_is_copied_when_a_form_opens_and_only_then(delivery: Delivery) -> None:
    assert not delivery.answers(FIRST)
    delivery.press("report.open_early", delivery.manager, of="1")
    lines = delivery.answers(FIRST)["lines"]
    assert lines == [
        {"item": "Trees", "amount": {"minor": 60_000, "currency": "EUR"}},
        {"item": "Soil", "amount": {"minor": 40_000, "currency": "EUR"}},
    ]
    save(delivery, FIRST, lines=lines[:1])
    delivery.press("report.send", delivery.focal, of="1")
    delivery.press("report.give_back", delivery.manager, of="1", reason="Where is the soil?")
    assert delivery.answers(FIRST)["lines"] == lines[:1], "what somebody wrote stays"


def test_only_the_touched_sections_of_a_change_are_there_and_what_is_agreed_is_in_force(delivery: Delivery) -> None:
    delivery.press("ask_change", delivery.focal, input={"about": "budget", "because": "Prices"})
    form = service.form_of(delivery.application, "amendment:1:change")
    assert list(form.fields) == ["new_budget"]
    budget = [{"item": "Trees", "amount": {"minor": 100_000, "currency": "EUR"}}]
    save(delivery, "amendment:1:change", new_budget=budget, new_start="2031-01-01")
    assert list(delivery.answers("amendment:1:change")) == ["new_budget"]
    delivery.press("amendment.ask", delivery.focal, of="1")
    delivery.press("amendment.agree", delivery.manager, of="1")
    assert delivery.answers("ask")["budget"] == budget and delivery.answers("ask")["starts_on"] == "2027-01-01"


def test_conditions_read_what_a_child_answered_and_its_application_counts_over_all(delivery: Delivery) -> None:
    for key in "123":
        delivery.press("report.open_early", delivery.manager, of=key)
        send(delivery, key, 60_000)
    with pytest.raises(commands.NotAllowed, match="The first report comes first"):
        delivery.press("report.accept", delivery.manager, of="3")
    for key in "123":
        with pytest.raises(commands.NotAllowed, match=r"More was spent|are open"):
            delivery.press("close", delivery.manager)
        delivery.press("report.accept", delivery.manager, of=key)
    with pytest.raises(commands.NotAllowed, match=r"^More was spent than granted\.$"):
        delivery.press("close", delivery.manager)
    [first, *_] = children.records(a_delivery_workflow(), delivery.application, "report")
    assert first["spent"] == Money(60_000, "EUR") and first["lessons"] is None and first["nr"] == 1


def test_a_child_has_timers_that_begin_end_remind_and_act_for_it_alone(delivery: Delivery) -> None:
    assert running(delivery, "report_opens")["report:1"] == date(2027, 6, 1)
    with clock.standing_at(datetime(2027, 6, 2, tzinfo=UTC)):
        assert sweep() == 1
        assert delivery.states("report") == {"1": "open", "2": "planned", "3": "planned"}
        assert sweep() == 0, "once is enough"
        assert delivery.answers(FIRST)["lines"], "whoever opens it"
        assert running(delivery, "report_opens") == {"report:2": date(2027, 12, 2), "report:3": date(2028, 1, 31)}
        assert running(delivery, "report_due")["report:1"] == date(2027, 7, 1)
    with clock.standing_at(datetime(2027, 6, 24, 22, 30, tzinfo=UTC)):
        sweep()
        mails = [job.payload for job in db.session.scalars(sa.select(Job)) if "closing_soon" in str(job.payload)]
        assert [(mail["facts"]["child_key"], mail["email"]) for mail in mails] == [("1", delivery.focal.email)]
    with clock.standing_at(datetime(2027, 7, 6, tzinfo=UTC)):
        with pytest.raises(service.TooLate):
            send(delivery, "1", 1)
        db.session.rollback()
        delivery.press("report.put_off", delivery.manager, of="1", input={"until": "2027-08-15"})
        assert running(delivery, "report_due")["report:1"] == date(2027, 8, 15)
        send(delivery, "1", 1)
        assert "report:1" not in running(delivery, "report_due")
    assert delivery.rows("report")[0].fields["due"] == "2027-08-15"
    assert audit.verify(delivery.application.id).is_whole


def test_timers_of_children_follow_the_answers_they_look_at_and_end_with_the_application(delivery: Delivery) -> None:
    with clock.standing_at(EARLY + timedelta(days=1)):
        delivery.press("ask_change", delivery.focal, input={"about": "dates", "because": "Rain"})
        save(delivery, "amendment:1:change", new_start="2027-05-01")
        delivery.press("amendment.ask", delivery.focal, of="1")
        delivery.press("amendment.agree", delivery.manager, of="1")
        assert delivery.answers("ask")["starts_on"] == "2027-05-01"
    assert running(delivery, "report_opens")["report:1"] == date(2027, 6, 1), "a report's date is its own"
    delivery.press("end", delivery.manager, reason="The city withdrew.")
    assert running(delivery, "report_opens") == {}
    assert set(delivery.states("report").values()) == {"dropped"}
    assert audit.verify(delivery.application.id).is_whole


def test_the_runner_of_examples_and_the_engine_tell_the_same_story() -> None:
    workflow = a_delivery_workflow()
    assert [str(each) for result in examples.run(workflow) for each in result.differences] == []
    [story] = workflow.examples
    engine = Engine(story, {story.name: story}, workflow)
    for step in story.steps:
        engine.tell(step)
    engine.look(story.line)


def test_another_version_keeps_the_deadlines_of_children_that_it_has_and_cancels_the_others(
    delivery: Delivery,
) -> None:
    old = a_delivery_workflow()
    without = ("  change_dropped: {in: amendment.draft, after: 30 days, then: amendment.drop}\n", "")
    longer = (
        "in: report.open, at: self.due, grace: 3 days",
        "in: [report.open, report.sent], at: self.due, grace: 9 days",
    )
    drop = ("by: [applicant, system]}", "by: [applicant, system]}\n      # by hand\n")
    new = make.kept(a_delivery_workflow(("version: 1\n", "version: 2\n"), without, longer, drop, (STORY, "")))
    delivery.press("ask_change", delivery.focal, input={"about": "budget", "because": "Prices"})
    delivery.press("report.open_early", delivery.manager, of="1")
    db.session.rollback()
    result = migrating.apply(migrating.plan(definitions.complete(old), new))
    assert result.moved == 1
    assert running(delivery, "change_dropped") == {}
    assert running(delivery, "report_due") == {"report:1": date(2027, 7, 1)}
    assert running(delivery, "report_opens").keys() == {"report:2", "report:3"}
    told = queries.history(delivery.application.id)[-1].body["migration"]["child_timers"]
    assert told["change_dropped amendment:1"]["way"] == "cancel" and told["report_due report:1"]["way"] == "keep"
    send(delivery, "1", 1)
    assert running(delivery, "report_due") == {"report:1": date(2027, 7, 1)}, "by the rules of the new version"
    assert audit.verify(delivery.application.id).is_whole


def test_files_of_a_child_come_and_go_in_its_form_and_are_sent_with_it(delivery: Delivery) -> None:
    application, focal = delivery.application, make.acting(delivery.focal)
    delivery.press("report.open_early", delivery.manager, of="1")
    question = service.form_of(application, FIRST).fields["proof"]
    received = uploads.receive(question, "proof.txt", io.BytesIO(b"Trees stand."))
    with transaction():
        file = service.attach(application, FIRST, "proof", received, focal)
    with pytest.raises(NotFound):
        service.file_for(make.acting(delivery.manager), file.id)
    send(delivery, "1", 1)
    assert service.file_for(make.acting(delivery.manager), file.id).form == FIRST
    sent = applications.sent_answers(application.id, FIRST)
    assert sent is not None and sent.data["_files"] == {str(file.id): file.sha256}
