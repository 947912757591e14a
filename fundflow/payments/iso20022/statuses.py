"""Reading pain.002: what the bank says of a payment file, of its groups, and of each of its transfers."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.payments.iso20022.opening import Node
from fundflow.payments.iso20022.reading import ACCEPTED, OTHER, PENDING, REJECTED, Said, money, named

MEANS = {
    **dict.fromkeys("ACCP ACTC ACSP ACWC ACWP ACCC ACSC ACFC ACPD".split(), ACCEPTED),
    **dict.fromkeys("PDNG RCVD PATC BLCK".split(), PENDING),
    **dict.fromkeys("RJCT CANC".split(), REJECTED),
}
"""What the codes of a status say; PART is said more exactly by the parts."""


def read(body: Node) -> Iterator[Said]:
    """What is said of single transfers first, then of groups, then of the file: the more exact word comes first."""
    group = body.one("OrgnlGrpInfAndSts")
    message_id = named(group.text("OrgnlMsgId")) if group is not None else None
    parts = body.all("OrgnlPmtInfAndSts")
    for part in parts:
        for transfer in part.all("TxInfAndSts"):
            code = transfer.text("TxSts")
            yield _said(
                transfer,
                code,
                message_id,
                named(part.text("OrgnlPmtInfId")),
                named(transfer.text("OrgnlEndToEndId")),
                is_single=True,
            )
    for part in parts:
        if (code := part.text("PmtInfSts")) and code in MEANS:
            yield _said(part, code, message_id, named(part.text("OrgnlPmtInfId")), None)
    if group is not None and (code := group.text("GrpSts")) and code in MEANS:
        yield _said(group, code, message_id, None, None)


def _said(
    node: Node,
    code: str,
    message_id: str | None,
    payment_id: str | None,
    reference: str | None,
    *,
    is_single: bool = False,
) -> Said:
    reason = node.text("StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry")
    words = " ".join(each.text_of() for each in node.all("StsRsnInf/AddtlInf"))
    return Said(
        what=MEANS.get(code, OTHER),
        end_to_end_id=reference,
        message_id=message_id,
        payment_id=payment_id,
        ordered=money(node.one("OrgnlTxRef/Amt/InstdAmt")) if is_single else None,
        reference=node.text("AcctSvcrRef", "StsId") if is_single else "",
        reason=reason or code,
        text=words[:400],
        line=node.line,
    )
