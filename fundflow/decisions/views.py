"""The pages of decision meetings: the list, the table, the release and what came of it, and the minutes.

What the actor may not read is not on them; whether something may be done, the services decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.db import db, transaction
from fundflow.decisions import agenda, execution, item_views, policy, queries, releasing, service, words
from fundflow.decisions.agenda import Line
from fundflow.decisions.forms import ActForm, MeetingForm
from fundflow.decisions.models import Meeting
from fundflow.decisions.pages import act_form, around, pages
from fundflow.errors import NotFound, Refused, Stale
from fundflow.rounds.models import Round
from fundflow.web import csv, reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.web.shell import nav_item

WITH = (execution, item_views)
"""Importing them has every worker carry out what was released, and serves the pages of single applications."""


def init_app(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(pages)
    nav_item(_l("Decisions"), "decisions.index", policy.readers, 40)
    app.jinja_env.globals.update(decision_kind=words.kind, decision_lack=words.lack)
    app.jinja_env.filters["names_of"] = _names_of


def _names_of(names: Mapping[UUID, str], people: Sequence[Any]) -> str:
    return ", ".join(names.get(UUID(str(person)), "") for person in people)


@pages.get("/meetings")
@requires(policy.readers)
def index() -> ResponseReturnValue:
    """Every meeting that the actor may see."""
    rounds = queries.rounds_for(g.actor)
    return render_template(
        "decisions/index.html", meetings=queries.meetings_for(g.actor), rounds=rounds, status=words.status
    )


@pages.route("/rounds/<slug>/meetings/new", methods=["GET", "POST"])
@requires(policy.preparers)
def begin(slug: str) -> ResponseReturnValue:
    """Begin a meeting with all that waits for a decision in a round."""
    round_ = next((each for each in queries.rounds_for(g.actor) if each.slug == slug), None)
    if round_ is None:
        raise NotFound
    form = _meeting_form(round_.id)
    if not form.is_submitted():
        form.key.data, form.day.data = str(uuid4()), clock.now().date()
        return _about_page(form, round_)
    if not form.validate():
        return _about_page(form, round_), 422
    try:
        with transaction():
            meeting = service.begin(round_, form.about, actor=g.actor, key=form.command_key(g.actor.id))
    except Refused as refusal:
        return _about_page(form, round_, says=sentences(refusal)), refusal.status
    return redirect(url_for(".show", meeting_id=meeting.id), 303)


@pages.route("/meetings/<uuid:meeting_id>/about", methods=["GET", "POST"])
@requires(policy.preparers)
def about(meeting_id: UUID) -> ResponseReturnValue:
    """Title, day, who was there, minutes, embargo."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    round_ = db.session.get_one(Round, meeting.round_id)
    form = _meeting_form(round_.id)
    if not form.is_submitted():
        form.revision.data = str(meeting.revision)
        form.title.data, form.day.data, form.minutes.data = meeting.title, meeting.day, meeting.minutes
        form.attended.data, form.embargo.data = meeting.attended, meeting.embargo_wall or ""
        return _about_page(form, round_, meeting)
    if not form.validate():
        return _about_page(form, round_, meeting), 422
    try:
        with transaction():
            service.describe(meeting_id, form.about, revision=form.seen_revision, actor=g.actor)
    except Refused as refusal:
        meeting = queries.meeting_for(g.actor, meeting_id)
        if isinstance(refusal, Stale):
            form.revision.data = str(meeting.revision)
        return _about_page(form, round_, meeting, sentences(refusal)), refusal.status
    flash(_("Saved."), "success")
    return redirect(url_for(".show", meeting_id=meeting_id), 303)


def _meeting_form(round_id: UUID) -> MeetingForm:
    form = MeetingForm()
    form.attended.choices = [(str(person), name) for person, name in queries.people_of(round_id).items()]
    return form


def _about_page(form: MeetingForm, round_: Round, meeting: Meeting | None = None, says: list[str] | None = None) -> str:
    return render_template("decisions/about.html", form=form, round=round_, meeting=meeting, says=says or [])


@pages.get("/meetings/<uuid:meeting_id>")
@requires(policy.readers)
def show(meeting_id: UUID) -> ResponseReturnValue:
    """The table, with what can be done next."""
    return _show(queries.meeting_for(g.actor, meeting_id))


def _show(meeting: Meeting, says: list[str] | None = None) -> str:
    table = agenda.agenda_of(meeting, g.actor)
    return render_template(
        "decisions/show.html",
        **around(meeting, table),
        form=act_form(meeting),
        says=says or [],
        acts=[(words.act(act.what), act, name) for act, name in queries.acts_of(meeting)],
        newcomers=len(queries.undecided(meeting.round_id)) if meeting.is_open else 0,
    )


@pages.post("/meetings/<uuid:meeting_id>/gather")
@requires(policy.preparers)
def gather(meeting_id: UUID) -> ResponseReturnValue:
    """Add what has come to wait for a decision since."""
    queries.meeting_for(g.actor, meeting_id)
    return _done(meeting_id, lambda: service.gather(meeting_id, actor=g.actor), _("Added."))


@pages.post("/meetings/<uuid:meeting_id>/items/<uuid:item_id>/leave-out")
@requires(policy.preparers)
def leave_out(meeting_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Leave an application to another meeting."""
    queries.meeting_for(g.actor, meeting_id)
    return _done(meeting_id, lambda: service.leave_out(meeting_id, item_id, actor=g.actor), _("Left out."))


@pages.post("/meetings/<uuid:meeting_id>/propose")
@requires(policy.preparers)
def propose(meeting_id: UUID) -> ResponseReturnValue:
    """Propose the release."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    if meeting.status == "proposed" and meeting.proposed_by == g.actor.id:
        # A second click on the same button.
        return redirect(url_for(".show", meeting_id=meeting_id), 303)
    revision = ActForm().seen_revision
    return _done(
        meeting_id,
        lambda: releasing.propose(meeting_id, revision=revision, actor=g.actor),
        _("Proposed. A second person has to release it."),
    )


@pages.post("/meetings/<uuid:meeting_id>/take-back")
@requires(policy.preparers)
def take_back(meeting_id: UUID) -> ResponseReturnValue:
    """Take back a proposal or a release."""
    queries.meeting_for(g.actor, meeting_id)
    return _done(
        meeting_id, lambda: releasing.take_back(meeting_id, actor=g.actor), _("Taken back. Nothing was carried out.")
    )


def _done(meeting_id: UUID, act: Any, says: str) -> ResponseReturnValue:
    try:
        with transaction():
            act()
    except Refused as refusal:
        if refusal.status in (403, 404):
            raise
        return _show(queries.meeting_for(g.actor, meeting_id), sentences(refusal)), refusal.status
    flash(says, "success")
    return redirect(url_for(".show", meeting_id=meeting_id), 303)


@pages.route("/meetings/<uuid:meeting_id>/release", methods=["GET", "POST"])
@requires(policy.preparers)
def release(meeting_id: UUID) -> ResponseReturnValue:
    """The totals once more, and the second person's button."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    if request.method != "POST":
        return _release_page(meeting)
    if meeting.released_by is not None and meeting.released_by == g.actor.id:
        # A second click on the same button.
        return redirect(url_for(".show", meeting_id=meeting_id), 303)
    attempt = ActForm().seen_attempt
    try:
        with transaction():
            releasing.release(meeting_id, attempt=attempt, actor=g.actor)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return _release_page(queries.meeting_for(g.actor, meeting_id), sentences(refusal)), refusal.status
    flash(_("Released. It is carried out by itself; until then it can be taken back."), "success")
    return redirect(url_for(".show", meeting_id=meeting_id), 303)


def _release_page(meeting: Meeting, says: list[str] | None = None) -> str:
    table = agenda.agenda_of(meeting, g.actor)
    counts = {
        kind: sum(line.kind == kind for line in table.waiting) for kind in ("award", "reserve", "later", "reject")
    }
    return render_template(
        "decisions/release.html",
        **around(meeting, table),
        form=act_form(meeting),
        says=says or [],
        counts=[(words.kind(kind), count) for kind, count in counts.items() if count],
        undo_minutes=reader.settings().undo_minutes,
    )


@pages.get("/meetings/<uuid:meeting_id>/minutes")
@requires(policy.readers)
def minutes(meeting_id: UUID) -> ResponseReturnValue:
    """The minutes as a page to print."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    table = agenda.agenda_of(meeting, g.actor)
    return render_template(
        "decisions/minutes.html",
        **around(meeting, table),
        acts=[(words.act(a.what), a, n) for a, n in queries.acts_of(meeting)],
    )


@pages.get("/meetings/<uuid:meeting_id>/minutes.csv")
@requires(policy.readers)
def minutes_csv(meeting_id: UUID) -> ResponseReturnValue:
    """The table as a spreadsheet."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    table = agenda.agenda_of(meeting, g.actor)
    header = [
        _("Rank"), _("Number"), _("City"), _("Title"), _("Score"), _("Recommendation"), _("Amount"), _("Currency"),
        _("Place on the reserve list"), _("Reason"), _("Out of order because"), _("Result"),
    ]  # fmt: skip
    rows = [_row(line) for line in table.lines if not line.is_hidden and line.is_readable]
    return csv.response(rows, header=header, filename=f"meeting-{meeting.day.isoformat()}.csv")


def _row(line: Line) -> list[Any]:
    application, done = line.application, line.item
    result = _("Done") if done.is_done else done.refusal or ""
    return [
        line.rank, application.number, line.city, application.title, line.score, words.kind(line.kind),
        line.amount if line.kind == "award" else None, application.currency, done.place, done.reason, done.exception,
        result,
    ]  # fmt: skip
