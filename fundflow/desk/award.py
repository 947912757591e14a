"""The page of one grant: what it is, where it stands, what needs this person now, its money, its life in one list.

Built from the application's page, so that it shows nobody more than that does. Whoever may not look at its documents
and payments, or is not told yet that there is a grant, finds no such page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import g, render_template
from flask.typing import ResponseReturnValue

from fundflow import clock
from fundflow.accounts.policy import AUDITORS, signed_in
from fundflow.applications.queries import application_for
from fundflow.desk.milestones import Milestone, Period, milestones, period
from fundflow.desk.story import Story, story_of
from fundflow.desk.views import pages
from fundflow.errors import NotFound
from fundflow.ledger.policy import may_see_award_lines, may_see_lines
from fundflow.ledger.queries import Share, shares_of
from fundflow.lifecycle import children
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.payments.policy import may_see_payments
from fundflow.reports.schemes import report_of
from fundflow.web.gate import requires


class NoGrantYet(NotFound):
    """There is no grant here yet. This page comes with the award; until then, look at the application itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The money of a grant: what was awarded, and where every unit of it is."""

    awarded: Money
    reserved: Money
    committed: Money
    ordered: Money
    paid: Money
    refunded: Money
    released: Money

    @property
    def now(self) -> Money:
        """The grant as it stands: what was released is no part of it any more."""
        return self.awarded - self.released

    @property
    def to_pay(self) -> Money:
        return self.reserved + self.committed + self.ordered


@dataclass(frozen=True, slots=True)
class Award:
    """Everything on a grant's page beside what the application's page has."""

    story: Story
    money: Standing
    shares: list[Share]
    """By donor line, for those who see the fund's money; else empty."""
    period: Period
    milestones: list[Milestone]
    has_reports: bool
    may_take_evidence: bool
    leads_to_lines: bool

    @property
    def late(self) -> list[Milestone]:
        return [each for each in self.milestones if each.is_late]


@pages.get("/applications/<uuid:application_id>/award")
@requires(signed_in)
def award(application_id: UUID) -> ResponseReturnValue:
    """One grant, for its city and for whoever sees the money of its round."""
    application, now = application_for(g.actor, application_id), clock.now()
    found = award_of(g.actor, application, now)
    return render_template("desk/award.html", award=found, story=found.story, now=now)


def award_of(actor: Actor, application: Application, now: datetime) -> Award:
    """The grant's page for this actor, who may know of the application already."""
    if not may_see_payments(actor, application):
        raise NotFound
    story = story_of(actor, application, now)
    if story.grant is None:
        raise NoGrantYet
    shares = shares_of(application)
    times = period(story.documents, story.viewer.language)
    rows = children.rows_of(application.id) if story.tables else []
    sees_lines = may_see_award_lines(actor, application.round_id) and not story.is_of_team
    return Award(
        story=story,
        money=_sum(shares, application.currency),
        shares=shares if sees_lines else [],
        period=times,
        milestones=milestones(story, rows, times, now),
        has_reports=_has_reports(story),
        leads_to_lines=sees_lines and may_see_lines(actor),
        may_take_evidence=actor.is_in(AUDITORS, round_id=application.round_id),
    )


def _has_reports(story: Story) -> bool:
    """A report that this person may read was sent."""
    own = (form.name for table in story.tables for row in table.rows for form in row.forms if not form.is_editable)
    sent = (form.id for form in story.forms if form.saved_at and not form.is_editable)
    return any(report_of(story.application, name) for name in (*own, *sent))


def _sum(shares: list[Share], currency: str) -> Standing:
    names = ("awarded", "reserved", "committed", "ordered", "paid", "refunded", "released")
    return Standing(*(sum((getattr(each, name) for each in shares), Money.zero(currency)) for name in names))
