"""Whether a transition may happen now, and if not, exactly why not.

One function answers for firing, for buttons, for "what happens next" and for the audit trail, so they cannot disagree.
It reads only the situation it is given and never raises for a "no": a refusal is a decision with failing clauses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel import Locale

from fundflow.money import MixedCurrencies, Money
from fundflow.workflow import access, sentences
from fundflow.workflow.definition import SYSTEM, Text, Transition, When, Workflow
from fundflow.workflow.expressions import root_of, value_at


class DefinitionMismatch(Exception):
    """What was asked does not fit the workflow: no such transition or state, or a fact that was not loaded."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision may look at: where the application is, who asks, when, and the facts that its guards read.

    `facts` maps a root to a record: ``application``, ``round`` and ``ledger`` to typed fields, ``reviews`` by name to
    ``assigned submitted recused quorum_met score spread``, ``timers`` by name to ``due_at``, ``forms`` by name to
    ``complete`` and the labels of what is ``missing``. ``input`` is absent or empty as long as nobody was asked;
    conditions on it are then left open, and `machine` refuses to fire.
    Other roots that `reads()` did not name may be absent. `state` is where the application is; of an ended one, where
    it ended, with `has_ended`.
    """

    state: str
    now: datetime
    received_at: datetime
    actor: str | None
    roles: frozenset[str]
    facts: Mapping[str, Mapping[str, Any]]
    acted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fired: Mapping[str, int] = field(default_factory=dict)
    has_ended: bool = False
    stands_in: Mapping[str, str] = field(default_factory=dict)
    """Of the roles, those that the actor holds only for somebody else, and for whom: ids of people by role."""
    overridden: bool = False
    """Two administrators override what people decide: see `Clause.is_overridden` for what still holds."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition and its answer. `says` carries {placeholders}; `values` what they stood for when it was decided.

    One that `is_overridden` does not hold and keeps nobody. Where the application stands, what is entered and what
    looks at the ledger is never overridden.
    """

    kind: str
    holds: bool
    says: Text
    values: Mapping[str, Any] = field(default_factory=dict)
    is_overridden: bool = False

    @property
    def passes(self) -> bool:
        return self.holds or self.is_overridden

    def sentence(self, language: str) -> str:
        """The author's sentence in the reader's language with money, dates and numbers in its way of writing."""
        return sentences.write(self.says, self.values, language)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON for the record."""
        return {
            "kind": self.kind,
            "holds": self.holds,
            "says": dict(self.says),
            "values": {name: plain(value) for name, value in self.values.items()},
            **({"overridden": True} if self.is_overridden else {}),
        }


@dataclass(frozen=True, slots=True)
class Decision:
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


def plain(value: Any) -> Any:
    """A value of the engine as plain JSON."""
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case tuple() | list() | frozenset() | set():
            items = [plain(one) for one in value]
            return sorted(items, key=str) if isinstance(value, frozenset | set) else items
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


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
            case _:
                found.add(f"reviews.{when.name}")
    for effect in given.do:
        for expression in (effect.amount, effect.value):
            found |= expression.roots if expression else frozenset()
    if given.deadline:
        found.add(f"timers.{given.deadline}")
    if given.not_same_actor_as or given.max is not None:
        found.add("acted")
    return frozenset(found - {"input", "now", "today", "actor"})


def decide(workflow: Workflow, transition: str, situation: Situation) -> Decision:
    """Role, source state, separation of duty, deadline, then every `when` item; all are evaluated, none skipped.

    DefinitionMismatch where the workflow has no such transition or a fact that `reads()` names is absent.
    """
    given = _transition(workflow, transition)
    clauses = tuple(_clauses(workflow, given, situation))
    return Decision(
        transition=transition,
        allowed=all(clause.passes for clause in clauses),
        clauses=clauses,
        to=given.destination(situation.state),
        outcome=given.end,
        acting_for=acting_for(_wanted(given, situation), situation),
    )


def acting_for(used: Iterable[str], situation: Situation) -> str | None:
    """Whose role the actor uses who may do something in one of these roles; None where one of them is their own."""
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
    try:
        return workflow.transitions[transition]
    except KeyError:
        raise DefinitionMismatch(f"{workflow.id} has no transition {transition!r}") from None


NEVER_OVERRIDDEN = frozenset({"ledger", "input"})
"""Roots of conditions that hold for everybody: money, and what is entered now."""


def _clauses(workflow: Workflow, given: Transition, situation: Situation) -> Iterator[Clause]:
    yield _state(workflow, given, situation)
    for clause, is_firm in _conditions(workflow, given, situation):
        is_overridden = situation.overridden and not is_firm and not clause.holds
        yield replace(clause, is_overridden=True) if is_overridden else clause


def _conditions(workflow: Workflow, given: Transition, situation: Situation) -> Iterator[tuple[Clause, bool]]:
    """Every clause but that of the state, and whether nobody can override it."""
    for clause in _about_people(workflow, given, situation):
        yield clause, False
    if given.when:
        facts = facts_of(workflow, situation)
        for when in given.when:
            roots = when.expression.roots if when.expression is not None else frozenset()
            yield _when(workflow, given, when, facts, situation), bool(roots & NEVER_OVERRIDDEN)


def _about_people(workflow: Workflow, given: Transition, situation: Situation) -> Iterator[Clause]:
    """Who may do it, whether someone else has to, whether it is in time and not too often."""
    yield _role(workflow, given, situation)
    people = {situation.actor, acting_for(_wanted(given, situation), situation)} - {None}
    for earlier in given.not_same_actor_as:
        did = not people.isdisjoint(situation.acted.get(earlier, frozenset()))
        label = workflow.transitions[earlier].label
        yield Clause("not_same_actor", not did, sentences.SAME_ACTOR, {"earlier": label})
    if given.deadline:
        yield _deadline(workflow, given.deadline, situation)
    if given.max is not None:
        count = situation.fired.get(given.id, 0)
        yield Clause("max", count < given.max, sentences.TOO_OFTEN, {"max": given.max, "count": count})


def _state(workflow: Workflow, given: Transition, situation: Situation) -> Clause:
    if situation.state not in workflow.states:
        raise DefinitionMismatch(f"{workflow.id} has no state {situation.state!r}")
    # Whoever is shown another state than the true one reads the label of that one.
    is_person = SYSTEM not in situation.roles
    shown = access.shown_state(workflow, situation.state, situation.roles) if is_person else situation.state
    label = workflow.states[shown].label
    if situation.has_ended:
        return Clause("state", False, sentences.ENDED)
    return Clause("state", situation.state in given.sources, sentences.WRONG_STATE, {"state": label})


def _role(workflow: Workflow, given: Transition, situation: Situation) -> Clause:
    wanted = _wanted(given, situation)
    people = [workflow.roles[role].label for role in workflow.roles if role in wanted]
    holds = not wanted.isdisjoint(situation.roles)
    if not people:
        return Clause("role", holds, sentences.SYSTEM_ONLY)
    return Clause("role", holds, sentences.WRONG_ROLE, {"roles": tuple(people)})


def _wanted(given: Transition, situation: Situation) -> frozenset[str]:
    """From a state it does not leave, the roles that may do it at all: the state is then another clause's business."""
    return given.by_from(situation.state) if situation.state in given.sources else given.by


def _fact(facts: Mapping[str, Any], path: str) -> Any:
    try:
        return value_at(facts, path)
    except (KeyError, TypeError):
        raise DefinitionMismatch(f"the fact {path} was not loaded") from None


def _deadline(workflow: Workflow, timer: str, situation: Situation) -> Clause:
    """What arrived up to the due moment and its grace is in time, whenever the timer itself is looked at."""
    due = _fact(situation.facts, f"timers.{timer}.due_at")
    if due is None:
        return Clause("deadline", False, sentences.NO_DEADLINE, {"timer": workflow.timers[timer].label})
    grace = workflow.timers[timer].grace
    last = workflow.after(grace, due) if grace else due
    values = {"due": due.astimezone(workflow.zone), "received": situation.received_at.astimezone(workflow.zone)}
    return Clause("deadline", situation.received_at <= last, sentences.DEADLINE_PASSED, values)


def _when(workflow: Workflow, given: Transition, when: When, facts: Mapping[str, Any], situation: Situation) -> Clause:
    match when.kind:
        case "if":
            return _if(workflow, given, when, facts)
        case "complete":
            state = _fact(facts, f"forms.{when.name}")
            holds = state["complete"] is True
            says = sentences.COMPLETE if holds else sentences.INCOMPLETE
            values = {"form": workflow.forms[when.name].title, "missing": tuple(state["missing"])}
            return Clause("complete", holds, says, values)
        case "overdue":
            return _overdue(workflow, when.name, facts, situation)
        case kind:
            return _review(workflow, kind, when.name, facts)


def _review(workflow: Workflow, kind: str, name: str, facts: Mapping[str, Any]) -> Clause:
    review = workflow.reviews[name]
    counts = _fact(facts, f"reviews.{name}")
    assigned, submitted, recused = counts["assigned"], counts["submitted"], counts["recused"]
    if kind == "assigned":
        values = {"assigned": assigned, "needed": review.count}
        return Clause("assigned", assigned - recused >= review.count, sentences.ASSIGNED, values)
    holds = review.is_quorum_met(assigned=assigned, submitted=submitted, recused=recused)
    needed = review.needed(assigned=assigned, recused=recused)
    values = {"submitted": submitted, "assigned": assigned - recused, "needed": needed}
    return Clause("quorum", holds, sentences.QUORUM, values)


def _overdue(workflow: Workflow, name: str, facts: Mapping[str, Any], situation: Situation) -> Clause:
    due = _fact(facts, f"timers.{name}.due_at")
    label = workflow.timers[name].label
    if due is None:
        return Clause("overdue", False, sentences.NOT_RUNNING, {"timer": label})
    values = {"timer": label, "due": due.astimezone(workflow.zone)}
    return Clause("overdue", situation.now > due, sentences.NOT_OVERDUE, values)


def _if(workflow: Workflow, given: Transition, when: When, facts: Mapping[str, Any]) -> Clause:
    expression = when.expression
    assert expression is not None  # noqa: S101 - the loader gives every `if` its expression
    says = when.says or sentences.NOT_MET
    asks = any(path.startswith("input.") for path in expression.reads)
    if asks and (open_clause := _open(given, facts, says)) is not None:
        return open_clause
    for root in expression.roots:
        _fact(facts, root)
    if unanswered := expression.unanswered(facts):
        labels = tuple(_label(workflow, path) for path in unanswered)
        return Clause("if", False, sentences.UNANSWERED, {"missing": labels})
    values = {path: _spoken(workflow, path, value) for path, value in expression.values(facts).items()}
    for path in when.mentions - values.keys():
        values[path] = _spoken(workflow, path, _fact(facts, path)) if _is_loaded(facts, path) else None
    try:
        holds = bool(expression.evaluate(facts))
    except MixedCurrencies:
        holds, says = False, sentences.MIXED
    return Clause("if", holds, says, values)


def _open(given: Transition, facts: Mapping[str, Any], says: Text) -> Clause | None:
    """A clause that looks at what nobody has answered yet stays open."""
    asked = facts.get("input") or {}
    if any(asked.get(name) is None for name in given.input):
        return Clause("if", True, says, {"asked_later": True})
    return None


def _is_loaded(facts: Mapping[str, Any], path: str) -> bool:
    return path.partition(".")[0] in facts


def _label(workflow: Workflow, path: str) -> Text:
    name = path.partition(".")[2]
    for form in workflow.answer_forms.values():
        if name in form.fields:
            return form.fields[name].label
    return Text.same(path)


def _spoken(workflow: Workflow, path: str, value: Any) -> Any:
    """A value as a sentence should say it: an option by its label, a country by its name, a moment in the zone."""
    if isinstance(value, datetime):
        return value.astimezone(workflow.zone)
    root, _, name = path.partition(".")
    if root != "application" or not isinstance(value, str | tuple):
        return value
    if name == "country" and isinstance(value, str):
        return _country(workflow, value)
    field_ = next((form.fields[name] for form in workflow.answer_forms.values() if name in form.fields), None)
    if field_ is None:
        return value
    if field_.options:
        chosen = value if isinstance(value, tuple) else (value,)
        labels = tuple(option.label for option in field_.options if option.id in chosen)
        return labels if isinstance(value, tuple) else labels[0] if labels else value
    return _country(workflow, value) if field_.type == "country" and isinstance(value, str) else value


def _country(workflow: Workflow, code: str) -> Text:
    return Text({language: str(Locale.parse(language).territories.get(code, code)) for language in workflow.languages})


__all__ = ["SYSTEM", "Clause", "Decision", "DefinitionMismatch", "Situation", "decide", "facts_of", "plain", "reads"]
