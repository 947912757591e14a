"""Moving live applications to another version: each once, none half, no deadline earlier, and back again."""

# Pieces of a workflow file are easier to read on one line.
# ruff: noqa: E501

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings

from fundflow import clock
from fundflow.accounts.models import City, User
from fundflow.applications import queries as application_queries
from fundflow.applications import service as applications
from fundflow.config import Settings
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.lifecycle import audit, commands, definitions, migrating, queries
from fundflow.lifecycle.definitions import ManyVersions, NoSuchVersion
from fundflow.lifecycle.migrating import MIGRATED, MigrationBlocked, WrongMigration
from fundflow.lifecycle.models import Application, Child, Event, Timer
from fundflow.rounds.models import Round
from fundflow.workflow.definition import Migration, Workflow
from fundflow.workflow.migration import reverse
from fundflow.workflow.text import Text
from tests import factories as make
from tests import processes
from tests.commands import run
from tests.conftest import ON_POSTGRES
from tests.workflow import versions
from tests.workflow.test_migration import MAPS, RENAMED
from tests.workflow.versions import ASK, texts

pytestmark = pytest.mark.usefixtures("app")


def version(number: int, *changes: tuple[str, str], **forms: str) -> Workflow:
    """That version of the toy, which is published."""
    return make.kept(versions.version(number, *changes, **forms))


START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSES = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)
BACK = "  back: {from: review, to: draft, by: manager, reason: required}\n"
MAP = "migrate:\n  - {from: 1, states: {review: assessment}}\n"


@pytest.fixture
def at_start() -> Iterator[None]:
    with clock.standing_at(START):
        yield


def renamed() -> Workflow:
    """The second version, in which ``review`` is called ``assessment``, and which says so."""
    return version(2, *RENAMED, ("timers:\n", MAP + "timers:\n"))


def a_round(workflow: Workflow | None = None, **more: Any) -> Round:
    return make.a_round(workflow=workflow or version(1), **more)


def an_application(
    round_: Round, *, state: str = "draft", cast: make.Cast | None = None, **answers: Any
) -> Application:
    """One of a city of its own, driven by real commands."""
    cast = cast or make.a_cast()
    application = make.started(round_, make.a_city(focal_point=cast.applicant), cast.applicant)
    if state == "draft":
        return application
    make.fill(application, "ask", cast.applicant, requested=10_000, **answers)
    make.press(application, "send", cast.applicant)
    if state == "granted":
        make.scored(application, cast)
        make.press(application, "grant", cast.manager)
    return application


def again(application: Application) -> Application:
    """The row as it is now, held by no session, so that looking at it keeps no transaction open."""
    db.session.rollback()
    found = db.session.get_one(Application, application.id, populate_existing=True)
    db.session.expunge(found)
    db.session.rollback()
    return found


def running(application: Application, name: str) -> Timer:
    db.session.rollback()
    found = db.session.scalars(
        sa.select(Timer)
        .where(Timer.application_id == application.id, Timer.name == name, Timer.status == "armed")
        .execution_options(populate_existing=True)
    ).one()
    db.session.rollback()
    return found


def pinned(round_: Round) -> str:
    db.session.rollback()
    found: str = db.session.execute(sa.select(Round.definition_sha).where(Round.id == round_.id)).scalar_one()
    db.session.rollback()
    return found


def migrate(old: Workflow, new: Workflow, move: Migration | None = None, **more: Any) -> migrating.Result:
    plan = migrating.plan(definitions.complete(old), new, move)
    db.session.rollback()
    return migrating.apply(plan, **more)


def undo(old: Workflow, new: Workflow) -> migrating.Result:
    plan = migrating.plan_undo(definitions.complete(old), definitions.complete(new))
    db.session.rollback()
    return migrating.apply(plan)


def whole() -> None:
    db.session.rollback()
    report = audit.verify()
    assert report.is_whole, [str(each) for each in report.breaks]
    db.session.rollback()


def snapshot() -> list[Any]:
    """Everything that a migration may change."""
    db.session.rollback()
    found: list[Any] = []
    for model in (Application, Event, Timer, Child, Round):
        table: Any = model.__table__
        found += [tuple(map(str, row)) for row in db.session.execute(sa.select(table).order_by(*table.primary_key))]
    db.session.rollback()
    return found


def test_a_plan_says_what_becomes_of_every_live_application_and_changes_nothing() -> None:
    round_ = a_round()
    draft, sent = an_application(round_), an_application(round_, state="review")
    ended = an_application(round_, state="review")
    make.press(ended, "decline", make.a_person(groups=[make.MANAGERS]), reason="Too late.")
    before = snapshot()
    plan = migrating.plan(definitions.complete(version(1)), version(2, *RENAMED))
    assert {line.number: (line.verdict.kind, line.state) for line in plan.lines} == {
        draft.number: ("moves", "draft"),
        sent.number: ("blocked", "review"),
    }
    told = migrating.plan(definitions.complete(version(1)), renamed())
    assert [(line.verdict.kind, line.verdict.state) for line in told.lines if line.number == sent.number] == [
        ("moves", "assessment")
    ]
    held = migrating.plan(
        definitions.complete(version(1)), version(2, *RENAMED), Migration(source=1, hold=frozenset({"review"}))
    )
    assert [line.number for line in held.of("held")] == [sent.number]
    assert snapshot() == before


def test_applications_move_with_an_event_each_and_their_round_follows() -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    round_ = a_round()
    draft, sent = an_application(round_), an_application(round_, state="review")
    since = again(sent).state_since
    result = migrate(old, new)
    assert (result.moved, result.held, result.left, result.rounds) == (2, 0, [], 1)
    now = again(sent)
    assert (now.state, now.definition_sha, now.revision, now.state_since) == ("assessment", new.sha256, 3, since)
    assert again(draft).state == "draft"
    event = queries.history(sent.id)[-1]
    assert (event.transition, event.from_state, event.to_state, event.definition_sha) == (
        MIGRATED,
        "review",
        "assessment",
        new.sha256,
    )
    account = event.account["migration"]
    assert (account["from"], account["to"], account["states"]) == (old.sha256, new.sha256, {"review": "assessment"})
    assert account["timers"]["answer"]["way"] == "keep"
    assert pinned(round_) == new.sha256
    whole()
    # They go on by the new rules, and who begins now begins by them.
    assert again(an_application(round_)).definition_sha == new.sha256
    manager = make.a_person(groups=[make.MANAGERS])
    assert make.press(again(sent), "decline", manager, reason="Too late.").outcome == "declined"
    whole()
    # Nothing is left to move; the same call again changes nothing.
    before = snapshot()
    assert migrate(old, new).moved == 0
    assert snapshot() == before


def test_what_happens_by_itself_under_the_new_rules_happens_with_the_move() -> None:
    condition = '[{if: application.requested <= round.cap, else: {en: "Too much."}}]'
    step = f"  pass_small: {{from: review, to: draft, auto: true, when: {condition}}}\n"
    new = version(2, (BACK, BACK + step))
    round_ = a_round()
    sent = an_application(round_, state="review")
    migrate(version(1), new)
    assert again(sent).state == "draft"
    assert [event.transition for event in queries.history(sent.id)][-2:] == [MIGRATED, "pass_small"]
    whole()


def test_nothing_moves_while_one_application_is_blocked() -> None:
    round_ = a_round()
    an_application(round_)
    sent = an_application(round_, state="review")
    before = snapshot()
    with pytest.raises(MigrationBlocked) as refused:
        migrate(version(1), version(2, *RENAMED))
    assert str(refused.value).startswith("Nothing was moved, because 1 of the applications cannot: " + sent.number)
    assert "“Review” has no counterpart in version 2" in str(refused.value)
    assert snapshot() == before


def test_those_held_stay_by_their_old_rules_and_the_round_goes_on_by_the_new_ones() -> None:
    old, new = definitions.complete(version(1)), definitions.complete(version(2, *RENAMED))
    round_ = a_round()
    draft, sent = an_application(round_), an_application(round_, state="review")
    result = migrate(old, new, Migration(source=1, hold=frozenset({"review"})))
    assert (result.moved, result.held, result.rounds) == (1, 1, 1)
    assert again(sent).definition_sha == old.sha256 and again(draft).definition_sha == new.sha256
    assert make.press(again(sent), "back", make.a_person(groups=[make.MANAGERS]), reason="More.").state == "draft"
    whole()


def test_only_the_applications_of_one_round_move_where_one_is_named() -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    one, other = a_round(), a_round()
    here, there = an_application(one), an_application(other)
    plan = migrating.plan(old, new, round_id=one.id)
    db.session.rollback()
    assert migrating.apply(plan).moved == 1
    assert again(here).definition_sha == pinned(one) == new.sha256
    assert again(there).definition_sha == pinned(other) == old.sha256


@pytest.mark.usefixtures("at_start")
@pytest.mark.parametrize("way", ["keep", "rearm"])
@pytest.mark.parametrize(
    ("length", "grace"),
    [
        ("1 day", ""),
        ("10 days", ""),
        ("3 months", ""),
        ("9 days", ", grace: 1 day"),
        ("5 working days", ", grace: 2 working days"),
        ("11 days", ", grace: 2 working days"),
    ],
)
def test_a_running_deadline_never_becomes_earlier(way: Any, length: str, grace: str) -> None:
    before = ("after: 10 days", f"after: 10 days{grace}")
    sent = an_application(a_round(version(1, before), opens_at=START, closes_at=CLOSES), state="review")
    was = running(sent, "answer")
    promised = was.due_at, was.act_at
    with clock.standing_at(START + timedelta(days=4)):
        migrate(
            version(1, before),
            version(2, ("after: 10 days", f"after: {length}")),
            Migration(source=1, timers={"answer": way}),
        )
        now = running(sent, "answer")
        assert now.due_at >= promised[0] and now.act_at >= promised[1]
        if way == "rearm" and length == "3 months":
            assert now.due_at == datetime(2026, 6, 6, 8, 0, tzinfo=UTC)
        if way == "keep" and length == "10 days" and not grace:
            assert (now.due_at, now.act_at) == promised
    whole()


@pytest.mark.usefixtures("at_start")
@pytest.mark.parametrize("grace", ["", "grace: 5 minutes, ", "grace: 2 days, "])
def test_a_deadline_that_follows_the_round_keeps_its_grace_also_when_it_is_computed_again(grace: str) -> None:
    from fundflow.lifecycle.sweeping import sweep

    draft = an_application(a_round(opens_at=START, closes_at=CLOSES))
    was = running(draft, "closing")
    promised = was.due_at, was.act_at
    assert promised == (CLOSES, CLOSES + timedelta(minutes=15))
    migrate(version(1), version(2, ("grace: 15 minutes, ", grace)))
    for moment in (START, CLOSES - timedelta(minutes=1), CLOSES + timedelta(minutes=10)):
        with clock.standing_at(moment):
            sweep()
            now = running(draft, "closing")
            assert now.due_at >= promised[0] and now.act_at >= promised[1]
    # What was promised lets a city send within the old grace.
    with clock.standing_at(CLOSES + timedelta(minutes=14)):
        user = db.session.get_one(User, draft.created_by)
        db.session.rollback()
        make.fill(again(draft), "ask", user, requested=10_000)
        assert make.press(again(draft), "send", user).state == "review"
    whole()


@pytest.mark.usefixtures("at_start")
def test_a_new_deadline_begins_with_the_move_and_not_in_the_past() -> None:
    sent = an_application(a_round(opens_at=START, closes_at=CLOSES), state="review")
    later = version(
        2, ("timers:\n", "timers:\n  decide: {in: review, after: 2 months, overdue_with: report_late, to: manager}\n")
    )
    with clock.standing_at(START + timedelta(days=40)):
        migrate(version(1), later)
        assert running(sent, "decide").due_at == datetime(2026, 6, 11, 9, 0, tzinfo=UTC)
        past = version(
            3,
            (
                "timers:\n",
                "timers:\n  decide: {in: review, after: 2 months, overdue_with: report_late, to: manager}\n  shut: {in: review, at: round.closes_at, overdue_with: report_late, to: manager}\n",
            ),
        )
        before = snapshot()
        with pytest.raises(MigrationBlocked, match=r"“Shut” would begin when it has passed already"):
            migrate(later, past)
        assert snapshot() == before
    whole()


@pytest.mark.usefixtures("at_start")
def test_a_cancelled_deadline_runs_again_as_promised_once_the_migration_is_undone() -> None:
    gone = version(2, ("  answer: {in: review, after: 10 days, overdue_with: report_late, to: manager}\n", ""))
    sent = an_application(a_round(opens_at=START, closes_at=CLOSES), state="review")
    promised = running(sent, "answer").due_at
    with clock.standing_at(START + timedelta(days=2)):
        migrate(version(1), gone, Migration(source=1, timers={"answer": "cancel"}))
        assert "answer" not in dict(_due(sent))
    with clock.standing_at(START + timedelta(days=5)):
        assert undo(version(1), gone).moved == 1
        assert running(sent, "answer").due_at == promised
    whole()


def _due(application: Application) -> list[tuple[str, datetime]]:
    from fundflow.lifecycle import timers

    found = timers.due(again(application))
    db.session.rollback()
    return found


def test_a_migration_can_be_taken_back_with_events() -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    round_ = a_round()
    draft, sent = an_application(round_), an_application(round_, state="review")
    promised = running(sent, "answer").due_at
    migrate(old, new)
    begun = an_application(round_)
    result = undo(version(1), renamed())
    assert (result.moved, result.rounds) == (2, 1)
    assert (again(sent).state, again(sent).definition_sha) == ("review", old.sha256)
    assert again(draft).definition_sha == pinned(round_) == old.sha256
    assert running(sent, "answer").due_at == promised
    assert queries.history(sent.id)[-1].account["migration"]["undo"] is True
    # What began by the newer rules keeps them.
    assert again(begun).definition_sha == new.sha256
    whole()
    # And forward again, and back again: each time with an event.
    migrate(old, new)
    undo(version(1), renamed())
    assert [event.transition for event in queries.history(sent.id)] == ["started", "send", *[MIGRATED] * 4]
    whole()


def test_an_application_that_has_moved_on_goes_back_by_the_reversed_map_or_not_at_all() -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    cast = make.a_cast()
    moved_on = an_application(a_round(), cast=cast)
    migrate(old, new)
    make.fill(again(moved_on), "ask", cast.applicant, requested=10_000)
    make.press(again(moved_on), "send", cast.applicant)
    assert again(moved_on).state == "assessment"
    undo(version(1), renamed())
    assert again(moved_on).state == "review"
    whole()
    # Two states that became one cannot be told apart once somebody has acted.
    merging = version(
        3, ("version: 3", "version: 3"),
        ("  granted: {edit", "  other: {view: {manager: [ask]}}\n  granted: {edit"),
        ("  lapse: {", "  put_aside: {from: review, to: other, by: manager}\n  take_up: {from: other, to: review, by: manager}\n  lapse: {"),
    )  # fmt: skip
    assert isinstance(reverse(old, merging, Migration(source=1, states={"draft": "other", "review": "other"})), Text)


def test_parts_move_to_the_states_that_the_map_gives_them_and_back() -> None:
    planned = (("      planned: {label", "      foreseen: {label"), ("pay: {from: planned,", "pay: {from: foreseen,"))
    mapped = "migrate:\n  - {from: 1, states: {tranche.planned: tranche.foreseen}}\n"
    new = version(2, *planned, ("timers:\n", mapped + "timers:\n"))
    cast = make.a_cast()
    rows = [
        {"_id": str(n), "nr": str(n), "due": "2027-01-01", "amount": {"minor": 100, "currency": "EUR"}} for n in (1, 2)
    ]
    application = an_application(a_round(), state="granted", cast=cast, plan=rows)
    make.press(application, "tranche.pay", cast.manager, of="2")
    assert states_of(application) == {"1": "planned", "2": "paid"}
    migrate(version(1), new)
    assert states_of(application) == {"1": "foreseen", "2": "paid"}
    assert queries.history(application.id)[-1].account["migration"]["children"] == {
        "tranche": {"1": ["planned", "foreseen"], "2": ["paid", "paid"]}
    }
    whole()
    undo(version(1), new)
    assert states_of(application) == {"1": "planned", "2": "paid"}
    whole()


def states_of(application: Application) -> dict[str, str]:
    db.session.rollback()
    rows = db.session.execute(sa.select(Child.key, Child.state).where(Child.application_id == application.id))
    found = {row.key: row.state for row in rows}
    db.session.rollback()
    return found


def test_an_answer_may_be_worked_out_anew_and_then_the_way_back_is_closed() -> None:
    ask = ASK.replace("      theme:", "      needed: {type: money, label: {en: Needed}}\n      theme:")
    mapped = "migrate:\n  - {from: 1, fields: {needed: application.requested}}\n"
    new = version(2, ("timers:\n", mapped + "timers:\n"), ask=ask)
    application = an_application(a_round(), state="review")
    plan = migrating.plan(definitions.complete(version(1)), new)
    assert isinstance(plan.way_back, Text) and "irreversible" in plan.way_back.in_("en")
    db.session.rollback()
    migrating.apply(plan)
    row = application_queries.answers_row(application.id, "ask")
    assert row is not None and row.data["needed"] == row.data["requested"]
    db.session.rollback()
    whole()
    with pytest.raises(MigrationBlocked, match="irreversible: the answers to needed are written anew"):
        undo(version(1), new)


@pytest.mark.parametrize("where", ["between batches", "within a batch"])
def test_killed_at_any_moment_it_goes_on_where_it_was(settings: Settings, tmp_path: Path, where: str) -> None:
    round_ = a_round()
    several = [an_application(round_, state="review" if n % 2 else "draft") for n in range(5)]
    for name, text in texts(("version: 1\n", "version: 2\n"), *RENAMED, ("timers:\n", MAP + "timers:\n")).items():
        (tmp_path / name).write_text(text)
    renamed()
    db.session.rollback()
    stop = (
        "told=lambda moved: (ready(), time.sleep(60)) if moved == 2 else None"
        if where == "between batches"
        else "beside=stop"
    )
    process = processes.start(
        settings,
        f"""
        from fundflow.lifecycle import definitions, migrating
        from fundflow.workflow import loader
        seen = []
        def stop(application):
            seen.append(application.id)
            if len(seen) == 4:
                db.session.flush()
                ready()
                time.sleep(60)
        old = definitions.find("two-versions@1")
        plan = migrating.plan(old, loader.read(Path({str(tmp_path / "main.yaml")!r})))
        db.session.rollback()
        migrating.apply(plan, batch=2, {stop})
        """,
    )
    processes.kill_when_ready(process)
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    shas = [again(each).definition_sha for each in several]
    assert (shas.count(new.sha256), shas.count(old.sha256)) == (2, 3)
    assert pinned(round_) == old.sha256
    whole()
    assert migrate(old, new).moved == 3
    for each in several:
        assert again(each).definition_sha == new.sha256
        assert [event.transition for event in queries.history(each.id)].count(MIGRATED) == 1
    assert pinned(round_) == new.sha256
    whole()


def test_a_command_at_the_same_moment_comes_before_or_after(app: Flask) -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    round_ = a_round()
    casts = [make.a_cast() for _ in range(6)]
    several = [an_application(round_, state="review", cast=cast) for cast in casts]
    ids = [each.id for each in several]
    revisions = [make.revision_of(each) for each in several]
    actors = [make.acting(cast.manager) for cast in casts]
    plan = migrating.plan(old, new)
    db.session.rollback()
    refused: list[str] = []
    begin = threading.Barrier(3)

    def press(mine: list[int]) -> None:
        with app.app_context():
            begin.wait()
            for n in mine:
                try:
                    with transaction():
                        commands.fire(
                            ids[n], "back", actor=actors[n], key=f"press:{n}", revision=revisions[n], reason="More."
                        )
                except Refused as refusal:
                    refused.append(type(refusal).__name__)
            db.session.rollback()

    threads = [threading.Thread(target=press, args=(mine,)) for mine in ([0, 1, 2], [5, 4, 3])]
    for thread in threads:
        thread.start()
    begin.wait()
    migrating.apply(plan, batch=2)
    for thread in threads:
        thread.join()
    assert set(refused) <= {"Stale"}
    db.session.rollback()
    for each in several:
        row, steps = again(each), [event.transition for event in queries.history(each.id)]
        assert row.definition_sha == new.sha256
        assert steps.count(MIGRATED) == 1
        assert row.state == ("draft" if "back" in steps else "assessment")
    assert pinned(round_) == new.sha256
    whole()


def test_what_is_started_meanwhile_gets_the_new_version(app: Flask) -> None:
    old, new = definitions.complete(version(1)), definitions.complete(renamed())
    round_ = a_round()
    for _ in range(3):
        an_application(round_)
    people = [make.a_person() for _ in range(6)]
    cities = [make.a_city(focal_point=person).id for person in people]
    actors = [make.acting(person) for person in people]
    round_id = round_.id
    plan = migrating.plan(old, new)
    db.session.rollback()
    begin = threading.Barrier(2)
    failed: list[BaseException] = []

    def start() -> None:
        with app.app_context():
            begin.wait()
            for city_id, actor in zip(cities, actors, strict=True):
                try:
                    with transaction():
                        round_ = db.session.get_one(Round, round_id)
                        applications.start(round_, db.session.get_one(City, city_id), actor)
                except BaseException as problem:
                    failed.append(problem)
            db.session.rollback()

    thread = threading.Thread(target=start)
    thread.start()
    begin.wait()
    migrating.apply(plan, batch=1)
    thread.join()
    assert failed == []
    shas = db.session.scalars(sa.select(Application.definition_sha).where(Application.round_id == round_id)).all()
    assert len(shas) == 9 and set(shas) == {new.sha256}
    whole()


@given(move=MAPS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_map_leaves_anything_half_done(move: Migration) -> None:
    old, new = definitions.complete(version(1)), definitions.complete(version(2, *RENAMED))
    round_ = a_round()
    several = [an_application(round_), an_application(round_, state="review")]
    before = snapshot()
    try:
        # Of this round alone: what other examples left stands in nobody's way.
        plan = migrating.plan(old, new, move, round_id=round_.id)
        db.session.rollback()
        migrating.apply(plan)
    except WrongMigration as wrong:
        assert wrong.problems and all(each.in_("en") in str(wrong) for each in wrong.problems)
        assert snapshot() == before
    except MigrationBlocked:
        assert snapshot() == before
    else:
        for each in several:
            row = again(each)
            assert row.state in (new if row.definition_sha == new.sha256 else old).states
    whole()


def test_a_version_is_found_by_its_digest_or_its_name_and_number() -> None:
    old = definitions.complete(version(1))
    other = definitions.complete(versions.version(1, ("Two versions", "Other words")))
    a_round()
    assert definitions.find("two-versions@1").sha256 == old.sha256
    assert definitions.find(old.sha256[:8]).sha256 == old.sha256
    make.kept(other)
    with pytest.raises(ManyVersions, match="write the digest"):
        definitions.find("two-versions@1")
    for name in (
        "two-versions@2",
        "two-versions@x",
        "no-such",
        "ffff" if not old.sha256.startswith("ffff") else "0000",
        "../etc",
    ):
        with pytest.raises(NoSuchVersion):
            definitions.find(name)
    assert [(each.workflow, each.version, each.rounds) for each in definitions.listed()] == [
        ("two-versions", 1, 1),
        ("two-versions", 1, 0),
    ]


@pytest.mark.skipif(ON_POSTGRES, reason="the commands run on an embedded database of their own")
def test_commands_tell_the_plan_apply_it_and_take_it_back(settings: Settings, tmp_path: Path) -> None:
    round_ = a_round()
    sent = an_application(round_, state="review")
    number = sent.number
    folder = tmp_path / "new"
    folder.mkdir()
    for name, text in texts(("version: 1\n", "version: 2\n"), *RENAMED).items():
        (folder / name).write_text(text)
    new = str(folder / "main.yaml")
    renamed()
    blocked = run(settings.instance, "migrate", "two-versions@1", new, "--dry-run")
    assert blocked.returncode == 1
    assert f"{number}  blocked  review\n    “Review” has no counterpart in version 2" in blocked.stdout
    assert "two-versions 1 → 2: 0 moves, 0 held, 1 blocked\n" in blocked.stdout
    refused = run(settings.instance, "migrate", "two-versions@1", new)
    assert refused.returncode == 1 and "Nothing was moved" in refused.stderr
    (folder / "main.yaml").write_text((folder / "main.yaml").read_text().replace("timers:\n", MAP + "timers:\n", 1))
    dry = run(settings.instance, "migrate", "two-versions@1", new, "--dry-run", "--language", "fr")
    assert dry.returncode == 0, dry.stderr
    assert f"{number}  moves    review → assessment\n" in dry.stdout and "reversible with: --undo" in dry.stdout
    assert again(sent).state == "review"
    done = run(settings.instance, "migrate", "two-versions@1", new)
    assert done.returncode == 0 and "1 applications moved, 0 held, 1 rounds follow" in done.stdout
    assert again(sent).state == "assessment"
    listed = run(settings.instance, "definitions").stdout.splitlines()
    assert [line.split("  ")[0] for line in listed] == ["two-versions@1", "two-versions@2"]
    assert "1 rounds, 1 live applications" in listed[1]
    told = run(settings.instance, "diff", "two-versions@1", "two-versions@2").stdout
    assert "structure  states.assessment: There is a new state, “Assessment”.\n" in told
    back = run(settings.instance, "migrate", "two-versions@1", "two-versions@2", "--undo")
    assert back.returncode == 0 and again(sent).state == "review"
    unknown = run(settings.instance, "migrate", "two-versions@9", new)
    assert unknown.returncode == 1 and "There is no version “two-versions@9” here" in unknown.stderr
    whole()
