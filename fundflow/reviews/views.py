"""The pages of reviewers: their queue, the declaration, and the score sheet; and the sheets others may read.

A case that is not the person's to see answers like one that does not exist, whatever the address says.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from fundflow import clock
from fundflow.accounts.policy import REVIEWERS, in_group, signed_in
from fundflow.accounts.queries import people_named
from fundflow.applications import service as applications
from fundflow.applications.queries import files_of
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import commands
from fundflow.reviews import batches, committees, discussions, queries, reserves, service, suggestions
from fundflow.reviews.batches import Batch
from fundflow.reviews.committees import Committee, Place
from fundflow.reviews.discussions import Discussion
from fundflow.reviews.forms import AssignForm, DeclareForm, DeclineForm, MinutesForm, WithdrawForm, ids_of
from fundflow.reviews.plans import Plan, plan_of
from fundflow.reviews.queries import Case
from fundflow.web import forms as declared
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item

pages = Blueprint("reviews", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages and put the queue into the navigation of reviewers."""
    app.register_blueprint(pages)
    nav_item(_l("Reviews"), "reviews.queue", in_group(REVIEWERS), 30)


@pages.get("/reviews")
@requires(signed_in)
def queue() -> ResponseReturnValue:
    """What the reviewer still has to do, what is due first at the top, and what was sent."""
    return render_template("reviews/queue.html", queue=queries.queue_for(g.actor), now=clock.now())


@pages.get("/reviews/<uuid:review_id>")
@requires(signed_in)
def show(review_id: UUID) -> ResponseReturnValue:
    """The declaration, then the sheet, then the sheet as it was sent; or another's sheet, to read."""
    case = queries.sheet_for(g.actor, review_id)
    if case.review.reviewer_id != g.actor.id:
        return _read(case)
    if case.review.conflict is None:
        return render_template("reviews/declare.html", case=case, form=DeclareForm())
    return _sheet(case)


@pages.route("/reviews/<uuid:review_id>/declare", methods=["GET", "POST"])
@requires(signed_in)
def declare(review_id: UUID) -> ResponseReturnValue:
    """Ask about a conflict and take the answer: shown once more first, because only a manager can undo it."""
    case = queries.place_for(g.actor, review_id)
    form = DeclareForm()
    answered = case.review.conflict
    if request.method != "POST":
        if answered is not None:
            return redirect(url_for(".show", review_id=review_id), 303)
        return render_template("reviews/declare.html", case=case, form=form)
    if not form.validate_on_submit():
        return render_template("reviews/declare.html", case=case, form=form), 422
    if answered is None and not form.is_confirmed:
        return render_template("reviews/declare_confirm.html", case=case, form=form)
    if not (answered == "none" and not form.has_conflict):  # the same answer sent twice changes nothing
        with transaction():
            service.declare(review_id, has_conflict=form.has_conflict, reason=form.reason.data or "", actor=g.actor)
    if form.has_conflict:
        flash(_("You have left this case. The fund has been told, and you need to do nothing more."), "success")
        return redirect(url_for(".queue"), 303)
    return redirect(url_for(".show", review_id=review_id), 303)


@pages.route("/reviews/<uuid:review_id>/decline", methods=["GET", "POST"])
@requires(signed_in)
def decline(review_id: UUID) -> ResponseReturnValue:
    """Give a request back that was not sent yet, for another reason than a conflict."""
    case = queries.place_for(g.actor, review_id)
    if case.step not in ("declare", "score", "draft"):
        return redirect(url_for(".show", review_id=review_id), 303)
    form = DeclineForm()
    if not form.validate_on_submit():
        status = 422 if request.method == "POST" else 200
        return render_template("reviews/decline.html", case=case, form=form), status
    with transaction():
        service.decline(review_id, form.reason.data or "", actor=g.actor)
    flash(_("You have given this request back. The fund has been told, and you need to do nothing more."), "success")
    return redirect(url_for(".queue"), 303)


@pages.post("/reviews/<uuid:review_id>")
@requires(signed_in)
def save(review_id: UUID) -> ResponseReturnValue:
    """Keep the draft; then stay, or go on to check and send it."""
    case = queries.place_for(g.actor, review_id)
    plan = _plan(case)
    bound = _bound(plan, None)
    try:
        with transaction():
            service.save(review_id, bound.stored(), revision=_revision(), actor=g.actor)
    except service.StaleSheet as stale:
        return _sheet(queries.place_for(g.actor, review_id), stale=stale), 409
    except service.ReviewClosed:
        return _late(case, bound.stored())
    if "send" in request.form:
        return redirect(url_for(".check", review_id=review_id), 303)
    flash(_("Your draft is saved."), "success")
    return redirect(url_for(".show", review_id=review_id), 303)


@pages.post("/reviews/<uuid:review_id>/autosave")
@requires(signed_in)
def autosave(review_id: UUID) -> ResponseReturnValue:
    """Keep the draft while it is written; answers in JSON, with the total so far."""
    plan = _plan(queries.place_for(g.actor, review_id))
    try:
        with transaction():
            saved = service.save(review_id, _bound(plan, None).stored(), revision=_revision(), actor=g.actor)
    except service.StaleSheet as stale:
        return jsonify(detail=sentence(stale), url=url_for(".show", review_id=review_id)), 409
    return jsonify(
        revision=saved.revision,
        saved_at=reader.utc(saved.saved_at),
        total=reader.decimal(saved.total.value, 2),
        scored=saved.total.scored,
        is_complete=saved.total.is_complete,
    )


@pages.get("/reviews/<uuid:review_id>/send")
@requires(signed_in)
def check(review_id: UUID) -> ResponseReturnValue:
    """The sheet once more before it is sent: what is missing, or the total and the button."""
    case = queries.place_for(g.actor, review_id)
    if case.step not in ("score", "draft"):
        return redirect(url_for(".show", review_id=review_id), 303)
    return _check(case)


@pages.post("/reviews/<uuid:review_id>/send")
@requires(signed_in)
def send(review_id: UUID) -> ResponseReturnValue:
    """Send the sheet for good."""
    case = queries.place_for(g.actor, review_id)
    if case.review.is_sent:
        flash(_("This sheet was already sent; nothing was changed."), "info")
        return redirect(url_for(".show", review_id=review_id), 303)
    try:
        with transaction():
            service.send(review_id, revision=_revision(), actor=g.actor)
    except service.AlreadySent:
        flash(_("This sheet was already sent; nothing was changed."), "info")
        return redirect(url_for(".show", review_id=review_id), 303)
    except (service.StaleSheet, service.SheetUnfinished) as refusal:
        return _check(queries.place_for(g.actor, review_id), refusal), refusal.status
    except service.ReviewClosed:
        return _late(case, case.review.data)
    flash(_("Your review is sent. Thank you."), "success")
    return redirect(url_for(".show", review_id=review_id), 303)


@pages.route("/reviews/<uuid:review_id>/revise", methods=["GET", "POST"])
@requires(signed_in)
def revise(review_id: UUID) -> ResponseReturnValue:
    """Revise a sent sheet once after a discussion: what was sent first is kept beside it."""
    case = queries.place_for(g.actor, review_id)
    plan = _plan(case)
    discussion = discussions.discussion_of(case.application, plan)
    if not case.is_open or not discussions.may_revise(case.review, discussion):
        flash(_("This sheet cannot be revised now; nothing was changed."), "info")
        return redirect(url_for(".show", review_id=review_id), 303)
    if request.method != "POST":
        return _revision_page(case, discussion, case.review.data)
    data = _bound(plan, None).stored()
    try:
        with transaction():
            service.revise(review_id, data, revision=_revision(), actor=g.actor)
    except (service.SheetUnfinished, service.StaleSheet) as refusal:
        again = queries.place_for(g.actor, review_id)
        return _revision_page(again, discussion, data, refusal), refusal.status
    flash(_("Your revised sheet is sent. The first one is kept."), "success")
    return redirect(url_for(".show", review_id=review_id), 303)


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


def _plan(case: Case) -> Plan:
    return plan_of(committees.workflow_of(case.application), case.review.name)


def _revision() -> int:
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _bound(plan: Plan, data: dict[str, Any] | None) -> declared.BoundForm:
    """The sheet's inputs with kept data in them, or (None) with what this request sent."""
    return declared.build(
        plan.form,
        reader.language(),
        plan.workflow.currency,
        data or {},
        sent=request.form if data is None else None,
        locale=reader.locale(),
    )


def _around(case: Case) -> dict[str, Any]:
    """What stands beside a sheet: the answers that the reader's cell opens, now."""
    plan = _plan(case)
    opened = commands.cell_of(case.application, g.actor).view
    sheets = {review.form for review in plan.workflow.reviews.values()}
    shown = [form for name, form in plan.workflow.forms.items() if name in opened and name not in sheets]
    return {
        "case": case,
        "plan": plan,
        "answers": [(form, applications.answers_of(case.application, form.id)) for form in shown],
        "files": files_of(case.application.id) if shown else {},
    }


def _sheet(case: Case, stale: service.StaleSheet | None = None) -> str:
    around = _around(case)
    plan: Plan = around["plan"]
    is_writable = case.step in ("score", "draft")
    data = dict(stale.mine) if stale else case.review.data
    names = {}
    peers = queries.peers_of(g.actor, case)
    if peers:
        names = people_named(each.review.reviewer_id for each in peers)
    # The minutes tell what the others found, so they open with the others' sheets.
    discussion = discussions.discussion_of(case.application, plan) if case.step == "sent" and case.is_current else None
    return render_template(
        "reviews/sheet.html",
        **around,
        bound=_bound(plan, data) if is_writable else None,
        total=plan.total(data),
        stale=stale,
        revision=stale.revision if stale else case.review.revision,
        peers=peers,
        names=names,
        discussion=discussion,
        may_revise=case.is_open and discussions.may_revise(case.review, discussion),
        queue=queries.queue_for(g.actor),
    )


def _late(case: Case, data: dict[str, Any]) -> ResponseReturnValue:
    """Keep what arrived after the review closed, so that nothing typed is lost, and say that it does not count."""
    try:
        with transaction():
            service.keep_late(case.review.id, data, revision=_revision(), actor=g.actor)
    except service.StaleSheet as stale:
        return _sheet(queries.place_for(g.actor, case.review.id), stale=stale), 409
    flash(_("The review had closed before this arrived. It is kept, marked as late, and does not count."), "warning")
    return redirect(url_for(".show", review_id=case.review.id), 303)


def _revision_page(
    case: Case, discussion: Discussion | None, data: dict[str, Any], refusal: Refused | None = None
) -> str:
    plan = _plan(case)
    return render_template(
        "reviews/revise.html",
        **_around(case),
        bound=_bound(plan, data),
        total=plan.total(data),
        discussion=discussion,
        missing=plan.missing(data) if refusal else [],
        refusal=refusal,
    )


def _read(case: Case) -> str:
    return render_template(
        "reviews/read.html",
        **_around(case),
        names=people_named([case.review.reviewer_id]),
        total=_plan(case).total(case.review.data),
        reads_committee=case.review.name in commands.cell_of(case.application, g.actor).view,
    )


def _check(case: Case, refusal: Refused | None = None) -> str:
    plan = _plan(case)
    missing = plan.missing(case.review.data)
    return render_template(
        "reviews/send.html",
        case=case,
        plan=plan,
        missing=missing,
        total=plan.total(case.review.data),
        refusal=refusal,
    )


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
