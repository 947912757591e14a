"""Tranches as children: made from their table, moved one by one in the application's chain, never past the money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.ledger import queries as money
from fundflow.lifecycle import audit, children, commands, definitions, queries, registry
from fundflow.lifecycle.refusals import HasEnded, UnknownTransition
from fundflow.money import Money
from tests.lifecycle.estate import Estate, papers_given

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def _papers() -> Iterator[None]:
    before = papers_given()
    yield
    registry.papers[:] = before


def states(estate: Estate) -> dict[str, str]:
    db.session.rollback()
    return {row.key: row.state for row in children.rows_of(estate.application.id)}


def standing(estate: Estate) -> tuple[int, int]:
    """Committed and paid, in whole units."""
    db.session.rollback()
    held = money.standing(estate.application)
    return held.committed.minor // 100, held.paid.minor // 100


def test_one_child_for_each_line_of_the_plan() -> None:
    estate = Estate(amounts=(500, 300, 200))
    estate.active()
    assert states(estate) == {"1": "planned", "2": "planned", "3": "planned"}
    assert standing(estate) == (1000, 0)
    workflow = definitions.get(estate.application.definition_sha)
    first, *_ = children.records(workflow, estate.application, "tranche")
    assert first == {
        "nr": 1,
        "amount": Money(50_000, "EUR"),
        "due": date(2027, 1, 15),
        "key": "1",
        "state": "planned",
    }


def test_tranches_go_in_order_and_the_grant_closes_by_itself_after_the_last() -> None:
    estate = Estate()
    estate.active()
    with pytest.raises(commands.NotAllowed, match=r"Earlier tranches come first\."):
        estate.press("tranche.request", estate.focal, of="2")
    estate.press("tranche.request", estate.focal, of="1")
    estate.pay("1")
    assert states(estate) == {"1": "paid", "2": "planned"} and standing(estate) == (400, 600)
    estate.press("tranche.request", estate.focal, of="2")
    fired = estate.pay("2")
    assert fired.state == "closed" and standing(estate) == (0, 1000)
    db.session.rollback()
    history = queries.history(estate.application.id)
    assert [(e.transition, e.subject, e.from_state, e.to_state) for e in history[-2:]] == [
        ("tranche.pay", "tranche:2", "active", "active"),
        ("close_up", None, "active", "closed"),
    ]
    assert audit.verify(estate.application.id).is_whole


def test_what_was_done_to_one_child_counts_for_that_child_alone() -> None:
    estate = Estate()
    estate.active()
    estate.press("tranche.request", estate.focal, of="1")
    estate.press("tranche.verify", estate.manager, of="1", reason="Seen.")
    with pytest.raises(commands.NotAllowed, match="You did “Verify”"):
        estate.pay("1", estate.manager)
    estate.pay("1")
    estate.press("tranche.request", estate.focal, of="2")
    assert estate.pay("2", estate.manager).state == "closed"


def test_a_child_moves_only_where_its_own_arrows_lead() -> None:
    estate = Estate()
    estate.active()
    with pytest.raises(commands.NotAllowed, match="it is now at “Planned”"):
        estate.pay("1")
    with pytest.raises(NotFound):
        estate.press("tranche.request", estate.focal, of="9")
    for name, of in (("tranche.request", None), ("tranche.reqest", "1"), ("send", "1")):
        with pytest.raises((UnknownTransition, NotFound)):
            estate.press(name, estate.focal, of=of)
    with pytest.raises(commands.NotAllowed, match="only by"):
        estate.press("tranche.request", estate.manager, of="1")


def test_ending_drops_every_open_child_and_gives_its_money_back() -> None:
    estate = Estate(amounts=(500, 300, 200))
    estate.active()
    estate.press("tranche.request", estate.focal, of="1")
    estate.pay("1")
    estate.press("tranche.request", estate.focal, of="2")
    fired = estate.press("end", estate.director, reason="The city withdrew.")
    assert fired.outcome == "ended"
    assert states(estate) == {"1": "paid", "2": "dropped", "3": "dropped"}
    assert standing(estate) == (0, 500)
    db.session.rollback()
    effect = queries.history(estate.application.id)[-1].body["effects"][0]
    assert effect["keys"] == ["2", "3"] and effect["to"] == "dropped"
    assert audit.verify(estate.application.id).is_whole
    with pytest.raises(HasEnded):
        estate.press("tranche.request", estate.focal, of="3")


def test_a_plan_of_more_lines_than_allowed_or_with_one_key_twice_refuses_the_step() -> None:
    estate = Estate(("    max: 4", "    max: 2"), amounts=(500, 300, 200))
    estate.signing()
    estate.sign("city", estate.mayor)
    with pytest.raises(children.TooManyRows, match="“Plan” has 3 lines; at most 2"):
        estate.sign("fund", estate.director)
    assert states(estate) == {}
    db.session.rollback()
    assert queries.history(estate.application.id)[-1].subject == "city"


def test_the_same_key_moves_a_child_once_and_only_that_child() -> None:
    estate = Estate()
    estate.active()
    first = estate.press("tranche.request", estate.focal, of="1", key="k")
    again = estate.press("tranche.request", estate.focal, of="1", key="k")
    assert again.replayed and again.event_seq == first.event_seq
    with pytest.raises(commands.KeyReused):
        estate.press("tranche.request", estate.focal, of="2", key="k")
