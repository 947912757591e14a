"""A scenario as the text of a file, so that what was fitted or made by default can be read, changed and read again."""

from __future__ import annotations

import re
from typing import Any

import yaml

from fundflow.simulation.assumptions import Effort, Scenario, Sheets, Stay
from fundflow.simulation.distributions import Distribution, exact, plain

_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /_.-]*")
FLAT = 76
"""Settings that are shorter stand on one line."""


def written(scenario: Scenario) -> str:
    """The file. Reading it again for the same workflow gives the same scenario."""
    whole = _Whole(_plain(scenario))
    text: str = yaml.dump(
        whole, Dumper=_Writer, sort_keys=False, width=118, allow_unicode=True, default_flow_style=False
    )
    return text


def _plain(scenario: Scenario) -> dict[str, Any]:
    opening, arrivals = scenario.opening, scenario.arrivals
    round_: dict[str, Any] = {"opens": opening.opens.isoformat(), "closes": opening.closes.isoformat()}
    if opening.budget is not None:
        round_["budget"] = plain(opening.budget)
    if opening.amount.mean:
        round_["amount"] = opening.amount.written()
    came: dict[str, Any] = {"into": arrivals.into}
    if arrivals.count is not None:
        came["count"] = arrivals.count
    if arrivals.per_day is not None:
        came["per_day"] = plain(arrivals.per_day)
    if arrivals.rush is not None:
        came["rush"] = {"share": plain(arrivals.rush.share), "days": plain(arrivals.rush.days)}
    staff = {
        name: {"same_as": each.same_as} if each.same_as else {"people": each.people, "hours": plain(each.hours)}
        for name, each in scenario.staff.items()
    }
    parts = {
        "staff": staff,
        "states": {name: _stay(stay) for name, stay in scenario.states.items()},
        "reviews": {name: _sheets(sheets) for name, sheets in scenario.reviews.items()},
        "timers": {name: days.written() for name, days in scenario.timers.items()},
    }
    return {
        "format": "fundflow-scenario/1",
        "scenario": scenario.id,
        "workflow": scenario.workflow,
        **({"title": scenario.title} if scenario.title != scenario.id else {}),
        **({"note": scenario.note} if scenario.note else {}),
        "round": round_,
        "arrivals": came,
        "until": scenario.until.text,
        **{name: part for name, part in parts.items() if part},
    }


def _stay(stay: Stay) -> dict[str, Any]:
    shares = exact({name: way.share for name, way in stay.ways.items()})
    found: dict[str, Any] = {
        "ways": {name: {"share": shares[name], **_effort(way.effort)} for name, way in stay.ways.items()}
    }
    for name, efforts in (("tasks", stay.tasks), ("forms", stay.forms), ("signatures", stay.signatures)):
        if efforts:
            found[name] = {key: _effort(effort) for key, effort in efforts.items()}
    if stay.limit is not None:
        found["limit"] = stay.limit.text
    return found


def _effort(effort: Effort) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if effort.by is not None:
        found["by"] = effort.by
    for name, distribution in (("days", effort.days), ("hours", effort.hours)):
        if distribution is not None:
            found[name] = _distribution(distribution)
    if effort.before is not None:
        found["before"] = effort.before
    return found


def _distribution(distribution: Distribution) -> Any:
    return distribution.written()


def _sheets(sheets: Sheets) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, effort in (("choosing", sheets.choosing), ("sheet", sheets.sheet)):
        if not effort.is_nothing:
            found[name] = _effort(effort)
    found["conflict"] = plain(sheets.conflict)
    found["picks"] = sheets.picks
    found["waits_for"] = sheets.waits_for
    return found


class _Whole(dict[str, Any]):
    """The whole file, whose settings never stand on one line."""


class _Writer(yaml.SafeDumper):
    """Short groups of settings on one line, and texts in quotes where YAML could read them otherwise."""


def _group(writer: _Writer, value: dict[str, Any]) -> yaml.Node:
    is_flat = not isinstance(value, _Whole) and len(str(value)) <= FLAT
    return writer.represent_mapping("tag:yaml.org,2002:map", value, flow_style=is_flat)


def _list(writer: _Writer, value: list[Any]) -> yaml.Node:
    return writer.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


def _text(writer: _Writer, value: str) -> yaml.Node:
    style = None if _BARE.fullmatch(value) else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(dict, _group)
_Writer.add_representer(_Whole, _group)
_Writer.add_representer(list, _list)
_Writer.add_representer(str, _text)
