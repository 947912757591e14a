"""Loading the shipped workflows: read from their texts, and asked for by their digest.

The first is what a process pays once for each version of the rules; the second is what every command pays. Figures
are ms of the processor, the median of several readings; the last line is reading the largest file. At most 150 ms is
what the engine promises. The process looks for garbage as the server does: to go through all that it holds, again and
again while a file is read, would cost as much as the reading.

    python bench/loading.py [readings]
"""

from __future__ import annotations

import sys
from pathlib import Path

from timing import taken

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import fundflow.app  # noqa: E402,F401 - so that every document a workflow names is known
from fundflow import server  # noqa: E402
from fundflow.lifecycle import definitions  # noqa: E402
from fundflow.workflow import loader  # noqa: E402


def main(readings: int = 9) -> None:
    """Read each file in the three ways and print what it took."""
    server.settle()
    largest = 0.0
    for path in sorted((ROOT / "workflows").glob("*.yaml")):
        workflow = loader.read(path)
        pinned = definitions.remember(workflow)
        size = sum(len(text) for text in workflow.files.values())
        read = taken(lambda path=path: loader.read(path), readings)
        cached = taken(lambda sha=pinned.sha256: definitions.get(sha), readings)
        largest = max(largest, read)
        print(f"{path.stem:20} {size:7} characters  read {read:6.1f} ms  cached {cached:7.4f} ms")
    print(f"ms for the largest: {largest:.1f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
