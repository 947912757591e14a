"""Reports and changes on pages: where each stands, its form to fill in, its due date, and who is told of what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from tests.lifecycle.delivery import Delivery
from tests.people import sign_in

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def delivery() -> Delivery:
    now = clock.now()
    return Delivery(opens_at=now - timedelta(days=10), closes_at=now + timedelta(days=10))


def page(client: FlaskClient, person: User, address: str) -> str:
    sign_in(client, person)
    answer = client.get(address)
    assert answer.status_code == 200, answer.status
    return answer.text


def hidden(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(key|revision|base)"[^>]*value="([^"]*)"', text))


def test_the_city_finds_its_report_fills_it_in_and_sends_it(client: FlaskClient, delivery: Delivery) -> None:
    address = f"/applications/{delivery.application.id}"
    text = page(client, delivery.focal, address)
    assert "Report 1" in text and "Planned" in text and "/forms/report:1" not in text
    delivery.press("report.open_early", delivery.manager, of="1")
    form = f"{address}/forms/report:1:periodic"
    text = page(client, delivery.focal, "/home")
    assert "Report 1: Fill in: Report" in text and form in text
    text = page(client, delivery.focal, address)
    assert f'href="{form}"' in text and "2 answers still missing." in text and "Report due" in text
    text = page(client, delivery.focal, form)
    assert "<h1" in text and "Report 1 · Report" in text
    assert 'value="Trees"' in text, "copied from the budget"
    assert delivery.manager.name not in text and "Last by" not in text, "whoever opened it wrote nothing in it"
    assert "In the end" not in text, "what is asked of the last one alone"
    given = {**hidden(text), "done": "Trees stand.", "spent": "600.00"}
    given |= {"lines-0-item": "Trees", "lines-0-amount": "600.00", "lines-0-actual": "580.00"}
    assert client.post(form, data=given).status_code == 303
    answer = client.post(f"{form}/autosave", data={**given, "revision": "1", "done": "Trees stand tall."})
    assert answer.status_code == 200 and answer.json is not None and answer.json["revision"] == 2
    text = page(client, delivery.focal, form)
    assert f"{address}/report/1/send" in text
    assert "Report 1: Send" in page(client, delivery.focal, "/home")
    text = page(client, delivery.focal, f"{address}/report/1/send")
    assert client.post(f"{address}/report/1/send", data=hidden(text)).status_code == 303
    text = page(client, delivery.manager, address)
    assert f'href="{form}"' in text and "Sent" in text
    assert "Trees stand tall." in page(client, delivery.manager, form)
    sign_in(client, delivery.manager)
    assert client.post(form, data=given).status_code in (404, 409)


def test_an_officer_sees_no_form_of_a_report_that_is_not_sent(client: FlaskClient, delivery: Delivery) -> None:
    delivery.press("report.open_early", delivery.manager, of="1")
    address = f"/applications/{delivery.application.id}"
    assert "report:1:periodic" not in page(client, delivery.manager, address)
    assert client.get(f"{address}/forms/report:1:periodic").status_code == 404
    assert client.get(f"{address}/forms/report:7:periodic").status_code == 404


def test_a_late_report_is_told_as_late(client: FlaskClient, delivery: Delivery) -> None:
    with clock.standing_at(datetime(2027, 6, 2, tzinfo=UTC)):
        delivery.press("report.open_early", delivery.manager, of="1")
    with clock.standing_at(datetime(2027, 7, 9, tzinfo=UTC)):
        text = page(client, delivery.focal, f"/applications/{delivery.application.id}")
        assert "Report due" in text and "Late" in text
        assert "Report 1: Fill in: Report" in page(client, delivery.focal, "/home")
