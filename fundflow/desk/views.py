"""The front page, everybody's home, the page of an application, and the page on which a step is taken."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import ADMINISTRATORS, AUDITORS, MANAGERS, REVIEWERS, administrator, in_group, signed_in
from fundflow.accounts.queries import cities_of
from fundflow.applications.policy import SEE_ROUNDS
from fundflow.applications.queries import application_for
from fundflow.db import transaction
from fundflow.desk import board, queries, tasks
from fundflow.desk.forms import ActForm, act_form
from fundflow.desk.masks import Masks, Sight
from fundflow.desk.story import deadline_of, place_label, seen_revision, sight_of, story_of, tone_of
from fundflow.errors import NotFound, Refused, Stale
from fundflow.jobs.queries import counts
from fundflow.lifecycle import commands, definitions
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.overrides import open_wishes
from fundflow.lifecycle.refusals import ReasonMissing, WrongInput
from fundflow.money import Money
from fundflow.reviews.queries import queue_for
from fundflow.rounds import process
from fundflow.rounds.queries import open_rounds, upcoming_rounds
from fundflow.web import reader
from fundflow.web.gate import public, requires
from fundflow.web.refusals import sentences
from fundflow.web.shell import nav_item
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Transition

pages = Blueprint("desk", __name__)

staff = in_group(*SEE_ROUNDS)


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    # The lists, and the pages beside these, hang their routes on the same blueprint.
    from fundflow.desk import lists, officers, overrides  # noqa: F401

    app.register_blueprint(pages)
    nav_item(_l("Home"), "desk.home", signed_in, 10)
    nav_item(_l("Overrides"), "desk.every_override", administrator, 85)
    lists.add_to_navigation()


@pages.get("/")
@public
def landing() -> ResponseReturnValue:
    """What the fund is, and the rounds that are open; whoever is signed in goes straight home."""
    if g.actor.is_signed_in:
        return redirect(url_for(".home"))
    now = clock.now()
    return render_template("desk/landing.html", open_rounds=open_rounds(now), upcoming=upcoming_rounds(now), now=now)


@pages.get("/home")
@requires(signed_in)
def home() -> ResponseReturnValue:
    """What needs this person now, the nearest date first; then what is going on without them."""
    actor, now = g.actor, clock.now()
    workflows = queries.workflows_in_use()
    desk, masks = tasks.desk_of(actor, workflows), Masks(actor, workflows)
    queue = queue_for(actor) if actor.is_in(REVIEWERS) else None
    if queue is not None:
        desk.tasks = sorted([*desk.tasks, *tasks.of_reviews(queue.waiting)], key=tasks.by_date)
    works_on_rounds = staff(actor)
    names = board.Names(workflows, reader.language())
    return render_template(
        "desk/home.html",
        now=now,
        desk=desk,
        queue=queue,
        lanes=board.lanes(queries.heaps(actor, masks), names) if works_on_rounds else [],
        lapsing=queries.lapsing(actor) if actor.is_in(MANAGERS) else [],
        ended=queries.ended_of(actor),
        place_label=lambda row: place_label(
            masks.sight(row.application, definitions.get(row.application.definition_sha)),
            row.application,
            reader.language(),
        ),
        rounds=[] if actor.groups else open_rounds(now),
        cities=[] if actor.groups and not actor.teams else cities_of(actor),
        invitations=queries.invitations_for(actor) if not actor.groups and not actor.teams else [],
        jobs=counts() if actor.is_in(ADMINISTRATORS) else None,
        wishes=len(open_wishes()) if actor.is_in(ADMINISTRATORS) else 0,
        is_auditor=actor.is_in(AUDITORS),
        works_on_rounds=works_on_rounds,
    )


@pages.get("/applications/<uuid:application_id>")
@requires(signed_in)
def show(application_id: UUID) -> ResponseReturnValue:
    """One application: what it is, where it stands, what needs this person now, what comes next, what happened."""
    application = application_for(g.actor, application_id)
    now = clock.now()
    may_override = g.actor.is_in(ADMINISTRATORS)
    story = story_of(g.actor, application, now)
    return render_template("desk/application.html", story=story, now=now, may_override=may_override)


@pages.route("/applications/<uuid:application_id>/do/<transition>", methods=["GET", "POST"])
@requires(signed_in)
def act(application_id: UUID, transition: str) -> ResponseReturnValue:
    """Take one step of the workflow: what it causes, what it asks for, and the button.

    A refused step answers with its sentences and with everything that was typed: 422 where something is to be
    corrected, 409 where things stand differently now.
    """
    received_at = clock.now()
    application = application_for(g.actor, application_id)
    step = definitions.get(application.definition_sha).transitions.get(transition)
    if step is None or not _may_ever(application, step):
        raise NotFound
    sight = sight_of(g.actor, application)
    seen = seen_revision(sight, application)
    form = act_form(step, application, reader.language(), seen)
    if not form.is_submitted():
        return _act_page(sight, application, step, form)
    if not form.validate():
        return _act_page(sight, application, step, form), 422
    # What the person cannot tell has changed does not make their page an old one.
    revision = application.revision if form.seen_revision == seen else -1
    key = form.command_key(application, g.actor.id)
    says: list[str] = []
    try:
        with transaction():
            commands.fire(
                application_id,
                transition,
                actor=g.actor,
                key=key,
                revision=revision,
                reason=form.reason_given,
                input=form.inputs(),
                received_at=received_at,
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
        flash(_("Done: %(step)s.", step=step.label.in_(reader.language())), "success")
        return redirect(url_for(".show", application_id=application_id), 303)
    application = application_for(g.actor, application_id)
    if status == Stale.status:
        form.look_again(seen_revision(sight, application))
    return _act_page(sight, application, step, form, says), status


def _may_ever(application: Application, step: Transition) -> bool:
    """Whether one of this person's roles starts this step from anywhere; who never could is told of no such page."""
    return bool(commands.roles_of(application, g.actor) & step.by)


def _act_page(
    sight: Sight, application: Application, step: Transition, form: ActForm, says: list[str] | None = None
) -> str:
    workflow, shown = sight.workflow, sight.shown(application.state)
    # Whatever is told of the step is told from where the person is shown it.
    state = shown if shown in step.sources else application.state
    language = reader.language()
    decision = _decision(application, step.id)
    minor = application.requested_minor
    amount = None if minor is None else Money(minor, application.currency)
    return render_template(
        "desk/act.html",
        application=application,
        place=place_label(sight, application, language),
        step=step,
        label=step.label.in_(language),
        help=step.help.in_(language) if step.help else "",
        tone=tone_of(workflow, step, state) if state in step.sources else "primary",
        form=form,
        says=says or [],
        refusals=list(dict.fromkeys(decision.refusals(language)))
        if decision and not decision.allowed and not says
        else [],
        is_open=decision is not None and decision.allowed,
        is_possible=decision is not None,
        leads_to=process.leads_to(workflow, step, state, language),
        consequences=process.consequences(workflow, step.do, language, amount),
        amount=amount if application.city_id in g.actor.city_ids or application.submitted_at else None,
        deadline=deadline_of(application, step),
    )


def _decision(application: Application, transition: str) -> Decision | None:
    return next((each for each in commands.available(application, g.actor) if each.transition == transition), None)
