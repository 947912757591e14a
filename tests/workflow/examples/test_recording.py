"""What is recorded passes, and is the same when it was written into a file and read again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundflow.money import Money
from fundflow.workflow import examples, loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.durations import Duration
from fundflow.workflow.examples import Example
from fundflow.workflow.examples.recording import Recorder, record
from fundflow.workflow.examples.statement import Given, Person, Step
from fundflow.workflow.examples.writing import text
from tests.workflow.examples.stories import shipped

NOW = datetime(2027, 1, 11, 14, tzinfo=UTC)
PEOPLE = {
    "small_grant": {
        "ana": ("applicant",),
        "tom": ("officer",),
        "fin": ("finance",),
        "aud": ("auditor",),
        "pat": ("officer", "finance"),
        **dict.fromkeys(("ruth", "ken", "lu"), ("reviewer",)),
    },
    "global_cities_fund": {
        "ana": ("applicant", "signatory"),
        "ines": ("manager",),
        "tom": ("manager",),
        "elena": ("chair",),
        "jonas": ("compliance",),
        "adaeze": ("director",),
        "mette": ("finance",),
        **dict.fromkeys(("ruth", "kenji", "lucia", "samir"), ("committee",)),
    },
}


@cache
def everything(name: str) -> list[Step]:
    """All that anybody could try."""
    workflow = shipped(name)
    found: list[Step] = [Step(line=1, after=Duration.parse(each)) for each in ("1 day", "3 weeks", "5 working days")]
    currency = workflow.currency
    for who in PEOPLE[name]:
        for form in workflow.answer_forms:
            found.append(Step(line=1, who=who, verb="fill", subject=form))
        for transition in workflow.transitions.values():
            given = {"reference": "TR 1", "paid_on": NOW.date(), "amount": Money.of(200000, currency)}
            asked = {key: given.get(key, NOW.date()) for key in transition.input}
            found.append(Step(line=1, who=who, verb="take", subject=transition.id, input=asked, reason="So: “it” is."))
        for kind, child in workflow.children.items():
            for step in child.transitions.values():
                asked = {key: given[key] for key in step.input}
                found.append(
                    Step(line=1, who=who, verb="take", subject=step.id, detail="1", input=asked, reason=f"A {kind}.")
                )
        for task in workflow.tasks.values():
            found += [Step(line=1, who=who, verb="task", subject=task.id, detail=v) for v in task.values or ("done",)]
        for party in ("city", "fund") if workflow.children else ():
            found.append(Step(line=1, who=who, verb="sign", subject=party))
        for review in workflow.reviews.values():
            names = [each for each, roles in PEOPLE[name].items() if review.by in roles]
            found.append(Step(line=1, who=who, verb="ask", subject=review.id, people=tuple(names[:3])))
            found.append(Step(line=1, who=who, verb="score", subject=review.id, scores="8"))
            found.append(Step(line=1, who=who, verb="recuse", subject=review.id))
            found.append(Step(line=1, who=who, verb="discuss", subject=review.id))
        for role in workflow.roles.values():
            if role.kind == "field":
                found.append(Step(line=1, who=who, verb="assign", subject=role.id, detail="tom"))
    return found


def beginning(name: str) -> Given:
    people = tuple(Person(who, roles) for who, roles in PEOPLE[name].items())
    currency = shipped(name).currency
    return Given(now=NOW, floor=Money.of(200000, currency), cap=Money.of(500000, currency), people=people)


def reread(workflow: Workflow, told: Example) -> tuple[Example, ...]:
    """The example as a file has it, read again beside the workflow."""
    main = workflow.files[workflow.main].partition("\nexamples:")[0] + "\nexamples: told.yaml\n"
    files = {**workflow.files, workflow.main: main, "told.yaml": text([told], workflow)}
    return loader.load(files, workflow.main, examples=True).examples


@pytest.mark.parametrize("name", list(PEOPLE))
@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_random_walk_passes_when_it_was_written_and_read_again(name: str, data: st.DataObject) -> None:
    workflow, tries = shipped(name), everything(name)
    recorder = Recorder(workflow, "a walk: wherever it leads", beginning(name))
    for _ in range(20):
        picks = data.draw(st.lists(st.integers(0, len(tries) - 1), min_size=6, max_size=6))
        # Most of what chance picks is refused: only the last of six is taken whatever comes of it.
        for number, pick in enumerate(picks, 1):
            before = recorder.world.copy()
            taken = recorder.take(tries[pick])
            if not taken.refused:
                break
            if number < len(picks):
                recorder.world.restore(before)
                recorder._steps.pop()
    recorder.look()
    told = recorder.example
    assert len(told.steps) == 21
    for each in ((told,), reread(workflow, told)):
        (result,) = examples.run(workflow, each)
        assert [str(difference) for difference in result.differences] == []


def test_what_is_recorded_says_what_was_sent_made_and_refused() -> None:
    workflow = shipped("small_grant")
    steps = [
        Step(line=1, who="tom", verb="take", subject="submit"),
        Step(
            line=1, who="ana", verb="fill", subject="proposal", answers={"requested": {"minor": 1, "currency": "EUR"}}
        ),
        Step(line=1, who="ana", verb="fill", subject="proposal"),
        Step(line=1, who="ana", verb="take", subject="submit"),
    ]
    told = record(workflow, "sent", beginning("small_grant"), steps)
    assert set(told.steps[0].refused) == {"role", "complete", "if"}
    sends = next(claim for claim in told.steps[3].claims if claim.path == "sends")
    assert [(each.template, each.role) for each in sends.value] == [
        ("received", "applicant"),
        ("new_application", "officer"),
    ]
    (result,) = examples.run(workflow, reread(workflow, told))
    assert result.passed and result.steps == 5


def test_recording_can_go_on_from_the_end_of_an_example() -> None:
    workflow = shipped("small_grant")
    recorder = Recorder(workflow, "and on", continues="the grant is approved", examples=workflow.examples)
    recorder.take(Step(line=1, who="tom", verb="take", subject="cancel", reason="No more."))
    assert recorder.world.outcome == "cancelled"
    results = examples.run(workflow, [*workflow.examples, recorder.example])
    assert results[-1].name == "and on" and results[-1].passed
    with pytest.raises(KeyError):
        Recorder(workflow, "x", continues="nothing of the kind", examples=workflow.examples)
