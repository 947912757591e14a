"""`fundflow why`: one decision of the engine, with every clause, its sentence, its values and whether it holds.

It asks what a page would ask and changes nothing. A name that is not there is answered with the closest one that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts import queries as accounts
from fundflow.accounts.models import User
from fundflow.db import db
from fundflow.errors import NotFound
from fundflow.lifecycle import acts, definitions
from fundflow.lifecycle.actor import SYSTEM, Actor
from fundflow.lifecycle.claims import TICK
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.situation import Facts
from fundflow.money import Money
from fundflow.workflow.acts import ACTS
from fundflow.workflow.decide import Decision, DefinitionMismatch, decide, reads
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reasons import reasons


class Unknown(Exception):
    """Something was named that is not there; the text says what, and what is meant perhaps."""


def why(number: str, step: str, person: str) -> Decision:
    """As `answer` gives it, without the reasons."""
    return answer(number, step, person)[0]


def answer(number: str, step: str, person: str, language: str = "en") -> tuple[Decision, Mapping[int, list[str]]]:
    """The decision, and for each condition that fails its smallest failing parts in words, by the clause's number.

    The decision on a transition, on a child's (``tranche.pay:1``) or on an act (``task:sanctions``, ``sign:city``).

    `number` is the application's number or id; `person` an address, or ``system``. Unknown for what is not there.
    """
    application, actor = _application(number), _actor(person)
    workflow = definitions.get(application.definition_sha)
    name, _colon, subject = step.partition(":")
    if name in ACTS and workflow.find(name) is None:
        return _act(application, workflow, actor, name, subject), {}
    given = workflow.find(name)
    if given is None:
        raise Unknown(f"{workflow.id} has no step '{name}'{did_you_mean(name, _steps(workflow))}")
    facts = _facts(application, workflow, actor)
    child = workflow.child_of(name)
    if child is not None:
        try:
            facts.look_at(child.id, subject)
        except NotFound:
            raise Unknown(
                f"{application.number} has no {child.id} '{subject}'; write the step and the key: {name}:1"
            ) from None
    facts.load(reads(workflow, name))
    situation = facts.situation(facts.now)
    decision = decide(workflow, name, situation)
    return decision, reasons(workflow, decision, situation, language)


def _act(application: Application, workflow: Workflow, actor: Actor, act: str, subject: str) -> Decision:
    try:
        return acts.decision_on(application, act, subject, actor)  # type: ignore[arg-type]
    except DefinitionMismatch:
        known = [each.partition(":")[2] for each in _steps(workflow) if each.startswith(f"{act}:")]
        raise Unknown(f"{workflow.id} has no {act} '{subject}'{did_you_mean(subject, known)}") from None


def _facts(application: Application, workflow: Workflow, actor: Actor) -> Facts:
    facts = Facts(application, workflow, actor, max(clock.now(), application.last_event_at + TICK), locking=False)
    facts.take_roles()
    return facts


def _application(number: str) -> Application:
    query = sa.select(Application).where(Application.number == number.strip().upper())
    with suppress(ValueError):
        query = sa.select(Application).where(Application.id == UUID(number.strip()))
    found = db.session.scalars(query).first()
    if found is None:
        known = db.session.scalars(sa.select(Application.number)).all()
        raise Unknown(f"there is no application '{number}'{did_you_mean(number.upper(), known)}")
    return found


def _actor(person: str) -> Actor:
    if person == "system":
        return SYSTEM
    found = db.session.scalars(sa.select(User.id).where(sa.func.lower(User.email) == person.strip().lower())).first()
    if found is None:
        known = db.session.scalars(sa.select(User.email)).all()
        raise Unknown(f"there is no person '{person}'{did_you_mean(person.lower(), known)}")
    return accounts.actor_for(found)


def _steps(workflow: Workflow) -> list[str]:
    """Everything that can be asked about."""
    signers = {party for state in workflow.states.values() if state.signatures for party in state.signatures.parties}
    return [
        *(step.id for step in workflow.every_transition()),
        *(f"task:{name}" for name in workflow.tasks),
        *(f"sign:{party}" for party in sorted(signers)),
        *(f"assign:{role.id}" for role in workflow.roles.values() if role.kind == "field"),
        *(f"discuss:{name}" for name in workflow.reviews),
    ]


def told(decision: Decision, language: str = "en", because: Mapping[int, list[str]] | None = None) -> Iterable[str]:
    """The answer for a terminal: yes or no, then a line for each clause with the values it was decided by.

    Below a condition that fails stand the parts of it that should hold and do not.
    """
    yield "allowed" if decision.allowed else "refused"
    for number, clause in enumerate(decision.clauses):
        values = ", ".join(f"{name} = {_plain(value)}" for name, value in clause.as_json()["values"].items())
        mark = "holds" if clause.holds else "overridden" if clause.is_overridden else "FAILS"
        sentence = clause.sentence(language)
        says = f"otherwise “{sentence}”" if clause.holds else sentence
        yield f"  {mark:<6} {clause.kind}: {says}" + (f"  [{values}]" if values else "")
        for part in (because or {}).get(number, ()):
            yield f"           not so: {part}"


def as_json(decision: Decision, language: str = "en") -> dict[str, Any]:
    """The same for a machine."""
    clauses = [{**clause.as_json(), "sentence": clause.sentence(language)} for clause in decision.clauses]
    return {
        "transition": decision.transition,
        "allowed": decision.allowed,
        "to": decision.to,
        "outcome": decision.outcome,
        "acting_for": decision.acting_for,
        "clauses": clauses,
    }


def _plain(value: Any) -> str:
    """A value on one line; a label in English, an amount with its currency."""
    if isinstance(value, Mapping) and set(value) == {"minor", "currency"}:
        return str(Money(value["minor"], value["currency"]))
    if isinstance(value, Mapping) and "en" in value:
        return str(value["en"])
    if isinstance(value, list):
        return "; ".join(_plain(each) for each in value)
    return str(value)
