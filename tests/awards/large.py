"""An application to the large grant, driven to a state by the real commands of its people, with the demo's answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from fundflow import clock
from fundflow import story_gcf as story
from fundflow.accounts.models import User
from fundflow.applications import queries as application_queries
from fundflow.applications import service as applications
from fundflow.awards.queries import paper_of
from fundflow.db import transaction
from fundflow.jobs import worker
from fundflow.lifecycle import acts, definitions
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.reviews import committees
from fundflow.reviews import service as reviews
from tests import factories as make
from tests import kept
from tests.banking.accounts import Banking

STATES = (
    "draft",
    "eligibility",
    "concept_review",
    "invited",
    "screening",
    "committee",
    "decision",
    "due_diligence",
    "signature",
    "embargo",
    "active",
    "reporting",
    "report_review",
    "closed",
)
PROJECT = story.LARGE_PROJECTS["saint-amary"]
_KEPT: dict[str, kept.Kept] = {}


class LargeGrant:
    """One application of an invented city, and everybody who has a part in it."""

    def __init__(self, state: str = "draft") -> None:
        # Whoever drives the first one of a run to a state drives it for all that begin with nothing else.
        steps = STATES[: STATES.index(state) + 1]
        is_first = kept.is_empty() and not clock.is_moved()
        known = next((step for step in reversed(steps) if step in _KEPT and _KEPT[step].fits), None)
        if known is not None:
            self.adopt(kept.put(_KEPT[known]))
        else:
            self._begin()
        for step in steps[steps.index(known) + 1 if known else 1 :]:
            getattr(self, f"to_{step}")()
        if is_first and state not in _KEPT:
            _KEPT[state] = kept.keep(self.values)

    @classmethod
    def once(cls, name: str, drive: Callable[[], LargeGrant]) -> LargeGrant:
        """The grant as `drive` gives it, driven there once a run."""
        grant = cls.__new__(cls)
        grant.adopt(kept.once(name, lambda: drive().values))
        return grant

    @property
    def values(self) -> dict[str, Any]:
        """All by which it is known, without what is made of that."""
        return {name: value for name, value in vars(self).items() if name != "bank"}

    def adopt(self, values: dict[str, Any]) -> None:
        """Be the grant that had these values."""
        vars(self).update(values)
        self.bank = Banking(self.application)

    def _begin(self) -> None:
        self.focal, self.mayor = make.a_person("Amara Diallo"), make.a_person("Awa Ndoye")
        self.manager, self.officer = make.a_person(groups=[make.MANAGERS]), make.a_person(groups=[make.MANAGERS])
        self.chair = make.a_person(groups=["committee-chairs"])
        self.compliance = make.a_person(groups=["compliance"])
        self.director = make.a_person("Noor Haddad", groups=["directors"])
        self.finance, self.auditor = make.a_person(groups=[make.FINANCE]), make.a_person(groups=[make.AUDITORS])
        self.members = [make.a_person(groups=[make.REVIEWERS]) for _ in range(3)]
        self.starts = (clock.now() + timedelta(days=120)).date().replace(day=1)
        self.round = make.a_round(
            workflow=make.a_workflow("global-cities-fund"),
            budget=1_000_000,
            floor=200_000,
            cap=500_000,
            currency="USD",
            zone="America/New_York",
        )
        self.city = make.a_city("Saint-Amary", country="SN", focal_point=self.focal)
        make.join(self.city, self.mayor, "signatory")
        self.application: Application = make.started(self.round, self.city, self.focal)
        self.bank = Banking(self.application)

    def press(self, transition: str, who: User, **more: Any) -> None:
        make.press(self.application, transition, who, **more)

    def write(self, form_id: str, who: User, data: dict[str, Any]) -> None:
        """Save these answers, with a file for every question that asks for one."""
        form = definitions.get(self.application.definition_sha).forms[form_id.rpartition(":")[2]]
        row = application_queries.answers_row(self.application.id, form_id)
        revision = row.revision if row else None
        with transaction():
            applications.save(self.application, form_id, data, revision, make.acting(who))
        for field in form.fields.values():
            if field.type == "file" and field.required:
                file = make.a_file(self.application, form_id, field, who)
                with transaction():
                    row = application_queries.answers_row(self.application.id, form_id)
                    assert row is not None
                    row.data = {**row.data, field.id: [str(file.id)]}

    def _command(self, who: User) -> dict[str, Any]:
        return {
            "actor": make.acting(who),
            "key": f"test:{uuid4()}",
            "revision": make.revision_of(self.application),
        }

    def task(self, name: str, value: str, who: User) -> None:
        command = self._command(who)
        with transaction():
            acts.task(self.application.id, name, value, **command)

    def sign(self, party: str, who: User) -> None:
        """Sign the agreement as it was printed."""
        worker.drain()
        sha256 = paper_of(self.application, "agreement")
        assert sha256 is not None
        command = self._command(who)
        with transaction():
            acts.sign(self.application.id, party, name=who.name, sha256=sha256, proof=make.proof(who), **command)

    def discuss(self, minutes: str) -> None:
        """The chair records that the committee talked the case over."""
        command = self._command(self.chair)
        with transaction():
            acts.discuss(self.application.id, "committee", reason=minutes, **command)

    def to_eligibility(self) -> None:
        self.write("concept", self.focal, story.concept(PROJECT, "Saint-Amary", self.focal.name, self.focal.email))
        self.press("submit_concept", self.focal)

    def to_concept_review(self) -> None:
        for task in ("city_eligible", "theme_fits"):
            self.task(task, "done", self.manager)
        command = self._command(self.manager)
        with transaction():
            acts.assign(self.application.id, "officer", self.officer.id, **command)
        self.press("accept_concept", self.manager)

    def to_invited(self) -> None:
        self.write("feedback", self.officer, dict(story.FEEDBACK["invited"]))
        self.press("invite", self.officer)

    def to_screening(self) -> None:
        self.write("proposal", self.focal, story.full_proposal(PROJECT, "Saint-Amary", self.starts))
        self.press("submit_proposal", self.focal)

    def to_committee(self) -> None:
        actor = make.acting(self.officer)
        committee = committees.committee_for(actor, self.application.id)
        with transaction():
            due = (clock.now() + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M")
            self.places = reviews.assign(committee, [each.id for each in self.members], wall_time=due, actor=actor)
        self.press("open_review", self.officer)

    def to_decision(self, scores: str = "award") -> None:
        for place, member, figures in zip(self.places, self.members, story.SCORES[scores], strict=True):
            actor = make.acting(member)
            with transaction():
                reviews.declare(place.id, has_conflict=False, actor=actor)
            with transaction():
                saved = reviews.save(place.id, story.score_sheet(figures), revision=0, actor=actor)
            with transaction():
                reviews.send(place.id, revision=saved.revision, actor=actor)
        self.press("close_review", self.chair)

    def to_due_diligence(self) -> None:
        self.write("decision", self.chair, story.recommendation("conditions", clock.now().date()))
        self.press("award", self.director)

    def to_signature(self) -> None:
        self.write("bank", self.focal, story.bank_papers(self.today + timedelta(days=1500)))
        self.bank.verified(self.focal, self.finance)
        self.task("sanctions", "clear", self.compliance)
        self.task("risk", "low", self.compliance)
        self.press("issue_agreement", self.officer)

    def to_embargo(self) -> None:
        self.sign("city", self.mayor)
        self.sign("fund", self.director)

    def to_active(self) -> None:
        self.press("announce", self.director)

    def opened(self, key: str, *touches: str) -> None:
        """An amendment of these parts of the plan, open to the city."""
        self.press("ask_amendment", self.focal)
        self.write(f"amendment:{key}:amendment_request", self.focal, story.amendment_request(*touches))
        self.press("amendment.request", self.focal, of=key)
        self.press("amendment.open", self.officer, of=key)

    def amended(self, key: str, **answers: Any) -> None:
        """The opened parts as they will be, sent, proposed, approved and agreed to."""
        form = f"amendment:{key}:amended_plan"
        row = application_queries.answers_row(self.application.id, form)
        assert row is not None
        self.write(form, self.focal, {**row.data, **answers})
        for step, who in (
            ("send", self.focal),
            ("propose", self.officer),
            ("approve", self.director),
            ("agree", self.mayor),
        ):
            self.press(f"amendment.{step}", who, of=key)

    def pay(self, nr: int) -> None:
        """Ask for, confirm, approve, order and pay one part of the plan."""
        part = self.part(nr)
        self.press("tranche.request", self.focal, of=str(nr))
        self.press("tranche.verify", self.officer, of=str(nr))
        self.press("tranche.approve", self.finance, of=str(nr))
        if part > Money.of("50000", part.currency):
            self.press("tranche.approve_finally", self.director, of=str(nr))
        self.bank.screen(self.compliance)
        self.press("tranche.order", self.finance, of=str(nr))
        given = {"reference": f"TR-{nr}", "paid_on": self.today.isoformat(), "amount": part}
        self.press("tranche.pay", self.finance, of=str(nr), input=given)

    @property
    def today(self) -> date:
        """The day as the workflow's zone has it."""
        return clock.now().astimezone(ZoneInfo("America/New_York")).date()

    def part(self, nr: int) -> Money:
        plan = story.full_proposal(PROJECT, "Saint-Amary", self.starts)["plan"]
        amount = plan[nr - 1]["amount"]
        return Money(amount["minor"], amount["currency"])

    def to_reporting(self) -> None:
        self.pay(1)
        self.press("report.waive", self.officer, of="1", reason="The visit told us enough.")
        self.pay(2)
        self.press("start_reporting", self.officer)

    def to_report_review(self) -> None:
        spent = Money.of("418750", "USD")
        self.write("final_report", self.focal, story.final_report(PROJECT, spent))
        self.press("send_report", self.focal)

    def to_closed(self) -> None:
        self.pay(3)
        self.give_back("1250")
        self.press("close", self.officer)

    def give_back(self, amount: str) -> None:
        """What the city did not spend comes back."""
        given = {"reference": "RF-1", "received_on": self.today.isoformat(), "amount": Money.of(amount, "USD")}
        self.press("record_refund", self.finance, input=given)

    def progress(self, nr: int, spent: str, percent: int, *, accept: bool = True) -> None:
        """Ask for a progress report, write it, send it, and accept it."""
        self.press("report.open", self.officer, of=str(nr))
        report = story.progress_report(PROJECT, Money.of(spent, "USD"), percent)
        self.write(f"report:{nr}:periodic_report", self.focal, report)
        self.press("report.send", self.focal, of=str(nr))
        if accept:
            self.press("report.accept", self.officer, of=str(nr))

    @property
    def new_end(self) -> date:
        """Six months after the end as it is planned."""
        ends = date.fromisoformat(story.full_proposal(PROJECT, "Saint-Amary", self.starts)["ends_on"])
        return ends + timedelta(days=180)
