"""Where in a file things stand that a change may be about: its steps, timers and states, who may, who is written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fundflow.workflow.mutants.tree import Path, at, items, names


def another(name: str, known: list[str]) -> str | None:
    """Another one, the same every time: that after it, or the first."""
    if name not in known or len(known) < 2:
        return None
    return known[(known.index(name) + 1) % len(known)]


def steps(data: Any) -> Iterator[Path]:
    """Every transition, also of children."""
    for name in names(data, ("transitions",)):
        yield ("transitions", name)
    for kind in names(data, ("children",)):
        for name in names(data, ("children", kind, "transitions")):
            yield ("children", kind, "transitions", name)


def timers(data: Any) -> Iterator[Path]:
    for name in names(data, ("timers",)):
        yield ("timers", name)


def states(data: Any) -> Iterator[Path]:
    for name in names(data, ("states",)):
        yield ("states", name)


def deciders(data: Any) -> Iterator[Path]:
    """Every place that says who may."""
    for path in steps(data):
        by = at(data, (*path, "by"))
        if isinstance(by, dict):
            for state in by:
                yield (*path, "by", state)
        elif by is not None:
            yield (*path, "by")
    for state in states(data):
        for task in names(data, (*state, "tasks")):
            yield (*state, "tasks", task, "by")
    for review in names(data, ("reviews",)):
        yield ("reviews", review, "assign", "by")
        yield ("reviews", review, "discussed_by")
    for role in names(data, ("roles",)):
        yield ("roles", role, "assigned_by")


def recipients(data: Any) -> Iterator[Path]:
    for path in steps(data):
        for inner, effect in items(data, (*path, "do")):
            if isinstance(effect, dict) and "notify" in effect:
                yield (*inner, "to")
    for timer in timers(data):
        yield (*timer, "to")
        yield (*timer, "if_blocked")
        yield (*timer, "escalate", "to")


def messages(data: Any) -> Iterator[Path]:
    for path in steps(data):
        for inner, effect in items(data, (*path, "do")):
            for kind in ("notify", "document"):
                if isinstance(effect, dict) and kind in effect:
                    yield (*inner, kind)
    for timer in timers(data):
        for setting in (("remind_with",), ("overdue_with",), ("escalate", "with")):
            if at(data, (*timer, *setting)) is not None:
                yield (*timer, *setting)


def roles(data: Any) -> Iterator[Path]:
    for name in names(data, ("roles",)):
        yield ("roles", name)


def reviews(data: Any) -> Iterator[Path]:
    for name in names(data, ("reviews",)):
        yield ("reviews", name)


def expressions(data: Any) -> Iterator[Path]:
    for rule in names(data, ("rules",)):
        yield ("rules", rule, "if")
    for path in steps(data):
        for inner, clause in items(data, (*path, "when")):
            if isinstance(clause, dict) and "if" in clause:
                yield (*inner, "if")
