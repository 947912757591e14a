"""The pages of the disbursement board, of payment batches, and of the accounts that the fund pays from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Flask, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from fundflow import clock
from fundflow.accounts import queries as people
from fundflow.accounts.policy import FINANCE, in_group
from fundflow.banking import numbers as bank_numbers
from fundflow.db import transaction
from fundflow.errors import NotFound, Refused
from fundflow.payments import batches, board, paying
from fundflow.payments.answer_words import status_names
from fundflow.payments.batch_forms import BatchForm, PayingForm
from fundflow.payments.order_models import PayingAccount, PaymentBatch
from fundflow.rounds import queries as rounds
from fundflow.rounds.policy import SEES_MONEY
from fundflow.rounds.queries import money_rounds
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item

pages = Blueprint("batches", __name__)

sees_money = in_group(*SEES_MONEY)
finance = in_group(FINANCE)


def init_app(app: Flask) -> None:
    """Serve the pages and put the board into the navigation."""
    app.register_blueprint(pages)
    nav_item(_l("Payments due"), "batches.due", sees_money, 51, within="payments.index")
    nav_item(_l("Payment files"), "batches.index", sees_money, 52, within="payments.index")


@pages.get("/money/due")
@requires(sees_money)
def due() -> ResponseReturnValue:
    """What is not paid yet: by round, by what it waits for, by day; finance chooses from it what goes into a file."""
    return _board(BatchForm(None, key=str(uuid4()), execute_on=clock.now().date()))


@pages.get("/money/batches")
@requires(sees_money)
def index() -> ResponseReturnValue:
    """The newest batches."""
    found = batches.batches_for(g.actor)
    return render_template(
        "payments/batches.html",
        batches=found,
        names=people.people_named(each.prepared_by for each in found),
        place=place_of,
    )


@pages.post("/money/batches")
@requires(finance)
def prepare() -> ResponseReturnValue:
    """Keep what was chosen for a second person."""
    form = BatchForm()
    chosen = request.form.getlist("pay")
    try:
        with transaction():
            batch = batches.prepare(
                [batches.Pick(*_pick(each)) for each in _due() if each.name in chosen and each.can_be_chosen],
                account_id=form.account_id,
                execute_on=form.day or clock.now().date(),
                key=form.pressed("batch", g.actor.id),
                actor=g.actor,
                chosen=len(chosen),
            )
    except Refused as refusal:
        if isinstance(refusal, NotFound):
            raise
        form.say({"": refusal})
        return _board(form, chosen), refusal.status
    flash(_("The batch is prepared. A second person of finance looks at it and releases it."), "success")
    return redirect(url_for(".show", batch_id=batch.id), 303)


@pages.get("/money/batches/<uuid:batch_id>")
@requires(sees_money)
def show(batch_id: UUID) -> ResponseReturnValue:
    """A batch: its payments, what came of each, and what can be done with it now."""
    return _batch(batches.batch_for(g.actor, batch_id))


@pages.post("/money/batches/<uuid:batch_id>/release")
@requires(finance)
def release(batch_id: UUID) -> ResponseReturnValue:
    """Have everything ordered and the file written, as the second person."""
    seen = request.form.get("seen", "")
    says = _("Released. The payments are being ordered and the file written; this takes a moment.")
    return _do(batch_id, lambda: batches.release(batch_id, seen=seen, actor=g.actor), says)


@pages.post("/money/batches/<uuid:batch_id>/discard")
@requires(finance)
def discard(batch_id: UUID) -> ResponseReturnValue:
    """Put a batch aside that is not released."""
    says = _("The batch is put aside. Nothing was ordered.")
    return _do(batch_id, lambda: batches.discard(batch_id, actor=g.actor), says)


@pages.post("/money/batches/<uuid:batch_id>/sent")
@requires(finance)
def sent(batch_id: UUID) -> ResponseReturnValue:
    """Say that the file was given to the bank."""
    says = _("Noted. Take in the bank's answer when it comes.")
    return _do(batch_id, lambda: batches.sent(batch_id, actor=g.actor), says)


@pages.get("/money/batches/<uuid:batch_id>/file")
@requires(finance)
def download(batch_id: UUID) -> ResponseReturnValue:
    """The file for the bank, byte for byte what was written."""
    batch = batches.batch_for(g.actor, batch_id)
    if batch.sha256 is None or not g.actor.is_in(FINANCE):
        raise NotFound
    try:
        content = batches.file_of(batch)
    except batches.CalledOff as refusal:
        return _batch(batch, refusal), refusal.status
    answer = Response(content, mimetype="application/xml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{batch.message_id}.xml")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@pages.route("/money/paying", methods=["GET", "POST"])
@requires(finance)
def accounts() -> ResponseReturnValue:
    """The accounts that the fund pays from, and entering one."""
    if not paying.is_of_finance(g.actor):
        raise NotFound
    form = PayingForm(windows=rounds.windows(), locale=reader.locale())
    if not form.is_submitted():
        return _accounts(form)
    # Whoever enters it is whom the fund asks about it.
    contact = {"contact_name": g.actor.name, "contact_email": g.actor.email, "contact_phone": "-"}
    typed = form.typed()
    try:
        details = bank_numbers.read({**typed, **contact})
        if not typed["currency"].strip():
            raise bank_numbers.WrongDetails({"currency": bank_numbers.Missing()})
    except bank_numbers.WrongDetails as wrong:
        form.say(wrong.problems)
        return _accounts(form), 422
    windows = {str(window.id): window.id for window in rounds.windows()}
    with transaction():
        paying.enter(
            details,
            window_id=windows.get(form.window.data or ""),
            currency=details.currency or "",
            charges=form.charges.data if form.charges.data in ("SHAR", "DEBT", "CRED") else "SHAR",
            actor=g.actor,
        )
    flash(_("The account is kept. It is paid from once a second person of finance has confirmed it."), "success")
    return redirect(url_for(".accounts"), 303)


@pages.post("/money/paying/<uuid:account_id>/confirm")
@requires(finance)
def confirm_account(account_id: UUID) -> ResponseReturnValue:
    """Put an account in force, as the second person."""
    return _with_account(lambda: paying.confirm(account_id, actor=g.actor), _("The account is in force."))


@pages.post("/money/paying/<uuid:account_id>/close")
@requires(finance)
def close_account(account_id: UUID) -> ResponseReturnValue:
    """Pay from an account no more."""
    return _with_account(lambda: paying.close(account_id, actor=g.actor), _("The account is closed."))


def place_of(batch: PaymentBatch) -> tuple[str, str]:
    """Where a batch stands, in words and as a tone."""
    if batch.discarded_at is not None:
        return _("Put aside"), "neutral"
    if batch.released_at is None:
        return _("Waits for a second person"), "warning"
    if batch.written_at is None:
        return _("Being written"), "info"
    if batch.sha256 is None:
        return _("Nothing could be ordered"), "danger"
    if batch.sent_at is None:
        return _("Ready for the bank"), "info"
    return _("Given to the bank"), "success"


def account_label(account: PayingAccount) -> str:
    """An account without its number."""
    return f"{account.country} …{account.tail} ({account.currency})"


def stand_names() -> dict[str, str]:
    """What a payment waits for."""
    return {
        board.READY: _("Can be ordered"),
        board.BLOCKED: _("Something is missing"),
        board.CITY: _("The city's turn"),
        board.FUND: _("The fund's turn"),
        board.BANK: _("With the bank"),
    }


def _due() -> list[board.Due]:
    return board.due_for(g.actor, money_rounds(g.actor))


def _pick(each: board.Due) -> tuple[Any, ...]:
    assert each.step is not None and each.amount is not None  # noqa: S101 - only such can be chosen
    return each.application.id, each.kind.id, each.child.key, each.step.id, each.amount, each.application.revision


def _board(form: BatchForm, chosen: list[str] | None = None) -> str:
    every = money_rounds(g.actor)
    wanted = request.args.get("round", "")
    picked = [each for each in every if each.slug == wanted] or every
    stands = request.args.get("stands", "")
    days = request.args.get("days", "")
    found = board.due_for(g.actor, picked, stands=stands if stands in board.STANDS else "", until=board.until_of(days))
    offered = any(each.can_be_chosen for each in found)
    if offered:
        first = next(each.round for each in found if each.can_be_chosen)
        accounts_ = paying.in_force(first.currency, {each.round.id for each in found if each.can_be_chosen})
        form.offer((each.id, account_label(each)) for each in accounts_)
    return render_template(
        "payments/due.html",
        due=found,
        rounds=every,
        round_slug=wanted,
        stands=stands,
        days=days,
        names=stand_names(),
        statuses=status_names(),
        today=clock.now().date(),
        form=form,
        chosen=chosen or [],
        offered=offered,
        language=reader.language(),
        is_cut=len({each.application.id for each in found}) >= board.MOST,
    )


def _batch(batch: PaymentBatch, refusal: Refused | None = None) -> str:
    lines = batches.lines_of(batch)
    people_ = (batch.prepared_by, batch.released_by, batch.discarded_by, batch.sent_by)
    return render_template(
        "payments/batch.html",
        batch=batch,
        lines=lines,
        place=place_of(batch),
        account=account_label(batches.account_of(batch)),
        seen=batches.seen_of(lines),
        names=people.people_named(people_),
        statuses=status_names(),
        is_mine=batch.prepared_by == g.actor.id,
        is_finance=g.actor.is_in(FINANCE),
        refusal=None if refusal is None else sentence(refusal),
    )


def _do(batch_id: UUID, act: Callable[[], PaymentBatch], says: str) -> ResponseReturnValue:
    batch = batches.batch_for(g.actor, batch_id)
    try:
        with transaction():
            act()
    except NotFound:
        raise
    except Refused as refusal:
        return _batch(batches.batch_for(g.actor, batch_id), refusal), refusal.status
    flash(says, "success")
    return redirect(url_for(".show", batch_id=batch.id), 303)


def _accounts(form: PayingForm, refusal: Refused | None = None) -> str:
    found = paying.accounts()
    return render_template(
        "payments/paying.html",
        accounts=found,
        windows={window.id: window.name for window in rounds.windows()},
        names=people.people_named(person for each in found for person in (each.entered_by, each.confirmed_by)),
        form=form,
        me=g.actor.id,
        refusal=None if refusal is None else sentence(refusal),
    )


def _with_account(act: Callable[[], PayingAccount], says: str) -> ResponseReturnValue:
    try:
        with transaction():
            act()
    except NotFound:
        raise
    except Refused as refusal:
        form = PayingForm(None, windows=rounds.windows(), locale=reader.locale())
        return _accounts(form, refusal), refusal.status
    flash(says, "success")
    return redirect(url_for(".accounts"), 303)
