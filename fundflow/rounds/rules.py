"""Giving a published round another version of its rules: texts at once, everything else by two people and with notice.

Refuses to change more than words by one person, to let one person (or one who stands in for the other) answer their own
proposal, and to begin while an application of the round could not follow. The applications move with their round; each
keeps an event of it.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as people
from fundflow.accounts.policy import DIRECTORS, MANAGERS
from fundflow.db import db, transaction
from fundflow.errors import Forbidden, NotFound, Refused, Stale
from fundflow.lifecycle import definitions, inputs, migrating, registry
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.migrating import MigrationBlocked, Plan, Result
from fundflow.lifecycle.models import Application, DefinitionChange
from fundflow.rounds import policy
from fundflow.rounds.models import Round
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diff import Change, changes, heaviest

NOTICE = "rules_changed"


class NotOfThisRound(Forbidden):
    """Only fund managers and directors of this round may change its rules; ask one of them."""


class NothingDiffers(Refused):
    """The round has these rules already."""


class NotOnlyText(Refused):
    """This changes more than words, so a second manager or director has to agree: {change}"""


class OnlyText(Refused):
    """This changes only words; publish it at once, nobody else has to agree."""


class SecondPerson(Refused):
    """Whoever proposed this cannot approve it: another manager or director of the round has to."""


class StandsIn(Refused):
    """One of you stands in for the other, so another manager or director of the round has to approve this."""


class ProposerLeft(Stale):
    """Whoever proposed this may not change the rules of this round any more; propose it yourself, if it is right."""


class Answered(Refused):
    """This has been answered already."""


class RulesChanged(Stale):
    """The round has got other rules since this was proposed; look at them, then propose it again."""


def repin_text(round_: Round, new: Workflow, *, actor: Actor) -> Result:
    """Give a round other words: labels, explanations, mails, documents. It commits by itself.

    NotOnlyText with the heaviest change when it changes anything else; what was written before keeps its words.
    """
    _may(actor, round_)
    plan, found = compared(round_, new)
    if heaviest(found) not in (None, "text"):
        first = next(change for change in found if change.kind != "text")
        raise NotOnlyText(change=first.says)
    return migrating.apply(plan, actor=actor)


def propose(round_: Round, new: Workflow, *, actor: Actor, reason: str) -> DefinitionChange:
    """Propose other rules for a round, with the reason that its cities are told. Changes nothing yet.

    Raises NothingDiffers, OnlyText, WrongMigration, and MigrationBlocked when an application could not follow.
    """
    person = _may(actor, round_)
    text = inputs.read_reason(reason, True) or ""
    plan, found = compared(round_, new)
    kind = heaviest(found)
    if kind in (None, "text"):
        raise OnlyText()
    _unblocked(plan)
    wish = DefinitionChange(
        round_id=round_.id,
        old_sha=plan.old.sha256,
        new_sha=definitions.pin(plan.new),
        kind=kind,
        reason=text,
        proposed_by=person,
        created_at=clock.now(),
    )
    db.session.add(wish)
    db.session.flush()
    return wish


def approve(change_id: UUID, *, actor: Actor) -> Result:
    """Agree as the second person, and let the round and its applications move; each team is told. It commits by itself.

    Raises SecondPerson, StandsIn, ProposerLeft, Answered, RulesChanged, and MigrationBlocked. Interrupted, the one who
    approved may call it again: it goes on.
    """
    wish, round_ = _wish(change_id)
    person = _may(actor, round_)
    if person == wish.proposed_by:
        raise SecondPerson()
    if wish.approved_by is None and registry.are_one(person, wish.proposed_by):
        raise StandsIn()
    if wish.refused_by is not None or wish.approved_by not in (None, person):
        raise Answered()
    if round_.definition_sha != wish.old_sha:
        raise Answered() if wish.approved_by is not None else RulesChanged()
    if wish.approved_by is None and not may_change(people.actor_for(wish.proposed_by), round_):
        raise ProposerLeft()
    plan, found = compared(round_, definitions.get(wish.new_sha))
    _unblocked(plan)
    if wish.approved_by is None:
        wish.approved_by, wish.answered_at = person, clock.now()
    reason, key = wish.reason, f"{NOTICE}:{wish.id}"
    db.session.commit()

    def tell(application: Application) -> None:
        teams = [role.id for role in plan.new.roles.values() if role.kind == "team"]
        said = {"reason": reason, "changes": [change.says for change in found if change.kind != "text"]}
        registry.notify(application, NOTICE, teams, f"{key}:{application.id}", said)

    return migrating.apply(plan, actor=actor, beside=tell)


def refuse(change_id: UUID, *, actor: Actor) -> DefinitionChange:
    """Answer no; whoever proposed it may take it back in the same way."""
    wish, round_ = _wish(change_id)
    person = _may(actor, round_)
    if wish.answered_at is not None:
        raise Answered()
    wish.refused_by, wish.answered_at = person, clock.now()
    db.session.flush()
    return wish


def change(round_: Round, new: Workflow, *, actor: Actor, reason: str) -> Result | DefinitionChange:
    """The next step of giving a round other rules: words at once, an approval of what another proposed, or a proposal.

    It commits by itself, and raises what that step raises.
    """
    if heaviest(compared(round_, new)[1]) in (None, "text"):
        return repin_text(round_, new, actor=actor)
    waiting = db.session.scalars(
        sa.select(DefinitionChange.id)
        .where(
            DefinitionChange.round_id == round_.id,
            DefinitionChange.old_sha == round_.definition_sha,
            DefinitionChange.new_sha == definitions.complete(new).sha256,
            DefinitionChange.refused_by.is_(None),
        )
        .order_by(DefinitionChange.created_at)
    ).first()
    if waiting is not None:
        return approve(waiting, actor=actor)
    with transaction():
        return propose(round_, new, actor=actor, reason=reason)


def may_change(actor: Actor, round_: Round) -> bool:
    """A manager or director of the round in their own right."""
    reached = policy.scopes(actor, MANAGERS, DIRECTORS, own=True)
    return actor.id is not None and (reached is None or round_.id in reached)


def had_before(round_: Round) -> frozenset[str]:
    """The versions from which two people moved the round to the one that it has: going there takes that back."""
    return frozenset(
        db.session.scalars(
            sa.select(DefinitionChange.old_sha).where(
                DefinitionChange.round_id == round_.id,
                DefinitionChange.new_sha == round_.definition_sha,
                DefinitionChange.approved_by.is_not(None),
            )
        )
    )


def _may(actor: Actor, round_: Round) -> UUID:
    """The person, if they may change the rules of this round."""
    if actor.id is None or not may_change(actor, round_):
        raise NotOfThisRound
    return actor.id


def compared(round_: Round, new: Workflow) -> tuple[Plan, list[Change]]:
    """What would become of the round's applications, and what differs. NothingDiffers, WrongMigration."""
    old, new = definitions.get(round_.definition_sha), definitions.complete(new)
    if old.sha256 == new.sha256:
        raise NothingDiffers()
    if new.sha256 in had_before(round_):
        # Each application goes back to where its own event says that it came from.
        return migrating.plan_undo(new, old, round_id=round_.id), changes(old, new)
    return migrating.plan(old, new, round_id=round_.id), changes(old, new)


def _unblocked(plan: Plan) -> None:
    blocked = plan.of("blocked")
    if blocked:
        says = " ".join(reason.in_("en") for reason in blocked[0].verdict.reasons)
        raise MigrationBlocked(count=len(blocked), first=f"{blocked[0].number}: {says}")


def _wish(change_id: UUID) -> tuple[DefinitionChange, Round]:
    row = db.session.execute(
        sa.select(DefinitionChange, Round)
        .join(Round, Round.id == DefinitionChange.round_id)
        .where(DefinitionChange.id == change_id)
        .with_for_update(of=DefinitionChange)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]
