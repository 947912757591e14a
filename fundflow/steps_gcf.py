"""The large grant told step by step: each part takes an application on, as its people would from their pages.

Like every story it has no door of its own: what a person may not do is refused, and then the telling fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fundflow import clock
from fundflow import story_gcf as words
from fundflow.accounts.models import City
from fundflow.applications import queries as kept
from fundflow.applications import service as applications
from fundflow.awards import queries as awards
from fundflow.awards import service as papers
from fundflow.awards.models import Document
from fundflow.banking import numbers as bank_numbers
from fundflow.banking import screenings
from fundflow.banking import service as bank
from fundflow.banking.screenings import Found
from fundflow.db import db, transaction
from fundflow.ledger import queries as ledger
from fundflow.lifecycle import acts, children, commands
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.signing import Proof
from fundflow.money import Money
from fundflow.reviews import committees
from fundflow.reviews import service as reviews
from fundflow.rounds.models import Round
from fundflow.story import Story, months_after
from fundflow.story_gcf import LARGE_PROJECTS, LargeProject


class LargeStory(Story):
    """The people of the large grant: the officer is Tomas, the chair Elena, compliance Jonas, the director Adaeze."""

    # -- what people do beside transitions ------------------------------------------------------------------------

    def task(self, application: Application, name: str, value: str, who: str) -> None:
        """Record what a check came to."""
        db.session.refresh(application)
        key, revision = self._key(application, name), application.revision
        with transaction():
            acts.task(application.id, name, value, actor=self.actor(who), key=key, revision=revision)
        db.session.refresh(application)
        self.tell(f"{self._name(who)} checks {name.replace('_', ' ')}: {value}")

    def put_in_charge(self, application: Application, officer: str, who: str) -> None:
        db.session.refresh(application)
        key, revision, person = self._key(application, "officer"), application.revision, self.cast[officer].id
        with transaction():
            acts.assign(application.id, "officer", person, actor=self.actor(who), key=key, revision=revision)
        db.session.refresh(application)
        self.tell(f"{self._name(who)} puts {self._name(officer)} in charge")

    def sign(self, application: Application, party: str, who: str) -> None:
        """Read the text of record, and sign it under one's name."""
        db.session.refresh(application)
        paper = awards.text_of_record(application, "agreement")
        sha256 = (paper.sha256 if paper else None) or ""
        before, name = application.state, self._name(who)
        key, revision = self._key(application, party), application.revision
        with transaction():
            actor = self.actor(who)
            proof = Proof(self.cast[who].id, "demonstration", clock.now())
            acts.sign(
                application.id, party, name=name, sha256=sha256, proof=proof, actor=actor, key=key, revision=revision
            )
        db.session.refresh(application)
        self.tell(f"{name} signs the agreement {sha256[:12]}")
        if application.state != before:
            self.tell(f"by itself, as everyone has signed: {before} → {application.state}")

    def tranche(
        self, application: Application, step: str, nr: str, who: str, reason: str | None = None, **given: Any
    ) -> None:
        """Take a step with one payment of the plan."""
        db.session.refresh(application)
        row = self._tranche(application, nr)
        before, key, revision = row.state, self._key(application, f"{step}:{nr}"), application.revision
        with transaction():
            commands.fire(
                application.id,
                f"tranche.{step}",
                actor=self.actor(who),
                key=key,
                revision=revision,
                reason=reason,
                input=given,
                of=nr,
            )
        db.session.refresh(application)
        self.tell(f"{self._name(who)}: payment {nr}, {step}, {before} → {self._tranche(application, nr).state}")

    def fill(self, application: Application, form: str, who: str, data: Mapping[str, Any], **files: str) -> None:
        """Save a form as a whole, then attach one page for each file it asks for."""
        row = kept.answers_row(application.id, form)
        revision = row.revision if row else 0
        with transaction():
            applications.save(application, form, dict(data), revision, self.actor(who))
        for field, text in files.items():
            self._attach(application, who, form, field, text, field.replace("_", " ").capitalize())
        self.tell(f"{self._name(who)} fills in {form.replace('_', ' ')}")

    def _tranche(self, application: Application, nr: str) -> Any:
        return next(row for row in children.rows_of(application.id, "tranche") if row.key == nr)

    def _key(self, application: Application, what: str) -> str:
        return f"story:{application.id}:{what}:{application.revision}"

    # -- the parts of the story -----------------------------------------------------------------------------------

    def note(self, city: str, lead: str, round_: Round) -> Application:
        """A concept note, sent."""
        application = self.start(lead, city, round_)
        project, place, person = LARGE_PROJECTS[city], self.cities[city], self.cast[lead]
        self.fill(application, "concept", lead, words.concept(project, place.name, person.name, person.email))
        self.fire(application, "submit_concept", lead)
        return application

    def found_eligible(self, application: Application) -> None:
        """Two checks, and somebody in charge."""
        self.task(application, "city_eligible", "done", "ines")
        self.task(application, "theme_fits", "done", "ines")
        self.put_in_charge(application, "tomas", "ines")
        self.fire(application, "accept_concept", "ines")

    def answered(self, application: Application, how: str = "invited") -> None:
        """Feedback, and what becomes of the note: invited, kept_for_later or declined."""
        step = {"invited": "invite", "kept_for_later": "keep_for_later", "declined": "decline_concept"}[how]
        self.fill(application, "feedback", "tomas", words.FEEDBACK[how])
        self.fire(application, step, "tomas")

    def proposal(self, application: Application, lead: str, starts: date, *, returned: bool = False) -> None:
        """The full proposal, sent; `returned` once for changes."""
        city = db.session.get_one(City, application.city_id)
        data = words.full_proposal(self._project(application), city.name, starts)
        letters = {
            field.id: "The mayor supports the proposal."
            for field in applications.workflow_of(application).forms["proposal"].fields.values()
            if field.type == "file" and field.required
        }
        self.fill(application, "proposal", lead, data, **letters)
        self.fire(application, "submit_proposal", lead)
        if returned:
            self.fire(application, "request_changes", "tomas", reason=words.REASONS["changes_proposal"])
            self.fire(application, "resubmit", lead)

    def to_committee(self, application: Application, days: int = 21) -> None:
        """Three members are asked and one stands by; then they may read."""
        actor = self.actor("tomas")
        committee = committees.committee_for(actor, application.id)
        due = (clock.now() + timedelta(days=days)).astimezone(ZoneInfo(committee.zone))
        with transaction():
            reviews.assign(
                committee,
                [self.cast[each].id for each in ("ruth", "kenji", "lucia")],
                wall_time=f"{due:%Y-%m-%dT}17:00",
                actor=actor,
                reserve=[self.cast["samir"].id],
            )
        self.tell(f"{self._name('tomas')} asks Ruth, Kenji and Lucía; Samir stands by")
        self.fire(application, "open_review", "tomas")

    def sheet(self, application: Application, who: str, figures: tuple[int, int, int], *, send: bool = True) -> None:
        """One member's sheet, after declaring to have no conflict."""
        review_id = self.declare(application, who)
        actor = self.actor(who)
        with transaction():
            saved = reviews.save(review_id, words.score_sheet(figures), revision=0, actor=actor)
        if send:
            with transaction():
                sent = reviews.send(review_id, revision=saved.revision, actor=actor)
            self.tell(f"{self._name(who)} sends scores: {sent.score}")

    def scored(self, application: Application, kind: str = "award") -> None:
        """One member recuses herself, the stand-by is called, three sheets come in; far apart, they are talked over."""
        self.declare(application, "lucia", conflict="My sister works for the city.")
        for who, figures in zip(("ruth", "kenji", "samir"), words.SCORES[kind], strict=True):
            self.sheet(application, who, figures)
        if kind == "apart":
            self.discussed(application)
        self.fire(application, "close_review", "tomas")

    def discussed(self, application: Application) -> None:
        db.session.refresh(application)
        actor = self.actor("elena")
        committee = committees.committee_for(actor, application.id)
        minutes = "Kenji doubted the partner; Ruth had its letter. The members agree that the plan can be carried out."
        key, revision = self._key(application, "discuss"), application.revision
        with transaction():
            reviews.discuss(committee, minutes, key=key, revision=revision, actor=actor)
        self.tell(f"{self._name('elena')} records what the committee said")

    def decided(self, application: Application, *, reserve: bool = False) -> None:
        """The chair recommends; the director awards, at once or from the reserve list."""
        kind = "reserve" if reserve else "conditions"
        self.fill(application, "decision", "elena", words.recommendation(kind, clock.now().date()))
        if reserve:
            self.fire(application, "place_on_reserve", "adaeze")
        self.fire(application, "award", "adaeze")

    def appealed(self, application: Application, lead: str) -> None:
        """Not selected at first; the city appeals, and somebody who took no part in the decision upholds it."""
        self.fill(application, "decision", "elena", words.recommendation("reject", clock.now().date()))
        self.fire(application, "not_select", "adaeze", reason=words.REASONS["reject"])
        self.fill(application, "appeal", lead, dict(words.APPEAL))
        self.fire(application, "appeal", lead)
        self.fire(application, "uphold_appeal", "jonas", reason=words.REASONS["uphold_appeal"])

    def account(self, application: Application, lead: str) -> None:
        city = db.session.get_one(City, application.city_id)
        papers = words.bank_papers(clock.now().date() + timedelta(days=4 * 365))
        self.fill(
            application, "bank", lead, papers, bank_letter="The account is the city's.", signing_proof="She may sign."
        )
        given = bank_numbers.read(words.bank_account(city.name, city.country))
        key, revision = self._key(application, "account"), self._revision(application)
        with transaction():
            bank.enter(application.id, given, actor=self.actor(lead), key=key, revision=revision)
        self.tell(f"{self._name(lead)} enters the account {given.country} •••• {given.tail}")

    def called(self, application: Application, number: int = 1, who: str = "mette") -> None:
        """Finance calls the city at a number that it found itself."""
        key, revision = self._key(application, f"call:{number}"), self._revision(application)
        with transaction():
            bank.call_back(
                application.id,
                number,
                phone="+00 000 000 900",
                source="The website of the ministry of local government",
                spoken_to="The head of the finance office",
                called_at=clock.now(),
                actor=self.actor(who),
                key=key,
                revision=revision,
            )
        self.tell(f"{self._name(who)} calls the city about its account")

    def screened(self, application: Application, who: str = "jonas") -> None:
        """The lists of sanctions, searched for the city, its signatory and its bank."""
        key, revision = self._key(application, "screening"), self._revision(application)
        names = screenings.names_of(application)
        found = {subject: Found(name or subject, "clear") for subject, name in names.items()}
        with transaction():
            screenings.record(
                application.id,
                found,
                list_name="Consolidated list of the United Nations Security Council",
                list_day=None,
                actor=self.actor(who),
                key=key,
                revision=revision,
            )
        self.tell(f"{self._name(who)} searches the lists of sanctions: clear")

    def _revision(self, application: Application) -> int:
        db.session.refresh(application)
        return application.revision

    def checked(self, application: Application) -> None:
        """Three checks by two people; then the agreement goes out, and is printed."""
        self.task(application, "sanctions", "clear", "jonas")
        self.task(application, "risk", "low", "jonas")
        self.called(application)
        self.fire(application, "issue_agreement", "tomas")

    def signed(self, application: Application, signatory: str) -> None:
        """The city signs, then the fund. The agreement is printed first; all other jobs are left to the worker."""
        agreements = db.session.scalars(
            sa.select(Document.id).where(
                Document.application_id == application.id, Document.kind == "agreement", Document.rendered_at.is_(None)
            )
        ).all()
        db.session.rollback()
        for document_id in agreements:
            with transaction():
                papers.render({"document_id": str(document_id)})
        self.sign(application, "city", signatory)
        self.sign(application, "fund", "adaeze")

    def paid(self, application: Application, nr: str, lead: str, *, refused: bool = False) -> None:
        """One payment: asked for, its condition confirmed, approved by as many as its size needs, ordered, paid."""
        self.tranche(application, "request", nr, lead)
        if refused:
            self.tranche(application, "refuse", nr, "tomas", reason=words.REASONS["refuse_tranche"])
            self.tranche(application, "request", nr, lead)
        self.tranche(application, "verify", nr, "tomas")
        given = self._tranche(application, nr).fields["amount"]
        amount = Money(given["minor"], given["currency"])
        self.tranche(application, "approve", nr, "mette")
        if amount > Money.of("50000", amount.currency):
            self.tranche(application, "approve_finally", nr, "adaeze")
        self.screened(application)
        self.tranche(application, "order", nr, "mette")
        self.tranche(
            application,
            "pay",
            nr,
            "mette",
            reference=f"TRF-{application.number}-{nr}",
            paid_on=clock.now().astimezone(applications.workflow_of(application).zone).date(),
            amount=amount,
        )

    def extended(self, application: Application, lead: str, signatory: str, months: int) -> None:
        """An amendment of the end alone: asked for, opened, written, approved, and agreed to by both sides."""
        ends = date.fromisoformat(self._answers(application, "proposal")["ends_on"])
        day = months_after(ends + timedelta(days=1), months) - timedelta(days=1)
        self.fire(application, "ask_amendment", lead)
        self.fill(application, "amendment:1:amendment_request", lead, words.amendment_request("dates"))
        self.child(application, "amendment", "request", "1", lead)
        self.child(application, "amendment", "open", "1", "tomas")
        self.fill(application, "amendment:1:amended_plan", lead, {"new_ends_on": day.isoformat()})
        for step, who in (("send", lead), ("propose", "tomas"), ("approve", "adaeze"), ("agree", signatory)):
            self.child(application, "amendment", step, "1", who)

    def interrupted(self, application: Application) -> None:
        self.fire(application, "suspend", "tomas", reason=words.REASONS["suspend"])
        self.fire(application, "resume", "adaeze", reason=words.REASONS["resume"])

    def reported(self, application: Application, lead: str) -> None:
        """The final report, returned once; a small part of the money was not needed."""
        if application.state == "active":
            self.fire(application, "start_reporting", "tomas")
        spent = Money((application.requested_minor or 0) - 125_063, application.currency)
        report = words.final_report(self._project(application), spent)
        self.fill(application, "final_report", lead, report, accounts="By budget line, signed.")
        self.fire(application, "send_report", lead)
        self.fire(application, "return_report", "tomas", reason=words.REASONS["return_report"])
        self.fire(application, "send_report", lead)

    # -- reports --------------------------------------------------------------------------------------------------

    def progress(self, application: Application, nr: str, lead: str, percent: int, *, returned: bool = False) -> None:
        """One progress report: asked for, written on what stands there already, sent, read, and accepted."""
        project = self._project(application)
        spent = Money((application.requested_minor or 0) * percent // 100, application.currency)
        self.child(application, "report", "open", nr, "tomas")
        self.fill(application, f"report:{nr}:periodic_report", lead, words.progress_report(project, spent, percent))
        self.child(application, "report", "send", nr, lead)
        if returned:
            self.child(application, "report", "return", nr, "tomas", reason=words.REASONS["return_progress"])
            self.child(application, "report", "send", nr, lead)
        self.child(application, "report", "accept", nr, "tomas")

    def gave_back(self, application: Application) -> None:
        """What the final report leaves over, asked for and booked."""
        spent = self._answers(application, "final_report")["spent"]
        left = ledger.standing(application).paid - Money(spent["minor"], spent["currency"])
        if not left:
            return
        self.fire(application, "ask_back", "tomas", amount=left)
        day = clock.now().astimezone(applications.workflow_of(application).zone).date()
        reference = f"RF-{application.number}"
        self.fire(application, "record_refund", "mette", reference=reference, received_on=day, amount=left)

    def followed_up(self, application: Application, nr: str, lead: str, further: str) -> None:
        """Half a year or a year later the fund asks, and the city answers."""
        self.child(application, "followup", "open", nr, "tomas")
        self.fill(application, f"followup:{nr}:follow_up", lead, words.follow_up(further))
        self.child(application, "followup", "answer", nr, lead)

    def child(
        self, application: Application, kind: str, step: str, key: str, who: str, reason: str | None = None
    ) -> None:
        """Take a step with a report or a follow-up."""
        db.session.refresh(application)
        command, revision = self._key(application, f"{kind}:{step}:{key}"), application.revision
        with transaction():
            commands.fire(
                application.id,
                f"{kind}.{step}",
                actor=self.actor(who),
                key=command,
                revision=revision,
                reason=reason,
                input={},
                of=key,
            )
        db.session.refresh(application)
        self.tell(f"{self._name(who)}: {kind} {key}, {step}")

    def _answers(self, application: Application, form: str) -> Mapping[str, Any]:
        row = kept.answers_row(application.id, form)
        return row.data if row else {}

    def _project(self, application: Application) -> LargeProject:
        city = next(key for key, each in self.cities.items() if each.id == application.city_id)
        return LARGE_PROJECTS[city]


def starts_after(moment: datetime) -> date:
    """The first of the month after next: when a project begins that is being planned now."""
    return months_after(moment.date().replace(day=1), 2)
