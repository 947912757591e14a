"""One command: it happens whole or not at all, once, for whoever may, on what they saw, or it says why not."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import GroupMember
from fundflow.applications import service as applications
from fundflow.db import db, transaction
from fundflow.errors import Forbidden, NotFound
from fundflow.jobs.models import Job
from fundflow.ledger import queries as money
from fundflow.ledger.service import NotEnoughLeft
from fundflow.lifecycle import audit, commands, queries, registry
from fundflow.lifecycle.actor import ANONYMOUS, SYSTEM
from fundflow.lifecycle.models import Application, Command, Event
from fundflow.lifecycle.refusals import HasEnded
from fundflow.money import Money
from tests import factories as make
from tests.lifecycle.toys import a_toy, a_toy_round, payment

pytestmark = pytest.mark.usefixtures("app")


def events(application: Application) -> list[str]:
    db.session.rollback()
    return [event.transition for event in queries.history(application.id)]


def refusal_of(decision: Any) -> str:
    return " ".join(decision.refusals("en"))


def test_an_application_begins_with_a_started_event_and_a_number() -> None:
    application = a_toy()
    year = clock.now().year
    assert application.number == f"TG-{year}-0001"
    assert events(application) == ["started"]
    assert audit.verify(application.id).is_whole


def test_numbers_count_up_without_gaps_when_a_start_is_undone() -> None:
    round_ = a_toy_round()
    numbers = [a_toy(round_).number]
    focal = make.a_person()
    city = make.a_city(focal_point=focal)
    with pytest.raises(ZeroDivisionError), transaction():
        applications.start(round_, city, make.acting(focal))
        raise ZeroDivisionError
    numbers.append(a_toy(round_).number)
    assert [number[-4:] for number in numbers] == ["0001", "0002"]


def test_the_same_key_starts_one_application() -> None:
    round_ = a_toy_round()
    focal = make.a_person()
    city = make.a_city(focal_point=focal)
    actor = make.acting(focal)

    def begin(city_id: Any) -> Application:
        with transaction():
            return commands.begin(
                round_id=round_.id,
                city_id=city_id,
                definition_sha=round_.definition_sha,
                currency="EUR",
                actor=actor,
                key="once",
            )

    assert begin(city.id).id == begin(city.id).id
    with pytest.raises(commands.KeyReused):
        begin(make.a_city(focal_point=focal).id)


def test_nobody_starts_an_application_for_another_city() -> None:
    round_ = a_toy_round()
    stranger = make.acting(make.a_person())
    city = make.a_city()
    with pytest.raises(Forbidden), transaction():
        commands.begin(
            round_id=round_.id,
            city_id=city.id,
            definition_sha=round_.definition_sha,
            currency="EUR",
            actor=stranger,
            key="mine",
        )
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Application)) == 0


def test_a_transition_changes_state_revision_head_and_event_together() -> None:
    focal = make.a_person()
    application = a_toy(applicant=focal)
    fired = make.press(application, "send", focal)
    assert (fired.state, fired.outcome, fired.event_seq, fired.replayed) == ("sent", None, 2, False)
    # The object that the page holds says the same as the row.
    assert (application.state, application.revision) == ("sent", 2)
    assert application not in db.session.dirty
    db.session.rollback()
    event = queries.history(application.id)[-1]
    assert application.head == event.hash
    assert application.last_event_at == event.at == application.state_since == application.submitted_at
    assert (event.from_state, event.to_state, event.actor_id, event.prev) == (
        "draft",
        "sent",
        focal.id,
        queries.history(application.id)[0].hash,
    )
    assert [clause["kind"] for clause in event.body["decision"]] == ["state", "role", "deadline", "complete", "if"]


def test_the_same_key_again_returns_the_first_result_and_does_nothing() -> None:
    focal = make.a_person()
    application = a_toy(applicant=focal)
    first = make.press(application, "send", focal, key="double click", revision=1)
    again = make.press(application, "send", focal, key="double click", revision=1)
    assert again == commands.Fired(first.event_seq, "sent", None, replayed=True)
    make.press(application, "withdraw", focal)
    assert make.press(application, "send", focal, key="double click", revision=1).event_seq == 2
    assert events(application) == ["started", "send", "withdraw"]


def test_a_key_that_did_something_else_is_refused() -> None:
    focal = make.a_person()
    round_ = a_toy_round()
    application = a_toy(round_, applicant=focal)
    other = a_toy(round_)
    colleague = make.a_person()
    with transaction():
        make.join_rows(application.city_id, colleague)
    make.press(application, "send", focal, key="k")
    for row, transition, user in (
        (other, "send", focal),
        (application, "withdraw", focal),
        (application, "send", colleague),
    ):
        with pytest.raises(commands.KeyReused):
            make.press(row, transition, user, key="k")
    assert events(other) == ["started"]


def test_who_saw_an_older_revision_is_told_so_and_nothing_happens() -> None:
    focal = make.a_person()
    application = a_toy(applicant=focal)
    make.press(application, "send", focal)
    with pytest.raises(commands.Stale):
        make.press(application, "withdraw", focal, revision=1)
    assert events(application) == ["started", "send"]


def test_a_person_must_say_what_they_saw_and_only_the_system_need_not() -> None:
    application = a_toy()
    focal = make.acting(make.a_person())
    with pytest.raises(ValueError, match="revision"), transaction():
        commands.fire(application.id, "send", actor=focal, key="x", revision=None)
    with transaction():
        fired = commands.fire(application.id, "lapse", actor=SYSTEM, key="x", revision=None)
    assert fired.outcome == "lapsed"


def test_an_unknown_application_and_an_unknown_transition_are_refused() -> None:
    application = a_toy()
    with pytest.raises(NotFound), transaction():
        commands.fire(uuid4(), "send", actor=SYSTEM, key="x", revision=None)
    with pytest.raises(commands.UnknownTransition, match="no step “sned”"):
        make.press(application, "sned", SYSTEM)


def test_a_refusal_names_every_failing_clause_with_its_values_and_leaves_nothing() -> None:
    focal = make.a_person()
    application = a_toy(a_toy_round(cap=5_000, budget=5_000), applicant=focal, requested=7_500)
    with pytest.raises(commands.NotAllowed) as refused:
        make.press(application, "send", focal, key="first try")
    assert str(refused.value) == "At most €5,000.00; you ask for €7,500.00."
    assert [clause.kind for clause in refused.value.decision.clauses if not clause.holds] == ["if"]
    make.fill(application, "ask", focal, requested=5_000)
    # The key of a refused command was not used up.
    assert make.press(application, "send", focal, key="first try").state == "sent"


def test_a_caller_who_goes_on_after_a_refusal_cannot_commit_half_a_command() -> None:
    application = a_toy()
    stranger = make.acting(make.a_person())
    with transaction(), pytest.raises(commands.NotAllowed):
        commands.fire(application.id, "send", actor=stranger, key="kept?", revision=1)
    assert db.session.get(Command, "kept?") is None


def test_roles_are_read_from_the_database_and_never_from_the_actor() -> None:
    manager = make.a_person(groups=[make.MANAGERS])
    application = a_toy(state="sent")
    remembered = make.acting(manager)
    with transaction():
        db.session.execute(sa.text("DELETE FROM group_members"))
    with pytest.raises(commands.NotAllowed, match="only by: Manager"):
        make.press(application, "decline", remembered, reason="no")
    assert commands.available(application, remembered) == []


@pytest.mark.parametrize("who", ["stranger", "anonymous", "other city", "other round's manager", "applicant"])
def test_whoever_has_no_role_for_it_is_refused(who: str) -> None:
    round_ = a_toy_round()
    focal = make.a_person()
    application = a_toy(round_, applicant=focal, state="sent")
    actor = {
        "stranger": lambda: make.acting(make.a_person()),
        "anonymous": lambda: ANONYMOUS,
        "other city": lambda: make.acting(make.a_person(team_of=make.a_city())),
        "other round's manager": lambda: make.acting(make.a_person(groups=[(make.MANAGERS, a_toy_round())])),
        "applicant": lambda: make.acting(focal),
    }[who]()
    with pytest.raises(commands.NotAllowed):
        make.press(application, "grant", actor)
    assert events(application) == ["started", "send"]
    assert [d.transition for d in commands.available(application, actor)] == (
        ["withdraw"] if who == "applicant" else []
    )


def test_the_system_does_only_what_the_file_gives_it() -> None:
    application = a_toy(state="sent")
    with pytest.raises(commands.NotAllowed):
        make.press(application, "grant", SYSTEM)


def test_who_granted_cannot_pay_and_whoever_is_in_both_groups_has_neither_key_to_the_money() -> None:
    granter = make.a_person(groups=[make.MANAGERS])
    round_ = a_toy_round()
    application = a_toy(round_, state="sent")
    make.press(application, "grant", granter)
    both = make.a_person(groups=[make.MANAGERS, make.FINANCE])
    with pytest.raises(commands.NotAllowed, match="only by: Finance"):
        make.press(application, "pay", both, input=payment("10000"))
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.group == make.MANAGERS))
        db.session.add(GroupMember(user_id=granter.id, group=make.FINANCE))
    with pytest.raises(commands.NotAllowed, match="You did “Grant” on this application"):
        make.press(application, "pay", granter, input=payment("10000"))
    assert make.press(application, "pay", both, input=payment("10000")).state == "paid"


def test_a_reason_is_asked_for_kept_and_hashed() -> None:
    manager = make.a_person(groups=[make.MANAGERS])
    application = a_toy(state="sent")
    for missing in (None, "", "  \n "):
        with pytest.raises(commands.ReasonMissing):
            make.press(application, "decline", manager, reason=missing)
    with pytest.raises(commands.WrongInput):
        make.press(application, "decline", manager, reason="a\x00b")
    make.press(application, "decline", manager, reason="  Outside the theme. ")
    assert queries.last_event(application.id, "decline").reason == "Outside the theme."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Fill in “Reference”. Fill in “Paid on”. Fill in “Amount”."),
        (payment("1e3"), "“1e3” is not an amount of money"),
        (payment("-5"), "“-5” is not an amount"),
        (payment("NaN"), "“NaN” is not an amount"),
        (payment(Money(100, "USD")), "“1.00 USD” is not in EUR"),
        (payment("10000", paid_on="5.1.2026"), "“5.1.2026” is not a date"),
        (payment("10000", paid_on="2026-02-30"), "“2026-02-30” is not a date"),
        (payment("10000", approve="yes"), "“approve” is not asked here"),
        (payment("10000", reference="x" * 5000), "“Reference” is too long"),
        (payment("10000", reference="\ud800"), "“Reference” contains characters"),
    ],
)
def test_input_is_read_by_its_declared_types(given: dict[str, Any], sentence: str) -> None:
    application = a_toy(state="sent")
    make.press(application, "grant", make.a_person(groups=[make.MANAGERS]))
    finance = make.a_person(groups=[make.FINANCE])
    with pytest.raises(commands.WrongInput) as refused:
        make.press(application, "pay", finance, input=given)
    assert sentence in str(refused.value)
    assert events(application)[-1] == "grant"


def test_wrong_input_of_somebody_who_may_not_anyway_is_a_refusal_of_the_person() -> None:
    application = a_toy(state="sent")
    with pytest.raises(commands.NotAllowed, match="only by: Finance"):
        make.press(application, "pay", make.a_person(), input={})


def test_nothing_more_happens_to_an_application_that_has_ended() -> None:
    focal = make.a_person()
    application = a_toy(applicant=focal)
    make.press(application, "withdraw", focal)
    with pytest.raises(HasEnded):
        make.press(application, "send", focal)
    assert commands.available(application, make.acting(focal)) == []
    assert commands.cell_of(application, make.acting(focal)).edit == frozenset()


def test_what_is_offered_is_what_would_be_accepted() -> None:
    focal = make.a_person()
    application = a_toy(a_toy_round(cap=5_000, budget=5_000), applicant=focal, requested=7_500)
    actor = make.acting(focal)
    offered = {decision.transition: decision for decision in commands.available(application, actor)}
    assert sorted(offered) == ["send", "withdraw"]
    assert not offered["send"].allowed
    assert refusal_of(offered["send"]) == "At most €5,000.00; you ask for €7,500.00."
    assert offered["withdraw"].allowed
    assert commands.roles_of(application, actor) == {"applicant"}
    assert commands.cell_of(application, actor).edit == {"ask"}
    assert commands.shown_state_of(application, actor) == "draft"


def test_a_deadline_is_measured_by_when_the_request_was_received_and_its_grace() -> None:
    focal = make.a_person()
    closes = clock.now().replace(microsecond=0) + timedelta(days=2)
    application = a_toy(a_toy_round(closes_at=closes), applicant=focal)
    grace = closes + timedelta(minutes=15)
    with clock.standing_at(grace + timedelta(microseconds=1)):
        with pytest.raises(commands.NotAllowed, match="The deadline passed on"):
            make.press(application, "send", focal)
        # It may take long to arrive, but not for ever.
        with clock.standing_at(grace + timedelta(hours=2)), pytest.raises(commands.NotAllowed):
            make.press(application, "send", focal, received_at=grace)
        # Nobody is received in the future either.
        with pytest.raises(commands.NotAllowed):
            make.press(application, "send", focal, received_at=grace + timedelta(days=1))
        make.press(application, "send", focal, received_at=grace)
    assert events(application)[-1] == "send"


def test_time_in_the_chain_never_goes_back_even_when_the_clock_does() -> None:
    focal = make.a_person()
    application = a_toy(applicant=focal)
    make.press(application, "send", focal)
    with clock.shifted(-timedelta(days=3)):
        make.press(application, "withdraw", focal)
    db.session.rollback()
    times = [event.at for event in queries.history(application.id)]
    assert times[2] - times[1] == timedelta(microseconds=1)
    assert audit.verify(application.id).is_whole


def test_a_failing_effect_undoes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    application = a_toy(state="sent")
    manager = make.a_person(groups=[make.MANAGERS])

    @registry.entering
    def fall(ctx: registry.EffectContext) -> None:
        raise ZeroDivisionError

    try:
        with pytest.raises(ZeroDivisionError):
            make.press(application, "grant", manager)
    finally:
        registry.entering_hooks.remove(fall)
    assert application.state == "sent"
    assert events(application) == ["started", "send"]
    assert money.balance(application.round_id).committed.minor == 0
    assert make.press(application, "grant", manager).state == "granted"


def test_an_effect_refuses_what_its_guard_did_not_foresee() -> None:
    """A file whose author forgot the condition still cannot spend what is not there."""
    forgot = (
        """    when:
      - {if: application.requested <= ledger.available, else: {en: "Only {ledger.available} is left."}}
    do: [{ledger: commit""",
        "    do: [{ledger: commit",
    )
    round_ = a_toy_round(forgot, budget=15_000, cap=15_000)
    manager = make.a_person(groups=[make.MANAGERS])
    first, second = a_toy(round_, state="sent"), a_toy(round_, state="sent")
    make.press(first, "grant", manager)
    with pytest.raises(NotEnoughLeft, match=r"Only 5000\.00 EUR is left"):
        make.press(second, "grant", manager)
    assert money.balance(round_.id).committed == Money.of(10_000, "EUR")


def test_outbox_rows_come_with_the_event_under_its_key_and_a_replay_adds_none() -> None:
    noted = ("do: [{ledger: commit, amount: application.requested}]", "do: [{notify: received, to: applicant}]")
    focal = make.a_person()
    application = a_toy(a_toy_round(noted), applicant=focal, state="sent")
    manager = make.a_person(groups=[make.MANAGERS])

    def mails() -> list[str]:
        db.session.rollback()
        return list(db.session.scalars(sa.select(Job.key).where(Job.kind == "mail.send")))

    with pytest.raises(commands.Stale):
        make.press(application, "grant", manager, key="k", revision=1)
    assert mails() == []
    for _ in range(2):
        make.press(application, "grant", manager, key="k", revision=2)
    digest = hashlib.sha256(f"{application.id}:3:0\n{focal.email}".encode()).hexdigest()
    assert mails() == [f"mail:received:{digest}"]


def test_the_journal_cannot_say_something_other_than_the_row() -> None:
    application = a_toy(state="sent")
    db.session.rollback()
    rows = db.session.scalars(sa.select(Event).where(Event.application_id == application.id)).all()
    assert len(rows) == application.revision
