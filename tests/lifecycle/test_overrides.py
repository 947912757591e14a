"""Two administrators against the conditions: what they can override, what nobody can, and what the record keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import City, Delegation, GroupMember, User
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.ledger.service import NotEnoughLeft
from fundflow.lifecycle import audit, commands, overrides, registry
from fundflow.lifecycle.models import Application, Override
from fundflow.lifecycle.queries import history
from fundflow.lifecycle.refusals import HasEnded, NotAllowed, ReasonMissing, Stale, UnknownTransition
from fundflow.money import Money
from tests import factories as make
from tests.accounts.post import letters
from tests.lifecycle import toys
from tests.lifecycle.estate import Estate, papers_given
from tests.people import sign_in

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def ada(app: Flask) -> User:
    return make.a_person("Ada Admin", groups=[make.ADMINISTRATORS])


@pytest.fixture
def ben(app: Flask) -> User:
    return make.a_person("Ben Admin", groups=[make.ADMINISTRATORS])


@pytest.fixture
def sent(app: Flask) -> Application:
    return toys.a_toy(state="sent")


def ask(application: Application, transition: str, person: User, **more: object) -> Override:
    given = {"key": str(uuid4()), "revision": make.revision_of(application), "reason": "The manager is ill.", **more}
    actor = make.acting(person)
    with transaction():
        return overrides.ask(application.id, transition, actor=actor, **given)  # type: ignore[arg-type]


def approve(wish: Override, person: User) -> commands.Fired:
    actor = make.acting(person)
    with transaction():
        return overrides.approve(wish.id, actor=actor)


def state_of(application: Application) -> str:
    db.session.expire_all()
    return db.session.get_one(Application, application.id).state


def test_an_administrator_can_do_nothing_without_it(sent: Application, ada: User, client: FlaskClient) -> None:
    actor = make.acting(ada)
    assert commands.roles_of(sent, actor) == frozenset()
    assert commands.available(sent, actor) == []
    assert commands.cell_of(sent, actor).view == frozenset()
    for transition in ("grant", "return", "decline", "withdraw"):
        with pytest.raises(NotAllowed) as refused:
            make.press(sent, transition, ada, reason="x")
        assert refused.value.decision.failing("role")
    sign_in(client, db.session.merge(ada))
    for path in ("", "/do/grant", "/forms/ask"):
        assert client.get(f"/applications/{sent.id}{path}").status_code == 404


def test_two_administrators_do_what_nobody_was_there_to_do(sent: Application, ada: User, ben: User) -> None:
    auditor = make.a_person(groups=[make.AUDITORS])
    wish = ask(sent, "grant", ada)
    assert state_of(sent) == "sent"
    assert [each.template for each in letters(ben.email)] == ["security/override_asked"]
    assert letters(ada.email) == []
    approve(wish, ben)
    assert state_of(sent) == "granted"
    event = history(sent.id)[-1]
    assert (event.transition, event.actor_id, event.reason) == ("grant", ada.id, "The manager is ill.")
    assert event.body["override"] == {"id": str(wish.id), "approved_by": str(ben.id), "clauses": ["role"]}
    assert [each["holds"] for each in event.body["decision"] if each.get("overridden")] == [False]
    assert [each.template for each in letters(auditor.email)] == ["security/override_done"]
    assert [each.template for each in letters(ada.email)] == ["security/override_answered"]
    assert audit.verify(sent.id).breaks == []
    assert db.session.get_one(Override, wish.id).event_seq == event.seq


def test_nobody_approves_their_own(sent: Application, ada: User) -> None:
    wish = ask(sent, "grant", ada)
    with pytest.raises(overrides.SecondPerson):
        approve(wish, ada)
    assert state_of(sent) == "sent"


def test_a_second_person_is_asked_of_the_database_too(sent: Application, ada: User) -> None:
    wish = ask(sent, "grant", ada)
    with pytest.raises(sa.exc.IntegrityError), transaction():
        row = db.session.get_one(Override, wish.id)
        row.approved_by, row.event_seq, row.answered_at = ada.id, 2, clock.now()


@pytest.mark.parametrize("turn", [False, True])
def test_nobody_approves_for_whom_they_stand_in(sent: Application, ada: User, ben: User, turn: bool) -> None:
    giver, taker = (ben, ada) if turn else (ada, ben)
    now = clock.now()
    with transaction():
        db.session.add(
            Delegation(
                key="d", giver_id=giver.id, taker_id=taker.id, reason="x", starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=1),
            )
        )  # fmt: skip
    wish = ask(sent, "grant", ada)
    with pytest.raises(overrides.StandsIn):
        approve(wish, ben)


def test_whoever_had_to_do_with_it_neither_asks_nor_approves(sent: Application, ada: User, ben: User) -> None:
    applicant = db.session.get_one(User, sent.created_by)
    manager = make.a_person(groups=[make.MANAGERS, make.ADMINISTRATORS])
    make.press(sent, "return", manager, reason="More, please.")
    colleague = make.a_person(groups=[make.ADMINISTRATORS])
    make.join(db.session.get_one(City, sent.city_id), colleague)
    with transaction():
        db.session.add(GroupMember(user_id=applicant.id, group=make.ADMINISTRATORS))
    wish = ask(sent, "send", ada)
    for person in (manager, colleague, applicant):
        with pytest.raises(overrides.HadToDo):
            ask(sent, "send", person)
        with pytest.raises(overrides.HadToDo):
            approve(wish, person)
    with pytest.raises(overrides.NotAnAdministrator):
        approve(wish, make.a_person(groups=[make.MANAGERS]))
    approve(wish, ben)


def test_two_administrators_may_override_twice(sent: Application, ada: User, ben: User) -> None:
    approve(ask(sent, "return", ada), ben)
    approve(ask(sent, "send", ben), ada)
    assert state_of(sent) == "sent"


def test_whoever_asked_must_still_be_an_administrator(sent: Application, ada: User, ben: User) -> None:
    wish = ask(sent, "grant", ada)
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == ada.id))
    with pytest.raises(overrides.RunOut):
        approve(wish, ben)


def test_it_runs_out_after_a_week_or_when_the_application_moves(sent: Application, ada: User, ben: User) -> None:
    wish = ask(sent, "grant", ada)
    with clock.shifted(overrides.HOLDS), pytest.raises(overrides.RunOut):
        approve(wish, ben)
    assert len(overrides.open_wishes(sent.id)) == 1
    make.press(sent, "return", make.a_person(groups=[make.MANAGERS]), reason="More.")
    with pytest.raises(overrides.RunOut):
        approve(wish, ben)
    assert overrides.open_wishes(sent.id) == []
    with pytest.raises(Stale):
        ask(sent, "send", ada, revision=1)


def test_it_is_answered_once(sent: Application, ada: User, ben: User) -> None:
    wish = ask(sent, "grant", ada)
    with pytest.raises(ReasonMissing), transaction():
        overrides.refuse(wish.id, actor=make.acting(ben), answer=" ")
    with transaction():
        overrides.refuse(wish.id, actor=make.acting(ben), answer="The manager is back.")
    with pytest.raises(overrides.Answered):
        approve(wish, ben)
    assert state_of(sent) == "sent"


def test_a_reason_is_always_needed(sent: Application, ada: User) -> None:
    with pytest.raises(ReasonMissing):
        ask(sent, "grant", ada, reason="  ")


def test_the_same_page_sent_twice_asks_once(sent: Application, ada: User) -> None:
    first = ask(sent, "grant", ada, key="one")
    assert ask(sent, "grant", ada, key="one").id == first.id


def test_money_is_never_overridden(app: Flask, ada: User, ben: User) -> None:
    """Neither a condition that looks at the ledger nor the ledger's own refusal."""
    round_ = toys.a_toy_round(budget=60_000, cap=50_000)
    one = toys.a_toy(round_, requested=50_000, state="sent")
    other = toys.a_toy(round_, requested=50_000, state="sent")
    wish = ask(other, "grant", ada)
    make.press(one, "grant", make.a_person(groups=[make.MANAGERS]))
    with pytest.raises(NotAllowed) as refused:
        approve(wish, ben)
    assert refused.value.decision.failing("if")
    with pytest.raises(NotAllowed):
        ask(other, "grant", ada)
    unguarded = toys.a_toy_round(
        ('- {if: application.requested <= ledger.available, else: {en: "Only {ledger.available} is left."}}',
         '- {if: application.requested < round.cap, else: {en: "Less, please."}}'),
        budget=60_000, cap=50_000,
    )  # fmt: skip
    first, second = (toys.a_toy(unguarded, requested=50_000, state="sent") for _ in range(2))
    approve(ask(first, "grant", ada), ben)
    late = ask(second, "grant", ada)
    with pytest.raises(NotEnoughLeft):
        approve(late, ben)
    assert state_of(second) == "sent"


def test_where_it_stands_is_never_overridden(sent: Application, ada: User) -> None:
    with pytest.raises(NotAllowed) as refused:
        ask(sent, "pay", ada, input=toys.payment("10000"))
    assert refused.value.decision.failing("state")
    make.press(sent, "decline", make.a_person(groups=[make.MANAGERS]), reason="No.")
    with pytest.raises(HasEnded):
        ask(sent, "grant", ada)


def test_deadlines_forms_and_conditions_of_the_rules_are_overridden(app: Flask, ada: User, ben: User) -> None:
    applicant = make.a_person()
    round_ = toys.a_toy_round(cap=5_000)
    application = make.started(round_, make.a_city(focal_point=applicant), applicant)
    with clock.shifted(timedelta(days=60)):
        approve(ask(application, "send", ada), ben)
    event = history(application.id)[-1]
    assert event.body["override"]["clauses"] == ["role", "deadline", "complete", "if"]
    assert state_of(application) == "sent"


@pytest.fixture
def _papers() -> Iterator[None]:
    before = papers_given()
    yield
    registry.papers[:] = before


@pytest.mark.usefixtures("_papers")
def test_a_child_is_overridden_by_its_key_and_its_money_is_not(ada: User, ben: User) -> None:
    estate = Estate(amounts=(500, 300))
    estate.active()
    with pytest.raises(UnknownTransition):
        ask(estate.application, "tranche.request", ada)
    with pytest.raises(NotFound):
        ask(estate.application, "tranche.request", ada, child="9")
    assert ("tranche.request", "2") in {(step.id, key) for step, key in overrides.ways(estate.application)}
    approve(ask(estate.application, "tranche.request", ada, child="2"), ben)
    event = history(estate.application.id)[-1]
    assert (event.transition, event.subject) == ("tranche.request", "tranche:2")
    assert event.body["override"]["clauses"] == ["role", "if"]
    given = {"reference": "TR-1", "paid_on": "2026-01-05"}
    with pytest.raises(NotAllowed) as refused:
        ask(estate.application, "tranche.pay", ada, child="1", input=given)
    assert refused.value.decision.failing("state")
    approve(ask(estate.application, "tranche.pay", ada, child="2", input=given), ben)
    assert history(estate.application.id)[-1].body["override"]["clauses"] == ["role"]
    assert audit.verify(estate.application.id).breaks == []


@pytest.mark.usefixtures("_papers")
def test_what_then_happens_by_itself_is_not_overridden(ada: User, ben: User) -> None:
    """Only the step that two administrators named: the signatures are still missing for the one after it."""
    estate = Estate()
    estate.press("send", estate.focal)
    approve(ask(estate.application, "agree", ada), ben)
    assert state_of(estate.application) == "signing"
    assert history(estate.application.id)[-1].body["override"]["clauses"] == ["role", "tasks", "if"]
    approve(ask(estate.application, "activate", ada), ben)
    assert state_of(estate.application) == "active"


def test_who_overrode_an_approval_does_not_pay_it(sent: Application, ada: User, ben: User) -> None:
    approve(ask(sent, "grant", ada), ben)
    with transaction():
        for person in (ada, ben):
            db.session.add(GroupMember(user_id=person.id, group=make.FINANCE))
    for person in (ada, ben):
        with pytest.raises(NotAllowed) as refused:
            make.press(sent, "pay", person, input=toys.payment(Money.of(10_000, "EUR")))
        assert refused.value.decision.failing("not_same_actor")


def test_the_pages_lead_from_asking_to_the_record(sent: Application, ada: User, ben: User, client: FlaskClient) -> None:
    manager = make.a_person(groups=[make.MANAGERS])
    people = {person.name: person.id for person in (ada, ben, manager)}

    def as_(name: str) -> None:
        sign_in(client, db.session.get_one(User, people[name]))

    as_(ada.name)
    assert sent.number in client.get(f"/overrides?q={sent.number}").text
    assert "Grant" in client.get(f"/applications/{sent.id}/override").text
    path = f"/applications/{sent.id}/override/grant"
    text = client.get(path).text
    assert "who may do it" in text
    given = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', text) for name in ("key", "revision")}
    form = {name: found[1] for name, found in given.items() if found}
    assert client.post(path, data=form | {"reason": ""}).status_code == 422
    stale = client.post(path, data=form | {"reason": "The manager is ill.", "revision": "1"})
    assert stale.status_code == 409
    assert "The manager is ill." in stale.text
    answer = client.post(path, data=form | {"reason": "The manager is ill."})
    assert answer.status_code == 303
    assert client.post(path, data=form | {"reason": "The manager is ill."}).location == answer.location
    own = client.post(answer.location, data={"answer": "approve"})
    assert own.status_code == 409
    assert "second administrator" in own.text
    as_(ben.name)
    assert "1 override waits" in client.get("/home").text
    assert "The manager is ill." in client.get(answer.location).text
    assert client.post(answer.location, data={"answer": "refuse"}).status_code == 422
    assert client.post(answer.location, data={"answer": "approve"}).status_code == 303
    assert client.post(answer.location, data={"answer": "approve"}).status_code == 303
    assert f"Approved by {ben.name}" in client.get(answer.location).text
    as_(manager.name)
    page = client.get(f"/applications/{sent.id}").text
    assert f"Override, approved by {ben.name}. Overridden: who may do it." in page
    assert client.get(answer.location).status_code == 403
