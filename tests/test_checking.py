"""`fundflow check` as people, editors and machines call it: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fundflow.cli import main
from fundflow.config import ROOT, Settings
from fundflow.db import db
from fundflow.workflow.checker.codes import BY_ID
from tests import factories as make
from tests.commands import run
from tests.conftest import ON_POSTGRES
from tests.workflow.files import MAIN, texts

FRAGILE = ("    quorum: 2\n", "    quorum: 3\n")
ACCEPT = "accept:\n  - {code: FF164, at: reviews.panel.quorum, because: All three read it., by: 'Ada, 2026-11-20'}\n"


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    """The shipped workflow in a folder of its own, with pieces replaced; without its examples, which tell of it."""
    files = dict(texts())
    files[MAIN] = files[MAIN].replace("examples: cases/small_grant.yaml\n", "")
    for old, new in changes:
        assert old in files[MAIN], old
        files[MAIN] = files[MAIN].replace(old, new, 1)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / MAIN


def check(*words: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)])


def test_a_sound_file_says_so_and_ends_with_nothing(tmp_path: Path) -> None:
    for file in sorted((ROOT / "workflows").glob("*.yaml")):
        done = check(file, "--strict")
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1].startswith(f"{file}: ") and "nothing to mend" in done.output


def test_an_error_has_its_place_and_ends_with_one(tmp_path: Path) -> None:
    file = written(tmp_path, ("      - {ledger: release}\n", ""))
    done = check(file)
    assert done.exit_code == 1
    line = file.read_text().splitlines().index("  cancel:") + 1
    assert f"{file}:{line}:3: FF176 " in done.output
    assert done.output.splitlines()[-1].endswith("1 error, 2 accepted")


def test_a_warning_alone_ends_with_one_only_where_it_is_asked_to(tmp_path: Path) -> None:
    file = written(tmp_path, FRAGILE)
    done = check(file)
    assert done.exit_code == 0 and "warning FF164 one recusal" in done.output
    assert "    mend it, or accept it: - {code: FF164, at: reviews.panel.quorum, because: …, by: …}\n" in done.output
    assert check(file, "--strict").exit_code == 1


def test_an_accepted_warning_is_shown_with_who_answers_for_it_and_blocks_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, FRAGILE, ("accept:\n", ACCEPT))
    done = check(file, "--strict")
    assert done.exit_code == 0
    assert re.search(r":\d+:\d+: accepted FF164 .*\n    Ada, 2026-11-20: All three read it\.\n", done.output)
    assert done.output.splitlines()[-1].endswith("nothing to mend, 3 accepted")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("code: FF164", "code: FF165"), "FF212", "there is no FF165 at 'reviews.panel.quorum' to accept"),
        (("at: reviews.panel.quorum", "at: reviews.panel"), "FF212", "it is found at reviews.panel.quorum"),
        (("code: FF164", "code: FF176"), "FF211", "FF176 is an error (money left behind)"),
        (("code: FF164", "code: FF1640"), "FF210", "did you mean 'FF164'"),
        ((", by: 'Ada, 2026-11-20'", ""), "FF011", "needs 'by'"),
        (("because: All three read it.", 'because: "  "'), "FF012", "because needs a text"),
    ],
)
def test_an_acceptance_that_means_nothing_is_an_error_itself(
    tmp_path: Path, change: tuple[str, str], code: str, words: str
) -> None:
    file = written(tmp_path, FRAGILE, ("accept:\n", ACCEPT.replace(*change)))
    done = check(file)
    assert done.exit_code == 1
    line = file.read_text().splitlines().index("accept:") + 2
    assert re.search(rf":{line}:\d+: {code} .*{re.escape(words)}", done.output), done.output


def test_what_a_file_accepts_need_not_be_found_where_it_depends_on_people_or_dates(tmp_path: Path) -> None:
    accept = ACCEPT.replace("FF164, at: reviews.panel.quorum", "FF134, at: roles.auditor")
    assert check(written(tmp_path, ("accept:\n", accept)), "--strict").exit_code == 0


def test_wrong_calls_and_files_that_cannot_be_read_end_with_two(tmp_path: Path) -> None:
    assert check(tmp_path / "none.yaml").exit_code == 2
    assert check(tmp_path).exit_code == 2
    assert check(written(tmp_path), "--format", "xml").exit_code == 2
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: É".encode("latin-1"))
    done = check(latin)
    assert done.exit_code == 1 and "FF001 this file is not UTF-8" in done.output


def test_json_has_every_finding_with_all_its_keys(tmp_path: Path) -> None:
    file = written(tmp_path, FRAGILE, ("      - {ledger: release}\n", ""), ("accept:\n", ACCEPT))
    done = check(file, "--format", "json")
    assert done.exit_code == 1
    found = json.loads(done.output)
    assert found["format"] == "fundflow-findings/1"
    by_code = {each["code"]: each for each in found["findings"]}
    assert set(by_code) == {"FF148", "FF164", "FF176"}
    assert by_code["FF164"]["accepted"] == {"because": "All three read it.", "by": "Ada, 2026-11-20"}
    assert by_code["FF176"]["accepted"] is None and by_code["FF176"]["severity"] == "error"
    assert by_code["FF176"]["file"] == str(file) and by_code["FF176"]["at"] == "transitions.cancel"
    assert {frozenset(each) for each in found["findings"]} == {frozenset(by_code["FF176"])}
    nothing = check(written(tmp_path), "--format", "json")
    assert nothing.exit_code == 0 and [each["code"] for each in json.loads(nothing.output)["findings"]] == [
        "FF148",
        "FF148",
    ]


def a_sarif_log(log: Any) -> None:
    """What SARIF 2.1.0 requires of a log (§3.13, 3.14, 3.18, 3.19, 3.27 to 3.30, 3.35, 3.49)."""
    assert log["version"] == "2.1.0" and isinstance(log["runs"], list)
    for each in log["runs"]:
        driver = each["tool"]["driver"]
        assert isinstance(driver["name"], str) and driver["name"]
        rules = driver["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert all(isinstance(rule[name]["text"], str) for name in ("shortDescription", "fullDescription", "help"))
            assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert each["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        for result in each["results"]:
            assert result["message"]["text"] and result["level"] in ("none", "note", "warning", "error")
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert re.fullmatch(r"[^ \\<>]+", place["artifactLocation"]["uri"])
                assert min(place["region"]["startLine"], place["region"]["startColumn"]) >= 1
            for flow in result.get("codeFlows", ()):
                assert flow["threadFlows"] and all(part["locations"] for part in flow["threadFlows"])
            for suppression in result.get("suppressions", ()):
                assert suppression["kind"] in ("inSource", "external") and suppression["justification"]


def test_sarif_is_a_log_of_one_run_and_says_what_is_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    file = written(folder, FRAGILE, ("      - {ledger: release}\n", ""), ("accept:\n", ACCEPT))
    log = json.loads(check(file, "--format", "sarif").output)
    a_sarif_log(log)
    results = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    assert results["FF164"]["suppressions"][0]["justification"] == "Ada, 2026-11-20: All three read it."
    assert results["FF164"]["level"] == "warning" and "suppressions" not in results["FF176"]
    assert "with%20space" in results["FF176"]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    rules = {rule["id"]: rule for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert rules["FF164"]["help"]["text"] == BY_ID["FF164"].mend
    broken = json.loads(check(written(folder, ("to: review\n", "to: reveiw\n")), "--format", "sarif").output)
    a_sarif_log(broken)
    assert [result["ruleId"] for result in broken["runs"][0]["results"]] == ["FF101"]


def test_an_installation_is_asked_for_its_messages(tmp_path: Path, settings: Settings) -> None:
    file = str(written(tmp_path, ("{notify: received, to: applicant}", "{notify: recieved, to: applicant}")))
    assert run(settings.instance, "check", file).returncode == 0
    done = run(settings.instance, "check", file, "--installed")
    assert done.returncode == 1
    assert "FF180 there is no message 'recieved' here; did you mean 'received'?" in done.stdout


@pytest.mark.skipif(ON_POSTGRES, reason="the commands run on an embedded database of their own")
@pytest.mark.usefixtures("app")
def test_a_live_one_is_asked_for_its_people_versions_and_applications(tmp_path: Path, settings: Settings) -> None:
    cast = make.a_cast()
    round_ = make.a_round()
    application = make.an_application(round_, state="review")
    sooner = ("    after: 12 months\n", "    after: 6 months\n")
    nobody = ("group: finance", "group: compliance")
    gone = written(tmp_path, ("version: 1\n", "version: 2\n"), sooner, nobody)
    text = gone.read_text().replace("  review:\n    label", "  panel_review:\n    label", 1)
    text = re.sub(r"\b(to|in|from): review\b", r"\1: panel_review", text).replace(
        "[draft, review]", "[draft, panel_review]"
    )
    gone.write_text(text)
    assert cast.manager.name and application.number
    db.session.rollback()
    done = run(
        settings.instance, "check", str(gone), "--live", "--format", "json", FUNDFLOW_DATABASE_URL=settings.database_url
    )
    found = {each["code"]: each for each in json.loads(done.stdout)["findings"]}
    assert {"FF195", "FF201", "FF134"} <= found.keys(), done.stdout
    assert found["FF134"]["message"].startswith("role 'finance' has no members now")
    assert found["FF195"]["message"].startswith("1 application now in 'review' (version 1) would be stranded")
    assert f"the round “{round_.title}” is open by version 1" in found["FF201"]["message"]
    assert done.returncode == 1


def test_duties_are_proven_apart_or_the_way_to_do_them_all_is_printed(tmp_path: Path) -> None:
    done = check(ROOT / "workflows" / MAIN, "--separate", "submit,decide,pay")
    assert done.exit_code == 0
    assert "decide: approve\n" in done.output
    assert "no one person can submit, decide and pay: proved over all paths (7 situations)\n" in done.output
    assert "no one person can decide and pay: proved over all paths" in done.output
    broken = written(
        tmp_path,
        ("group: fund-managers, never_also: [applicant],", "group: fund-managers,"),
        ("group: finance, never_also: [officer, applicant],", "group: finance,"),
        ("    not_same_actor_as: [approve]\n", ""),
    )
    done = check(broken, "--separate", "submit,decide,pay")
    assert done.exit_code == 1
    assert (
        "one person can submit, decide and pay as 'applicant', 'finance' and 'officer': submit → approve → disburse\n"
    ) in done.output


def test_unknown_duties_are_a_wrong_call(tmp_path: Path) -> None:
    for duties, words in (("submit,payy", "did you mean 'pay'?"), ("submit", "name two duties or more")):
        done = check(ROOT / "workflows" / MAIN, "--separate", duties)
        assert done.exit_code == 2
        assert words in done.output


@pytest.mark.usefixtures("app")
def test_people_who_could_do_it_all_are_named(tmp_path: Path, settings: Settings) -> None:
    cast = make.a_cast()
    name = cast.manager.name
    db.session.rollback()
    both = ("    to: approved\n    by: officer", "    to: approved\n    by: [officer, auditor]")
    file = written(tmp_path, both, ("    not_same_actor_as: [approve]\n", ""))
    text = file.read_text().replace("group: auditors, label", "group: fund-managers, label")
    file.write_text(text.replace("group: finance, never_also: [officer, applicant],", "group: fund-managers,"))
    words = ("--live", "--separate", "decide,pay")
    done = run(settings.instance, "check", str(file), *words, FUNDFLOW_DATABASE_URL=settings.database_url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"(now: {name})" in done.stdout
