"""Arbitrary text is checked in safety: whatever it is, an answer comes within two seconds, and the next one too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from fundflow.studio import checking

MAIN = "main.yaml"
SMALL = {
    path.relative_to("workflows").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(Path("workflows").rglob("small*.yaml"))
}
HEAD = (
    "format: fundflow/1\nworkflow: odd\nversion: 1\ntitle: {en: Odd}\ncurrency: EUR\n"
    "calendar: {timezone: UTC}\nroles: {city: {is: team}}\nforms: {}\n"
)


@pytest.fixture(autouse=True)
def reader(app: Flask) -> Iterator[None]:
    """Sentences are told to somebody; the process is there, as it is once a draft is open."""
    with app.test_request_context():
        checking.look(SMALL, "small_grant.yaml", frozenset())
        yield


def looked(text: str, **more: str) -> tuple[checking.Looked, float]:
    began = time.monotonic()
    found = checking.look({MAIN: text, **more}, MAIN, frozenset())
    return found, time.monotonic() - began


def states(count: int) -> str:
    steps = "".join(f"  go{n}: {{from: s{n}, to: s{n + 1}, by: city}}\n" for n in range(min(count - 1, 2500)))
    return HEAD + "states:\n" + "".join(f"  s{n}: {{}}\n" for n in range(count)) + "transitions:\n" + steps


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)
BRACKETS = "(" * 32_000 + "1" + ")" * 32_000
LONG = " && ".join(["application.requested > money('1')"] * 1900)
ODD = {
    "larger than 256 KB": "a: " + "x" * (256 * 1024),
    "just below 256 KB": HEAD + "states:\n" + "".join(f"  s{n}: {{final: success}}\n" for n in range(9800)),
    "an alias bomb": BOMB,
    "nested deeply": "a: " + "[" * 5000 + "]" * 5000,
    "nested in braces": "{a: " * 2000 + "1" + "}" * 2000,
    "10,000 states": states(10_000),
    "64 KB expression": HEAD + f'states: {{a: {{}}}}\nrules: {{r: {{if: "{LONG}", else: {{en: No}}}}}}\n',
    "64 KB of brackets": HEAD + f'states: {{a: {{}}}}\nrules: {{r: {{if: "{BRACKETS}", else: {{en: No}}}}}}\n',
    "a rule of itself": HEAD + "states: {a: {}}\nrules: {r: {if: r, else: {en: No}}}\n",
    "not text at all": "\x01\x02\ufffe\x7f" * 400,
    "nothing": "",
    "one tab": "a:\n\t- b\n",
}


@pytest.mark.parametrize("what", ODD)
def test_whatever_it_is_it_is_answered_within_two_seconds_with_a_sentence(what: str) -> None:
    found, seconds = looked(ODD[what])
    assert seconds < 2.0, f"{what}: {seconds:.2f} s"
    assert not found.loads
    assert found.errors and all(len(each.message) > 10 for each in found.errors)


@pytest.mark.parametrize("what", ["10,000 states", "an alias bomb", "nested deeply"])
def test_the_next_text_is_checked_as_if_nothing_had_been(what: str) -> None:
    looked(ODD[what])
    checking.warm()
    time.sleep(1)
    assert checking.look(SMALL, "small_grant.yaml", checking_templates()).loads


def checking_templates() -> frozenset[str]:
    from fundflow.lifecycle.publishing import known_templates

    return known_templates({})


HARD = {
    "a product of many unknowns": " * ".join(["application.requested.amount"] * 9) + " > 7",
    "as many cases as there are numbers": " || ".join(f"application.requested == money('{n}')" for n in range(1500)),
    "conditions within conditions": "(" * 60
    + "application.requested > money('1')"
    + " && today > date('2026-01-01'))" * 60,
}


@pytest.mark.parametrize("what", HARD)
def test_what_is_hard_to_prove_is_answered_in_time_as_well(what: str) -> None:
    text = SMALL["small_grant.yaml"].replace("if: application.requested >= round.floor", f'if: "{HARD[what]}"')
    began = time.monotonic()
    found = checking.look({**SMALL, "small_grant.yaml": text}, "small_grant.yaml", checking_templates())
    assert time.monotonic() - began < 2.0
    assert found.loads or found.errors


def test_too_many_files_and_too_much_of_them_is_said_before_anything_is_read() -> None:
    found, seconds = looked(HEAD, **{f"f{n}.yaml": "x" for n in range(checking.MOST_FILES)})
    assert "files" in found.findings[0].message and seconds < 0.5
    found, seconds = looked(HEAD, **{f"f{n}.yaml": "x" * 250_000 for n in range(10)})
    assert "2 MB" in found.findings[0].message and seconds < 0.5


def test_a_mistake_is_told_with_its_line_and_what_was_meant() -> None:
    wrong = SMALL["small_grant.yaml"].replace("by: officer, group: reviewers", "by: oficer, group: reviewers")
    found = checking.look({**SMALL, "small_grant.yaml": wrong}, "small_grant.yaml", checking_templates())
    line = 1 + wrong[: wrong.index("oficer")].count("\n")
    assert [(each.line, "did you mean 'officer'" in each.message) for each in found.errors] == [(line, True)]


def test_the_picture_of_a_file_that_cannot_be_drawn_is_its_mistakes() -> None:
    drawn = checking.drawn(SMALL, "small_grant.yaml", checking_templates(), "en")
    assert drawn.loads and drawn.answer["svg"].startswith("<svg")
    wrong = checking.drawn({MAIN: states(10_000)}, MAIN, frozenset(), "en")
    assert not wrong.answer.get("svg") and wrong.errors
