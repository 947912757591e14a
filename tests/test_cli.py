"""Every command as a person types it; what serves, and what must hold at its end, is a process of its own."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from fundflow.cli import main
from fundflow.config import ROOT
from tests.commands import Running, run, run_alone
from tests.conftest import ON_POSTGRES

pytestmark = pytest.mark.skipif(ON_POSTGRES, reason="the commands run on an embedded database of their own")

GOOD = str(ROOT / "workflows" / "small_grant.yaml")


def called(*words: str, **more: str) -> Result:
    """What a command answers in this process: for what needs no server of its own, a third of the time."""
    return CliRunner(env=more).invoke(main, words)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Running]]:
    """Commands that are certainly ended with the test."""
    started: list[Running] = []
    yield started
    for each in started:
        each.close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """An installation in which the demo was told once, and what was said; verifying reads it, tampering copies it."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder, "demo", "--keep", str(folder))


def test_the_readme_names_every_command_and_every_command_explains_itself() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, command in main.commands.items():
        assert f"`fundflow {name}" in readme, name
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0 and (command.help or "").split("\n")[0][:40] in shown.output


def test_run_serves_loads_the_demo_once_and_stops_when_told(tmp_path: Path, running: list[Running]) -> None:
    server = Running(tmp_path, "run")
    running.append(server)
    address = server.until(r"ready at (\S+)").replace("localhost", "127.0.0.1")
    assert "loaded the demo" in server.said
    with urllib.request.urlopen(f"{address}/rounds") as answer:
        assert answer.status == 200 and "Welcoming cities" in answer.read().decode()
    taken = run_alone(tmp_path, "run", PORT=address.rpartition(":")[2])
    assert taken.returncode == 1
    assert re.fullmatch(r"Error: cannot listen on 127\.0\.0\.1:\d+ \(.+\); choose another port, .+\n", taken.stderr)
    assert server.stop() == 0
    assert "welcome-to-fundflow" in server.said and "stopping" in server.said
    # The second start finds everything there; the worker of its own finds nothing to do and ends when told.
    again, worker = Running(tmp_path, "run", FUNDFLOW_EMBEDDED_WORKER="no"), Running(tmp_path, "worker")
    running += [again, worker]
    again.until("ready at")
    assert "loaded the demo" not in again.said
    worker.until("working")
    assert again.stop(signal.SIGINT) == 0
    assert worker.stop() == 0 and "stopped" in worker.said
    seeded = run_alone(tmp_path, "seed")
    assert seeded.returncode == 0 and "nothing was loaded" in seeded.stdout


def test_settings_that_cannot_be_used_are_all_told_before_anything_is_made(tmp_path: Path) -> None:
    instance = tmp_path / "never"
    done = run(instance, "run", PORT="eighty", FUNDFLOW_UPLOAD_MB="many", FUNDFLOW_PROT="1")
    assert done.returncode == 1 and not instance.exists()
    for name in ("PORT='eighty'", "FUNDFLOW_UPLOAD_MB='many'", "FUNDFLOW_PROT is not a setting"):
        assert name in done.stderr


@pytest.mark.parametrize("command", ["seed", "worker", "verify"])
def test_without_a_database_a_sentence_says_how_to_make_one(tmp_path: Path, command: str) -> None:
    done = called(command, FUNDFLOW_INSTANCE=str(tmp_path))
    assert done.exit_code == 1
    assert "cannot be opened" in done.stderr and "fundflow upgrade" in done.stderr
    assert not (tmp_path / "fundflow.db").exists()


def test_the_schema_goes_up_down_and_up(tmp_path: Path) -> None:
    up = run(tmp_path, "upgrade")
    assert up.returncode == 0 and up.stdout.startswith("schema at ")
    down = run(tmp_path, "upgrade", "base")
    assert down.stdout == "schema at the beginning\n"
    with sqlite3.connect(tmp_path / "fundflow.db") as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert tables <= {"alembic_version"}
    assert run(tmp_path, "upgrade").stdout == up.stdout
    unknown = run(tmp_path, "upgrade", "nowhere")
    assert unknown.returncode == 1 and "nowhere" in unknown.stderr


def test_the_demo_ends_with_an_agreement_and_a_whole_record(
    told: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, demo = told
    assert demo.returncode == 0, demo.stderr
    lines = demo.stdout.splitlines()
    assert lines[-1].startswith("audit: ") and lines[-2].startswith("agreement: ")
    assert Path(lines[-2].removeprefix("agreement: ")).read_bytes().startswith(b"%PDF-")
    for step in ("submit", "conflict", "sends scores", "approve", "disburse", "report"):
        assert step in demo.stdout
    again = run(folder, "demo", "--keep", str(folder))
    assert again.returncode == 1 and "holds an installation already" in again.stderr


def test_verify_finds_a_record_whole_and_names_the_one_that_was_touched(
    told: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = told
    whole = run(folder, "verify")
    assert whole.returncode == 0, whole.stdout
    with sqlite3.connect(folder / "fundflow.db") as theirs, sqlite3.connect(tmp_path / "fundflow.db") as ours:
        theirs.backup(ours)
        # Whoever can write to the file can also drop what guards it against mistakes.
        for (guard,) in ours.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ours.execute(f'DROP TRIGGER "{guard}"')
        (number,) = ours.execute("SELECT number FROM applications").fetchone()
        changed = ours.execute("UPDATE events SET subject = 'As agreed.' WHERE seq = 2")
        assert changed.rowcount == 1
    theirs.close()
    ours.close()
    touched = run(tmp_path, "verify")
    assert touched.returncode == 1
    assert number in touched.stdout


def test_check_says_that_a_good_file_is_good_and_where_a_bad_one_is_not(tmp_path: Path) -> None:
    good = called("check", GOOD)
    assert good.exit_code == 0 and "nothing to mend" in good.stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text(Path(GOOD).read_text().replace("to: review\n", "to: reveiw\n").replace("quorum: 2", "quorum: two"))
    (tmp_path / "forms").symlink_to(ROOT / "workflows" / "forms")
    done = called("check", str(bad))
    assert done.exit_code == 1
    *lines, summary = done.stdout.splitlines()
    assert summary == f"{bad}: {len(lines)} errors"
    assert len(lines) >= 2 and all(re.match(r".*bad\.yaml:\d+:\d+: [A-Z]+\d+ ", line) for line in lines), done.stdout
    assert "review" in done.stdout
    missing = called("check", str(tmp_path / "none.yaml"))
    assert missing.exit_code == 2 and "does not exist" in missing.stderr


def test_draw_makes_a_picture_and_a_text(tmp_path: Path) -> None:
    picture = ElementTree.fromstring(called("draw", GOOD, "--language", "fr").stdout)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "En évaluation" in "".join(picture.itertext())
    written = tmp_path / "flow.mmd"
    done = called("draw", GOOD, "--format", "mermaid", "-o", str(written))
    assert done.stdout == f"wrote {written}\n" and written.read_text().startswith("stateDiagram-v2")
    table = called("draw", GOOD, "--format", "table").stdout
    assert "| Under review | Approve the grant | Fund manager | Approved | commits money |" in table
    own = called("draw", GOOD, "--role", "finance", "--shape", "tall").stdout
    assert "flow--tall flow--role" in own and "prefers-color-scheme: dark" in own


def test_draw_names_the_role_that_was_meant_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    wrong = called("draw", GOOD, "--role", "revewer")
    assert wrong.exit_code == 1
    assert wrong.stderr == "Error: there is no role 'revewer'; did you mean 'reviewer'?\n"
    nowhere = called("draw", GOOD, "-o", str(tmp_path / "no" / "flow.svg"))
    assert nowhere.exit_code == 1 and "cannot be written: No such file" in nowhere.stderr


def test_routes_lists_every_address_with_who_may_use_it(tmp_path: Path) -> None:
    lines = run(tmp_path, "routes").stdout.splitlines()
    assert len(lines) > 60 and not any(line.endswith("nobody") for line in lines)
    assert any(re.fullmatch(r"/audit\s+GET\s+auditors", line) for line in lines)
    assert not (tmp_path / "fundflow.db").exists()


def test_why_tells_each_condition_and_names_what_was_meant(
    told: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, demo = told
    found = re.search(r"SG-\d{4}-0001", demo.stdout)
    assert found
    said = run(folder, "why", found[0], "approve", "ines@fund.example")
    assert said.returncode == 0
    assert said.stdout.startswith(
        "refused\n  FAILS  state: This can no longer be done: the application is now in “Reported”."
    )
    assert "ledger.available = 110000.00 EUR" in said.stdout
    assert '"allowed": false' in run(folder, "why", found[0], "approve", "ines@fund.example", "--json").stdout
    wrong = run(folder, "why", found[0], "aprove", "ines@fund.example")
    assert wrong.returncode == 1
    assert "did you mean 'approve'?" in wrong.stderr


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["simulate", GOOD, "--runs", "1", "-o", "/nowhere/at/all"], 1, "/nowhere/at/all cannot be written"),
        (["simulate", GOOD, "--default", "-o", "/nowhere/at/all"], 1, "/nowhere/at/all cannot be written"),
        (["simulate", GOOD, "--runs", "1", "--format", "html", "--language", "zz"], 2, "'zz' is not a language"),
        (["draw", GOOD, "--language", "../en"], 2, "'../en' is not a language"),
        (["diff", GOOD, "nothing.yaml"], 1, "there is no file nothing.yaml"),
        (["check", GOOD, "--separate", "submit,submit"], 2, "name two duties or more"),
        (["check", GOOD, "--separate", "submit,approve,decline,disburse,report,withdraw,cancel"], 2, "6 at most"),
    ],
)
def test_a_wrong_call_is_answered_with_one_sentence(command: list[str], code: int, says: str) -> None:
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, type(done.exception)) == (code, SystemExit)
    assert says in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only where there is a device that is always full")
def test_a_full_disk_is_said_and_no_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fundflow", "check", GOOD],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device\n")
