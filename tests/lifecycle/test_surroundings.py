"""What the checker is told of an installation: its people, its versions, and everything that lives by them."""

from __future__ import annotations

import pytest

from fundflow.db import db
from fundflow.lifecycle import surroundings
from fundflow.workflow import checker, loader
from tests import factories as make
from tests.lifecycle.test_proof import small_grant
from tests.workflow.files import MAIN, changed

pytestmark = pytest.mark.usefixtures("app")

SOONER = ("    after: 12 months\n", "    after: 6 months\n")


def test_people_are_told_by_group_and_duty_and_closed_accounts_are_not() -> None:
    cast, gone = make.a_cast(), make.a_person(groups=["finance"])
    make.a_city(focal_point=cast.applicant)
    gone.active = False
    db.session.commit()
    told = surroundings.directory()
    assert str(cast.manager.id) in told.groups["fund-managers"]
    assert str(cast.applicant.id) in told.duties["focal_point"] & told.team
    assert str(gone.id) not in told.groups.get("finance", frozenset())
    assert told.name(str(cast.manager.id)) == (cast.manager.name or cast.manager.email)


def test_what_lives_by_a_version_is_counted() -> None:
    round_ = make.a_round()
    for state in ("draft", "review", "review"):
        make.an_application(round_, state=state)
    context = surroundings.of(small_grant(SOONER))
    [old] = context.earlier
    assert old.sha256 == round_.definition_sha
    life = context.life[old.sha256]
    assert dict(life.states) == {"draft": 1, "review": 2}
    assert life.answers["proposal.requested"] == 2
    assert life.timers["closing"] == 1
    assert life.rounds == (round_.title,)
    assert context.acted["applicant"] >= 2
    codes = {each.code for each in checker.check(small_grant(SOONER), context)}
    assert "FF201" in codes and "FF195" not in codes


def test_the_very_text_that_is_published_is_no_earlier_version() -> None:
    make.a_round()
    assert surroundings.versions(make.a_workflow()) == ()
    other = loader.load(changed("title: {en: Small grant", "title: {en: Little grant"), MAIN)
    assert [each.version for each in surroundings.versions(other)] == [1]


def test_every_shipped_message_is_written_in_the_languages_of_its_workflow() -> None:
    here = surroundings.installation()
    workflow = make.a_workflow()
    assert here.messages is not None and here.documents is not None and here.effects is not None
    assert {"notify", "ledger", "document"} <= here.effects
    assert set(workflow.languages) <= here.messages["received"].languages
    assert "title" in here.messages["received"].reads
    assert here.documents["closing_letter"].prints >= {"spent", "people_reached"}
    # What stands behind a condition on its own being there may be missing.
    assert "input.reference" in here.messages["paid"].prints - here.messages["paid"].reads
