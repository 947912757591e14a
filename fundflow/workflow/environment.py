"""What expressions of one workflow may read, with types: made from its forms, reviews, timers and inputs.

Nothing is readable that is not declared here, so a fact nobody provides is found when the file is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fundflow.workflow.definition import Input, Task
from fundflow.workflow.expressions import (
    BOOL,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    MONEY,
    STRING,
    WRONG,
    Type,
    list_of,
    record,
)
from fundflow.workflow.expressions.check import expected
from fundflow.workflow.forms import Field, Form

APPLICATION = {
    "id": STRING,
    "number": STRING,
    "state": STRING,
    "outcome": STRING.or_null(),
    "currency": STRING,
    "city": STRING,
    "country": STRING,
    "submitted_at": INSTANT.or_null(),
    "officer": STRING.or_null(),
}
"""What every application has beside its answers; `country` is the city's, `officer` the person in charge of it.

No field may take one of these names.
"""

ROUND = record(
    {
        "title": STRING,
        "floor": MONEY,
        "cap": MONEY,
        "budget": MONEY,
        "opens_at": INSTANT,
        "closes_at": INSTANT,
        "zone": STRING,
        "countries": list_of(STRING, 250),
    }
)
LEDGER = record(
    dict.fromkeys("available reserved committed ordered paid disbursed undisbursed unordered".split(), MONEY)
)
REVIEW = record(
    {
        "assigned": INT,
        "submitted": INT,
        "recused": INT,
        "quorum_met": BOOL,
        "score": DECIMAL.or_null(),
        "spread": DECIMAL.or_null(),
        "discussed": BOOL,
    }
)
BANK = record(
    {
        "status": Type("string", options=("none", "entered", "verified", "cooling_off", "frozen")),
        "usable": BOOL,
        "waits_until": INSTANT.or_null(),
    }
)
SCREENING = record({"days": INT.or_null(), "fresh": BOOL, "hit": BOOL})
TIMER = record({"due_at": INSTANT.or_null()})
_INPUTS = {"text": STRING, "date": DATE, "money": MONEY, "integer": INT, "decimal": DECIMAL}


def answer_type(field: Field) -> Type:
    """The type of a field's answer: lists are empty rather than null, and what is not required may be null."""
    options = tuple(option.id for option in field.options)
    match field.type:
        case "choices":
            return list_of(Type("string", options=options), len(options))
        case "file":
            return list_of(STRING, field.max_files)
        case "table":
            columns = {name: answer_type(column) for name, column in field.columns.items()}
            return list_of(record(columns), field.max_rows)
        case "number" | "score":
            kind = DECIMAL
        case "money":
            kind = MONEY
        case "date":
            kind = DATE
        case _:
            kind = Type("string", options=options)
    if field.required:
        return Type(kind.kind, is_answer=True, options=kind.options)
    return kind.or_null()


def task_type(task: Task) -> Type:
    """Done or not; or which of its values it came to, null until then."""
    return Type("string", nullable=True, options=tuple(task.values)) if task.values else BOOL


def facts(
    forms: Iterable[Form],
    reviews: Iterable[str],
    timers: Iterable[str],
    roles: Iterable[str],
    tasks: Iterable[Task] = (),
    children: Mapping[str, Type] | None = None,
) -> dict[str, Type]:
    """The environment of every transition of the application, but for its input."""
    answers = {field.id: answer_type(field) for form in forms for field in form.fields.values()}
    return {
        "application": record({**answers, **APPLICATION}),
        "round": ROUND,
        "ledger": LEDGER,
        "bank": BANK,
        "screening": SCREENING,
        "reviews": record(dict.fromkeys(reviews, REVIEW)),
        "timers": record(dict.fromkeys(timers, TIMER)),
        "tasks": record({task.id: task_type(task) for task in tasks}),
        "children": record(children or {}),
        "now": INSTANT,
        "today": DATE,
        "actor": record({"id": STRING.or_null(), "roles": list_of(Type("string", options=tuple(roles)), 50)}),
    }


def own_answers(forms: Iterable[Form], *, surely: bool) -> dict[str, Type]:
    """The answers of a child's own forms. Only `surely` is a required one never null once its form is complete.

    Of the children in a list, each may stand anywhere, so that any of their answers may be missing.
    """
    found = {}
    for form in forms:
        for section in form.sections:
            for field in section.fields:
                kind = answer_type(field)
                is_sure = kind.kind == "list" or (surely and not section.when and not field.when)
                found[field.id] = kind if is_sure else kind.or_null()
    return found


def of_child(
    environment: Mapping[str, Type],
    kind: str,
    states: Iterable[str],
    forms: Iterable[Form] = (),
    timers: Iterable[str] = (),
) -> dict[str, Type]:
    """The environment of a child's transitions: also itself, the others of its kind, and the application's state."""
    listed = environment["children"].fields[kind]
    one = WRONG
    if listed.item is not None:
        one = record({**listed.item.fields, **own_answers(forms, surely=True)})
    return {
        **environment,
        "timers": record({**environment["timers"].fields, **dict.fromkeys(timers, TIMER)}),
        "self": one,
        "siblings": listed,
        "parent": record({"state": Type("string", options=tuple(states))}),
    }


def misfit(wanted: Type, given: Type) -> str | None:
    """Why a value cannot become an answer; None where it can. A table takes over the columns that both have."""
    message = expected(wanted, given)
    if message is not None or wanted.item is None or given.item is None:
        return message
    if wanted.item.kind != "record" or given.item.kind != "record":
        return expected(wanted.item.solid(), given.item.solid())
    shared = [name for name in wanted.item.fields if name in given.item.fields]
    if not shared:
        return "the two tables have no column in common"
    both = ((name, wanted.item.fields[name].solid(), given.item.fields[name].solid()) for name in shared)
    return next((f"the column {name}: {why}" for name, one, other in both if (why := expected(one, other))), None)


def of_plan(environment: Mapping[str, Type]) -> dict[str, Type]:
    """What a form may be filled from, and a schedule made from: facts that nobody has to lock anything for."""
    known = ("application", "round", "children", "self", "siblings", "parent", "now", "today")
    return {name: environment[name] for name in known if name in environment}


def with_input(environment: Mapping[str, Type], asked: Mapping[str, Input]) -> dict[str, Type]:
    """The environment of one transition. What is asked must be given, so it is never null."""
    return {**environment, "input": record({name: _INPUTS[one.type] for name, one in asked.items()})}


def moments(environment: Mapping[str, Type]) -> dict[str, Type]:
    """What the moment of a timer may depend on: facts that are there when it is armed."""
    return {name: environment[name] for name in ("application", "round", "self") if name in environment}
