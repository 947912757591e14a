"""The pages of the studio: workflows, a version, a draft in its editor, and what becomes of it.

Every page that changes something goes through the service; nothing that a request says of a text is believed.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from uuid import UUID

from flask import Blueprint, Flask, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow.accounts import queries as accounts
from fundflow.db import transaction
from fundflow.errors import Refused
from fundflow.lifecycle import wording
from fundflow.lifecycle.publishing import known_templates
from fundflow.studio import checking, queries, refusals, service
from fundflow.studio.forms import BeginForm, FileForm, NewFileForm, StudioForm
from fundflow.studio.models import Draft
from fundflow.studio.policy import writers
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item
from fundflow.workflow.diff import changes

pages = Blueprint("studio", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    # The pages beside these hang their routes on the same blueprint.
    from fundflow.studio import choosing, looking, proposing  # noqa: F401

    app.register_blueprint(pages)
    nav_item(_l("Workflows"), "studio.index", writers, 65)


@pages.get("/studio")
@requires(writers)
def index() -> ResponseReturnValue:
    """Every workflow: what waits for a second person, who works on what, and what goes by which version."""
    known = queries.workflows()
    waiting = queries.waiting()
    people = accounts.people_named(
        [each.saved_by for workflow in known for each in workflow.drafts] + [each.proposed_by for each in waiting]
    )
    return render_template(
        "studio/index.html",
        workflows=[(each, queries.definition(each.newest.sha256)) for each in known],
        waiting=waiting,
        people=people,
        editors={each.id: _names(each.id) for workflow in known for each in workflow.drafts},
        numbers={each.id: _number(each) for workflow in known for each in workflow.drafts},
        others=queries.other_funds(known),
        begin=BeginForm.fresh(),
    )


def _number(draft: Draft) -> str:
    """The version that a draft says it will be, as it is written; a draft may say anything."""
    found = re.search(r"^version:\s*([0-9]{1,7})\b", str(draft.files[draft.main]), re.MULTILINE)
    return found.group(1) if found else "?"


def _names(draft_id: UUID) -> list[str]:
    """Who else has a draft open now."""
    found = queries.editors(draft_id, but=g.actor.id)
    names = accounts.people_named(each.user_id for each in found)
    return [names.get(each.user_id, "") for each in found]


@pages.get("/studio/workflows/<name>")
@requires(writers)
def workflow(name: str) -> ResponseReturnValue:
    """One workflow: its versions, the drafts of the next one, and the history in sentences."""
    known = queries.workflow(name)
    answered = queries.history(name)
    people = accounts.people_named(
        [each for wish in answered for each in (wish.proposed_by, wish.published_by, wish.returned_by)]
        + [each.saved_by for each in known.drafts]
        + [each.proposed_by for each in queries.waiting(name)]
    )
    return render_template(
        "studio/workflow.html",
        known=known,
        title=queries.definition(known.newest.sha256).title.in_(reader.language()),
        history=answered,
        waiting=queries.waiting(name),
        people=people,
        begin=BeginForm.fresh(),
    )


@pages.get("/studio/versions/<sha256>")
@requires(writers)
def version(sha256: str) -> ResponseReturnValue:
    """One version: where it is used, what is in it, and what differs from another."""
    found, workflow_ = queries.version(sha256)
    known = queries.workflow(found.workflow)
    others = [each for each in known.versions if each.sha256 != sha256]
    asked = request.args.get("with", "")
    other = next((each for each in others if each.sha256 == asked), None) or _before(found, others)
    differences = changes(queries.definition(other.sha256), workflow_) if other else []
    wish = found.publication
    return render_template(
        "studio/version.html",
        version=found,
        workflow=workflow_,
        others=others,
        other=other,
        differences=differences,
        people=accounts.people_named([wish.proposed_by, wish.published_by] if wish else []),
        begin=BeginForm.fresh(version=sha256),
    )


def _before(found: queries.Version, others: list[queries.Version]) -> queries.Version | None:
    """The version that this one was begun from, else the one that stands before it."""
    if found.publication is not None:
        base = next((each for each in others if each.sha256 == found.publication.base_sha), None)
        if base is not None:
            return base
    return next((each for each in others if each.version <= found.version), None)


@pages.get("/studio/versions/<sha256>/files.zip")
@requires(writers)
def files(sha256: str) -> ResponseReturnValue:
    """The texts of a version as files, laid out as the installation itself has them."""
    found, workflow_ = queries.version(sha256)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, texts in (("workflows", workflow_.files), ("templates", workflow_.templates)):
            for path, text in sorted(texts.items()):
                archive.writestr(f"{folder}/{path}", text)
    answer = Response(packed.getvalue(), mimetype="application/zip")
    name = f"{found.workflow}-{found.version}-{sha256[:8]}.zip"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@pages.post("/studio/drafts")
@requires(writers)
def begin() -> ResponseReturnValue:
    """Begin a draft of the next version from any version."""
    form = BeginForm()
    with transaction():
        draft = service.begin(
            form.version.data or "", actor=g.actor, key=form.command_key(f"begin:{form.version.data}"[:90], g.actor.id)
        )
    flash(_("This is a draft: nothing goes by it until two people publish it."), "success")
    return redirect(url_for("studio.edit", draft_id=draft.id), 303)


@pages.get("/studio/drafts/<uuid:draft_id>")
@requires(writers)
def edit(draft_id: UUID) -> ResponseReturnValue:
    """One file of a draft in its editor, with everything that is wrong in any of its files."""
    draft = queries.draft_for(draft_id)
    checking.warm()
    path = request.args.get("file") or draft.main
    if path not in draft.files:
        raise refusals.NoSuchFile(path=path[:100])
    return _editor(draft, path, str(draft.files[path]))


@pages.post("/studio/drafts/<uuid:draft_id>")
@requires(writers)
def save(draft_id: UUID) -> ResponseReturnValue:
    """Save or check by button. What somebody else saved meanwhile is shown beside what was typed."""
    form = FileForm()
    draft = queries.draft_for(draft_id)
    path, text = form.file.data or draft.main, form.written
    if "check" in request.form:
        if path not in draft.files:
            raise refusals.NoSuchFile(path=path[:100])
        return _editor(draft, path, text, revision=form.revision.data or "", is_checked=True)
    try:
        with transaction():
            draft = service.save(draft_id, path, text, revision=form.revision.data or "", actor=g.actor)
            service.opened(draft_id, actor=g.actor)
    except refusals.SavedMeanwhile as stale:
        draft = queries.draft_for(draft_id)
        return _editor(draft, path, text, revision=stale.revision, stale=stale), 409
    except Refused as refusal:
        if refusal.status == 404:
            raise
        draft = queries.draft_for(draft_id)
        return _editor(draft, path, text, revision=form.revision.data or "", says=[sentence(refusal)]), refusal.status
    return _editor(draft, path, text, just_saved=True)


@pages.post("/studio/drafts/<uuid:draft_id>/autosave")
@requires(writers)
def autosave(draft_id: UUID) -> ResponseReturnValue:
    """Saving, for the script."""
    form = FileForm()
    draft = queries.draft_for(draft_id)
    path = form.file.data or draft.main
    try:
        with transaction():
            draft = service.save(draft_id, path, form.written, revision=form.revision.data or "", actor=g.actor)
            service.opened(draft_id, actor=g.actor)
    except refusals.SavedMeanwhile as stale:
        says = _("%(sentence)s Press “Save” to see both.", sentence=sentence(stale))
        return jsonify(detail=says, revision=stale.revision), 409
    revision = service.mark_of(str(draft.files[path]))
    return jsonify(revision=revision, saved_at=reader.utc(draft.saved_at))


@pages.post("/studio/drafts/<uuid:draft_id>/check")
@requires(writers)
def check(draft_id: UUID) -> ResponseReturnValue:
    """What is wrong with the text as it is being typed, and who else has the draft open. Keeps nothing of the text."""
    form = FileForm()
    draft = queries.draft_for(draft_id)
    path = form.file.data or draft.main
    if path not in draft.files:
        raise refusals.NoSuchFile(path=path[:100])
    looked = looked_at(draft, {path: form.written}, is_typing=True)
    with transaction():
        service.opened(draft_id, actor=g.actor)
    here = [each for each in looked.findings if each.file == path and each.blocks]
    return jsonify(
        html=render_template("studio/_findings.html", draft=draft, looked=looked, path=path),
        lines=[{"line": each.line, "says": each.sentence, "warning": each.is_warning} for each in here],
        loads=looked.loads,
        editors=present(draft),
    )


def present(draft: Draft) -> str:
    """Who else has the draft open and since when, as a sentence; empty for nobody."""
    found = queries.editors(draft.id, but=g.actor.id)
    names = accounts.people_named(each.user_id for each in found)
    return " ".join(
        _(
            "%(name)s has this draft open too, since %(when)s.",
            name=names.get(each.user_id, ""),
            when=reader.moment(each.since),
        )
        for each in found
    )


def looked_at(draft: Draft, over: dict[str, str] | None = None, *, is_typing: bool = False) -> checking.Looked:
    """What is wrong with a draft, with these texts in place of those that are kept."""
    texts = {**draft.files, **(over or {})}
    messages = {path: text for path, text in texts.items() if path.startswith("mail/")}
    base = queries.definition(draft.base_sha).templates
    yaml = {path: text for path, text in texts.items() if path not in messages}
    looked = checking.look(yaml, draft.main, known_templates({**base, **messages}), is_typing=is_typing)
    # A message is short, or it is not read at all, so this needs no process that can be ended.
    more = [problem for path, text in sorted(messages.items()) for problem in wording.faults(path, text)]
    return replace(looked, findings=[*looked.findings, *more])


def _editor(
    draft: Draft,
    path: str,
    text: str,
    *,
    revision: str | None = None,
    stale: refusals.SavedMeanwhile | None = None,
    says: list[str] | None = None,
    just_saved: bool = False,
    is_checked: bool = False,
) -> str:
    return render_template(
        "studio/edit.html",
        draft=draft,
        path=path,
        text=text,
        line=request.args.get("line", type=int),
        revision=service.mark_of(str(draft.files[path])) if revision is None else revision,
        looked=looked_at(draft, {path: text}, is_typing=True),
        stale=stale,
        differs=side_by_side(text, stale.theirs) if stale else [],
        says=says or [],
        just_saved=just_saved,
        is_checked=is_checked,
        editors=present(draft),
        new_file=NewFileForm(formdata=None),
        messages=sorted(
            {path.removeprefix("mail/").removesuffix(".txt") for path in _messages(draft) if path.endswith(".txt")}
        ),
        saved_by=accounts.people_named([draft.saved_by]).get(draft.saved_by, ""),
    )


def _messages(draft: Draft) -> list[str]:
    """The messages of the version before that the draft does not have of its own yet."""
    base = queries.definition(draft.base_sha).templates
    return [path for path in base if path.startswith("mail/") and "/_" not in path and path not in draft.files]


def side_by_side(mine: str, theirs: str) -> list[tuple[str, str]]:
    """The lines in which two texts differ, each as (kind, line): ``-`` only theirs, ``+`` only mine, a blank both."""
    import difflib

    lines = difflib.unified_diff(theirs.splitlines(), mine.splitlines(), lineterm="", n=2)
    return [(line[:1], line[1:]) for line in lines if not line.startswith(("---", "+++"))][:400]


@pages.post("/studio/drafts/<uuid:draft_id>/files")
@requires(writers)
def change_files(draft_id: UUID) -> ResponseReturnValue:
    """Add a form or a message, or leave one out."""
    form = NewFileForm()
    draft = queries.draft_for(draft_id)
    try:
        with transaction():
            if "message" in request.form:
                path = service.add_message(draft_id, request.form["message"], actor=g.actor)
            elif "remove" in request.form:
                service.remove_file(draft_id, request.form["remove"], actor=g.actor)
                path = draft.main
            else:
                path = service.add_file(draft_id, form.name.data or "", actor=g.actor)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        draft = queries.draft_for(draft_id)
        return _editor(draft, draft.main, str(draft.files[draft.main]), says=[sentence(refusal)]), refusal.status
    return redirect(url_for("studio.edit", draft_id=draft_id, file=path), 303)


@pages.get("/studio/drafts/<uuid:draft_id>/revisions")
@requires(writers)
def revisions(draft_id: UUID) -> ResponseReturnValue:
    """Every revision of a draft: who saved it when, and what changed in it, line by line."""
    draft = queries.draft_for(draft_id)
    found = queries.revisions(draft)
    shown = []
    for at, each in enumerate(found):
        before = found[at + 1].files if at + 1 < len(found) else queries.definition(draft.base_sha).files
        changed = [path for path in sorted({*each.files, *before}) if each.files.get(path) != before.get(path)]
        lines = [
            (path, side_by_side(str(each.files.get(path, "")), str(before.get(path, "")))) for path in changed[:20]
        ]
        shown.append((each, lines))
    return render_template(
        "studio/revisions.html",
        draft=draft,
        revisions=shown,
        people=accounts.people_named(each.saved_by for each in found),
        form=StudioForm.fresh(),
    )


@pages.post("/studio/drafts/<uuid:draft_id>/revisions/<int:number>/restore")
@requires(writers)
def restore(draft_id: UUID, number: int) -> ResponseReturnValue:
    """Go back to a revision."""
    with transaction():
        service.restore(draft_id, number, actor=g.actor)
    flash(_("The draft is again as it was in revision %(number)s.", number=number), "success")
    return redirect(url_for("studio.edit", draft_id=draft_id), 303)


@pages.post("/studio/drafts/<uuid:draft_id>/discard")
@requires(writers)
def discard(draft_id: UUID) -> ResponseReturnValue:
    """Put a draft aside."""
    with transaction():
        draft = service.discard(draft_id, actor=g.actor)
    flash(_("The draft is discarded. Its revisions can still be read."), "success")
    return redirect(url_for("studio.workflow", name=draft.workflow), 303)
