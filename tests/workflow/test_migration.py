"""How one application comes to another version: moved, held or blocked for a reason, and no bad map is followed."""

# Sentences are easier to read whole.
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.workflow import loader
from fundflow.workflow.definition import Migration, Workflow
from fundflow.workflow.migration import Standing, Verdict, judge, map_for, reverse
from fundflow.workflow.migration_faults import faults
from fundflow.workflow.problems import Problems
from fundflow.workflow.text import Text
from tests.workflow.versions import ASK, REPORT, SCORE, texts, version

RENAMED = (
    ("  review: {", "  assessment: {"),
    (": review,", ": assessment,"),
    ("in: review\n", "in: assessment\n"),
)
FULL: Mapping[str, Any] = {"title": "Homes", "requested": {"minor": 100, "currency": "EUR"}}


@cache
def first() -> Workflow:
    return version(1)


@cache
def renamed() -> Workflow:
    return version(2, *RENAMED)


def to(new: Workflow, standing: Standing, **move: Any) -> Verdict:
    """What becomes of it, by a map that has no faults."""
    given_map = Migration(source=1, **move)
    assert faults(first(), new, given_map) == []
    return judge(first(), new, given_map, standing)


def reasons(verdict: Verdict) -> list[str]:
    return [reason.in_("en") for reason in verdict.reasons]


def test_states_of_the_same_name_map_by_themselves() -> None:
    for state in ("draft", "review", "granted"):
        verdict = to(version(2), Standing(state=state, answers={"ask": FULL}))
        assert (verdict.kind, verdict.state) == ("moves", state)


def test_a_state_without_counterpart_blocks_until_the_map_says_where_it_leads_or_holds_it() -> None:
    standing = Standing(state="review", timers=frozenset({"answer"}))
    verdict = to(renamed(), standing)
    assert verdict.kind == "blocked"
    assert reasons(verdict) == [
        "“Review” has no counterpart in version 2: say in the migration where it leads, or hold it."
    ]
    assert "n’a pas d’équivalent" in verdict.reasons[0].in_("fr")
    moved = to(renamed(), standing, states={"review": "assessment"})
    assert (moved.kind, moved.state, moved.timers) == ("moves", "assessment", {"answer": "keep"})
    held = to(renamed(), standing, hold=frozenset({"review"}))
    assert (held.kind, held.state) == ("held", "review")


def test_a_running_deadline_without_counterpart_blocks_unless_it_is_cancelled() -> None:
    gone = version(2, ("  answer: {in: review, after: 10 days, overdue_with: report_late, to: manager}\n", ""))
    elsewhere = version(2, ("answer: {in: review,", "answer: {in: granted,"))
    standing = Standing(state="review", timers=frozenset({"answer"}))
    for new in (gone, elsewhere):
        assert reasons(to(new, standing)) == [
            "The deadline “Answer” is running and has no counterpart in “Review”: keep it there, or say that it is"
            " cancelled."
        ]
        assert to(new, standing, timers={"answer": "cancel"}).kind == "moves"
    assert to(gone, Standing(state="review")).kind == "moves"


def test_a_new_mandatory_form_that_can_no_longer_be_filled_in_blocks() -> None:
    new = _with_pledge()
    past = to(new, Standing(state="review", answers={"ask": FULL}))
    # It can be sent back and filled in there, so it is within reach.
    assert past.kind == "moves"
    without_back = _with_pledge(("  back: {from: review, to: draft, by: manager, reason: required}\n", ""))
    verdict = to(without_back, Standing(state="review", answers={"ask": FULL}))
    assert reasons(verdict) == [
        "“Grant” needs “Pledge”, which can no longer be filled in from “Review”; not answered: Own share."
    ]
    filled = Standing(state="review", answers={"ask": FULL, "pledge": {"own_share": {"minor": 1, "currency": "EUR"}}})
    assert to(without_back, filled).kind == "moves"
    assert to(without_back, Standing(state="draft")).kind == "moves"
    # What nobody could fill in before either is no reason.
    assert to(version(2), Standing(state="granted")).kind == "moves"


PLEDGE = REPORT.replace("Report", "Pledge").replace("spent", "own_share").replace("Spent", "Own share")


def _with_pledge(*more: tuple[str, str]) -> Workflow:
    changes = (
        ("version: 1\n", "version: 2\n"),
        ("  draft: {edit: {applicant: [ask]}}", "  draft: {edit: {applicant: [ask, pledge]}}"),
        ("report: report.yaml}", "report: report.yaml, pledge: pledge.yaml}"),
        ("when: [{quorum: panel}]", "when: [{quorum: panel}, {complete: pledge}]"),
    )
    return loader.load({**texts(*changes, *more), "pledge.yaml": PLEDGE}, "main.yaml")


def test_a_question_that_became_mandatory_blocks_where_the_form_is_out_of_reach() -> None:
    required = ASK.replace("label: {en: Theme},", "label: {en: Theme}, required: true,")
    new = version(
        2,
        ("granted, by: manager, when: [{quorum: panel}]", "granted, by: manager, when: [{complete: ask}]"),
        ("  back: {from: review, to: draft, by: manager, reason: required}\n", ""),
        ask=required,
    )
    assert reasons(to(new, Standing(state="review", answers={"ask": FULL}))) == [
        "“Grant” needs “Ask”, which can no longer be filled in from “Review”; not answered: Theme."
    ]
    assert to(new, Standing(state="review", answers={"ask": {**FULL, "theme": "homes"}})).kind == "moves"


@pytest.mark.parametrize(
    "score",
    [
        SCORE.replace("weight: 60", "weight: 50").replace("weight: 40", "weight: 50"),
        SCORE.replace("max: 10, weight: 60", "max: 5, weight: 60").replace("max: 10, weight: 40", "max: 5, weight: 40"),
        SCORE.replace("reach:", "breadth:"),
    ],
)
def test_sheets_that_were_sent_under_another_score_form_block(score: str) -> None:
    new = version(2, score=score)
    assert reasons(to(new, Standing(state="review", sheets={"panel": 2}))) == [
        "2 sheets of “Panel” were sent under another score form."
    ]
    assert to(new, Standing(state="review")).kind == "moves"
    # Other words on the sheet are no other sheet.
    worded = version(2, score=SCORE.replace("en: Merit", "en: Merit of the project"))
    assert to(worded, Standing(state="review", sheets={"panel": 2})).kind == "moves"


def test_parts_need_their_states_and_the_types_of_their_columns() -> None:
    new = version(
        2, ("      planned: {label", "      foreseen: {label"), ("pay: {from: planned,", "pay: {from: foreseen,")
    )
    standing = Standing(state="granted", answers={"ask": FULL}, children={"tranche": {"1": "planned", "2": "paid"}})
    assert reasons(to(new, standing)) == ["“Tranche” 1 stands in “Planned”, which has no counterpart in version 2."]
    moved = to(new, standing, states={"tranche.planned": "tranche.foreseen"})
    assert moved.children == {"tranche": {"1": "foreseen", "2": "paid"}}
    typed = version(
        2,
        ("fields: {nr: integer, due: date,", "fields: {nr: string, due: date,"),
        ask=ASK.replace("nr: {type: number", "nr: {type: short_text"),
    )
    assert reasons(to(typed, standing)) == [
        "The columns of “Tranche” are of other types in version 2, and 2 exist already."
    ]


def test_an_answer_that_the_new_version_reads_otherwise_blocks() -> None:
    answers = {"ask": {**FULL, "theme": "homes", "plan": [{"_id": "1", "nr": "1", "due": "2027-01-01"}]}}
    typed = version(2, ask=ASK.replace("title: {type: short_text", "title: {type: long_text"))
    assert reasons(to(typed, Standing(state="draft", answers=answers))) == [
        "The answer to “Title” is kept as “short text”, but version 2 reads it as “long text”."
    ]
    assert to(typed, Standing(state="draft")).kind == "moves"
    fewer = version(2, ask=ASK.replace("homes: {en: Homes}, ", "houses: {en: Houses}, "))
    assert reasons(to(fewer, Standing(state="draft", answers=answers))) == [
        "“Theme” was answered with “Homes”, which version 2 no longer offers."
    ]
    column = version(
        2,
        ("fields: {nr: integer, due: date, amount: money}", "fields: {nr: integer, amount: money}"),
        ask=ASK.replace("due: {type: date", "due: {type: short_text"),
    )
    assert reasons(to(column, Standing(state="draft", answers=answers))) == [
        "The answer to “Due” is kept as “date”, but version 2 reads it as “short text”."
    ]
    forgotten = version(
        2,
        ask=ASK.replace(
            "      theme: {type: choice, label: {en: Theme}, options: {homes: {en: Homes}, work: {en: Work}}}\n", ""
        ),
    )
    verdict = to(forgotten, Standing(state="draft", answers=answers))
    assert verdict.kind == "moves"
    assert [each.in_("en") for each in verdict.warnings] == [
        "The answer to “Theme” is kept, but version 2 no longer shows it."
    ]


def test_a_trace_that_the_new_version_would_not_allow_is_a_warning() -> None:
    new = version(2, ("  back: {from: review, to: draft, by: manager, reason: required}\n", ""))
    steps = (("send", "draft", "review"), ("back", "review", "draft"), ("send", "draft", "review"))
    verdict = to(new, Standing(state="review", steps=steps))
    assert verdict.kind == "moves"
    assert [each.in_("en") for each in verdict.warnings] == [
        "Version 2 would not have let “Back” lead from “Review” to “Draft”."
    ]
    assert to(version(2), Standing(state="review", steps=steps)).warnings == ()


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        ({"source": 7}, "This migration comes from version 7, but the applications have version 1."),
        ({"states": {"reveiw": "assessment"}}, "Version 1 has no state ‘reveiw’; did you mean 'review'?"),
        ({"states": {"review": "asessment"}}, "Version 2 has no state ‘asessment’; did you mean 'assessment'?"),
        ({"states": {"done": "granted"}}, "The migration would re-open what has ended: ‘done’ is an end and ‘granted’ is none."),
        ({"states": {"granted": "done"}}, "The migration would end applications that nobody decided on: ‘done’ is an end and ‘granted’ is none."),
        ({"hold": frozenset({"granded"})}, "Version 1 has no state ‘granded’; did you mean 'granted'?"),
        ({"states": {"draft": "draft"}, "hold": frozenset({"draft"})}, "‘draft’ is both held and moved; it can only be one."),
        ({"timers": {"anser": "cancel"}}, "Version 1 has no deadline ‘anser’; did you mean 'answer'?"),
        ({"timers": {"answer": "drop"}}, "‘answer’ can only be kept, rearmed or cancelled, not ‘drop’."),
        ({"states": {"tranche.planned": "draft"}}, "‘tranche.planned’ cannot become ‘draft’: a part stays of its kind, and an application is none."),
        ({"states": {"draft": "tranche.planned"}}, "‘draft’ cannot become ‘tranche.planned’: a part stays of its kind, and an application is none."),
        ({"states": {"tranch.planned": "tranch.planned"}}, "Version 1 has no kind of part ‘tranch’; did you mean 'tranche'?"),
        ({"states": {"tranche.plannd": "tranche.paid"}}, "Version 1 has no state ‘tranche.plannd’; did you mean 'tranche.planned'?"),
        ({"states": {"tranche.paid": "tranche.planned"}}, "The migration would re-open what has ended: ‘tranche.paid’ is an end and ‘tranche.planned’ is none."),
        ({"fields": {"titel": None}}, "Version 2 has no question ‘titel’; did you mean 'title'?"),
    ],
)  # fmt: skip
def test_every_mistake_of_a_map_is_told_in_its_sentence(move: dict[str, Any], sentence: str) -> None:
    found = faults(first(), renamed(), Migration(**{"source": 1, **move}))
    assert sentence in [fault.in_("en") for fault in found]
    assert all(fault.in_("fr") != fault.in_("en") for fault in found)


def test_no_map_leads_to_another_workflow_or_to_the_same_version_or_ends_silently() -> None:
    other = replace(renamed(), id="another")
    assert "another workflow" in faults(first(), other, Migration(source=1))[0].in_("en")
    assert "nothing to move" in faults(first(), version(1), Migration(source=1))[0].in_("en")
    ended = version(
        2,
        ("  granted: {edit: {applicant: [report]}, view: {applicant: [ask], manager: [ask]}}", "  granted: {final: success, view: {applicant: [ask]}}"),
        ("  finish: {from: granted, to: done, by: applicant, when: [{complete: report}]}\n", ""),
        ("  done: {final: success, view: {applicant: [ask, report], manager: [ask, report]}}\n", ""),
        ("  report_due: {in: granted, after: 12 months, overdue_with: report_late, to: applicant}\n", ""),
    )  # fmt: skip
    [fault] = faults(first(), ended, Migration(source=1))
    assert "would end applications that nobody decided on: ‘granted’" in fault.in_("en")
    assert faults(first(), ended, Migration(source=1, hold=frozenset({"granted"}))) == []


def test_a_map_stands_in_the_new_file_and_is_found_by_the_version_it_comes_from() -> None:
    text = "migrate:\n  - {from: 1, states: {review: assessment, tranche.planned: tranche.planned}, timers: {answer: rearm}}\n"
    new = version(2, *RENAMED, ("timers:\n", text + "timers:\n"))
    move = map_for(first(), new)
    assert move.states == {"review": "assessment", "tranche.planned": "tranche.planned"}
    assert move.timers == {"answer": "rearm"}
    assert faults(first(), new, move) == []
    assert map_for(version(3), new) == Migration(source=3)
    with pytest.raises(Problems, match=r"FF196.*tranche\.plannd"):
        version(
            2,
            (
                "timers:\n",
                text.replace(": tranche.planned}", ": tranche.plannd}").replace("review: assessment, ", "")
                + "timers:\n",
            ),
        )


def test_the_way_back_is_the_map_reversed_or_the_word_irreversible() -> None:
    move = Migration(source=1, states={"review": "assessment"})
    back = reverse(first(), renamed(), move)
    assert isinstance(back, Migration)
    assert back.states == {"assessment": "review"} and back.source == 2
    merged = reverse(first(), version(2), Migration(source=1, states={"review": "draft"}))
    assert isinstance(merged, Text)
    assert merged.in_("en").startswith("irreversible: draft + review both become draft")
    assert merged.in_("fr").startswith("irréversible")
    rewritten = reverse(first(), version(2), Migration(source=1, fields={"title": first().timers["closing"].at}))  # type: ignore[dict-item]
    assert isinstance(rewritten, Text) and "irreversible: the answers to title" in rewritten.in_("en")


# --- any map at all ------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["draft", "review", "assessment", "granted", "done", "nowhere", "", "tranche.planned", "tranche.paid", "tranche.lost",
     "x.planned", "."]
)  # fmt: skip
MAPS = st.builds(
    Migration,
    source=st.sampled_from([1, 1, 1, 2]),
    states=st.dictionaries(NAMES, NAMES, max_size=4),
    hold=st.frozensets(NAMES, max_size=2),
    timers=st.dictionaries(
        st.sampled_from(["closing", "answer", "report_due", "nothing"]),
        st.sampled_from(["keep", "rearm", "cancel", "x"]),
    ),
)
STANDINGS = st.builds(
    Standing,
    state=st.sampled_from(["draft", "review", "granted"]),
    timers=st.frozensets(st.sampled_from(["closing", "answer", "report_due"])),
    sheets=st.dictionaries(st.just("panel"), st.integers(0, 3)),
    answers=st.dictionaries(st.just("ask"), st.just(FULL)),
    children=st.dictionaries(
        st.just("tranche"), st.dictionaries(st.sampled_from("12"), st.sampled_from(["planned", "paid"]), min_size=1)
    ),
)


@given(move=MAPS, standing=STANDINGS)
@settings(max_examples=400, deadline=None)
def test_any_map_is_refused_in_sentences_or_leads_somewhere_that_exists(move: Migration, standing: Standing) -> None:
    old, new = first(), renamed()
    found = faults(old, new, move)
    for fault in found:
        for language in ("en", "fr"):
            assert re.search(r"\w", fault[language]) and "{" not in fault[language]
    named = {*move.states, *move.hold}
    if any(name not in old.states for name in named if "." not in name) or move.source != 1:
        assert found
    if found:
        return
    verdict = judge(old, new, move, standing)
    if verdict.kind == "moves":
        assert verdict.state in new.states and not new.states[verdict.state].is_final
        assert verdict.timers.keys() == standing.timers
        for name, way in verdict.timers.items():
            assert way == "cancel" or verdict.state in new.timers[name].states
        for kind, keys in standing.children.items():
            for key, state in keys.items():
                assert verdict.children[kind][key] in new.children[kind].states
                assert (
                    old.children[kind].states[state].is_final
                    == new.children[kind].states[verdict.children[kind][key]].is_final
                )
    else:
        assert verdict.state == standing.state and verdict.reasons
        assert (verdict.kind == "held") == (standing.state in move.hold)


@given(move=MAPS, standing=STANDINGS)
@settings(max_examples=300, deadline=None)
def test_a_way_that_can_be_gone_back_ends_where_it_began(move: Migration, standing: Standing) -> None:
    old, new = first(), renamed()
    if faults(old, new, move):
        return
    verdict, back = judge(old, new, move, standing), reverse(old, new, move)
    if verdict.kind != "moves" or isinstance(back, Text):
        return
    there = replace(standing, state=verdict.state, children=verdict.children, timers=frozenset())
    home = judge(new, old, back, there)
    assert (home.kind, home.state) == ("moves", standing.state)
    assert home.children == standing.children or not standing.children
