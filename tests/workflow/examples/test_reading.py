"""Every mistake in examples is told at its line, all at once, with what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from fundflow.config import ROOT
from fundflow.workflow import format, loader
from fundflow.workflow.problems import Problems
from tests.lifecycle.estate import ASK, ESTATE
from tests.workflow.examples.stories import MAIN, PEOPLE, estate, mistakes, told

BEGIN = f"examples:\n  a story:\n    given: {{{PEOPLE}}}\n"

WRONG: list[tuple[str, str, str]] = [
    # the mapping of examples, and what each of them has
    ("examples: [a, b]\n", "FF012", "needs a text, not a list"),
    ("examples: 3\n", "FF012", "needs a text"),
    ("examples: ../elsewhere.yaml\n", "FF231", "leads out of the folder"),
    ("examples: {a story: []}\n", "FF012", "needs settings"),
    (f"examples: {{{'x' * 121}: {{}}}}\n", "FF014", "named by words"),
    ("examples: {a story: {step: []}}\n", "FF010", "did you mean 'steps'?"),
    ("examples: {a story: {continues: another}}\n", "FF230", "there is no example 'another'"),
    ("examples: {a: {continues: a}}\n", "FF230", "would begin with its own end"),
    ("examples: {a: {}, b: {continues: a, given: {now: 2027-01-01}}}\n", "FF239", "only people can join"),
    # given
    ("examples: {a: {given: [x]}}\n", "FF012", "needs settings"),
    ("examples: {a: {given: {time: 2027-01-01}}}\n", "FF010", "no setting 'time'"),
    ("examples: {a: {given: {now: tomorrow}}}\n", "FF238", "is not a moment"),
    ("examples: {a: {given: {now: 2027-02-30}}}\n", "FF238", "is not a moment"),
    ("examples: {a: {given: {round: {flor: 1}}}}\n", "FF010", "did you mean 'floor'?"),
    ("examples: {a: {given: {round: {floor: much}}}}\n", "FF012", "needs a number"),
    ("examples: {a: {given: {round: {floor: 0.001}}}}\n", "FF240", "finer than EUR allows"),
    ("examples: {a: {given: {round: {floor: 9, cap: 8}}}}\n", "FF240", "cannot be below its floor"),
    ("examples: {a: {given: {round: {budget: 9, taken: 10}}}}\n", "FF240", "more than the budget"),
    ("examples: {a: {given: {round: {closes_at: 5 pm}}}}\n", "FF238", "is not a moment"),
    ("examples: {a: {given: {round: {zone: Europe/Pari}}}}\n", "FF161", "did you mean 'Europe/Paris'?"),
    ("examples: {a: {given: {round: {countries: [Kenya]}}}}\n", "FF240", "two letters of a country"),
    ("examples: {a: {given: {city: {country: XX}}}}\n", "FF240", "two letters of a country"),
    ("examples: {a: {given: {city: {nam: X}}}}\n", "FF010", "did you mean 'name'?"),
    ("examples: {a: {given: {city: {name: 3}}}}\n", "FF012", "needs a text"),
    ("examples: {a: {given: {people: [ana]}}}\n", "FF012", "needs persons by name"),
    ("examples: {a: {given: {people: {ana: aplicant}}}}\n", "FF130", "did you mean 'applicant'?"),
    ("examples: {a: {given: {people: {at: applicant}}}}\n", "FF232", "nobody can be called that"),
    ("examples: {a: {given: {people: {Ana: applicant}}}}\n", "FF014", "cannot name a person"),
    ("examples: {a: {given: {people: {ana: {conflicts: same_country}}}}}\n", "FF011", "needs 'is'"),
    ("examples: {a: {given: {people: {ana: {is: finance, role: x}}}}}\n", "FF010", "has no setting 'role'"),
    ("examples: {a: {given: {people: {ana: {is: finance, conflicts: cousin}}}}}\n", "FF012", "cannot be 'cousin'"),
    # steps
    (f"{BEGIN}    steps: ana\n", "FF012", "needs a list"),
    (f"{BEGIN}    steps: [ana]\n", "FF012", "needs settings"),
    (f"{BEGIN}    steps: [{{}}]\n", "FF244", "nothing happens"),
    (f"{BEGIN}    steps: [{{anna: send}}]\n", "FF232", "did you mean 'ana'?"),
    (f"{BEGIN}    steps: [{{ana: send, mona: return}}]\n", "FF232", "nobody here is called 'mona'"),
    (f"{BEGIN}    steps: [{{ana: send, after: 1 day}}]\n", "FF244", "a step is one thing"),
    (f"{BEGIN}    steps: [{{at: 2027-01-01, after: 1 day}}]\n", "FF244", "a step is one thing"),
    (f"{BEGIN}    steps: [{{after: soon}}]\n", "FF013", "not a length of time"),
    (f"{BEGIN}    steps: [{{at: soon}}]\n", "FF238", "is not a moment"),
    (f"{BEGIN}    steps: [{{after: 1 day, asleep: maybe}}]\n", "FF012", "either true or false"),
    (f"{BEGIN}    steps: [{{ana: send, asleep: true}}]\n", "FF239", "belongs to time that passes"),
    (f"{BEGIN}    steps: [{{after: 1 day, reason: No.}}]\n", "FF239", "does not belong to time"),
    (f"{BEGIN}    steps: [{{reason: No.}}]\n", "FF239", "belongs to something that somebody does"),
    (f"{BEGIN}    steps: [{{ana: 3}}]\n", "FF012", "needs a text"),
    (f"{BEGIN}    steps: [{{ana: sned}}]\n", "FF234", "did you mean 'send'?"),
    (f"{BEGIN}    steps: [{{ana: tranche.pay}}]\n", "FF233", "say which one: tranche.pay 1"),
    (f"{BEGIN}    steps: [{{ana: tranche.payy 1}}]\n", "FF234", "did you mean 'tranche.pay'?"),
    (f"{BEGIN}    steps: [{{ana: complete ask}}]\n", "FF233", "nothing that people do"),
    (f"{BEGIN}    steps: [{{ana: fill ask now}}]\n", "FF233", "should be fill FORM"),
    (f"{BEGIN}    steps: [{{ana: fill aks}}]\n", "FF140", "did you mean 'ask'?"),
    (f"{BEGIN}    steps: [{{ana: task paper}}]\n", "FF126", "did you mean 'papers'?"),
    (f"{BEGIN}    steps: [{{ana: task risk}}]\n", "FF237", "say what 'risk' came to"),
    (f"{BEGIN}    steps: [{{ana: task risk lo}}]\n", "FF237", "'low' and 'high'"),
    (f"{BEGIN}    steps: [{{ana: sign town}}]\n", "FF127", "there is no party 'town'"),
    (f"{BEGIN}    steps: [{{ana: assign officer ana}}]\n", "FF130", "there is no role that names a person"),
    (f"{BEGIN}    steps: [{{ana: ask panel}}]\n", "FF165", "there is no review 'panel'"),
    (f"{BEGIN}    steps: [{{ana: send, with: {{title: X}}}}]\n", "FF239", "'with' does not belong to 'send'"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: [x]}}]\n", "FF012", "needs settings"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: {{titel: X}}}}]\n", "FF236", "did you mean 'title'?"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: {{requested: much}}}}]\n", "FF012", "needs a number"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: {{plan: [x]}}}}]\n", "FF012", "needs its columns"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: {{plan: [{{amont: 3}}]}}}}]\n", "FF236", "did you mean 'amount'?"),
    (f"{BEGIN}    steps: [{{ana: fill ask, with: {{plan: [{{due: soon}}]}}}}]\n", "FF240", "is not a day"),
    (f"{BEGIN}    steps: [{{ana: fill ask, without: titel}}]\n", "FF236", "did you mean 'title'?"),
    (f"{BEGIN}    steps: [{{ana: tranche.pay 1, input: {{ref: X}}}}]\n", "FF236", "does not ask for 'ref'"),
    (f"{BEGIN}    steps: [{{ana: tranche.pay 1, input: {{paid_on: soon}}}}]\n", "FF240", "is not a day"),
    (f"{BEGIN}    steps: [{{ana: send, reason: 3}}]\n", "FF012", "needs a text"),
    (f"{BEGIN}    steps: [{{ana: send, refused: statte}}]\n", "FF241", "did you mean 'state'?"),
    (f"{BEGIN}    steps: [{{ana: send, refused: []}}]\n", "FF012", "names nothing"),
    # what is so afterwards
    (f"{BEGIN}    then: draft\n", "FF012", "needs settings"),
    (f"{BEGIN}    then: {{stat: draft}}\n", "FF010", "did you mean 'state'?"),
    (f"{BEGIN}    then: {{state: drafts}}\n", "FF101", "did you mean 'draft'?"),
    (f"{BEGIN}    then: {{outcome: withdrawed}}\n", "FF107", "did you mean 'withdrawn'?"),
    (f"{BEGIN}    then: {{revision: many}}\n", "FF012", "needs a whole number"),
    (f"{BEGIN}    then: {{ledger: {{left: 3}}}}\n", "FF245", "there is no account 'left'"),
    (f"{BEGIN}    then: {{ledger: {{paid: some}}}}\n", "FF012", "needs a number"),
    (f"{BEGIN}    then: {{timers: {{closng: 2027-01-01}}}}\n", "FF155", "did you mean 'closing'?"),
    (f"{BEGIN}    then: {{timers: {{closing: soon}}}}\n", "FF238", "is not a moment"),
    (f"{BEGIN}    then: {{tasks: {{papers: finished}}}}\n", "FF237", "there is no result of 'papers'"),
    (f"{BEGIN}    then: {{signed: town}}\n", "FF127", "there is no party 'town'"),
    (f"{BEGIN}    then: {{children: {{tranches: {{1: paid}}}}}}\n", "FF192", "did you mean 'tranche'?"),
    (f"{BEGIN}    then: {{children: {{tranche: {{1: dropt}}}}}}\n", "FF101", "did you mean 'dropped'?"),
    (f"{BEGIN}    then: {{reviews: {{panel: {{score: 3}}}}}}\n", "FF165", "there is no review 'panel'"),
    (f"{BEGIN}    then: {{application: {{titel: X}}}}\n", "FF236", "did you mean 'title'?"),
    (f"{BEGIN}    sends: [received]\n", "FF242", "MESSAGE to ROLE"),
    (f"{BEGIN}    sends: [received to aplicant]\n", "FF130", "did you mean 'applicant'?"),
    (f"{BEGIN}    sends: [received to applicant on monday]\n", "FF238", "is not a moment"),
    (f"{BEGIN}    makes: [3]\n", "FF012", "needs a text"),
    (f"{BEGIN}    sees: [ana]\n", "FF012", "needs settings"),
    (f"{BEGIN}    sees: {{anna: []}}\n", "FF232", "did you mean 'ana'?"),
    (f"{BEGIN}    sees: {{ana: aks}}\n", "FF140", "did you mean 'ask'?"),
    (f"{BEGIN}    sees: {{ana: {{read: ask}}}}\n", "FF010", "did you mean 'reads'?"),
    (f"{BEGIN}    sees: {{ana: {{state: drafts}}}}\n", "FF101", "did you mean 'draft'?"),
    (f"{BEGIN}    can: {{ana: sned}}\n", "FF234", "did you mean 'send'?"),
    (f"{BEGIN}    holds: {{ana: aplicant}}\n", "FF130", "did you mean 'applicant'?"),
]


@pytest.mark.parametrize(("examples", "code", "message"), WRONG, ids=[f"{c}-{e[-40:].strip()}" for e, c, m in WRONG])
def test_a_mistake_is_told_at_its_line(examples: str, code: str, message: str) -> None:
    found = mistakes(examples)
    assert [each.code for each in found] == [code], [str(each) for each in found]
    assert message in found[0].message
    # The mistake stands on the last line of each of these.
    assert found[0].line == ESTATE.count("\n") + examples.count("\n")
    assert found[0].column > 1 or examples.startswith("examples")


def test_every_setting_of_the_format_is_tried_with_something_wrong() -> None:
    parts = (format.Example, format.Given, format.Terms, format.City, format.Step, format.Standing, format.Sight)
    tried = "".join(examples for examples, _, _ in WRONG)
    known = {name for part in parts for name in format.names(part)} - {"title", "opens_at"}
    missing = {name for name in known if f"{name}:" not in tried}
    assert missing <= {"scores", "reserve", "writes", "available", "reads", "people"}, missing


def test_all_mistakes_are_told_at_once_also_those_of_the_workflow() -> None:
    broken = ESTATE.replace("by: applicant, deadline: closing", "by: aplicant, deadline: closing")
    examples = f"{BEGIN}    steps: [{{ana: sned}}, {{bob: send}}]\n    then: {{state: drafts}}\n"
    with pytest.raises(Problems) as problems:
        loader.load({MAIN: broken + examples, "ask.yaml": ASK}, MAIN)
    assert [each.code for each in problems.value.problems] == ["FF130", "FF234", "FF232", "FF101"]


@pytest.mark.parametrize("step", ["{0: send}", "{-1: send, then: {state: draft}}", "{ana: send, 1: {state: draft}}"])
def test_a_number_is_nobody_and_no_setting(step: str) -> None:
    """A key that YAML reads as a number is told of like any other that is not known."""
    found = mistakes(f"{BEGIN}    steps: [{step}]\n")
    assert [each.code for each in found] == ["FF232"], [str(each) for each in found]


def test_scores_on_a_form_that_is_not_there_are_told_of_where_the_review_names_it() -> None:
    folder = ROOT / "workflows"
    files = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")}
    files["small_grant.yaml"] = files["small_grant.yaml"].replace("    form: score\n", "    form: scoer\n")
    with pytest.raises(Problems) as problems:
        loader.load(files, "small_grant.yaml", examples=True)
    assert {each.code for each in problems.value.problems} == {"FF140"}


def test_a_file_of_its_own_is_read_only_where_it_is_asked_for_and_is_no_part_of_the_digest() -> None:
    text = ESTATE + "examples: cases/estate.yaml\n"
    files = {MAIN: text, "ask.yaml": ASK, "cases/estate.yaml": f"{BEGIN}    then: {{state: draft}}\n"}
    plain, whole = loader.load(files, MAIN), loader.load(files, MAIN, examples=True)
    assert plain.examples == () and [each.name for each in whole.examples] == ["a story"]
    assert plain.sha256 == whole.sha256 and set(plain.files) == {MAIN, "ask.yaml"}
    assert whole.examples_file == "cases/estate.yaml" and whole.examples[0].line == 2
    assert loader.load({MAIN: text, "ask.yaml": ASK}, MAIN).examples == ()


@pytest.mark.parametrize(
    ("case", "code"),
    [(None, "FF231"), ("examples: {a: {stepps: []}}\n", "FF010"), ("stories: {}\n", "FF010"), ("a: [", "FF001")],
)
def test_a_file_of_examples_is_read_as_strictly(case: str | None, code: str) -> None:
    files = {MAIN: ESTATE + "examples: cases/estate.yaml\n", "ask.yaml": ASK}
    if case is not None:
        files["cases/estate.yaml"] = case
    with pytest.raises(Problems) as problems:
        loader.load(files, MAIN, examples=True)
    assert code in [each.code for each in problems.value.problems]


def test_the_schema_knows_examples_and_takes_the_shipped_ones() -> None:
    schema: dict[str, Any] = format.json_schema(format.Examples)
    assert schema["$defs"]["Step"]["additionalProperties"] == {"type": "string"}
    for name in ("small_grant", "global_cities_fund"):
        found = loader.read(ROOT / "workflows" / f"{name}.yaml", examples=True)
        assert found.examples_file == f"cases/{name}.yaml" and len(found.examples) > 20


def test_steps_and_claims_keep_their_lines() -> None:
    workflow = told("{ana: fill ask}", "ana: send\n        then: {state: checking}\n        sends: []")
    first = ESTATE.count("\n") + 5
    (example,) = workflow.examples
    assert [step.line for step in example.steps] == [first, first + 1]
    assert [claim.line for claim in example.steps[1].claims] == [first + 2, first + 3]
    assert estate(f"{BEGIN}    then: {{state: draft}}\n").examples[0].steps[0].line == first - 1
