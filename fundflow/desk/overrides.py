"""The pages on which two administrators override what people decide: asking, with a reason, and answering.

An administrator is shown where an application stands and nothing of what is in it; being one gives no role on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import auth_required

from fundflow.accounts import queries as accounts
from fundflow.accounts.models import City
from fundflow.accounts.policy import administrator
from fundflow.accounts.sign_in import FRESH_MINUTES
from fundflow.applications import queries as applications
from fundflow.db import db, transaction
from fundflow.desk.forms import ActForm, AnswerForm, act_form
from fundflow.desk.history import override_words
from fundflow.desk.views import pages
from fundflow.errors import NotFound, Refused, Stale
from fundflow.lifecycle import definitions, overrides
from fundflow.lifecycle.models import Application, Override
from fundflow.lifecycle.refusals import ReasonMissing, WrongInput
from fundflow.rounds import process
from fundflow.web import reader
from fundflow.web.fields import clean
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence, sentences
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Transition

FOUND = 20
"""How many applications one search shows."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An override in words."""

    override: Override
    number: str
    city: str
    step: str
    asked_by: str
    answered_by: str
    has_run_out: bool


@pages.get("/overrides")
@requires(administrator)
@auth_required("session", within=FRESH_MINUTES)
def every_override() -> ResponseReturnValue:
    """What waits for a second administrator, and the way to an application by its number."""
    search = clean(request.args.get("q", "")).strip()[:100]
    return render_template(
        "desk/overrides.html", wishes=_wishes(overrides.open_wishes()), search=search, found=_found(search)
    )


def _found(search: str) -> list[tuple[UUID, str, str]] | None:
    """Running applications whose number or city contains the words: (id, number, city)."""
    if not search:
        return None
    query = (
        sa.select(Application.id, Application.number, City.name)
        .join(City, City.id == Application.city_id)
        .where(
            Application.outcome.is_(None),
            sa.or_(Application.number.icontains(search, autoescape=True), City.name.icontains(search, autoescape=True)),
        )
        .order_by(Application.number)
        .limit(FOUND)
    )
    return [(found_id, number, city) for found_id, number, city in db.session.execute(query)]


@pages.get("/applications/<uuid:application_id>/override")
@requires(administrator)
@auth_required("session", within=FRESH_MINUTES)
def override(application_id: UUID) -> ResponseReturnValue:
    """The steps that lead on from where an application stands, to choose one to override."""
    application = _application(application_id)
    return render_template(
        "desk/override.html",
        **_about(application),
        ways=[(each, each.label.in_(reader.language()), child) for each, child in overrides.ways(application)],
        wishes=_wishes(overrides.open_wishes(application.id)),
    )


def _application(application_id: UUID) -> Application:
    """The application, for an administrator who had nothing to do with it."""
    found = db.session.get(Application, application_id)
    if found is None:
        raise NotFound
    overrides.check_may_ask(g.actor, found)
    return found


def _about(application: Application) -> dict[str, object]:
    workflow = definitions.get(application.definition_sha)
    city, round_title = applications.place_of(application)
    return {
        "application": application,
        "city": city,
        "round_title": round_title,
        "place": workflow.states[application.state].label.in_(reader.language()),
    }


@pages.route("/applications/<uuid:application_id>/override/<transition>", methods=["GET", "POST"])
@requires(administrator)
@auth_required("session", within=FRESH_MINUTES)
def ask_override(application_id: UUID, transition: str) -> ResponseReturnValue:
    """Ask for one step against its conditions; nothing happens until a second administrator approves it."""
    application = _application(application_id)
    child = request.args.get("of") or None
    step = next((each for each, key in overrides.ways(application) if (each.id, key) == (transition, child)), None)
    if step is None:
        raise NotFound
    form = _ask_form(step, application)
    if not form.is_submitted():
        return _ask_page(application, step, child, form)
    if not form.validate():
        return _ask_page(application, step, child, form), 422
    says: list[str] = []
    try:
        with transaction():
            wish = overrides.ask(
                application_id,
                transition,
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=form.seen_revision,
                reason=form.reason_given or "",
                child=child,
                input=form.inputs(),
            )
    except ReasonMissing as refusal:
        form.say({"reason": refusal})
        status = 422
    except WrongInput as refusal:
        form.say(refusal.problems)
        status = 422
    except Refused as refusal:
        if refusal.status == 404:
            raise
        says, status = sentences(refusal), refusal.status
    else:
        flash(_("Asked. The other administrators are told by mail."), "success")
        return redirect(url_for("desk.answer_override", override_id=wish.id), 303)
    application = _application(application_id)
    if status == Stale.status:
        form.look_again(application.revision)
    return _ask_page(application, step, child, form, says), status


def _ask_form(step: Transition, application: Application) -> ActForm:
    form = act_form(step, application, reader.language(), application.revision, always_reason=True)
    form["reason"].description = _("It is kept for ever, and everybody of the fund on this application reads it.")
    return form


def _ask_page(
    application: Application, step: Transition, child: str | None, form: ActForm, says: list[str] | None = None
) -> str:
    decision = overrides.preview(application, step.id, child, actor=g.actor)
    language, workflow = reader.language(), definitions.get(application.definition_sha)
    leads_to = "" if child else process.leads_to(workflow, step, application.state, language)
    return render_template(
        "desk/override_ask.html",
        **_about(application),
        label=step.label.in_(language),
        child=child,
        form=form,
        says=says or [],
        leads_to=leads_to,
        **_conditions(decision),
    )


def _conditions(decision: Decision) -> dict[str, list[str]]:
    language = reader.language()
    overridden = [(override_words(clause.kind), clause.sentence(language)) for clause in decision.overridden]
    return {
        "overridden": [_("%(what)s: %(says)s", what=what, says=says) for what, says in overridden],
        "refusals": decision.refusals(language),
    }


@pages.route("/overrides/<uuid:override_id>", methods=["GET", "POST"])
@requires(administrator)
@auth_required("session", within=FRESH_MINUTES)
def answer_override(override_id: UUID) -> ResponseReturnValue:
    """What is asked for, and the second administrator's answer."""
    wish, application = overrides.wish_for(g.actor, override_id)
    form = AnswerForm()
    if not form.is_submitted():
        return _answer_page(wish, application, form)
    if form.validate() and form.answer.data == "refuse" and not (form.reason.data or "").strip():
        form.reason.errors = [*form.reason.errors, sentence(ReasonMissing())]
    if form.errors:
        return _answer_page(wish, application, form), 422
    is_approved = form.answer.data == "approve"
    if is_approved and wish.approved_by == g.actor.id:
        # A second click on the same button.
        return redirect(url_for("desk.answer_override", override_id=override_id), 303)
    try:
        with transaction():
            if is_approved:
                overrides.approve(override_id, actor=g.actor)
            else:
                overrides.refuse(override_id, actor=g.actor, answer=form.reason.data or "")
    except Refused as refusal:
        wish, application = overrides.wish_for(g.actor, override_id)
        return _answer_page(wish, application, form, sentences(refusal)), refusal.status
    flash(_("Approved, and done.") if is_approved else _("Refused. Nothing was done."), "success")
    return redirect(url_for("desk.answer_override", override_id=override_id), 303)


def _answer_page(wish: Override, application: Application, form: AnswerForm, says: list[str] | None = None) -> str:
    is_open = wish.answered_at is None and not overrides.has_run_out(wish, application)
    conditions: dict[str, list[str]] = {"overridden": [], "refusals": []}
    if is_open:
        conditions = _conditions(overrides.preview(application, wish.transition, wish.child, actor=g.actor))
    return render_template(
        "desk/override_answer.html",
        **_about(application),
        wish=_wishes([wish])[0],
        form=form,
        says=says or [],
        is_open=is_open,
        is_mine=wish.asked_by == g.actor.id,
        **conditions,
    )


def _wishes(found: list[Override]) -> list[Wish]:
    names = accounts.people_named(
        person for each in found for person in (each.asked_by, each.approved_by, each.refused_by)
    )
    told = []
    for each in found:
        application = db.session.get_one(Application, each.application_id)
        city, _round = applications.place_of(application)
        step = definitions.get(application.definition_sha).find(each.transition)
        answered_by = each.approved_by or each.refused_by
        told.append(
            Wish(
                each,
                application.number,
                city,
                step.label.in_(reader.language()) if step else each.transition,
                names.get(each.asked_by, ""),
                names.get(answered_by, "") if answered_by else "",
                overrides.has_run_out(each, application),
            )
        )
    return told
