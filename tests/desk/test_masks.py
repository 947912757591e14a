"""A state that is shown as another cannot be told from it: not by label, date, count, timer, history or revision."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.desk.masks import INNER, Masks, Sight
from fundflow.jobs.models import Job
from fundflow.lifecycle import acts, definitions
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.queries import history
from fundflow.lifecycle.refusals import NotAllowed
from tests import factories as make
from tests.lifecycle.toys import ASK
from tests.people import sign_in

WORKFLOW = """
format: fundflow/1
workflow: masked-grant
version: 1
title: {en: Masked grant}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
  finance: {is: group, group: finance, never_also: [manager]}
forms: {ask: ask.yaml}
outcomes:
  declined: {en: Declined}
  withdrawn: {en: Withdrawn}
states:
  draft: {edit: {applicant: [ask]}}
  screening: {label: {en: Desk screening}, view: {applicant: [ask], manager: [ask], finance: [ask]}}
  committee:
    label: {en: Secret committee}
    shown_as: {applicant: screening, finance: screening}
    view: {applicant: [ask], manager: [ask], finance: [ask]}
    tasks: {minuted: {by: manager, label: {en: Minutes are written}}}
  granted: {view: {applicant: [ask], manager: [ask], finance: [ask]}}
  closed: {final: success, view: {applicant: [ask], manager: [ask], finance: [ask]}}
transitions:
  send:
    from: draft
    to: screening
    by: applicant
    when: [{complete: ask}]
    do: [{notify: received, to: applicant}, {notify: new_application, to: manager}]
  open_committee: {from: screening, to: committee, by: manager, reason: required}
  reopen: {from: committee, to: screening, by: manager}
  remind: {from: committee, to: committee, by: manager, reason: required}
  grant: {from: committee, to: granted, by: manager, do: [{ledger: commit, amount: application.requested}]}
  pay:
    from: granted
    to: closed
    by: finance
    input:
      reference: {type: text, label: {en: Reference}}
      paid_on: {type: date, label: {en: Paid on}}
      amount: {type: money, label: {en: Amount}}
    do: [{ledger: pay, amount: input.amount}]
  decline: {from: [screening, committee], end: declined, by: manager, reason: required, do: []}
  withdraw: {from: [screening, committee], end: withdrawn, by: applicant, confirm: true}
timers:
  answer: {label: {en: Answer to the city}, in: [screening, committee], after: 60 days, overdue_with: report_late, to: manager}
  screened: {label: {en: Screening limit}, in: screening, after: 10 days, overdue_with: report_late, to: manager}
  scored: {label: {en: Committee limit}, in: committee, after: 20 days, overdue_with: report_late, to: manager}
"""  # noqa: E501

SECRETS = ("Secret committee", "Screening limit", "Committee limit", "open_committee", "Open committee", "Minutes")


class Scene:
    """Two applications of one city's round, sent today; the pages are looked at three days later."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.sent_at = clock.now().replace(microsecond=0)
        self.applicant = make.a_person("Amara Applicant")
        self.manager = make.a_person("Ines Manager", groups=[make.MANAGERS])
        self.finance = make.a_person("Mette Money", groups=[make.FINANCE])
        self.city = make.a_city("Lund", focal_point=self.applicant)
        workflow = make.a_workflow_from(WORKFLOW, ask=ASK)
        self.application = self.sent(make.a_round(workflow=workflow))
        self.other = self.sent(make.a_round(workflow=workflow), later=timedelta(hours=1))

    def sent(self, round_: object, later: timedelta = timedelta(0)) -> Application:
        with clock.standing_at(self.sent_at + later):
            application = make.started(round_, self.city, self.applicant)  # type: ignore[arg-type]
            make.fill(application, "ask", self.applicant, title=f"Project {later}")
            make.press(application, "send", self.applicant)
        return application

    def press(self, transition: str, days: float = 2, **more: object) -> None:
        with clock.standing_at(self.sent_at + timedelta(days=days)):
            make.press(self.application, transition, self.manager, **more)  # type: ignore[arg-type]

    def page(self, person: User, path: str) -> tuple[int, str, list[tuple[str, str]]]:
        """Everything that comes back but for tokens, keys and the clock of the server."""
        sign_in(self.client, db.session.merge(person))
        with clock.standing_at(self.sent_at + timedelta(days=3)):
            answer = self.client.get(path)
        text = re.sub(r'(name="(?:csrf_token|key)"[^>]*value=")[^"]*', r"\1", answer.text)
        text = re.sub(r'(nonce|csrf-token|content)="[^"]{20,}"', r'\1=""', text)
        kept = [each for each in answer.headers if each[0] not in ("Date", "X-Request-Id", "Content-Length")]
        headers = [(name, "" if name in ("Set-Cookie", "Content-Security-Policy") else value) for name, value in kept]
        return answer.status_code, text, headers


@pytest.fixture
def scene(app: Flask, client: FlaskClient) -> Scene:
    return Scene(client)


def addresses(scene: Scene) -> list[str]:
    one = f"/applications/{scene.application.id}"
    return ["/home", one, f"{one}/do/withdraw", f"{one}/forms/ask", f"/applications/{scene.other.id}"]


def test_the_city_sees_the_very_same_pages_after_a_hidden_move(scene: Scene) -> None:
    before = {path: scene.page(scene.applicant, path) for path in addresses(scene)}
    assert all(status == 200 for status, _, _ in before.values())
    scene.press("open_committee", reason="The panel meets on Monday.")
    assert {path: scene.page(scene.applicant, path) for path in addresses(scene)} == before
    scene.press("remind", 2.2, reason="Hurry up.")
    with clock.standing_at(scene.sent_at + timedelta(days=2.3)), transaction():
        acts.task(
            scene.application.id,
            "minuted",
            "done",
            actor=make.acting(scene.manager),
            key="minuted",
            revision=make.revision_of(scene.application),
        )
    scene.press("reopen", 2.4)
    scene.press("open_committee", 2.6, reason="Again.")
    after = {path: scene.page(scene.applicant, path) for path in addresses(scene)}
    assert after == before
    assert not [each for each in SECRETS if any(each in text for _, text, _ in after.values())]
    assert "Answer to the city" in after[addresses(scene)[1]][1]


def test_the_fund_sees_what_the_city_does_not(scene: Scene) -> None:
    """Else the test above could not fail."""
    path = f"/applications/{scene.application.id}"
    before = scene.page(scene.manager, path)
    scene.press("open_committee", reason="The panel meets on Monday.")
    _, text, _ = scene.page(scene.manager, path)
    assert text != before[1]
    for each in ("Secret committee", "Committee limit", "The panel meets on Monday."):
        assert each in text


def test_a_move_that_shows_is_dated_by_itself(scene: Scene) -> None:
    scene.press("open_committee", reason="Monday.")
    _, held, _ = scene.page(scene.applicant, f"/applications/{scene.application.id}")
    scene.press("grant", 2.5)
    _, text, _ = scene.page(scene.applicant, f"/applications/{scene.application.id}")
    assert text != held
    assert "Granted" in text
    since = re.search(r"Since [^<]*", text)
    assert since and since.group() not in held


def test_a_page_opened_before_the_hidden_move_still_works(scene: Scene) -> None:
    """A page that had become old would tell that something happened."""
    path = f"/applications/{scene.application.id}/do/withdraw"
    sign_in(scene.client, scene.applicant)
    text = scene.client.get(path).text
    given = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', text) for name in ("key", "revision")}
    form = {name: found[1] for name, found in given.items() if found} | {"confirm": "y"}
    scene.press("open_committee", 0, reason="Monday.")
    assert scene.client.post(path, data=form | {"revision": "99"}).status_code == 409
    assert scene.client.post(path, data=form | {"revision": "1"}).status_code == 409
    assert scene.client.post(path, data=form).status_code == 303
    assert history(scene.application.id)[-1].transition == "withdraw"


def test_a_refusal_names_the_state_that_is_shown(scene: Scene) -> None:
    scene.press("open_committee", reason="Monday.")
    with pytest.raises(NotAllowed) as refused:
        make.press(scene.application, "send", scene.applicant)
    assert "Secret committee" not in str(refused.value)
    assert "Desk screening" in str(refused.value)
    with pytest.raises(NotAllowed) as told:
        make.press(scene.application, "open_committee", scene.manager, reason="Twice.")
    assert "Secret committee" in str(told.value)


def test_mail_names_no_moment_that_would_tell(scene: Scene) -> None:
    """The city is told of the sixty days that run in both states, the manager of the ten that run in one."""
    found: dict[str, timedelta] = {}
    for job in db.session.scalars(sa.select(Job).where(Job.kind == "mail.send")):
        due_at = datetime.fromisoformat(job.payload["facts"]["due_at"])
        found.setdefault(job.payload["name"], due_at - scene.sent_at)
    assert {name: round(span / timedelta(days=1)) for name, span in found.items()} == {
        "Amara Applicant": 60,
        "Ines Manager": 10,
    }


def board(scene: Scene, person: User, arguments: str = "") -> tuple[str, list[dict[str, str]]]:
    _, page, _ = scene.page(person, f"/board{arguments}")
    _, text, _ = scene.page(person, f"/board.csv{arguments}")
    return page, list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("arguments", ["", "?state=screening", "?state=committee", "?sort=newest", "?q=Lund"])
def test_a_masked_role_of_the_fund_counts_lists_and_filters_what_it_is_shown(scene: Scene, arguments: str) -> None:
    before = board(scene, scene.finance, arguments)
    home = scene.page(scene.finance, "/home")
    scene.press("open_committee", reason="Monday.")
    assert board(scene, scene.finance, arguments) == before
    assert scene.page(scene.finance, "/home") == home
    assert len(before[1]) == (0 if "committee" in arguments else 2)
    assert {row["State"] for row in before[1]} <= {"Desk screening"}


def test_who_waits_longest_is_told_by_what_is_shown(scene: Scene) -> None:
    """The hidden move is the later one by the clock; the order of the masked role does not follow it."""
    scene.press("open_committee", reason="Monday.")
    first = scene.application.number
    assert next(row["Number"] for row in board(scene, scene.finance)[1]) == first
    assert next(row["Number"] for row in board(scene, scene.manager)[1]) != first


def test_the_manager_filters_and_counts_the_true_states(scene: Scene) -> None:
    scene.press("open_committee", reason="Monday.")
    page, rows = board(scene, scene.manager, "?state=committee")
    assert [row["State"] for row in rows] == ["Secret committee"]
    assert "Secret committee" in page


def test_a_manager_who_is_on_the_citys_team_is_shown_what_the_city_is(scene: Scene) -> None:
    """The list tells nobody what the page of the same application would not."""
    both = make.a_person(groups=[make.FINANCE])
    make.join(scene.city, both)
    scene.press("open_committee", reason="Monday.")
    assert {row["State"] for row in board(scene, both)[1]} == {"Desk screening"}


def test_acts_of_the_fund_are_no_step_that_the_city_reads(scene: Scene) -> None:
    workflow = definitions.get(scene.application.definition_sha)
    events = history(scene.application.id)
    city = Sight(workflow, frozenset({"applicant"}), frozenset({scene.applicant.id}), is_of_fund=False)
    fund = Sight(workflow, frozenset({"manager"}))
    event = events[-1]
    db.session.expunge(event)
    event.actor_id, event.from_state = scene.manager.id, event.to_state
    for act in sorted(INNER):
        event.transition = act
        assert city.is_hidden(event)
        assert not fund.is_hidden(event)


def test_no_query_is_added_where_nothing_is_masked(app: Flask, client: FlaskClient) -> None:
    round_ = make.a_round()
    workflow = make.a_workflow()
    actor = make.acting(make.a_person(groups=[make.MANAGERS]))
    masks = Masks(actor, {round_.definition_sha: workflow})
    assert str(masks.state) == str(sa.select(Application.state).selected_columns[0])
    assert str(masks.since) == str(sa.select(Application.state_since).selected_columns[0])
