#!/usr/bin/env python3
"""Check an exported audit trail with nothing but Python 3.8 or newer: python3 verify.py EXPORT [ROOT ...]

EXPORT is the .zip file or the folder it was unpacked to. Each ROOT is one that was mailed to an auditor: it must be
among the anchors. Every break is printed; the exit code is 1 where there is one. It never imports fundflow.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any, Iterator  # noqa: UP035 - also for older Pythons than fundflow's

HASHED = "acting_for actor application at body definition from outcome payload_digest seq subject to transition".split()
KEYS = {
    "events.jsonl": {*HASHED, "prev", "hash", "payload", "salt"},
    "applications.jsonl": {"id", "number", "state", "outcome", "revision", "head"},
    "anchors.jsonl": {"anchor", "day", "made_at", "previous", "count", "tree", "root", "leaves"},
    "definitions.jsonl": {"sha256", "workflow", "version", "files", "templates"},
}
ENDS = (("state", "to"), ("outcome", "outcome"), ("revision", "seq"), ("head", "hash"))
breaks: list[str] = []


def broken(says: str) -> None:
    breaks.append(says)
    print(says)


def canonical(value: Any) -> str:
    """One text for one value; every line of an export is written so."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def rows(export: Any, name: str) -> Iterator[dict[str, Any]]:
    """The lines of one file of the export, those that are as they were written."""
    number = 0
    try:
        with export.open(name) if isinstance(export, zipfile.ZipFile) else (export / name).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                row = json.loads(line)
                if canonical(row).encode() + b"\n" != line or set(row) != KEYS[name]:
                    broken(f"{name}, line {number}: it is not as an export writes it.")
                else:
                    yield row
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as problem:
        broken(f"{name}, line {number}: it cannot be read ({type(problem).__name__}: {problem}).")


def check_chains(export: Any, applications: dict[str, dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Recompute every chain and compare its end with where the application stands; every event's hash by number."""
    names = {row["id"]: row["number"] for row in applications.values()}
    hashes, absent, erased = {}, set(), set()
    ends: dict[str, dict[str, Any]] = {}
    for event in rows(export, "events.jsonl"):
        application = event["application"]
        where = f"{(number := names.get(application, application))}, event {event['seq']}"
        last = ends.get(application, {"seq": 0, "hash": "", "to": None, "at": ""})
        if event["seq"] != last["seq"] + 1 or event["prev"] != last["hash"]:
            broken(f"{where}: it stands behind event {last['seq']}, but does not follow it.")
        if sha256(event["prev"], canonical({key: event[key] for key in HASHED})) != event["hash"]:
            broken(f"{where}: it was altered after it was written.")
        said = (event["payload"], event["salt"], event["payload_digest"])
        if said[0] is None and said[1] is None and said[2] is not None:
            absent.add((application, event["seq"]))
        elif said != (None, None, None) and (None in said or sha256(said[1], canonical(said[0])) != said[2]):
            broken(f"{where}: what was said with it was altered.")
        if event["transition"] == "erased":
            erased |= {(application, seq) for seq in event["body"].get("events", []) if seq < event["seq"]}
        if event["from"] != last["to"] or event["at"] <= last["at"]:
            broken(f"{where}: it cannot follow “{last['to']}” of {last['at']}.")
        if event["seq"] == 1 and (event["transition"] != "started" or event["body"].get("number") != number):
            broken(f"{where}: it is not the start of {number}.")
        hashes[number, event["seq"]] = event["hash"]
        ends[application] = {**event, "to": event["to"] or event["from"]}
    for application, seq in sorted(absent ^ erased):
        broken(f"{names.get(application)}, event {seq}: what was said is gone without being erased, or is back.")
    for application in sorted(ends.keys() | applications.keys()):
        row, end = applications.get(application, {}), ends.get(application, {})
        if any(row.get(key) != end.get(told) for key, told in ENDS):
            broken(f"{row.get('number', application)}: it does not stand where its last event left it.")
    print(f"{len(ends)} applications, {len(hashes)} events, {len(absent & erased)} payloads erased")
    return hashes


def tree(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962, section 2.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(hashes[:half]) + tree(hashes[half:])).digest()


def check_anchors(export: Any, numbers: set[str], hashes: dict[tuple[str, int], str]) -> set[str]:
    """Recompute every anchor, and look up each head that it saw; the roots. A line has only the heads that changed."""
    heads: dict[str, str] = {}
    previous, count, roots = "", 0, set()
    for count, anchor in enumerate(rows(export, "anchors.jsonl"), start=1):
        where = f"anchor {anchor['anchor']}"
        if anchor["anchor"] != count or anchor["previous"] != previous:
            broken(f"{where}: it does not follow the anchor before it.")
        for number, revision, head in anchor["leaves"]:
            heads[number] = head
            if number in numbers and hashes.get((number, revision)) != head:
                broken(f"{number}, event {revision}: it is not the one that {where} saw on {anchor['made_at']}.")
        leaves = [hashlib.sha256(b"\x00" + (name + heads[name]).encode()).digest() for name in sorted(heads)]
        if tree(leaves).hex() != anchor["tree"] or len(leaves) != anchor["count"]:
            broken(f"{where}: its heads do not give its tree.")
        if sha256(canonical({key: anchor[key] for key in anchor if key not in ("root", "leaves")})) != anchor["root"]:
            broken(f"{where}: what it says does not give its root.")
        roots.add(previous := anchor["root"])
    print(f"{count} anchors, the last root is {previous or 'none'}")
    return roots


def check(path: Path, mailed: list[str]) -> None:
    export = path if path.is_dir() else zipfile.ZipFile(path)
    applications = {row["id"]: row for row in rows(export, "applications.jsonl")}
    for row in rows(export, "definitions.jsonl"):
        whole = {"files": row["files"], "templates": row["templates"]} if row["templates"] else row["files"]
        if sha256(canonical(whole)) != row["sha256"]:
            broken(f"the rules of {row['workflow']}, version {row['version']}: they were altered.")
    hashes = check_chains(export, applications)
    roots = check_anchors(export, {row["number"] for row in applications.values()}, hashes)
    for root in set(mailed) - roots:
        broken(f"the mailed root {root} is in no anchor of this export.")


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__)
        return 2
    try:
        check(Path(arguments[0]), arguments[1:])
    except (ValueError, TypeError, KeyError, AttributeError, OSError, zipfile.BadZipFile) as problem:
        broken(f"the export is damaged, so that it cannot be read on ({type(problem).__name__}: {problem}).")
    print(f"{len(breaks)} breaks" if breaks else "every chain holds")
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
