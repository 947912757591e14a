"""What the checker says of somebody whose roles change on the way is what the engine lets them do."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fundflow.accounts.models import GroupMember, TeamMember, User
from fundflow.db import db, transaction
from fundflow.lifecycle.refusals import NotAllowed
from fundflow.workflow.checker.separation import separated
from tests import factories as make
from tests.workflow.files import small_grant

pytestmark = pytest.mark.usefixtures("app")


def test_never_also_parts_roles_and_not_same_actor_as_parts_steps() -> None:
    application = make.an_application(state="scored")
    applicant = db.session.get_one(User, application.created_by)
    with transaction():
        db.session.add(GroupMember(user_id=applicant.id, group=make.MANAGERS, round_id=None))
    with pytest.raises(NotAllowed):
        make.press(application, "approve", applicant)
    with transaction():
        db.session.execute(sa.delete(TeamMember).where(TeamMember.user_id == applicant.id))
    make.press(application, "approve", applicant)
    proof = separated(small_grant(), ("submit", "decide"))
    assert proof.holds
    [breach] = proof.changing
    assert (breach.roles, breach.own) == (("applicant", "officer"), ("submit", "approve"))
    assert (
        "one whose roles change on the way ('applicant' and 'officer') could, by submit, approve" in proof.sentences[1]
    )
    # Whoever decided cannot pay, whatever they become: that is not_same_actor_as.
    with transaction():
        db.session.execute(sa.delete(GroupMember).where(GroupMember.user_id == applicant.id))
        db.session.add(GroupMember(user_id=applicant.id, group=make.FINANCE, round_id=None))
    with pytest.raises(NotAllowed):
        make.pay(application, applicant, 10_000)
    assert not separated(small_grant()).changing
