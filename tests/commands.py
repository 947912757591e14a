"""The commands: run to their end in this process or in one of their own, or going on until they are told to stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from fundflow.cli import main
from fundflow.config import ROOT


def environment(instance: Path, **more: str) -> dict[str, str]:
    """The variables of an installation in this folder, with nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FUNDFLOW_")}
    return kept | {"FUNDFLOW_INSTANCE": str(instance), "PORT": "0", "PYTHONUNBUFFERED": "1"} | more


def run(instance: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a command answers, in this process: to start one anew takes longer than most of what is asked of it."""
    ours = {name: None for name in os.environ if name.startswith("FUNDFLOW_")}
    runner = CliRunner(env={**ours, "FUNDFLOW_INSTANCE": str(instance), "PORT": "0", **more})
    with chdir(ROOT):
        done = runner.invoke(main, words, catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def run_alone(instance: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a command answers as a process of its own; a traceback is never an answer."""
    done = subprocess.run(
        [sys.executable, "-m", "fundflow", *words],
        env=environment(instance, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


class Running:
    """A command that goes on until it is told to stop."""

    def __init__(self, instance: Path, *words: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fundflow", *words],
            env=environment(instance, **more),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, pattern: str) -> str:
        """Read what it says until this is said; the first group of the pattern, or all of it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(pattern, line):
                return found.group(1) if found.groups() else found.group()
        raise AssertionError(f"ended with {self.process.wait()} before saying {pattern}:\n{self.said}")

    def stop(self, by: int = signal.SIGTERM) -> int:
        """Send it this signal, and wait: how it ended."""
        self.process.send_signal(by)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait(timeout=60)

    def close(self) -> None:
        """End it if it has not ended; nothing more is read."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
