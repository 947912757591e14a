"""The proof that a workflow must pass before anybody can go by it: no error, and no warning that nobody answers for.

Looks at the file, at what this installation has and at the versions published before. Refuses whatever it cannot prove.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

from fundflow import clock
from fundflow.errors import Refused
from fundflow.lifecycle import surroundings, wording
from fundflow.workflow import checker
from fundflow.workflow.checker import Context, Installation
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem

SHOWN = 3
"""Findings that the refusal names; `problems` has all."""
KEPT = 64
"""Texts whose findings are remembered."""

_found: dict[tuple[str, tuple[str, ...], date], list[Problem]] = {}
_looking = threading.Lock()


class Unproven(Refused):
    """{workflow} cannot be published while the check finds this in it: {found}"""

    status = 422

    def __init__(self, workflow: Workflow, problems: list[Problem]) -> None:
        first = "; ".join(f"{each.file}:{each.line}: {each.code} {each.message}" for each in problems[:SHOWN])
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(workflow=f"{workflow.id} {workflow.version}", found=first + more)
        self.problems = problems


def prove(workflow: Workflow) -> None:
    """Unproven with everything that blocks it; nothing where the file may be published."""
    blocking = [each for each in findings(workflow) if each.blocks]
    if blocking:
        raise Unproven(workflow, blocking)


def findings(workflow: Workflow) -> list[Problem]:
    """Everything the check finds, accepted warnings with it, as publishing looks at it.

    Each text is looked at once a process, a day and a set of published versions: proofs take up to a second.
    """
    earlier = surroundings.versions(workflow)
    key = (workflow.sha256, tuple(each.sha256 for each in earlier), clock.now().date())
    with _looking:
        if key not in _found:
            context = Context(installation=_with_messages_of(workflow), earlier=earlier, today=key[2])
            _found[key] = checker.check(workflow, context)
            for old in list(_found)[:-KEPT]:
                del _found[old]
        return list(_found[key])


def _with_messages_of(workflow: Workflow) -> Installation:
    """This installation, with the messages as the workflow has them: these are the texts that will be sent."""
    here = surroundings.installation()
    own = (wording.MESSAGE.fullmatch(path) for path in workflow.templates)
    names = [found["name"] for found in own if found is not None]
    written = {name: wording.printed(name, workflow.templates) for name in names}
    return replace(here, messages={**(here.messages or {}), **written})
