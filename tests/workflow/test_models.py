"""What other programs read of a workflow: a net in PNML that is sound, and a BPMN model with every part in place."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from fundflow.workflow import bpmn, net, pnml
from fundflow.workflow.bpmn import iso
from fundflow.workflow.definition import Workflow
from fundflow.workflow.durations import Duration
from fundflow.workflow.net import SINK, SOURCE, Net
from tests.workflow.files import large_grant, small_grant

PNML = "{http://www.pnml.org/version-2009/grammar/pnml}"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
POINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"


def nets() -> dict[str, Net]:
    large = large_grant()
    return {
        "small": net.net_of(small_grant()),
        "large": net.net_of(large),
        "tranche": net.net_of_child(large.children["tranche"]),
    }


@pytest.mark.parametrize("name", ["small", "large", "tranche"])
def test_net_has_one_source_one_sink_and_every_place_lies_between(name: str) -> None:
    """Each step takes one token and gives one, so this is all that soundness asks for."""
    found = nets()[name]
    forward: dict[str, set[str]] = {place: set() for place in found.places}
    back: dict[str, set[str]] = {place: set() for place in found.places}
    for step in found.steps:
        forward[step.source].add(step.target)
        back[step.target].add(step.source)

    def reached(start: str, ways: dict[str, set[str]]) -> set[str]:
        seen, waiting = {start}, [start]
        while waiting:
            new = ways[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    assert reached(SOURCE, forward) == reached(SINK, back) == set(found.places)
    assert not back[SOURCE] and not forward[SINK]
    silent = {step.source for step in found.steps if step.is_silent}
    assert silent == ({"paid"} if name == "tranche" else set()), "what is paid may come back"
    assert len(set(found.steps)) == len(found.steps)


def test_net_has_every_transition_act_and_step_of_a_child_where_it_may_happen() -> None:
    workflow = large_grant()
    labels = Counter(step.label for step in nets()["large"].steps)
    for each in workflow.transitions.values():
        assert labels[each.id] == len(each.sources)
    stays = {(step.source, step.label) for step in nets()["large"].steps if step.source == step.target}
    assert {
        ("due_diligence", "task:sanctions"),
        ("signature", "sign:city"),
        ("committee", "discuss:committee"),
    } <= stays
    paying = {place for place, label in stays if label == "tranche.pay"}
    assert paying == {"embargo", "active", "suspended", "reporting", "report_review", "closed"}, (
        "only once they are made"
    )
    assert ("active", "amend") in stays


def test_pnml_says_where_the_token_begins_and_where_it_must_end() -> None:
    found = nets()["large"]
    root = ET.fromstring(pnml.written(found))
    ids = [element.get("id") for element in root.iter() if element.get("id") is not None]
    assert len(ids) == len(set(ids))
    places = {place.get("id") for place in root.iter(f"{PNML}place") if place.get("id")}
    transitions = {each.get("id") for each in root.iter(f"{PNML}transition")}
    assert (len(places), len(transitions)) == (len(found.places), len(found.steps))
    for arc in root.iter(f"{PNML}arc"):
        ends = {arc.get("source"), arc.get("target")}
        assert len(ends & places) == len(ends & transitions) == 1
    marked = [place.get("id") for place in root.iter(f"{PNML}place") if place.find(f"{PNML}initialMarking") is not None]
    final = [place.get("idref") for place in root.iter(f"{PNML}place") if place.get("idref")]
    assert (marked, final) == (["p-source"], ["p-sink"])
    assert pnml.written(found) == pnml.written(nets()["large"])


# ---- BPMN ----


def model(workflow: Workflow, language: str = "en") -> ET.Element:
    return ET.fromstring(bpmn.written(workflow, language))


def elements(root: ET.Element, *names: str) -> list[ET.Element]:
    return [element for name in names for element in root.iter(f"{BPMN}{name}")]


@pytest.mark.parametrize("name", ["small", "large"])
def test_every_flow_of_the_model_joins_two_elements_and_is_named_at_both(name: str) -> None:
    root = model(small_grant() if name == "small" else large_grant())
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    assert len(by_id) == len([element for element in root.iter() if element.get("id")]), "ids are given once"
    for flow in elements(root, "sequenceFlow"):
        source, target = by_id[flow.get("sourceRef")], by_id[flow.get("targetRef")]
        assert flow.get("id") in [each.text for each in source.findall(f"{BPMN}outgoing")]
        assert flow.get("id") in [each.text for each in target.findall(f"{BPMN}incoming")]
    for event in elements(root, "boundaryEvent"):
        assert by_id[event.get("attachedToRef")].tag == f"{BPMN}userTask"
        assert event.find(f"{BPMN}incoming") is None and event.find(f"{BPMN}outgoing") is not None
    for gateway in elements(root, "exclusiveGateway"):
        ways = len(gateway.findall(f"{BPMN}incoming")), len(gateway.findall(f"{BPMN}outgoing"))
        assert 1 in ways and max(ways) > 1
        assert gateway.get("gatewayDirection") == ("Converging" if ways[0] > 1 else "Diverging")
    for task in elements(root, "userTask", "serviceTask", "sendTask", "startEvent"):
        assert task.find(f"{BPMN}outgoing") is not None
    for end in elements(root, "endEvent"):
        assert end.find(f"{BPMN}outgoing") is None and len(end.findall(f"{BPMN}incoming")) == 1


@pytest.mark.parametrize("name", ["small", "large"])
def test_every_element_has_its_place_in_the_diagram_and_none_lies_on_another(name: str) -> None:
    root = model(small_grant() if name == "small" else large_grant())
    process = {e.get("id"): e for p in elements(root, "process") for e in p if e.get("id")}
    bounds = {}
    for shape in root.iter(f"{DI}BPMNShape"):
        box = shape.find(f"{DC}Bounds")
        assert box is not None
        x, y, w, h = (float(box.get(side) or "nan") for side in ("x", "y", "width", "height"))
        bounds[shape.get("bpmnElement")] = (x, y, x + w, y + h)
    edges = {edge.get("bpmnElement"): edge for edge in root.iter(f"{DI}BPMNEdge")}
    flows = {flow.get("id") for flow in elements(root, "sequenceFlow", "messageFlow")}
    pools = {pool.get("id") for pool in elements(root, "participant")}
    assert set(edges) == flows
    assert set(bounds) == (set(process) - flows) | pools
    nodes = {key: box for key, box in bounds.items() if key not in pools and "-due-" not in str(key)}
    for (one, a), (other, b) in itertools.combinations(nodes.items(), 2):
        assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]), (one, other)
    for edge in root.iter(f"{DI}BPMNEdge"):
        points = [(float(p.get("x") or "nan"), float(p.get("y") or "nan")) for p in edge.iter(POINT)]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            assert x1 == x2 or y1 == y2, edge.get("bpmnElement")
            for key, (left, top, right, bottom) in nodes.items():
                crosses = min(x1, x2) < right - 1 and max(x1, x2) > left + 1
                crosses = crosses and min(y1, y2) < bottom - 1 and max(y1, y2) > top + 1
                assert not crosses, (edge.get("bpmnElement"), key)


def test_model_says_who_what_when_and_which_children() -> None:
    root = model(large_grant(), "fr")
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    award = by_id["global-cities-fund-do-award-decision"]
    assert award.tag == f"{BPMN}userTask" and award.get("name") == "Attribuer la subvention"
    owner = award.find(f"{BPMN}potentialOwner")
    assert owner is not None and owner.get("name") == "Direction du fonds"
    assert by_id["global-cities-fund-do-conclude-signature"].tag == f"{BPMN}serviceTask"
    due = by_id["global-cities-fund-due-sign_by-signature"]
    assert "".join(due.itertext()).endswith("P60D") and due.get("cancelActivity") is None
    told = by_id["global-cities-fund-due-eligibility_check-eligibility"]
    assert told.get("cancelActivity") == "false" and "10 jours ouvrés" in "".join(told.itertext())
    assert [(each.get("sourceRef"), each.get("targetRef")) for each in elements(root, "messageFlow")] == [
        ("global-cities-fund-do-conclude-signature", "tranche-start"),
        ("global-cities-fund-do-ask_amendment-active", "amendment-start"),
        ("global-cities-fund-do-announce-embargo", "report-start"),
        ("global-cities-fund-do-close-report_review", "followup-start"),
    ]
    assert by_id["tranche-at-paid"].tag == f"{BPMN}userTask" and by_id["tranche-do-come_back-paid"] is not None
    assert [each.get("maximum") for each in elements(root, "participantMultiplicity")] == ["12", "12", "2", "2"]


@pytest.mark.parametrize(
    ("text", "says"), [("12 months", "P12M"), ("10 weeks", "P70D"), ("36 hours", "PT36H"), ("15 minutes", "PT15M")]
)
def test_lengths_of_time_are_written_as_iso_8601(text: str, says: str) -> None:
    length = Duration.parse(text)
    assert length is not None and iso(length) == says
