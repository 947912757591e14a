"""The commands: serve, work, seed, demonstrate, check, compare, draw, simulate, move applications, verify the trail.

Each says in one sentence what went wrong and exits with 1 (2 for a wrong call); a traceback is a defect.
"""

from __future__ import annotations

from fundflow.cli import checking, drawing, examples, ledger, record, rules, sealing, serving, simulating
from fundflow.cli.group import main

__all__ = ["checking", "drawing", "examples", "ledger", "main", "record", "rules", "sealing", "serving", "simulating"]
