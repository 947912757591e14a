"""The public pages of rounds, and the manager's: list, write, preview, publish, clone."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Flask, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts.policy import MANAGERS, in_group
from fundflow.db import transaction
from fundflow.errors import Stale
from fundflow.lifecycle import definitions
from fundflow.rounds import plans, policy, process, queries, service
from fundflow.rounds.forms import FIXED, PublishForm, RoundForm, typed
from fundflow.rounds.models import Round
from fundflow.rounds.plans import WrongRound
from fundflow.rounds.wall import happens_twice
from fundflow.web import reader
from fundflow.web.gate import Rule, public, requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item

pages = Blueprint("rounds", __name__)

managers = in_group(MANAGERS)
creators = Rule(policy.may_create, _l("a fund manager of every round"), "fund-managers of every round")


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    app.register_blueprint(pages)
    nav_item(_l("Rounds"), "rounds.index", lambda _actor: True, 20)
    nav_item(_l("Manage rounds"), "rounds.manage", managers, 60)


@pages.get("/rounds")
@public
def index() -> ResponseReturnValue:
    """Open, upcoming and closed rounds."""
    now = clock.now()
    return render_template(
        "rounds/index.html",
        open_rounds=queries.open_rounds(now),
        upcoming=queries.upcoming_rounds(now),
        closed=queries.closed_rounds(now),
        now=now,
    )


@pages.get("/rounds/<slug>")
@public
def show(slug: str) -> ResponseReturnValue:
    """Everything a city should know before it starts: terms, dates, questions, and how it is decided."""
    return _page(queries.round_for(g.actor, slug))


def _page(round_: Round, **more: object) -> str:
    workflow = definitions.get(round_.definition_sha)
    language = reader.language()
    return render_template(
        "rounds/show.html",
        round=round_,
        now=clock.now(),
        may_manage=policy.may_manage(g.actor, round_),
        questions=process.questions(workflow, language, round_.currency),
        steps=process.steps(workflow, language),
        ends=process.ends(workflow, language),
        diagram=process.diagram_of(workflow, language),
        tall_diagram=process.diagram_of(workflow, language, shape="tall"),
        ways=process.ways(workflow, language),
        twice={name for name in ("opens", "closes") if happens_twice(getattr(round_, f"{name}_wall"), round_.zone)},
        **more,
    )


@pages.get("/manage/rounds")
@requires(managers)
def manage() -> ResponseReturnValue:
    """Every round this manager is responsible for."""
    return render_template(
        "rounds/manage.html",
        rounds=queries.managed_rounds(g.actor),
        now=clock.now(),
        may_create=policy.may_create(g.actor),
    )


@pages.route("/manage/rounds/new", methods=["GET", "POST"])
@requires(creators)
def new() -> ResponseReturnValue:
    """Write a new round, as a draft."""
    form = RoundForm()
    if form.is_submitted():
        plan = form.plan() if form.validate() else None
        if plan is None:
            return render_template("rounds/edit.html", form=form, round=None), 422
        try:
            with transaction():
                round_ = service.create_round(plan, actor=g.actor)
        except WrongRound as refusal:
            form.say(refusal.problems)
            return render_template("rounds/edit.html", form=form, round=None), 422
        flash(_("The draft is saved. Look at it as cities will see it, then publish."), "success")
        return redirect(url_for(".preview", slug=round_.slug), 303)
    return render_template("rounds/edit.html", form=form, round=None)


@pages.route("/manage/rounds/<slug>/edit", methods=["GET", "POST"])
@requires(managers)
def edit(slug: str) -> ResponseReturnValue:
    """Change a draft, or what may still change of a published round."""
    round_ = queries.managed_round_for(g.actor, slug)
    round_id, form = round_.id, RoundForm(round_)
    if not form.is_submitted():
        return render_template("rounds/edit.html", form=form, round=round_)
    base = plans.plan_of(round_) if round_.status == "published" else None
    plan = form.plan(base) if form.validate() else None
    if plan is None:
        return render_template("rounds/edit.html", form=form, round=round_), 422
    try:
        with transaction():
            service.edit_round(round_, plan, revision=_number(form.revision.data), actor=g.actor)
    except WrongRound as refusal:
        form.say(refusal.problems)
        return render_template("rounds/edit.html", form=form, round=round_), 422
    except Stale as refusal:
        return _compare(round_id, form, refusal)
    flash(_("Saved."), "success")
    return redirect(url_for(".preview", slug=round_.slug), 303)


def _compare(round_id: UUID, form: RoundForm, refusal: Stale) -> ResponseReturnValue:
    """The page again with what was typed, beside what somebody else saved meanwhile; saving again then goes over it."""
    round_ = queries.managed_round_for(g.actor, round_id)
    now_stands = typed(plans.plan_of(round_))
    theirs = [
        (form[name].label.text, now_stands[name])
        for name in now_stands
        if name in form and name not in ("revision", "new_window") and (form[name].data or "") != now_stands[name]
    ]
    if round_.status == "published" and FIXED[0] in form:
        form.fix()
    form.revision.data = str(round_.revision)
    return render_template("rounds/edit.html", form=form, round=round_, conflict=refusal, theirs=theirs), 409


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else -1


@pages.get("/manage/rounds/<slug>")
@requires(managers)
def preview(slug: str) -> ResponseReturnValue:
    """The page as cities will see it, and what publishing will do."""
    round_ = queries.managed_round_for(g.actor, slug)
    return _preview(round_)


def _preview(round_: Round, problems: Sequence[str] = ()) -> str:
    form = PublishForm(formdata=None, revision=str(round_.revision))
    return _page(round_, preview=True, form=form, problems=list(problems), may_create=policy.may_create(g.actor))


@pages.post("/manage/rounds/<slug>/publish")
@requires(managers)
def publish(slug: str) -> ResponseReturnValue:
    """Open the round to the public. It is not undone."""
    form = PublishForm()
    if not form.validate():
        abort(400)
    try:
        with transaction():
            round_ = queries.managed_round_for(g.actor, slug)
            service.publish(round_, actor=g.actor, revision=_number(form.revision.data))
    except WrongRound as refusal:
        problems = [sentence(each) for each in refusal.problems.values()]
        return _preview(queries.managed_round_for(g.actor, slug), problems), 422
    except Stale as refusal:
        return _preview(queries.managed_round_for(g.actor, slug), [sentence(refusal)]), 409
    flash(_("%(title)s is published.", title=round_.title), "success")
    return redirect(url_for(".show", slug=round_.slug), 303)


@pages.post("/manage/rounds/<slug>/clone")
@requires(creators)
def clone(slug: str) -> ResponseReturnValue:
    """A new draft with the same settings, to which new dates are given next."""
    with transaction():
        copy = service.clone_round(queries.managed_round_for(g.actor, slug), actor=g.actor)
    flash(_("This is a copy with dates one year later. Give it its own title and dates."), "info")
    return redirect(url_for(".edit", slug=copy.slug), 303)
