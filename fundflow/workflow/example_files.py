"""Where the examples of a workflow stand: in its own file, or in one beside it that `examples:` names.

A file of their own is read only where somebody asks for it: it says nothing about what the rules are, so it is no part
of what a round is pinned to, and a story can be added without a new version. Refuses one that is not there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from fundflow.workflow import format
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples.reading import examples
from fundflow.workflow.examples.statement import Example
from fundflow.workflow.problems import Problem
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source


@dataclass(frozen=True, slots=True)
class Told:
    """The examples of a workflow, the file they stand in where it is not its own, and what is wrong there."""

    examples: tuple[Example, ...] = ()
    file: str | None = None
    problems: Sequence[Problem] = field(default=())


def of(source: Source, workflow: Workflow, text_of: Callable[[str], str | None], is_asked: bool) -> Told:
    """The examples of the main file `source`; those of another file only where that `is_asked`."""
    given = source.data.get("examples") if isinstance(source.data, dict) else None
    if given is None:
        return Told()
    place = Place(source, ("examples",), given)
    if isinstance(given, dict):
        return Told(examples(place, workflow))
    name = place.string()
    if name is None:
        return Told()
    name = posixpath.normpath(name)
    if name.startswith(("/", "..")) or "\\" in name:
        place.error("FF231", f"'{name}' leads out of the folder of the workflow")
        return Told()
    if not is_asked:
        return Told(file=name)
    text = text_of(name)
    if text is None:
        place.error("FF231", f"there is no file '{name}'")
        return Told(file=name)
    other = read_source(name, text)
    found: tuple[Example, ...] = ()
    if other.data is not None:
        settings = Place(other, (), other.data).settings(format.Examples, what="a file of examples")
        found = examples(settings["examples"], workflow) if "examples" in settings else ()
        _misshapen(other)
    return Told(found, name, other.problems)


def _misshapen(source: Source) -> None:
    """What the published shape refuses and no sentence has said."""
    if source.problems:
        return
    try:
        format.Examples.model_validate(source.data)
    except ValidationError as error:
        for each in error.errors():
            path: tuple[str | int, ...] = ()
            for step in each["loc"]:
                if (*path, step) in source.values:
                    path = (*path, step)
            source.add("FF012", f"{path[-1] if path else 'this file'}: {each['msg']}", source.place(path))
