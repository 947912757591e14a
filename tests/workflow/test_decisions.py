"""A decision says yes, or every reason why not, in the reader's language and with the figures it was made on."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.money import Money
from fundflow.workflow import loader, sentences
from fundflow.workflow.decide import DefinitionMismatch, decide, reads
from fundflow.workflow.definition import SYSTEM
from fundflow.workflow.text import Text
from tests.workflow.files import MAIN, NOW, changed, euro, facts, situation, small_grant

WHO = {
    "submit": ("draft", "applicant"),
    "send_back": ("review", "officer"),
    "approve": ("review", "officer"),
    "decline": ("review", "officer"),
    "disburse": ("approved", "finance"),
    "report": ("disbursed", "applicant"),
    "withdraw": ("draft", "applicant"),
    "cancel": ("approved", "officer"),
    "lapse": ("draft", SYSTEM),
    "write_off": ("disbursed", "officer"),
}


def refusals(transition: str, language: str = "en", **more: Any) -> list[str]:
    state, role = WHO[transition]
    given: dict[str, Any] = {"state": state, "roles": frozenset([role]), **more}
    return decide(small_grant(), transition, situation(given.pop("state"), **given)).refusals(language)


@pytest.mark.parametrize("transition", sorted(WHO))
def test_the_right_person_may_do_it_in_the_right_state_when_nothing_stands_against_it(transition: str) -> None:
    assert refusals(transition) == []


@pytest.mark.parametrize("transition", sorted(WHO))
def test_only_the_declared_roles_may_do_it(transition: str) -> None:
    workflow = small_grant()
    for role in (*workflow.roles, SYSTEM):
        decision = decide(workflow, transition, situation(WHO[transition][0], role))
        assert decision.allowed is (role in workflow.transitions[transition].by)
    assert not decide(workflow, transition, situation(WHO[transition][0])).allowed


@pytest.mark.parametrize("transition", sorted(WHO))
def test_from_another_state_it_is_refused_with_the_present_one(transition: str) -> None:
    workflow = small_grant()
    for name, state in workflow.states.items():
        if name not in workflow.transitions[transition].sources:
            found = refusals(transition, state=name)
            assert found[0] == f"This can no longer be done: the application is now in “{state.label.in_('en')}”."


def test_nothing_is_done_with_an_application_that_has_ended() -> None:
    assert refusals("withdraw", has_ended=True) == ["This application has ended; nothing more can be done with it."]


def test_every_reason_is_given_at_once() -> None:
    missing = [Text({"en": "Summary", "fr": "Résumé"}), Text({"en": "Budget", "fr": "Budget"})]
    late = facts(
        application={"requested": euro("60000.50"), "spent": None},
        forms={"proposal": {"complete": False, "missing": missing}},
        timers={"closing": {"due_at": NOW - timedelta(minutes=16)}},
    )
    assert refusals("submit", facts=late) == [
        "The deadline passed on 23 November 2026, 12:44 (Paris).",
        "“Proposal” is not complete: Summary and Budget.",
        "Ask for at most €50,000.00; you ask for €60,000.50.",
    ]
    assert refusals("submit", "fr", facts=late) == [
        "Le délai a expiré le 23 novembre 2026, 12:44 (Paris).",
        "« Proposition » est incomplet : Résumé et Budget.",
        "Demandez au plus 50\u202f000,00\xa0€ ; vous demandez 60\u202f000,50\xa0€.",
    ]


@pytest.mark.parametrize(("minutes", "is_in_time"), [(-1, True), (0, True), (15, True), (15.01, False), (60, False)])
def test_the_deadline_counts_from_when_the_command_arrived_with_its_grace(minutes: float, is_in_time: bool) -> None:
    timers = {"closing": {"due_at": NOW - timedelta(hours=2)}}
    arrived = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    assert (refusals("submit", facts=facts(timers=timers), received_at=arrived) == []) is is_in_time


def test_without_a_running_deadline_nothing_is_submitted() -> None:
    found = refusals("submit", facts=facts(timers={"closing": {"due_at": None}}))
    assert found == ["The deadline “Closing of the round” is not running."]


def panel(**more: Any) -> dict[str, Any]:
    given = facts()["reviews"]["panel"]
    return facts(reviews={"panel": {**given, **more}})


def test_the_quorum_is_counted_aloud() -> None:
    assert refusals("decline", facts=panel(submitted=1, recused=1)) == ["Reviews sent: 1 of 2; at least 2 are needed."]


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (None, ["The panel’s score must be at least 6; it is nothing yet."]),
        (Decimal("5.99"), ["The panel’s score must be at least 6; it is 5.99."]),
        (Decimal("6.00"), []),
    ],
)
def test_a_score_below_six_or_none_is_refused(score: Decimal | None, said: list[str]) -> None:
    assert refusals("approve", facts=panel(score=score)) == said


def test_money_that_is_not_there_is_refused_with_both_amounts() -> None:
    ledger = {**facts()["ledger"], "available": euro("39999.99")}
    assert refusals("approve", "fr", facts=facts(ledger=ledger)) == [
        "Il ne reste que 39\u202f999,99\xa0€ dans cet appel ; 40\u202f000,00\xa0€ sont demandés."
    ]


def test_whoever_approved_does_not_pay() -> None:
    acted = {"approve": frozenset(["ana"])}
    assert refusals("disburse", acted=acted) == [
        "You did “Approve the grant” on this application, so someone else must do this."
    ]
    assert refusals("disburse", acted=acted, actor="ben") == []


def test_conditions_on_what_is_asked_stay_open_until_it_is_given() -> None:
    assert refusals("disburse", facts=facts(input={})) == []
    wrong = {"reference": "x", "paid_on": NOW.date() + timedelta(days=8), "amount": euro("1")}
    assert refusals("disburse", "fr", facts=facts(input=wrong)) == [
        "Le paiement doit être exactement de 40\u202f000,00\xa0€ ; 1,00\xa0€ a été saisi.",
        "Un paiement s’enregistre une fois exécuté ; le 1er décembre 2026 est encore à venir.",
    ]


def test_a_report_is_written_off_only_when_overdue() -> None:
    timers = {"report_due": {"due_at": NOW + timedelta(days=3)}}
    assert refusals("write_off", facts=facts(timers=timers)) == [
        "“Report due” is due on 26 November 2026, 13:00 (Paris); it is not overdue."
    ]
    assert refusals("write_off", facts=facts(timers={"report_due": {"due_at": None}})) == [
        "“Report due” is not overdue."
    ]


def test_an_answer_that_is_missing_is_named_instead_of_compared() -> None:
    empty = facts(application={"requested": None, "spent": None})
    assert refusals("approve", facts=empty) == ["Not answered yet: Amount requested."]


def test_question_at_the_end_closes_its_sentence() -> None:
    asked = Text({"en": "Are all criteria met?", "fr": "Tous les critères sont-ils remplis ?"})
    assert sentences.write(sentences.UNANSWERED, {"missing": asked}, "en") == "Not answered yet: Are all criteria met?"
    french = sentences.write(sentences.UNANSWERED, {"missing": asked}, "fr")
    assert french.endswith("remplis ?")


def test_amounts_in_two_currencies_are_refused_and_not_compared() -> None:
    dollars = facts(application={"requested": Money.of("10", "USD"), "spent": None})
    assert refusals("approve", facts=dollars) == ["The amounts are in different currencies and cannot be compared."]


def test_a_limit_on_how_often_is_counted_from_what_was_fired() -> None:
    files = changed(
        "    do: [{notify: sent_back, to: applicant}]", "    max: 2\n    do: [{notify: sent_back, to: applicant}]"
    )
    workflow = loader.load(files, MAIN)
    assert "acted" in reads(workflow, "send_back")
    once = decide(workflow, "send_back", situation("review", "officer", fired={"send_back": 1}))
    twice = decide(workflow, "send_back", situation("review", "officer", fired={"send_back": 2}))
    assert once.allowed
    assert twice.refusals("en") == ["This has been done as often as it may be done: 2."]


def test_a_fact_that_was_not_loaded_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(DefinitionMismatch, match="ledger"):
        refusals("approve", facts={name: fact for name, fact in facts().items() if name != "ledger"})
    with pytest.raises(DefinitionMismatch):
        decide(small_grant(), "nothing", situation("draft"))
    with pytest.raises(DefinitionMismatch):
        decide(small_grant(), "submit", situation("nowhere"))


def test_a_decision_needs_only_the_roots_that_it_names() -> None:
    workflow = small_grant()
    assert reads(workflow, "approve") == {"application", "ledger", "reviews.panel"}
    assert reads(workflow, "submit") == {"application", "round", "forms.proposal", "timers.closing"}
    assert reads(workflow, "disburse") == {"application", "acted"}
    for transition, (state, role) in WHO.items():
        wanted = {root.partition(".")[0] for root in reads(workflow, transition)} | {"input"}
        some = {name: fact for name, fact in facts().items() if name in wanted}
        assert decide(workflow, transition, situation(state, role, facts=some)).allowed


def test_the_record_of_a_decision_is_plain_json_with_its_values() -> None:
    decision = decide(small_grant(), "approve", situation("review", "officer"))
    record = json.loads(json.dumps([clause.as_json() for clause in decision.clauses]))
    values = {name: value for clause in record for name, value in clause["values"].items()}
    assert values["application.requested"] == {"minor": 4_000_000, "currency": "EUR"}
    assert values["reviews.panel.score"] == "7.25"


amounts = st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR"))


@settings(max_examples=100, deadline=None)
@given(
    requested=st.none() | amounts,
    available=amounts,
    score=st.none() | st.decimals(0, 10, places=2),
    sent=st.integers(0, 3),
    transition=st.sampled_from(sorted(WHO)),
    state=st.sampled_from(["draft", "review", "approved", "disbursed", "reported"]),
    role=st.sampled_from(["applicant", "officer", "finance", "reviewer", SYSTEM]),
    hours=st.integers(-48, 48),
)
def test_a_decision_is_allowed_exactly_when_no_clause_fails_and_never_raises(
    requested: Money | None,
    available: Money,
    score: Decimal | None,
    sent: int,
    transition: str,
    state: str,
    role: str,
    hours: int,
) -> None:
    known = panel(submitted=sent, score=score)
    known["application"] = {"requested": requested, "spent": requested}
    known["ledger"] = {**known["ledger"], "available": available}
    due = NOW + timedelta(hours=hours)
    known["timers"] = {"closing": {"due_at": due}, "report_due": {"due_at": due}}
    decision = decide(small_grant(), transition, situation(state, role, facts=known))
    assert decision.allowed is (decision.refusals("en") == [])
    assert all("{" not in sentence for language in ("en", "fr") for sentence in decision.refusals(language))
    if transition == "approve":
        holds = score is not None and score >= 6 and sent >= 2 and requested is not None and requested <= available
        assert decision.allowed is (holds and state == "review" and role == "officer")
