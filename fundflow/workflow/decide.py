"""Whether a transition may happen now, and if not, exactly why not.

One function answers for firing, for buttons, for "what happens next" and for the audit trail, so they cannot disagree.
It reads only the situation it is given and never raises for a "no": a refusal is a decision with failing clauses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from fundflow.workflow import access, clauses, sentences
from fundflow.workflow.clauses import Clause, DefinitionMismatch
from fundflow.workflow.definition import SYSTEM, State, Transition, When, Workflow
from fundflow.workflow.expressions import root_of

__all__ = ["Clause", "Decision", "DefinitionMismatch", "Situation", "acting_for", "decide", "facts_of", "reads"]

ALWAYS_THERE = frozenset({"input", "now", "today", "actor", "self", "siblings", "parent"})
"""Roots that nobody has to load: what was entered, the present, who asks, and the child in question."""


NOTHING: Mapping[str, Any] = MappingProxyType({})
"""A mapping that nobody fills: what is not given."""


class Situation(NamedTuple):
    """What a decision may look at: where the application is, who asks, when, and the facts that its guards read.

    `facts` maps a root to a record: ``application``, ``round`` and ``ledger`` to typed fields, ``reviews`` by name to
    ``assigned submitted recused quorum_met score spread``, ``timers`` by name to ``due_at``, ``forms`` by name to
    ``complete`` and the labels of what is ``missing``, ``tasks`` by name to what each came to, ``signatures`` by party
    to whether it signed, ``children`` by kind to their records. ``input`` is absent or empty as long as nobody was
    asked; conditions on it are then left open, and `machine` refuses to fire. Other roots that `reads()` did not name
    may be absent. `state` is where the application is; of an ended one, where it ended, with `has_ended`. For a child's
    transition it is the state of the child, and the facts hold ``self``,
    ``siblings`` and ``parent``.
    """

    state: str
    now: datetime
    received_at: datetime
    actor: str | None
    roles: frozenset[str]
    facts: Mapping[str, Mapping[str, Any]]
    acted: Mapping[str, frozenset[str]] = NOTHING
    fired: Mapping[str, int] = NOTHING
    has_ended: bool = False
    stands_in: Mapping[str, str] = NOTHING
    """Of the roles, those that the actor holds only for somebody else, and for whom: ids of people by role."""
    overridden: bool = False
    """Two administrators override what people decide: see `Clause.is_overridden` for what still holds."""


class Decision(NamedTuple):
    """The answer for one transition: allowed, or the clauses that fail.

    `acting_for` is the person whose role the actor uses, where they have none of their own that would do.
    """

    transition: str
    allowed: bool
    clauses: tuple[Clause, ...]
    to: str | None
    outcome: str | None
    acting_for: str | None = None

    def refusals(self, language: str) -> list[str]:
        """One sentence for each clause that stands in the way."""
        return [clause.sentence(language) for clause in self.clauses if not clause.passes]

    def failing(self, kind: str) -> bool:
        """A clause of this kind stands in the way."""
        return any(clause.kind == kind and not clause.passes for clause in self.clauses)

    @property
    def overridden(self) -> tuple[Clause, ...]:
        """The clauses that did not hold and were overridden."""
        return tuple(clause for clause in self.clauses if clause.is_overridden)


def reads(workflow: Workflow, transition: str) -> frozenset[str]:
    """The roots a decision on this transition needs: ``ledger``, ``round``, ``forms.proposal``, ``reviews.panel``, …

    Also what its effects compute with. ``acted`` stands for the history: who fired what, and how often. ``input``,
    ``now``, ``today`` and ``actor`` are never among them: they are always there.
    """
    given = _transition(workflow, transition)
    found: set[str] = set()
    for when in given.when:
        match when.kind:
            case "if":
                found |= when.expression.roots if when.expression else frozenset()
                found |= {root_of(path) for path in when.mentions}
            case "complete":
                found.add(f"forms.{when.name}")
            case "overdue":
                found.add(f"timers.{when.name}")
            case "tasks":
                found.add("tasks")
            case "signed":
                found.add("signatures")
            case _:
                found.add(f"reviews.{when.name}")
    for effect in given.do:
        for expression in (effect.amount, effect.value, effect.when, *effect.values.values()):
            found |= expression.roots if expression else frozenset()
    if given.deadline:
        found.add(f"timers.{given.deadline}")
    if given.not_same_actor_as or given.max is not None:
        found.add("acted")
    return frozenset(found - ALWAYS_THERE)


def decide(workflow: Workflow, transition: str, situation: Situation) -> Decision:
    """Role, source state, separation of duty, deadline, then every `when` item; all are evaluated, none skipped.

    DefinitionMismatch where the workflow has no such transition or a fact that `reads()` names is absent.
    """
    given = _transition(workflow, transition)
    wanted = _wanted(given, situation)
    used = acting_for(wanted, situation)
    found = _clauses(workflow, given, wanted, used, situation)
    return Decision(
        transition=transition,
        allowed=all(clause.holds or clause.is_overridden for clause in found),
        clauses=tuple(found),
        to=given.destination(situation.state),
        outcome=given.end,
        acting_for=used,
    )


def acting_for(used: Iterable[str], situation: Situation) -> str | None:
    """Whose role the actor uses who may do something in one of these roles; None where one of them is their own."""
    if not situation.stands_in:
        return None
    held = sorted(situation.roles.intersection(used))
    if not held or any(role not in situation.stands_in for role in held):
        return None
    return situation.stands_in[held[0]]


def facts_of(workflow: Workflow, situation: Situation) -> dict[str, Any]:
    """What expressions are evaluated over: the situation's facts with now, today and the actor."""
    return {
        **situation.facts,
        "now": situation.now,
        "today": situation.now.astimezone(workflow.zone).date(),
        "actor": {"id": situation.actor, "roles": tuple(sorted(situation.roles))},
    }


def _transition(workflow: Workflow, transition: str) -> Transition:
    found = workflow.find(transition)
    if found is None:
        raise DefinitionMismatch(f"{workflow.id} has no transition {transition!r}")
    return found


def states_of(workflow: Workflow, transition: str) -> Mapping[str, State]:
    """The states that a transition moves between: the application's, or its child's."""
    child = None if transition in workflow.transitions else workflow.child_of(transition)
    return workflow.states if child is None else child.states


NEVER_OVERRIDDEN = frozenset({"ledger", "input", "bank", "screening"})
"""Roots of conditions that hold for everybody: money and whom it goes to, and what is entered now."""


def _clauses(
    workflow: Workflow, given: Transition, wanted: frozenset[str], used: str | None, situation: Situation
) -> list[Clause]:
    """Every clause, as a list: one generator over another cost a tenth of a decision."""
    people = list(_about_people(workflow, given, wanted, used, situation))
    facts = facts_of(workflow, situation) if given.when else {}
    whens = [clauses.of_when(workflow, given, when, facts, situation) for when in given.when]
    if situation.overridden:
        people = list(map(_overridden, people))
        whens = [
            clause if _is_firm(when) else _overridden(clause) for when, clause in zip(given.when, whens, strict=True)
        ]
    return [_state(workflow, given, situation), *people, *whens]


def _is_firm(when: When) -> bool:
    """Nobody can override it."""
    return when.expression is not None and not when.expression.roots.isdisjoint(NEVER_OVERRIDDEN)


def _overridden(clause: Clause) -> Clause:
    return clause if clause.holds else clause._replace(is_overridden=True)


def _about_people(
    workflow: Workflow, given: Transition, wanted: frozenset[str], used: str | None, situation: Situation
) -> Iterator[Clause]:
    """Who may do it, whether someone else has to, whether it is in time and not too often."""
    yield _role(workflow, wanted, situation)
    for earlier in given.not_same_actor_as:
        did = not ({situation.actor, used} - {None}).isdisjoint(situation.acted.get(earlier, frozenset()))
        label = _transition(workflow, earlier).label
        yield Clause("not_same_actor", not did, sentences.SAME_ACTOR, {"earlier": label})
    if given.deadline:
        yield clauses.of_deadline(workflow, given.deadline, situation)
    if given.max is not None:
        count = situation.fired.get(given.id, 0)
        yield Clause("max", count < given.max, sentences.TOO_OFTEN, {"max": given.max, "count": count})


def _state(workflow: Workflow, given: Transition, situation: Situation) -> Clause:
    states = states_of(workflow, given.id)
    if situation.state not in states:
        raise DefinitionMismatch(f"{workflow.id} has no state {situation.state!r}")
    if situation.has_ended:
        return Clause("state", False, sentences.ENDED)
    holds, says, shown = situation.state in given.sources, sentences.WRONG_STATE, situation.state
    if states is not workflow.states:
        says = sentences.CHILD_ELSEWHERE
    elif SYSTEM not in situation.roles:
        # Whoever is shown another state than the true one reads the label of that one.
        shown = access.shown_state(workflow, situation.state, situation.roles)
    return Clause("state", holds, says, {"state": states[shown].label})


def _role(workflow: Workflow, wanted: frozenset[str], situation: Situation) -> Clause:
    people = [workflow.roles[role].label for role in workflow.roles if role in wanted]
    holds = not wanted.isdisjoint(situation.roles)
    if not people:
        return Clause("role", holds, sentences.SYSTEM_ONLY)
    return Clause("role", holds, sentences.WRONG_ROLE, {"roles": tuple(people)})


def _wanted(given: Transition, situation: Situation) -> frozenset[str]:
    """From a state it does not leave, the roles that may do it at all: the state is then another clause's business."""
    return given.by_from(situation.state) if situation.state in given.sources else given.by
