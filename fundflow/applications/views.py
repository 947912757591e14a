"""Pages of the applicant's side: starting an application, its forms, their saving, and files.

Refuses to lose what was typed: whatever keeps an answer from being saved, the page that says so shows it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage, MultiDict

from fundflow import storage
from fundflow.accounts import queries as accounts
from fundflow.accounts.policy import signed_in
from fundflow.applications import pages as drawn
from fundflow.applications import queries, service, uploads
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import commands
from fundflow.lifecycle.models import Application
from fundflow.rounds.queries import round_for
from fundflow.web import forms, reader, refusals
from fundflow.web.gate import requires
from fundflow.workflow.forms import Form

pages = Blueprint("applications", __name__)


def init_app(app: Flask) -> None:
    """Register the pages, and what templates draw declared forms with."""
    forms.init_app(app)
    app.register_error_handler(OSError, _no_room)
    app.register_blueprint(pages)


def _no_room(problem: OSError) -> ResponseReturnValue:
    """A disk that is full already while an upload is read in is told like one that is full when it is kept."""
    if storage.is_full(problem):
        return current_app.handle_user_exception(storage.StorageFull())
    raise problem


@pages.get("/rounds/<slug>/apply")
@requires(signed_in)
def choose(slug: str) -> ResponseReturnValue:
    """For whom to apply: asked only of who acts for several cities, or for none yet."""
    round_ = round_for(g.actor, slug)
    return render_template("applications/start.html", round=round_, cities=accounts.cities_of(g.actor))


@pages.post("/rounds/<slug>/apply")
@requires(signed_in)
def start(slug: str) -> ResponseReturnValue:
    """Begin the city's application; whoever comes second is led to the one that is there."""
    round_ = round_for(g.actor, slug)
    cities = accounts.cities_of(g.actor)
    wanted = request.form.get("city") or (str(cities[0].id) if len(cities) == 1 else "")
    city = next((each for each in cities if str(each.id) == wanted), None)
    if city is None:
        return redirect(url_for(".choose", slug=slug), 303)
    try:
        with transaction():
            application = service.start(round_, city, g.actor)
    except service.AlreadyApplied as there:
        flash(refusals.sentence(there), "info")
        application = there.application
    return redirect(url_for(".edit", application_id=application.id, form=_first_form(application)), 303)


def _first_form(application: Application) -> str:
    """The form to open: the first the actor may edit, else the first they may see."""
    cell = commands.cell_of(application, g.actor)
    workflow = service.workflow_of(application)
    for allowed in (cell.edit, cell.view):
        for name in workflow.answer_forms:
            if name in allowed:
                return name
    raise NotFound


@pages.get("/applications/<uuid:application_id>/forms/<form>")
@requires(signed_in)
def edit(application_id: UUID, form: str) -> ResponseReturnValue:
    """One form to fill in, or to read for whoever may not edit it now."""
    application = queries.application_for(g.actor, application_id)
    declared, is_open = service.readable_form(application, form, g.actor)
    row = queries.answers_row(application.id, form)
    if not is_open:
        return render_template("applications/read.html", **drawn.reading(application, declared, row, g.actor))
    bound = _bound(application, declared, queries.data_of(row))
    if name := request.args.get("add"):
        bound.press({"add-row": name})
    # Tells the script that what it kept in the browser before sending the page has arrived.
    arrived = session.pop("saved", None) == f"{application_id}:{form}"
    return _page(application, bound, revision=row.revision if row else 0, just_saved=arrived)


@pages.post("/applications/<uuid:application_id>/forms/<form>")
@requires(signed_in)
def save(application_id: UUID, form: str) -> ResponseReturnValue:
    """Keep a draft as far as it goes, then whatever button was pressed: a row more or less, a file in or out."""
    application = queries.application_for(g.actor, application_id)
    declared, _is_open = service.readable_form(application, form, g.actor)
    kept = service.answers_of(application, form)
    bound = _bound(application, declared, kept, request.form)
    bound.press({"remove-row": request.form.get("remove-row", "")})
    data = _with_choices(bound.stored(), kept)
    try:
        with transaction():
            service.save(application, form, data, _revision(), g.actor)
    except service.StaleDraft as stale:
        return _compare(application, bound, stale), 409
    except (service.ReadOnly, service.TooLate) as closed:
        return _closed(application, bound, closed), closed.status
    problems = _attach_all(application, declared)
    anchor = _obey(application, form)
    if problems:
        bound = _bound(application, declared, service.answers_of(application, form))
        row = queries.answers_row(application.id, form)
        page = _page(application, bound, revision=row.revision if row else 0, more=problems)
        return page, 422
    if bound.errors:
        flash(_("Saved. Some answers cannot be read yet; they are marked below."), "warning")
    elif not anchor:
        flash(_("Saved."), "success")
    session["saved"] = f"{application_id}:{form}"
    added = request.form.get("add-row") or None
    return redirect(url_for(".edit", application_id=application_id, form=form, add=added, _anchor=anchor), 303)


@pages.post("/applications/<uuid:application_id>/forms/<form>/autosave")
@requires(signed_in)
def autosave(application_id: UUID, form: str) -> ResponseReturnValue:
    """Saving, for the script: JSON out, and 409 with both versions of what differs when a colleague was first."""
    application = queries.application_for(g.actor, application_id)
    declared, _is_open = service.readable_form(application, form, g.actor)
    bound = _bound(application, declared, service.answers_of(application, form), request.form)
    try:
        with transaction():
            saved = service.save(application, form, bound.stored(), _revision(), g.actor)
    except service.StaleDraft as stale:
        says = _("%(sentence)s Press “Save” to see both.", sentence=refusals.sentence(stale))
        differs = {name: {"mine": stale.mine.get(name), "theirs": stale.theirs.get(name)} for name in stale.fields}
        return jsonify(detail=says, revision=stale.revision, by=stale.by, differs=differs), 409
    return jsonify(revision=saved.revision, saved_at=reader.utc(saved.saved_at), problems=drawn.told(bound))


@pages.post("/applications/<uuid:application_id>/forms/<form>/files/<field_id>")
@requires(signed_in)
def upload(application_id: UUID, form: str, field_id: str) -> ResponseReturnValue:
    """Attach files to one question: JSON for the script that asks for it, else back to the form."""
    application = queries.application_for(g.actor, application_id)
    declared, is_open = service.readable_form(application, form, g.actor)
    service.file_field(declared, field_id)
    if not is_open:
        raise service.ReadOnly(form=declared.title)
    problems = _attach_all(application, declared, only=field_id)
    if refusals.wants_json():
        held = queries.files_of(application.id, form)
        there = service.answers_of(application, form).get(field_id) or []
        files = [drawn.file_entry(held[each]) for each in there if each in held]
        return jsonify(files=files, detail=" ".join(problems)), 422 if problems else 200
    for each in problems:
        flash(each, "error")
    return redirect(url_for(".edit", application_id=application_id, form=form, _anchor=field_id), 303)


@pages.get("/files/<uuid:file_id>")
@requires(signed_in)
def file(file_id: UUID) -> ResponseReturnValue:
    """A file to save, never to be shown inside a page of ours."""
    found = service.file_for(g.actor, file_id)
    content = storage.stream(found.sha256)
    answer = Response(stream_with_context(content), mimetype=found.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=found.name)
    answer.headers["Content-Length"] = str(found.size)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _bound(application: Application, form: Form, data: Mapping[str, Any], sent: Any = None) -> forms.BoundForm:
    return forms.build(form, reader.language(), application.currency, data, sent=sent, locale=reader.locale())


def _revision() -> int:
    """What the page was made from; a request that does not say is taken as made from nothing, so never overwrites."""
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _with_choices(data: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """After a comparison: what the person chose to take over from the colleague, field by field."""
    for name, choice in request.form.items():
        field = name.removeprefix("choice-")
        if name.startswith("choice-") and choice == "theirs":
            data.pop(field, None)
            if field in kept:
                data[field] = kept[field]
    return data


def _page(
    application: Application, bound: forms.BoundForm, *, revision: int, more: list[str] | None = None, **extra: Any
) -> str:
    base = drawn.fingerprints(bound.declared, bound.stored())
    return render_template(
        "applications/edit.html",
        **drawn.editing(application, bound, g.actor),
        **{"revision": revision, "more": more or [], "base": base, "conflicts": [], **extra},
    )


def _compare(application: Application, bound: forms.BoundForm, stale: service.StaleDraft) -> str:
    """The form with what the person typed, and above it both versions of every answer that differs."""
    return _page(
        application,
        bound,
        revision=stale.revision,
        conflicts=drawn.conflicts(bound, stale, request.form.get("base", "")),
        base=request.form.get("base", ""),
        other=stale.by,
    )


def _closed(application: Application, bound: forms.BoundForm, refusal: Refused) -> str:
    """What was typed, to be copied, where the form can take it no more."""
    row = queries.answers_row(application.id, bound.declared.id)
    return render_template(
        "applications/closed.html",
        says=refusals.sentence(refusal),
        typed=drawn.typed(bound),
        **drawn.reading(application, bound.declared, row, g.actor),
    )


def _attach_all(application: Application, form: Form, only: str | None = None) -> list[str]:
    """Keep and attach every file of the request; a sentence for each that was refused."""
    problems: list[str] = []
    for name, sent in _uploads(form, only):
        # The content goes to its storage first, while no transaction holds anything that others wait for.
        db.session.rollback()
        try:
            received = uploads.receive(form.fields[name], sent.filename or "", sent.stream)
            with transaction():
                service.attach(application, form.id, name, received, g.actor)
        except NotFound:
            raise
        except Refused as refusal:
            problems.append(refusals.sentence(refusal))
    return problems


def _uploads(form: Form, only: str | None) -> list[tuple[str, FileStorage]]:
    questions = [name for name, field in form.fields.items() if field.type == "file" and only in (None, name)]
    sent: MultiDict[str, FileStorage] = request.files
    return [
        (name, each)
        for name in questions
        for key in ((f"upload-{name}", "file") if only else (f"upload-{name}",))
        for each in sent.getlist(key)
        if each.filename
    ]


def _obey(application: Application, form: str) -> str | None:
    """The buttons beside saving; where on the page the person goes on."""
    if pressed := request.form.get("remove-file"):
        field, _colon, file_id = pressed.partition(":")
        try:
            which = UUID(file_id)
        except ValueError:
            abort(400)
        with transaction():
            service.detach(application, form, which, g.actor)
        return field
    if name := request.form.get("add-row"):
        return name
    if name := request.form.get("remove-row"):
        return name.rpartition("-")[0]
    return request.form.get("upload") or None
