"""Donors, their lines, and what moves between a line and a round: asked for by one person, approved by a second.

Refuses a movement that the line does not hold, that nobody gave a reason for, or that its own asker would approve. A
window without lines gets one for the fund's own money when its first round is published, so that a fund which counts
no donors need not know of lines.
"""

from __future__ import annotations

from datetime import date
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import GroupMember, TeamMember, User
from fundflow.accounts.policy import DONORS
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.ledger import policy, queries, refusals, reversing
from fundflow.ledger.models import AwardLine, Donor, DonorLine, DonorPerson, Instruction, LedgerBalance
from fundflow.ledger.service import NoAmount, append
from fundflow.ledger.shares import in_order
from fundflow.lifecycle import registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.money import Money
from fundflow.rounds import plans
from fundflow.rounds import service as rounds
from fundflow.rounds.models import Round, Window

Locked = TypeVar("Locked", Round, DonorLine)
OWN_FUNDS = "Own funds"
LONGEST_NAME, LONGEST_REFERENCE, LONGEST_REASON = 200, 140, 500


def make_donor(name: str, note: str = "", *, actor: Actor) -> Donor:
    """A donor of this name; DonorKnown where there is one."""
    _funder(actor)
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise refusals.NoDonorName()
    if db.session.scalar(sa.select(sa.exists().where(Donor.name == name))):
        raise refusals.DonorKnown(name=name)
    donor = Donor(name=name, note=note.strip(), created_by=actor.id)
    db.session.add(donor)
    _flush(refusals.DonorKnown(name=name))
    return donor


def let_follow(donor: Donor, email: str, *, actor: Actor) -> DonorPerson:
    """Let a person who has signed up follow what this donor's money does; nobody of the fund or of a city."""
    _funder(actor)
    person = accounts.person_by_email(email.strip().lower())
    if person is None:
        raise refusals.NobodyThere(email=email.strip())
    db.session.execute(sa.select(User.id).where(User.id == person.id).with_for_update())
    groups = set(db.session.scalars(sa.select(GroupMember.group).where(GroupMember.user_id == person.id)))
    if groups - {DONORS} or db.session.scalar(sa.select(sa.exists().where(TeamMember.user_id == person.id))):
        raise refusals.OfTheFund(name=person.name or person.email)
    if not groups:
        db.session.add(GroupMember(user_id=person.id, group=DONORS, added_by=actor.id))
    known = db.session.scalar(
        sa.select(DonorPerson).where(DonorPerson.donor_id == donor.id, DonorPerson.user_id == person.id)
    )
    if known is None:
        known = DonorPerson(donor_id=donor.id, user_id=person.id, added_by=actor.id)
        db.session.add(known)
        db.session.flush()
    return known


def let_go(person: DonorPerson, *, actor: Actor) -> None:
    """The person no longer follows this donor's money."""
    _funder(actor)
    user_id = person.user_id
    db.session.delete(person)
    db.session.flush()
    if not db.session.scalar(sa.select(sa.exists().where(DonorPerson.user_id == user_id))):
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == user_id, GroupMember.group == DONORS))


def make_line(
    window_id: UUID | None,
    donor_id: UUID | None,
    name: str,
    currency: str,
    *,
    reference: str = "",
    ends_on: date | None = None,
    actor: Actor,
) -> DonorLine:
    """A line of a donor in a window, behind those that are there."""
    _funder(actor)
    name, reference = " ".join(name.split()), " ".join(reference.split())
    if not name or len(name) > LONGEST_NAME or len(reference) > LONGEST_REFERENCE:
        raise refusals.NoLineName()
    if window_id is None or db.session.get(Window, window_id) is None:
        raise refusals.NoSuchWindow()
    if donor_id is None or db.session.get(Donor, donor_id) is None:
        raise refusals.NoSuchDonor()
    if currency not in dict(plans.currencies()):
        raise refusals.NoSuchCurrency()
    mine = sa.and_(DonorLine.window_id == window_id, DonorLine.currency == currency)
    if db.session.scalar(sa.select(sa.exists().where(mine, DonorLine.name == name))):
        raise refusals.LineKnown(name=name, currency=currency)
    last = db.session.scalar(sa.select(sa.func.max(DonorLine.position)).where(mine))
    line = DonorLine(
        window_id=window_id,
        donor_id=donor_id,
        name=name,
        reference=reference,
        currency=currency,
        position=(last or 0) + 1,
        ends_on=ends_on,
        created_by=actor.id,
    )
    db.session.add(line)
    _flush(refusals.LineKnown(name=name, currency=currency))
    return line


def ask(
    kind: str,
    line: DonorLine,
    amount: Money | None,
    reason: str,
    *,
    key: str,
    actor: Actor,
    round_id: UUID | None = None,
) -> Instruction:
    """Ask for an appropriation, an allocation to a round, a withdrawal from it, or a restitution to the donor.

    What is plainly not there is refused at once; what is moved is decided when a second person approves.
    """
    _funder(actor)
    if (known := _known(key, actor)) is not None:
        return known
    if amount is None or amount.minor <= 0:
        raise NoAmount()
    if amount.currency != line.currency:
        raise refusals.OtherCurrency(amount=amount, currency=line.currency)
    reason = reasoned(reason)
    if kind in ("allocation", "withdrawal"):
        _fitting_round(line, round_id)
    else:
        round_id = None
    _possible(kind, line, round_id, amount)
    return _asked(key, kind, line.id, round_id, None, amount, reason, actor)


def ask_reversal(entry_id: UUID, reason: str, *, key: str, actor: Actor) -> Instruction:
    """Ask to take back what an entry moved, with all that moved along with it."""
    if not policy.may_correct(actor):
        raise refusals.NotACorrector
    if (known := _known(key, actor)) is not None:
        return known
    reason = reasoned(reason)
    together = reversing.together(entry_id)
    reversing.check(together)
    first = together[0]
    amount = Money(sum(each.minor for each in together), first.currency)
    return _asked(key, "reversal", first.line_id, first.round_id, first.id, amount, reason, actor)


def answer(instruction: Instruction, *, approve: bool, note: str = "", actor: Actor) -> Instruction:
    """Approve, and move the money, or refuse; the second person is not the first, nor stands in for them.

    AnsweredAlready where somebody was quicker; an approval that finds less than it moves is refused and stays open.
    """
    if not policy.may_answer(actor, instruction.kind) or actor.id is None:
        raise refusals.NotAFunder
    if registry.are_one(actor.id, instruction.asked_by):
        raise refusals.NeedsSecondPerson
    if instruction.round_id is not None:
        _lock(Round, instruction.round_id)
    db.session.refresh(instruction, with_for_update=True)
    if instruction.answered_at is not None:
        raise refusals.AnsweredAlready()
    if approve:
        _move(instruction)
    instruction.answered_at = clock.now()
    instruction.answer = note.strip()[:LONGEST_REASON] or None
    if approve:
        instruction.approved_by = actor.id
    else:
        instruction.refused_by = actor.id
    db.session.flush()
    return instruction


ACCOUNTS = {
    "appropriation": ("donor", "unallocated"),
    "restitution": ("unallocated", "returned"),
    "allocation": ("unallocated", "available"),
    "withdrawal": ("available", "unallocated"),
}


def _move(instruction: Instruction) -> None:
    if instruction.kind == "reversal":
        reversing.reverse(instruction)
        return
    line = _lock(DonorLine, instruction.line_id)
    _possible(instruction.kind, line, instruction.round_id, instruction.amount)
    credit, debit = ACCOUNTS[instruction.kind]
    append(
        instruction.kind,
        credit,
        debit,
        {line.id: instruction.minor},
        line.currency,
        round_id=instruction.round_id,
        instruction_id=instruction.id,
    )
    if instruction.kind == "allocation" and instruction.round_id is not None:
        rounds.raise_budget(instruction.round_id, queries.balance(instruction.round_id).budget)


def _possible(kind: str, line: DonorLine, round_id: UUID | None, amount: Money) -> None:
    if kind in ("allocation", "restitution"):
        if kind == "allocation" and line.ends_on is not None and line.ends_on < clock.now().date():
            raise refusals.LineEnded(line=line.name, ends_on=line.ends_on)
        held = Money(held_by(line.id, line.id, "unallocated"), line.currency)
        if amount > held:
            raise refusals.NothingUnallocated(line=line.name, held=held, amount=amount)
    elif kind == "withdrawal" and round_id is not None:
        held = Money(held_by(round_id, line.id, "available"), line.currency)
        if amount > held:
            raise refusals.NothingAvailable(line=line.name, held=held, amount=amount)


def held_by(holder_id: UUID, line_id: UUID, account: str) -> int:
    """What stands in one account."""
    found = db.session.get(LedgerBalance, (holder_id, line_id, account), populate_existing=True)
    return 0 if found is None else found.minor


def give_budget(round_id: UUID) -> Money:
    """Give a round the part of its budget that it does not have yet, from its window's lines in their order.

    It says how much that was. A window without lines gets one for the fund's own money; NotAppropriated where its
    lines hold less.
    """
    round_ = _lock(Round, round_id)
    budget = round_.budget
    missing = budget - queries.balance(round_id).budget
    if missing.minor < 0:
        raise refusals.BudgetBelowAppropriation(appropriated=str(budget - missing), budget=str(budget))
    if missing:
        held = _unallocated(round_, missing)
        if sum(held.values()) < missing.minor:
            left = Money(sum(held.values()), budget.currency)
            raise refusals.NotAppropriated(unallocated=left, budget=budget)
        shares = in_order(missing.minor, held)
        append("allocation", "unallocated", "available", shares, budget.currency, round_id=round_id)
    return missing


def _unallocated(round_: Round, missing: Money) -> dict[UUID, int]:
    """What each line of the window could give, in their order; own money is counted in where there is no donor's."""
    db.session.execute(sa.select(Window.id).where(Window.id == round_.window_id).with_for_update())
    lines = db.session.scalars(
        sa.select(DonorLine)
        .where(DonorLine.window_id == round_.window_id, DonorLine.currency == round_.currency)
        .order_by(DonorLine.position, DonorLine.created_at, DonorLine.id)
        .with_for_update()
    ).all()
    today = clock.now().date()
    held = {
        each.id: held_by(each.id, each.id, "unallocated")
        for each in lines
        if each.ends_on is None or each.ends_on >= today
    }
    if all(each.is_own for each in lines):
        own = lines[0] if lines else _own_line(round_)
        if (short := missing.minor - held.get(own.id, 0)) > 0:
            append("appropriation", "donor", "unallocated", {own.id: short}, own.currency)
            held[own.id] = missing.minor
    return held


def _own_line(round_: Round) -> DonorLine:
    line = DonorLine(window_id=round_.window_id, is_own=True, name=OWN_FUNDS, currency=round_.currency, position=0)
    db.session.add(line)
    db.session.flush()
    return line


def split(application: Application, shares: dict[UUID, Money], *, actor: Actor) -> None:
    """Choose on which lines an award will draw, before money is set aside for it; none for the lines in their order."""
    if not (actor.is_system or policy.may_fund(actor)):
        raise refusals.NotAFunder
    _lock(Round, application.round_id)
    held = queries.standing(application)
    if held.reserved + held.undisbursed + held.paid:
        raise refusals.SplitTooLate()
    known = set(
        db.session.scalars(
            sa.select(LedgerBalance.line_id).where(
                LedgerBalance.holder_id == application.round_id, LedgerBalance.account == "available"
            )
        )
    )
    if not shares.keys() <= known:
        raise refusals.OtherLine()
    db.session.execute(sa.delete(AwardLine).where(AwardLine.application_id == application.id))
    for line_id, amount in shares.items():
        if amount.minor < 0 or amount.currency != application.currency:
            raise NoAmount()
        if amount:
            db.session.add(
                AwardLine(application_id=application.id, line_id=line_id, minor=amount.minor, set_by=actor.id)
            )
    db.session.flush()


def reasoned(text: str) -> str:
    """A reason, in one line; NoReason without one."""
    text = " ".join(text.split())
    if not text or len(text) > LONGEST_REASON:
        raise refusals.NoReason()
    return text


def _fitting_round(line: DonorLine, round_id: UUID | None) -> None:
    fits = sa.select(
        sa.exists().where(
            Round.id == round_id,
            Round.window_id == line.window_id,
            Round.currency == line.currency,
            Round.status == "published",
        )
    )
    if round_id is None or not db.session.scalar(fits):
        raise refusals.NoSuchRound()


def _asked(
    key: str,
    kind: str,
    line_id: UUID,
    round_id: UUID | None,
    entry_id: UUID | None,
    amount: Money,
    reason: str,
    actor: Actor,
) -> Instruction:
    instruction = Instruction(
        key=key,
        kind=kind,
        line_id=line_id,
        round_id=round_id,
        entry_id=entry_id,
        minor=amount.minor,
        currency=amount.currency,
        reason=reason,
        asked_by=actor.id,
    )
    db.session.add(instruction)
    db.session.flush()
    return instruction


def _known(key: str, actor: Actor) -> Instruction | None:
    """What was asked under this key before: a form that is sent twice asks once."""
    found = db.session.scalar(sa.select(Instruction).where(Instruction.key == key))
    if found is not None and found.asked_by != actor.id:
        raise refusals.KeyUsed()
    return found


def _funder(actor: Actor) -> None:
    if not (actor.is_system or policy.may_fund(actor)):
        raise refusals.NotAFunder


def _lock(model: type[Locked], key: UUID) -> Locked:
    found = db.session.get(model, key, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound()
    return found


def _flush(otherwise: Exception) -> None:
    """Send it; whoever was quicker with the same name is told of in a sentence."""
    try:
        db.session.flush()
    except IntegrityError:
        raise otherwise from None
