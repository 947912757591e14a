"""Scenarios: what they are made of, reading one from a file, the one to begin with, and writing one down."""

from __future__ import annotations

from fundflow.simulation.assumptions import (
    Arrivals,
    Effort,
    Opening,
    Rush,
    Scenario,
    Sheets,
    Staff,
    Stay,
    Way,
)
from fundflow.simulation.defaults import default
from fundflow.simulation.reading import load, read
from fundflow.simulation.writing import written

__all__ = [
    "Arrivals",
    "Effort",
    "Opening",
    "Rush",
    "Scenario",
    "Sheets",
    "Staff",
    "Stay",
    "Way",
    "default",
    "load",
    "read",
    "written",
]
