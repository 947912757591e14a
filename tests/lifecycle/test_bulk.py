"""A whole round decided at once: every command by the same rules as one alone, all of them or none written."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.errors import NotFound
from fundflow.jobs.models import Job
from fundflow.ledger import queries as money
from fundflow.lifecycle import audit, bulk, commands, queries, registry
from fundflow.lifecycle.bulk import Press
from fundflow.lifecycle.models import Application, Command, Timer
from fundflow.lifecycle.refusals import KeyReused, NotAllowed, ReasonMissing, Stale
from fundflow.money import Money
from tests import factories as make
from tests.lifecycle.test_races import at_once, outcomes
from tests.lifecycle.toys import a_toy, a_toy_round

pytestmark = pytest.mark.usefixtures("app")


def sent(count: int, **more: Any) -> tuple[Any, list[Application]]:
    round_ = a_toy_round(**more)
    return round_, [a_toy(round_, state="sent") for _ in range(count)]


def pressing(application: Application, transition: str = "grant", **more: Any) -> Press:
    known = {"key": str(uuid4()), "revision": make.revision_of(application), **more}
    return Press(application.id, transition, **known)


def decide(presses: list[Press], actor: Any) -> list[bulk.Answer]:
    with transaction():
        return bulk.fire_all(presses, actor=actor)


def names(answers: list[bulk.Answer]) -> list[str]:
    return ["Fired" if answer.fired else type(answer.refusal).__name__ for answer in answers]


def test_a_round_is_decided_as_if_one_after_the_other() -> None:
    round_, applications = sent(6, budget=40_000, cap=20_000)
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    presses = [pressing(each) for each in applications[:5]] + [pressing(applications[5], "decline", reason="Too late.")]
    answers = decide(presses, manager)
    assert [answer.application_id for answer in answers] == [each.id for each in applications]
    assert names(answers) == ["Fired"] * 4 + ["NotAllowed", "Fired"]
    assert str(answers[4].refusal) == "Only €0.00 is left."
    db.session.rollback()
    states = [db.session.get_one(Application, each.id) for each in applications]
    assert [(each.state, each.outcome, each.revision) for each in states] == [
        *[("granted", None, 3)] * 4,
        ("sent", None, 2),
        ("sent", "declined", 3),
    ]
    assert money.balance(round_.id).committed == Money.of(40_000, "EUR")
    assert audit.verify().is_whole
    kinds = [clause["kind"] for clause in queries.history(applications[0].id)[-1].body["decision"]]
    assert kinds == ["state", "role", "if"]


def test_it_writes_what_single_commands_write() -> None:
    _, (one, other) = sent(2)
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    with transaction():
        commands.fire(one.id, "return", actor=manager, key="alone", revision=2, reason="Add the budget.")
    decide([pressing(other, "return", key="together", reason="Add the budget.")], manager)
    db.session.rollback()

    def of(application: Application) -> Any:
        event = queries.history(application.id)[-1]
        body = {**event.body, "key": "", "received_at": "", "effects": event.body["effects"]}
        timers = db.session.execute(
            sa.select(Timer.name, Timer.status, Timer.generation)
            .where(Timer.application_id == application.id)
            .order_by(Timer.name, Timer.generation)
        ).all()
        return event.seq, event.transition, event.from_state, event.to_state, body, event.payload, timers

    assert of(one) == of(other)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Command).where(Command.key == "together")) == 1


def test_the_same_keys_again_change_nothing_and_answer_the_same() -> None:
    _, applications = sent(3)
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    presses = [pressing(each) for each in applications]
    first, again = decide(presses, manager), decide(presses, manager)
    assert [answer.fired and (answer.fired.event_seq, answer.fired.replayed) for answer in again] == [(3, True)] * 3
    assert [answer.fired and answer.fired.replayed for answer in first] == [False] * 3
    assert all(len(queries.history(each.id)) == 3 for each in applications)


def test_each_refusal_is_its_own_and_leaves_its_key_free() -> None:
    _, (stale, unsaid, gone, foreign, fine) = sent(5)
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    make.press(gone, "withdraw", db.session.get_one(User, gone.created_by))
    with transaction():
        commands.fire(foreign.id, "return", actor=manager, key="used", revision=2, reason="More, please.")
    presses = [
        pressing(stale, revision=1),
        pressing(unsaid, "decline"),
        pressing(gone),
        pressing(foreign, "grant", key="used"),
        Press(uuid4(), "grant", str(uuid4()), 2),
        pressing(fine),
    ]
    answers = decide(presses, manager)
    assert names(answers) == ["Stale", "ReasonMissing", "HasEnded", "KeyReused", "NotFound", "Fired"]
    assert [type(a.refusal) for a in answers[:2]] == [Stale, ReasonMissing]
    assert isinstance(answers[3].refusal, KeyReused) and isinstance(answers[4].refusal, NotFound)
    again = decide([pressing(stale, key=presses[0].key), pressing(unsaid, key=presses[1].key)], manager)
    assert names(again) == ["Fired", "Fired"]
    assert audit.verify().is_whole


def test_who_may_not_decide_decides_nothing() -> None:
    _, applications = sent(3)
    for outsider in (make.a_person(), make.a_person(groups=["finance"])):
        answers = decide([pressing(each) for each in applications], make.acting(outsider))
        assert names(answers) == ["NotAllowed"] * 3
        assert all(isinstance(a.refusal, NotAllowed) and a.refusal.decision.failing("role") for a in answers)


def test_where_an_effect_fails_nothing_happens_to_any(monkeypatch: pytest.MonkeyPatch) -> None:
    _, applications = sent(3)
    manager = make.acting(make.a_person(groups=[make.MANAGERS]))
    left = [2]

    def fails_last(ctx: Any) -> None:
        if left[0] == 0:
            raise ZeroDivisionError
        left[0] -= 1

    monkeypatch.setattr(registry, "entering_hooks", [*registry.entering_hooks, fails_last])
    presses = [pressing(each) for each in applications]
    with pytest.raises(ZeroDivisionError):
        decide(presses, manager)
    assert db.session.scalars(sa.select(Application.state)).all() == ["sent"] * 3
    assert (
        db.session.scalar(
            sa.select(sa.func.count()).select_from(Command).where(Command.key.in_([p.key for p in presses]))
        )
        == 0
    )


def test_one_application_cannot_be_decided_twice_at_once() -> None:
    _, (one,) = sent(1)
    with pytest.raises(ValueError, match="One command for each"):
        decide([pressing(one), pressing(one, "decline", reason="No.")], make.acting(make.a_person()))
    assert decide([], make.acting(make.a_person())) == []


def test_messages_reach_those_whom_single_commands_reach() -> None:
    before = "  return: {from: sent, to: draft, by: manager, reason: required}"
    mails = "[{notify: received, to: applicant}, {notify: received, to: manager}]"
    round_ = a_toy_round((before, f"  return: {{from: sent, to: draft, by: manager, do: {mails}}}"))
    many = [a_toy(round_, state="sent") for _ in range(3)]
    manager = make.a_person(groups=[make.MANAGERS])
    seen = {job.id for job in db.session.scalars(sa.select(Job))}
    with transaction():
        commands.fire(many[0].id, "return", actor=make.acting(manager), key="alone", revision=2)
    decide([pressing(each, "return") for each in many[1:]], make.acting(manager))
    told = [
        (job.payload["facts"]["number"], job.payload["email"])
        for job in db.session.scalars(sa.select(Job).where(Job.kind == "mail.send"))
        if job.id not in seen
    ]
    people = [db.session.get_one(User, each.created_by).email for each in many]
    expected = [(each.number, to) for each, mine in zip(many, people, strict=True) for to in (mine, manager.email)]
    assert sorted(told) == sorted(expected)


def test_two_who_decide_a_round_at_once_decide_each_application_once(app: Flask) -> None:
    _, applications = sent(8)
    managers = [make.acting(make.a_person(groups=[make.MANAGERS])) for _ in range(4)]

    def deciding(n: int, manager: Any) -> Any:
        order = applications if n % 2 else applications[::-1]
        presses = [Press(each.id, "grant", f"{n}:{each.id}", 2) for each in order]
        return lambda: decide(presses, manager)

    results = at_once(app, [deciding(n, manager) for n, manager in enumerate(managers)], threads=4)
    assert outcomes(results) == {"list": 4}
    told = [name for answers in results for name in names(answers)]
    assert sorted(told) == ["Fired"] * 8 + ["Stale"] * 24
    assert audit.verify().is_whole
