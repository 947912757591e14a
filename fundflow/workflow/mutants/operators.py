"""The mechanical changes that are tried on a workflow file: each takes away, weakens, swaps or moves one thing.

They know the format and nothing of what a workflow means, so nobody chooses which changes are easy to notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fundflow.workflow.mutants import words
from fundflow.workflow.mutants.places import (
    another,
    deciders,
    expressions,
    messages,
    recipients,
    reviews,
    roles,
    states,
    steps,
    timers,
)
from fundflow.workflow.mutants.tree import GONE, Path, at, items, names


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `operator` says of which kind, `path` where, `value` what stands there instead (GONE for nothing)."""

    operator: str
    path: Path
    value: Any


Change = tuple[Path, Any]
Operator = Callable[[Any], Iterator[Change]]


def mutants(data: Any) -> Iterator[Mutant]:
    """Every change of the file with these values."""
    for name, operator in OPERATORS.items():
        for path, value in operator(data):
            yield Mutant(name, path, value)


def _dropped(*places: str) -> Operator:
    """Without one of the named things under a part of the file."""

    def operator(data: Any) -> Iterator[Change]:
        for name in names(data, places):
            yield (*places, name), GONE

    return operator


def _without(setting: str, of: Callable[[Any], Iterator[Path]]) -> Operator:
    """Without a setting, wherever it stands."""

    def operator(data: Any) -> Iterator[Change]:
        for path in of(data):
            if at(data, (*path, setting)) is not None:
                yield (*path, setting), GONE

    return operator


def _drop_child_part(data: Any) -> Iterator[Change]:
    for kind in names(data, ("children",)):
        for part in ("states", "transitions", "fields"):
            for name in names(data, ("children", kind, part)):
                yield ("children", kind, part, name), GONE
        for path, _ in items(data, ("children", kind, "ledger")):
            yield path, GONE


def _drop_clause(data: Any) -> Iterator[Change]:
    for path in steps(data):
        for inner, _ in items(data, (*path, "when")):
            yield inner, GONE


def _drop_effect(data: Any) -> Iterator[Change]:
    for path in steps(data):
        for inner, _ in items(data, (*path, "do")):
            yield inner, GONE


def _drop_cell(setting: str) -> Operator:
    """Without one form (or review, or kind of child) that a role may see or change in a state."""

    def operator(data: Any) -> Iterator[Change]:
        for state in states(data):
            for role in names(data, (*state, setting)):
                for path, _ in items(data, (*state, setting, role)):
                    yield path, GONE

    return operator


def _show_more(data: Any) -> Iterator[Change]:
    """One form more than a role may see in a state."""
    forms = names(data, ("forms",))
    for state in states(data):
        for role in names(data, (*state, "view")):
            path = (*state, "view", role)
            given = [each for _, each in items(data, path)]
            missing = next((form for form in forms if form not in given), None)
            if missing is not None:
                yield path, [*given, missing]


def _let_edit(data: Any) -> Iterator[Change]:
    """A role may change a form that it could only read."""
    for state in states(data):
        if at(data, (*state, "final")) is not None or at(data, (*state, "edit")) is None:
            continue
        for role in names(data, (*state, "view")):
            form = next((each for _, each in items(data, (*state, "view", role)) if each in data["forms"]), None)
            edits = at(data, (*state, "edit"))
            if form is not None and role not in edits:
                yield (*state, "edit"), {**edits, role: [form]}


def _retarget(data: Any) -> Iterator[Change]:
    for path in steps(data):
        known = names(data, (*path[:-2], "states"))
        for inner in ((*path, "to"), *((*path, "back_to", name) for name in names(data, (*path, "back_to")))):
            other = another(str(at(data, inner)), known)
            if other is not None:
                yield inner, other


def _other_end(data: Any) -> Iterator[Change]:
    known = names(data, ("outcomes",))
    for path in steps(data):
        other = another(str(at(data, (*path, "end"))), known)
        if other is not None:
            yield (*path, "end"), other


def _drop_source(data: Any) -> Iterator[Change]:
    for path in steps(data):
        if isinstance(at(data, (*path, "from")), list):
            for inner, _ in items(data, (*path, "from")):
                yield inner, GONE


def _swap_role(data: Any) -> Iterator[Change]:
    known = names(data, ("roles",))
    for place in deciders(data):
        for path, role in items(data, place):
            other = another(str(role), known)
            if other is not None:
                yield path, other


def _fewer_roles(data: Any) -> Iterator[Change]:
    for place in deciders(data):
        if isinstance(at(data, place), list) and len(at(data, place)) > 1:
            for path, _ in items(data, place):
                yield path, GONE


def _signatories(data: Any) -> Iterator[Change]:
    known = names(data, ("roles",))
    for state in states(data):
        for party in names(data, (*state, "signatures", "parties")):
            yield (*state, "signatures", "parties", party), GONE
            other = another(str(at(data, (*state, "signatures", "parties", party))), known)
            if other is not None:
                yield (*state, "signatures", "parties", party), other
        if at(data, (*state, "signatures", "order")) == "given":
            yield (*state, "signatures", "order"), "any"


def _wrong_recipient(data: Any) -> Iterator[Change]:
    known = names(data, ("roles",))
    for place in recipients(data):
        for path, role in items(data, place):
            other = another(str(role), known)
            if other is not None:
                yield path, other


def _fewer_recipients(data: Any) -> Iterator[Change]:
    for place in recipients(data):
        if isinstance(at(data, place), list) and len(at(data, place)) > 1:
            for path, _ in items(data, place):
                yield path, GONE


def _wrong_message(data: Any) -> Iterator[Change]:
    for path in messages(data):
        is_paper = path[-1] == "document"
        known = sorted({str(at(data, each)) for each in messages(data) if (each[-1] == "document") == is_paper})
        other = another(str(at(data, path)), known)
        if other is not None:
            yield path, other


_OTHER_BOOKING = {"reserve": "commit", "commit": "reserve", "release": "close", "pay": "release", "close": GONE}


def _other_booking(data: Any) -> Iterator[Change]:
    for path in steps(data):
        for inner, effect in items(data, (*path, "do")):
            if isinstance(effect, dict) and _OTHER_BOOKING.get(str(effect.get("ledger")), GONE) is not GONE:
                yield (*inner, "ledger"), _OTHER_BOOKING[str(effect["ledger"])]


def _drop_item(setting: str, of: Callable[[Any], Iterator[Path]]) -> Operator:
    def operator(data: Any) -> Iterator[Change]:
        for path in of(data):
            for inner, _ in items(data, (*path, setting)):
                yield inner, GONE

    return operator


def _drop_reminder(data: Any) -> Iterator[Change]:
    for timer in timers(data):
        if isinstance(at(data, (*timer, "remind")), list):
            for path, _ in items(data, (*timer, "remind")):
                yield path, GONE


def _drop_masks(data: Any) -> Iterator[Change]:
    for state in states(data):
        for role in names(data, (*state, "shown_as")):
            yield (*state, "shown_as", role), GONE


def _drop_tasks(data: Any) -> Iterator[Change]:
    for state in states(data):
        for task in names(data, (*state, "tasks")):
            yield (*state, "tasks", task), GONE
            for value in names(data, (*state, "tasks", task, "values")):
                yield (*state, "tasks", task, "values", value), GONE
    for path in steps(data):
        for inner, clause in items(data, (*path, "when")):
            for kind in ("tasks", "signed"):
                if isinstance(clause, dict) and isinstance(clause.get(kind), list) and len(clause[kind]) > 1:
                    for item, _ in items(data, (*inner, kind)):
                        yield item, GONE


def _drop_inputs(data: Any) -> Iterator[Change]:
    for path in steps(data):
        for name in names(data, (*path, "input")):
            yield (*path, "input", name), GONE


def _weaker_quorum(data: Any) -> Iterator[Change]:
    for review in reviews(data):
        quorum = at(data, (*review, "quorum"))
        if isinstance(quorum, int):
            yield (*review, "quorum"), quorum - 1
        for name in ("count", "share"):
            value = at(data, (*review, "quorum", name))
            if isinstance(value, int):
                yield (*review, "quorum", name), value - 1
            elif value is not None:
                yield (*review, "quorum", name), GONE


def _numbers(data: Any) -> Iterator[Change]:
    """One more than a whole number that the file sets."""
    for path in steps(data):
        if isinstance(at(data, (*path, "max")), int):
            yield (*path, "max"), at(data, (*path, "max")) + 1
    for review in reviews(data):
        for setting in (("assign", "count"), ("assign", "reserve"), ("quorum",), ("quorum", "count")):
            value = at(data, (*review, *setting))
            if isinstance(value, int):
                yield (*review, *setting), value + 1
        for name in names(data, (*review, "score", "weights")):
            yield (*review, "score", "weights", name), at(data, (*review, "score", "weights", name)) + 1
    for kind in names(data, ("children",)):
        if isinstance(at(data, ("children", kind, "max")), int):
            yield ("children", kind, "max"), at(data, ("children", kind, "max")) - 1


_AGGREGATES = ["mean", "median", "trimmed_mean", "min"]


def _other_figure(data: Any) -> Iterator[Change]:
    for review in reviews(data):
        other = another(str(at(data, (*review, "score", "aggregate"))), _AGGREGATES)
        if other is not None:
            yield (*review, "score", "aggregate"), other


def _finals(data: Any) -> Iterator[Change]:
    for state in states(data):
        if at(data, (*state, "final")) is not None:
            yield (*state, "final"), GONE
    for kind in names(data, ("children",)):
        for name in names(data, ("children", kind, "states")):
            if at(data, ("children", kind, "states", name, "final")) is not None:
                yield ("children", kind, "states", name, "final"), GONE


def _lengths(data: Any) -> Iterator[Change]:
    """Another length of time than the file gives."""
    places: list[Path] = [("reviews", name, "due") for name in names(data, ("reviews",))]
    for timer in timers(data):
        places += [(*timer, name) for name in ("after", "grace", "repeat")]
        places += [path for path, _ in items(data, (*timer, "remind"))]
        places.append((*timer, "escalate", "after"))
    for place in places:
        value = at(data, place)
        if isinstance(value, str) and (longer := words.longer(value)) is not None:
            yield place, longer


def _conditions(change: Callable[[str], Iterator[str]]) -> Operator:
    def operator(data: Any) -> Iterator[Change]:
        for path in expressions(data):
            text = at(data, path)
            if isinstance(text, str):
                for other in change(text):
                    yield path, other

    return operator


def _aims(data: Any) -> Iterator[Change]:
    """A timer, an amount or a value that looks at another answer of its kind."""
    for timer in timers(data):
        text = at(data, (*timer, "at"))
        if isinstance(text, str):
            for other in words.other_dates(text):
                yield (*timer, "at"), other


OPERATORS: dict[str, Operator] = {
    "drop state": _dropped("states"),
    "drop transition": _dropped("transitions"),
    "drop role": _dropped("roles"),
    "drop form": _dropped("forms"),
    "drop rule": _dropped("rules"),
    "drop outcome": _dropped("outcomes"),
    "drop timer": _dropped("timers"),
    "drop part of a child": _drop_child_part,
    "drop condition": _drop_clause,
    "drop effect": _drop_effect,
    "drop view cell": _drop_cell("view"),
    "drop edit cell": _drop_cell("edit"),
    "show one form more": _show_more,
    "let another edit": _let_edit,
    "lead elsewhere": _retarget,
    "end otherwise": _other_end,
    "drop source": _drop_source,
    "swap role": _swap_role,
    "drop one of the roles": _fewer_roles,
    "change signatures": _signatories,
    "wrong recipient": _wrong_recipient,
    "drop recipient": _fewer_recipients,
    "wrong message or document": _wrong_message,
    "book otherwise": _other_booking,
    "drop not_same_actor_as": _drop_item("not_same_actor_as", steps),
    "drop never_also": _drop_item("never_also", roles),
    "drop conflict": _drop_item("conflicts", reviews),
    "drop reminder": _drop_reminder,
    "drop grace": _without("grace", timers),
    "drop end_of_day": _without("end_of_day", timers),
    "drop then": _without("then", timers),
    "drop late notice": _without("overdue_with", timers),
    "drop repeat": _without("repeat", timers),
    "drop escalation": _without("escalate", timers),
    "drop if_blocked": _without("if_blocked", timers),
    "drop sla": _without("sla", timers),
    "drop shown_as": _drop_masks,
    "drop task": _drop_tasks,
    "drop input": _drop_inputs,
    "drop reason": _without("reason", steps),
    "drop deadline": _without("deadline", steps),
    "drop max": _without("max", steps),
    "drop auto": _without("auto", steps),
    "drop discussion": _without("discussed_by", reviews),
    "weaken quorum": _weaker_quorum,
    "change number": _numbers,
    "aggregate otherwise": _other_figure,
    "drop final": _finals,
    "change length of time": _lengths,
    "change comparison": _conditions(words.other_comparisons),
    "change number in condition": _conditions(words.other_numbers),
    "change length in condition": _conditions(words.other_lengths),
    "change logic": _conditions(words.other_logic),
    "aim at another date": _aims,
}
"""The changes by name, in the order in which they are tried."""
