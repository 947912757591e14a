"""The pages of one application of a meeting: what is recommended, and every letter that the decision would send.

What the actor may not read, or stays away from, does not exist here.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts import queries as accounts
from fundflow.applications.service import StaleDraft
from fundflow.awards.kinds import KINDS
from fundflow.awards.titles import document_title
from fundflow.db import db, transaction
from fundflow.decisions import agenda, policy, queries, rehearsals, service, ways, words
from fundflow.decisions.agenda import Agenda, Line
from fundflow.decisions.forms import ActForm, ItemForm
from fundflow.decisions.models import Meeting
from fundflow.decisions.pages import act_form, around, pages
from fundflow.decisions.rehearsals import Paper, Rehearsal
from fundflow.documents.templates import style_of
from fundflow.errors import NotFound, Refused, Stale
from fundflow.web import forms, reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.web.shell import CONTENT_SECURITY_POLICY

ON_SCREEN = "@media screen { body { margin: 2rem; } }"
"""A letter has its margins from the paper, which a frame does not have."""


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
        **around(table.meeting, table),
        line=line,
        form=form,
        bound=bound,
        says=says or [],
        lacks=table.lacks(line),
        neighbours=_neighbours(table, line),
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
    form = act_form(meeting)
    form.digest.data = digest
    page = {"line": line, "form": form, "digest": digest, "neighbours": _neighbours(table, line)}
    page |= {"lacks": table.lacks(line), **around(meeting, table)}
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
    style = style_of(KINDS[paper.kind].template, paper.texts) + ON_SCREEN
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = paper.html().replace("</head>", f"<style>{style}</style></head>", 1)
    response = Response(text, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'self'; sandbox"
    )
    return response
