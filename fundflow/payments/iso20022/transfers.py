"""A payment file for the bank: pain.001.001.09, the same bytes for the same facts.

Control sums are exact with the currency's own decimals. Refuses a file without transfers or with too many, an amount
that is not above zero, two transfers under one end-to-end id, and a name of which no bank could read a letter.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from fundflow.errors import Refused
from fundflow.money import Money
from fundflow.payments.iso20022.lettering import plain

MESSAGE = "pain.001.001.09"
MOST_TRANSFERS = 500
"""So many transfers fit into one file: with them its sum has at most the 18 digits that the format gives it."""


class Unwritable(Refused):
    """“{text}” has no letter that a bank could read. Write {what} in Latin letters, as the bank keeps it."""

    status = 422


@dataclass(frozen=True, slots=True)
class Account:
    """Whose money leaves or arrives, and where: by IBAN, or by the number that the bank's country uses.

    `clearing` names the system of a national bank code, such as ``USABA``; without it the code is the bank's other id.
    """

    holder: str
    country: str
    bank_name: str
    iban: str | None = None
    number: str | None = None
    bic: str | None = None
    bank_code: str | None = None
    clearing: str | None = None
    currency: str | None = None
    street: str = ""
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment to one city."""

    end_to_end_id: str
    amount: Money
    payee: Account
    purpose: str


@dataclass(frozen=True, slots=True)
class TransferFile:
    """A file: everything that decides its bytes. `charges` is who bears them: SHAR, DEBT, CRED, or SLEV in SEPA."""

    message_id: str
    created_at: datetime
    execute_on: date
    debtor: Account
    transfers: Sequence[Transfer]
    charges: str = "SHAR"


def end_to_end_id(number: str, key: str) -> str:
    """The 35 characters by which the bank's answers are matched: what people read first, then digits of the key."""
    read = plain(number.replace("/", "-"), 18).replace(" ", "-").strip("-") or "FF"
    digits = base64.b32encode(hashlib.sha256(key.encode()).digest()).decode()
    return f"{read}-{digits}"[:35]


def written(file: TransferFile) -> bytes:
    """The file, ready for the bank."""
    from pyiso20022.pain import pain_001_001_09 as pain
    from xsdata.formats.dataclass.serializers import XmlSerializer
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata.models.datatype import XmlDate, XmlDateTime

    _check(file)
    parts = [
        _payment(pain, XmlDate.from_date(file.execute_on), file, number, in_sepa, list(transfers))
        for number, ((_currency, in_sepa), transfers) in enumerate(_groups(file), start=1)
    ]
    document = pain.Document(
        cstmr_cdt_trf_initn=pain.CustomerCreditTransferInitiationV09(
            grp_hdr=pain.GroupHeader85(
                msg_id=file.message_id,
                cre_dt_tm=XmlDateTime.from_datetime(file.created_at.replace(microsecond=0)),
                nb_of_txs=str(len(file.transfers)),
                ctrl_sum=control_sum(each.amount for each in file.transfers),
                initg_pty=pain.PartyIdentification135(nm=plain(file.debtor.holder, 70)),
            ),
            pmt_inf=parts,
        )
    )
    serializer = XmlSerializer(config=SerializerConfig(indent="  "))
    text: str = serializer.render(document, ns_map={None: f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"})
    return text.encode()


def payment_id(message_id: str, number: int) -> str:
    """How the file calls its n-th group of transfers; the bank's answers name it."""
    return f"{message_id[:31]}-{number:03d}"


def control_sum(amounts: Iterable[Money]) -> Decimal:
    """The sum of the figures as they stand in the file, whatever their currencies: what the format asks for."""
    return sum((amount.amount for amount in amounts), Decimal(0))


def is_sepa(debtor: Account, transfer: Transfer) -> bool:
    """Whether the rules of SEPA hold for it: euro, between two accounts that have an IBAN."""
    return transfer.amount.currency == "EUR" and bool(debtor.iban) and bool(transfer.payee.iban)


def _check(file: TransferFile) -> None:
    if not 1 <= len(file.transfers) <= MOST_TRANSFERS:
        raise ValueError(f"A payment file holds 1 to {MOST_TRANSFERS} transfers.")
    if len({each.end_to_end_id for each in file.transfers}) < len(file.transfers):
        raise ValueError("Two transfers of one file have the same end-to-end id.")
    if any(each.amount.minor <= 0 for each in file.transfers):
        raise ValueError("A transfer needs an amount above zero.")
    for account in (file.debtor, *(each.payee for each in file.transfers)):
        check_account(account)


def check_account(account: Account) -> None:
    """Refuse an account that no file could name: Unwritable."""
    if not account.iban and not account.number:
        raise ValueError("An account has an IBAN or a number.")
    if not any(c.isalpha() for c in plain(account.holder, 70)):
        raise Unwritable(text=account.holder, what="the account holder's name")


def _groups(file: TransferFile) -> Any:
    def of(transfer: Transfer) -> tuple[str, bool]:
        return transfer.amount.currency, is_sepa(file.debtor, transfer)

    return groupby(sorted(file.transfers, key=of), key=of)


def _payment(
    pain: Any, execute_on: Any, file: TransferFile, number: int, in_sepa: bool, transfers: list[Transfer]
) -> Any:
    service = pain.PaymentTypeInformation26(svc_lvl=[pain.ServiceLevel8Choice(cd="SEPA")]) if in_sepa else None
    return pain.PaymentInstruction30(
        pmt_inf_id=payment_id(file.message_id, number),
        pmt_mtd=pain.PaymentMethod3Code.TRF,
        # Booked one by one, so that the statement names every payment and each can be matched by itself.
        btch_bookg=False,
        nb_of_txs=str(len(transfers)),
        ctrl_sum=control_sum(each.amount for each in transfers),
        pmt_tp_inf=service,
        reqd_exctn_dt=pain.DateAndDateTime2Choice(dt=execute_on),
        dbtr=_party(pain, file.debtor),
        dbtr_acct=_account(pain, file.debtor, with_currency=True),
        dbtr_agt=_bank(pain, file.debtor),
        chrg_br=pain.ChargeBearerType1Code("SLEV" if in_sepa else file.charges),
        cdt_trf_tx_inf=[_transfer(pain, each) for each in transfers],
    )


def _transfer(pain: Any, transfer: Transfer) -> Any:
    purpose = plain(transfer.purpose, 140)
    return pain.CreditTransferTransaction34(
        pmt_id=pain.PaymentIdentification6(end_to_end_id=transfer.end_to_end_id),
        amt=pain.AmountType4Choice(
            instd_amt=pain.ActiveOrHistoricCurrencyAndAmount(value=transfer.amount.amount, ccy=transfer.amount.currency)
        ),
        cdtr_agt=_bank(pain, transfer.payee),
        cdtr=_party(pain, transfer.payee),
        cdtr_acct=_account(pain, transfer.payee),
        rmt_inf=pain.RemittanceInformation16(ustrd=[purpose]) if purpose else None,
    )


def _party(pain: Any, account: Account) -> Any:
    address = pain.PostalAddress24(
        strt_nm=plain(account.street, 70) or None,
        pst_cd=plain(account.postcode, 16) or None,
        twn_nm=plain(account.city, 35) or None,
        ctry=account.country or None,
    )
    return pain.PartyIdentification135(nm=plain(account.holder, 70), pstl_adr=address if account.country else None)


def _account(pain: Any, account: Account, *, with_currency: bool = False) -> Any:
    if account.iban:
        named = pain.AccountIdentification4Choice(iban=account.iban.replace(" ", "").upper())
    else:
        number = plain(account.number or "", 34)
        named = pain.AccountIdentification4Choice(othr=pain.GenericAccountIdentification1(id=number))
    return pain.CashAccount38(id=named, ccy=account.currency if with_currency else None)


def _bank(pain: Any, account: Account) -> Any:
    """The bank by its BIC; else by its national code, its name and its country; SEPA needs neither of them."""
    said: dict[str, Any] = {}
    if account.bic:
        said["bicfi"] = account.bic.replace(" ", "").upper()
    elif account.bank_code and account.clearing:
        said["clr_sys_mmb_id"] = pain.ClearingSystemMemberIdentification2(
            clr_sys_id=pain.ClearingSystemIdentification2Choice(cd=account.clearing), mmb_id=account.bank_code
        )
    if not account.bic and plain(account.bank_name, 140):
        said["nm"] = plain(account.bank_name, 140)
        said["pstl_adr"] = pain.PostalAddress24(ctry=account.country) if account.country else None
    if not account.bic and account.bank_code and not account.clearing:
        said["othr"] = pain.GenericFinancialIdentification1(id=plain(account.bank_code, 35))
    if not said:
        said["othr"] = pain.GenericFinancialIdentification1(id="NOTPROVIDED")
    return pain.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=pain.FinancialInstitutionIdentification18(**said)
    )
