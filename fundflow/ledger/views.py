"""Where the money comes from: donors, lines, what was asked of them, corrections, and the lines of an award."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow.db import transaction
from fundflow.errors import Refused
from fundflow.ledger import donor_views, funding, naming, policy, queries, refusals, reversing, sources, statement_views
from fundflow.ledger.forms import AnswerForm, DonorForm, LineForm, MovementForm, PersonForm, ReasonForm, Typed
from fundflow.ledger.models import DonorLine, Instruction
from fundflow.money import Money, plain_decimal
from fundflow.rounds.queries import windows
from fundflow.web import reader
from fundflow.web.gate import Rule, requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item

pages = Blueprint("ledger", __name__)
statement_views.add_to(pages)
donor_views.add_to(pages)

_EVERY_ROUND = _l("a fund manager of every round")
sees_lines = Rule(policy.may_see_lines, _EVERY_ROUND, "managers, directors, finance and auditors of every round")
funders = Rule(policy.may_fund, _EVERY_ROUND, "managers and finance of every round")
correctors = Rule(policy.may_correct, _l("finance of every round"), "finance of every round")


def init_app(app: Flask) -> None:
    """Serve the pages and put them into the navigation."""
    app.register_blueprint(pages)
    nav_item(_l("Donors"), "ledger.index", sees_lines, 56, within="payments.index")
    nav_item(_l("Your funding"), "ledger.followed", donor_views.followers, 10)


@pages.get("/funding")
@requires(sees_lines)
def index() -> ResponseReturnValue:
    """Every line by window, and what waits for a second person."""
    return render_template(
        "ledger/index.html",
        lines=sources.lines(),
        donors=sources.donors(),
        asked=sources.instructions(Instruction.answered_at.is_(None)),
        kinds=naming.kinds(),
        may_fund=policy.may_fund(g.actor),
    )


@pages.route("/funding/donors/new", methods=["GET", "POST"])
@requires(funders)
def new_donor() -> ResponseReturnValue:
    """A donor by name."""
    form = DonorForm()
    if form.is_submitted():
        try:
            with transaction():
                donor = funding.make_donor(form.name.data or "", form.note.data or "", actor=g.actor)
        except Refused as problem:
            return _again(form, problem, _("New donor"))
        return redirect(url_for(".show_donor", donor_id=donor.id), 303)
    return _page(form, _("New donor"))


@pages.route("/funding/donors/<uuid:donor_id>", methods=["GET", "POST"])
@requires(sees_lines)
def show_donor(donor_id: UUID) -> ResponseReturnValue:
    """One donor: its lines, and the people who follow its money; a new one is named here."""
    donor = sources.donor_for(g.actor, donor_id)
    form, status = PersonForm(), 200
    if form.is_submitted():
        try:
            with transaction():
                funding.let_follow(donor, form.email.data or "", actor=g.actor)
        except Refused as problem:
            if problem.status not in (409, 422):
                raise
            donor, status = sources.donor_for(g.actor, donor_id), 422
            form.refuse(problem)
        else:
            flash(_("This person can now follow what the money of the donor does."), "success")
            return redirect(url_for(".show_donor", donor_id=donor_id), 303)
    page = render_template(
        "ledger/donor.html",
        donor=donor,
        lines=sources.lines(DonorLine.donor_id == donor_id),
        people=sources.people_of(donor_id),
        form=form,
        may_fund=policy.may_fund(g.actor),
    )
    return page, status


@pages.post("/funding/people/<uuid:person_id>/remove")
@requires(funders)
def remove_person(person_id: UUID) -> ResponseReturnValue:
    """The person no longer follows the donor's money."""
    with transaction():
        person = sources.person_for(g.actor, person_id)
        donor_id = person.donor_id
        funding.let_go(person, actor=g.actor)
    return redirect(url_for(".show_donor", donor_id=donor_id), 303)


@pages.route("/funding/lines/new", methods=["GET", "POST"])
@requires(funders)
def new_line() -> ResponseReturnValue:
    """A line of a donor in a window."""
    form = LineForm(windows(), sources.donors())
    if form.is_submitted():
        try:
            with transaction():
                line = funding.make_line(
                    _id(form.window.data),
                    _id(form.donor.data),
                    form.name.data or "",
                    form.currency.data or "",
                    reference=form.reference.data or "",
                    ends_on=form.last_day(),
                    actor=g.actor,
                )
        except Refused as problem:
            return _again(form, problem, _("New line"))
        return redirect(url_for(".show_line", line_id=line.id), 303)
    return _page(form, _("New line"))


@pages.route("/funding/lines/<uuid:line_id>", methods=["GET", "POST"])
@requires(sees_lines)
def show_line(line_id: UUID) -> ResponseReturnValue:
    """One line: where its money stands, what was asked of it, and the form to ask."""
    row = sources.line_for(g.actor, line_id)
    if request.method == "POST" and not policy.may_fund(g.actor):
        raise refusals.NotAFunder
    form, status = MovementForm(row.line, sources.rounds_of(row.line)), 200
    if form.is_submitted():
        try:
            with transaction():
                funding.ask(
                    form.kind.data if form.kind.data in funding.ACCOUNTS else "appropriation",
                    row.line,
                    form.money(),
                    form.reason.data or "",
                    key=form.command_key(g.actor.id),
                    actor=g.actor,
                    round_id=form.round_id(),
                )
        except Refused as problem:
            if problem.status not in (409, 422):
                raise
            row, status = sources.line_for(g.actor, line_id), 422
            form.refuse(problem)
        else:
            flash(_("Asked for. It moves when a second person has approved it."), "success")
            return redirect(url_for(".show_line", line_id=line_id), 303)
    page = render_template(
        "ledger/line.html",
        row=row,
        accounts=naming.accounts(),
        kinds=naming.kinds(),
        asked=sources.instructions(Instruction.line_id == line_id),
        form=form,
        may_fund=policy.may_fund(g.actor),
    )
    return page, status


@pages.route("/funding/instructions/<uuid:instruction_id>", methods=["GET", "POST"])
@requires(sees_lines)
def answer(instruction_id: UUID) -> ResponseReturnValue:
    """What was asked, for a second person to approve or refuse."""
    instruction, form, status = sources.instruction_for(g.actor, instruction_id), AnswerForm(), 200
    if form.is_submitted():
        approve = request.form.get("answer") == "approve"
        try:
            with transaction():
                funding.answer(instruction, approve=approve, note=form.note.data or "", actor=g.actor)
        except Refused as problem:
            if problem.status not in (409, 422):
                raise
            form.refuse(problem)
            instruction, status = sources.instruction_for(g.actor, instruction_id), 422
        else:
            flash(_("Approved, and booked.") if approve else _("Refused. Nothing has moved."), "success")
            return redirect(url_for(".show_line", line_id=instruction.line_id), 303)
    [asked] = sources.instructions(Instruction.id == instruction_id)
    may = instruction.answered_at is None and instruction.asked_by != g.actor.id
    page = render_template(
        "ledger/answer.html",
        asked=asked,
        form=form,
        kinds=naming.kinds(),
        may_answer=may and not instruction.answered_at,
    )
    return page, status


@pages.route("/funding/entries/<uuid:entry_id>/reverse", methods=["GET", "POST"])
@requires(correctors)
def reverse(entry_id: UUID) -> ResponseReturnValue:
    """Ask to take back what an entry moved."""
    entries = reversing.together(entry_id)
    form, form_title = ReasonForm(), _("Take an entry back")
    if form.is_submitted():
        try:
            with transaction():
                made = funding.ask_reversal(
                    entry_id, form.reason.data or "", key=form.command_key(g.actor.id), actor=g.actor
                )
        except Refused as problem:
            return _again(form, problem, form_title, entries=_told(entry_id))
        flash(_("Asked for. It is booked when a second person has approved it."), "success")
        return redirect(url_for(".answer", instruction_id=made.id), 303)
    return _page(form, form_title, entries=_told(entries[0].id))


def _told(entry_id: UUID) -> list[tuple[str, str, str, Money]]:
    kinds, accounts = naming.kinds(), naming.accounts()
    return [
        (kinds[each.kind], accounts[each.credit], accounts[each.debit], each.amount)
        for each in reversing.together(entry_id)
    ]


@pages.route("/funding/awards/<uuid:application_id>", methods=["GET", "POST"])
@requires(sees_lines)
def split(application_id: UUID) -> ResponseReturnValue:
    """On which lines an award will draw: an amount for each, before money is set aside; empty for the lines' order."""
    application = sources.application_for(g.actor, application_id)
    form, status, problems = Typed(), 200, []
    typed = {name: text for name, text in request.form.items() if name.startswith("line-")}
    if form.is_submitted():
        try:
            shares = {
                line_id: Money.read(text, application.currency, reader.locale())
                for name, text in typed.items()
                if text.strip() and (line_id := _id(name.removeprefix("line-")))
            }
            with transaction():
                funding.split(application, shares, actor=g.actor)
        except Refused as problem:
            if problem.status not in (409, 422):
                raise
            problems, status = [sentence(problem)], 422
            application = sources.application_for(g.actor, application_id)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".split", application_id=application_id), 303)
    held = queries.holdings(application)
    chosen = queries.split_of(application_id)
    ids = {line for each in held.by_account.values() for line in each}
    page = render_template(
        "ledger/split.html",
        application=application,
        lines=sources.lines(DonorLine.id.in_(ids)),
        held=held,
        own=queries.OWN_ACCOUNTS,
        accounts=naming.accounts(),
        values={
            line_id: typed.get(f"line-{line_id}") or _written(chosen.get(line_id), application.currency)
            for line_id in ids
        },
        form=form,
        problems=problems,
        money_of=lambda minor: Money(minor, application.currency),
        may_change=policy.may_fund(g.actor) and not any(held.of(each) for each in queries.OWN_ACCOUNTS),
    )
    return page, status


def _written(minor: int | None, currency: str) -> str:
    return "" if minor is None else plain_decimal(Money(minor, currency).amount, reader.locale())


def _page(form: Typed, title: str, **more: Any) -> str:
    return render_template("ledger/form.html", form=form, title=title, **more)


def _again(form: Typed, problem: Refused, title: str, **more: Any) -> ResponseReturnValue:
    """The page with what was typed and with the sentence; whoever may not at all is told so by the shell."""
    if problem.status not in (409, 422):
        raise problem
    form.refuse(problem)
    return _page(form, title, **more), 422


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
