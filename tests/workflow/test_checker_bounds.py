"""Files that are too much are answered with a sentence, after work that is counted and bounded."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from fundflow.workflow import checker, loader
from fundflow.workflow.checker import Context, guards, solver
from fundflow.workflow.checker.guards import Guards
from fundflow.workflow.checker.product import MOST_SITUATIONS, Product
from fundflow.workflow.checker.questions import BEGINNING, Work
from fundflow.workflow.problems import Problem, Problems
from tests.workflow.files import large_grant, small_grant

HEAD = """format: fundflow/1
workflow: big
version: 1
title: {en: Big}
languages: [en]
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  o: {is: group, group: g}
forms: {}
"""
CYCLIC = "rules:\n  a: {rule: b}\n  b: {rule: a}\nstates: {s: {}}\ntransitions: {}\n"
GENEROUS = 20
"""Seconds. It takes less than two; machines that test are slow and shared, so what is counted is asserted besides."""


def answered(text: str) -> list[Problem]:
    """Everything that is said of a file, in good time."""
    begun = time.monotonic()
    try:
        found = checker.check(loader.load({"w.yaml": text}, "w.yaml"))
    except Problems as problems:
        found = problems.problems
    assert time.monotonic() - begun < GENEROUS
    assert all(problem.message for problem in found)
    return found


def chain(count: int) -> str:
    states = "".join(f"  s{number}: {{}}\n" for number in range(count))
    steps = "".join(f"  t{number}: {{from: s{number}, to: s{number + 1}, by: o}}\n" for number in range(count - 1))
    return f"{HEAD}states:\n{states}transitions:\n{steps}  out: {{from: s{count - 1}, end: done, by: o}}\n"


def every(count: int) -> str:
    """As many states as fit into a file."""
    names = [f"s{number}" for number in range(count)]
    states = "".join(f"  {name}: {{}}\n" for name in names)
    return f"{HEAD}states:\n{states}transitions:\n  go: {{from: [{', '.join(names)}], end: done, by: o}}\n"


def dense(count: int, each: int) -> str:
    """So many arrows from every state."""
    states = "".join(f"  s{number}: {{}}\n" for number in range(count))
    sources = ", ".join(f"s{number}" for number in range(each))
    steps = "".join(f"  t{number}: {{from: [{sources}], to: s{number}, by: o}}\n" for number in range(count))
    return f"{HEAD}states:\n{states}transitions:\n{steps}"


HARD = (
    " && ".join(f"input.a * input.b * input.a * {k} != input.b * input.b * input.b + {k * k}" for k in range(1, 9))
    + " && input.a * input.a * input.a + input.b * input.b * input.b == 114 && input.a > 1000 && input.b < -1000"
)


FORM = "title: {en: F}\nsections:\n  a:\n    title: {en: A}\n    fields:\n" + "".join(
    f"      n{number}: {{type: number, label: {{en: Figure}}, required: true, places: 2}}\n" for number in range(40)
)


def entangled(count: int) -> str:
    """States that lead to one another in many ways, each with two conditions of its own."""
    states = "".join(f"  s{number}: {{edit: {{o: [p]}}}}\n" for number in range(count))
    steps = "".join(
        f"  t{number}:\n    from: [{', '.join(f's{(number * 7 + each) % count}' for each in range(7))}]\n"
        f"    to: s{(number * 13 + 1) % count}\n    by: o\n    when:\n"
        f"      - {{if: 'application.n{number % 40} > {number}.5', else: {{en: Not yet.}}}}\n"
        f"      - {{if: 'application.n{number % 40} < application.n{(number + 3) % 40}', else: {{en: Not yet.}}}}\n"
        for number in range(count)
    )
    head = HEAD.replace("forms: {}", "forms: {p: p.yaml}")
    return f"{head}states:\n{states}  e: {{final: success}}\ntransitions:\n{steps}  out: {{from: s5, to: e, by: o}}"


def conditions(*texts: str) -> str:
    steps = "".join(
        f"  go{number}:\n    from: s\n    to: e\n    by: o\n"
        "    input: {a: {type: integer, label: {en: A}}, b: {type: integer, label: {en: B}}}\n"
        f'    when:\n      - if: "{text}"\n        else: {{en: No.}}\n'
        for number, text in enumerate(texts)
    )
    return f"{HEAD}states:\n  s: {{}}\n  e: {{final: success}}\ntransitions:\n{steps}"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (HEAD + "# " + "x" * 256 * 1024, "FF002", "this file is larger than 256 KB"),
        (every(10_000), "FF002", "there are 10,000 states; 400 are the most"),
        (chain(5_000), "FF002", "there are 5,000 states; 400 are the most"),
        (dense(100, 100), "FF002", "there are 10,000 arrows; 3,000 are the most"),
        (HEAD.replace("{}", f"{{{', '.join(f'f{n}: p.yaml' for n in range(61))}}}"), "FF002", "61 forms; 60 are"),
        (HEAD + "states: " + "[" * 2_000, "FF002", "this is nested more than 14 levels deep"),
        (HEAD + "states: " + "{a: " * 500 + "}" * 500, "FF002", "this is nested more than 14 levels deep"),
        (conditions(" && ".join(["round.floor > round.cap"] * 2_700)), "FF110", "longer than 2,000 characters"),
        (conditions("(" * 900 + "true" + ")" * 900), "FF110", "nested too deeply"),
        (HEAD + CYCLIC, "FF010", "no setting 'rule'"),
    ],
    ids=["256 KB", "10,000 states", "5,000 steps", "arrows", "forms", "brackets", "braces", "64 KB", "deep", "cyclic"],
)  # fmt: skip
def test_too_much_is_refused_with_a_sentence(text: str, code: str, words: str) -> None:
    assert any(p.code == code and words in p.message for p in answered(text)), [str(p) for p in answered(text)[:5]]


def test_aliases_that_multiply_are_refused_before_they_do() -> None:
    letters = "abcdefghijklmnopqrst"
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{after}: &{after} [*{before}, *{before}, *{before}, *{before}]\n" for before, after in pairwise(letters)
    )
    assert "FF005" in {p.code for p in answered(bomb)}


def test_as_many_states_as_are_read_are_checked() -> None:
    found = answered(chain(400))
    assert "FF209" in {p.code for p in found}
    assert not {"FF103", "FF104", "FF106", "FF002"} & {p.code for p in found}
    assert "FF106" in {p.code for p in answered(dense(300, 10))}


def test_a_condition_that_no_proof_ends_on_is_said_to_be_undecided() -> None:
    found = [p for p in answered(conditions(HARD)) if p.code == "FF116"]
    assert "not decided: whether go0 can ever happen from 's'" in found[-1].message


def test_many_of_them_use_up_the_work_and_no_more() -> None:
    text = conditions(*(f"{HARD} && input.a != {number}" for number in range(60)))
    found = [p for p in answered(text) if p.code == "FF116"]
    assert len(found) > 60
    assert all("more conditions than can be looked at in the time" in p.message for p in found)
    work = Work(Context().work)
    given = Guards(loader.load({"w.yaml": text}, "w.yaml"), work)
    list(guards.looked_at(given))
    assert work.spent < Context().work + solver.RESOURCES
    assert work.solved <= Context().work // solver.COST


def test_what_is_known_in_each_state_of_a_large_file_is_found_in_time() -> None:
    begun = time.monotonic()
    workflow = loader.load({"w.yaml": entangled(397), "p.yaml": FORM}, "w.yaml")
    work = Work(Context().work)
    given = Guards(workflow, work)
    list(guards.looked_at(given))
    assert time.monotonic() - begun < GENEROUS
    assert ("states.s1", "whether an application can get stuck in 's1'") in given.undecided
    assert work.asked < Context().work // BEGINNING


def test_the_shipped_workflows_leave_a_third_of_the_work() -> None:
    """The small grant takes a hundredth; of the large one 131,000 steps go, most into what stories show instead."""
    for workflow in (small_grant(), large_grant()):
        work = Work(Context().work)
        given = Guards(workflow, work)
        accepted = {(each.code, each.at) for each in workflow.accepted}
        assert {(each.code, each.at) for each in guards.looked_at(given)} <= accepted
        assert work.spent < Context().work * 2 // 3
        assert {at for at, _ in given.undecided} <= {at for _, at in accepted}


def test_situations_are_bounded() -> None:
    workflow = large_grant()
    product = Product(workflow, workflow.children["tranche"], lambda *_: False, most=50).explore()
    assert not product.is_whole
    assert len(product.came_by) == 50
    assert MOST_SITUATIONS < 100_000
