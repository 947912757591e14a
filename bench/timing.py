"""How long something takes on the processor: what the measurements of this folder share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def taken(what: Callable[[], Any], readings: int) -> float:
    """The median ms of the processor that it took."""
    found = []
    for _ in range(readings):
        begun = time.process_time()
        what()
        found.append((time.process_time() - begun) * 1000)
    return statistics.median(found)
