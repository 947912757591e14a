"""Warnings that the file accepts: each with a reason and a name, and none for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fundflow.workflow.checker.codes import BY_ID
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem


def marked(workflow: Workflow, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The same findings; a warning that the file accepts where it stands says who answers for it, and why."""
    for problem in problems:
        fitting = [each for each in workflow.accepted if (each.code, each.at) == (problem.code, problem.at)]
        if fitting and problem.is_warning:
            yield replace(problem, accepted_because=fitting[0].because, accepted_by=fitting[0].by)
        else:
            yield problem


def unfounded(workflow: Workflow, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Acceptances of what is not there. What depends on people, dates or live applications comes and goes by itself,
    and a proof may end otherwise on another machine, so only what the file alone shows must be found.
    """
    found = {(problem.code, problem.at) for problem in problems if problem.is_warning}
    elsewhere: dict[str, list[str]] = {}
    for code, at in sorted(found):
        elsewhere.setdefault(code, []).append(at)
    for number, each in enumerate(workflow.accepted):
        if (each.code, each.at) in found or BY_ID[each.code].needs != "file":
            continue
        where = elsewhere.get(each.code)
        hint = f"; it is found at {where[0]}" if where else ""
        yield Finding("FF212", f"accept.{number}", f"there is no {each.code} at '{each.at}' to accept{hint}")
