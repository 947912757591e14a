"""The event log as OCEL 2.0 in JSON: applications, their children and reviews, rounds and people as objects.

It is written as it is read, in two passes over the same moment: events first, then objects. A child that an effect made
or moved has an event of its own (``tranche.started``), which is about the child alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fundflow.lifecycle import audit, definitions
from fundflow.lifecycle.eventlog import Case, Entry, Move, cases, children
from fundflow.lifecycle.models import Application, Event
from fundflow.money import Money
from fundflow.workflow.definition import Workflow
from fundflow.workflow.net import net_of, net_of_child

PERSON, ROUND, APPLICATION, REVIEW = "person", "round", "application", "review"
OF_EVENTS = ("cause", "timer", "roles", "from", "to", "outcome", "ledger")
KEPT = frozenset({"integer", "decimal", "money", "date"})
"""The columns of a child that are told; what somebody wrote in words is not."""
MIGRATED = "migrated"


def lines(chosen: sa.ColumnElement[bool], *, role: str | None = None) -> Iterator[str]:
    """The log of the chosen applications, as it is made."""
    with audit.one_moment() as connection:
        workflows = _workflows(connection, chosen)
        yield "{\n"
        yield f'"objectTypes": {_plain(_object_types(workflows))},\n'
        yield f'"eventTypes": {_plain(_event_types(workflows))},\n'
        people: set[UUID] = set()
        yield '"events": ['
        yield from _listed(_events(connection, chosen, role, people))
        yield '],\n"objects": ['
        yield from _listed(_objects(connection, chosen, role, people))
        yield "]\n}\n"


def _listed(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    between = "\n"
    for item in items:
        yield between + _plain(item)
        between = ",\n"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _workflows(connection: Connection, chosen: sa.ColumnElement[bool]) -> list[Workflow]:
    """Every version of the rules by which something happened, in a steady order."""
    used = (
        sa.select(Event.definition_sha)
        .join(Application, Application.id == Event.application_id)
        .where(chosen)
        .union(sa.select(Application.definition_sha).where(chosen))
    )
    found = [definitions.get(sha) for (sha,) in connection.execute(used)]
    return sorted(found, key=lambda each: (each.id, each.version, each.sha256))


def _object_types(workflows: Iterable[Workflow]) -> list[dict[str, Any]]:
    fixed = {APPLICATION: ("workflow", "version", "state", "outcome"), REVIEW: ("name",), ROUND: (), PERSON: ()}
    kinds: dict[str, dict[str, None]] = {kind: dict.fromkeys(names) for kind, names in fixed.items()}
    for workflow in workflows:
        for child in workflow.children.values():
            columns = [name for name, kind in child.columns.items() if kind in KEPT]
            kinds.setdefault(child.id, {}).update(dict.fromkeys([*columns, "state"]))
    return [{"name": name, "attributes": _strings(attributes)} for name, attributes in kinds.items()]


def _event_types(workflows: Iterable[Workflow]) -> list[dict[str, Any]]:
    """Everything that can happen, whether or not it did: a log for one role must not tell by what is missing."""
    names: dict[str, None] = {}
    for workflow in workflows:
        nets = [net_of(workflow), *(net_of_child(child) for child in workflow.children.values())]
        names |= dict.fromkeys(step.label for net in nets for step in net.steps if not step.is_silent)
    names[MIGRATED] = None
    return [{"name": name, "attributes": _strings(OF_EVENTS)} for name in names]


def _strings(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"name": name, "type": "string"} for name in names]


def _events(
    connection: Connection, chosen: sa.ColumnElement[bool], role: str | None, people: set[UUID]
) -> Iterator[dict[str, Any]]:
    for case, entries in cases(connection, chosen, role):
        for entry in entries:
            people |= {person for person in (entry.actor, entry.acting_for) if person is not None}
            own = [move for move in entry.moves if move.activity == entry.activity]
            yield {
                "id": f"{case.number}-{entry.seq}",
                "type": entry.activity,
                "time": entry.when,
                "attributes": _attributes(entry),
                "relationships": [*_about(case, entry), *_about_children(case, own)],
            }
            for move in entry.moves:
                if move not in own:
                    yield {
                        "id": f"{case.number}-{entry.seq}-{move.kind}:{move.key}",
                        "type": move.activity,
                        "time": entry.when,
                        "attributes": [
                            {"name": "cause", "value": "automatic"},
                            {"name": "to", "value": move.target},
                        ],
                        "relationships": [*_about_children(case, [move])],
                    }


def _attributes(entry: Entry) -> list[dict[str, str]]:
    said = {
        "cause": entry.cause,
        "timer": entry.timer,
        "roles": " ".join(entry.roles) or None,
        "from": entry.source,
        "to": entry.target,
        "outcome": entry.outcome,
        "ledger": "; ".join(f"{what} {amount}" for what, amount in entry.money) or None,
    }
    return [{"name": name, "value": value} for name, value in said.items() if value is not None]


def _about(case: Case, entry: Entry) -> Iterator[dict[str, str]]:
    yield {"objectId": case.number, "qualifier": APPLICATION}
    if entry.source is None:
        yield {"objectId": f"{ROUND}:{case.round_id}", "qualifier": ROUND}
    if entry.actor is not None:
        yield {"objectId": f"{PERSON}:{entry.actor}", "qualifier": "actor"}
    if entry.acting_for is not None:
        yield {"objectId": f"{PERSON}:{entry.acting_for}", "qualifier": "acting for"}
    for review in entry.reviews:
        yield {"objectId": f"{case.number}/{review}", "qualifier": REVIEW}


def _about_children(case: Case, moves: Iterable[Move]) -> Iterator[dict[str, str]]:
    for move in moves:
        yield {"objectId": f"{case.number}/{move.kind}:{move.key}", "qualifier": move.kind}


def _objects(
    connection: Connection, chosen: sa.ColumnElement[bool], role: str | None, people: set[UUID]
) -> Iterator[dict[str, Any]]:
    rounds: dict[UUID, None] = {}
    rows = children(connection, chosen)
    waiting = next(rows, None)
    for case, entries in cases(connection, chosen, role):
        own: list[Any] = []
        if waiting is not None and waiting[0] == case.id:
            own, waiting = list(waiting[1]), next(rows, None)
        rounds[case.round_id] = None
        yield from _of_case(case, entries, own)
    for round_id in rounds:
        yield {"id": f"{ROUND}:{round_id}", "type": ROUND, "attributes": [], "relationships": []}
    for person in sorted(people):
        yield {"id": f"{PERSON}:{person}", "type": PERSON, "attributes": [], "relationships": []}


def _of_case(case: Case, entries: Iterable[Entry], rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The application, its children and its reviews, with what changed of them and when."""
    attributes: list[dict[str, str]] = []
    moved: dict[tuple[str, str], list[dict[str, str]]] = {}
    reviews: dict[str, None] = {}
    stands, began = None, ""
    for entry in entries:
        began = began or entry.when
        if entry.target != stands and entry.target is not None:
            attributes.append(_at(entry.when, "state", entry.target))
            stands = entry.target
        if entry.outcome is not None:
            attributes.append(_at(entry.when, "outcome", entry.outcome))
        for move in entry.moves:
            moved.setdefault((move.kind, move.key), []).append(_at(entry.when, "state", move.target))
        reviews |= dict.fromkeys(entry.reviews)
    fixed = {"workflow": case.workflow.id, "version": str(case.workflow.version)}
    yield {
        "id": case.number,
        "type": APPLICATION,
        "attributes": [*(_at(began, name, value) for name, value in fixed.items()), *attributes],
        "relationships": [{"objectId": f"{ROUND}:{case.round_id}", "qualifier": "applies to"}],
    }
    fields = {(row.kind, row.key): row for row in rows}
    for (kind, key), states in moved.items():
        row = fields.get((kind, key))
        known = _fields(case.workflow, row) if row is not None else {}
        yield {
            "id": f"{case.number}/{kind}:{key}",
            "type": kind,
            "attributes": [*(_at(states[0]["time"], name, value) for name, value in known.items()), *states],
            "relationships": [{"objectId": case.number, "qualifier": "belongs to"}],
        }
    for review in reviews:
        yield {
            "id": f"{case.number}/{review}",
            "type": REVIEW,
            "attributes": [_at(began, "name", review)],
            "relationships": [{"objectId": case.number, "qualifier": "belongs to"}],
        }


def _fields(workflow: Workflow, row: Any) -> dict[str, str]:
    columns = workflow.children[row.kind].columns if row.kind in workflow.children else {}
    found = {}
    for name, kind in columns.items():
        value = row.fields.get(name)
        if kind in KEPT and value is not None:
            found[name] = str(Money(value["minor"], value["currency"])) if kind == "money" else str(value)
    return found


def _at(time: str, name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "time": time}
