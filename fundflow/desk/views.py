"""The front page, everybody's home, the page of an application, and the page on which a step is taken."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import ADMINISTRATORS, AUDITORS, MANAGERS, REVIEWERS, administrator, in_group, signed_in
from fundflow.accounts.queries import cities_of
from fundflow.applications.policy import SEE_ROUNDS
from fundflow.applications.queries import application_for
from fundflow.desk import board, queries, tasks
from fundflow.desk.masks import Masks
from fundflow.desk.story import place_label, story_of
from fundflow.jobs.queries import counts
from fundflow.lifecycle import brakes, definitions
from fundflow.lifecycle.overrides import open_wishes
from fundflow.reviews.queries import queue_for
from fundflow.rounds.policy import SEES_MONEY
from fundflow.rounds.queries import open_rounds, upcoming_rounds
from fundflow.studio.queries import changes_for, waiting_for
from fundflow.web import reader
from fundflow.web.gate import public, requires
from fundflow.web.shell import nav_item

pages = Blueprint("desk", __name__)

staff = in_group(*SEE_ROUNDS)


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    # The lists, and the pages beside these, hang their routes on the same blueprint.
    from fundflow.desk import acting, award, collecting, deadlines, flow, lists, officers, overrides, payment, plan  # noqa: F401  # noqa: F401

    app.register_blueprint(pages)
    nav_item(_l("Home"), "desk.home", signed_in, 10)
    nav_item(_l("Overrides"), "desk.every_override", administrator, 85)
    lists.add_to_navigation()
    deadlines.add_to_navigation()


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
    proposed = [*tasks.of_versions(waiting_for(actor)), *tasks.of_rules(changes_for(actor))]
    desk.tasks = sorted([*desk.tasks, *proposed], key=tasks.by_date)
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
        brake=brakes.standing() if actor.is_in(ADMINISTRATORS) else None,
        wishes=len(open_wishes()) if actor.is_in(ADMINISTRATORS) else 0,
        is_auditor=actor.is_in(AUDITORS),
        sees_money=actor.is_in(*SEES_MONEY),
        works_on_rounds=works_on_rounds,
    )


@pages.get("/applications/<uuid:application_id>")
@requires(signed_in)
def show(application_id: UUID) -> ResponseReturnValue:
    """One application: what it is, where it stands, what needs this person now, what comes next, what happened."""
    application = application_for(g.actor, application_id)
    now = clock.now()
    return render_template("desk/application.html", story=story_of(g.actor, application, now), now=now, says=[])
