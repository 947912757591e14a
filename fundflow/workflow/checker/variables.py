"""The facts of a question as variables of Z3, and their values in what it finds, as our evaluator reads them.

Amounts are whole smallest units, days and moments are counted, texts are numbered: equal ones have the same number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from fundflow.money import Money
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions.nodes import Node, write
from fundflow.workflow.expressions.types import Type

try:
    import z3
except ImportError:  # the extra `prove` is not installed
    z3 = None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = Context(prec=60)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as moments are counted here."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


EARLIEST, LATEST = micros(datetime.min.replace(tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Term:
    """A value as Z3 sees it: whether it is null, and what it is if not."""

    value: Any
    kind: str
    null: Any = None

    @property
    def is_null(self) -> Any:
        return z3.BoolVal(False) if self.null is None else self.null


@dataclass
class Variables:
    """What expressions over the same facts share: a variable for each fact, whose `types` say which may be null.

    `bounds` must hold besides; `is_exact` says that nothing was left free.
    """

    currency: str
    types: Mapping[str, Type]
    bounds: list[Any] = field(default_factory=list)
    is_exact: bool = True
    facts: dict[str, Term] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)
    fresh: int = 0

    def fact(self, path: str) -> Term:
        """The variable of a fact; one for each path, with its own null where it may be null."""
        if path not in self.facts:
            kind = self.types[path]
            null = z3.Bool(f"{path} is null") if kind.nullable else None
            self.facts[path] = Term(self._variable(path, kind), kind.kind, null)
        return self.facts[path]

    def _variable(self, name: str, kind: Type) -> Any:
        match kind.kind:
            case "bool":
                return z3.Bool(name)
            case "decimal":
                return z3.Real(name)
            case "string":
                found = z3.Int(name)
                if kind.options:
                    self.bounds.append(z3.Or([found == self.text(option) for option in kind.options]))
                return found
            case "date":
                found = z3.Int(name)
                self.bounds += [found >= date.min.toordinal(), found <= date.max.toordinal()]
                return found
            case "instant":
                found = z3.Int(name)
                self.bounds += [found >= EARLIEST, found <= LATEST]
                return found
        return z3.Int(name)

    def text(self, written: str) -> int:
        """Texts are numbers; equal ones the same."""
        return self.texts.setdefault(written, len(self.texts))

    def loose(self, node: Node, kind: Type, facts: Any = "") -> Any:
        """Something left free: the same term is the same value, and nothing else is known of it."""
        self.is_exact = False
        key = f"{kind.kind}: {write(node)}{facts}"
        if key not in self.free:
            self.free[key] = self._variable(key, Type(kind.kind))
        return self.free[key]

    def another(self, sort: Any) -> Any:
        """A variable that nothing else names."""
        self.fresh += 1
        return sort(f"free {self.fresh}")

    def is_value(self, path: str, value: Any) -> Any:
        """That a fact is this value; true where nothing speaks of it, and of what lies within a record that is null."""
        term = self.facts.get(path)
        if term is None or (value is None and term.null is None):
            return z3.BoolVal(True)
        if value is None:
            return term.is_null
        if isinstance(value, tuple | dict):
            return z3.Not(term.is_null)
        return z3.And(z3.Not(term.is_null), term.value == self.literal(value).value)

    def literal(self, value: Any) -> Term:
        match value:
            case bool():
                return Term(z3.BoolVal(value), "bool")
            case int():
                return Term(z3.IntVal(value), "int")
            case Decimal():
                return Term(z3.RealVal(format(value, "f")), "decimal")
            case str():
                return Term(z3.IntVal(self.text(value)), "string")
            case Money():
                return Term(z3.IntVal(value.minor), "money")
            case datetime():
                return Term(z3.IntVal(micros(value)), "instant")
            case date():
                return Term(z3.IntVal(value.toordinal()), "date")
            case Duration():
                length = timedelta(days=value.days, minutes=value.minutes)
                return Term(z3.IntVal(length // timedelta(microseconds=1)), "duration")
        raise NotImplementedError(str(value))

    def values(self, model: Any) -> dict[str, Any]:
        """The facts of a model, by path, as our evaluator reads them."""
        return {path: self.read(model, term, self.types[path]) for path, term in self.facts.items()}

    def read(self, model: Any, term: Term, kind: Type) -> Any:
        """The value of a term in a model, as our evaluator has it."""
        if term.null is not None and z3.is_true(model.eval(term.null, model_completion=True)):
            return None
        found = model.eval(term.value, model_completion=True)
        match kind.kind:
            case "bool":
                return z3.is_true(found)
            case "int":
                return found.as_long()
            case "decimal":
                return _decimal(found)
            case "money":
                return Money(found.as_long(), self.currency)
            case "date":
                return date.fromordinal(min(max(found.as_long(), 1), date.max.toordinal()))
            case "instant":
                return _EPOCH + timedelta(microseconds=found.as_long())
            case "duration":
                return timedelta(microseconds=found.as_long())
            case "string":
                number = found.as_long()
                known = {each: text for text, each in self.texts.items()}
                return known.get(number, f"other {number}")
        return {} if kind.kind == "record" else ()


def _decimal(found: Any) -> Decimal:
    """A rational of the model; one without end loses what is beyond fifty digits, and the evaluator has the say."""
    if z3.is_algebraic_value(found):
        found = found.approx(50)
    over, under = found.as_fraction().as_integer_ratio()
    return _EXACT.divide(Decimal(over), Decimal(under))
