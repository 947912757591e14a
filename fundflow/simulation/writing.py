"""A scenario as the text of a file, so that what was fitted or made by default can be read, changed and read again."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from fundflow.simulation.assumptions import Effort, Scenario, Sheets, Stay
from fundflow.simulation.distributions import Distribution, exact, plain

_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /_.-]*")
FLAT = 76
"""Settings that are shorter stand on one line."""


def written(scenario: Scenario) -> str:
    """The file. Reading it again for the same workflow gives the same scenario."""
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 118, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_styled(_plain(scenario), top=True), out)
    return out.getvalue()


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


def _styled(value: Any, *, top: bool = False) -> Any:
    """Short groups of settings on one line, and texts in quotes where YAML could read them otherwise."""
    if isinstance(value, dict):
        found = CommentedMap((key, _styled(each)) for key, each in value.items())
        if not top and len(str(value)) <= FLAT:
            found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        items = CommentedSeq(_styled(each) for each in value)
        items.fa.set_flow_style()
        return items
    if isinstance(value, str) and not _BARE.fullmatch(value):
        return DoubleQuotedScalarString(value)
    return value
