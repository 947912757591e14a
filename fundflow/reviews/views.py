"""The pages of reviewers: their queue, the declaration, and the score sheet; and the sheets others may read.

A case that is not the person's to see answers like one that does not exist, whatever the address says.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import REVIEWERS, in_group, signed_in
from fundflow.accounts.queries import people_named
from fundflow.applications import service as applications
from fundflow.applications.queries import files_of
from fundflow.db import transaction
from fundflow.errors import Refused
from fundflow.lifecycle import commands
from fundflow.reviews import assigning, committees, discussions, queries, service
from fundflow.reviews.discussions import Discussion
from fundflow.reviews.forms import DeclareForm, DeclineForm
from fundflow.reviews.pages import pages
from fundflow.reviews.queries import Case
from fundflow.web import forms as declared
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item
from fundflow.workflow.plans import Plan, plan_of


def init_app(app: Flask) -> None:
    """Serve the pages, those of the committee too, and put the queue into the navigation of reviewers."""
    app.register_blueprint(assigning.pages)
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
