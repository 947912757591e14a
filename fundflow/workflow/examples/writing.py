"""An example as the text of a workflow file: what is read from it again is the same example.

Every text stands in double quotes where another tool could take it for something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples.statement import Claim, Example, Given, Sent, Shown, Step
from fundflow.workflow.examples.values import written
from fundflow.workflow.forms import Field

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_TWO_MEANINGS = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?")


def text(examples: Iterable[Example], workflow: Workflow) -> str:
    """A file of examples of the workflow."""
    return "examples:\n" + "\n".join(one(example, workflow, "  ") for example in examples)


def one(example: Example, workflow: Workflow, indent: str = "") -> str:
    """One example under its name; moments are told on the workflow's clock."""
    zone = workflow.zone
    lines = [f"{indent}{_scalar(example.name)}:"]
    inner = f"{indent}  "
    if example.continues is not None:
        lines.append(f"{inner}continues: {_scalar(example.continues)}")
    given = _given(example.given, zone)
    if given:
        lines.append(f"{inner}given: {_flow(given)}")
    if example.steps:
        lines.append(f"{inner}steps:")
        lines += [f"{inner}  - {_flow(_step(step, workflow))}" for step in example.steps]
    return "\n".join(lines) + "\n"


def _given(given: Given, zone: Any) -> dict[str, Any]:
    terms = {
        name: _moment(value, zone) if isinstance(value, datetime) else written(value)
        for name in ("title", "floor", "cap", "budget", "taken", "opens_at", "closes_at", "zone")
        if (value := getattr(given, name)) is not None
    }
    if given.countries is not None:
        terms["countries"] = list(given.countries)
    city = {name: value for name, value in (("name", given.city), ("country", given.country)) if value is not None}
    people = {
        person.name: {"is": list(person.roles), "conflicts": sorted(person.conflicts)}
        if person.conflicts
        else list(person.roles)
        for person in given.people
    }
    found: dict[str, Any] = {}
    if given.now is not None:
        found["now"] = _moment(given.now, zone)
    for name, part in (("round", terms), ("city", city), ("people", people)):
        if part:
            found[name] = part
    return found


def _step(step: Step, workflow: Workflow) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if step.verb is not None:
        found[step.who] = step.phrase
    if step.at is not None:
        found["at"] = _moment(step.at, workflow.zone)
    if step.after is not None:
        found["after"] = str(step.after)
    if step.is_asleep:
        found["asleep"] = True
    if step.answers:
        fields = workflow.forms[step.subject].fields
        found["with"] = {name: _answer(value, fields[name]) for name, value in step.answers.items()}
    for name, value in (("without", step.without), ("people", step.people), ("reserve", step.reserve)):
        if value:
            found[name] = list(value)
    if step.input:
        given = {name: value for name, value in step.input.items() if value is not None}
        found["input"] = {name: _Text(v) if isinstance(v, str) else written(v) for name, v in given.items()}
    if step.reason is not None:
        found["reason"] = _Text(step.reason)
    if step.scores is not None:
        each = step.scores
        found["scores"] = {k: Decimal(v) for k, v in each.items()} if isinstance(each, Mapping) else Decimal(each)
    if step.refused:
        found["refused"] = list(step.refused)
    return {**found, **_claims(step.claims)}


class _Text(str):
    """A text that people wrote: always in quotes."""

    __slots__ = ()


def _answer(value: Any, field: Field) -> Any:
    """An answer as it is kept, the way an example writes it."""
    match field.type:
        case "file":
            return len(value)
        case "table":
            return [{name: _answer(each, field.columns[name]) for name, each in row.items()} for row in value]
        case "number" | "score":
            return Decimal(value)
        case "short_text" | "long_text" | "email":
            return _Text(value)
        case _:
            return written(value)


def _claims(claims: Sequence[Claim]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for claim in claims:
        path = claim.path.split(".", 2)
        match path[0]:
            case "sends":
                found["sends"] = [str(each) for each in claim.value]
            case "makes":
                found["makes"] = list(claim.value)
            case "sees":
                found.setdefault("sees", {})[path[1]] = _shown(claim.value)
            case "can" | "holds":
                found.setdefault(path[0], {})[path[1]] = sorted(claim.value)
            case _:
                inner = found.setdefault("then", {})
                for name in path[:-1]:
                    inner = inner.setdefault(name, {})
                inner[path[-1]] = sorted(claim.value) if path[0] == "signed" else written(claim.value)
    return found


def _shown(shown: Shown) -> dict[str, Any]:
    found: dict[str, Any] = {} if shown.state is None else {"state": shown.state}
    for name in ("reads", "writes"):
        forms = getattr(shown, name)
        if forms is not None:
            found[name] = sorted(forms)
    return found


def _moment(moment: datetime, zone: Any) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_scalar(str(name))}: {_flow(each)}" for name, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case Sent():
            return _scalar(str(value))
        case _:
            return _scalar(value if isinstance(value, str) else str(value))


def _scalar(value: str) -> str:
    """A text without quotes where nobody can misread it, else in double quotes."""
    is_plain = _PLAIN.fullmatch(value) is not None or _MOMENT.fullmatch(value) is not None
    if is_plain and not isinstance(value, _Text) and not _TWO_MEANINGS.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
