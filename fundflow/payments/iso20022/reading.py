"""What the bank says in a file about each payment, in one shape for every kind of message.

Refuses to guess: an amount, a currency or a date that cannot be read refuses the file, before anything of it is used.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fundflow.db import canonical_json
from fundflow.errors import Refused
from fundflow.money import Money
from fundflow.payments.iso20022 import opening

ACCEPTED, PENDING, REJECTED, BOOKED, RETURNED, OTHER = WHATS = (
    "accepted",
    "pending",
    "rejected",
    "booked",
    "returned",
    "other",
)
"""What a bank can say of a payment; `other` is money that moved in a way that no payment of ours does."""

NONE_GIVEN = "NOTPROVIDED"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the bank says, as it says it.

    `amount` is what moved on the account; `ordered` what the order was for, where the bank repeats it: they differ in
    currency where money was exchanged, at `rate`. A status without an end-to-end id is about all of a message, or of
    one group of it. `identity` names this one saying: the same one in another file has the same.
    """

    what: str
    end_to_end_id: str | None = None
    message_id: str | None = None
    payment_id: str | None = None
    amount: Money | None = None
    ordered: Money | None = None
    rate: Decimal | None = None
    fee: Money | None = None
    booked_on: date | None = None
    reference: str = ""
    reason: str = ""
    text: str = ""
    account: str = ""
    line: int = 0
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A file of the bank: which message it is, what the bank calls it, and what it says, in the order of the file."""

    kind: str
    version: str
    id: str
    said: tuple[Said, ...] = field(default=())


def read(content: bytes) -> Message:
    """Everything that a file says about payments; refused in one sentence where it is no file of a bank."""
    from fundflow.payments.iso20022 import statements, statuses

    opened = opening.opened(content)
    reader = statuses.read if opened.kind == "pain.002.001" else statements.read
    message_id = opened.body.text("GrpHdr/MsgId")
    if not message_id:
        raise opening.Unreadable(what="MsgId", line=opened.body.line)
    return Message(opened.kind, opened.version, message_id, tuple(_identified(reader(opened.body))))


def money(node: opening.Node | None, currency: str = "") -> Money | None:
    """The amount of an element with its currency; None where there is no element, refused where it says nothing."""
    if node is None:
        return None
    text, code = node.text_of(), node.attribute("Ccy") or currency
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,5})?", text) or not re.fullmatch(r"[A-Z]{3}", code):
        raise opening.Unreadable(what=node.name, line=node.line)
    try:
        # Banks write 5000.00 also for currencies without decimals: zeros beyond a currency's own are no precision.
        return Money.of(Decimal(text).normalize(), code)
    except Refused:
        raise opening.Unreadable(what=node.name, line=node.line) from None


def day(node: opening.Node | None) -> date | None:
    """The date of a choice of date and moment; None where there is no element, refused where it says nothing."""
    if node is None:
        return None
    text = node.text("Dt", "DtTm") or node.text_of()
    try:
        return datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text[:10])
    except ValueError:
        raise opening.Unreadable(what=node.name, line=node.line) from None


def named(text: str) -> str | None:
    """A reference, or None where the bank says that it was given none."""
    return None if not text or text == NONE_GIVEN else text


def _identified(said: Iterable[Said]) -> Iterable[Said]:
    """Each with its identity: what it says, and the how-manieth of the same it is in its file."""
    times: Counter[str] = Counter()
    for each in said:
        what: list[Any] = [each.what, each.end_to_end_id, each.message_id, each.payment_id, each.reference]
        what += [None if m is None else str(m) for m in (each.amount, each.ordered)]
        what += [each.booked_on, each.account, each.reason]
        base = canonical_json(what)
        times[base] += 1
        yield replace(each, identity=hashlib.sha256(f"{base}#{times[base]}".encode()).hexdigest())
