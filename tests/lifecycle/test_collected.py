"""Tasks and signatures: who may, where, in which order; what they open, and what then happens by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fundflow.applications import service as applications
from fundflow.config import ROOT
from fundflow.db import db, transaction
from fundflow.lifecycle import acts, audit, commands, queries, registry
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import Stale, UnknownTransition
from fundflow.workflow import loader
from tests import factories as make
from tests.lifecycle.estate import PAPER, Estate, papers_given

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def _papers() -> Iterator[None]:
    before = papers_given()
    yield
    registry.papers[:] = before


def trail(estate: Estate) -> list[tuple[str, str | None]]:
    db.session.rollback()
    return [(event.transition, event.subject) for event in queries.history(estate.application.id)]


def test_tasks_open_the_way_and_stand_in_the_chain() -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    with pytest.raises(commands.NotAllowed) as refused:
        estate.press("agree", estate.manager)
    assert refused.value.decision.refusals("en")[0] == "Still to be done: Papers and Bank."
    estate.task("papers", "done", estate.manager)
    estate.task("bank", "done", estate.finance)
    estate.task("risk", "high", estate.manager)
    with pytest.raises(commands.NotAllowed, match="The risk must be low; it is high"):
        estate.press("agree", estate.manager)
    estate.task("risk", "low", estate.manager)
    assert estate.press("agree", estate.manager).state == "signing"
    assert trail(estate)[2:6] == [("task", "papers"), ("task", "bank"), ("task", "risk"), ("task", "risk")]
    assert audit.verify(estate.application.id).is_whole


@pytest.mark.parametrize(
    ("who", "name", "value", "says"),
    [
        ("finance", "papers", "done", "only by: Manager"),
        ("focal", "bank", "done", "only by: Manager and Finance"),
        ("manager", "risk", "medium", "Choose one of: Low and High"),
        ("manager", "risk", "done", "Choose one of"),
        ("manager", "papers", "yes", "Choose one of"),
    ],
)
def test_a_task_is_refused_to_others_and_for_other_values(who: str, name: str, value: str, says: str) -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    with pytest.raises(commands.NotAllowed, match=says):
        estate.task(name, value, getattr(estate, who))
    assert len(trail(estate)) == 2


def test_a_task_belongs_to_its_state_and_unknown_ones_to_none() -> None:
    estate = Estate()
    with pytest.raises(commands.NotAllowed, match="not done at “Draft”"):
        estate.task("papers", "done", estate.manager)
    with pytest.raises(UnknownTransition):
        estate.task("papres", "done", estate.manager)


def test_a_task_can_be_taken_back_and_is_done_anew_when_the_state_is_entered_anew() -> None:
    estate = Estate()
    estate.checked()
    estate.task("bank", None, estate.finance)
    with pytest.raises(commands.NotAllowed, match="Still to be done: Bank"):
        estate.press("agree", estate.manager)
    estate.task("bank", "done", estate.finance)
    estate.press("return", estate.manager, reason="Please say more.")
    estate.press("send", estate.focal)
    assert acts.results_of(estate.application) == {}
    with pytest.raises(commands.NotAllowed, match="Papers and Bank"):
        estate.press("agree", estate.manager)


def test_the_same_key_is_one_task_and_means_nothing_else() -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    first = estate.task("papers", "done", estate.manager, key="k")
    again = estate.task("papers", "done", estate.manager, key="k")
    assert (again.replayed, again.event_seq) == (True, first.event_seq)
    with pytest.raises(commands.KeyReused):
        estate.task("bank", "done", estate.manager, key="k")
    with pytest.raises(commands.KeyReused):
        estate.press("agree", estate.manager, key="k")


def test_a_task_on_what_changed_meanwhile_is_stale() -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    with pytest.raises(Stale), transaction():
        acts.task(estate.application.id, "papers", "done", actor=make.acting(estate.manager), key="late", revision=1)


def test_the_last_signature_lets_the_next_step_happen_in_the_same_transaction() -> None:
    estate = Estate()
    estate.signing()
    with pytest.raises(commands.NotAllowed, match="Before you, this must be signed by: Signatory"):
        estate.sign("fund", estate.director)
    with pytest.raises(commands.NotAllowed, match="only by: Signatory"):
        estate.sign("city", estate.manager)
    assert estate.sign("city", estate.mayor).state == "signing"
    with pytest.raises(commands.NotAllowed, match="signed already"):
        estate.sign("city", estate.mayor)
    fired = estate.sign("fund", estate.director)
    assert fired.state == "active"
    events = trail(estate)
    assert events[-3:] == [("sign", "city"), ("sign", "fund"), ("activate", None)]
    db.session.rollback()
    last = queries.history(estate.application.id)[-1]
    assert last.actor_id is None and last.body["cause"] == "automatic" and last.from_state == "signing"
    assert audit.verify(estate.application.id).is_whole


def test_what_is_signed_is_the_document_that_was_read() -> None:
    estate = Estate()
    estate.signing()
    with pytest.raises(acts.OtherPaper):
        estate.sign("city", estate.mayor, sha256="cd" * 32)
    with pytest.raises(acts.NoName):
        estate.sign("city", estate.mayor, name="  ")
    registry.papers[:] = [lambda application, kind: None]
    with pytest.raises(commands.NotAllowed, match="not ready yet"):
        estate.sign("city", estate.mayor)


def test_signatures_do_not_outlive_the_state() -> None:
    estate = Estate()
    estate.signing()
    estate.sign("city", estate.mayor)
    estate.press("reopen", estate.manager, reason="The amount was wrong.")
    for name, value in (("papers", "done"), ("bank", "done"), ("risk", "low")):
        estate.task(name, value, estate.manager)
    estate.press("agree", estate.manager)
    with pytest.raises(commands.NotAllowed, match="Before you"):
        estate.sign("fund", estate.director)
    assert estate.sign("city", estate.mayor, sha256=PAPER).state == "signing"


def test_nobody_starts_what_happens_by_itself() -> None:
    estate = Estate()
    estate.signing()
    with pytest.raises(commands.NotAllowed):
        estate.press("activate", estate.manager)
    offered = [each.transition for each in commands.available(estate.application, make.acting(estate.manager))]
    assert offered == ["reopen"]


def test_the_acts_that_are_open_are_told_to_those_who_may_do_them() -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    db.session.rollback()
    application = db.session.get_one(Application, estate.application.id, populate_existing=True)
    mine = [(act, subject) for act, subject, _ in acts.available_acts(application, make.acting(estate.finance))]
    assert mine == [("task", "bank")]
    assert acts.available_acts(application, make.acting(estate.focal)) == []


def test_the_sheet_that_makes_the_quorum_lets_the_next_step_happen_by_itself() -> None:
    text = (ROOT / "workflows" / "small_grant.yaml").read_text().replace("quorum: 2", "quorum: 3")
    step = """
  counted:
    label: {en: Counted, fr: Compté}
    from: review
    to: approved
    auto: true
    when: [{quorum: panel}]
    do: [{ledger: commit, amount: application.requested}, {notify: approved, to: applicant}]

  approve:
"""
    forms = ROOT / "workflows" / "forms"
    files = {
        f"forms/small_{name}.yaml": (forms / f"small_{name}.yaml").read_text()
        for name in ("proposal", "score", "report")
    }
    workflow = loader.load({"main.yaml": text.replace("\n  approve:\n", step, 1), **files}, "main.yaml")
    cast = make.a_cast()
    application = make.an_application(make.a_round(workflow=workflow), state="review", cast=cast)
    make.scored(application, cast)
    db.session.rollback()
    assert db.session.get_one(Application, application.id, populate_existing=True).state == "approved"
    assert audit.verify(application.id).is_whole


def test_what_is_recorded_already_is_told_and_writes_no_event() -> None:
    estate = Estate()
    estate.press("send", estate.focal)
    with pytest.raises(acts.AlreadySo):
        estate.task("papers", None, estate.manager)
    estate.task("papers", "done", estate.manager)
    before = trail(estate)
    with pytest.raises(acts.AlreadySo, match="recorded already"):
        estate.task("papers", "done", estate.manager)
    assert trail(estate) == before
    estate.task("papers", None, estate.manager)
    assert len(trail(estate)) == len(before) + 1
    assert audit.verify().is_whole


def test_answers_that_are_saved_let_happen_what_happens_by_itself() -> None:
    change = ("transitions:\n  send", "transitions:\n  hand_in: {from: draft, to: checking, auto: true, when: [{complete: ask}]}\n  send")  # fmt: skip # noqa: E501
    estate = Estate(change)
    assert trail(estate) == [("started", None), ("hand_in", None)]
    assert (estate.application.state, make.revision_of(estate.application)) == ("checking", 2)
    begun = make.started(estate.round, make.a_city(focal_point=estate.focal), estate.focal)
    with transaction():
        applications.save(begun, "ask", {"title": "A park"}, None, make.acting(estate.focal))
    assert (begun.state, make.revision_of(begun)) == ("draft", 1)
    assert audit.verify().is_whole
