"""What an expression is when only some facts are known: a value, or UNKNOWN where it depends on the others.

Only what states say is ever known here (``parent.state``, the states of children), so most conditions are unknown,
which counts as possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fundflow.workflow.expressions.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    Items,
    Member,
    Name,
    Node,
    Unary,
)


class Unknown:
    """A value that depends on facts nobody gave."""


UNKNOWN: Final = Unknown()


def partly(node: Node, facts: Mapping[str, Any]) -> Any:
    """The value of a node over facts of which any may be missing."""
    match node:
        case Constant(value=value):
            return value
        case Name(name=name):
            return facts.get(name, UNKNOWN)
        case Member(of=of, name=name):
            inside = partly(of, facts)
            return inside.get(name, UNKNOWN) if isinstance(inside, Mapping) else UNKNOWN
        case Unary(sign="!", operand=operand):
            inner = partly(operand, facts)
            return UNKNOWN if inner is UNKNOWN else not inner
        case Binary(sign="&&", left=left, right=right):
            return _all(partly(left, facts), partly(right, facts))
        case Binary(sign="||", left=left, right=right):
            return _any(partly(left, facts), partly(right, facts))
        case Binary(sign="==" | "!=" as sign, left=left, right=right):
            one, other = partly(left, facts), partly(right, facts)
            if UNKNOWN in (one, other):
                return UNKNOWN
            return (one == other) is (sign == "==")
        case Binary(sign="in", left=left, right=Items(items=items)):
            one = partly(left, facts)
            found: Any = False
            for item in items:
                other = partly(item, facts)
                found = _any(found, UNKNOWN if UNKNOWN in (one, other) else one == other)
            return found
        case Choice(test=test, yes=yes, no=no):
            which = partly(test, facts)
            return UNKNOWN if which is UNKNOWN else partly(yes if which else no, facts)
        case Call(of=of, name="all" | "exists" as name, arguments=(Name(name=item), body)) if of is not None:
            over = partly(of, facts)
            if not isinstance(over, tuple):
                return UNKNOWN
            every: Any = name == "all"
            for one in over:
                inner = partly(body, {**facts, item: one})
                every = _all(every, inner) if name == "all" else _any(every, inner)
            return every
    return UNKNOWN


def _all(one: Any, other: Any) -> Any:
    if one is False or other is False:
        return False
    return UNKNOWN if UNKNOWN in (one, other) else True


def _any(one: Any, other: Any) -> Any:
    if one is True or other is True:
        return True
    return UNKNOWN if UNKNOWN in (one, other) else False
