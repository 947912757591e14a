"""What people do beside transitions: ticking a task off, and signing a document.

A refused act answers with the page it came from, its sentences, and what was typed: 422 where something is to be
corrected, 409 where things stand differently now.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow import clock
from fundflow.accounts import proofs
from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for
from fundflow.awards import queries as awards
from fundflow.awards import service as papers
from fundflow.awards.policy import may_read_documents
from fundflow.awards.titles import document_title
from fundflow.db import transaction
from fundflow.desk.forms import SignForm, TaskForm
from fundflow.desk.story import seen_revision, sight_of, story_of
from fundflow.desk.views import pages
from fundflow.errors import NotFound, Refused, Stale
from fundflow.lifecycle import acts, commands, definitions, inputs
from fundflow.lifecycle.acts import NoName
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.signing import SIGN_WITHIN
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.workflow.acts import wanted_roles
from fundflow.workflow.decide import Decision, DefinitionMismatch


@pages.post("/applications/<uuid:application_id>/tasks/<name>")
@requires(signed_in)
def task(application_id: UUID, name: str) -> ResponseReturnValue:
    """Tick a task off, choose what it came to, or take that back."""
    application = _application_for(application_id, "task", name)
    form = TaskForm()
    asked = definitions.get(application.definition_sha).tasks[name]
    label = asked.label.in_(reader.language())
    if not form.validate():
        return _story_page(application, [_("Choose a result for “%(task)s”.", task=label)]), 422
    value = None if form.take_back.data else form.value.data or ""
    if value is not None and value not in (asked.values or ("done",)):
        return _story_page(application, [_("Choose a result for “%(task)s”.", task=label)]), 422
    key = form.command_key(application, g.actor.id)
    revision = form.revision_for(application, seen_revision(sight_of(g.actor, application), application))
    try:
        with transaction():
            acts.task(application_id, name, value, actor=g.actor, key=key, revision=revision)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        return _story_page(application_for(g.actor, application_id), sentences(refusal)), refusal.status
    flash(_("Taken back: %(task)s.", task=label) if value is None else _("Done: %(step)s.", step=label), "success")
    return redirect(url_for(".show", application_id=application_id, _anchor="checklist"), 303)


def _story_page(application: Application, says: list[str]) -> str:
    now = clock.now()
    return render_template("desk/application.html", story=story_of(g.actor, application, now), now=now, says=says)


@pages.route("/applications/<uuid:application_id>/sign/<party>", methods=["GET", "POST"])
@requires(signed_in)
def sign(application_id: UUID, party: str) -> ResponseReturnValue:
    """Read the document, show who you are, sign: the signature is bound to the file that was read."""
    application = _application_for(application_id, "sign", party)
    seen = seen_revision(sight_of(g.actor, application), application)
    form = SignForm.for_revision(seen)
    if not form.is_submitted():
        return _sign_page(application, party, form)
    valid, mark = form.validate(), None
    try:
        mark = form.mark()
    except Refused as refusal:
        form.say({form.mark_field: refusal})
    if not valid or mark is None:
        if not inputs.shows(form.name.data or ""):
            form.say({"name": NoName()})  # all that is missing is said at once
        return _sign_page(application, party, form), 422
    says: list[str] = []
    try:
        with transaction():
            acts.sign(
                application_id,
                party,
                name=form.name.data or "",
                sha256=form.sha256.data or "",
                proof=proofs.present(),
                mark=mark,
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=form.revision_for(application, seen),
            )
    except NoName as refusal:
        form.say({"name": refusal})
        status = refusal.status
    except Refused as refusal:
        if refusal.status == 404:
            raise
        says, status = sentences(refusal), refusal.status
    else:
        flash(_("You have signed."), "success")
        return redirect(url_for(".show", application_id=application_id, _anchor="signatures"), 303)
    application = application_for(g.actor, application_id)
    if status == Stale.status:
        form.look_again(seen_revision(sight_of(g.actor, application), application))
    return _sign_page(application, party, form, says), status


def _sign_page(application: Application, party: str, form: SignForm, says: list[str] | None = None) -> str:
    workflow, language = definitions.get(application.definition_sha), reader.language()
    signatures = workflow.states[application.state].signatures
    decision = _decision(application, "sign", party)
    document = awards.text_of_record(application, signatures.document) if signatures else None
    if document is not None and not may_read_documents(g.actor, application):
        document = None
    now, proof = clock.now(), proofs.present()
    # Whatever page is shown, it carries the digest of the document that it links to.
    form.sha256.data = (document.sha256 or "") if document else ""
    return render_template(
        "desk/sign.html",
        application=application,
        title=document_title(signatures.document) if signatures else "",
        role=workflow.roles[signatures.parties[party]].label.in_(language)
        if signatures and party in signatures.parties
        else "",
        document=document,
        languages=awards.languages_of(document) if document else 0,
        pages=papers.pages(document.sha256) if document and document.sha256 else 0,
        until=proof.until if proof and proof.is_fresh(now) else None,
        minutes=SIGN_WITHIN // timedelta(minutes=1),
        form=form,
        says=says or [],
        decision=decision,
        refusals=decision.refusals(language) if decision and not decision.allowed and not says else [],
    )


def _application_for(application_id: UUID, act: str, subject: str) -> Application:
    """The application, for whoever has a role that could ever do this; NotFound for everybody else."""
    application = application_for(g.actor, application_id)
    workflow = definitions.get(application.definition_sha)
    try:
        wanted = wanted_roles(workflow, "task" if act == "task" else "sign", subject, application.state)
    except DefinitionMismatch:
        raise NotFound from None
    if not wanted:
        wanted = frozenset(
            state.signatures.parties[subject]
            for state in workflow.states.values()
            if state.signatures is not None and subject in state.signatures.parties
        )
    if not commands.roles_of(application, g.actor) & wanted:
        raise NotFound
    return application


def _decision(application: Application, act: str, subject: str) -> Decision | None:
    every = acts.available_acts(application, g.actor)
    return next((decision for name, about, decision in every if (name, about) == (act, subject)), None)
