"""The page of an application's screenings: every search in the lists of sanctions, and the form for the next one."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for
from fundflow.banking import screenings
from fundflow.banking.forms import ScreeningForm, result_names
from fundflow.banking.screenings import SUBJECTS, Found, NoList, NoResult
from fundflow.banking.service import BANK
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import definitions
from fundflow.lifecycle.inputs import day_of
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.situation import held_roles
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences

pages = Blueprint("screenings", __name__)


def init_app(app: Flask) -> None:
    """Serve the page."""
    app.register_blueprint(pages)


@pages.route("/applications/<uuid:application_id>/screenings", methods=["GET", "POST"])
@requires(signed_in)
def show(application_id: UUID) -> ResponseReturnValue:
    """What was searched so far, and for compliance and finance the form; nothing of it is the city's to know."""
    application = application_for(g.actor, application_id)
    workflow = definitions.get(application.definition_sha)
    roles = held_roles(application, workflow, g.actor)
    records = bool(roles & screenings.screening_roles(workflow)) and application.outcome is None
    if BANK not in workflow.forms or not roles & screenings.reading_roles(workflow):
        raise NotFound
    form = ScreeningForm.open(str(application.revision))
    if not form.is_submitted():
        for subject, name in screenings.names_of(application).items():
            form[f"{subject}_name"].data = name
        return _page(application, form, records)
    if not records:
        raise NotFound
    found = {
        subject: Found(form[f"{subject}_name"].data or "", result, form[f"{subject}_note"].data or "")
        for subject in SUBJECTS
        if (result := form[f"{subject}_result"].data)
    }
    try:
        if not found:
            raise NoResult
        day = day_of(form.list_day.data) if (form.list_day.data or "").strip() else None
        with transaction():
            screenings.record(
                application.id,
                found,
                list_name=form.list_name.data or "",
                list_day=day,
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=application.revision,
            )
    except Refused as refusal:
        if refusal.status == 404:
            raise
        if isinstance(refusal, NoList):
            form.say({"list_name": refusal})
            return _page(application_for(g.actor, application_id), form, records), 422
        return _page(application_for(g.actor, application_id), form, records, sentences(refusal)), refusal.status
    flash(_("The screening is kept."), "success")
    return redirect(url_for(".show", application_id=application_id), 303)


def _page(application: Application, form: ScreeningForm, records: bool, says: list[str] | None = None) -> str:
    return render_template(
        "banking/screenings.html",
        application=application,
        form=form,
        records=records,
        says=says or [],
        lines=screenings.screenings_of(application.id),
        results=result_names(),
        subjects={"city": _("City"), "signatory": _("Signatory"), "bank": _("Bank")},
    )
