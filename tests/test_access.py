"""Who may reach what: every address is asked for by every kind of person, and answers as access.yaml says.

A new address fails here until somebody decides, in access.yaml, what each kind of person gets to see.
"""

from __future__ import annotations

import re
import shutil
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import yaml
from flask import Flask
from flask.testing import FlaskClient

from fundflow import clock, seed
from fundflow.accounts import delegations
from fundflow.accounts import service as accounts
from fundflow.accounts.models import GroupMember, Invitation, User
from fundflow.applications.models import File
from fundflow.awards.models import Document
from fundflow.db import db, transaction
from fundflow.decisions import service as decisions
from fundflow.decisions.models import MeetingItem
from fundflow.invented import FUND, PROJECTS
from fundflow.jobs import worker
from fundflow.jobs.models import Job
from fundflow.ledger import funding
from fundflow.ledger.models import DonorLine, LedgerEntry
from fundflow.lifecycle import overrides, publishing
from fundflow.money import Money
from fundflow.payments import answers, paying
from fundflow.payments.order_models import PaymentBatch
from fundflow.reviews.models import Review
from fundflow.story import Story
from fundflow.studio import service as studio
from tests.conftest import ON_POSTGRES
from tests.desk.contract import a_contract, some_people
from tests.payments.banking import entry, statement
from tests.payments.toy import IBANS, a_bank_account
from tests.people import sign_in

TABLE = yaml.safe_load(Path(__file__).with_name("access.yaml").read_text())
PEOPLE: list[str] = TABLE["people"]
ROUTES: dict[str, list[int]] = TABLE["routes"]
ALIKE: dict[str, list[int]] = TABLE["alike"]

pytestmark = pytest.mark.skipif(ON_POSTGRES, reason="puts the database file back before each request")


class World:
    """One round with an application at each point that matters, and one person of each kind."""

    def __init__(self, app: Flask) -> None:
        present = clock.now()
        with clock.standing_at(present - timedelta(days=3)):
            cast = seed.people()
            story = Story(cast, seed.cities(cast))
            round_ = seed.a_round(
                story, "Open", "climate-and-displacement", -2, 40, "150000", "Climate and displacement"
            )
            other = seed.a_round(story, "Other", "welcoming-cities-2", -38, 4, "150000")
        draft, review, approved = (
            story.start(lead, city, round_)
            for lead, city in (("amara", "saint-amary"), ("camila", "puerto-lindero"), ("joana", "vila-aurora"))
        )
        for application, lead, city in (
            (draft, "amara", "saint-amary"),
            (review, "camila", "puerto-lindero"),
            (approved, "joana", "vila-aurora"),
        ):
            story.write(application, lead, PROJECTS[city])
        for application, lead in ((review, "camila"), (approved, "joana")):
            story.fire(application, "submit", lead)
            story.assign(application, "ines", "ruth", "kenji", "lucia")
            story.score(application, "ruth", 8, 8, 8, 8, send=application is approved)
        story.declare(review, "lucia", conflict="I know the mayor.")
        story.score(approved, "kenji", 8, 8, 8, 8)
        story.fire(approved, "approve", "ines")
        others = some_people()
        contract = a_contract("active", replace(others, manager=cast["ines"], finance=cast["mette"]))
        with transaction():
            accounts.invite_to_team(
                story.cities["puerto-lindero"], "new@puerto-lindero.example", "signatory", by=story.actor("camila")
            )
            nobody = accounts.register_person("nobody@elsewhere.example", "Nobody Here")
            elsewhere = accounts.register_person("else@fund.example", "Manager Elsewhere")
            accounts.add_to_group(elsewhere, "fund-managers", other.id)
            standing_in = delegations.give(
                cast["ines"],
                elsewhere.email,
                group=None,
                round_id=None,
                first_day=present.date() + timedelta(days=20),
                last_day=present.date() + timedelta(days=30),
                reason="Leave",
                key="away",
            )
            wish = overrides.ask(
                review.id, "decline", actor=story.actor("ada"), key="wish", revision=review.revision, reason="Illness"
            )
            db.session.add(Job(key="dead", kind="mail.send", payload={}, dead_at=present, last_error="refused"))
        with transaction():
            in_work = studio.begin(round_.definition_sha, actor=story.actor("ines"), key="in work")
            to_publish = studio.begin(round_.definition_sha, actor=story.actor("ines"), key="to publish")
            as_workflow = publishing.assembled(to_publish.files, to_publish.main, studio.templates_of(to_publish))
            proposal = studio.propose(
                to_publish.id,
                digest=studio.digest_of(to_publish),
                actor=story.actor("ines"),
                key="proposal",
                reason="Only the number differs.",
                accepted=[publishing.mark_of(each) for each in publishing.findings(as_workflow, {})],
                seen={},
            )
        paying_id, bank_file_id, batch_id = banked(story)
        line, entry_id = _one(sa.select(DonorLine)), _one(sa.select(LedgerEntry.id))
        with transaction():
            donor = funding.make_donor("Alba Foundation", actor=story.actor("ines"))
            accounts.register_person("rosa@donor.example", "Rosa")
            follower = funding.let_follow(donor, "rosa@donor.example", actor=story.actor("ines"))
            money = Money.of(1, line.currency)
            asked = funding.ask("appropriation", line, money, "More", key="more", actor=story.actor("ines"))
        donor_names = {
            "donor": donor.id,
            "follower": follower.id,
            "line": line.id,
            "asked": asked.id,
            "entry": entry_id,
        }
        with transaction():
            told = decisions.About(title="Meeting", day=present.date())
            meeting = decisions.begin(round_, told, actor=story.actor("ines"), key="meeting")
            item = db.session.scalars(sa.select(MeetingItem).where(MeetingItem.application_id == review.id)).one()
            wanted = decisions.Recommended(transition="decline", reason="Too vague.")
            decisions.recommend(meeting.id, item.id, wanted, revision=0, actor=story.actor("ines"))
        worker.drain()
        self.users: dict[str, User | None] = {
            "anonymous": None,
            "nobody": nobody,
            "own team": cast["camila"],
            "own team, approved": cast["joana"],
            "other team": cast["amara"],
            "reviewer": cast["ruth"],
            "undeclared": cast["kenji"],
            "recused": cast["lucia"],
            "unassigned": cast["samir"],
            "manager": cast["ines"],
            "manager of another round": elsewhere,
            "finance": cast["mette"],
            "auditor": cast["paul"],
            "administrator": cast["ada"],
        }
        for user in filter(None, self.users.values()):
            db.session.refresh(user)
            db.session.expunge(user)
        self.names: dict[str, Any] = {
            "draft": draft.id,
            "review": review.id,
            "approved": approved.id,
            "contract": contract.id,
            "round": round_.slug,
            "city": story.cities["puerto-lindero"].id,
            "member": cast["andres"].id,
            "sheet": _one(
                sa.select(Review.id).where(Review.application_id == review.id, Review.reviewer_id == cast["ruth"].id)
            ),
            "undeclared_sheet": _one(
                sa.select(Review.id).where(Review.application_id == review.id, Review.reviewer_id == cast["kenji"].id)
            ),
            "file": _one(sa.select(File.id).where(File.application_id == review.id)),
            "document": _one(
                sa.select(Document.id).where(Document.application_id == approved.id, Document.language == "en")
            ),
            "invitation": _one(sa.select(Invitation.id)),
            "standing_in": standing_in.id,
            "wish": wish.id,
            **donor_names,
            "paying": paying_id,
            "bank_file": bank_file_id,
            "batch": batch_id,
            "version": round_.definition_sha,
            "workflow_draft": in_work.id,
            "proposal": proposal.id,
            "meeting": meeting.id,
            "item": item.id,
            "job": _one(sa.select(Job.id).where(Job.key == "dead")),
            "membership": _one(sa.select(GroupMember.id).where(GroupMember.user_id == cast["samir"].id)),
        }
        self.database = Path(app.instance_path) / "fundflow.db"
        db.session.close()
        with db.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        db.engine.dispose()
        self.kept = self.database.with_suffix(".kept")
        shutil.copy(self.database, self.kept)

    def copied_to(self, app: Flask) -> World:
        """The same world in another installation, whose database and files it takes the place of."""
        db.session.close()
        db.engine.dispose()
        theirs = copy(self)
        theirs.database = Path(app.instance_path) / "fundflow.db"
        theirs.kept = theirs.database.with_suffix(".kept")
        shutil.copytree(self.kept.parent, theirs.kept.parent, dirs_exist_ok=True)
        theirs.restore()
        return theirs

    def restore(self) -> None:
        """The database as it was: no request of one person changes what the next one finds."""
        db.session.close()
        db.engine.dispose()
        for each in self.database.parent.glob("fundflow.db*"):
            each.unlink()
        shutil.copy(self.kept, self.database)

    def compare(self, app: Flask, kind: str, expected: dict[str, int]) -> list[str]:
        """What this kind of person is answered otherwise than expected, a line each."""
        self.restore()
        wrong = []
        user = self.users[kind]
        for route, status in expected.items():
            client = app.test_client()
            if user is not None:
                sign_in(client, user)
            got = self.ask(client, route)
            if got != status:
                wrong.append(f"{route} as {kind}: {got}, not {status}")
            if route.startswith("POST") and got < 400:
                self.restore()
        return wrong

    def ask(self, client: FlaskClient, route: str) -> int:
        method, _, address = route.partition(" ")
        answer = client.open(address.format(**self.names), method=method, data={} if method == "POST" else None)
        answer.close()
        return answer.status_code


def banked(story: Story) -> tuple[UUID, UUID, UUID]:
    """An account to pay from, a file of the bank with one entry that fits nothing, and a batch that waits."""
    finance, batch_id = story.actor("mette"), uuid4()
    with transaction():
        account = paying.enter(
            a_bank_account(IBANS[0], "The fund"), window_id=None, currency="EUR", charges="SHAR", actor=finance
        )
        file, _was_there = answers.receive(statement(entry("UNKNOWN-REFERENCE", "5.00")), "s.xml", actor=finance)
        answers.apply(file.id, 1, actor=finance)
        db.session.add(
            PaymentBatch(
                id=batch_id, key="batch", message_id="FF-1", account_id=account.id, currency="EUR",
                execute_on=clock.now().date(), prepared_by=finance.id,
            )
        )  # fmt: skip
    return account.id, file.id, batch_id


def _one(query: sa.Select[Any]) -> Any:
    return db.session.scalars(query.limit(1)).one()


@pytest.mark.parametrize("half", ["cities and reviewers", "the fund"])
def test_every_address_answers_every_kind_of_person_as_the_table_says(app: Flask, world: World, half: str) -> None:
    middle = PEOPLE.index("recused")
    wrong: list[str] = []
    for column, kind in enumerate(PEOPLE):
        if (column < middle) == (half == "cities and reviewers"):
            wrong += world.compare(app, kind, {route: expected[column] for route, expected in ROUTES.items()})
    assert not wrong, "\n".join(wrong)


def test_what_is_everybodys_answers_all_alike(app: Flask, world: World) -> None:
    wrong = world.compare(app, "anonymous", {route: expected[0] for route, expected in ALIKE.items()})
    for kind in ("nobody", "own team", "manager"):
        wrong += world.compare(app, kind, {route: expected[1] for route, expected in ALIKE.items()})
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("group", FUND)
def test_no_page_leads_where_its_reader_may_not_go(app: Flask, world: World, group: str) -> None:
    client = app.test_client()
    sign_in(client, _one(sa.select(User).where(User.email == FUND[group][0].email)))
    links: dict[str, str] = {}
    for page in ("/home", "/account", "/portfolio", "/money", "/meetings", "/funding"):
        answer = client.get(page)
        if answer.status_code == 200:
            links |= dict.fromkeys(re.findall(r'href="(/[^"#?]*)"', answer.text), page)
    wrong = []
    for address, page in links.items():
        answer = client.get(address, follow_redirects=True)
        answer.close()
        if answer.status_code != 200:
            wrong.append(f"{page} leads to {address}: {answer.status_code}")
    assert len(links) > 10 and not wrong, "\n".join(wrong)


def test_every_address_stands_in_the_table(app: Flask) -> None:
    asked = set()
    for route in [*ROUTES, *ALIKE]:
        method, _, address = route.partition(" ")
        sample = address.replace("{round}", "a-round").format_map(_Ids())
        endpoint, _ = app.url_map.bind("localhost").match(sample.partition("?")[0], method=method)
        asked.add((method, endpoint))
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (method, rule.endpoint) in asked, f"{method} {rule.rule} ({rule.endpoint}) is not in access.yaml"


class _Ids(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "00000000-0000-0000-0000-000000000000"
