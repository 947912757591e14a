"""The bank's messages: files that its schema takes, sums to the last unit, and no file that does harm."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from fundflow.errors import Refused
from fundflow.money import LARGEST_MINOR, Money
from fundflow.payments import iso20022
from fundflow.payments.iso20022 import Account, Transfer, TransferFile
from tests.payments import banking

FUND = Account(
    "Global Cities Fund", "DE", "Commerzbank", iban=banking.ACCOUNT, bic="COBADEFFXXX", currency="EUR", city="Berlin"
)
DELFT = Account("Gemeente Delft", "NL", "ABN AMRO", iban="NL91 ABNA 0417 1643 00", bic="ABNANL2A", city="Delft")
MOMBASA = Account(
    "Mombasa County – Ländliche Œuvre & Ñandú", "KE", "Kenya Commercial Bank", number="1101234567", bank_code="01-100",
    street="Treasury Road 1", postcode="80100", city="Mombasa",
)  # fmt: skip
BOSTON = Account("City of Boston", "US", "First Bank", number="12345", bank_code="011000015", clearing="USABA")
NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def a_file(transfers: list[Transfer], debtor: Account = FUND) -> TransferFile:
    return TransferFile("FF20270301-0001", datetime(2027, 3, 1, 9, 30, 0, 5, UTC), date(2027, 3, 2), debtor, transfers)


def a_transfer(n: int, minor: int, currency: str, payee: Account = MOMBASA) -> Transfer:
    reference = iso20022.end_to_end_id("GCF-2026-0001", f"order:{n}")
    return Transfer(reference, Money(minor, currency), payee, f"GCF-2026-0001 tranche {n}")


def texts(content: bytes, path: str) -> list[str]:
    found: list[str] = etree.fromstring(content).xpath(f"{path}/text()", namespaces=NAMES)
    return found


def test_every_currency_and_kind_of_account_fits_the_banks_schema_to_its_own_decimals() -> None:
    transfers = [
        a_transfer(1, 5_000_000, "EUR", DELFT),
        a_transfer(2, 1_234_567, "JPY"),
        a_transfer(3, 7_654_321, "TND"),
        a_transfer(4, 99, "USD", BOSTON),
        a_transfer(5, 1, "EUR"),
    ]
    content = iso20022.written(a_file(transfers))
    banking.check("pain.001.001.09", content)
    assert content == iso20022.written(a_file(transfers))
    assert texts(content, "//p:InstdAmt") == ["0.01", "50000.00", "1234567", "7654.321", "0.99"]
    assert texts(content, "//p:GrpHdr/p:CtrlSum") == ["1292222.321"]
    assert texts(content, "//p:PmtInf/p:CtrlSum") == ["0.01", "50000.00", "1234567", "7654.321", "0.99"]
    # Only euro between two IBANs goes by the rules of SEPA.
    assert texts(content, "//p:SvcLvl/p:Cd") == ["SEPA"]
    assert texts(content, "//p:PmtInf/p:ChrgBr") == ["SHAR", "SLEV", "SHAR", "SHAR", "SHAR"]
    assert texts(content, "//p:Cdtr/p:Nm")[0] == "Mombasa County - Landliche OEuvre + Nandu"
    assert all(len(each.end_to_end_id) == 35 for each in transfers)
    assert transfers[0].end_to_end_id.startswith("GCF-2026-0001-")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, LARGEST_MINOR), st.sampled_from(["EUR", "JPY", "TND", "KES", "CLF"])),
        min_size=1,
        max_size=12,
    )
)
def test_the_control_sums_are_the_sums_of_what_stands_in_the_file(amounts: list[tuple[int, str]]) -> None:
    transfers = [a_transfer(n, minor, currency) for n, (minor, currency) in enumerate(amounts)]
    content = iso20022.written(a_file(transfers))
    tree = etree.fromstring(content)
    written = [Decimal(text) for text in texts(content, "//p:InstdAmt")]
    assert Decimal(texts(content, "//p:GrpHdr/p:CtrlSum")[0]) == sum(written)
    assert texts(content, "//p:GrpHdr/p:NbOfTxs") == [str(len(amounts))]
    for part in tree.iterfind(".//p:PmtInf", NAMES):
        inside = [Decimal(each.text or "") for each in part.iterfind(".//p:InstdAmt", NAMES)]
        assert Decimal(part.findtext("p:CtrlSum", "", NAMES)) == sum(inside)
        assert part.findtext("p:NbOfTxs", "", NAMES) == str(len(inside))
    # Back to the smallest unit: nothing was rounded on the way.
    back = sorted(
        (Money.of(each.text or "", each.get("Ccy", "")).minor, each.get("Ccy"))
        for each in tree.iterfind(".//p:InstdAmt", NAMES)
    )
    assert back == sorted(amounts)


def test_five_hundred_payments_are_written_and_held_to_the_schema_in_seconds() -> None:
    transfers = [a_transfer(n, n + 1, "TND") for n in range(iso20022.MOST_TRANSFERS)]
    began = time.perf_counter()
    banking.check("pain.001.001.09", iso20022.written(a_file(transfers)))
    assert time.perf_counter() - began < 10
    with pytest.raises(ValueError, match="1 to 500"):
        iso20022.written(a_file([*transfers, a_transfer(-1, 1, "TND")]))


def test_what_no_bank_could_read_is_refused_before_a_file_exists() -> None:
    nameless = Account("بلدية تونس", "TN", "BIAT", number="1", bank_code="08")
    with pytest.raises(iso20022.Unwritable, match="بلدية تونس"):
        iso20022.written(a_file([a_transfer(1, 5, "TND", nameless)]))
    with pytest.raises(ValueError, match="same end-to-end id"):
        iso20022.written(a_file([a_transfer(1, 5, "TND"), a_transfer(1, 6, "TND")]))


def test_a_statement_says_amounts_exchange_fees_and_returns_as_the_bank_wrote_them() -> None:
    content = banking.statement(
        banking.entry("E-1", "50000.00"),
        banking.entry("E-2", "420.31", ordered=("1234567", "JPY"), rate="0.00034", fee="12.50"),
        banking.entry("E-3", "7654.32", direction="CRDT", returned="AC04"),
        banking.entry("E-4", "1.00", direction="CRDT"),
        banking.entry("E-5", "9.00", status="PDNG"),
        banking.entry("E-6", "7.00", direction="CRDT", reversed=True),
        banking.entry("E-1", "50000.00"),
    )
    banking.check("camt.053.001.08", content)
    message = iso20022.read(content)
    assert (message.kind, message.version, message.id) == ("camt.053.001", "08", "S1")
    assert [each.what for each in message.said] == "booked booked returned other pending returned booked".split()
    exchanged = message.said[1]
    assert (exchanged.amount, exchanged.ordered) == (Money(42_031, "EUR"), Money(1_234_567, "JPY"))
    assert (exchanged.rate, exchanged.fee) == (Decimal("0.00034"), Money(1_250, "EUR"))
    assert exchanged.booked_on == date(2026, 11, 20)
    assert message.said[2].reason == "AC04"
    # The very same words twice are two bookings; in another file of the bank they are the same two.
    identities = [each.identity for each in message.said]
    assert len(set(identities)) == 7
    assert [each.identity for each in iso20022.read(content.replace(b"S1", b"S2")).said] == identities
    told = iso20022.read(banking.statement(banking.entry("E-1", "50000.00"), message="camt.054.001.08"))
    assert told.said[0].identity == identities[0]


def test_a_status_speaks_of_transfers_and_of_whole_files() -> None:
    content = banking.status("M1", [("E-1", "ACCP", ""), ("E-2", "RJCT", "AC01"), ("E-3", "PDNG", "")])
    banking.check("pain.002.001.11", content)
    said = iso20022.read(content).said
    assert [(each.what, each.end_to_end_id, each.reason) for each in said] == [
        ("accepted", "E-1", "ACCP"),
        ("rejected", "E-2", "AC01"),
        ("pending", "E-3", "PDNG"),
    ]
    whole = banking.status("M1", [], group="RJCT", version="14")
    banking.check("pain.002.001.14", whole)
    assert [(each.what, each.message_id) for each in iso20022.read(whole).said] == [("rejected", "M1")]


GOOD = banking.statement(banking.entry("E-1", "50000.00"))
BOMB = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>' + GOOD.partition(b"?>")[2].replace(b"E-1", b"&c;")
CASES: dict[str, tuple[bytes, str]] = {
    "bomb": (BOMB, "defines its own document type"),
    "hidden": (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4-<x/>', "defines its own document type"),
    "short": (GOOD[:-40], "broken off or damaged at line 1"),
    "large": (b"<" + b" " * iso20022.LARGEST_FILE, "11 MB; at most 10 MB"),
    "picture": (b"%PDF-1.7 \0", "not an XML file"),
    "empty": (b"", "not an XML file"),
    "version": (GOOD.replace(b"053.001.08", b"053.001.02"), "camt.053.001 in version 02"),
    "ours": (iso20022.written(a_file([a_transfer(1, 1, "TND")])), r"\(pain.001.001.09\) is no answer"),
    "other": (b"<html><body/></html>", "is no answer of a bank"),
    "amount": (GOOD.replace(b"50000.00", b"-5e4"), "no readable Amt at line 1"),
    "date": (GOOD.replace(b"<Dt>2026-11-20</Dt></BookgDt>", b"<Dt>1 March</Dt></BookgDt>"), "no readable BookgDt"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_not_what_it_should_be_is_refused_in_one_sentence(name: str) -> None:
    content, sentence = CASES[name]
    with pytest.raises(Refused, match=sentence):
        iso20022.read(content)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_a_damaged_file_is_read_as_it_stands_or_refused_and_nothing_else_happens(at: int, noise: bytes) -> None:
    attempt = partial(iso20022.read, GOOD[:at] + noise + GOOD[at + 1 :])
    try:
        attempt()
    except Refused as refusal:
        assert str(refusal)
