"""Examples of a workflow: stories in its file that say who does what and what is so afterwards, run in memory.

`run` is what `fundflow test` and the studio call: no database, no clock but the example's own, the kernel of the
engine. `recording.record` makes an example of steps that are taken and `writing.text` writes it into a file;
`coverage.unexercised` names the conditions that no example is stopped by. A workflow whose examples stand in a file of
their own has them only where it was read with `examples=True`, by `loader.read` or `loader.load`.
"""

from __future__ import annotations

from collections.abc import Sequence

from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples.comparing import Difference
from fundflow.workflow.examples.running import Result, Run
from fundflow.workflow.examples.statement import Example

__all__ = ["Difference", "Example", "Result", "Run", "run"]


def run(workflow: Workflow, examples: Sequence[Example] | None = None, only: str = "") -> tuple[Result, ...]:
    """What comes of each example of the workflow (or of these), in their order; `only` those with it in their name.

    A result says whether the example passed and, if not, what differs: each a sentence with file and line. It takes
    milliseconds an example and changes nothing outside.
    """
    examples = workflow.examples if examples is None else examples
    told = Run(workflow, examples)
    return tuple(told.result(each.name) for each in examples if only.casefold() in each.name.casefold())
