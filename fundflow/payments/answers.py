"""The bank's answers: taken in by a person of finance, shown before anything happens, applied one by one.

What is applied goes through the workflow's own steps, each in a transaction of its own, with a result of its own. The
same file twice changes nothing, and neither does another file that says the same; two people at once apply it once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import storage
from fundflow.accounts.models import City
from fundflow.accounts.policy import AUDITORS
from fundflow.db import canonical_json, db, inserting, present
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import commands, definitions
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import locked
from fundflow.payments import iso20022, judging, orders, paying
from fundflow.payments.iso20022 import Said
from fundflow.payments.iso20022.reading import OTHER
from fundflow.payments.judging import Verdict
from fundflow.payments.order_models import (
    DONE,
    LOOK,
    NOTHING,
    BankFile,
    BankLine,
    PayingAccount,
    PaymentBatch,
    PaymentOrder,
)
from fundflow.rounds.policy import scopes
from fundflow.web.refusals import sentence


class NothingSaid(Refused):
    """This file says nothing about any payment."""

    status = 422


class NoNote(Refused):
    """Say what you found out."""

    status = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing that the bank says, the order it is about, and what follows or followed from it."""

    line: BankLine
    order: PaymentOrder | None
    number: str
    city: str
    verdict: Verdict
    """What would follow now; for what was applied, what followed then."""


def may_read(actor: Actor) -> bool:
    """The bank's files are about every round: finance and auditors of all rounds."""
    return paying.is_of_finance(actor) or scopes(actor, AUDITORS) is None


def receive(content: bytes, name: str, *, actor: Actor) -> tuple[BankFile, bool]:
    """Take a file in and do nothing else; the file, and whether it was there before. Refuses what is no bank's file."""
    if actor.id is None or not paying.is_of_finance(actor):
        raise NotFound()
    sha256 = hashlib.sha256(content).hexdigest()
    known = db.session.scalars(sa.select(BankFile).where(BankFile.sha256 == sha256)).first()
    if known is not None:
        return known, True
    message = iso20022.read(content)
    said = _by_order(message.said)
    if not said:
        raise NothingSaid()
    file_id = uuid4()
    made = db.session.execute(
        inserting(BankFile)
        .values(
            id=file_id,
            created_at=present(),
            sha256=storage.put(content).sha256,
            name=" ".join(name.split())[:200] or "statement.xml",
            message=f"{message.kind}.{message.version}",
            message_id=message.id[:140],
            received_by=actor.id,
        )
        .on_conflict_do_nothing(index_elements=["sha256"])
        .returning(BankFile.id)
    ).first()
    if made is not None:
        db.session.execute(
            sa.insert(BankLine), [_kept(file_id, at, each, order_id) for at, (each, order_id) in enumerate(said, 1)]
        )
    return db.session.scalars(sa.select(BankFile).where(BankFile.sha256 == sha256)).one(), made is None


def file_for(actor: Actor, file_id: UUID) -> BankFile:
    """The file, for finance and auditors of every round; NotFound otherwise."""
    found = db.session.get(BankFile, file_id) if may_read(actor) else None
    if found is None:
        raise NotFound()
    return found


def answers_of(file: BankFile) -> list[Answer]:
    """Everything a file says, in its order, with what would follow from it now or followed: as many reads for any file.

    What follows is worked out line by line, so the second booking of one payment is judged after the first.
    """
    rows = db.session.execute(_LINES.where(BankLine.file_id == file.id).order_by(BankLine.position)).all()
    return _judged(rows)


def to_look_at(actor: Actor) -> list[Answer]:
    """What somebody has to look at, of all files, the newest first."""
    if not may_read(actor):
        raise NotFound()
    rows = db.session.execute(
        _LINES.join(BankFile, BankFile.id == BankLine.file_id)
        .where(BankLine.result == LOOK, BankLine.settled_at.is_(None))
        .order_by(BankFile.created_at.desc(), BankFile.id, BankLine.position)
        .limit(200)
    ).all()
    return _judged(rows)


def seen_of(answers: Iterable[Answer]) -> str:
    """A digest of what would happen now: whoever applies a file says that this is what they saw."""
    said = [[a.line.position, a.line.result, a.verdict.action, a.verdict.code] for a in answers]
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def open_positions(file: BankFile) -> Sequence[int]:
    """What of a file can be applied: what was not yet, and what somebody looked at without settling it."""
    return db.session.scalars(
        sa.select(BankLine.position)
        .where(BankLine.file_id == file.id, BankLine.settled_at.is_(None))
        .where(sa.or_(BankLine.result.is_(None), BankLine.result == LOOK))
        .order_by(BankLine.position)
    ).all()


def apply(file_id: UUID, position: int, *, actor: Actor) -> None:
    """Do what follows from one line, in the present transaction; the caller commits it by itself.

    Whoever comes second finds it done. Raises the refusal of the workflow: the caller undoes everything and has it
    kept by `put_by`.
    """
    line = _locked(file_id, position, actor)
    if line.result not in (None, LOOK) or line.settled_at is not None:
        return
    order = _order_of(line)
    verdict = judging.judge(line, order, similar=_similar_to(line, order))
    is_known = bool(_done([line.identity]))
    if is_known or _same_words(line) in _told_above(line):
        verdict = _again(line, verdict, is_known=is_known)
    result, event_seq = DONE, None
    match verdict.action:
        case judging.NOTHING | judging.LOOK:
            result = NOTHING if verdict.action == judging.NOTHING else LOOK
        case judging.ACCEPT:
            assert order is not None  # noqa: S101 - only an order is accepted
            orders.accept(order, line.reason)
        case judging.PART:
            assert order is not None and verdict.amount is not None  # noqa: S101 - a part of an order
            orders.book_part(order, verdict.amount)
        case _:
            assert order is not None  # noqa: S101 - a step is taken for an order
            event_seq = _take_step(line, order, verdict, actor)
            if event_seq is None:
                result, verdict = LOOK, Verdict(judging.LOOK, "no_step")
    _keep(line, result, verdict.code, verdict.facts, event_seq, actor)
    if order is not None and result == DONE and line.reason:
        order.reason = line.reason


def put_by(file_id: UUID, position: int, refusal: Refused, *, actor: Actor) -> None:
    """Keep why the workflow refused what should have followed, for somebody to look at."""
    line = _locked(file_id, position, actor)
    if line.result in (None, LOOK):
        _keep(line, LOOK, "refused", {"why": sentence(refusal)}, None, actor)


def settle(file_id: UUID, position: int, note: str, *, actor: Actor) -> None:
    """Somebody looked at it and says what they found out; it is not applied any more."""
    line = _locked(file_id, position, actor)
    note = " ".join(note.split())
    if not note:
        raise NoNote()
    if line.result != LOOK or line.settled_at is not None:
        raise paying.NoLongerSo()
    line.settled_by, line.settled_at, line.note = actor.id, present(), note[:2000]


def _again(line: BankLine, verdict: Verdict, *, is_known: bool) -> Verdict:
    """What follows from words that were applied before: `is_known` from another file, else from further up in this one.

    With the bank's own reference another file's are known. Else they may be a second payment or the same one, such as
    one half and the other: somebody looks at them.
    """
    if is_known and line.reference:
        return Verdict(judging.NOTHING, "told_before")
    return verdict if verdict.action in (judging.NOTHING, judging.LOOK) else Verdict(judging.LOOK, "booked_twice")


def _same_words(line: BankLine) -> Hashable:
    """What two lines of a file share that are the same booking, by the bank's own reference; else only its place."""
    if not line.reference or not line.end_to_end_id:
        return line.file_id, line.position
    return line.file_id, line.what, line.end_to_end_id, line.reference, line.minor, line.currency, line.booked_on


def _told_above(line: BankLine) -> set[Hashable]:
    """The words of the lines before this one in its file that were applied, about the same payment."""
    above = sa.select(BankLine).where(
        BankLine.file_id == line.file_id,
        BankLine.position < line.position,
        BankLine.end_to_end_id == line.end_to_end_id,
        BankLine.result == DONE,
    )
    return {_same_words(each) for each in db.session.scalars(above)}


_LINES = (
    sa.select(BankLine, PaymentOrder, Application.number, City.name)
    .outerjoin(PaymentOrder, PaymentOrder.id == BankLine.order_id)
    .outerjoin(Application, Application.id == PaymentOrder.application_id)
    .outerjoin(City, City.id == Application.city_id)
    .execution_options(populate_existing=True)
)


def _by_order(said: Sequence[Said]) -> list[tuple[Said, UUID | None]]:
    """Each saying with the order it names. A word about a whole file becomes one about each order it does not name."""
    named = {each.end_to_end_id for each in said if each.end_to_end_id}
    rows = (
        sa.select(PaymentOrder.end_to_end_id, PaymentOrder.id, PayingAccount)
        .outerjoin(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
        .outerjoin(PayingAccount, PayingAccount.id == PaymentBatch.account_id)
        .where(PaymentOrder.end_to_end_id.in_(named))
    )
    known: dict[str, UUID] = {}
    paid_from: dict[str, PayingAccount] = {}
    for reference, order_id, account in db.session.execute(rows):
        known[reference] = order_id
        if account is not None:
            paid_from[reference] = account
    found: list[tuple[Said, UUID | None]] = []
    told = set(named)
    for each in said:
        is_whole = each.end_to_end_id is None and each.message_id and each.what in ("accepted", "pending", "rejected")
        if not is_whole:
            own = paid_from.get(each.end_to_end_id or "")
            elsewhere = own is not None and paying.is_another(own, each.account)
            said_here = replace(each, what=OTHER) if elsewhere else each
            found.append((said_here, known.get(each.end_to_end_id or "")))
            continue
        for reference, order_id in db.session.execute(
            sa.select(PaymentOrder.end_to_end_id, PaymentOrder.id)
            .join(PaymentBatch, PaymentBatch.id == PaymentOrder.batch_id)
            .where(PaymentBatch.message_id == each.message_id)
            .order_by(PaymentOrder.end_to_end_id)
        ).all():
            if reference not in told:
                told.add(reference)
                found.append((_about(each, reference), order_id))
    return found


def _about(said: Said, reference: str) -> Said:
    """What is said of a whole file, said of one order in it."""
    identity = hashlib.sha256(f"{said.identity}:{reference}".encode()).hexdigest()
    fields = {name: getattr(said, name) for name in said.__slots__}
    return Said(**{**fields, "end_to_end_id": reference, "identity": identity})


def _kept(file_id: UUID, position: int, said: Said, order_id: UUID | None) -> dict[str, Any]:
    def of(money: Any, prefix: str) -> dict[str, Any]:
        minor, currency = (None, None) if money is None else (money.minor, money.currency)
        return {f"{prefix}minor": minor, f"{prefix}currency": currency}

    return {
        "file_id": file_id,
        "position": position,
        "identity": said.identity,
        "what": said.what,
        "end_to_end_id": None if said.end_to_end_id is None else said.end_to_end_id[:140],
        "order_id": order_id,
        **of(said.amount, ""),
        **of(said.ordered, "ordered_"),
        **of(said.fee, "fee_"),
        "rate": said.rate,
        "booked_on": said.booked_on,
        "reference": said.reference[:140],
        "reason": said.reason[:140],
        "text": said.text,
    }


def _judged(rows: Sequence[Any]) -> list[Answer]:
    """What follows from each. A file that books one payment in parts is judged part after part."""
    unknown = [line for line, order, *_names in rows if order is None and line.end_to_end_id and line.result is None]
    similar = _similar([line.end_to_end_id for line in unknown])
    done = _done([line.identity for line, *_rest in rows if line.result is None])
    shadows: dict[UUID, _Shadow] = {}
    told: set[Hashable] = set()
    found = []
    for line, order, number, city in rows:
        shadow = None
        if order is not None:
            shadow = shadows.setdefault(order.id, _Shadow(order.status, order.amount, order.booked))
        if line.result is not None:
            verdict = Verdict(line.result, line.code, facts=line.facts)
        else:
            verdict = judging.judge(line, shadow, similar=similar.get(line.end_to_end_id or "", ""))
            if line.identity in done or _same_words(line) in told:
                verdict = _again(line, verdict, is_known=line.identity in done)
            if shadow is not None:
                shadow.follow(verdict)
        told.add(_same_words(line))
        found.append(Answer(line, order, number or "", city or "", verdict))
    return found


@dataclass(slots=True)
class _Shadow:
    """An order as it would stand after the lines before."""

    status: str
    amount: Any
    booked: Any

    @property
    def left(self) -> Any:
        return self.amount - self.booked

    def follow(self, verdict: Verdict) -> None:
        match verdict.action:
            case judging.ACCEPT:
                self.status = "accepted"
            case judging.PART:
                self.status, self.booked = "part_booked", self.booked + verdict.amount
            case judging.PAY:
                self.status, self.booked = "booked", self.amount
            case judging.FAIL:
                self.status = "failed"
            case judging.RETURN:
                self.status = "returned"


def _order_of(line: BankLine) -> PaymentOrder | None:
    """The order, behind the lock of its application: whoever takes a step by hand takes the locks in this order too."""
    named = (
        PaymentOrder.end_to_end_id == line.end_to_end_id if line.order_id is None else PaymentOrder.id == line.order_id
    )
    found = db.session.execute(sa.select(PaymentOrder.id, PaymentOrder.application_id).where(named)).first()
    if found is None:
        return None
    locked(found.application_id)
    line.order_id = found.id
    return db.session.get(PaymentOrder, found.id, populate_existing=True)


def _take_step(line: BankLine, order: PaymentOrder, verdict: Verdict, actor: Actor) -> int | None:
    """Fire the workflow's step that does this with the ledger; None where it has none from where things stand."""
    application = db.session.get_one(Application, order.application_id, populate_existing=True)
    workflow = definitions.get(application.definition_sha)
    state = orders.state_of(application, order.kind, order.child_key)
    step = orders.step_for(workflow, order.kind, state or "", judging.OPERATION[verdict.action])
    if step is None:
        return None
    fee = line.fee if line.fee is not None and line.fee.currency == order.currency else None
    known = {
        "reference": (line.reference or order.end_to_end_id)[:140],
        "paid_on": line.booked_on,
        "amount": order.amount,
        "fee": fee or order.amount * 0,
        "rate": line.rate or 1,
    }
    fired = commands.fire(
        application.id,
        step.id,
        actor=actor,
        key=f"bank:{line.identity}",
        revision=application.revision,
        reason=line.reason or line.reference or order.end_to_end_id,
        input=orders.asked_of(step, known),
        of=order.child_key or None,
    )
    if verdict.action == judging.PAY:
        orders.keep_exchange(application.id, fired.event_seq, line.rate, line.fee)
    db.session.expire(order)
    return fired.event_seq


def _keep(line: BankLine, result: str, code: str, facts: dict[str, Any], event_seq: int | None, actor: Actor) -> None:
    now = present()
    line.result, line.code, line.facts, line.event_seq = result, code, facts, event_seq
    line.applied_by, line.applied_at = actor.id, now
    db.session.flush()


def _locked(file_id: UUID, position: int, actor: Actor) -> BankLine:
    if actor.id is None or not paying.is_of_finance(actor):
        raise NotFound()
    line = db.session.get(BankLine, (file_id, position), with_for_update=True, populate_existing=True)
    if line is None:
        raise NotFound()
    return line


def _done(identities: Sequence[str]) -> set[str]:
    """Which of these sayings were applied, from whatever file."""
    query = sa.select(BankLine.identity).where(BankLine.identity.in_(identities), BankLine.result == DONE)
    return set(db.session.scalars(query)) if identities else set()


def _similar_to(line: BankLine, order: PaymentOrder | None) -> str:
    if order is not None or not line.end_to_end_id:
        return ""
    return _similar([line.end_to_end_id]).get(line.end_to_end_id, "")


def _similar(references: Sequence[str]) -> dict[str, str]:
    """For each unknown reference, an order's that differs only in spaces, signs, case, or in where it is cut off."""
    bare = {reference: _bare(reference) for reference in references}
    if not any(bare.values()):
        return {}
    known = {_bare(each): each for each in db.session.scalars(sa.select(PaymentOrder.end_to_end_id))}
    found = {}
    for reference, text in bare.items():
        if len(text) >= 8:
            near = known.get(text) or next((full for key, full in known.items() if key.startswith(text)), "")
            if near:
                found[reference] = near
    return found


def _bare(reference: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", reference.upper())


def files(most: int = 50) -> Sequence[BankFile]:
    """The newest files."""
    return db.session.scalars(sa.select(BankFile).order_by(BankFile.created_at.desc(), BankFile.id).limit(most)).all()
