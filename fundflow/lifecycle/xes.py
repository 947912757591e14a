"""The event log as XES (IEEE 1849-2016): a trace for each application, or for each child of one kind.

Of the standard's extensions it uses concept, time, organizational and lifecycle. It is written as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import sqlalchemy as sa

from fundflow.lifecycle import audit
from fundflow.lifecycle.eventlog import Case, Entry, Move, cases

EXTENSIONS = (("Concept", "concept"), ("Time", "time"), ("Organizational", "org"), ("Lifecycle", "lifecycle"))
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    + "".join(
        f'  <extension name="{name}" prefix="{prefix}" uri="http://www.xes-standard.org/{prefix}.xesext"/>\n'
        for name, prefix in EXTENSIONS
    )
    + '  <global scope="trace">\n    <string key="concept:name" value="?"/>\n  </global>\n'
    '  <global scope="event">\n    <string key="concept:name" value="?"/>\n'
    '    <string key="lifecycle:transition" value="complete"/>\n    <string key="org:resource" value="?"/>\n'
    '    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>\n  </global>\n'
    '  <classifier name="Activity" keys="concept:name"/>\n'
)


def lines(chosen: sa.ColumnElement[bool], *, of: str | None = None, role: str | None = None) -> Iterator[str]:
    """The log of the chosen applications, or of their children of the kind `of`, as it is made."""
    with audit.one_moment() as connection:
        yield HEAD
        for case, entries in cases(connection, chosen, role):
            if of is None:
                yield from _trace(case, entries)
            else:
                yield from _children(case, entries, of)
        yield "</log>\n"


def _trace(case: Case, entries: Iterator[Entry]) -> Iterator[str]:
    yield "  <trace>\n"
    yield _text("concept:name", case.number, 4)
    yield from _of_case(case)
    if case.outcome is not None:
        yield _text("outcome", case.outcome, 4)
    for entry in entries:
        yield _event(entry, entry.activity, {"from": entry.source, "to": entry.target, "outcome": entry.outcome})
    yield "  </trace>\n"


def _of_case(case: Case) -> Iterator[str]:
    yield _text("workflow", case.workflow.id, 4)
    yield f'    <int key="version" value="{case.workflow.version}"/>\n'
    yield _text("round", str(case.round_id), 4)


def _children(case: Case, entries: Iterator[Entry], kind: str) -> Iterator[str]:
    """The traces of one application's children: held until the application ends, for their events lie between."""
    found: dict[str, list[tuple[Entry, Move]]] = {}
    for entry in entries:
        for move in entry.moves:
            if move.kind == kind:
                found.setdefault(move.key, []).append((entry, move))
    for key, moves in found.items():
        yield "  <trace>\n"
        yield _text("concept:name", f"{case.number}/{kind}:{key}", 4)
        yield from _of_case(case)
        for entry, move in moves:
            yield _event(entry, move.activity, {"from": move.source, "to": move.target})
        yield "  </trace>\n"


def _event(entry: Entry, activity: str, places: dict[str, str | None]) -> str:
    parts = ["    <event>\n", _text("concept:name", activity), _text("lifecycle:transition", "complete")]
    parts.append(f'      <date key="time:timestamp" value="{entry.when}"/>\n')
    parts.append(_text("org:resource", entry.resource))
    if entry.roles:
        parts.append(_text("org:role", " ".join(entry.roles)))
    parts.append(f'      <int key="seq" value="{entry.seq}"/>\n')
    more = {
        "cause": entry.cause,
        "timer": entry.timer,
        "acting_for": None if entry.acting_for is None else str(entry.acting_for),
        "subject": entry.subject,
        **places,
        **{f"ledger_{what}": str(amount) for what, amount in entry.money},
    }
    parts += [_text(key, value) for key, value in more.items() if value is not None]
    return "".join([*parts, "    </event>\n"])


def _text(key: str, value: str, indent: int = 6) -> str:
    return f"{' ' * indent}<string key={quoteattr(key)} value={quoteattr(value)}/>\n"
