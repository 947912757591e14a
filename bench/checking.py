"""Checking the shipped workflows and the example ones: what each layer of the checker costs, in ms a file.

Each file is read and checked a few times; a figure is ms of the processor, the median of the readings. The last two
columns are what the proofs counted (steps of 200,000) and how many questions went to Z3. Whole, the fund's largest
file is to be read and checked within a second.

    python bench/checking.py [readings]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from timing import taken

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fundflow.workflow import checker, loader  # noqa: E402
from fundflow.workflow.checker import Context, guards, questions, solver  # noqa: E402
from fundflow.workflow.definition import Workflow  # noqa: E402


def layers(workflow: Workflow, readings: int) -> dict[str, float]:
    """What the rules of each layer took."""
    context = Context()
    found: dict[str, float] = {}
    rules = [(rule.__module__, lambda rule=rule: list(rule(workflow))) for rule in checker.RULES]
    rules += [(rule.__module__, lambda rule=rule: list(rule(workflow, context))) for rule in checker.WIDER_RULES]
    for module, run in rules:
        name = module.rpartition(".")[2]
        found[name] = found.get(name, 0) + taken(run, readings)
    return found


def counted(workflow: Workflow) -> questions.Work:
    """What the questions about conditions counted."""
    work = questions.Work(Context().work)
    list(guards.looked_at(guards.Guards(workflow, work)))
    return work


def main(readings: int = 5) -> None:
    """A line a file, and under it the layers that took more than a millisecond."""
    print("Z3 is installed" if solver.is_installed() else "Z3 is not installed: values are tried instead")
    files = [*sorted((ROOT / "workflows").glob("*.yaml")), *sorted((ROOT / "workflows/examples").glob("*.yaml"))]
    for path in files:
        begun = time.process_time()
        workflow = loader.read(path)
        checker.check(workflow)
        first = (time.process_time() - begun) * 1000
        loading = taken(lambda path=path: loader.read(path), readings)
        checking = taken(lambda workflow=workflow: checker.check(workflow), readings)
        work = counted(workflow)
        print(
            f"{path.name}: read {loading:.0f} ms, checked {checking:.0f} ms, the first time both {first:.0f} ms; "
            f"{work.asked} questions, {work.spent:,} steps, {work.solved} to Z3"
        )
        for name, took in sorted(layers(workflow, readings).items(), key=lambda each: -each[1]):
            if took >= 1:
                print(f"    {name:<12} {took:6.1f}")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
