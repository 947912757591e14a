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
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem

MOST_FINDINGS = 200
MEMORY = 2 * 1024**3
"""Bytes of address space that a text may use up."""

Request = dict[str, Any]


def check(request: Request) -> dict[str, Any]:
    """Every finding of the files; none is left out but those beyond `MOST_FINDINGS`, whose number is told."""
    return {"loads": True, **_told(checker.check(_workflow(request)))}


def draw(request: Request) -> dict[str, Any]:
    """The picture of the workflow in a language, for a page of its own and for the narrow place beside the text."""
    workflow, language = _workflow(request), request["language"]
    tall = diagram.svg(workflow, language, shape="tall")
    return {"loads": True, "svg": diagram.svg(workflow, language), "tall": tall}


def tell(request: Request) -> dict[str, Any]:
    """What comes of each of its examples."""
    from fundflow.workflow import examples

    results = examples.run(_workflow(request))
    return {
        "loads": True,
        "examples": [
            {
                "name": each.name,
                "file": each.file,
                "line": each.line,
                "steps": each.steps,
                "differences": [asdict(difference) for difference in each.differences],
            }
            for each in results
        ],
    }


def play(request: Request) -> dict[str, Any]:
    """A round under it, played many times: notes, tables and drawings as HTML of our own, every text in it escaped."""
    # Whoever only types waits for a process that starts quickly.
    from fundflow.simulation import pictures, simulate, tables
    from fundflow.simulation import scenario as scenarios

    workflow = _workflow(request)
    language = request["language"]
    scenario = scenarios.default(workflow, language)
    if request["scenario"]:
        scenario = scenarios.load(request["scenario"], workflow)
    report = simulate(workflow, scenario, request["runs"])
    return {
        "loads": True,
        "scenario": scenarios.written(scenario),
        "title": scenario.title,
        "notes": tables.warnings(report, language),
        "parts": [
            *(chart.figure() for chart in pictures.pictures(report, language)),
            *(pictures.html_table(table, language) for table in tables.tables(report, language)),
        ],
    }


WORK: dict[str, Callable[[Request], dict[str, Any]]] = {"check": check, "draw": draw, "tell": tell, "play": play}


def _workflow(request: Request) -> Workflow:
    files, main, known = request["files"], request["main"], frozenset(request["known"])
    workflow = loader.load(files, main, known)
    if workflow.examples_file is not None and workflow.examples_file in files:
        workflow = loader.load(files, main, known, examples=True)
    return workflow


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
        except loader.Problems as wrong:
            answer = {"loads": False, **_told(wrong.problems)}
        except Exception as error:
            # Whatever a text breaks in here, the person who wrote it is told that it was their text.
            answer = {"failed": type(error).__name__}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
