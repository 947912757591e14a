"""The pages of those who ask and lead a committee: whom to ask, whom to let go, the discussion, a whole round at once.

A committee that is not the person's to see answers like one that does not exist.
"""

from __future__ import annotations

from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from fundflow import clock
from fundflow.accounts.policy import signed_in
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.reviews import batches, committees, discussions, reserves, service, suggestions
from fundflow.reviews.batches import Batch
from fundflow.reviews.committees import Committee, Place
from fundflow.reviews.forms import AssignForm, MinutesForm, WithdrawForm, ids_of
from fundflow.reviews.pages import pages

__all__ = ["pages"]
from fundflow.web.gate import requires


@pages.route("/applications/<uuid:application_id>/reviewers", methods=["GET", "POST"])
@requires(signed_in)
def assign(application_id: UUID) -> ResponseReturnValue:
    """Who reviews the application and how far they are; for the role that assigns, also whom to ask next."""
    committee = committees.committee_for(g.actor, application_id, request.values.get("review"))
    form = AssignForm()
    if request.method != "POST":
        form.due.data = committee.plan.proposed_due(clock.now(), ZoneInfo(committee.zone))
        return _committee(committee, form, suggest="suggest" in request.args)
    try:
        with transaction():
            places = service.assign(
                committee,
                form.chosen(),
                wall_time=form.due.data or "",
                reserve=form.standing_by(),
                actor=g.actor,
            )
    except NotFound:
        raise
    except Refused as refusal:
        return _committee(
            committees.committee_for(g.actor, application_id, committee.plan.name), form, refusal
        ), refusal.status
    if places:
        text = ngettext("%(num)d reviewer was asked by mail.", "%(num)d reviewers were asked by mail.", len(places))
        flash(text, "success")
    if form.standing_by():
        flash(_("The reserve is noted. Nobody is written to until they are called."), "success")
    return _to_committee(committee)


@pages.route("/rounds/<slug>/reviewers", methods=["GET", "POST"])
@requires(signed_in)
def batch(slug: str) -> ResponseReturnValue:
    """A suggestion for every application of a round that lacks reviewers; then those left chosen are asked at once.

    Everything is refused together when one of them cannot be asked: the page shows the suggestion anew.
    """
    found = batches.batch_for(g.actor, slug)
    if request.method != "POST":
        due = max((line.plan.proposed_due(clock.now(), ZoneInfo(found.round.zone)) for line in found.lines), default="")
        return _batch(found, due)
    due, asked = request.form.get("due", ""), 0
    try:
        with transaction():
            for line in found.lines:
                people = ids_of(request.form.getlist(f"people:{line.key}"))
                reserve = ids_of(request.form.getlist(f"reserve:{line.key}"))
                if people or reserve:
                    committee = committees.committee_for(g.actor, line.application.id, line.plan.name)
                    asked += len(
                        service.assign(committee, people, wall_time=due, reserve=reserve, actor=g.actor) or reserve
                    )
            if not asked:
                raise service.NobodyChosen
    except NotFound:
        raise
    except Refused as refusal:
        return _batch(batches.batch_for(g.actor, slug), due, refusal), refusal.status
    flash(_("The reviewers chosen were asked by mail."), "success")
    return redirect(url_for(".batch", slug=slug), 303)


@pages.post("/applications/<uuid:application_id>/reviewers/remind")
@requires(signed_in)
def remind(application_id: UUID) -> ResponseReturnValue:
    """Write to the reviewers who still owe a sheet."""
    committee = committees.committee_for(g.actor, application_id, request.form.get("review"))
    with transaction():
        written = service.remind(committee, actor=g.actor)
    if written:
        flash(ngettext("%(num)d reviewer was reminded.", "%(num)d reviewers were reminded.", written), "success")
    else:
        flash(_("Nobody was written to: everybody who owes a sheet was reminded within the last day."), "info")
    return _to_committee(committee)


@pages.route("/applications/<uuid:application_id>/reviewers/<uuid:review_id>/withdraw", methods=["GET", "POST"])
@requires(signed_in)
def withdraw(application_id: UUID, review_id: UUID) -> ResponseReturnValue:
    """Take a request back that was not sent yet, with a reason."""
    committee = committees.committee_for(g.actor, application_id, request.values.get("review"))
    place = committees.withdrawable_for(committee, review_id)
    form = WithdrawForm()
    if not form.validate_on_submit():
        status = 422 if request.method == "POST" else 200
        return render_template("reviews/withdraw.html", committee=committee, place=place, form=form), status
    with transaction():
        service.withdraw(committee, review_id, form.reason.data or "", actor=g.actor)
    flash(_("%(person)s no longer reviews this application.", person=place.name), "success")
    return _to_committee(committee)


@pages.route("/applications/<uuid:application_id>/reviewers/discussion", methods=["GET", "POST"])
@requires(signed_in)
def discuss(application_id: UUID) -> ResponseReturnValue:
    """Record that the committee talked the case over, with what was said."""
    committee = committees.committee_for(g.actor, application_id, request.values.get("review"))
    if not committee.may_discuss:
        raise NotFound
    form = MinutesForm()
    if request.method != "POST":
        form.key.data = str(uuid4())
        form.revision.data = str(committee.application.revision)
        return _discussion(committee, form)
    if not form.validate_on_submit():
        return _discussion(committee, form), 422
    try:
        with transaction():
            service.discuss(
                committee,
                form.minutes.data or "",
                key=form.command_key(application_id, g.actor.id),
                revision=form.seen_revision,
                actor=g.actor,
            )
    except NotFound:
        raise
    except Refused as refusal:
        committee = committees.committee_for(g.actor, application_id, committee.plan.name)
        form.revision.data = str(committee.application.revision)
        return _discussion(committee, form, refusal), refusal.status
    flash(_("The discussion is recorded. Whoever had sent a sheet was told and can revise it once."), "success")
    return _to_committee(committee)


@pages.post("/applications/<uuid:application_id>/reviewers/reserve/<uuid:stand_by_id>/release")
@requires(signed_in)
def release(application_id: UUID, stand_by_id: UUID) -> ResponseReturnValue:
    """Let somebody no longer stand by."""
    committee = committees.committee_for(g.actor, application_id, request.form.get("review"))
    with transaction():
        service.release_stand_by(committee, stand_by_id, actor=g.actor)
    flash(_("The reserve was changed."), "success")
    return _to_committee(committee)


def _committee(committee: Committee, form: AssignForm, refusal: Refused | None = None, *, suggest: bool = False) -> str:
    application, plan = committee.application, committee.plan
    places = committees.places_of(committee)
    candidates = committees.candidates_for(committee) if committee.may_assign and committee.is_open else []
    reserve = reserves.reserve_of(application.id, plan.name, committee.generation)
    chosen, standing_by = form.chosen(), form.standing_by()
    if suggest:
        suggested = suggestions.for_one(candidates, *_wanted(committee, places, reserve))
        chosen, standing_by = list(suggested.people), list(suggested.reserve)
    return render_template(
        "reviews/committee.html",
        committee=committee,
        progress=committees.progress(application.id, plan.name),
        places=places,
        candidates=candidates,
        reserve=reserve,
        waiting=[each for each in reserve if each.is_waiting],
        called={each.review_id: each for each in reserve if not each.is_waiting},
        apart=discussions.apart_of(committee, places),
        discussion=discussions.discussion_of(application, plan) if committee.may_see_figures else None,
        form=form,
        chosen=chosen,
        standing_by=standing_by,
        is_suggested=suggest,
        refusal=refusal,
    )


def _discussion(committee: Committee, form: MinutesForm, refusal: Refused | None = None) -> str:
    places = committees.places_of(committee)
    return render_template(
        "reviews/discussion.html",
        committee=committee,
        form=form,
        refusal=refusal,
        apart=discussions.apart_of(committee, places),
        unsent=[each.name for each in places if each.is_waiting],
    )


def _wanted(committee: Committee, places: list[Place], reserve: list[reserves.Line]) -> tuple[int, int]:
    """How many reviewers, and how many stand-bys, are missing to what the workflow asks for."""
    sitting = sum(each.review.withdrawn_at is None and not each.review.is_recused for each in places)
    waiting = sum(each.is_waiting for each in reserve)
    review = committee.plan.review
    return max(review.count - sitting, 0), max(review.reserve - waiting, 0)


def _batch(found: Batch, due: str, refusal: Refused | None = None) -> str:
    return render_template("reviews/batch.html", batch=found, due=due, refusal=refusal)


def _to_committee(committee: Committee) -> ResponseReturnValue:
    name = committee.plan.name if len(committee.plan.workflow.reviews) > 1 else None
    return redirect(url_for(".assign", application_id=committee.application.id, review=name), 303)
