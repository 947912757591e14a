"""Which conditions no example is stopped by: they could be taken out, and every example would still pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples.running import Result
from fundflow.workflow.problems import Problem


def unexercised(workflow: Workflow, results: Iterable[Result]) -> list[Problem]:
    """A warning (FF204) for each condition that kept nobody from anything in these examples, at its line.

    What happens by itself is left out: nobody is refused there. It costs nothing beside running the examples;
    `fundflow mutate` asks the same of every line, and takes its time.
    """
    stopped = {each for result in results for each in result.stopped}
    found = [
        Problem(
            *_place(workflow, at), "FF204", f"no example is stopped by this condition of '{step}'", "warning", at=at
        )
        for step, number, at in _conditions(workflow)
        if (step, number) not in stopped
    ]
    return sorted(found)


def _conditions(workflow: Workflow) -> Iterator[tuple[str, int, str]]:
    for step in workflow.every_transition():
        kind, dot, name = step.id.partition(".")
        before = f"children.{kind}.transitions.{name}" if dot else f"transitions.{step.id}"
        for number in range(0 if step.is_auto else len(step.when)):
            yield step.id, number, f"{before}.when.{number}"


def _place(workflow: Workflow, at: str) -> tuple[str, int, int]:
    return workflow.places.get(at, (workflow.main, 1, 1))
