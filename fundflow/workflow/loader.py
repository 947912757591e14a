"""Files into a workflow: everything that is wrong is reported at once, each with file, line and column.

A file that loads has no unknown name, no untyped expression and nothing this version would pass over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fundflow.workflow import (
    acceptance_files,
    child_files,
    example_files,
    form_files,
    format,
    review_files,
    state_files,
    timer_files,
    transition_files,
    workflow_files,
)
from fundflow.workflow.definition import SYSTEM, Child, State, Timer, Transition, Workflow
from fundflow.workflow.names import Names
from fundflow.workflow.problems import Problem, Problems, did_you_mean, listed
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source
from fundflow.workflow.text import Text, from_id

__all__ = ["Problem", "Problems", "digest", "load", "read"]


def load(
    files: Mapping[str, str], main: str, known_templates: Collection[str] | None = None, *, examples: bool = False
) -> Workflow:
    """The workflow whose main file is `files[main]`; Problems with all that is wrong in it and its forms.

    `known_templates` are the mails and documents that exist, where the caller knows them; an unknown one is a problem.
    With `examples` those in a file of their own are read too.
    """
    if main not in files:
        raise Problems([Problem(main, 1, 1, "FF016", "there is no such file")])
    return _load(files.get, main, known_templates, examples)


def read(path: Path, known_templates: Collection[str] | None = None, *, examples: bool = False) -> Workflow:
    """The workflow in this file and the forms beside it; problems name the files by `path`'s own folder.

    With `examples` those in a file of their own are read too.
    """

    def text_of(name: str) -> str | None:
        file = path.parent / name
        if not file.is_file():
            return None
        try:
            return file.read_bytes().decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise Problems([Problem(name, 1, 1, "FF001", f"this file is not UTF-8 text: {error.reason}")]) from None

    if not path.is_file():
        raise Problems([Problem(str(path), 1, 1, "FF016", "there is no such file")])
    try:
        return _load(text_of, path.name, known_templates, examples)
    except Problems as problems:
        raise Problems(replace(p, file=str(path.parent / p.file)) for p in problems.problems) from None


def digest(files: Mapping[str, str], templates: Mapping[str, str] | None = None) -> str:
    """The SHA-256 of the canonical JSON of ``{path: text}``; with templates, of ``{"files": …, "templates": …}``."""
    whole = {"files": dict(files), "templates": dict(templates)} if templates else dict(files)
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _load(
    text_of: Callable[[str], str | None], main: str, known_templates: Collection[str] | None, with_examples: bool
) -> Workflow:
    text = text_of(main)
    if text is None:
        raise Problems([Problem(main, 1, 1, "FF016", "there is no such file")])
    source = read_source(main, text)
    if source.data is None:
        raise Problems(source.problems or [Problem(main, 1, 1, "FF001", "this file is empty")])
    if (too_many := _beyond(source)) is not None:
        raise Problems([*source.problems, too_many])
    names = Names(source, text_of, main, known_templates)
    names.texts[main] = text
    workflow = built(names)
    told = example_files.of(source, workflow, text_of, with_examples)
    problems = [*source.problems, *(p for form in names.form_sources for p in form.problems), *told.problems]
    if not problems:
        problems = [
            *misshapen(source, format.Workflow),
            *(p for f in names.form_sources for p in misshapen(f, format.Form)),
        ]
    if problems:
        raise Problems(problems)
    return replace(
        workflow,
        examples=told.examples,
        examples_file=told.file,
        sha256=digest(names.texts),
        places=_places(names),
    )


MOST = {"states": 400, "transitions": 800, "arrows": 3_000, "forms": 60}
"""Beyond these nothing is read, so that whatever looks at a workflow ends in time; funds have a twentieth of it."""


def _beyond(source: Source) -> Problem | None:
    """That the file has more states, transitions, arrows (each from one state) or forms than are read at all."""
    data = source.data if isinstance(source.data, dict) else {}
    found = {part: given for part in ("states", "transitions", "forms") if isinstance(given := data.get(part), dict)}
    counts = {part: len(given) for part, given in found.items()}
    steps = [each.get("from") for each in found.get("transitions", {}).values() if isinstance(each, dict)]
    counts["arrows"] = sum(len(each) if isinstance(each, list) else 1 for each in steps)
    for part, count in counts.items():
        if count > MOST[part]:
            line, column = source.place((part if part in found else "transitions",))
            return Problem(
                source.file, line, column, "FF002", f"there are {count:,} {part}; {MOST[part]:,} are the most"
            )
    return None


def built(names: Names) -> Workflow:
    """The workflow as far as its file can be read; what cannot is reported in the sources of `names`."""
    given = _build(names, workflow_files.top_of(names.source))
    return Workflow(
        **given,
        languages=names.languages,
        currency=names.currency,
        roles=names.roles,
        forms=names.forms,
        reviews=names.reviews,
        main=names.main,
        files=names.texts,
        sha256="",
    )


def misshapen(source: Source, part: type[format.Part]) -> list[Problem]:
    """What the published shape of the file refuses and no sentence of ours has said: nothing may pass it by."""
    try:
        part.model_validate(source.data)
    except ValidationError as error:
        for each in error.errors():
            path: tuple[str | int, ...] = ()
            for step in each["loc"]:
                if (*path, step) in source.values:
                    path = (*path, step)
            source.add("FF012", f"{path[-1] if path else 'this file'}: {each['msg']}", source.place(path))
    return source.problems


def _build(names: Names, top: dict[str, Place]) -> dict[str, Any]:
    head = workflow_files.head(names, top)
    names.states = _names_in(top, "states")
    names.transitions = _names_in(top, "transitions")
    names.children = _names_in(top, "children")
    for kind in names.children:
        one = {kind: top["children"].at(kind)}
        names.child_steps[kind] = _names_in(one, kind, "transitions")
        names.child_states[kind] = _names_in(one, kind, "states")
    names.child_timers = child_files.own_timers(top, names.children)
    of_children = {name for timers in names.child_timers.values() for name in timers}
    names.timers = tuple(name for name in _names_in(top, "timers") if name not in of_children)
    names.own_forms = child_files.own_forms(top)
    names.parties = _parties(top)
    workflow_files.roles(names, top)
    workflow_files.forms(names, top)
    review_files.reviews(names, top)
    _panels(names, top)
    state_files.tasks(names, top)
    child_files.columns(names, top)
    form_files.conditions(names, top)
    workflow_files.typed(names, top)
    form_files.first_answers(names, top)
    names.outcomes = transition_files.outcomes(names, top)
    transition_files.rules(names, top)
    phases = state_files.phases(names, top)
    states = state_files.states(names, top)
    timers = timer_files.timers(names, top)
    transitions = transition_files.transitions(names, top)
    children = child_files.children(names, top)
    _fit(transitions, children, timers, top)
    _collected(names, states, transitions, top)
    ends = {t.end: names.outcomes.get(t.end) or from_id(t.end) for t in transitions.values() if t.end}
    if "states" in top and not states:
        top["states"].error("FF011", "a workflow needs at least one state")
    return {
        "id": head["id"],
        "version": head["version"],
        "title": head["title"] or Text({"en": head["id"] or "?"}),
        "timezone": head["timezone"],
        "states": states,
        "transitions": transitions,
        "timers": timers,
        "initial": next(iter(states), ""),
        "outcomes": ends,
        "children": children,
        "phases": phases,
        "calendar": head["calendar"],
        "migrations": workflow_files.migrations(names, top),
        "accepted": acceptance_files.accepted(top),
    }


def _names_in(top: Mapping[str, Place], part: str, inner: str = "") -> tuple[str, ...]:
    value = top[part].value if part in top else None
    if inner:
        value = value.get(inner) if isinstance(value, dict) else None
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, dict) else ()


def _parties(top: dict[str, Place]) -> tuple[str, ...]:
    """Everyone who signs somewhere, as far as the file can be read."""
    states = top["states"].value if "states" in top else None
    found: dict[str, None] = {}
    for state in states.values() if isinstance(states, dict) else ():
        signatures = state.get("signatures") if isinstance(state, dict) else None
        parties = signatures.get("parties") if isinstance(signatures, dict) else None
        found.update(dict.fromkeys(map(str, parties if isinstance(parties, dict) else ())))
    return tuple(found)


def _collected(
    names: Names, states: Mapping[str, State], transitions: Mapping[str, Transition], top: dict[str, Place]
) -> None:
    """A transition that waits for signatures leaves a state where they are given."""
    for name, transition in transitions.items():
        for number, when in enumerate(transition.when):
            if when.kind != "signed":
                continue
            for source in transition.sources:
                signed = states[source].signatures if source in states else None
                place = top["transitions"].at(name).at("when").at(number)
                if signed is None:
                    place.error("FF184", f"nobody signs anything in '{source}'; give it signatures:")
                elif absent := [party for party in when.names if party not in signed.parties]:
                    place.error("FF127", f"{listed(absent)} does not sign in '{source}'")


def _panels(names: Names, top: dict[str, Place]) -> None:
    """A role that is a panel names a review."""
    for name, role in names.roles.items():
        if role.kind == "panel" and role.review is not None and role.review not in names.reviews:
            close = did_you_mean(role.review, names.reviews)
            top["roles"].at(name).at("review").error("FF165", f"there is no review '{role.review}'{close}")


def _fit(
    transitions: Mapping[str, Transition],
    children: Mapping[str, Child],
    timers: Mapping[str, Timer],
    top: dict[str, Place],
) -> None:
    """What timers and transitions say of each other must agree."""
    of_children = {step.id: step for child in children.values() for step in child.transitions.values()}
    for name, timer in timers.items():
        transition = (of_children if timer.child else transitions).get(timer.then or "")
        if transition is None:
            continue
        place = top["timers"].at(name).at("then")
        for state in (each.rpartition(".")[2] for each in timer.states):
            if state not in transition.sources:
                place.error(
                    "FF152",
                    f"when this timer runs out in '{state}' it starts '{transition.id}', which cannot leave '{state}'",
                )
            elif SYSTEM not in transition.by_from(state):
                place.error("FF153", f"the timer starts '{transition.id}', but by: does not include system")
        if transition.input or transition.reason:
            place.error("FF153", f"'{transition.id}' asks something of a person, so no timer can start it")
        elif transition.when and not timer.if_blocked:
            message = (
                f"'{transition.id}' has conditions; say who is told when they fail on the day: add if_blocked: <role>"
            )
            place.error("FF156", message)
    for name, transition in {**transitions, **of_children}.items():
        kind, _, short = name.rpartition(".")
        steps = top["children"].at(kind).at("transitions") if kind else top["transitions"]
        for number, effect in enumerate(transition.do):
            made = children.get(effect.children or "")
            if made is not None and effect.renew is not None and not ((made.field or made.rows) and made.key):
                message = f"'{made.id}' cannot follow a changed plan: it has no by_field or rows, or no key"
                steps.at(short).at("do").at(number).error("FF193", message)
            elif made is not None and effect.each is None and not made.field and not made.rows:
                message = f"nothing says which '{made.id}' to make: give it by_field or rows, or begin one with child:"
                steps.at(short).at("do").at(number).error("FF193", message)
        if transition.deadline is None or transition.deadline not in timers:
            continue
        for state in transition.sources:
            if (f"{kind}.{state}" if kind else state) not in timers[transition.deadline].states:
                place = steps.at(short).at("deadline")
                place.error("FF155", f"the timer '{transition.deadline}' does not run in '{state}'")


def _places(names: Names) -> dict[str, tuple[str, int, int]]:
    found = {}
    for source in (names.source, *names.form_sources):
        before = "" if source is names.source else f"{source.file}:"
        for path in source.values:
            found[before + ".".join(map(str, path))] = (source.file, *source.place(path, key=True))
    return found
