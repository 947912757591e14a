"""The pages of decision meetings: the list, the table, each application, its letters, the release and what came of it.

What the actor may not read is not on them; whether something may be done, the services decide.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Flask, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.applications.service import StaleDraft
from fundflow.awards.titles import document_title
from fundflow.db import db, transaction
from fundflow.decisions import agenda, execution, policy, queries, rehearsals, releasing, service, ways, words
from fundflow.decisions.agenda import Agenda, Line
from fundflow.decisions.forms import ActForm, ItemForm, MeetingForm
from fundflow.decisions.models import Meeting
from fundflow.decisions.rehearsals import Paper, Rehearsal
from fundflow.documents.templates import style_of
from fundflow.errors import NotFound, Refused, Stale
from fundflow.rounds.models import Round
from fundflow.web import csv, forms, reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.web.shell import CONTENT_SECURITY_POLICY, nav_item

pages = Blueprint("decisions", __name__)
JOBS = (execution,)
"""Importing it has every worker carry out what was released."""


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
        **_around(meeting, table),
        form=_act_form(meeting),
        says=says or [],
        acts=[(words.act(act.what), act, name) for act, name in queries.acts_of(meeting)],
        newcomers=len(queries.undecided(meeting.round_id)) if meeting.is_open else 0,
    )


def _around(meeting: Meeting, table: Agenda) -> dict[str, Any]:
    may_prepare = policy.may_prepare(g.actor, meeting.round_id)
    both = (meeting.proposed_by, meeting.released_by)
    return {
        "meeting": meeting,
        "round": db.session.get_one(Round, meeting.round_id),
        "table": table,
        "status": words.status(meeting.status),
        "may_prepare": may_prepare,
        "may_release": may_prepare and meeting.status == "proposed" and meeting.proposed_by != g.actor.id,
        "may_take_back": may_prepare
        and (meeting.status == "proposed" or (meeting.status == "released" and g.actor.id in both)),
    }


def _act_form(meeting: Meeting) -> ActForm:
    form = ActForm(formdata=None)
    form.revision.data, form.attempt.data = str(meeting.revision), str(meeting.attempt)
    return form


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
    queries.meeting_for(g.actor, meeting_id)
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
        **_around(meeting, table),
        form=_act_form(meeting),
        says=says or [],
        counts=[(words.kind(kind), count) for kind, count in counts.items() if count],
        undo_minutes=reader.settings().undo_minutes,
    )


@pages.route("/meetings/<uuid:meeting_id>/items/<uuid:item_id>", methods=["GET", "POST"])
@requires(policy.readers)
def item(meeting_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """What is recommended for one application."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    table, line = _line(meeting, item_id)
    form = _item_form(meeting, line)
    if not form.is_submitted():
        return _item_page(table, line, form, _bound(line, None))
    bound = _bound(line, request.form)
    if not form.validate() or (bound is not None and bound.errors):
        return _item_page(table, line, form, bound), 422
    told = service.Recommended(
        transition=form.transition.data or "",
        reason=form.reason.data or "",
        exception=form.exception.data or "",
        place=form.place.data,
        stayed_out=[UUID(each) for each in form.stayed_out.data or []],
        answers=None if bound is None else {**_untyped(line), **bound.stored()},
        answers_revision=form.seen_answers,
    )
    try:
        with transaction():
            service.recommend(meeting_id, item_id, told, revision=form.seen_revision, actor=g.actor)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        meeting = queries.meeting_for(g.actor, meeting_id)
        table, line = _line(meeting, item_id)
        if isinstance(refusal, Stale | StaleDraft):
            form.revision.data = str(line.item.revision)
            form.answers_revision.data = str(line.answers_revision if line.answers_revision is not None else "")
        return _item_page(table, line, form, bound, sentences(refusal)), refusal.status
    flash(_("Saved. Read its letters next."), "success")
    return redirect(url_for(".letters", meeting_id=meeting_id, item_id=item_id), 303)


def _line(meeting: Meeting, item_id: UUID) -> tuple[Agenda, Line]:
    """One line that the actor may read; what they stay away from does not exist for them."""
    table = agenda.agenda_of(meeting, g.actor)
    line = table.line(item_id)
    if line is None or line.is_hidden or not line.is_readable:
        raise NotFound
    return table, line


def _item_form(meeting: Meeting, line: Line) -> ItemForm:
    form = ItemForm(prefix="item-")
    language = reader.language()
    form.transition.choices = [
        (each.id, f"{words.kind(each.meeting)}: {each.label.in_(language)}")
        for each in ways.ways(line.workflow, line.application.state)
    ]
    names = accounts.people_named(UUID(each) for each in meeting.attended)
    form.stayed_out.choices = [(str(person), name) for person, name in names.items()]
    if not form.is_submitted():
        item = line.item
        form.revision.data, form.transition.data, form.place.data = str(item.revision), item.transition, item.place
        form.answers_revision.data = "" if line.answers_revision is None else str(line.answers_revision)
        form.reason.data, form.exception.data, form.stayed_out.data = item.reason, item.exception, item.stayed_out
    return form


def _bound(line: Line, sent: Any) -> forms.BoundForm | None:
    """The workflow's own form, without what follows from the meeting; None where nobody writes one."""
    if line.form is None:
        return None
    typed = ways.typed(line.form)
    data = {name: answer for name, answer in line.answers.items() if name in typed.fields}
    return forms.build(typed, reader.language(), line.application.currency, data, sent=sent, locale=reader.locale())


def _untyped(line: Line) -> dict[str, Any]:
    return {name: answer for name, answer in line.answers.items() if name in ways.FOLLOWING}


def _item_page(
    table: Agenda, line: Line, form: ItemForm, bound: forms.BoundForm | None, says: list[str] | None = None
) -> str:
    return render_template(
        "decisions/item.html",
        **_around(table.meeting, table),
        line=line,
        form=form,
        bound=bound,
        says=says or [],
        lacks=table.lacks(line),
        around=_neighbours(table, line),
    )


def _neighbours(table: Agenda, line: Line) -> tuple[Line | None, Line | None]:
    """The lines before and behind this one that the actor may read."""
    lines = [each for each in table.lines if not each.is_hidden and each.is_readable]
    at = next(number for number, each in enumerate(lines) if each.item.id == line.item.id)
    return lines[at - 1] if at else None, lines[at + 1] if at + 1 < len(lines) else None


@pages.get("/meetings/<uuid:meeting_id>/items/<uuid:item_id>/letters")
@requires(policy.readers)
def letters(meeting_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Every letter and mail that the decision would send, as it would be sent."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    return _letters(meeting, item_id)


def _letters(meeting: Meeting, item_id: UUID, refused: list[str] | None = None) -> Response:
    table, line = _line(meeting, item_id)
    digest = table.digest(line)
    form = _act_form(meeting)
    form.digest.data = digest
    page = {"line": line, "form": form, "digest": digest, "around": _neighbours(table, line)}
    page |= {"lacks": table.lacks(line), **_around(meeting, table)}
    found, says = _rehearsed(line)
    for each in (meeting, page["round"], line.application, line.item):
        db.session.refresh(each)
    html = render_template(
        "decisions/letters.html",
        **page,
        papers=[(document_title(each.kind), reader.language_name(each.language), each) for each in found.papers]
        if found
        else [],
        messages=found.messages if found else (),
        by=found.by if found else "",
        says=says,
        refused=refused or [],
    )
    response = Response(html)
    # The letters stand in frames of their own, with their own style and without anything that runs.
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response


def _rehearsed(line: Line) -> tuple[Rehearsal | None, list[str]]:
    if line.item.is_done or line.item.transition is None:
        return None, []
    try:
        return rehearsals.rehearse(line, g.actor), []
    except Refused as refusal:
        return None, sentences(refusal)


@pages.post("/meetings/<uuid:meeting_id>/items/<uuid:item_id>/letters")
@requires(policy.preparers)
def letters_read(meeting_id: UUID, item_id: UUID) -> ResponseReturnValue:
    """Note that these letters were read, and go on to the next."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    table, line = _line(meeting, item_id)
    digest = ActForm().digest.data or ""
    try:
        with transaction():
            service.read_letters(meeting_id, item_id, digest, actor=g.actor)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        response = _letters(queries.meeting_for(g.actor, meeting_id), item_id, sentences(refusal))
        response.status_code = refusal.status
        return response
    _before, behind = _neighbours(table, line)
    if behind is None:
        return redirect(url_for(".show", meeting_id=meeting_id), 303)
    return redirect(url_for(".letters", meeting_id=meeting_id, item_id=behind.item.id), 303)


@pages.get("/meetings/<uuid:meeting_id>/items/<uuid:item_id>/letters/<kind>.<language>.<any(html, pdf):form>")
@requires(policy.readers)
def letter(meeting_id: UUID, item_id: UUID, kind: str, language: str, form: str) -> ResponseReturnValue:
    """One letter as a page for its frame, or as the PDF that would be printed."""
    _table, line = _line(queries.meeting_for(g.actor, meeting_id), item_id)
    if line.item.is_done or line.item.transition is None:
        raise NotFound
    found = rehearsals.rehearse(line, g.actor)
    paper = next((each for each in found.papers if (each.kind, each.language) == (kind, language)), None)
    if paper is None:
        raise NotFound
    if form == "pdf":
        response = Response(paper.pdf(), mimetype="application/pdf")
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["Content-Disposition"] = f'inline; filename="{kind}-{language}.pdf"'
        return response
    return _framed(paper)


def _framed(paper: Paper) -> Response:
    """The page of a letter with its own style, which the policy names by its digest; nothing in it runs."""
    from fundflow.awards.kinds import KINDS

    style = style_of(KINDS[paper.kind].template, paper.texts)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = paper.html().replace("</head>", f"<style>{style}</style></head>", 1)
    response = Response(text, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'self'; sandbox"
    )
    return response


@pages.get("/meetings/<uuid:meeting_id>/minutes")
@requires(policy.readers)
def minutes(meeting_id: UUID) -> ResponseReturnValue:
    """The minutes as a page to print."""
    meeting = queries.meeting_for(g.actor, meeting_id)
    table = agenda.agenda_of(meeting, g.actor)
    return render_template(
        "decisions/minutes.html",
        **_around(meeting, table),
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
