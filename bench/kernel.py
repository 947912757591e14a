"""The pure kernel: applications of the small grant driven through its five states in memory, in one process.

Each is sent, approved, paid and reported on, with a situation of its own for every step, so 100,000 of them are 400,000
decisions with all their clauses. Nothing is kept. Printed are the rate, how much the process grew from the first tenth
to the end, and last the seconds it took; at most 10 for 100,000, and no growth, is what the engine promises.

    python bench/kernel.py [applications]
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fundflow.money import Money  # noqa: E402
from fundflow.workflow import loader  # noqa: E402
from fundflow.workflow.decide import Situation  # noqa: E402
from fundflow.workflow.machine import Compiled  # noqa: E402

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DUE = NOW + timedelta(days=30)
ROUND = {"floor": Money.of("1000", "EUR"), "cap": Money.of("50000", "EUR"), "closes_at": DUE}
LEDGER = {"available": Money.of("100000", "EUR")}
PANEL = {"panel": {"assigned": 3, "submitted": 3, "recused": 0, "quorum_met": True, "score": Decimal("7.5")}}
COMPLETE = {"complete": True, "missing": []}
FORMS = {"proposal": COMPLETE, "report": COMPLETE}
TIMERS = {"closing": {"due_at": DUE}, "report_due": {"due_at": DUE}}
STEPS = (("submit", "applicant"), ("approve", "officer"), ("disburse", "finance"), ("report", "applicant"))


def drive(kernel: Compiled, number: int) -> str:
    """One application from the first state to the last."""
    asked = Money.of(str(1000 + number % 49000), "EUR")
    application = {"requested": asked, "spent": asked, "state": "draft"}
    paid = {"amount": asked, "paid_on": date(2026, 3, 1), "reference": "TR-1"}
    state, acted = kernel.workflow.initial, {}
    for name, role in STEPS:
        situation = Situation(
            state=state,
            now=NOW,
            received_at=NOW,
            actor=role,
            roles=frozenset({role}),
            facts={
                "application": application,
                "round": ROUND,
                "ledger": LEDGER,
                "reviews": PANEL,
                "forms": FORMS,
                "timers": TIMERS,
                "input": paid if name == "disburse" else {},
            },
            acted=acted,
        )
        to, _, decision = kernel.fire(state, name, situation)
        if to is None:
            raise SystemExit(f"{name} was refused: {decision.refusals('en')}")
        state, acted = to, {**acted, name: frozenset({role})}
    return state


def peak() -> float:
    """The most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int = 100_000) -> None:
    """Drive them, then print the figures."""
    kernel = Compiled(loader.read(ROOT / "workflows" / "small_grant.yaml"))
    begun, cpu, before = time.perf_counter(), time.process_time(), 0.0
    for number in range(count):
        if number == count // 10:
            before = peak()
        assert drive(kernel, number) == "reported"
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{count} applications, {count * len(STEPS)} transitions: {took:.1f} s, {cpu:.1f} s of the processor")
    print(f"{cpu / count / len(STEPS) * 1e6:.1f} µs of the processor for a transition")
    print(f"peak memory: {before:.1f} MB after a tenth, {peak():.1f} MB at the end, {peak() - before:.2f} MB more")
    print(f"seconds of the processor for 100,000: {cpu / count * 100_000:.1f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
