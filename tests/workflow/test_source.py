"""What a file is made of: characters, lines and levels; and files made to be slow are answered as fast as others."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from fundflow.workflow import loader, source
from fundflow.workflow.problems import Problems
from tests.workflow.files import MAIN, texts

HEAD = texts()[MAIN].partition("forms:")[0]
ANCHORS = "".join(f"b{number}: &b{number} [*a, *a, *a]\n" for number in range(4000))
STATES = "".join(f"  s{number}: {{label: {{en: S, fr: S}}}}\n" for number in range(400))
STRAY = "".join(f"  t{number}: {{label: {{}}, from: s0, to: zz{number}, by: officer}}\n" for number in range(800))
UNKNOWN = "".join(f"  s{number}: {{labl: S}}\n" for number in range(10_000))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: x\u2028y", (2, 5), "U+2028, which ends a line to some tools only"),
        ("a: x\u0085y: z", (1, 5), "U+0085, which ends a line to some tools only"),
        ("a: 1\r\nb: 2\rc: 12\x07", (3, 6), "U+0007, a character YAML does not allow"),
        ("a: x\ufeff", (1, 5), "U+FEFF, a character YAML does not allow"),
        ("a: \ud800", (1, 4), "U+D800, a character YAML does not allow"),
    ],
)
def test_a_character_that_readers_take_differently_is_shown_where_it_stands(
    text: str, place: tuple[int, int], words: str
) -> None:
    (problem,) = source.read("a.yaml", text).problems
    assert ((problem.line, problem.column), problem.code) == (place, "FF001")
    assert words in problem.message


def test_values_are_those_of_yaml_1_2_and_never_of_1_1() -> None:
    text = '\ufeffa: 2026-11-23\nb: 1.50\nc: 17\nd: true\ne: ~\nf: \'no\'\ng: [=, <<, "1"]\nh: "\\/"\ni: 0o\n'
    found = source.read("a.yaml", text)
    assert not found.problems
    assert found.data == {
        "a": "2026-11-23", "b": Decimal("1.50"), "c": 17, "d": True, "e": None, "f": "no", "g": ["=", "<<", "1"],
        "h": "/", "i": "0o",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: [1, 2", (1, 4), "check the brackets"),
        ("a: {b: [", (1, 9), "check the brackets"),
        ('a: "b\n', (1, 4), "a quote is opened here and never closed"),
        ("a: 1\n  b: 2\n", (2, 4), "': ' in quotes"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "check the indentation"),
        ("a: 😀: b\n", (1, 5), "': ' in quotes"),
        ("a: @b\n", (1, 4), "put this text in quotes"),
        ("'a': 1\nb\n", (2, 2), "could not find expected ':'"),
        ("%YAML 2.0\n---\na: 1\n", (1, 1), "incompatible YAML document"),
    ],
)
def test_what_is_no_yaml_is_shown_where_it_goes_wrong(text: str, place: tuple[int, int], words: str) -> None:
    (problem,) = source.read("a.yaml", text).problems
    assert ((problem.line, problem.column), problem.code) == (place, "FF001"), problem
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "code", "count"),
    [
        pytest.param("# " + "x" * source.LARGEST, "FF002", 1, id="too large"),
        pytest.param("[" * 260_000, "FF002", 1, id="brackets"),
        pytest.param("a: " + "{a: " * 60_000, "FF002", 1, id="braces"),
        pytest.param("- " * 130_000, "FF002", 1, id="dashes"),
        pytest.param("\n".join(" " * level + "a:" for level in range(700)), "FF002", 1, id="steps"),
        pytest.param("a: &a [x]\n" + ANCHORS, "FF005", 4 * 4000 + 1, id="aliases of aliases"),
        pytest.param("".join(f"k{number}: v\n" for number in range(20_000)), "FF010", 20_000, id="settings"),
        pytest.param(f"{HEAD}states:\n{UNKNOWN}", "FF002", 1, id="10,000 states"),
        pytest.param(f"{HEAD}states:\n{STATES}transitions:\n{STRAY}", "FF101", 800, id="stray steps"),
    ],
)
def test_a_file_made_to_be_slow_is_answered_within_two_seconds(text: str, code: str, count: int) -> None:
    begun = time.process_time()
    with pytest.raises(Problems) as refused:
        loader.load({**texts(), MAIN: text}, MAIN)
    # On cores that others use as well, the processor's own clock runs up to twice as far.
    assert time.process_time() - begun < 4
    assert [problem.code for problem in refused.value.problems].count(code) == count
