"""The clauses of a decision: each condition answered, with its sentence and the values it was decided by.

A fact that was not loaded is an error of ours and never counts as “no”.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from babel import Locale

from fundflow.money import MixedCurrencies, Money
from fundflow.workflow import sentences
from fundflow.workflow.definition import Transition, When, Workflow
from fundflow.workflow.expressions import value_at
from fundflow.workflow.text import Text

if TYPE_CHECKING:
    from fundflow.workflow.decide import Situation


class DefinitionMismatch(Exception):
    """What was asked does not fit the workflow: no such transition or state, or a fact that was not loaded."""


class Clause(NamedTuple):
    """One condition and its answer. `says` carries {placeholders}; `values` what they stood for when it was decided.

    One that `is_overridden` does not hold and keeps nobody. Where the application stands, what is entered and what
    looks at the ledger is never overridden.
    """

    kind: str
    holds: bool
    says: Text
    values: Mapping[str, Any] = MappingProxyType({})
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


def fact(facts: Mapping[str, Any], path: str) -> Any:
    """The fact at a path; DefinitionMismatch where nobody loaded it."""
    try:
        return value_at(facts, path)
    except (KeyError, TypeError):
        raise DefinitionMismatch(f"the fact {path} was not loaded") from None


def of_deadline(workflow: Workflow, timer: str, situation: Situation) -> Clause:
    """What arrived up to the due moment and its grace is in time, whenever the timer itself is looked at."""
    due = fact(situation.facts, f"timers.{timer}.due_at")
    if due is None:
        return Clause("deadline", False, sentences.NO_DEADLINE, {"timer": workflow.timers[timer].label})
    grace = workflow.timers[timer].grace
    last = workflow.after(grace, due) if grace else due
    values = {"due": due.astimezone(workflow.zone), "received": situation.received_at.astimezone(workflow.zone)}
    return Clause("deadline", situation.received_at <= last, sentences.DEADLINE_PASSED, values)


def of_when(
    workflow: Workflow, given: Transition, when: When, facts: Mapping[str, Any], situation: Situation
) -> Clause:
    """The answer to one item of `when`."""
    match when.kind:
        case "if":
            return _if(workflow, given, when, facts)
        case "complete":
            state = fact(facts, f"forms.{when.name}")
            holds = state["complete"] is True
            says = sentences.COMPLETE if holds else sentences.INCOMPLETE
            values = {"form": workflow.forms[when.name].title, "missing": tuple(state["missing"])}
            return Clause("complete", holds, says, values)
        case "overdue":
            return _overdue(workflow, when.name, facts, situation)
        case "tasks":
            return _tasks(workflow, when.names, facts)
        case "signed":
            return _signed(workflow, when.names, situation.state, facts)
        case kind:
            return _review(workflow, kind, when.name, facts)


def _tasks(workflow: Workflow, names: tuple[str, ...], facts: Mapping[str, Any]) -> Clause:
    results, known = fact(facts, "tasks"), workflow.tasks
    undone = tuple(known[name].label for name in names if results.get(name) in (None, False))
    labels = tuple(known[name].label for name in names)
    says = sentences.TASKS_OPEN if undone else sentences.TASKS_DONE
    return Clause("tasks", not undone, says, {"missing": undone, "tasks": labels})


def _signed(workflow: Workflow, names: tuple[str, ...], state: str, facts: Mapping[str, Any]) -> Clause:
    signatures = workflow.states[state].signatures
    if signatures is None:  # the state is not one that the transition leaves
        return Clause("signed", False, sentences.NOT_SIGNED, {"missing": ()})
    signed = fact(facts, "signatures")
    missing = tuple(
        workflow.roles[role].label
        for party, role in signatures.parties.items()
        if (not names or party in names) and signed.get(party) is not True
    )
    says = sentences.NOT_SIGNED if missing else sentences.SIGNED
    return Clause("signed", not missing, says, {"missing": missing})


def _review(workflow: Workflow, kind: str, name: str, facts: Mapping[str, Any]) -> Clause:
    review = workflow.reviews[name]
    counts = fact(facts, f"reviews.{name}")
    assigned, submitted, recused = counts["assigned"], counts["submitted"], counts["recused"]
    if kind == "assigned":
        values = {"assigned": assigned, "needed": review.count}
        return Clause("assigned", assigned - recused >= review.count, sentences.ASSIGNED, values)
    holds = review.is_quorum_met(assigned=assigned, submitted=submitted, recused=recused)
    needed = review.needed(assigned=assigned, recused=recused)
    values = {"submitted": submitted, "assigned": assigned - recused, "needed": needed}
    return Clause("quorum", holds, sentences.QUORUM, values)


def _overdue(workflow: Workflow, name: str, facts: Mapping[str, Any], situation: Situation) -> Clause:
    due = fact(facts, f"timers.{name}.due_at")
    label = workflow.timers[name].label
    if due is None:
        return Clause("overdue", False, sentences.NOT_RUNNING, {"timer": label})
    values = {"timer": label, "due": due.astimezone(workflow.zone)}
    return Clause("overdue", situation.now > due, sentences.NOT_OVERDUE, values)


def _if(workflow: Workflow, given: Transition, when: When, facts: Mapping[str, Any]) -> Clause:
    expression = when.expression
    assert expression is not None  # noqa: S101 - the loader gives every `if` its expression
    says = sentences.NOT_MET if when.says is None else when.says
    if "input" in expression.roots and (open_clause := _open(given, facts, says)) is not None:
        return open_clause
    try:
        values = expression.values(facts)
    except (KeyError, TypeError):
        for root in expression.roots:
            fact(facts, root)
        raise
    if unanswered := expression.unanswered(facts):
        labels = tuple(_label(workflow, path) for path in unanswered)
        return Clause("if", False, sentences.UNANSWERED, {"missing": labels})
    for path, value in values.items():
        if type(value) not in _SPOKEN_AS_IT_IS:
            values[path] = _spoken(workflow, path, value)
    for path in when.mentions:
        if path not in values:
            values[path] = _spoken(workflow, path, fact(facts, path)) if _is_loaded(facts, path) else None
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
    root, _, name = path.partition(".")
    for form in (workflow.forms if root == "self" else workflow.answer_forms).values():
        if name in form.fields:
            return form.fields[name].label
    return Text.same(path)


_SPOKEN_AS_IT_IS = frozenset((Money, int, bool, Decimal, date, type(None)))


def _spoken(workflow: Workflow, path: str, value: Any) -> Any:
    """A value as a sentence should say it: an option by its label, a country by its name, a moment in the zone."""
    if isinstance(value, datetime):
        return value.astimezone(workflow.zone)
    root, _, name = path.partition(".")
    if root not in ("application", "self") or not isinstance(value, str | tuple):
        return value
    if name == "country" and isinstance(value, str):
        return _country(workflow, value)
    forms = workflow.forms if root == "self" else workflow.answer_forms
    field_ = next((form.fields[name] for form in forms.values() if name in form.fields), None)
    if field_ is None:
        return value
    if field_.options:
        chosen = value if isinstance(value, tuple) else (value,)
        labels = tuple(option.label for option in field_.options if option.id in chosen)
        return labels if isinstance(value, tuple) else labels[0] if labels else value
    return _country(workflow, value) if field_.type == "country" and isinstance(value, str) else value


def _country(workflow: Workflow, code: str) -> Text:
    return Text({language: str(Locale.parse(language).territories.get(code, code)) for language in workflow.languages})
