"""The page on which somebody is put in charge of an application: one of the candidates, never one with a conflict.

Who is offered is who would be accepted; whoever is kept out is shown with the sentence that keeps them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.validators import InputRequired

from fundflow.accounts import queries as accounts
from fundflow.accounts import separation
from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for
from fundflow.db import transaction
from fundflow.desk.forms import ActForm
from fundflow.desk.story import seen_revision, sight_of
from fundflow.desk.views import pages
from fundflow.errors import NotFound, Refused, Stale
from fundflow.lifecycle import acts, definitions
from fundflow.lifecycle.models import Application
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence, sentences
from fundflow.workflow.definition import Role


class OfficerForm(ActForm):
    """Whom to put in charge."""

    person = RadioField(_l("Person"), validators=[InputRequired(_l("Choose a person."))], validate_choice=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the group, with the sentence that keeps them out where there is one."""

    id: UUID
    name: str
    says: str


def _candidates(application: Application, role: Role) -> list[Candidate]:
    found = []
    for person in accounts.people_in_group(role.group or "", application.round_id):
        refusal = separation.why_not(application, role, person.id)
        found.append(Candidate(person.id, person.name or person.email, sentence(refusal) if refusal else ""))
    return found


@pages.route("/applications/<uuid:application_id>/people/<role>", methods=["GET", "POST"])
@requires(signed_in)
def name_person(application_id: UUID, role: str) -> ResponseReturnValue:
    """Put one of the candidates in charge, by whoever the workflow lets choose."""
    application = application_for(g.actor, application_id)
    given = definitions.get(application.definition_sha).roles.get(role)
    if given is None or not _may_choose(application, role):
        raise NotFound
    offered = _candidates(application, given)
    sight = sight_of(g.actor, application)
    seen = seen_revision(sight, application)
    form = OfficerForm(key=str(uuid4()), revision=str(seen), person=str(application.officer_id or ""))
    form.person.choices = [(str(each.id), each.name) for each in offered if not each.says]
    if not form.is_submitted():
        return _page(application, given, form, offered)
    if not form.validate():
        return _page(application, given, form, offered), 422
    if form.person.data not in dict(form.person.choices):
        form.person.errors = [sentence(acts.NotACandidate())]
        return _page(application, given, form, offered), 422
    try:
        with transaction():
            acts.assign(
                application_id,
                role,
                UUID(form.person.data),
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=application.revision if form.seen_revision == seen else -1,
            )
    except Refused as refusal:
        if refusal.status == 404:
            raise
        application = application_for(g.actor, application_id)
        if refusal.status == Stale.status:
            form.look_again(seen_revision(sight, application))
        return _page(application, given, form, _candidates(application, given), sentences(refusal)), refusal.status
    flash(_("%(name)s is in charge now.", name=dict(form.person.choices)[form.person.data]), "success")
    return redirect(url_for("desk.show", application_id=application_id), 303)


def _may_choose(application: Application, role: str) -> bool:
    return any(
        act == "assign" and subject == role for act, subject, _decision in acts.available_acts(application, g.actor)
    )


def _page(
    application: Application, role: Role, form: OfficerForm, offered: list[Candidate], says: list[str] | None = None
) -> str:
    return render_template(
        "desk/officer.html",
        application=application,
        label=role.label.in_(reader.language()),
        form=form,
        says=says or [],
        kept_out=[each for each in offered if each.says],
    )
