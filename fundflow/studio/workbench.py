"""The process in which texts that a person is still writing are read, checked and drawn: one request a line, as JSON.

It is a process so that it can be ended: a text may be made so that reading it, drawing it or proving something of it
takes for ever or takes all memory. It knows the pure engine only: no database, no settings, no secrets.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fundflow.workflow import checker, diagram, loader
from fundflow.workflow.problems import Problem

MOST_FINDINGS = 200
MEMORY = 2 * 1024**3
"""Bytes of address space that a text may use up."""

Request = dict[str, Any]


def check(request: Request) -> dict[str, Any]:
    """Every finding of the files; none is left out but those beyond `MOST_FINDINGS`, whose number is told."""
    try:
        workflow = loader.load(request["files"], request["main"], frozenset(request["known"]))
    except loader.Problems as wrong:
        return {"loads": False, **_told(wrong.problems)}
    return {"loads": True, **_told(checker.check(workflow))}


def draw(request: Request) -> dict[str, Any]:
    """The picture of the workflow in a language, for one role or for everybody; findings where it does not load."""
    try:
        workflow = loader.load(request["files"], request["main"], frozenset(request["known"]))
    except loader.Problems as wrong:
        return {"loads": False, **_told(wrong.problems)}
    return {"loads": True, "svg": diagram.svg(workflow, request["language"])}


WORK: dict[str, Callable[[Request], dict[str, Any]]] = {"check": check, "draw": draw}


def _told(problems: list[Problem]) -> dict[str, Any]:
    return {
        "findings": [asdict(each) for each in problems[:MOST_FINDINGS]],
        "more": max(0, len(problems) - MOST_FINDINGS),
    }


def main() -> None:
    """Answer each line of the standard input with one line, until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    out = sys.stdout
    out.write("ready\n")
    out.flush()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = WORK[request["do"]](request)
        except Exception as error:
            # Whatever a text breaks in here, the person who wrote it is told that it was their text.
            answer = {"failed": type(error).__name__}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
