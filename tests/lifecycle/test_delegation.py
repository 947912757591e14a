"""Standing in for somebody: what it gives, what it never gives, and what the record says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from fundflow import clock
from fundflow.accounts import delegations, queries, separation
from fundflow.accounts.models import Delegation, GroupMember, TeamMember, User
from fundflow.applications.queries import application_for
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.lifecycle import commands
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import history
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.money import Money
from fundflow.rounds import policy as rounds_policy
from fundflow.rounds.models import Round
from tests import factories as make
from tests.accounts.post import letters
from tests.lifecycle import toys

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def round_(app: Flask) -> Round:
    return toys.a_toy_round()


@pytest.fixture
def giver(round_: Round) -> User:
    return make.a_person("Ines Manager", groups=[make.MANAGERS])


@pytest.fixture
def taker(round_: Round) -> User:
    """Of the fund, in a group that gives nothing by itself."""
    return make.a_person("Tarek Taker", groups=[make.REVIEWERS])


@pytest.fixture
def sent(round_: Round) -> Iterator[Application]:
    yield toys.a_toy(round_, state="sent")


def lend(
    giver: User, taker: User, *, group: str | None = None, round_: Round | None = None, days: tuple[int, int] = (0, 7)
) -> Delegation:
    first, last = (clock.now().date() + timedelta(days=each) for each in days)
    with transaction():
        return delegations.give(
            giver,
            taker.email,
            group=group,
            round_id=round_.id if round_ else None,
            first_day=first,
            last_day=last,
            reason="On leave",
            key=str(uuid4()),
        )


def roles(application: Application, person: User) -> frozenset[str]:
    return commands.roles_of(application, make.acting(person))


def test_whoever_stands_in_acts_and_the_record_names_both(giver: User, taker: User, sent: Application) -> None:
    with pytest.raises(NotAllowed):
        make.press(sent, "grant", taker)
    lend(giver, taker)
    assert application_for(make.acting(taker), sent.id)
    make.press(sent, "grant", taker)
    event = history(sent.id)[-1]
    assert (event.transition, event.actor_id, event.acting_for) == ("grant", taker.id, giver.id)


def test_a_role_of_ones_own_is_used_before_one_that_is_lent(giver: User, round_: Round, sent: Application) -> None:
    other = make.a_person(groups=[make.MANAGERS])
    lend(giver, other)
    make.press(sent, "grant", other)
    assert history(sent.id)[-1].acting_for is None


def test_it_begins_and_ends_at_midnight_in_the_givers_zone(round_: Round, taker: User, sent: Application) -> None:
    giver = make.a_person(groups=[make.MANAGERS], timezone="Pacific/Auckland")
    with clock.standing_at(clock.now().replace(year=2027, month=1, day=10, hour=12)):
        made = lend(giver, taker, days=(2, 3))
    assert made.starts_at.isoformat() == "2027-01-11T11:00:00+00:00"
    assert made.ends_at.isoformat() == "2027-01-13T11:00:00+00:00"
    second = timedelta(seconds=1)
    for moment, holds in (
        (made.starts_at - second, False),
        (made.starts_at, True),
        (made.ends_at - second, True),
        (made.ends_at, False),
    ):
        with clock.standing_at(moment):
            assert ("manager" in roles(sent, taker)) is holds, moment


def test_it_gives_only_what_the_giver_holds_at_that_moment(giver: User, taker: User, sent: Application) -> None:
    lend(giver, taker)
    actor = make.acting(taker)
    with transaction():
        db.session.query(GroupMember).where(GroupMember.user_id == giver.id).delete()
    assert commands.roles_of(sent, actor) == frozenset()
    with pytest.raises(NotAllowed):
        make.press(sent, "grant", actor)


def test_the_command_reads_again_what_the_gate_has_read(giver: User, taker: User, sent: Application) -> None:
    made = lend(giver, taker)
    actor = make.acting(taker)
    assert actor.stands_in_for == {giver.id}
    with transaction():
        delegations.end(db.session.get_one(Delegation, made.id), by=make.acting(giver))
    with pytest.raises(NotAllowed):
        make.press(sent, "grant", actor)


def test_it_cannot_be_lent_on(giver: User, taker: User, sent: Application) -> None:
    third = make.a_person(groups=[make.REVIEWERS])
    lend(giver, taker)
    with pytest.raises(delegations.NothingToLend):
        lend(taker, third)
    # Not even where a row says so.
    with transaction():
        now = clock.now()
        db.session.add(
            Delegation(
                key="by hand", giver_id=taker.id, taker_id=third.id, reason="x", starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=1),
            )
        )  # fmt: skip
    assert roles(sent, third) == frozenset()
    assert "manager" in roles(sent, taker)


def test_one_round_and_one_group_are_all_that_is_lent(round_: Round, taker: User) -> None:
    other = toys.a_toy_round()
    giver = make.a_person(groups=[make.MANAGERS, make.AUDITORS])
    lend(giver, taker, group=make.MANAGERS, round_=round_)
    here, there = toys.a_toy(round_, state="sent"), toys.a_toy(other, state="sent")
    assert roles(here, taker) == {"manager"}
    assert roles(there, taker) == frozenset()
    actor = make.acting(taker)
    assert actor.lent == {(make.MANAGERS, round_.id)}
    assert application_for(actor, here.id)
    with pytest.raises(NotFound):
        application_for(actor, there.id)


def test_nobody_stands_in_for_an_administrator_a_reviewer_or_a_city(round_: Round, taker: User) -> None:
    giver = make.a_person(groups=[make.ADMINISTRATORS, make.REVIEWERS, make.MANAGERS])
    for group in (make.ADMINISTRATORS, make.REVIEWERS):
        with pytest.raises(delegations.NotLent):
            lend(giver, taker, group=group)
    with pytest.raises(delegations.NothingToLend):
        lend(giver, taker, group=make.FINANCE)
    city = make.a_city()
    lend(giver, taker)
    make.join(city, giver)
    actor = make.acting(taker)
    assert actor.lent == {(make.MANAGERS, None)}
    assert not actor.city_ids
    application = make.started(round_, city, giver)
    assert "applicant" not in roles(application, taker)


def test_whoever_stands_in_decides_on_applications_and_not_on_rounds(giver: User, taker: User, round_: Round) -> None:
    lend(giver, taker)
    actor = make.acting(taker)
    assert actor.is_in(make.MANAGERS, round_id=round_.id)
    assert not rounds_policy.may_manage(actor, round_)
    assert not rounds_policy.may_create(actor)


def test_separation_of_duties_counts_both_people(round_: Round, giver: User, taker: User) -> None:
    """The giver, for whom somebody granted, cannot pay it in another role; nor can whoever granted for them."""
    application = toys.a_toy(round_, state="sent")
    lend(giver, taker)
    make.press(application, "grant", taker)
    with transaction():
        db.session.query(Delegation).delete()
        for person in (giver, taker):
            db.session.query(GroupMember).where(GroupMember.user_id == person.id).delete()
            db.session.add(GroupMember(user_id=person.id, group=make.FINANCE))
    for person in (giver, taker):
        with pytest.raises(NotAllowed) as refused:
            make.press(application, "pay", person, input=toys.payment(Money.of(10_000, "EUR")))
        assert refused.value.decision.failing("not_same_actor")
    make.press(application, "pay", make.a_person(groups=[make.FINANCE]), input=toys.payment(Money.of(10_000, "EUR")))


def test_whoever_stands_in_for_a_payer_is_held_to_what_the_payer_did(round_: Round, taker: User) -> None:
    """The same person could not; so nobody can in their name."""
    application = toys.a_toy(round_, state="sent")
    giver = make.a_person(groups=[make.MANAGERS])
    make.press(application, "grant", giver)
    with transaction():
        db.session.query(GroupMember).where(GroupMember.user_id == giver.id).delete()
        db.session.add(GroupMember(user_id=giver.id, group=make.FINANCE))
    lend(giver, taker)
    with pytest.raises(NotAllowed) as refused:
        make.press(application, "pay", taker, input=toys.payment(Money.of(10_000, "EUR")))
    assert refused.value.decision.failing("not_same_actor")


def test_nobody_stands_in_who_may_never_be_both(round_: Round, giver: User) -> None:
    payer = make.a_person("Mette Money", groups=[make.FINANCE])
    with pytest.raises(separation.NeverBoth) as refused:
        lend(giver, payer)
    assert round_.title in str(refused.value)
    # Where a row came about by hand, the guarded role is held by nobody.
    application = toys.a_toy(round_, state="sent")
    now = clock.now()
    with transaction():
        db.session.add(
            Delegation(
                key="by hand", giver_id=giver.id, taker_id=payer.id, reason="x", starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=1),
            )
        )  # fmt: skip
    assert roles(application, payer) == {"manager"}
    assert [(clash.one.in_("en"), clash.other.in_("en")) for clash in separation.now()] == [("Finance", "Manager")]


def test_a_closed_account_lends_nothing(giver: User, taker: User, sent: Application) -> None:
    lend(giver, taker)
    with transaction():
        db.session.get_one(User, giver.id).active = False
    assert roles(sent, taker) == frozenset()
    assert make.acting(taker).lent == frozenset()


@pytest.mark.parametrize("days", [(3, 2), (-5, -2), (0, 400)])
def test_dates_that_make_no_sense_are_refused(giver: User, taker: User, days: tuple[int, int]) -> None:
    with pytest.raises(delegations.WrongDates):
        lend(giver, taker, days=days)


def test_only_somebody_else_of_the_fund_can_stand_in(giver: User) -> None:
    with pytest.raises(delegations.Yourself):
        lend(giver, giver)
    with pytest.raises(delegations.NotOfTheFund):
        lend(giver, make.a_person())


def test_the_one_asked_is_told_and_may_give_it_back(giver: User, taker: User) -> None:
    made = lend(giver, taker)
    assert [letter.template for letter in letters(taker.email)] == ["security/standing_in"]
    with transaction():
        delegations.end(db.session.get_one(Delegation, made.id), by=make.acting(taker))
    assert [letter.template for letter in letters(giver.email)] == ["security/standing_in_ended"]
    assert not queries.stand_ins(taker.id, uuid4())
    with pytest.raises(delegations.IsOver), transaction():
        delegations.end(db.session.get_one(Delegation, made.id), by=make.acting(giver))


def test_the_same_page_sent_twice_is_one(giver: User, taker: User) -> None:
    day = clock.now().date()
    for _ in range(2):
        with transaction():
            delegations.give(
                giver, taker.email, group=None, round_id=None, first_day=day, last_day=day, reason="Leave", key="one"
            )
    assert len(delegations.of_person(giver.id)) == 1
    assert not db.session.query(TeamMember).where(TeamMember.user_id == taker.id).count()


def test_the_same_from_two_pages_is_refused_and_more_than_before_is_not(
    giver: User, taker: User, round_: Round
) -> None:
    lend(giver, taker, days=(0, 7))
    for less in ({}, {"days": (2, 5)}, {"round_": round_}, {"group": make.MANAGERS}):
        with pytest.raises(delegations.GivenAlready, match="Tarek Taker stands in for you there"):
            lend(giver, taker, **{"days": (0, 7), **less})  # type: ignore[arg-type]
    lend(giver, taker, days=(0, 8))
    for standing in delegations.of_person(giver.id):
        with transaction():
            delegations.end(standing.delegation, by=make.acting(giver))
    lend(giver, taker, days=(0, 7))
