"""The ledger under load: operations per second through the real service, and how many the proof from zero then counts.

Random tranche plans in five currencies (one to four donor lines each) are reserved, committed, ordered, paid, failed,
sent back and paid again; a random walk over every operation follows, each step judged by a plain second statement.
Without an address it runs on SQLite in a folder of its own.

    python bench/ledger.py [plans] [steps] [postgresql://...]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main(plans: int = 1_000, steps: int = 3_000, url: str = "") -> None:
    from fundflow.app import bring_up_to_date, create_app
    from fundflow.config import Settings
    from fundflow.db import transaction
    from fundflow.ledger import verifying
    from tests.ledger import operating

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(instance=Path(folder), database_url=url, secret_key="for a measurement only"))
        bring_up_to_date(app)
        with app.app_context():
            start = time.perf_counter()
            done = operating.plans(plans, random.Random(1))
            took = time.perf_counter() - start
            print(f"{done} operations of {plans} tranche plans: {done / took:.0f} a second")
            start = time.perf_counter()
            with transaction():
                fund = operating.a_fund("TND", [1_000, 700, 1, 299], 3)
                moved, refused = operating.walk(fund, steps, random.Random(2))
            took = time.perf_counter() - start
            print(f"{moved} random operations that moved money, {refused} refused: {steps / took:.0f} a second")
            start = time.perf_counter()
            proof = verifying.verify()
            print(f"{proof.summary}, in {time.perf_counter() - start:.1f} s")
            sys.exit(0 if proof.is_whole else 1)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(int(each) for each in given[:2]), **({"url": given[2]} if len(given) > 2 else {}))
