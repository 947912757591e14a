"""A scenario file into a scenario: everything that is wrong is told at once, each with its line and what to write.

Refuses names that the workflow does not have, shares that do not add up, work that nobody is there to do, and states
that applications would never leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fundflow.simulation import format, measures
from fundflow.simulation.assumptions import NO_MONEY, THREE_YEARS, Arrivals, Opening, Rush, Scenario, Sheets, Staff
from fundflow.simulation.distributions import Distribution
from fundflow.simulation.paths import check_paths
from fundflow.simulation.stays import stays, steps_effort
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem, Problems, did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source

MOST = 100_000
"""So many applications come to a round at most."""
DEEPEST = 5
"""So many scenarios may each be based on the next."""


def read(path: Path, workflow: Workflow) -> Scenario:
    """The scenario in this file, and in those beside it that it is based on. Problems with all that is wrong."""

    def text_of(name: str) -> str | None:
        file = path.parent / name
        if not file.is_file():
            return None
        try:
            return file.read_bytes().decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise Problems(
                [Problem(str(file), 1, 1, "FF001", f"this file is not UTF-8 text: {error.reason}")]
            ) from None

    return _load(path.name, workflow, text_of, lambda name: str(path.parent / name))


def load(
    text: str, workflow: Workflow, file: str = "scenario.yaml", others: Mapping[str, str] | None = None
) -> Scenario:
    """The scenario in a text; `others` are the texts it may be based on. Problems with all that is wrong."""
    texts = {**(others or {}), file: text}
    return _load(file, workflow, texts.get, lambda name: name)


def _load(main: str, workflow: Workflow, text_of: Callable[[str], str | None], shown: Callable[[str], str]) -> Scenario:
    source = _source(main, text_of, shown, ())
    found = _scenario(source, workflow)
    if source.problems or found is None:
        raise Problems(source.problems)
    return found


def _source(
    name: str, text_of: Callable[[str], str | None], shown: Callable[[str], str], above: tuple[str, ...]
) -> Source:
    """The values of a file, upon those of the one it is based on."""
    text = text_of(name)
    if text is None:
        raise Problems([Problem(shown(name), 1, 1, "FF016", "there is no such file")])
    source = read_source(shown(name), text)
    if source.data is None or source.problems:
        raise Problems(source.problems or [Problem(shown(name), 1, 1, "FF001", "this file is empty")])
    base = source.data.get("based_on") if isinstance(source.data, dict) else None
    if base is None:
        return source
    place = Place(source, ("based_on",), base)
    if not isinstance(base, str) or "/" in base or "\\" in base or text_of(base) is None:
        place.error("SC102", f"there is no scenario '{base}' beside this file")
        raise Problems(source.problems)
    if base in (*above, name) or len(above) >= DEEPEST:
        place.error("SC102", f"scenarios cannot be based on each other: {' → '.join((*above, name, base))}")
        raise Problems(source.problems)
    below = _source(base, text_of, shown, (*above, name))
    source.data = _upon(below.data, source.data, ())
    return source


def _upon(base: Any, own: Any, path: tuple[Any, ...]) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict) or (path and measures.replaced(path)):
        return own
    kept = {name: value for name, value in base.items() if not _stands_against(name, own)}
    return {**kept, **{name: _upon(kept.get(name), value, (*path, name)) for name, value in own.items()}}


def _stands_against(name: Any, own: Mapping[Any, Any]) -> bool:
    """What cannot stand beside a setting that the later file gives."""
    against = {"count": ("per_day",), "per_day": ("count",), "people": ("same_as",), "same_as": ("people", "hours")}
    return any(other in own for other in against.get(name, ()))


def _scenario(source: Source, workflow: Workflow) -> Scenario | None:
    top = Place(source, (), source.data).settings(format.Scenario, what="a scenario")
    if "format" in top:
        top["format"].one_of(("fundflow-scenario/1",))
    if "workflow" in top:
        top["workflow"].named([workflow.id], "workflow in the file it goes with", "SC101")
    name = top["scenario"].string() if "scenario" in top else None
    opening = _opening(top["round"]) if "round" in top else None
    arrivals = _arrivals(top["arrivals"], workflow) if "arrivals" in top else None
    staff = _staff(top, workflow)
    states = stays(top, workflow, staff)
    reviews = _reviews(top, workflow, staff)
    timers = _timers(top, workflow)
    until = (top["until"].duration() or THREE_YEARS) if "until" in top else THREE_YEARS
    if source.problems or opening is None or arrivals is None or name is None:
        return None
    if until.minutes or until.months > 240 or until.days > 7300 or until.working_days > 5200:
        top["until"].error("SC104", "a simulation looks at most 20 years ahead, in days, weeks, months or years")
    expected = (arrivals.per_day or 0.0) * ((opening.closes - opening.opens).days + 1)
    if expected > MOST:
        top["arrivals"].at("per_day").error("SC104", f"this brings {expected:,.0f} applications; at most {MOST:,} come")
    check_paths(top, workflow, arrivals.into, states, timers)
    return Scenario(
        id=name,
        title=_text(top, "title") or name,
        note=_text(top, "note"),
        workflow=workflow.id,
        opening=opening,
        arrivals=arrivals,
        staff=staff,
        states=states,
        reviews=reviews,
        timers=timers,
        until=until,
    )


def _text(top: Mapping[str, Place], name: str) -> str:
    return " ".join((top[name].string() or "").split()) if name in top else ""


def _opening(place: Place) -> Opening | None:
    found = place.settings(format.Round, what="'round'")
    opens = measures.day(found["opens"]) if "opens" in found else None
    closes = measures.day(found["closes"]) if "closes" in found else None
    budget = measures.number(found["budget"], 0, measures.LARGEST) if "budget" in found else None
    amount = measures.distribution(found["amount"], measures.LARGEST) if "amount" in found else NO_MONEY
    if opens is None or closes is None or amount is None:
        return None
    if closes < opens:
        found["closes"].error("SC105", f"the round closes on {closes}, before it opens on {opens}")
    if (closes - opens).days > 7300:
        found["closes"].error("SC105", "a round is open for 20 years at most")
    return Opening(opens=opens, closes=closes, budget=budget, amount=amount)


def _arrivals(place: Place, workflow: Workflow) -> Arrivals | None:
    found = place.settings(format.Arrivals, what="'arrivals'")
    into: str | None = workflow.initial
    if "into" in found:
        into = found["into"].named(workflow.states, "state", "SC102")
        if into is not None and workflow.states[into].is_final:
            found["into"].error("SC102", f"'{into}' is final, so nothing would happen")
    if ("count" in found) == ("per_day" in found):
        place.error("SC107", "say how many come: count: (exactly so many) or per_day: (on average)", key=True)
        return None
    count = found["count"].integer(0, MOST) if "count" in found else None
    per_day = measures.number(found["per_day"], 0, 10_000) if "per_day" in found else None
    rush = None
    if "rush" in found:
        inner = found["rush"].settings(format.Rush, what="'rush'")
        share = measures.share(inner["share"]) if "share" in inner else None
        days = measures.number(inner["days"], 0, measures.LONGEST, "days") if "days" in inner else None
        rush = Rush(share=share, days=days) if share is not None and days is not None else None
    if into is None or (count is None and per_day is None):
        return None
    return Arrivals(into=into, count=count, per_day=per_day, rush=rush)


def _staff(top: Mapping[str, Place], workflow: Workflow) -> dict[str, Staff]:
    found: dict[str, Staff] = {}
    places = top["staff"].entries("role") if "staff" in top else {}
    for name, place in places.items():
        if name not in workflow.roles:
            place.error("SC102", f"there is no role '{name}'{did_you_mean(name, workflow.roles)}", key=True)
            continue
        inner = place.settings(format.Staff, what=f"the staff of '{name}'")
        if "same_as" in inner:
            if len(inner) > 1:
                place.error("SC107", "same_as: says all; leave out people: and hours:", key=True)
            other = inner["same_as"].named(places, "role in staff", "SC102")
            if other is not None and (other == name or "same_as" in (places[other].value or {})):
                inner["same_as"].error("SC107", f"'{other}' has no people of its own")
            found[name] = Staff(same_as=other)
            continue
        if "people" not in inner:
            place.error("FF011", f"the staff of '{name}' needs 'people' (or same_as: another role)", key=True)
        people = inner["people"].integer(1, 10_000) if "people" in inner else None
        hours = measures.number(inner["hours"], 0.05, 24, "hours a day") if "hours" in inner else 6.0
        found[name] = Staff(people=people or 1, hours=hours or 6.0)
    return found


def _reviews(top: Mapping[str, Place], workflow: Workflow, staff: Mapping[str, Staff]) -> dict[str, Sheets]:
    found = {}
    for name, place in (top["reviews"].entries("review") if "reviews" in top else {}).items():
        if name not in workflow.reviews:
            place.error("SC102", f"there is no review '{name}'{did_you_mean(name, workflow.reviews)}", key=True)
            continue
        review = workflow.reviews[name]
        inner = place.settings(format.Review, what=f"the review '{name}'")
        given: dict[str, Any] = {}
        if "choosing" in inner:
            given["choosing"] = steps_effort(inner["choosing"], workflow, review.assigned_by, staff, review.state)
        if "sheet" in inner:
            given["sheet"] = steps_effort(inner["sheet"], workflow, frozenset({review.by}), staff, review.state)
        if "conflict" in inner:
            given["conflict"] = measures.share(inner["conflict"])
        for setting, options in (("picks", ("fewest", "random")), ("waits_for", ("quorum", "all"))):
            if setting in inner:
                given[setting] = inner[setting].one_of(options)
        if review.by not in staff:
            place.error("SC108", f"nobody is there to review: say in staff how many people '{review.by}' has", key=True)
        elif (most := staff[staff[review.by].same_as or review.by].people) < review.quorum:
            place.error("SC108", f"the quorum is {review.quorum}, but '{review.by}' has only {most} people", key=True)
        found[name] = Sheets(**{key: value for key, value in given.items() if value is not None})
    return found


def _timers(top: Mapping[str, Place], workflow: Workflow) -> dict[str, Distribution]:
    found = {}
    for name, place in (top["timers"].entries("timer") if "timers" in top else {}).items():
        if name not in workflow.timers_of():
            place.error("SC102", f"there is no timer '{name}'{did_you_mean(name, workflow.timers)}", key=True)
        elif workflow.timers[name].after is not None:
            place.error("SC107", f"the workflow itself says how long '{name}' runs", key=True)
        elif (days := measures.distribution(place, unit="days")) is not None:
            found[name] = days
    return found
