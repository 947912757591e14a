"""The pages of the bank's files: taking one in, what would happen, applying it, and what somebody has to look at."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from fundflow.accounts import queries as people
from fundflow.accounts.policy import AUDITORS, FINANCE, in_group
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused, Stale
from fundflow.payments import answers, iso20022, judging, paying
from fundflow.payments.answer_words import advice, reason_name, sentence, what_names
from fundflow.payments.batch_forms import BankFileForm, NoteForm
from fundflow.payments.order_models import DONE, LOOK, BankFile
from fundflow.web import refusals
from fundflow.web.gate import requires
from fundflow.web.shell import nav_item

pages = Blueprint("answers", __name__)

reads_answers = in_group(FINANCE, AUDITORS)
finance = in_group(FINANCE)


class NoFile(Refused):
    """Choose the bank's file first."""

    status = 422


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    app.register_blueprint(pages)
    nav_item(_l("From the bank"), "answers.index", reads_answers, 54, within="payments.index")


@pages.get("/money/bank")
@requires(reads_answers)
def index() -> ResponseReturnValue:
    """The newest files, what somebody has to look at, and taking a file in."""
    return _index(BankFileForm(None))


@pages.post("/money/bank")
@requires(finance)
def receive() -> ResponseReturnValue:
    """Take a file in and show what would follow; the same file again leads to where it was taken in before."""
    if not paying.is_of_finance(g.actor):
        raise NotFound
    form, given = BankFileForm(), request.files.get("file")
    try:
        if given is None or not given.filename:
            raise NoFile
        content = given.stream.read(iso20022.LARGEST_FILE + 1)
        with transaction():
            file, was_there = answers.receive(content, given.filename, actor=g.actor)
    except Refused as refusal:
        form.file.errors = [refusals.sentence(refusal)]
        return _index(form), refusal.status
    if was_there:
        flash(_("This very file was taken in before; nothing was changed. Here is what became of it."), "info")
    return redirect(url_for(".show", file_id=file.id), 303)


@pages.get("/money/bank/<uuid:file_id>")
@requires(reads_answers)
def show(file_id: UUID) -> ResponseReturnValue:
    """A file: line by line what would follow, or what did."""
    return _file(answers.file_for(g.actor, file_id))


@pages.post("/money/bank/<uuid:file_id>/apply")
@requires(finance)
def apply(file_id: UUID) -> ResponseReturnValue:
    """Do what the page showed, each line in a transaction of its own."""
    file = answers.file_for(g.actor, file_id)
    if not paying.is_of_finance(g.actor):
        raise NotFound
    if request.form.get("seen", "") != answers.seen_of(answers.answers_of(file)):
        return _file(file, Stale()), Stale.status
    for position in answers.open_positions(file):
        try:
            with transaction():
                answers.apply(file.id, position, actor=g.actor)
        except Refused as refusal:
            with transaction():
                answers.put_by(file.id, position, refusal, actor=g.actor)
    found = answers.answers_of(file)
    done = sum(each.line.result == DONE for each in found)
    looks = sum(each.line.result == LOOK and each.line.settled_at is None for each in found)
    says = ngettext("%(num)s entry was applied.", "%(num)s entries were applied.", done)
    if looks:
        more = ngettext("%(num)s is to be looked at.", "%(num)s are to be looked at.", looks)
        flash(f"{says} {more}", "warning")
    else:
        flash(says, "success")
    return redirect(url_for(".show", file_id=file.id), 303)


@pages.post("/money/bank/<uuid:file_id>/<int:position>/settle")
@requires(finance)
def settle(file_id: UUID, position: int) -> ResponseReturnValue:
    """Say what came out of looking at an entry."""
    file = answers.file_for(g.actor, file_id)
    form = NoteForm()
    try:
        with transaction():
            answers.settle(file.id, position, form.note.data or "", actor=g.actor)
    except NotFound:
        raise
    except Refused as refusal:
        return _file(file, refusal, position, form.note.data or ""), refusal.status
    flash(_("Noted; the entry is settled."), "success")
    return redirect(url_for(".show", file_id=file.id), 303)


def _index(form: BankFileForm) -> str:
    if not answers.may_read(g.actor):
        raise NotFound
    files = answers.files()
    return render_template(
        "payments/bank_files.html",
        files=files,
        looks=answers.to_look_at(g.actor),
        names=people.people_named(each.received_by for each in files),
        form=form,
        is_finance=paying.is_of_finance(g.actor),
        **_words(),
    )


def _file(file: BankFile, refusal: Refused | None = None, position: int | None = None, note: str = "") -> str:
    found = answers.answers_of(file)
    can_apply = [a for a in found if a.line.settled_at is None and a.line.result in (None, LOOK)]
    return render_template(
        "payments/bank_file.html",
        file=file,
        answers=found,
        seen=answers.seen_of(found),
        is_new=all(each.line.result is None for each in found),
        can_apply=can_apply,
        counts={name: sum(each.verdict.action == name for each in can_apply) for name in _ACTIONS},
        names=people.people_named([file.received_by, *(a.line.settled_by for a in found)]),
        is_finance=paying.is_of_finance(g.actor),
        refusal=None if refusal is None else refusals.sentence(refusal),
        at=position,
        note=note,
        **_words(),
    )


_ACTIONS = (
    judging.PAY, judging.PART, judging.FAIL, judging.RETURN, judging.ACCEPT, judging.NOTHING, judging.LOOK,
)  # fmt: skip


def _words() -> dict[str, object]:
    return {"sentence": sentence, "advice": advice, "whats": what_names(), "reason_name": reason_name}
