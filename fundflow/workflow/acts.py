"""What people do beside transitions: tasks, signatures, choosing the person in charge, recording a discussion.

Each is decided like a transition, in clauses that say who may, where and in which order; nothing is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from fundflow.workflow import access, sentences
from fundflow.workflow.clauses import Clause, DefinitionMismatch, fact
from fundflow.workflow.decide import Decision, Situation, acting_for
from fundflow.workflow.definition import Workflow

Act = Literal["task", "sign", "assign", "discuss"]
ACTS: tuple[Act, ...] = ("task", "sign", "assign", "discuss")


def decide_act(workflow: Workflow, act: Act, subject: str, situation: Situation, value: str | None = None) -> Decision:
    """Whether this act on `subject` (a task, party, field role or review) may happen now.

    `value` is what a task would come to; None takes it back, and is not looked at for a mere question. Signatures need
    the facts ``signatures`` and ``document``. DefinitionMismatch where the workflow has no such subject.
    """
    clauses = tuple(_clauses(workflow, act, subject, situation, value))
    return Decision(
        transition=act,
        allowed=all(clause.passes for clause in clauses),
        clauses=clauses,
        to=situation.state,
        outcome=None,
        acting_for=acting_for(wanted_roles(workflow, act, subject, situation.state), situation),
    )


def open_acts(workflow: Workflow, state: str, roles: Iterable[str]) -> Iterator[tuple[Act, str]]:
    """The acts that belong to this state and that these roles may do, in the file's order."""
    held = frozenset(roles)
    given = workflow.states[state]
    for task in given.tasks.values():
        if task.by & held:
            yield "task", task.id
    for party, role in given.signatures.parties.items() if given.signatures else ():
        if role in held:
            yield "sign", party
    for each in workflow.roles.values():
        if each.kind == "field" and each.assigned_by & held and not given.is_final:
            yield "assign", each.id
    for review in workflow.reviews.values():
        if review.state == state and review.discussed_by & held:
            yield "discuss", review.id


def wanted_roles(workflow: Workflow, act: Act, subject: str, state: str) -> frozenset[str]:
    """Who may do it; DefinitionMismatch where the workflow does not have it."""
    match act:
        case "task" if subject in workflow.tasks:
            return workflow.tasks[subject].by
        case "sign":
            signatures = workflow.states[state].signatures if state in workflow.states else None
            if signatures is not None and subject in signatures.parties:
                return frozenset({signatures.parties[subject]})
            if any(s.signatures and subject in s.signatures.parties for s in workflow.states.values()):
                return frozenset()
        case "assign" if subject in workflow.roles and workflow.roles[subject].kind == "field":
            return workflow.roles[subject].assigned_by
        case "discuss" if subject in workflow.reviews:
            return workflow.reviews[subject].discussed_by
    raise DefinitionMismatch(f"{workflow.id} has no {act} {subject!r}")


def _clauses(workflow: Workflow, act: Act, subject: str, situation: Situation, value: str | None) -> Iterator[Clause]:
    wanted = wanted_roles(workflow, act, subject, situation.state)
    yield _place(workflow, act, subject, situation)
    people = tuple(role.label for role in workflow.roles.values() if role.id in wanted)
    if people:
        yield Clause("role", not wanted.isdisjoint(situation.roles), sentences.WRONG_ROLE, {"roles": people})
    if act == "task" and value is not None:
        values = workflow.tasks[subject].values
        labels = tuple(values.values())
        yield Clause("value", value in (values or ("done",)), sentences.NOT_A_VALUE, {"values": labels})
    if act == "sign":
        yield from _signing(workflow, subject, situation)


def _place(workflow: Workflow, act: Act, subject: str, situation: Situation) -> Clause:
    if situation.has_ended:
        return Clause("state", False, sentences.ENDED)
    state = workflow.states[situation.state]
    match act:
        case "task":
            holds = subject in state.tasks
        case "sign":
            holds = state.signatures is not None and subject in state.signatures.parties
        case "assign":
            holds = not state.is_final
        case _:
            holds = workflow.reviews[subject].state == state.id
    shown = access.shown_state(workflow, situation.state, situation.roles)
    return Clause("state", holds, sentences.NOT_HERE, {"state": workflow.states[shown].label})


def _signing(workflow: Workflow, party: str, situation: Situation) -> Iterator[Clause]:
    signatures = workflow.states[situation.state].signatures
    if signatures is None or party not in signatures.parties:
        return
    signed = fact(situation.facts, "signatures")
    yield Clause("signed", signed.get(party) is not True, sentences.SIGNED_ALREADY)
    yield Clause("document", bool(fact(situation.facts, "document.is_ready")), sentences.NO_DOCUMENT)
    if signatures.in_order:
        order = list(signatures.parties)
        before = [each for each in order[: order.index(party)] if signed.get(each) is not True]
        labels = tuple(workflow.roles[signatures.parties[each]].label for each in before)
        yield Clause("order", not before, sentences.NOT_YOUR_TURN, {"missing": labels})
