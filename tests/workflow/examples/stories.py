"""A small workflow with one of everything that examples speak of, and stories told of it in the tests."""

from __future__ import annotations

from functools import cache

from fundflow.config import ROOT
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.problems import Problem, Problems
from tests.lifecycle.estate import ASK, ESTATE

MAIN = "estate.yaml"
PEOPLE = "people: {ana: applicant, sara: signatory, mona: manager, dora: director, fin: finance}"


def estate(examples: str) -> Workflow:
    """The estate workflow with these examples in its file."""
    return loader.load({MAIN: ESTATE + examples, "ask.yaml": ASK}, MAIN)


def told(*steps: str, more: str = "") -> Workflow:
    """One story of these steps, each a line."""
    lines = "".join(f"      - {step}\n" for step in steps)
    body = f"    given: {{now: 2027-01-04T09:00, round: {{budget: 50000, cap: 50000}}, {PEOPLE}}}\n"
    return estate(f"examples:\n  a story:\n{body}    steps:\n{lines}{more}")


def mistakes(examples: str) -> list[Problem]:
    """Everything the loader has to say of the estate workflow with these examples; none where they can be read."""
    try:
        estate(examples)
    except Problems as problems:
        return problems.problems
    return []


@cache
def shipped(name: str) -> Workflow:
    """A shipped workflow with its examples."""
    return loader.read(ROOT / "workflows" / f"{name}.yaml", examples=True)
