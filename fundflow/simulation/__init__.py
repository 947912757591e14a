"""Simulation: a round played many times under a workflow before it opens, and scenarios fitted from rounds that ended.

`simulate(workflow, scenario, runs, seed)` gives a `Report`; `scenario.default(workflow)` is a scenario to begin with,
`scenario.load(text, workflow)` reads one, `tables` and `pictures` show a report. All but `fitting` needs no database.
"""

from __future__ import annotations

from fundflow.simulation import pictures, scenario, tables
from fundflow.simulation.report import Difference, Report, compare, simulate

__all__ = ["Difference", "Report", "compare", "pictures", "scenario", "simulate", "tables"]
