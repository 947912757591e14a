"""The record as an event log: complete, in order, replayed by the model; it tells no words and no hidden state."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow import clock
from fundflow.config import ROOT
from fundflow.db import db, transaction
from fundflow.lifecycle import definitions, erasure, ocel, sweeping, xes
from fundflow.lifecycle.models import Application, Event
from fundflow.lifecycle.record import digest_of
from fundflow.workflow import net
from fundflow.workflow.net import SINK, SOURCE, Net
from tests import factories as make
from tests.commands import run
from tests.desk.contract import People, a_contract, a_workflow, do_task, press_child, some_people
from tests.lifecycle.toys import a_toy, a_toy_round

XES = "{http://www.xes-standard.org/}"
SCHEMA = ROOT.parent / "shared" / "standards" / "xes-ocel" / "ocel20.schema.json"
PM4PY = os.environ.get("FUNDFLOW_PM4PY", "")
"""A Python that has pm4py, which is a test tool and no dependency: ``FUNDFLOW_PM4PY=/tmp/pm4py/bin/python``."""


@pytest.fixture
def people(app: Flask) -> People:
    return some_people()


@pytest.fixture
def contract(people: People) -> Application:
    """Everything once: acts, automatic steps, two tranches of which one is paid and one dropped, and an end."""
    application = a_contract("active", people)
    press_child(application, "tranche.request", "1", people.applicant)
    press_child(application, "tranche.refuse", "1", people.manager, reason="The invoice of Ama Applicant is missing.")
    press_child(application, "tranche.request", "1", people.applicant)
    press_child(application, "tranche.pay", "1", people.finance, input={"reference": "TR-SECRET-1"})
    press_child(application, "tranche.drop", "2", people.manager, reason="Not needed.")
    make.press(application, "close", people.manager)
    return application


def only(application: Application) -> sa.ColumnElement[bool]:
    return Application.id == application.id


def traces(text: str) -> dict[str, list[dict[str, str]]]:
    """The events of a log by trace, each as its attributes."""
    found = {}
    for trace in ET.fromstring(text).iter(f"{XES}trace"):
        named = {each.get("key"): each.get("value") for each in trace if each.tag != f"{XES}event"}
        events = [{e.get("key") or "": e.get("value") or "" for e in event} for event in trace.iter(f"{XES}event")]
        found[named["concept:name"] or ""] = events
    return found


def names(events: list[dict[str, str]]) -> list[str]:
    return [event["concept:name"] for event in events]


def replays(found: Net, activities: list[str]) -> bool:
    """Whether the token comes from the source to the sink by just these steps."""
    ways = {(step.source, step.label): step.target for step in found.steps if not step.is_silent}
    ends = {SINK, *(step.source for step in found.steps if step.is_silent)}
    place: str | None = SOURCE
    for activity in activities:
        place = ways.get((place, activity)) if place is not None else None
    return place in ends


def log_of(application: Application, **how: Any) -> dict[str, list[dict[str, str]]]:
    return traces("".join(xes.lines(only(application), **how)))


# ---- XES ----


def test_log_has_every_event_in_its_order_and_the_model_replays_it(contract: Application) -> None:
    [(case, events)] = log_of(contract).items()
    assert case == contract.number
    kept = db.session.scalars(sa.select(Event).where(Event.application_id == contract.id).order_by(Event.seq)).all()
    assert [int(event["seq"]) for event in events] == [event.seq for event in kept]
    workflow = definitions.get(contract.definition_sha)
    assert replays(net.net_of(workflow), names(events))
    assert {"task:sanctions", "sign:city", "begin", "tranche.pay"} <= set(names(events))
    assert not replays(net.net_of(workflow), names(events)[:-1]) and not replays(
        net.net_of(workflow), names(events)[1:]
    )
    moments = [datetime.fromisoformat(event["time:timestamp"]) for event in events]
    assert moments == sorted(moments) and moments[0].utcoffset() == timedelta(0)


def test_each_child_has_a_trace_of_its_own_from_its_making_to_its_end(contract: Application) -> None:
    found = log_of(contract, of="tranche")
    assert {case: names(events) for case, events in found.items()} == {
        f"{contract.number}/tranche:1": [
            "tranche.started",
            "tranche.request",
            "tranche.refuse",
            "tranche.request",
            "tranche.pay",
        ],
        f"{contract.number}/tranche:2": ["tranche.started", "tranche.drop"],
    }
    model = net.net_of_child(definitions.get(contract.definition_sha).children["tranche"])
    assert all(replays(model, names(events)) for events in found.values())


def test_it_says_who_by_role_and_id_what_by_itself_and_how_much(contract: Application, people: People) -> None:
    events = {event["concept:name"]: event for event in log_of(contract)[contract.number]}
    pay = events["tranche.pay"]
    assert (pay["org:resource"], pay["org:role"]) == (str(people.finance.id), "finance")
    assert (pay["ledger_pay"], pay["subject"], pay["cause"]) == ("6000.00 EUR", "tranche:1", "person")
    assert pay["lifecycle:transition"] == "complete"
    assert (events["begin"]["cause"], events["begin"]["org:role"]) == ("automatic", "system")
    assert (events["begin"]["from"], events["begin"]["to"]) == ("signing", "active")


def test_what_a_timer_did_is_told_with_its_name(app: Flask) -> None:
    round_ = a_toy_round()
    application = a_toy(round_)
    with clock.standing_at(round_.closes_at + timedelta(hours=1)):
        sweeping.sweep()
    last = log_of(application)[application.number][-1]
    assert (last["concept:name"], last["cause"], last["timer"]) == ("lapse", "timer", "closing")
    assert (last["org:resource"], last["outcome"]) == ("system", "lapsed")


def test_children_that_an_end_takes_with_it_are_told_in_their_own_traces(app: Flask) -> None:
    people = some_people()
    ending = ("by: manager, label: {en: Stop}, reason: required, do: [", "by: manager, label: {en: Stop}, do: [")
    all_of_them = ("do: [{ledger: close}]}\ntimers", "do: [{children: tranche, each: drop}, {ledger: close}]}\ntimers")
    dropped = (
        "to: dropped, by: manager, label: {en: Drop}, reason: required",
        "to: dropped, by: [manager, system], label: {en: Drop}",
    )
    workflow = a_workflow(ending, all_of_them, dropped)
    application = a_contract("checks", people, round_=make.a_round(workflow=workflow))
    make.press(application, "stop", people.manager)
    found = log_of(application, of="tranche")
    assert [names(events) for events in found.values()] == [["tranche.started", "tranche.drop"]] * 2
    model = net.net_of_child(workflow.children["tranche"])
    assert all(replays(model, names(events)) for events in found.values())
    [own] = log_of(application).values()
    assert replays(net.net_of(workflow), names(own)) and names(own)[-1] == "stop"
    log = json.loads("".join(ocel.lines(only(application))))
    assert [event["type"] for event in log["events"]].count("tranche.drop") == 2


@pytest.mark.parametrize("kind", ["xes", "tranche", "ocel"])
def test_nothing_that_anybody_wrote_and_no_name_is_in_a_log(contract: Application, people: People, kind: str) -> None:
    chosen = only(contract)
    text = "".join(ocel.lines(chosen) if kind == "ocel" else xes.lines(chosen, of=None if kind == "xes" else kind))
    said = [people.applicant.name, people.finance.name, people.finance.email, "TR-SECRET-1", "invoice", "Not needed"]
    assert [word for word in (*said, "House of welcome") if word in text] == []


def test_record_keeping_is_no_step_of_the_process(app: Flask) -> None:
    application = a_toy(a_toy_round(), state="sent")
    make.press(application, "decline", make.a_person(groups=[make.MANAGERS]), reason="No.")
    before = log_of(application)
    with transaction():
        erasure.erase(application.id, key=str(uuid4()), reason="Asked for.", seqs=None)
    assert db.session.scalar(sa.select(sa.func.max(Event.seq)).where(Event.application_id == application.id)) == 4
    assert log_of(application) == before
    assert names(before[application.number]) == ["started", "send", "decline"]


# ---- what a role must not know ----


def test_a_log_for_a_role_is_the_same_whatever_happened_behind_closed_doors(app: Flask) -> None:
    people = some_people()
    application = a_contract("sent", people)
    before = "".join(xes.lines(only(application), role="applicant"))
    objects = "".join(ocel.lines(only(application), role="applicant"))
    make.press(application, "consider", people.manager)
    do_task(application, "talked", "done", people.manager)
    assert "".join(xes.lines(only(application), role="applicant")) == before
    assert json.loads("".join(ocel.lines(only(application), role="applicant"))) == json.loads(objects)
    assert "talk" in "".join(xes.lines(only(application))), "and the whole log says so"
    make.press(application, "award", people.manager)
    [events] = log_of(application, role="applicant").values()
    assert names(events) == ["started", "send", "award"]
    assert [event["seq"] for event in events] == ["1", "2", "3"], "no gap says that something is left out"
    assert [(event.get("from"), event["to"]) for event in events][1:] == [("draft", "sent"), ("sent", "checks")]


# ---- OCEL ----


def breaches(value: Any, schema: dict[str, Any], at: str = "$") -> Iterator[str]:
    """What breaks a JSON schema, as far as the one at hand uses the language."""
    known: dict[str, Any] = {"object": dict, "array": list, "string": str}
    assert set(schema) <= {"$schema", "type", "properties", "required", "items", "format"}
    if not isinstance(value, known[schema["type"]]):
        yield f"{at} is no {schema['type']}"
        return
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).utcoffset() is None:
        yield f"{at} is no moment"
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at} has no {name}"
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from breaches(value[name], part, f"{at}.{name}")
    if "items" in schema:
        for number, item in enumerate(value):
            yield from breaches(item, schema["items"], f"{at}[{number}]")


def test_object_log_follows_the_schema_of_ocel_2(contract: Application) -> None:
    if not SCHEMA.is_file():
        pytest.skip("the JSON schema of OCEL 2.0 is not at hand")
    schema = json.loads(SCHEMA.read_text())
    assert list(breaches(json.loads("".join(ocel.lines(sa.true()))), schema)) == []
    assert list(breaches({"events": [{"id": 1}], "objects": [], "objectTypes": [], "eventTypes": []}, schema))


def test_applications_children_rounds_and_people_are_objects_that_events_are_about(
    contract: Application, people: People
) -> None:
    log = json.loads("".join(ocel.lines(only(contract))))
    objects = {each["id"]: each for each in log["objects"]}
    assert len(objects) == len(log["objects"]) and len({e["id"] for e in log["events"]}) == len(log["events"])
    kinds = {each["name"]: {a["name"] for a in each["attributes"]} for each in log["objectTypes"]}
    assert {each["type"] for each in objects.values()} == {"application", "tranche", "round", "person"} <= set(kinds)
    for each in objects.values():
        assert {attribute["name"] for attribute in each["attributes"]} <= kinds[each["type"]]
    events = {each["name"]: {a["name"] for a in each["attributes"]} for each in log["eventTypes"]}
    for event in log["events"]:
        assert {attribute["name"] for attribute in event["attributes"]} <= events[event["type"]]
    for each in (*log["events"], *log["objects"]):
        assert {relation["objectId"] for relation in each["relationships"]} <= set(objects)
    tranche = objects[f"{contract.number}/tranche:1"]
    values = [(attribute["name"], attribute["value"]) for attribute in tranche["attributes"]]
    assert values[:3] == [("nr", "1"), ("amount", "6000.00 EUR"), ("due", "2027-01-01")]
    states = [value for name, value in values[3:]]
    assert states == ["planned", "requested", "planned", "requested", "paid"]
    about = [each["type"] for each in log["events"] if tranche["id"] in {r["objectId"] for r in each["relationships"]}]
    assert about == ["tranche.started", "tranche.request", "tranche.refuse", "tranche.request", "tranche.pay"]
    own = [e["type"] for e in log["events"] if contract.number in {r["objectId"] for r in e["relationships"]}]
    assert replays(net.net_of(definitions.get(contract.definition_sha)), own)


# ---- at length ----


def many_events(application: Application, count: int) -> None:
    """So many more events of one application, as rows."""
    rows = [
        {
            "application_id": application.id,
            "seq": 1000 + number,
            "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            "actor_id": application.created_by,
            "transition": "send",
            "from_state": "draft",
            "to_state": "sent",
            "definition_sha": application.definition_sha,
            "body": {"roles": ["applicant"], "effects": []},
            "payload": {"reason": "x" * 400},
            "salt": "0" * 32,
            "payload_digest": digest_of("0" * 32, {"reason": "x" * 400}),
            "prev": "0" * 64,
            "hash": "0" * 64,
        }
        for number in range(count)
    ]
    with transaction():
        db.session.execute(sa.insert(Event), rows)


@pytest.mark.parametrize("kind", ["xes", "ocel"])
def test_a_long_log_is_never_held_whole(app: Flask, kind: str) -> None:
    application = a_toy(a_toy_round())

    def peak() -> tuple[int, int]:
        written = 0
        tracemalloc.start()
        for piece in xes.lines(sa.true()) if kind == "xes" else ocel.lines(sa.true()):
            written += len(piece)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, written

    many_events(application, 1_000)
    few, short = peak()
    with transaction():
        db.session.execute(sa.delete(Event).where(Event.seq >= 1000))
    many_events(application, 10_000)
    many, long = peak()
    assert long > 8 * short and many < 2 * few


# ---- on the command line ----


def test_export_writes_both_logs_and_names_what_was_meant(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run(folder, "demo", "--keep", str(folder))
    for kind in ("xes", "ocel"):
        done = run(folder, "export", "--all", "--format", kind, str(tmp_path / f"log.{kind}"))
        assert done.stdout == f"1 applications in {tmp_path / f'log.{kind}'}\n"
    [events] = traces((tmp_path / "log.xes").read_text()).values()
    assert names(events) == ["started", "submit", "approve", "disburse", "report"]
    again = run(folder, "export", "--all", "--format", "xes", str(tmp_path / "log.xes"))
    assert again.returncode == 1 and "cannot be written: File exists" in again.stderr
    wrong = run(folder, "export", "--all", "--format", "xes", "--hide-from", "revewer", str(tmp_path / "no.xes"))
    assert "none of these applications has a role 'revewer'; did you mean 'reviewer'?" in wrong.stderr
    assert not (tmp_path / "no.xes").exists()
    unended = run(folder, "export", "--all", "--ended", "--format", "xes", str(tmp_path / "ended.xes"))
    assert unended.stdout.startswith("1 applications")
    pointless = run(folder, "export", "--all", "--of", "tranche", str(tmp_path / "log.zip"))
    assert pointless.returncode == 2


@pytest.mark.parametrize("workflow", ["small-grant", "global-cities-fund"])
def test_pm4py_finds_the_shipped_workflows_sound_and_replays_the_demo_without_a_gap(
    tmp_path: Path, workflow: str
) -> None:
    if not PM4PY:
        pytest.skip("pm4py is no dependency; set FUNDFLOW_PM4PY to a Python that has it to check with it")
    folder, file = tmp_path / "demo", f"workflows/{workflow.replace('-', '_')}.yaml"
    run(folder, "demo", "--keep", str(folder), "--workflow", workflow)
    jobs: list[tuple[list[str], list[str], str]] = [([], [], "application")]
    if workflow == "global-cities-fund":
        jobs.append((["--child", "tranche"], ["--of", "tranche"], "tranche"))
    for child, of, kind in jobs:
        model, log, objects = (str(tmp_path / f"{kind}.{suffix}") for suffix in ("pnml", "xes", "ocel.json"))
        run(folder, "draw", file, "--format", "pnml", *child, "-o", model)
        run(folder, "export", "--all", "--ended", "--format", "xes", *of, log)
        run(folder, "export", "--all", "--ended", "--format", "ocel", objects)
        for arguments in ((model, log), (model, objects, kind)):
            assert mined(*arguments) == {
                "sound": True,
                "traces": 1 if workflow == "small-grant" else 3,
                "tokens": 1.0,
                "aligned": 1.0,
            }
    if workflow == "small-grant":
        text = Path(log).read_text()
        skipped = tmp_path / "skipped.xes"
        skipped.write_text(re.sub(r'(key="concept:name" value=")approve"', r'\1write_off"', text))
        assert mined(model, str(skipped))["tokens"] < 1, "and finds a log that the rules do not allow"


def mined(*arguments: str) -> dict[str, Any]:
    script = Path(__file__).with_name("mining.py")
    done = subprocess.run([PM4PY, str(script), *arguments], capture_output=True, text=True, timeout=240, check=False)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")] or [done.stderr]
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found
