"""The pages of the board, of payment files and of the bank's answers, as people use them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.jobs import worker
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests.desk.counting import queries_of
from tests.payments import banking
from tests.payments.toy import Fund, orders_of, states
from tests.people import sign_in


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', text)
    assert found is not None, name
    return found[1]


def boxes(text: str) -> list[str]:
    return re.findall(r'name="pay" value="([^"]+)"', text)


def test_from_the_board_to_the_bank_and_back(client: FlaskClient, app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((600, 400))
    waiting = fund.grant((500,), approve=False, due=clock.now().date() - timedelta(days=5))
    sign_in(client, fund.finance)
    page = client.get("/money/due").text
    assert "The bank account is not verified yet." in page
    with clock.shifted(timedelta(days=6)):
        waited = {each.application.number: each.waited for each in fund.due() if each.child.key == "1"}
    assert waited == {
        grant.number: {"city": 0, "fund": 6, "bank": 0},
        waiting.number: {"city": 0, "fund": 6, "bank": 0},
    }
    assert len(boxes(page)) == 2
    assert len(boxes(client.get("/money/due?stands=blocked").text)) == 0
    data = {"key": hidden(page, "key"), "account": str(fund.account.id), "execute_on": clock.now().date().isoformat()}
    nothing = client.post("/money/batches", data=data)
    assert nothing.status_code == 422
    assert "Choose at least one payment." in nothing.text
    chosen = {**data, "pay": boxes(page)}
    places = {client.post("/money/batches", data=chosen).headers["Location"] for _ in range(2)}
    assert len(places) == 1
    place = places.pop()
    page = client.get(place).text
    assert "Somebody else of finance has to release it." in page
    assert client.post(f"{place}/release", data={"seen": hidden_or(page, "seen")}).status_code == 409
    sign_in(client, fund.second)
    page = client.get(place).text
    assert client.post(f"{place}/release", data={"seen": "x"}).status_code == 409
    assert client.post(f"{place}/release", data={"seen": hidden(page, "seen")}).status_code == 303
    worker.drain()
    page = client.get(place).text
    assert "2 payments, €1,000.00" in page
    file = client.get(f"{place}/file")
    banking.check("pain.001.001.09", file.data)
    assert file.headers["Content-Disposition"].startswith("attachment; filename=FF")
    assert client.post(f"{place}/sent").status_code == 303
    sign_in(client, fund.manager)
    assert client.get(f"{place}/file").status_code == 403
    one, two = orders_of(grant)

    sign_in(client, fund.finance)
    content = banking.statement(
        banking.entry(one.end_to_end_id, "600.00", fee="1.50"),
        banking.entry(two.end_to_end_id, "100.00"),
        banking.entry("SOMEBODY-ELSES", "7.00"),
    )
    answer = give(client, content)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    page = client.get(address).text
    assert "1 payment is booked." in page
    assert "1 entry is for somebody to look at." in page
    assert states(grant) == {"1": "ordered", "2": "ordered"}
    assert client.post(f"{address}/apply", data={"seen": "old"}).status_code == 409
    assert client.post(f"{address}/apply", data={"seen": hidden(page, "seen")}).status_code == 303
    page = client.get(address).text
    assert "The payment is booked, exactly as it was ordered." in page
    assert "Only €100.00 is booked; €300.00 stays open." in page
    assert states(grant) == {"1": "paid", "2": "ordered"}
    again = give(client, content)
    assert again.headers["Location"] == address
    assert "This very file was taken in before" in client.get(address).text
    assert "No order has the reference “SOMEBODY-ELSES”." in client.get("/money/bank").text
    assert client.post(f"{address}/3/settle", data={"note": ""}).status_code == 422
    assert client.post(f"{address}/3/settle", data={"note": "The rent."}).status_code == 303
    assert "SOMEBODY-ELSES" not in client.get("/money/bank").text
    broken = give(client, content[:-20])
    assert broken.status_code == 422
    assert "broken off or damaged" in broken.text
    assert "Paid in part" in client.get("/money/due").text
    assert waiting.number in client.get("/money/due?days=0").text

    postings = client.get(f"/money/accounting?format=csv&first={_today()}&last={_today()}").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(postings)))
    (row,) = [row for row in rows if row["kind"] == "payment"]
    assert (row["debit"], row["credit"], row["amount"], row["fee"]) == ("4000", "2400", "600.00", "1.50")
    assert row["line"] == "Own funds"
    book = client.get(f"/money/accounting?format=xlsx&first={_today()}&last={_today()}").data
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b"<f>" not in b"".join(parts.read(name) for name in parts.namelist())
    assert client.get("/money/accounting?format=csv&first=2026-02-30&last=2026-01-01").status_code == 422


def test_an_account_to_pay_from_is_entered_by_one_and_confirmed_by_another(client: FlaskClient, app: Flask) -> None:
    one, two = (make.a_person(groups=["finance"]) for _ in range(2))
    sign_in(client, one)
    typed = {
        "holder": "Invented Fund", "country": "DE", "bank_name": "Invented Bank", "number": "DE89370400440532013001",
        "currency": "EUR", "charges": "SHAR",
    }  # fmt: skip
    wrong = client.post("/money/paying", data=typed)
    assert wrong.status_code == 422
    assert "check digits do not fit" in wrong.text
    assert client.post("/money/paying", data={**typed, "number": banking.ACCOUNT}).status_code == 303
    page = client.get("/money/paying").text
    assert banking.ACCOUNT not in page
    assert "DE …3000 (EUR)" in page
    assert "/confirm" not in page
    sign_in(client, two)
    (place,) = re.findall(r'action="(/money/paying/[^"]+/confirm)"', client.get("/money/paying").text)
    assert [client.post(place).status_code for _ in range(2)] == [303, 409]


def test_the_board_and_the_forecast_take_as_many_queries_for_one_payment_as_for_thirty(
    client: FlaskClient, app: Flask
) -> None:
    counts: list[tuple[int, int]] = []
    for many in (2, 3, 9):
        fund = Fund()
        for number in range(many):
            fund.grant((100, 200, 300), approve=number % 2 == 0)
        sign_in(client, fund.finance)
        counts.append((queries_of(client, "/money/due"), queries_of(client, "/money/forecast")))
    assert counts == [BOARD_AND_FORECAST] * 3
    page = client.get("/money/forecast").text
    assert "Planned payments in EUR" in page
    assert 'role="img"' in page
    assert "€5,400.00" in page


BOARD_AND_FORECAST = (11, 3)


def test_no_formula_reaches_the_bookkeeping(client: FlaskClient, app: Flask) -> None:
    fund = Fund()
    grant = fund.grant((100,))
    city = make.a_city("=HYPERLINK(1)")
    _rename(grant, city.id)
    sign_in(client, fund.finance)
    text = client.get(f"/money/accounting?format=csv&first={_today()}&last={_today()}").text
    assert ",'=HYPERLINK(1)," in text
    book = client.get(f"/money/accounting?format=xlsx&first={_today()}&last={_today()}").data
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b"<t>=HYPERLINK(1)</t>" in parts.read("xl/sharedStrings.xml")
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def give(client: FlaskClient, content: bytes):  # type: ignore[no-untyped-def]
    return client.post("/money/bank", data={"file": (io.BytesIO(content), "statement.xml")})


def hidden_or(text: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', text)
    return found[1] if found else ""


def _rename(grant: Application, city_id: UUID) -> None:
    from fundflow.db import db, transaction

    with transaction():
        db.session.get_one(Application, grant.id).city_id = city_id


def _today() -> str:
    return clock.now().date().isoformat()
