"""Reading camt.053 and camt.054: what was booked on the account, payment by payment.

Money that leaves is a booking, or the taking back of something that came in; money that comes in is a return only
where the bank says so: with the reason of a return, as a reversal, or by its own code for returned transfers.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from fundflow.money import Money
from fundflow.payments.iso20022.opening import Node, Unreadable
from fundflow.payments.iso20022.reading import BOOKED, OTHER, PENDING, RETURNED, Said, day, money, named


def read(body: Node) -> Iterator[Said]:
    """Every payment of every entry of every statement in the file."""
    for statement in (*body.all("Stmt"), *body.all("Ntfctn")):
        account = statement.text("Acct/Id/IBAN", "Acct/Id/Othr/Id")
        for entry in statement.all("Ntry"):
            parts = entry.all("NtryDtls/TxDtls")
            if parts:
                for part in parts:
                    yield _said(entry, part, account, is_only=len(parts) == 1)
            else:
                yield _said(entry, entry, account, is_only=True)


def _said(entry: Node, part: Node, account: str, *, is_only: bool) -> Said:
    """One payment. What its details leave out is the entry's own, where the entry is about it alone."""
    is_detail = part is not entry
    moved = money(part.one("Amt"))
    if moved is None and is_only:
        moved = money(entry.one("Amt"))
    if moved is None:
        raise Unreadable(what="Amt", line=part.line)
    direction = part.text("CdtDbtInd") or entry.text("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise Unreadable(what="CdtDbtInd", line=part.line)
    charges = [each for each in ([part] if is_detail else []) + ([entry] if is_only else []) if each.one("Chrgs")]
    fee = _fee(charges[0]) if charges else None
    return Said(
        what=_what(entry, part, direction),
        end_to_end_id=named(part.text("Refs/EndToEndId")) if is_detail else None,
        message_id=named(part.text("Refs/MsgId")) if is_detail else named(entry.text("NtryDtls/Btch/MsgId")),
        payment_id=named(part.text("Refs/PmtInfId")) if is_detail else named(entry.text("NtryDtls/Btch/PmtInfId")),
        amount=moved,
        ordered=_ordered(part),
        rate=_rate(part) or (_rate(entry) if is_only else None),
        fee=fee,
        booked_on=day(entry.one("BookgDt")) or day(entry.one("ValDt")),
        reference=(part.text("Refs/AcctSvcrRef") if is_detail else "") or entry.text("AcctSvcrRef", "NtryRef"),
        reason=part.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
        text=(" ".join(each.text_of() for each in part.all("RtrInf/AddtlInf")) or part.text("AddtlTxInf"))[:400],
        account=account,
        line=part.line,
    )


def _what(entry: Node, part: Node, direction: str) -> str:
    if entry.text("Sts/Cd", "Sts") != "BOOK":
        return PENDING
    is_reversal = entry.text("RvslInd").casefold() in ("true", "1")
    codes = {node.text("BkTxCd/Domn/Fmly/SubFmlyCd") for node in (entry, part)}
    is_return = part.one("RtrInf") is not None or bool(codes & {"RRTN", "RPCR", "RVRS"})
    if direction == "DBIT":
        return OTHER if is_reversal or is_return else BOOKED
    return RETURNED if is_return or is_reversal else OTHER


def _ordered(part: Node) -> Money | None:
    """What the order was for: the instructed amount, else that of the transaction."""
    return money(part.one("AmtDtls/InstdAmt/Amt")) or money(part.one("AmtDtls/TxAmt/Amt"))


def _rate(node: Node) -> Decimal | None:
    text = node.text(
        "AmtDtls/InstdAmt/CcyXchg/XchgRate", "AmtDtls/TxAmt/CcyXchg/XchgRate", "AmtDtls/CntrValAmt/CcyXchg/XchgRate"
    )
    if not text:
        return None
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise Unreadable(what="XchgRate", line=node.line)
    return rate


def _fee(node: Node) -> Money | None:
    """The charges, from their records or their total; those in several currencies are left to people."""
    total = money(node.one("Chrgs/TtlChrgsAndTaxAmt"))
    if total is not None:
        return total
    parts = [found for each in node.all("Chrgs/Rcrd") if (found := money(each.one("Amt"))) is not None]
    if not parts or len({each.currency for each in parts}) > 1:
        return None
    return sum(parts[1:], parts[0])
