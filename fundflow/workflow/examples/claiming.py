"""What an example says to be so, out of its file: where the application stands, who sees and may do what, what is sent.

Refuses claims about names that the workflow does not have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fundflow.workflow import environment, format
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import values
from fundflow.workflow.examples.statement import Claim, Sent, Shown
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place

ACCOUNTS = ("available", "reserved", "committed", "ordered", "paid")
FIGURES = (*environment.REVIEW.fields, "owed", "due")
_SENT = re.compile(r"([a-z][a-z0-9_]*) to ([a-z][a-z0-9_]*)( on (\S+))?")


def claims(given: Mapping[str, Place], workflow: Workflow, people: Collection[str]) -> Iterator[Claim]:
    """Every claim of `then`, `sends`, `makes`, `sees`, `can` and `holds`."""
    if "then" in given:
        yield from _standing(given["then"], workflow)
    if "sends" in given:
        sent = [_sent(each, workflow) for each in values.texts(given["sends"])]
        yield Claim("sends", tuple(each for each in sent if each), _line(given["sends"]))
    if "makes" in given:
        made = [each.string() for each in values.texts(given["makes"])]
        yield Claim("makes", tuple(each for each in made if each), _line(given["makes"]))
    if "sees" in given:
        for name, place in _of_people(given["sees"], {*people, *workflow.roles}):
            yield Claim(f"sees.{name}", _shown(place, workflow), _line(place))
    if "can" in given:
        for name, place in _of_people(given["can"], people):
            can = [each.named(workflow.transitions, "transition", "FF234") for each in values.texts(place)]
            yield Claim(f"can.{name}", frozenset(each for each in can if each), _line(place))
    if "holds" in given:
        for name, place in _of_people(given["holds"], people):
            held = [each.named(workflow.roles, "role", "FF130") for each in values.texts(place)]
            yield Claim(f"holds.{name}", frozenset(each for each in held if each), _line(place))


def _line(place: Place) -> int:
    return place.source.place(place.path, key=True)[0]


def _of_people(place: Place, people: Collection[str]) -> Iterator[tuple[str, Place]]:
    for name, inner in _entries(place):
        if name in people:
            yield name, inner
        else:
            inner.error("FF232", f"nobody here is called '{name}'{did_you_mean(name, people)}", key=True)


def _entries(place: Place) -> list[tuple[str, Place]]:
    if not isinstance(place.value, dict):
        place.settings((), what=str(place.path[-1]))
        return []
    return [(str(name), place.at(name)) for name in place.value]


def _sent(place: Place, workflow: Workflow) -> Sent | None:
    text = place.string()
    if text is None:
        return None
    found = _SENT.fullmatch(text)
    if found is None:
        place.error("FF242", f"'{text}' should be MESSAGE to ROLE, or MESSAGE to ROLE on 2027-03-01")
        return None
    if found[2] not in workflow.roles:
        close = did_you_mean(found[2], workflow.roles)
        place.error("FF130", f"there is no role '{found[2]}'{close}", offset=found.start(2))
        return None
    on = found[4] or ""
    if on and not (values.DAY.fullmatch(on) or values.MINUTE.fullmatch(on)):
        place.error("FF238", f"'{on}' is not a moment; write 2027-03-01, or 2027-03-01T17:00", offset=found.start(4))
        return None
    return Sent(found[1], found[2], on)


def _shown(place: Place, workflow: Workflow) -> Shown:
    known = [*workflow.forms, *workflow.reviews, *workflow.children]

    def forms(inner: Place) -> frozenset[str]:
        given = [each.named(known, "form", "FF140") for each in values.texts(inner)]
        return frozenset(name for name in given if name)

    if not isinstance(place.value, dict):
        return Shown(reads=forms(place), writes=frozenset())
    settings = place.settings(format.Sight, what=str(place.path[-1]))
    return Shown(
        state=settings["state"].named(workflow.states, "state", "FF101") if "state" in settings else None,
        reads=forms(settings["reads"]) if "reads" in settings else None,
        writes=forms(settings["writes"]) if "writes" in settings else None,
    )


def _standing(place: Place, workflow: Workflow) -> Iterator[Claim]:
    settings = place.settings(format.Standing, what="then")
    if "state" in settings and (state := settings["state"].named(workflow.states, "state", "FF101")):
        yield Claim("state", state, _line(settings["state"]))
    if "outcome" in settings:
        outcome = settings["outcome"].named([*workflow.outcomes, values.NONE], "outcome", "FF107")
        yield Claim("outcome", None if outcome == values.NONE else outcome, _line(settings["outcome"]))
    if "revision" in settings and (revision := values.count(settings["revision"])) is not None:
        yield Claim("revision", revision, _line(settings["revision"]))
    if "signed" in settings:
        parties = {party for s in workflow.states.values() if s.signatures for party in s.signatures.parties}
        given = [each.named(parties, "party", "FF127") for each in values.texts(settings["signed"])]
        yield Claim("signed", frozenset(each for each in given if each), _line(settings["signed"]))
    if "timers" in settings:
        due = {}
        for name, inner in _entries(settings["timers"]):
            timer, _, key = name.partition(" ")
            if timer not in workflow.timers:
                inner.error("FF155", f"there is no timer '{timer}'{did_you_mean(timer, workflow.timers)}", key=True)
            elif bool(workflow.timers[timer].child) != bool(key):
                which = f"say of which {workflow.timers[timer].child}: {timer} 1" if not key else f"write {timer}"
                inner.error("FF155", f"'{name}' is no timer: {which}", key=True)
            else:
                due[name] = values.wall(inner)
        yield Claim("timers", due, _line(settings["timers"]))
    for name, inner in _known(settings.get("ledger"), ACCOUNTS, "account", "FF245"):
        if (money := values.amount(inner, workflow.currency)) is not None:
            yield Claim(f"ledger.{name}", money, _line(inner))
    for name, inner in _known(settings.get("tasks"), workflow.tasks, "task", "FF126"):
        options = [*(workflow.tasks[name].values or ("done",)), "open"]
        if value := inner.named(options, f"result of '{name}'", "FF237"):
            yield Claim(f"tasks.{name}", value, _line(inner))
    for kind, inner in _known(settings.get("children"), workflow.children, "kind of child", "FF192"):
        for key, one in _entries(inner):
            if state := one.named(workflow.children[kind].states, f"state of {kind}", "FF101"):
                yield Claim(f"children.{kind}.{key}", state, _line(one))
    for name, inner in _known(settings.get("reviews"), workflow.reviews, "review", "FF165"):
        for fact, one in _known(inner, FIGURES, f"figure of '{name}'", "FF245"):
            yield Claim(f"reviews.{name}.{fact}", _figure(one, fact), _line(one))
    yield from _answers(settings.get("application"), workflow)


def _known(
    place: Place | None, known: Collection[str] | Mapping[str, Any], what: str, code: str
) -> Iterator[tuple[str, Place]]:
    for name, inner in _entries(place) if place is not None else []:
        if name in known:
            yield name, inner
        else:
            inner.error(code, f"there is no {what} '{name}'{did_you_mean(name, known)}", key=True)


def _figure(place: Place, fact: str) -> Any:
    if fact == "due":
        return None if place.value == values.NONE else values.wall(place)
    if fact == "owed":
        return values.count(place)
    match environment.REVIEW.fields[fact].solid().kind:
        case "bool":
            return place.flag()
        case "int":
            return values.count(place)
        case _:
            return None if place.value == values.NONE else place.decimal()


def _answers(place: Place | None, workflow: Workflow) -> Iterator[Claim]:
    fields = {name: each for form in workflow.answer_forms.values() for name, each in form.fields.items()}
    for name, inner in _known(place, [*fields, "officer"], "answer", "FF236"):
        if name == "officer":
            who = inner.string()
            yield Claim("application.officer", None if who == values.NONE else who, _line(inner))
        else:
            typed = values.claimed(inner, fields[name], workflow.currency)
            yield Claim(f"application.{name}", typed, _line(inner))
