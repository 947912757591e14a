"""What a bank would send: answers written from the payment file itself, and the schemas that messages are held to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xmlschema

SCHEMAS = next(
    (found for up in Path(__file__).parents if (found := up / "shared" / "standards" / "iso20022").is_dir()), None
)
ACCOUNT = "DE89370400440532013000"


@cache
def _schema(message: str) -> Any:
    if SCHEMAS is None:
        pytest.skip("The schemas of ISO 20022 are not beside this project.")
    return xmlschema.XMLSchema(str(SCHEMAS / f"{message}.xsd"))


def check(message: str, content: bytes) -> None:
    """Hold the content to the schema of its message."""
    _schema(message).validate(content.decode())


def statement(*entries: str, message: str = "camt.053.001.08", id: str = "S1", currency: str = "EUR") -> bytes:
    """A statement of the fund's account with these entries."""
    outer, inner = ("BkToCstmrStmt", "Stmt") if message.startswith("camt.053") else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    balance = (
        f'<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">5</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2027-03-01</Dt></Dt></Bal>"
        if inner == "Stmt"
        else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{message}"><{outer}>'
        f"<GrpHdr><MsgId>{id}</MsgId><CreDtTm>2027-03-02T06:00:00Z</CreDtTm></GrpHdr><{inner}><Id>{id}-1</Id>"
        f"<CreDtTm>2027-03-02T06:00:00Z</CreDtTm><Acct><Id><IBAN>{ACCOUNT}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
        f"{balance}{''.join(entries)}</{inner}></{outer}></Document>"
    ).encode()


def entry(
    reference: str,
    amount: str,
    currency: str = "EUR",
    *,
    direction: str = "DBIT",
    status: str = "BOOK",
    on: date = date(2026, 11, 20),
    bank_reference: str = "",
    ordered: tuple[str, str] | None = None,
    rate: str = "",
    fee: str = "",
    returned: str = "",
    reversed: bool = False,
) -> str:
    """One entry with the details of one payment."""
    bank_reference = bank_reference or f"B-{reference[-10:]}"
    money = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'
    exchange = (
        f"<CcyXchg><SrcCcy>{ordered[1]}</SrcCcy><XchgRate>{rate}</XchgRate></CcyXchg>" if ordered and rate else ""
    )
    details = (
        f'<AmtDtls><InstdAmt><Amt Ccy="{ordered[1]}">{ordered[0]}</Amt>{exchange}</InstdAmt></AmtDtls>'
        if ordered
        else ""
    )
    charges = f'<Chrgs><Rcrd><Amt Ccy="{currency}">{fee}</Amt></Rcrd></Chrgs>' if fee else ""
    back = f"<RtrInf><Rsn><Cd>{returned}</Cd></Rsn></RtrInf>" if returned else ""
    family = "RRTN" if returned else "ESCT"
    return (
        f"<Ntry>{money}{'<RvslInd>true</RvslInd>' if reversed else ''}<Sts><Cd>{status}</Cd></Sts>"
        f"<BookgDt><Dt>{on}</Dt></BookgDt><AcctSvcrRef>{bank_reference}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{money}{details}{charges}{back}"
        "</TxDtls></NtryDtls></Ntry>"
    )


def status(
    message_id: str,
    statuses: Sequence[tuple[str, str, str]],
    *,
    group: str = "PART",
    version: str = "11",
    id: str = "R1",
) -> bytes:
    """A status report: end-to-end id, status and reason of each transfer."""
    parts = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{code}</TxSts>"
        + (f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>As told</AddtlInf></StsRsnInf>" if reason else "")
        + "</TxInfAndSts>"
        for reference, code, reason in statuses
    )
    single = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}-001</OrgnlPmtInfId>{parts}</OrgnlPmtInfAndSts>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}">'
        f"<CstmrPmtStsRpt><GrpHdr><MsgId>{id}</MsgId><CreDtTm>2027-03-01T10:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"<GrpSts>{group}</GrpSts></OrgnlGrpInfAndSts>{single if parts else ''}</CstmrPmtStsRpt></Document>"
    ).encode()
