"""Donors and their lines: asked by one person, approved by another, followed by the donor, corrected by opposites."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import City, User
from fundflow.accounts.policy import DIRECTORS
from fundflow.db import db, transaction
from fundflow.ledger import funding, queries, refusals, service, sources, verifying
from fundflow.ledger.models import Donor, DonorLine, Instruction, LedgerEntry
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds.models import Round
from tests import factories as make
from tests.awards.large import LargeGrant
from tests.lifecycle.toys import a_toy, a_toy_round, payment
from tests.people import sign_in

pytestmark = pytest.mark.usefixtures("app")


def eur(amount: int | str) -> Money:
    return Money.of(amount, "EUR")


@dataclass
class House:
    """A fund with two lines of 60,000 and 40,000 in one window, and a round of 100,000 that lives on them."""

    manager: User
    finance: User
    director: User
    donor: Donor
    lines: list[DonorLine]
    round: Round


def a_house(change: tuple[str, str] | None = None) -> House:
    people = [make.a_person(groups=[each]) for each in (make.MANAGERS, make.FINANCE, DIRECTORS)]
    manager, finance, director = people
    draft, actor = a_toy_round(change, budget=100_000, is_published=False), make.acting(manager)
    with transaction():
        donor = funding.make_donor("  Alba   Foundation ", actor=actor)
        lines = [
            funding.make_line(draft.window_id, donor.id, name, "EUR", reference="AF-7", actor=actor)
            for name in ("Alba water", "Alba shade")
        ]
    for line, amount in zip(lines, (60_000, 40_000), strict=True):
        moved("appropriation", line, eur(amount), manager, finance)
    with transaction():
        round_ = db.session.get_one(Round, draft.id)
        round_.status, round_.published_at = "published", clock.now()
        db.session.flush()
        assert funding.give_budget(draft.id) == eur(100_000)
    return House(manager, finance, director, donor, lines, round_)


@pytest.fixture
def house() -> House:
    return a_house()


def moved(
    kind: str, line: DonorLine, amount: Money, asker: User, other: User, round_id: UUID | None = None
) -> Instruction:
    first, second = make.acting(asker), make.acting(other)
    with transaction():
        asked = funding.ask(kind, line, amount, "Contract", key=str(uuid4()), actor=first, round_id=round_id)
    with transaction():
        funding.answer(asked, approve=True, actor=second)
    return asked


def held(line: DonorLine, account: str) -> Money:
    [row] = sources.lines(DonorLine.id == line.id)
    return row.held[account]


def test_a_movement_of_a_line_needs_a_reason_money_and_a_second_person(house: House) -> None:
    line, manager = house.lines[0], make.acting(house.manager)
    director, finance = make.acting(house.director), make.acting(house.finance)
    with pytest.raises(refusals.NoReason):
        funding.ask("appropriation", line, eur(1), "  ", key="a", actor=manager)
    with pytest.raises(refusals.NothingUnallocated):
        funding.ask("allocation", line, eur(1), "More", key="b", actor=manager, round_id=house.round.id)
    with pytest.raises(refusals.NothingAvailable):
        funding.ask("withdrawal", line, eur(60_001), "Less", key="c", actor=manager, round_id=house.round.id)
    with pytest.raises(refusals.OtherCurrency):
        funding.ask("appropriation", line, Money.of(1, "USD"), "x", key="d", actor=manager)
    with pytest.raises(refusals.NotAFunder):
        funding.ask("appropriation", line, eur(1), "x", key="e", actor=make.acting(make.a_person()))
    with transaction():
        asked = funding.ask("appropriation", line, eur(500), "Topping up", key="f", actor=manager)
        assert funding.ask("appropriation", line, eur(500), "Topping up", key="f", actor=manager).id == asked.id
    with pytest.raises(refusals.NeedsSecondPerson), transaction():
        funding.answer(asked, approve=True, actor=manager)
    assert held(line, "unallocated") == eur(0)
    with transaction():
        funding.answer(asked, approve=True, actor=director)
    with pytest.raises(refusals.AnsweredAlready), transaction():
        funding.answer(asked, approve=False, actor=finance)
    moved("allocation", line, eur(300), house.finance, house.manager, house.round.id)
    moved("restitution", line, eur(200), house.finance, house.manager)
    assert (held(line, "unallocated"), held(line, "returned")) == (eur(0), eur(200))
    assert db.session.get_one(Round, house.round.id).budget == eur(100_300) == queries.balance(house.round.id).budget
    assert verifying.verify().is_whole


def test_a_round_is_published_only_with_what_its_lines_hold(house: House) -> None:
    with transaction():
        db.session.get_one(Round, house.round.id).budget_minor = eur(100_001).minor
        db.session.flush()
        with pytest.raises(refusals.NotAppropriated):
            funding.give_budget(house.round.id)
        db.session.rollback()


def test_an_award_draws_on_two_lines_and_everything_later_follows_them(house: House) -> None:
    application, manager = a_toy(house.round, state="sent", requested=10_000), make.acting(house.manager)
    other = a_toy(house.round, state="sent")
    with transaction():
        shares = {house.lines[0].id: eur("3333.33"), house.lines[1].id: eur("6666.67")}
        funding.split(application, shares, actor=manager)
    make.press(application, "grant", house.manager)
    with pytest.raises(refusals.SplitTooLate), transaction():
        funding.split(application, {}, actor=manager)
    make.press(application, "pay", house.finance, input=payment("10,000.00"))
    assert [held(each, "paid") for each in house.lines] == [eur("3333.33"), eur("6666.67")]
    with pytest.raises(service.NotEnoughOfTheLine), transaction():
        funding.split(other, {house.lines[1].id: eur(40_000)}, actor=manager)
        service.commit(other, eur(40_000), 2)
    assert verifying.verify().is_whole


def test_a_wrong_entry_is_taken_back_once_by_its_opposite(house: House) -> None:
    application = a_toy(house.round, state="sent", requested=10_000)
    make.press(application, "grant", house.manager)
    make.press(application, "pay", house.finance, input=payment("10,000.00"))
    entries = {each.kind: each for each in queries.entries(house.round.id) if each.application_id == application.id}
    finance, director = make.acting(house.finance), make.acting(house.director)
    with pytest.raises(refusals.WouldFallShort) as short:
        funding.ask_reversal(entries["commitment"].id, "Wrong city", key="a", actor=finance)
    assert "so the 10000.00 EUR of this entry cannot be taken back" in str(short.value)
    with pytest.raises(refusals.NotACorrector):
        funding.ask_reversal(entries["payment"].id, "x", key="b", actor=make.acting(house.manager))
    with transaction():
        asked = funding.ask_reversal(entries["payment"].id, "Booked on the wrong grant", key="c", actor=finance)
    with pytest.raises(refusals.ReversedAlready):
        funding.ask_reversal(entries["payment"].id, "Again", key="d", actor=finance)
    with transaction():
        funding.answer(asked, approve=True, actor=director)
    assert queries.standing(application).undisbursed == eur(10_000)
    reversal = next(each for each in queries.entries(house.round.id) if each.kind == "reversal")
    with pytest.raises(refusals.IsAReversal):
        funding.ask_reversal(reversal.id, "Back again", key="e", actor=finance)
    assert verifying.verify().is_whole


def hidden(text: str) -> str:
    found = re.search(r'name="key"[^>]*value="([^"]*)"', text)
    assert found is not None
    return found[1]


def test_from_a_donor_to_a_booked_appropriation_in_the_browser(client: FlaskClient, house: House) -> None:
    window = str(house.round.window_id)
    manager, finance = house.manager, house.finance
    db.session.rollback()
    sign_in(client, manager)
    assert client.post("/funding/donors/new", data={"name": " "}).status_code == 422
    made = client.post("/funding/donors/new", data={"name": "Brine Trust"})
    donor_id = made.headers["Location"].rpartition("/")[2]
    line = {"window": window, "donor": donor_id, "name": "Brine 1", "currency": "JPY", "ends_on": "soon"}
    wrong = client.post("/funding/lines/new", data=line)
    assert wrong.status_code == 422 and 'value="Brine 1"' in wrong.text and "is not a day" in wrong.text
    place = client.post("/funding/lines/new", data={**line, "ends_on": "2030-12-31"}).headers["Location"]
    asked = {"key": hidden(client.get(place).text), "kind": "appropriation", "amount": "1.5", "reason": "Contract 9"}
    wrong = client.post(place, data=asked)
    assert wrong.status_code == 422 and 'value="1.5"' in wrong.text and "Contract 9" in wrong.text
    for _ in range(2):
        assert client.post(place, data={**asked, "amount": "1,500,000"}).status_code == 303
    page = client.get(place).text
    [answer] = set(re.findall(r"/funding/instructions/[0-9a-f-]+", page))
    assert client.post(answer, data={"answer": "approve"}).status_code == 403
    sign_in(client, finance)
    assert "Approve and book" in client.get(answer).text
    assert client.post(answer, data={"answer": "approve"}).status_code == 303
    assert "¥1,500,000" in client.get("/funding").text
    statement = f"/funding/donors/{donor_id}/statement"
    assert client.get(f"{statement}?until=tomorrow").status_code == 422
    assert "¥1,500,000" in client.get(statement).text
    assert "Nothing was booked" in client.get(f"{statement}?until=2001-01-01").text
    rows = client.get(f"{statement}.csv").text
    assert "1500000,JPY,Brine 1" in rows
    with zipfile.ZipFile(io.BytesIO(client.get(f"{statement}.xlsx").data)) as book:
        assert not any(b"<f>" in book.read(name) for name in book.namelist())


def followed(house: House) -> tuple[User, User, Application]:
    """A person of the donor, one of another donor, and a grant of 10,000."""
    ours, others = make.a_person(), make.a_person()
    manager = make.acting(house.manager)
    with transaction():
        other = funding.make_donor("Other", actor=manager)
        funding.let_follow(house.donor, ours.email, actor=manager)
        funding.let_follow(other, others.email, actor=manager)
        with pytest.raises(refusals.OfTheFund):
            funding.let_follow(other, house.finance.email, actor=manager)
    application = a_toy(house.round, state="sent", requested=10_000)
    make.press(application, "grant", house.manager)
    return ours, others, application


def test_a_donor_sees_its_own_lines_and_what_lives_on_them(client: FlaskClient, house: House) -> None:
    ours, others, application = followed(house)
    city, lines = _city_of(application), [each.id for each in house.lines]
    db.session.rollback()
    sign_in(client, ours)
    page = client.get("/donor").text
    assert "Alba water" in page and city in page and "€10,000.00" in page
    assert client.get("/funding").status_code == 403 and client.get("/money").status_code == 403
    for ending in ("", ".csv"):
        assert city in client.get(f"/donor/lines/{lines[0]}/statement{ending}").text
    sign_in(client, others)
    assert "Alba" not in client.get("/donor").text
    assert {client.get(f"/donor/lines/{each}/statement").status_code for each in lines} == {404}


def test_a_donor_learns_nothing_that_its_city_is_not_told_yet(client: FlaskClient) -> None:
    house = a_house(("  granted: {view", "  granted: {shown_as: {applicant: sent}, view"))
    ours, _others, application = followed(house)
    city, line_id = _city_of(application), house.lines[0].id
    finance = house.finance
    db.session.rollback()
    sign_in(client, ours)
    page = client.get("/donor").text
    assert "Alba water" in page and city not in page and "€10,000.00" not in page and "€60,000.00" in page
    for ending in ("", ".csv"):
        text = client.get(f"/donor/lines/{line_id}/statement{ending}").text
        assert city not in text and "10,000.00" not in text and "10000.00" not in text
    make.press(application, "pay", finance, input=payment("10,000.00"))
    db.session.rollback()
    assert city in client.get("/donor").text


def test_a_donor_does_not_hear_of_a_signed_grant_before_it_is_announced(client: FlaskClient) -> None:
    grant, donors = LargeGrant("embargo"), make.a_person()
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    with transaction():
        donor = funding.make_donor("Alba", actor=manager)
        own = {"donor_id": donor.id, "is_own": False, "name": "Alba line"}
        line_id = db.session.scalar(sa.update(DonorLine).values(own).returning(DonorLine.id))
    with transaction():
        funding.let_follow(donor, donors.email, actor=manager)
    city = grant.city.name
    db.session.rollback()
    sign_in(client, donors)
    pages = ("/donor", f"/donor/lines/{line_id}/statement", f"/donor/lines/{line_id}/statement.csv")
    assert not any(city in client.get(page).text for page in pages)
    grant.to_active()
    db.session.rollback()
    assert all(city in client.get(page).text for page in pages)


def _city_of(application: Application) -> str:
    return db.session.get_one(City, application.city_id).name


def test_a_statement_of_a_past_day_says_what_it_said_that_day(client: FlaskClient, house: House) -> None:
    finance, line_id = house.finance, house.lines[0].id
    with clock.shifted(timedelta(days=40)):
        moved("appropriation", house.lines[0], eur(5_000), house.manager, house.director)
        today = clock.now().date()
        db.session.rollback()
        sign_in(client, finance)
        page = f"/funding/lines/{line_id}/statement.csv"
        then = client.get(f"{page}?until={today - timedelta(days=20)}").text
        now = client.get(f"{page}?since={today - timedelta(days=20)}").text
    assert "Closing balance,,Received,60000.00" in then and "65000.00" not in then
    assert "Opening balance,,Received,60000.00" in now and "Closing balance,,Received,65000.00" in now
    assert LedgerEntry.__tablename__ == "ledger_entries"
