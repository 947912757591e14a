"""The conditions of a transition from one state, each as an expression over facts, so that they can be reasoned about.

What the file says without an expression (a form must be complete, a quorum met, tasks done) becomes one here. What is
true of facts in a state by nature stands beside them: amounts are not negative, a round's floor is below its cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from fundflow.workflow import environment
from fundflow.workflow.definition import Duration, Transition, When, Workflow
from fundflow.workflow.expressions import (
    BOOL,
    INSTANT,
    INT,
    Expression,
    Type,
    WrongExpression,
    compile_expression,
    record,
)
from fundflow.workflow.expressions.nodes import write
from fundflow.workflow.forms import Field


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition and its place. `is_written` is true of those that the file gives as an expression."""

    expression: Expression
    at: str
    is_written: bool = False

    @property
    def key(self) -> str:
        """The same for two conditions that say the same."""
        return write(self.expression.node)


def conditions(workflow: Workflow, given: Transition, source: str) -> list[Condition]:
    """Everything that must hold for this transition from this state, but for who may do it, in the file's order."""
    at = place_of(workflow, given)
    found: list[Condition] = []
    for number, when in enumerate(given.when):
        where = f"{at}.when.{number}"
        if when.kind == "if" and when.expression is not None:
            found.append(Condition(when.expression, where, is_written=True))
        elif (text := _of_when(workflow, when, source)) is not None:
            found.append(Condition(_compiled(workflow, *text), where))
    if given.deadline is not None:
        grace = workflow.timers[given.deadline].grace
        due = f"timers.{given.deadline}.due_at"
        last = due if grace is None or not _can_be_written(grace) else f'{due} + duration("{grace}")'
        text = f"{due} != null && now <= {last}", _timers(given.deadline)
        found.append(Condition(_compiled(workflow, *text), f"{at}.deadline"))
    return found


def place_of(workflow: Workflow, given: Transition) -> str:
    """The dotted path of a transition in the file."""
    kind, dot, name = given.id.partition(".")
    return f"children.{kind}.transitions.{name}" if dot else f"transitions.{kind}"


def _can_be_written(length: Duration) -> bool:
    return Duration.parse(str(length), working=False) is not None


def _timers(name: str) -> dict[str, Type]:
    return {"timers": record({name: environment.TIMER}), "now": INSTANT}


def _of_when(workflow: Workflow, when: When, source: str) -> tuple[str, dict[str, Type]] | None:
    """An item of `when` as the text of an expression and what that reads; None where it says nothing."""
    name = when.name
    match when.kind:
        case "complete":
            return f"forms.{name}.complete", {"forms": record({name: record({"complete": BOOL})})}
        case "overdue":
            return f"timers.{name}.due_at != null && now > timers.{name}.due_at", _timers(name)
        case "tasks":
            tasks = {each: environment.task_type(workflow.tasks[each]) for each in when.names}
            parts = [f"tasks.{each} != null" if kind.nullable else f"tasks.{each}" for each, kind in tasks.items()]
            return " && ".join(parts), {"tasks": record(tasks)}
        case "signed":
            signatures = workflow.states[source].signatures if source in workflow.states else None
            parties = when.names or tuple(signatures.parties if signatures else ())
            if not parties:
                return None
            text = " && ".join(f"signatures.{party}" for party in parties)
            return text, {"signatures": record(dict.fromkeys(parties, BOOL))}
        case _:
            return _of_review(workflow, when), {"reviews": record({name: environment.REVIEW})}


def _of_review(workflow: Workflow, when: When) -> str:
    review, counts = workflow.reviews[when.name], f"reviews.{when.name}"
    if when.kind == "assigned":
        return f"{counts}.assigned - {counts}.recused >= {review.count}"
    enough = f"{counts}.submitted >= {review.quorum}"
    if review.share is None:
        return enough
    return f"{enough} && {counts}.submitted >= ({counts}.assigned - {counts}.recused) * {review.share:f}"


def _compiled(workflow: Workflow, text: str, types: Mapping[str, Type]) -> Expression:
    return _compile(text, _Types(types), workflow.currency)


@dataclass(frozen=True)
class _Types:
    """Types that a cache can go by: whoever has the same text here has the same types too."""

    types: Mapping[str, Type]

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.types)))


@lru_cache(maxsize=2_000)
def _compile(text: str, types: _Types, currency: str) -> Expression:
    return compile_expression(text, types.types, currency)


def natural(workflow: Workflow) -> list[Expression]:
    """What is true of facts in every state, whatever anybody does. A draft's answers are bound by nothing yet."""
    zero = 'money("0")'
    found = [
        _compiled(workflow, f"ledger.{name} >= {zero}", {"ledger": environment.LEDGER})
        for name in environment.LEDGER.fields
    ]
    for text in (f"round.floor >= {zero}", "round.floor <= round.cap", "round.cap <= round.budget"):
        found.append(_compiled(workflow, text, {"round": environment.ROUND}))
    for name, review in workflow.reviews.items():
        counts = {"reviews": record({name: environment.REVIEW})}
        for text in (
            f"reviews.{name}.assigned >= 0",
            f"reviews.{name}.recused >= 0",
            f"reviews.{name}.submitted >= 0",
            f"reviews.{name}.recused <= reviews.{name}.assigned",
            f"reviews.{name}.submitted <= reviews.{name}.assigned",
            f"reviews.{name}.score == null || reviews.{name}.score >= 0 && reviews.{name}.score <= {review.scale}",
            f"reviews.{name}.spread == null || reviews.{name}.spread >= 0 && reviews.{name}.spread <= {review.scale}",
        ):
            found.append(_compiled(workflow, text, counts))
    for form in workflow.answer_forms.values():
        for field in form.fields.values():
            found += _complete(workflow, form.id, field)
    return found


def _complete(workflow: Workflow, form: str, field: Field) -> Iterator[Expression]:
    """What an answer is once its form is complete."""
    kind = environment.answer_type(field)
    if kind.kind not in ("decimal", "money"):
        if kind.is_answer:
            yield from _once_complete(workflow, form, field, f"application.{field.id} != null", kind)
        return
    lowest = Decimal(0) if field.min is None and kind.kind == "money" else field.min
    for sign, bound in ((">=", lowest), ("<=", field.max)):
        if bound is not None:
            limit = f'money("{bound:f}")' if kind.kind == "money" else f"{bound:f}"
            within = f"application.{field.id} {sign} {limit}"
            there = f"application.{field.id} != null && " if kind.is_answer else f"application.{field.id} == null || "
            yield from _once_complete(workflow, form, field, f"{there}{within}", kind)


def _once_complete(workflow: Workflow, form: str, field: Field, text: str, kind: Type) -> Iterator[Expression]:
    types = {
        "forms": record({form: record({"complete": BOOL})}),
        "application": record({field.id: kind.or_null()}),
    }
    try:
        yield _compiled(workflow, f"!forms.{form}.complete || ({text})", types)
    except WrongExpression:  # a bound that the currency or an expression cannot write says nothing
        return


def standing(workflow: Workflow, source: str, root: str = "application") -> Expression:
    """That the application (or ``parent``, or ``self``) is in this state."""
    types = {root: record({"state": Type("string")})}
    return _compiled(workflow, f"{root}.state == '{source}'", types)


def used_up(workflow: Workflow, given: Transition) -> Expression | None:
    """That a transition which may be taken only so often can still be taken."""
    if given.max is None:
        return None
    name = given.id.replace(".", "_")
    return _compiled(workflow, f"fired.{name} < {given.max}", {"fired": record({name: INT})})
