"""A workflow as a BPMN 2.0 model with its diagram, for modelling tools: a pool for the application, one for each child.

A state is a task, its deadlines are timer events on the task's edge; a gateway after it leads to a task for each way
out, done by people or by the system. Roles are the owners of tasks. It is a description, not executable: conditions,
working days and what a deadline counts from are told in the documentation of their elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from fundflow.workflow.bpmn_diagram import Point, Pool, Slot, Spot, message, placed, routed
from fundflow.workflow.definition import SYSTEM, Child, State, Timer, Transition, Workflow
from fundflow.workflow.differences import length
from fundflow.workflow.durations import Duration

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


DUE: Slot = "due"


@dataclass(slots=True)
class Node:
    """A flow node: its element, its name, what is inside it, and the flows that touch it."""

    id: str
    element: str
    name: str
    spot: tuple[str, Slot, int]
    """Its band in the diagram, its place there, and its number."""
    inside: str = ""
    attributes: str = ""
    told: str = ""
    incoming: list[str] = field(default_factory=list)
    outgoing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow, or a message between two pools."""

    id: str
    source: str
    target: str


class Process:
    """One pool: the machine of the application, or of a child, as flow nodes and flows."""

    def __init__(self, workflow: Workflow, language: str, child: Child | None = None) -> None:
        self.workflow, self.language = workflow, language
        self.id = workflow.id if child is None else child.id
        self.name = workflow.title.in_(language) if child is None else child.label.in_(language)
        self.most = None if child is None else child.max
        self.states: Mapping[str, State] = workflow.states if child is None else child.states
        self.transitions: Mapping[str, Transition] = workflow.transitions if child is None else child.transitions
        self.initial = workflow.initial if child is None else child.initial
        self.timers = list(workflow.timers_of("" if child is None else child.id).values())
        self.before = "" if child is None else f"{child.id}."
        """What stands before the states of its timers."""
        self.nodes: dict[str, Node] = {}
        self.flows: list[Flow] = []
        self.begins: dict[str, list[str]] = {}
        """By kind of child: the tasks that make children of it."""
        self.left = {source for each in self.transitions.values() for source in each.sources}
        """The states that something leaves; an end among them, as of money that may come back, is no end event."""
        starts = "" if child is None else f'<bpmn:messageEventDefinition id="{self.id}-made"/>'
        self.start = self._node(Node(f"{self.id}-start", "startEvent", "", (self.initial, "start", 0), starts))
        for state in self.states.values():
            self._state(state)
        self._flow(self.start, self._entry(self.initial))
        for state in self.states.values():
            if state.id in self.left or not state.is_final:
                self._exits(state)
        self._join()

    def _node(self, node: Node) -> str:
        self.nodes[node.id] = node
        return node.id

    def _flow(self, source: str, target: str) -> None:
        flow = Flow(f"{self.id}-flow-{len(self.flows)}", source, target)
        self.flows.append(flow)

    def _entry(self, state: str) -> str:
        return f"{self.id}-at-{state}"

    def _state(self, state: State) -> None:
        name = state.label.in_(self.language)
        told = state.help.in_(self.language) if state.help else ""
        is_end = state.is_final and state.id not in self.left
        kind = "endEvent" if is_end else "userTask"
        owners = {role for each in self.transitions.values() for role in each.by_from(state.id)}
        inside = "" if is_end else self._owners(owners)
        slot: Slot = "final" if is_end else "state"
        self._node(Node(self._entry(state.id), kind, name, (state.id, slot, 0), inside, told=told))

    def _owners(self, roles: set[str] | frozenset[str]) -> str:
        known = [role for role in self.workflow.roles.values() if role.id in roles]
        return "".join(
            f"<bpmn:potentialOwner name={quoteattr(role.label.in_(self.language))}>"
            f"<bpmn:resourceAssignmentExpression><bpmn:formalExpression>{escape(role.id)}</bpmn:formalExpression>"
            "</bpmn:resourceAssignmentExpression></bpmn:potentialOwner>"
            for role in known
        )

    def _exits(self, state: State) -> None:
        """The ways out of a state, behind its task, behind a gateway, or behind a deadline of it."""
        leaving = [each for each in self.transitions.values() if state.id in each.sources]
        timers = [timer for timer in self.timers if f"{self.before}{state.id}" in timer.states]
        started = {timer.then for timer in timers}
        chosen = [t for t in leaving if t.by_from(state.id) - {SYSTEM} or t.is_auto or t.id not in started]
        origin = self._entry(state.id)
        if len(chosen) + state.is_final > 1:
            origin = self._gateway(f"{self.id}-from-{state.id}", "Diverging", (state.id, "split", 0))
            self._flow(self._entry(state.id), origin)
        if state.is_final:
            stays = Node(f"{self.id}-stays-{state.id}", "endEvent", "", (state.id, "end", 0))
            self._flow(origin, self._node(stays))
        for number, each in enumerate(leaving, start=int(state.is_final)):
            task = self._way(state, each, number)
            if each in chosen:
                self._flow(origin, task)
            for place, timer in enumerate(timers):
                if timer.then == each.id:
                    self._flow(self._deadline(state, timer, place, stops=True), task)
        for place, timer in enumerate(timers):
            if timer.then is None:
                self._notice(state, timer, place)

    def _gateway(self, name: str, direction: str, spot: tuple[str, Slot, int]) -> str:
        return self._node(Node(name, "exclusiveGateway", "", spot, attributes=f'gatewayDirection="{direction}"'))

    def _way(self, state: State, each: Transition, number: int) -> str:
        roles = each.by_from(state.id)
        kind = "serviceTask" if each.is_auto or not roles - {SYSTEM} else "userTask"
        name = f"{self.id}-do-{each.id.rpartition('.')[2]}-{state.id}"
        told = "; ".join(filter(None, [each.help.in_(self.language) if each.help else "", self._conditions(each)]))
        owners = self._owners(roles) if kind == "userTask" else ""
        task = self._node(Node(name, kind, each.label.in_(self.language), (state.id, "way", number), owners, "", told))
        target = each.destination(state.id)
        if target is not None:
            self._flow(task, self._entry(target))
        else:
            label = self.workflow.outcomes[each.end].in_(self.language) if each.end is not None else ""
            self._flow(task, self._node(Node(f"{name}-end", "endEvent", label, (state.id, "end", number))))
        for effect in each.do:
            if effect.makes is not None:
                self.begins.setdefault(effect.makes, []).append(task)
        return task

    def _conditions(self, each: Transition) -> str:
        return "; ".join(
            when.expression.source
            if when.expression is not None
            else f"{when.kind}: {when.name or ', '.join(when.names)}"
            for when in each.when
        )

    def _deadline(self, state: State, timer: Timer, place: int, *, stops: bool) -> str:
        told = ""
        if timer.after is not None:
            told = length(timer.after).in_(self.language)
            moment = f'<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">{iso(timer.after)}</bpmn:timeDuration>'
        else:
            source = escape(timer.at.source if timer.at is not None else "")
            moment = f'<bpmn:timeDate xsi:type="bpmn:tFormalExpression">{source}</bpmn:timeDate>'
        name = f"{self.id}-due-{timer.id}-{state.id}"
        inside = f'<bpmn:timerEventDefinition id="{name}-timer">{moment}</bpmn:timerEventDefinition>'
        cancels = "" if stops else ' cancelActivity="false"'
        attached = f'attachedToRef="{self._entry(state.id)}"{cancels}'
        label, spot = timer.label.in_(self.language), (state.id, DUE, place)
        return self._node(Node(name, "boundaryEvent", label, spot, inside, attached, told))

    def _notice(self, state: State, timer: Timer, place: int) -> None:
        """A deadline that only tells somebody: it leaves the state as it is."""
        due = self._deadline(state, timer, place, stops=False)
        who = people_of(self.workflow, timer.to, self.language) or timer.label.in_(self.language)
        send = self._node(Node(f"{due}-tell", "sendTask", who, (state.id, "tell", place)))
        self._flow(due, send)
        self._flow(send, self._node(Node(f"{due}-told", "endEvent", "", (state.id, "told", place))))

    def _join(self) -> None:
        """A gateway before each task that several flows lead to, and the flows noted at their ends."""
        leads: dict[str, list[Flow]] = {}
        for flow in self.flows:
            leads.setdefault(flow.target, []).append(flow)
        for name, flows in leads.items():
            if len(flows) > 1:
                band, slot, _ = self.nodes[name].spot
                if slot not in ("state", "final"):
                    continue  # a task that people and the calendar start: whichever comes first
                gateway = self._gateway(f"{name}-join", "Converging", (band, "join", 0))
                for flow in flows:
                    self.flows[self.flows.index(flow)] = Flow(flow.id, flow.source, gateway)
                self._flow(gateway, name)
        for flow in self.flows:
            self.nodes[flow.source].outgoing.append(flow.id)
            self.nodes[flow.target].incoming.append(flow.id)


def people_of(workflow: Workflow, roles: tuple[str, ...], language: str) -> str:
    """The labels of roles."""
    return ", ".join(workflow.roles[role].label.in_(language) for role in roles if role in workflow.roles)


def iso(duration: Duration) -> str:
    """As ISO 8601; working days as days, for it has no others."""
    days = duration.days + duration.working_days
    date = (f"{duration.months}M" if duration.months else "") + (f"{days}D" if days else "")
    hours, minutes = divmod(duration.minutes, 60)
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    return f"P{date}{'T' if time else ''}{time}" if date or time else "PT0S"


def written(workflow: Workflow, language: str) -> str:
    """The model with its diagram; the same workflow always gives the same one."""
    pools = [Process(workflow, language), *(Process(workflow, language, child) for child in workflow.children.values())]
    messages = [
        (pool.id, Flow(f"{pool.id}-made-by-{number}", task, pool.start))
        for pool in pools[1:]
        for number, task in enumerate(pools[0].begins.get(pool.id, ()))
    ]
    return "\n".join(_document(workflow, pools, messages)) + "\n"


def _document(workflow: Workflow, pools: list[Process], messages: list[tuple[str, Flow]]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<bpmn:definitions {NAMESPACES} id="definitions" targetNamespace="urn:fundflow:{workflow.id}"'
    yield f' exporter="fundflow" name={quoteattr(f"{workflow.id} {workflow.version}")}>'
    yield '  <bpmn:collaboration id="pools">'
    for pool in pools:
        many = f'<bpmn:participantMultiplicity minimum="0" maximum="{pool.most}"/>' if pool.most else ""
        yield (
            f'    <bpmn:participant id="{pool.id}-pool" name={quoteattr(pool.name)}'
            f' processRef="{pool.id}-process">{many}</bpmn:participant>'
        )
    for _, flow in messages:
        yield f'    <bpmn:messageFlow id="{flow.id}" sourceRef="{flow.source}" targetRef="{flow.target}"/>'
    yield "  </bpmn:collaboration>"
    for pool in pools:
        yield f'  <bpmn:process id="{pool.id}-process" name={quoteattr(pool.name)} isExecutable="false">'
        for node in pool.nodes.values():
            yield f"    {_element(node)}"
        for flow in pool.flows:
            yield f'    <bpmn:sequenceFlow id="{flow.id}" sourceRef="{flow.source}" targetRef="{flow.target}"/>'
        yield "  </bpmn:process>"
    yield '  <bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="pools">'
    drawn: dict[str, Pool] = {}
    top = 0.0
    for pool in pools:
        spots = [Spot(node.id, *node.spot) for node in pool.nodes.values()]
        own = placed(pool.id, spots, [(flow.source, flow.target) for flow in pool.flows], top)
        drawn[pool.id] = own
        top += own.whole.height + 40
        for shape in (own.whole, *own.shapes.values()):
            horizontal = ' isHorizontal="true"' if shape is own.whole else ""
            yield (
                f'    <bpmndi:BPMNShape id="{shape.id}-shape" bpmnElement="{shape.id}"{horizontal}><dc:Bounds'
                f' x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}"/>'
                "</bpmndi:BPMNShape>"
            )
        for flow in pool.flows:
            yield _edge(flow, routed(own, own.shapes[flow.source], own.shapes[flow.target]))
    main = drawn[pools[0].id]
    for kind, flow in messages:
        yield _edge(flow, message(main, main.shapes[flow.source], drawn[kind].shapes[flow.target], drawn[kind]))
    yield "  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
    yield "</bpmn:definitions>"


def _edge(flow: Flow, corners: Iterable[Point]) -> str:
    points = "".join(f'<di:waypoint x="{x:g}" y="{y:g}"/>' for x, y in corners)
    return f'    <bpmndi:BPMNEdge id="{flow.id}-edge" bpmnElement="{flow.id}">{points}</bpmndi:BPMNEdge>'


def _element(node: Node) -> str:
    name = f" name={quoteattr(node.name)}" if node.name else ""
    attributes = f" {node.attributes}" if node.attributes else ""
    told = f"<bpmn:documentation>{escape(node.told)}</bpmn:documentation>" if node.told else ""
    touching = "".join(f"<bpmn:incoming>{flow}</bpmn:incoming>" for flow in node.incoming)
    touching += "".join(f"<bpmn:outgoing>{flow}</bpmn:outgoing>" for flow in node.outgoing)
    return f'<bpmn:{node.element} id="{node.id}"{name}{attributes}>{told}{touching}{node.inside}</bpmn:{node.element}>'
