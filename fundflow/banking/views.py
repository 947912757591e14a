"""The page of a grant's bank account, for the city and for the fund, and the accounts that wait for finance.

Nobody but finance is ever shown a whole number, and finance only on a page that keeps who asked for it and why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, g, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow.accounts.policy import DIRECTORS, FINANCE, in_group, signed_in
from fundflow.applications.queries import application_for
from fundflow.banking import numbers, queries, service
from fundflow.banking.forms import AccountForm, CallForm, ReasonForm, StepForm
from fundflow.banking.page import AccountPage, page_of
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import ReasonMissing, WrongInput
from fundflow.rounds import wall
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.web.shell import nav_item

pages = Blueprint("bank", __name__)

checks_accounts = in_group(FINANCE, DIRECTORS)


def init_app(app: Flask) -> None:
    """Serve the pages, and put the accounts that wait into the navigation of those who check them."""
    app.register_blueprint(pages)
    nav_item(_l("Bank accounts"), "bank.waiting", checks_accounts, 53, within="payments.index")


@pages.get("/money/accounts")
@requires(checks_accounts)
def waiting() -> ResponseReturnValue:
    """The accounts that wait: for a call, for a second person, for their time, or for what comes of an objection."""
    return render_template("banking/accounts.html", queue=queries.queue(g.actor, FINANCE, DIRECTORS))


@pages.get("/applications/<uuid:application_id>/bank")
@requires(signed_in)
def show(application_id: UUID) -> ResponseReturnValue:
    """The account in force, the one that waits, what happened to every one, and what this person can do about it."""
    return _show(_page(application_id))


@pages.route("/applications/<uuid:application_id>/bank/enter", methods=["GET", "POST"])
@requires(signed_in)
def enter(application_id: UUID) -> ResponseReturnValue:
    """Enter the account, or ask to put another one in its place."""
    page = _page(application_id)
    _offered(page.may_enter)
    form = AccountForm.open(page.seen, locale=reader.locale())
    if not form.is_submitted():
        return _form("banking/bank_enter.html", page, form)
    try:
        details = numbers.read(form.typed())
    except numbers.WrongDetails as wrong:
        form.say(wrong.problems)
        return _form("banking/bank_enter.html", page, form), 422
    says = (
        _("The account is kept. The fund will call you about it.")
        if page.in_force is None
        else _("The change is kept. Your team and the contact of the old account were told of it.")
    )
    return _take(page, form, "banking/bank_enter.html", says, service.enter, details)


@pages.route("/applications/<uuid:application_id>/bank/<int:number>/call", methods=["GET", "POST"])
@requires(signed_in)
def call(application_id: UUID, number: int) -> ResponseReturnValue:
    """Record the call by which finance made sure of an account."""
    page = _page(application_id)
    _offered(page.checks)
    form = CallForm.open(page.seen)
    if not form.is_submitted():
        return _form("banking/bank_call.html", page, form)
    if not form.validate():
        return _form("banking/bank_call.html", page, form), 422
    try:
        called_at = wall.instant_of((form.called_at.data or "").strip(), str(reader.zone()))
    except Refused as refusal:
        form.say({"called_at": refusal})
        return _form("banking/bank_call.html", page, form), 422
    given: dict[str, Any] = {
        "phone": form.phone.data or "",
        "source": form.source.data or "",
        "spoken_to": form.spoken_to.data or "",
        "called_at": called_at,
    }
    says = _("The call is recorded.")
    return _take(page, form, "banking/bank_call.html", says, service.call_back, number, **given)


@pages.post("/applications/<uuid:application_id>/bank/<int:number>/confirm")
@requires(signed_in)
def confirm(application_id: UUID, number: int) -> ResponseReturnValue:
    """Agree, as the second person of the fund."""
    page = _page(application_id)
    _offered(page.agrees)
    says = _("You agreed. The cooling-off period begins now.")
    return _take(page, StepForm(), None, says, service.confirm, number)


@pages.post("/applications/<uuid:application_id>/bank/<int:number>/object")
@requires(signed_in)
def object_to(application_id: UUID, number: int) -> ResponseReturnValue:
    """Stop a change, with one click."""
    page = _page(application_id)
    _offered(page.is_team or page.checks)
    says = _("You objected. Nothing is paid until the fund has looked into it.")
    return _take(page, StepForm(), None, says, service.object_to, number)


@pages.post("/applications/<uuid:application_id>/bank/<int:number>/withdraw")
@requires(signed_in)
def withdraw(application_id: UUID, number: int) -> ResponseReturnValue:
    """Take an account back that is not in force yet."""
    page = _page(application_id)
    _offered(page.is_team)
    return _take(page, StepForm(), None, _("The account is taken back."), service.withdraw, number)


@pages.post("/applications/<uuid:application_id>/bank/<int:number>/refuse")
@requires(signed_in)
def refuse(application_id: UUID, number: int) -> ResponseReturnValue:
    """Put an account aside, with a reason that the city reads."""
    page = _page(application_id)
    _offered(page.checks)
    form = ReasonForm()
    if not form.validate():
        return _show(page, refusing=form), 422
    reason = form.reason.data or ""
    return _take(page, form, None, _("The account is put aside."), service.refuse, number, refusing=form, reason=reason)


@pages.post("/applications/<uuid:application_id>/bank/<int:number>/look")
@requires(signed_in)
def look(application_id: UUID, number: int) -> ResponseReturnValue:
    """Show an account in full, once, and keep who asked and why."""
    page = _page(application_id)
    _offered(page.checks)
    form = ReasonForm()
    if not form.validate():
        return _show(page, looking=form), 422
    with transaction():
        row, details = service.look(page.application, number, reason=form.reason.data or "", actor=g.actor)
    answer = make_response(
        render_template("banking/bank_look.html", application=page.application, account=row, details=details)
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(application_id: UUID) -> AccountPage:
    return page_of(application_for(g.actor, application_id), g.actor)


def _offered(is_offered: bool) -> None:
    """Whoever has no part in a step is told of no such address; why it cannot be done now, the service says."""
    if not is_offered:
        raise NotFound


def _take(
    page: AccountPage,
    form: StepForm,
    template: str | None,
    says: str,
    step: Callable[..., Any],
    *given: Any,
    refusing: ReasonForm | None = None,
    **more: Any,
) -> ResponseReturnValue:
    """Take a step, or answer with the page, everything that was typed, and why not."""
    application: Application = page.application
    try:
        with transaction():
            step(
                application.id,
                *given,
                **more,
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=application.revision,
                seen=form.seen.data or "",
            )
    except (ReasonMissing, WrongInput) as refusal:
        problems = refusal.problems if isinstance(refusal, WrongInput) else {"reason": refusal}
        form.say(problems)
        status, said = 422, []
    except Refused as refusal:
        if refusal.status == 404:
            raise
        status, said = refusal.status, sentences(refusal)
    else:
        flash(says, "success")
        return redirect(url_for(".show", application_id=application.id), 303)
    page = _page(application.id)
    form.seen.data = page.seen
    if template is None:
        return _show(page, said, refusing=refusing), status
    return _form(template, page, form, said), status


def _form(template: str, page: AccountPage, form: StepForm, says: list[str] | None = None) -> str:
    return render_template(template, page=page, application=page.application, form=form, says=says or [])


def _show(
    page: AccountPage,
    says: list[str] | None = None,
    refusing: ReasonForm | None = None,
    looking: ReasonForm | None = None,
) -> str:
    return render_template(
        "banking/bank.html",
        page=page,
        application=page.application,
        says=says or [],
        step=StepForm.open(page.seen),
        refusing=refusing or ReasonForm.open(page.seen),
        looking=looking or ReasonForm.open(page.seen),
    )
