"""What differs between two versions, in sentences: nothing is missed, nothing is made up, and its kind is right."""

# Sentences are easier to read whole.
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.config import ROOT
from fundflow.workflow import definition, diff, diff_forms, diff_timers, diff_transitions, forms, loader
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diff import Change, changes, heaviest
from fundflow.workflow.differences import KINDS
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression, compile_expression
from fundflow.workflow.text import Text
from tests.workflow.files import MAIN, changed, small_grant

WORKFLOWS = sorted((ROOT / "workflows").glob("*.yaml"))


def after(old: str, new: str, file: str = MAIN) -> list[Change]:
    """The changes after one text of the shipped file is replaced."""
    return changes(small_grant(), loader.load(changed(old, new, file), MAIN))


def said(found: list[Change], language: str = "en") -> list[str]:
    return [change.says.in_(language) for change in found]


@pytest.mark.parametrize(
    ("old", "new", "kind", "sentence"),
    [
        ("    quorum: 2", "    quorum: 3", "policy", "The quorum of “Panel scores” is 3; it was 2."),
        ("after: 12 months", "after: 3 months", "policy", "The time until “Report due” is due is 3 months; it was 12 months."),
        (
            "officer: [proposal, panel, report], auditor: [proposal, panel, report], finance: [proposal]}",
            "officer: [proposal, panel], auditor: [proposal, panel, report], finance: [proposal]}",
            "policy",
            "“Fund manager” can no longer read “Report” in “Paid”.",
        ),
        (
            "    from: review\n    end: declined\n    by: officer",
            "    from: [review, approved]\n    end: declined\n    by: officer",
            "policy",
            "“Fund manager” may now also do “Decline” from “Approved”.",
        ),
        (
            "    from: review\n    end: declined\n    by: officer",
            "    from: review\n    end: declined\n    by: [officer, finance]",
            "policy",
            "“Finance” may now also do “Decline” from “Under review”.",
        ),
        (
            "    when: [{quorum: panel}]\n",
            "",
            "policy",
            "“Decline” no longer asks that the quorum of “Panel scores” is met.",
        ),
        (
            "reviews.panel.score >= 6.0",
            "reviews.panel.score >= 7.0",
            "policy",
            "“Approve the grant” now asks that the score of “panel” is given, and the score of “panel” is at least 7; it asked that the score of “panel” is given, and the score of “panel” is at least 6.",
        ),
        ("to: disbursed", "to: reported", "policy", "“Record the payment” from “Approved” now leads to “Reported”; it led to “Paid”."),
        ("{en: Approved, fr: Approuvée}", "{en: Granted, fr: Accordée}", "text", "The name of “Approved” is “Granted”; it was “Approved”."),
        ("    reason: required\n    when: [{quorum", "    when: [{quorum", "policy", "Whether “Decline” asks for a reason is no; it was yes."),
        ("    grace: 15 minutes\n", "", "policy", "The grace of “Closing of the round” is no longer set; it was 15 minutes."),
        ("    final: success", "    final: failure", "structure", "How “Reported” ends an application is “failure”; it was “success”."),
        ("timezone: Europe/Paris", "timezone: Africa/Nairobi", "policy", "The time zone is “Africa/Nairobi”; it was “Europe/Paris”."),
        ("      - {document: agreement}\n", "", "policy", "“Approve the grant” no longer causes this: the document “agreement” is made."),
        (
            "      en: Only {ledger.available} is left in this round; {application.requested} is asked for.",
            "      en: You ask for {application.requested}, and no more than {ledger.available} is left.",
            "text",
            "What “Approve the grant” says when this is not met is worded differently: “Amount requested” is at most the money still available.",
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_in_a_plain_sentence(old: str, new: str, kind: str, sentence: str) -> None:
    [change] = after(old, new)
    assert (change.kind, change.says.in_("en")) == (kind, sentence)
    french = change.says.in_("fr")
    assert french != sentence and french.endswith(".")


def test_changes_of_a_form_are_told_with_the_question() -> None:
    form = small_grant().forms["proposal"]
    title = form.fields["title"]
    other = replace(title, type="long_text", required=not title.required, words=(title.words or 0) + 10)
    found = changes(small_grant(), _with_field(small_grant(), "proposal", other))
    assert {(change.kind, change.place.rpartition(".")[2]) for change in found} == {
        ("structure", "type"),
        ("policy", "required"),
        ("policy", "words"),
    }
    assert all(f"“{title.label}”" in sentence for sentence in said(found))


def _with_field(workflow: Workflow, name: str, field: forms.Field) -> Workflow:
    form = workflow.forms[name]
    sections = tuple(
        replace(section, fields=tuple(field if each.id == field.id else each for each in section.fields))
        for section in form.sections
    )
    return replace(workflow, forms={**workflow.forms, name: replace(form, sections=sections)})


def test_a_new_state_and_the_step_into_it_are_structure_and_policy() -> None:
    found = after(
        "  approved:\n    label: {en: Approved",
        "  waiting:\n    label: {en: Waiting list, fr: Liste d’attente}\n    view: {officer: [proposal]}\n"
        "  approved:\n    label: {en: Approved",
    )
    assert [(each.kind, each.place) for each in found] == [("structure", "states.waiting")]
    assert said(found) == ["There is a new state, “Waiting list”."]
    assert said(found, "fr") == ["Une nouvelle étape : « Liste d’attente »."]


def test_heaviest_change_decides_the_class_of_the_whole() -> None:
    assert heaviest([]) is None
    text, policy, structure = (Change(kind, "", Text.same("x")) for kind in KINDS)
    assert heaviest([text, text]) == "text"
    assert heaviest([text, policy, text]) == "policy"
    assert heaviest([structure, policy, text]) == "structure"


def test_texts_of_mails_and_documents_are_compared_where_both_have_them() -> None:
    old = replace(small_grant(), templates={"mail/received.txt": "a", "mail/_layout.txt": "b", "agreements/g.css": "c"})
    new = replace(old, templates={"mail/received.fr.json": "x", "mail/_layout.txt": "B", "agreements/g.css": "c"})
    found = changes(old, new)
    assert {(each.kind, each.place) for each in found} == {
        ("text", "templates.mail.received"),
        ("text", "templates.mail._layout"),
    }
    assert changes(old, small_grant()) == []


def test_every_field_of_a_definition_is_compared() -> None:
    """A part that gets a new field must say how two values of it differ, or this fails."""
    compared: dict[type, set[str]] = {}
    for module in (diff, diff_forms, diff_timers, diff_transitions):
        compared |= module.COMPARED
    compared |= {
        definition.Task: {*diff.TASK, "values"},
        definition.Signatures: {*diff.SIGNATURES, "parties"},
        definition.Phase: {"label", "states"},
        definition.Calendar: {*diff.CALENDAR, "week"},
    }
    not_rules = {
        definition.Workflow: set("version main files sha256 migrations accepted places examples examples_file".split()),
        # How to get here is no rule of the version; a placeholder follows from the words.
        definition.When: {"mentions"},
    }
    parts = [
        each for each in vars(definition).values() if is_dataclass(each) and each.__module__ == definition.__name__
    ]
    parts += [forms.Form, forms.Section, forms.Field, forms.Option]
    for part in parts:
        if part in (definition.Migration, definition.Acceptance):
            continue
        assert isinstance(part, type)
        known = {each.name for each in fields(part) if each.init and each.name != "id"} - not_rules.get(part, set())
        assert known == compared[part] - {"id"}, part.__name__


# --- every mechanical mutation is seen ----------------------------------------------------------------------------


@cache
def _shipped(path: Path) -> Workflow:
    return loader.read(path)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_does_not_differ_from_itself(path: Path) -> None:
    assert changes(_shipped(path), loader.read(path)) == []


def mutants(workflow: Workflow) -> Iterator[tuple[str, Workflow]]:
    """Every workflow with one thing of it changed, and where that was."""
    skipped = tuple("files sha256 migrations accepted places version main templates mentions".split())
    skipped += ("examples", "examples_file")
    yield from _mutated(workflow, "", skipped)


def _mutated(value: Any, where: str, skipped: tuple[str, ...] = ("mentions",)) -> Iterator[tuple[str, Any]]:
    """This value with one thing in it changed: dropped, doubled in number, renamed, switched."""
    match value:
        case bool():
            yield where, not value
        case int() | Decimal():
            yield where, value + 1
        case None:
            return
        case Text():
            for language in value:
                yield f"{where}:words", Text({**value, language: value[language] + " changed"})
        case Duration():
            yield where, replace(value, days=value.days + 1)
        case Expression():
            yield where, replace(value, source=f"!({value.source})")
        case str():
            # A workflow looks up its zone when it is made, so that one must be a real one.
            yield where, "Pacific/Auckland" if where == "timezone" else f"{value}x"
        case frozenset():
            for each in value:
                yield where, value - {each}
        case tuple():
            for n, each in enumerate(value):
                yield where, value[:n] + value[n + 1 :]
                for inner, other in _mutated(each, where):
                    yield inner, (*value[:n], other, *value[n + 1 :])
        case Mapping():
            for name, each in value.items():
                yield f"{where}.{name}", {key: item for key, item in value.items() if key != name}
                for inner, other in _mutated(each, f"{where}.{name}"):
                    yield inner, {**value, name: other}
        case _ if is_dataclass(value):
            for field in fields(value):
                # A name is its key, and fields of a form follow from its sections.
                if (
                    not field.init
                    or field.name in (*skipped, "id")
                    or (isinstance(value, forms.Form) and field.name == "fields")
                ):
                    continue
                if field.name == "kind" and not isinstance(value, definition.Role):
                    continue  # of another kind it would be another condition or effect, not a changed one
                at = f"{where}.{field.name}" if where else field.name
                if field.name == "ledger" and isinstance(value, definition.Effect):
                    if value.ledger:
                        yield at, replace(value, ledger="release" if value.ledger == "close" else "close")
                    continue
                for inner, other in _mutated(getattr(value, field.name), at):
                    yield inner, replace(value, **{field.name: other})  # type: ignore[type-var]


def expected_kind(where: str) -> set[str]:
    """What kind the change at this place must have, by the design's own words."""
    path = where.split(".")
    if where.endswith(":words") or path[0] in ("phases", "languages", "title"):
        # Words are text; an outcome's or a state's words too.
        return {"text"}
    if path[0] in ("transitions", "timers", "roles", "calendar", "timezone", "outcomes"):
        return {"policy"}
    if path[0] == "states" and len(path) > 2 and path[2] in ("edit", "view", "shown_as", "tasks", "signatures"):
        return {"policy"}
    if path[0] in ("states", "currency", "initial", "id"):
        return {"structure"}
    return {"text", "policy", "structure"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_single_mutation_of_a_shipped_workflow_is_told(path: Path) -> None:
    workflow = _shipped(path)
    seen = 0
    every = list(mutants(workflow))
    # Of a long file some hundreds, spread over all of it, are as good a test as all.
    for where, mutant in every[:: max(1, len(every) // 300)]:
        seen += 1
        found = changes(workflow, mutant)
        # A help or an explanation that is dropped is only words; so is what a role may do where it is not asked.
        if _is_meaningless(where, workflow, mutant):
            continue
        assert found, where
        kinds = {change.kind for change in found}
        if where.rpartition(".")[2] in ("help", "label", "says"):
            assert kinds == {"text"}, (where, said(found))
        assert kinds & expected_kind(where), (where, said(found))
        for change in found:
            for language in ("en", "fr"):
                assert re.search(r"\w", change.says[language]) and not re.search(
                    r"\{(what|name|who|where|new|old)\}", change.says[language]
                )
    assert seen >= 300


def _is_meaningless(where: str, workflow: Workflow, mutant: Workflow) -> bool:
    """A union that only repeats what stands by state is no rule; so is a destination that every source overrules."""
    path = where.split(".")
    if "transitions" not in path:
        return False
    name = path[path.index("transitions") + 1]
    steps = [
        flow.transitions.get(name)
        or next(
            (
                child.transitions[f"{child.id}.{name.rpartition('.')[2]}"]
                for child in flow.children.values()
                if f"{child.id}.{name.rpartition('.')[2]}" in child.transitions
            ),
            None,
        )
        for flow in (workflow, mutant)
    ]
    old, new = steps
    if old is None or new is None:
        return False
    if path[-1].startswith("by") or path[-2].startswith("by"):
        return all(diff_transitions._by(old, state) == diff_transitions._by(new, state) for state in old.sources)
    return False


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_two_mutations_are_told_as_surely_as_one(data: st.DataObject) -> None:
    workflow = small_grant()
    all_of_them = _all_mutants()
    where, first = data.draw(st.sampled_from(all_of_them))
    other, second = data.draw(st.sampled_from(all_of_them))
    if _is_meaningless(where, workflow, first) and _is_meaningless(other, workflow, second):
        return
    one, two = changes(workflow, first), changes(workflow, second)
    # Told in the other direction, something differs too.
    assert bool(changes(first, workflow)) == bool(one)
    if first != second and where.split(".")[:2] != other.split(".")[:2]:
        assert changes(first, second), (where, other)
    assert heaviest(one + two) == max((heaviest(one) or "text", heaviest(two) or "text"), key=KINDS.index)


@cache
def _all_mutants() -> list[tuple[str, Workflow]]:
    return list(mutants(small_grant()))


def test_an_expression_with_other_words_is_another_condition() -> None:
    workflow = small_grant()
    environment: dict[str, Any] = {}
    with_new = compile_expression("1 < 2", environment, "EUR")
    timer = replace(workflow.timers["closing"], at=with_new)
    [change] = changes(workflow, replace(workflow, timers={**workflow.timers, "closing": timer}))
    assert change.says.in_("en") == (
        "The moment at which “Closing of the round” is due is 1 is less than 2; it was the closing of the round."
    )
