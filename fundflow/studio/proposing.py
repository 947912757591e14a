"""Publishing with a second person: one proposes a draft with its reason, another looks at exactly that and answers.

The pages show what the door decides; the door decides it again, whatever a page or a request says.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts import queries as accounts
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.lifecycle import publishing
from fundflow.lifecycle.models import Publication
from fundflow.lifecycle.refusals import ReasonMissing
from fundflow.studio import queries, service
from fundflow.studio.forms import AnswerForm, ReasonForm
from fundflow.studio.looking import dry_runs, workflow_of
from fundflow.studio.models import Draft
from fundflow.studio.policy import writers
from fundflow.studio.views import looked_at, pages, side_by_side
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence, sentences
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diff import changes


@pages.route("/studio/drafts/<uuid:draft_id>/propose", methods=["GET", "POST"])
@requires(writers)
def propose(draft_id: UUID) -> ResponseReturnValue:
    """Everything that a second person will see, and the reason; nothing is published by this."""
    draft = queries.draft_for(draft_id)
    if request.method == "GET":
        return _propose_page(draft, ReasonForm.fresh(digest=service.digest_of(draft)))
    form = ReasonForm()
    if not form.validate():
        return _propose_page(draft, form), 422
    workflow = workflow_of(draft)
    seen = seen_of(draft, workflow) if workflow else {}
    db.session.rollback()
    try:
        with transaction():
            wish = service.propose(
                draft_id,
                digest=form.digest.data or "",
                actor=g.actor,
                key=form.command_key(f"propose:{draft_id}", g.actor.id),
                reason=form.reason.data or "",
                accepted=form.accepted,
                seen=seen,
            )
    except ReasonMissing as refusal:
        form.reason.errors = [*form.reason.errors, sentence(refusal)]
        return _propose_page(queries.draft_for(draft_id), form), 422
    except Refused as refusal:
        if refusal.status == 404:
            raise
        draft = queries.draft_for(draft_id)
        form.digest.data = service.digest_of(draft)
        return _propose_page(draft, form, sentences(refusal)), refusal.status
    flash(_("Proposed. Another fund manager or administrator has to look at it and publish it."), "success")
    return redirect(url_for("studio.proposal", publication_id=wish.id), 303)


def seen_of(draft: Draft, workflow: Workflow) -> dict[str, Any]:
    """What the second person is shown beside the differences, as it stood when it was proposed."""
    return {
        "migration": [
            {"version": run.version.version, "wrong": run.wrong, **run.counts}
            for run in dry_runs(workflow, draft.workflow)
        ]
    }


def _propose_page(draft: Draft, form: Any, says: list[str] | None = None) -> str:
    looked = looked_at(draft)
    workflow = workflow_of(draft) if looked.loads else None
    found = publishing.findings(workflow, service.messages_of(draft)) if workflow else looked.findings
    says = list(says or [])
    if workflow and not says:
        try:
            publishing.check_examples(workflow)
        except publishing.ExamplesFail as refusal:
            says = sentences(refusal)
    return render_template(
        "studio/propose.html",
        draft=draft,
        form=form,
        says=says,
        workflow=workflow,
        errors=[each for each in found if not each.is_warning],
        unsigned=publishing.unsigned(found),
        warnings=[(publishing.mark_of(each), each) for each in found if each.is_warning],
        accepted=form.accepted if request.method == "POST" else [],
        differences=changes(queries.definition(draft.base_sha), workflow) if workflow else [],
        base=queries.definition(draft.base_sha),
        runs=dry_runs(workflow, draft.workflow) if workflow else [],
    )


@pages.route("/studio/proposals/<uuid:publication_id>", methods=["GET", "POST"])
@requires(writers)
def proposal(publication_id: UUID) -> ResponseReturnValue:
    """What was proposed, and the second person's answer to exactly that."""
    wish = queries.publication(publication_id)
    is_mine = wish.proposed_by == g.actor.id
    if request.method == "GET":
        return _proposal_page(wish, AnswerForm(formdata=None, is_mine=is_mine, data={"digest": wish.sha256}))
    form = AnswerForm(is_mine=is_mine)
    # Whoever proposed it and says "publish" by a request of their own is answered by the door, not by the form.
    answer = request.form.get("answer", "")
    if answer != "publish" and not form.validate():
        return _proposal_page(wish, form), 422
    digest = request.form.get("digest", "")
    db.session.rollback()
    try:
        with transaction():
            if answer == "publish":
                service.publish(publication_id, sha256=digest, actor=g.actor)
            else:
                publishing.send_back(publication_id, actor=g.actor, answer=form.reason.data or "")
    except ReasonMissing as refusal:
        form.reason.errors = [*form.reason.errors, sentence(refusal)]
        return _proposal_page(queries.publication(publication_id), form), 422
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return _proposal_page(queries.publication(publication_id), form, sentences(refusal)), refusal.status
    if answer == "publish":
        flash(_("Published. From now on a round can choose it."), "success")
        return redirect(url_for("studio.version", sha256=wish.sha256), 303)
    flash(_("Taken back.") if is_mine else _("Sent back. The draft stays open."), "success")
    return redirect(url_for("studio.proposal", publication_id=publication_id), 303)


def _proposal_page(wish: Publication, form: AnswerForm, says: list[str] | None = None) -> str:
    workflow = publishing.workflow_of(wish)
    is_open = wish.answered_at is None and wish.void_at is None
    found = publishing.findings(workflow, publishing.messages_of(wish)) if is_open else []
    base = queries.definition(wish.base_sha)
    return render_template(
        "studio/proposal.html",
        wish=wish,
        form=form,
        says=says or [],
        is_open=is_open,
        is_mine=wish.proposed_by == g.actor.id,
        workflow=workflow,
        errors=[each for each in found if not each.is_warning],
        changes=[(each["kind"], each["says"]) for each in wish.account["changes"]],
        base=base,
        lines={path: side_by_side(text, base.files.get(path, "")) for path, text in workflow.files.items()},
        runs=dry_runs(workflow, wish.workflow) if is_open else [],
        people=accounts.people_named([wish.proposed_by, wish.published_by, wish.returned_by]),
        language=reader.language(),
    )
