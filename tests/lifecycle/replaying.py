"""Examples told to the engine on a real database, beside the runner in memory, and what the two make of each step.

Everything goes through the services that pages use. The runner is only asked what it would fill in and where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City, User
from fundflow.applications import queries as application_queries
from fundflow.applications import service as applications
from fundflow.awards.models import Document
from fundflow.banking import queries as bank_queries
from fundflow.banking import screenings
from fundflow.banking import service as bank_service
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.jobs.models import Job
from fundflow.ledger import queries as money
from fundflow.ledger import service as ledger
from fundflow.lifecycle import acts, collected, commands, sweeping
from fundflow.lifecycle import children as rows
from fundflow.lifecycle.models import Application, Timer
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.reviews import committees
from fundflow.reviews import service as reviews
from fundflow.reviews.effects import review_facts
from fundflow.reviews.models import Review
from fundflow.rounds.models import Round
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import Example, stepping
from fundflow.workflow.examples.answering import completed
from fundflow.workflow.examples.panels import figures
from fundflow.workflow.examples.running import beginning, everybody
from fundflow.workflow.examples.statement import Step
from fundflow.workflow.examples.world import World
from fundflow.workflow.forms import OwnForm
from fundflow.workflow.machine import Compiled
from fundflow.workflow.moments import BLOCKED
from tests import factories as make
from tests import kept
from tests.banking.accounts import account

PAPER = "ab" * 32
KIND_OF: Mapping[str, str] = {
    **dict.fromkeys(("ReasonMissing",), "reason"),
    **dict.fromkeys(("WrongInput",), "input"),
    **dict.fromkeys(("HasEnded", "NotUnderReview", "ReviewClosed"), "state"),
    **dict.fromkeys(("NotEnoughLeft", "MoreThanCommitted", "NothingHeld", "NoAmount", "NobodyPaid"), "ledger"),
    **dict.fromkeys(("NoRows", "TooManyRows", "TooManyChildren", "SameKey", "ThereAlready", "ChildStays"), "children"),
    **dict.fromkeys(("ReadOnly",), "access"),
    **dict.fromkeys(("TooLate",), "deadline"),
    **dict.fromkeys(("NotACandidate", "AlreadyAsked", "NamedTwice", "StandsByAlready", "NeverBoth"), "candidate"),
    **dict.fromkeys(
        ("SameAddress", "SameCountry", "ActedBefore", "OnTheTeam", "DeclaredBefore", "TookPart"), "conflict"
    ),
    **dict.fromkeys(("AlreadyDeclared",), "conflict"),
    **dict.fromkeys(("TooManyStandBys",), "reserve"),
    **dict.fromkeys(("SheetUnfinished",), "complete"),
    **dict.fromkeys(("AlreadySent", "SendFirst"), "sent"),
    **dict.fromkeys(("TooFewToDiscuss",), "quorum"),
    **dict.fromkeys(("NotYours", "StillAHit"), "role"),
    **dict.fromkeys(("SamePerson",), "not_same_actor"),
    **dict.fromkeys(("Moved", "SettleFirst", "NoAccount"), "state"),
}
"""Under which kind examples speak of each refusal that is no decision."""
NOT_FOUND: Mapping[str, str] = {"fill": "access", "take": "state", "bank": "state"}
"""What is out of sight is not there: what that means for each thing people do; for all else, not their role."""


class Engine:
    """One application on the database, and the same in memory."""

    def __init__(self, example: Example, known: Mapping[str, Example], workflow: str | Workflow) -> None:
        self.workflow = make.a_workflow(workflow) if isinstance(workflow, str) else workflow
        given, people = beginning(example, known), everybody(example, known)
        self.world = World(Compiled(self.workflow), given, people)
        with self._at(self.world.now):
            self._begin(people)
        stepping.begin(self.world)

    def _begin(self, people: Any) -> None:
        members = self.world.members
        with_ties = {name: member.conflicts for name, member in members.items() if member.conflicts}
        self.people: dict[str, User] = {}
        first = next(name for name, member in members.items() if "focal_point" in member.duties)
        for name, member in members.items():
            domain = first if "same_organisation" in with_ties.get(name, ()) else name
            email = f"{name}@of-{domain}.example.org"
            self.people[name] = make.a_person(name, email=email, groups=sorted(member.groups))
        founder = next((name for name, ties in with_ties.items() if "prior_contract" in ties), first)
        with transaction():
            self.city = City(
                id=uuid4(),
                name=self.world.city,
                country=self.world.country,
                kind="city",
                population=250_000,
                languages=["en"],
                created_by=self.people[founder].id,
            )
            db.session.add(self.city)
        for name, member in members.items():
            if member.duties:
                make.join(self.city, self.people[name], *sorted(member.duties))
            if "same_country" in member.conflicts:
                make.a_city(country=self.world.country, focal_point=self.people[name])
        terms = self.world.round
        self.round: Round = make.a_round(
            workflow=self.workflow,
            currency=self.workflow.currency,
            zone=terms["zone"],
            opens_at=terms["opens_at"],
            closes_at=terms["closes_at"],
            floor=int(terms["floor"].amount),
            cap=int(terms["cap"].amount),
            budget=int(terms["budget"].amount),
        )
        with transaction():
            self.round.countries = list(terms["countries"])
        if taken := terms["budget"] - self.world.account.available:
            neighbour = make.a_person()
            other = make.started(self.round, make.a_city(focal_point=neighbour), neighbour)
            with transaction():
                ledger.commit(other, taken, 1)
        self.application: Application = make.started(self.round, self.city, self.people[first])
        self.id: UUID = self.application.id
        self.names = {user.email: name for name, user in self.people.items()}
        self.seen = self._jobs()

    def kept(self) -> Halfway:
        """How both stand now, to go on from in an empty installation."""
        left = copy(self)
        left.world = self.world.copy()
        rows = {"people": list(self.people.values()), "city": self.city, "round": self.round}
        return Halfway(left, kept.keep({**rows, "application": self.application}))

    @contextmanager
    def _at(self, moment: datetime) -> Iterator[None]:
        with clock.standing_at(moment):
            yield

    # -- steps ----------------------------------------------------------------------------------------------------

    def tell(self, step: Step) -> None:
        """Let both do the step, and hold them against each other."""
        expected: list[str] = []
        before = self.world.copy()
        said = len(self.world.messages)
        if step.is_time:
            to = step.at or self.workflow.after(step.after, self.world.now)  # type: ignore[arg-type]
            stepping.pass_time(self.world, step)
            if not step.is_asleep:
                self._pass(before.now, to)
        elif step.verb is not None:
            try:
                stepping.perform(self.world, step)
            except stepping.Refused as refused:
                expected = sorted({kind for kind, _ in refused.reasons})
            with self._at(before.now):
                actual = self._do(step, before)
                if not expected:
                    self._sweep()
            assert actual == expected, f"line {step.line}: the engine refuses for {actual}, the runner for {expected}"
        self._agree(step, said)

    def _pass(self, now: datetime, to: datetime) -> None:
        """Stand at each moment at which something is due until then, and sweep."""
        for _ in range(500):
            found = db.session.scalar(
                sa.select(sa.func.min(Timer.next_at)).where(Timer.application_id == self.id, Timer.next_at <= to)
            )
            db.session.rollback()
            if found is None:
                return
            now = max(now, found)
            with self._at(now):
                self._sweep()
        raise AssertionError("timers go on without end")

    def _sweep(self) -> None:
        while sweeping.sweep():
            pass

    def _do(self, step: Step, before: World) -> list[str]:
        """The kinds of what stands in the way; none where it happened."""
        try:
            self._perform(step, before)
        except NotAllowed as refused:
            return sorted({clause.kind for clause in refused.decision.clauses if not clause.passes})
        except NotFound:
            return [NOT_FOUND.get(step.verb or "", "role")]
        except Refused as refused:
            kind = KIND_OF[type(refused).__name__]
            return ["sent" if step.verb == "recuse" and kind == "conflict" and not self._is_recused(step) else kind]
        finally:
            db.session.rollback()
        return []

    def _is_recused(self, step: Step) -> bool:
        mine = [seat for seat in self.world.seats.get(step.subject, ()) if seat.person == step.who]
        return bool(mine) and mine[-1].conflict == "declared"

    def _command(self, who: str) -> dict[str, Any]:
        return {
            "actor": make.acting(self.people[who]),
            "key": f"example:{uuid4()}",
            "revision": make.revision_of(self.application),
        }

    def _perform(self, step: Step, before: World) -> None:
        command, subject = self._command(step.who), step.subject
        db.session.rollback()
        match step.verb:
            case "take":
                with transaction():
                    given = {name: value for name, value in step.input.items() if value is not None}
                    of = step.detail or None
                    commands.fire(self.id, subject, **command, reason=step.reason, input=given, of=of)
            case "fill":
                self._fill(step, before)
            case "task" | "undo":
                with transaction():
                    acts.task(self.id, subject, step.detail or None, **command)
            case "sign":
                with transaction():
                    self._printed()
                    acts.sign(
                        self.id,
                        subject,
                        name=step.who,
                        sha256=PAPER,
                        proof=make.proof(self.people[step.who]),
                        **command,
                    )
            case "assign":
                with transaction():
                    acts.assign(self.id, subject, self.people[step.detail].id, **command)
            case "discuss":
                with transaction():
                    acts.discuss(self.id, subject, **command, reason=step.reason or "They talked.")
            case "ask":
                self._ask(step, before)
            case "score":
                self._score(step, before)
            case "bank":
                self._bank(subject, command)
            case "screen":
                found = {name: screenings.Found(name, subject, "A note.") for name in screenings.SUBJECTS}
                with transaction():
                    screenings.record(self.id, found, list_name="A list", list_day=None, **command)
            case "recuse":
                place = self._place(step)
                with transaction():
                    reviews.declare(place.id, has_conflict=True, reason="Family", actor=command["actor"])

    def _bank(self, what: str, command: dict[str, Any]) -> None:
        known = bank_queries.accounts_of(self.id)
        number = known[0].number if known else 1
        db.session.rollback()
        with transaction():
            match what:
                case "enter":
                    bank_service.enter(self.id, account(contact_name=f"Person {len(known)}"), **command)
                case "call":
                    said: Any = {"phone": "+1 555 0100", "source": "its website", "spoken_to": "The head of finance"}
                    bank_service.call_back(self.id, number, **said, called_at=clock.now(), **command)
                case "confirm":
                    bank_service.confirm(self.id, number, **command)
                case "object":
                    bank_service.object_to(self.id, number, **command)
                case "withdraw":
                    bank_service.withdraw(self.id, number, **command)
                case "refuse":
                    bank_service.refuse(self.id, number, reason="Not the city's.", **command)

    def _fill(self, step: Step, before: World) -> None:
        kind = self.workflow.own_forms.get(step.subject)
        name = str(OwnForm(kind, step.detail, step.subject)) if kind else step.subject
        application = db.session.get_one(Application, self.id)
        form = applications.form_of(application, name)
        row = application_queries.answers_row(self.id, form.id)
        data = completed(form, step.answers, before, step.without, application_queries.data_of(row))
        revision = row.revision if row else None
        actor = make.acting(self.people[step.who])
        with transaction():
            applications.save(application, form.id, data, revision, actor)
        for field in form.fields.values():
            if field.type == "file":
                names = data.get(field.id, ())
                files = [make.a_file(application, form.id, field, self.people[step.who]) for _ in names]
                with transaction():
                    kept = application_queries.answers_row(self.id, form.id)
                    assert kept is not None
                    kept.data = {**kept.data, field.id: [str(file.id) for file in files]}

    def _ask(self, step: Step, before: World) -> None:
        actor = make.acting(self.people[step.who])
        committee = committees.committee_for(actor, self.id, step.subject)
        due = before.plan(step.subject).proposed_due(before.now, ZoneInfo(committee.zone))
        chosen, reserve = ([self.people[name].id for name in names] for names in (step.people, step.reserve))
        with transaction():
            reviews.assign(committee, chosen, wall_time=due, reserve=reserve, actor=actor)

    def _place(self, step: Step) -> Review:
        found = db.session.scalars(
            sa.select(Review)
            .where(
                Review.application_id == self.id,
                Review.name == step.subject,
                Review.reviewer_id == self.people[step.who].id,
            )
            .order_by(Review.generation.desc())
        ).first()
        if found is None:
            raise NotFound
        return found

    def _printed(self) -> None:
        """The agreement is on paper in one language, as if the worker had printed what was asked for."""
        waiting = sa.select(Document).where(Document.application_id == self.id, Document.kind == "agreement")
        for document in db.session.scalars(waiting.where(Document.language == "en")):
            document.sha256, document.rendered_at = PAPER, clock.now()

    def _score(self, step: Step, before: World) -> None:
        place, actor = self._place(step), make.acting(self.people[step.who])
        plan = before.plan(step.subject)
        given = step.scores
        criteria = [each.field for each in plan.criteria()]
        scores = dict.fromkeys(criteria, given) if isinstance(given, str) else dict(given or {})
        with transaction():  # refused as a whole, as the runner does
            if place.conflict is None:
                place = reviews.declare(place.id, has_conflict=False, actor=actor)
            saved = reviews.save(place.id, completed(plan.form, scores, before), revision=place.revision, actor=actor)
            reviews.send(place.id, revision=saved.revision, actor=actor)

    # -- what came of it ------------------------------------------------------------------------------------------

    def _agree(self, step: Step, said: int) -> None:
        """Both stand alike, to the message."""
        with self._at(self.world.now):
            db.session.rollback()
            db.session.expire_all()
            found, mine = self._standing(), self._mine()
            for name in mine:
                assert found[name] == mine[name], f"line {step.line}: {name}"
            jobs = self._jobs()
            fresh, self.seen = jobs - self.seen, jobs
            told = {
                (message.template, person, message.at.replace(microsecond=0))
                for message in self.world.messages[said:]
                for person in message.people
            }
            assert {(t, p, at) for _, t, p, at in fresh} == told, f"line {step.line}: messages"
            db.session.rollback()

    def look(self, line: int) -> None:
        """What each person is shown and could do now, by both."""
        with self._at(self.world.now):
            self._sights(line)
            db.session.rollback()

    def _standing(self) -> dict[str, Any]:
        application = db.session.get_one(Application, self.id)
        held = money.standing(application)
        timers = db.session.scalars(
            sa.select(Timer)
            .where(Timer.application_id == self.id)
            .order_by(Timer.name, Timer.subject, Timer.generation)
        )
        papers = db.session.execute(
            sa.select(Document.event_seq, Document.kind)
            .where(Document.application_id == self.id)
            .distinct()
            .order_by(Document.event_seq)
        )
        kinds = {kind: list(rows.records(self.workflow, application, kind)) for kind in self.workflow.children}
        return {
            "state": (application.state, application.outcome, application.revision),
            "officer": self._name(application.officer_id),
            "account": [held.available, held.reserved, held.committed, held.paid],
            "timers": [
                (t.name, t.subject, t.generation, t.status, t.due_at, t.next_at, t.remaining, t.repeats) for t in timers
            ],
            "tasks": {row.task: row.value for row in collected.task_results(self.id)},
            "signed": set(collected.signed(application)),
            "children": kinds,
            "reviews": {name: dict(review_facts(application, name)) for name in self.workflow.reviews},
            "documents": [kind for _, kind in papers],
            "answers": self._values(application),
        }

    def _values(self, application: Application) -> dict[str, Any]:
        stored = {
            form: application_queries.data_of(application_queries.answers_row(self.id, form))
            for form in self.workflow.answer_forms
        }
        return self._without_files(self.workflow.application_values(stored, application.currency))

    def _without_files(self, values: Mapping[str, Any]) -> dict[str, Any]:
        files = {name for form in self.workflow.forms.values() for name, f in form.fields.items() if f.type == "file"}
        return {name: len(value) if name in files else value for name, value in values.items()}

    def _mine(self) -> dict[str, Any]:
        world = self.world
        account = world.account
        return {
            "state": (world.state, world.outcome, world.revision),
            "officer": world.officer,
            "account": [account.available, account.reserved, account.committed, account.paid],
            "timers": [
                (t.name, t.subject, t.generation, t.status, t.due_at, t.next_at, t.remaining, t.repeats)
                for t in sorted(world.timers, key=lambda t: (t.name, t.subject, t.generation))
            ],
            "tasks": world.tasks,
            "signed": {party for state, party in world.signed if state == world.state},
            "children": {kind: list(world.records(kind)) for kind in self.workflow.children},
            "reviews": {
                name: {key: value for key, value in figures(world, name).items() if key not in ("due", "owed")}
                for name in self.workflow.reviews
            },
            "documents": list(world.documents),
            "answers": self._without_files(world.workflow.application_values(world.answers, world.workflow.currency)),
        }

    def _sights(self, line: int) -> None:
        for name, user in self.people.items():
            actor, roles = make.acting(user), self.world.roles(name)
            application = db.session.get_one(Application, self.id)
            assert commands.roles_of(application, actor) == roles, f"line {line}: roles of {name}"
            could = {d.transition: _told(d) for d in commands.available(application, actor)}
            mine = {d.transition: _told(d) for d in stepping.available(self.world, name)}
            assert could == mine, f"line {line}: what {name} could do"

    def _name(self, person: UUID | None) -> str | None:
        return next((name for name, user in self.people.items() if user.id == person), None)

    def _jobs(self) -> set[tuple[Any, ...]]:
        """Messages that the workflow names, each once."""
        named = {BLOCKED}
        named |= {e.notify for t in self.workflow.every_transition() for e in t.do if e.notify}
        for timer in self.workflow.timers.values():
            named |= {timer.remind_with or "", timer.overdue_with or ""}
            named |= {timer.escalate.template} if timer.escalate else set()
        found = db.session.scalars(sa.select(Job).where(Job.kind == "mail.send")).all()
        return {
            (
                job.id,
                job.payload["template"],
                self.names.get(job.payload["email"], "?"),
                job.created_at.replace(microsecond=0),
            )
            for job in found
            if job.payload["template"] in named
        }


@dataclass(frozen=True)
class Halfway:
    """An application in the midst of its story."""

    engine: Engine
    rows: kept.Kept

    def resumed(self) -> Engine:
        """It goes on from here, as often as it is asked to."""
        engine, found = copy(self.engine), kept.put(self.rows)
        engine.world = self.engine.world.copy()
        engine.people = dict(zip(self.engine.people, found["people"], strict=True))
        engine.city, engine.round, engine.application = found["city"], found["round"], found["application"]
        return engine


def _told(decision: Any) -> list[tuple[str, bool]]:
    return [(clause.kind, clause.passes) for clause in decision.clauses]


def paper(application: Application, kind: str) -> str | None:
    """What is signed in these tests, once it was asked for."""
    made = sa.exists().where(Document.application_id == application.id, Document.kind == kind)
    return PAPER if db.session.scalar(sa.select(made)) else None


def leaves(examples: tuple[Example, ...]) -> list[list[Example]]:
    """Every example that no other continues, each with all that it continues before it."""
    known = {example.name: example for example in examples}
    continued = {example.continues for example in examples}
    found = []
    for example in examples:
        if example.name not in continued:
            chain = [example]
            while chain[0].continues is not None:
                chain.insert(0, known[chain[0].continues])
            found.append(chain)
    return found
