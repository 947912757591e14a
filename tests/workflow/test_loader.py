"""Loading gives an immutable workflow, named by the digest of all its texts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fundflow.config import ROOT
from fundflow.workflow import loader
from fundflow.workflow.problems import Problems
from fundflow.workflow.text import Text
from tests.workflow.files import MAIN, changed, small_grant, texts

ONE_LANGUAGE = """
format: fundflow/1
workflow: tiny
version: 7
title: Tiny
currency: XOF
roles:
  applicant: {is: team, duty: focal_point}
  clerk: {is: group, group: fund-managers}
states:
  draft: {}
  sent_in: {final: success}
transitions:
  send_in: {from: draft, to: sent_in, by: [applicant, clerk], confirm: true}
"""


def test_a_workflow_of_one_language_needs_no_labels() -> None:
    workflow = loader.load({"tiny.yaml": ONE_LANGUAGE}, "tiny.yaml")
    assert workflow.transitions["send_in"].label.in_("fr") == "Send in"
    assert workflow.states["sent_in"].label == Text({"en": "Sent in"})
    assert (workflow.initial, workflow.currency, workflow.timezone) == ("draft", "XOF", "UTC")
    assert workflow.roles["applicant"].duty == "focal_point"
    assert workflow.transitions["send_in"].by == {"applicant", "clerk"}


def test_the_digest_covers_the_forms() -> None:
    other = loader.load(changed("words: 15", "words: 16", "forms/small_proposal.yaml"), MAIN)
    assert other.sha256 != small_grant().sha256
    assert (
        loader.load({path: texts()[path] for path in sorted(texts(), reverse=True)}, MAIN).sha256
        == small_grant().sha256
    )
    assert loader.load(small_grant().files, small_grant().main).sha256 == small_grant().sha256
    assert set(small_grant().files) == set(texts())


def test_files_that_nobody_names_are_no_part_of_it() -> None:
    assert loader.load({**texts(), "forms/other.yaml": "x"}, MAIN).sha256 == small_grant().sha256


def test_reading_from_disk_gives_the_same() -> None:
    assert loader.read(ROOT / "workflows" / MAIN).sha256 == small_grant().sha256


def test_problems_of_files_on_disk_carry_the_way_to_them(tmp_path: Path) -> None:
    for path, text in changed("words: 15", "wrods: 15", "forms/small_proposal.yaml").items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    with pytest.raises(Problems) as problems:
        loader.read(tmp_path / MAIN)
    assert str(problems.value).startswith(f"{tmp_path}/forms/small_proposal.yaml:")
    (tmp_path / MAIN).write_bytes(b"\xff\xfe")
    with pytest.raises(Problems, match="not UTF-8"):
        loader.read(tmp_path / MAIN)
    with pytest.raises(Problems, match="no such file"):
        loader.read(tmp_path / "nothing.yaml")


def test_a_definition_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        small_grant().version = 2  # type: ignore[misc]


def test_the_small_grant_is_what_it_says() -> None:
    workflow = small_grant()
    assert list(workflow.states) == ["draft", "review", "approved", "disbursed", "reported"]
    assert {t.end for t in workflow.transitions.values() if t.end} == set(workflow.outcomes)
    assert [t.id for t in workflow.transitions_from("approved")] == ["disburse", "cancel"]
    disburse = workflow.transitions["disburse"]
    asked = {one.id: one.type for one in disburse.input.values()}
    assert asked == {"reference": "text", "paid_on": "date", "amount": "money"}
    assert [effect.kind for effect in disburse.do] == ["ledger", "notify"]
    assert str(workflow.timers["closing"].grace) == "15 minutes"
    assert workflow.reviews["panel"].is_quorum_met(assigned=3, submitted=2, recused=0)


def test_whoever_sends_back_may_differ_by_state() -> None:
    text = ONE_LANGUAGE.replace("  sent_in: {final: success}", "  sent_in: {}\n  done: {final: success}")
    text += """
  back:
    from: [sent_in, draft]
    back_to: {sent_in: draft, draft: draft}
    by: {sent_in: clerk, draft: applicant}
  finish: {from: sent_in, to: done, by: clerk}
"""
    back = loader.load({"t.yaml": text}, "t.yaml").transitions["back"]
    assert [sorted(back.by_from(state)) for state in ("sent_in", "draft", "done")] == [["clerk"], ["applicant"], []]
    assert (back.destination("sent_in"), back.destination("draft")) == ("draft", "draft")


def test_problems_name_the_file_from_here_even_where_its_name_begins_like_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "intake.yaml").write_text("states: {}\n")
    (folder / "inquiry.yaml").write_bytes(b"\xff")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        for name in ("in/intake.yaml", "in/inquiry.yaml"):
            with pytest.raises(Problems) as refused:
                loader.read(Path(name))
            assert {each.file for each in refused.value.problems} == {name}
