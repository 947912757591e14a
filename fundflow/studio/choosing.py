"""Giving a published round another version of its rules: what would become of its applications, and both people's word.

What may be chosen is what the installation carries and what two people published; how a round gets it is decided in
`rounds.rules`.
"""

from __future__ import annotations

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts import queries as accounts
from fundflow.db import db, transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.models import DefinitionChange
from fundflow.lifecycle.refusals import ReasonMissing
from fundflow.rounds import queries as rounds
from fundflow.rounds import rules
from fundflow.rounds.models import Round
from fundflow.studio import queries
from fundflow.studio.forms import ReasonForm
from fundflow.studio.looking import DryRun, dry_run
from fundflow.studio.policy import choosers
from fundflow.studio.views import pages
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence, sentences
from fundflow.workflow.diff import changes, heaviest


@pages.route("/studio/rounds/<slug>", methods=["GET", "POST"])
@requires(choosers)
def choose(slug: str) -> ResponseReturnValue:
    """The rules of a round, the versions that it could have, and what each would do to its applications."""
    round_ = _round(slug)
    if request.method == "GET":
        return _page(round_, request.args.get("version", ""), ReasonForm.fresh())
    form, asked = ReasonForm(), request.form.get("version", "")
    chosen = next((each for each in _choices(round_) if each.sha256 == asked), None)
    if chosen is None:
        raise NotFound
    if not form.validate():
        return _page(round_, asked, form), 422
    if form.digest.data != round_.definition_sha:
        return _page(round_, asked, form, [sentence(rules.RulesChanged())]), 409
    try:
        done = rules.change(round_, queries.definition(asked), actor=g.actor, reason=form.reason.data or "")
    except ReasonMissing as refusal:
        db.session.rollback()
        form.reason.errors = [*form.reason.errors, sentence(refusal)]
        return _page(_round(slug), asked, form), 422
    except Refused as refusal:
        db.session.rollback()
        return _page(_round(slug), asked, form, sentences(refusal)), refusal.status
    if isinstance(done, DefinitionChange):
        flash(_("Proposed. Another manager or director of the round has to agree."), "success")
    else:
        flash(
            _("Done: %(moved)s applications moved, %(held)s stay as they are.", moved=done.moved, held=done.held),
            "success",
        )
    return redirect(url_for("studio.choose", slug=slug), 303)


@pages.post("/studio/rounds/<slug>/changes/<uuid:change_id>/refuse")
@requires(choosers)
def refuse(slug: str, change_id: UUID) -> ResponseReturnValue:
    """Answer no to other rules that somebody proposed for a round, or take one's own proposal back."""
    round_ = _round(slug)
    if change_id not in {each.id for each in queries.changes_waiting(round_.id)}:
        raise NotFound
    with transaction():
        rules.refuse(change_id, actor=g.actor)
    flash(_("Refused. The round keeps its rules."), "success")
    return redirect(url_for("studio.choose", slug=slug), 303)


def _round(slug: str) -> Round:
    """A published round whose rules this person may change, or NotFound."""
    round_ = rounds.round_for(g.actor, slug)
    if round_.status != "published" or not rules.may_change(g.actor, round_):
        raise NotFound
    return round_


def _choices(round_: Round) -> list[queries.Version]:
    """The other versions of the round's workflow: carried, published by two, or had by the round before."""
    known = queries.workflow(definitions.get(round_.definition_sha).id)
    before = rules.had_before(round_)
    return [
        each
        for each in known.versions
        if each.sha256 != round_.definition_sha
        and (each.is_shipped or each.publication is not None or each.sha256 in before)
    ]


def _page(round_: Round, asked: str, form: object, says: list[str] | None = None) -> str:
    old = definitions.get(round_.definition_sha)
    known = queries.workflow(old.id)
    current = next(each for each in known.versions if each.sha256 == round_.definition_sha)
    chosen = next((each for each in _choices(round_) if each.sha256 == asked), None)
    run: DryRun | None = None
    found = []
    if chosen is not None:
        new = queries.definition(chosen.sha256)
        run, found = dry_run(current, lambda: rules.compared(round_, new)[0]), changes(old, new)
    waiting = queries.changes_waiting(round_.id)
    return render_template(
        "studio/choose.html",
        round=round_,
        current=current,
        workflow=old,
        choices=_choices(round_),
        chosen=chosen,
        form=form,
        says=says or [],
        run=run,
        differences=found,
        kind=heaviest(found),
        waiting=[(each, queries.version(each.new_sha)[0]) for each in waiting if each.old_sha == round_.definition_sha],
        people=accounts.people_named(each.proposed_by for each in waiting),
        had_before=rules.had_before(round_),
    )
