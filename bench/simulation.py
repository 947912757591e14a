"""A round simulated: the large fund's scenario of three hundred concept notes, in one process.

Printed are the ms of the processor that a run takes, what it moves, and last the seconds for a thousand runs; at most
50 ms a run is what the simulator promises, so that a thousand with their intervals can be waited for.

    python bench/simulation.py [runs]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fundflow.simulation import run, scenario  # noqa: E402
from fundflow.simulation.figures import measured  # noqa: E402
from fundflow.simulation.model import compiled  # noqa: E402
from fundflow.workflow import loader  # noqa: E402

SCENARIOS = (
    ("small_grant.yaml", "small_panel_12.yaml"),
    ("global_cities_fund.yaml", "gcf_committee_12.yaml"),
)


def main(runs: int = 50) -> None:
    """Play each scenario so many times and print what a run took."""
    each = 0.0
    for file, name in SCENARIOS:
        workflow = loader.read(ROOT / "workflows" / file)
        model = compiled(workflow, scenario.read(ROOT / "workflows" / "scenarios" / name, workflow))
        days, stays = run.days_of(model), 0
        begun = time.process_time()
        for number in range(runs):
            log = run.once(model, Random(number), days)
            measured(model, log, days)
            stays += sum(state.came for state in log.states)
        each = (time.process_time() - begun) / runs
        print(f"{name:24} {len(log.cases)} applications, {stays / runs:.0f} stays: {each * 1000:.1f} ms a run")
    print(f"seconds for 1,000 runs of the large fund: {each * 1000:.0f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
