"""Whether the people there are can take every step between them: nobody twice where two different ones are needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from fundflow.workflow.checker.conditions import place_of
from fundflow.workflow.checker.context import Context, Directory
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.product import Product, Situation
from fundflow.workflow.checker.separation import held_by, usable
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.problems import listed

MOST_WAYS = 400
"""Different sets of earlier steps that are looked at for one transition."""


def enough(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """FF133: two people are needed and there is one. FF139: with whoever acted before, nobody is left."""
    if context.directory is None:
        return
    people = People(workflow, context.directory)
    product: Product | None = None
    for step in workflow.every_transition():
        if not step.not_same_actor_as or people.of(step) is None:
            continue
        alone = _alone(people, step)
        if alone is not None:
            yield alone
            continue
        if product is None:
            child = next(iter(workflow.children.values()), None)
            product = Product(workflow, child, lambda *_: True).explore()
        yield from _nobody_left(people, product, step)


class People:
    """Who may take which step; None where anybody may, such as a city's team."""

    def __init__(self, workflow: Workflow, directory: Directory) -> None:
        self.workflow, self.directory = workflow, directory
        self.held = {person: usable(workflow, roles) for person, roles in held_by(workflow, directory).items()}

    def of(self, step: Transition) -> frozenset[str] | None:
        roles = [self.workflow.roles[name] for name in step.by if name in self.workflow.roles]
        if not roles or any(self.directory.members(self.workflow, role) is None for role in roles):
            return None
        if any(role.kind == "team" for role in roles):
            return None
        names = {role.id for role in roles}
        return frozenset(person for person, held in self.held.items() if held & names)

    def have_members(self, step: Transition) -> bool:
        """Somebody is in a group for it at all; where nobody is, FF134 says so."""
        roles = [self.workflow.roles[name] for name in step.by if name in self.workflow.roles]
        return any(self.directory.members(self.workflow, role) for role in roles)

    def names(self, people: frozenset[str]) -> str:
        return ", ".join(sorted(map(self.directory.name, people))) or "nobody"


def _alone(people: People, step: Transition) -> Finding | None:
    """Two different people are needed, and there is only one for both."""
    for name in step.not_same_actor_as:
        earlier = people.workflow.find(name)
        here, there = people.of(step), None if earlier is None else people.of(earlier)
        if here is None or there is None or len(here | there) != 1:
            continue
        roles = listed(sorted(step.by & people.workflow.roles.keys()))
        message = f"two different people are needed for {name} and {step.id}, but {roles} has only 1 member"
        at = f"{place_of(people.workflow, step)}.not_same_actor_as"
        return Finding("FF133", at, f"{message} ({people.names(here | there)})")
    return None


def _nobody_left(people: People, product: Product, step: Transition) -> Iterator[Finding]:
    """On every way to this step, the rules of separation leave nobody for it."""
    related = _related(people.workflow, step)
    shortest: tuple[tuple[str, ...], frozenset[str]] | None = None
    for done, path in _ways(product, step, related):
        needed = done | {step.id}
        if assigned(people, needed) is not None:
            return
        if shortest is None:
            shortest = (path, needed)
    if shortest is None:
        return
    path, needed = shortest
    least = _bottleneck(people, step.id, needed)
    steps = [found for name in least if (found := people.workflow.find(name)) is not None]
    if not all(people.have_members(each) for each in steps):
        return
    who = frozenset(person for each in steps for person in people.of(each) or ())
    message = f"nobody is left for {step.id}: {listed(sorted(least))} need different people, and there"
    count = f"is only {len(who)}" if len(who) == 1 else f"are only {len(who)}"
    at = f"{place_of(people.workflow, step)}.not_same_actor_as"
    yield Finding("FF139", at, f"{message} {count} ({people.names(who)})", path)


def _related(workflow: Workflow, step: Transition) -> frozenset[str]:
    """Every earlier step that has a say in who may take this one, directly or through others."""
    found, waiting = set[str](), list(step.not_same_actor_as)
    while waiting:
        name = waiting.pop()
        earlier = workflow.find(name)
        if name not in found and earlier is not None:
            found.add(name)
            waiting += earlier.not_same_actor_as
    return frozenset(found)


def _ways(
    product: Product, step: Transition, related: frozenset[str]
) -> Iterator[tuple[frozenset[str], tuple[str, ...]]]:
    """Each set of related steps that can have happened when this one is taken, with a shortest path through it."""
    start = (Situation(product.workflow.initial), frozenset[str]())
    came: dict[tuple[Situation, frozenset[str]], tuple[tuple[Situation, frozenset[str]], str] | None] = {start: None}
    waiting, seen = deque([start]), set[frozenset[str]]()
    while waiting and len(seen) < MOST_WAYS:
        spot = waiting.popleft()
        here, done = spot
        for each in product.steps.get(here, ()):
            if each.name == step.id and done not in seen:
                seen.add(done)
                yield done, (*_path(came, spot), step.id)
            after = (each.after, done | ({each.name} & related))
            if after not in came:
                came[after] = (spot, each.name)
                waiting.append(after)


def _path(
    came: Mapping[tuple[Situation, frozenset[str]], tuple[tuple[Situation, frozenset[str]], str] | None],
    spot: tuple[Situation, frozenset[str]],
) -> tuple[str, ...]:
    names: list[str] = []
    before = came[spot]
    while before is not None:
        spot, name = before
        names.append(name)
        before = came[spot]
    return tuple(reversed(names))


def assigned(people: People, steps: frozenset[str]) -> dict[str, str] | None:
    """A person for each of these steps such that every rule between them holds; None where there is no such choice.

    Steps that anybody may take need nobody in particular and are left out.
    """
    found = {name: step for name in steps if (step := people.workflow.find(name)) is not None}
    able = {name: who for name, step in found.items() if (who := people.of(step)) is not None}
    apart = {name: set(found[name].not_same_actor_as) & able.keys() for name in able}
    for name in able:
        for other in apart[name]:
            apart[other] = apart[other] | {name}
    order = sorted(able, key=lambda name: (len(able[name]), name))

    def choose(number: int, chosen: dict[str, str]) -> dict[str, str] | None:
        if number == len(order):
            return chosen
        name = order[number]
        for person in sorted(able[name]):
            if all(chosen.get(other) != person for other in apart[name]):
                rest = choose(number + 1, {**chosen, name: person})
                if rest is not None:
                    return rest
        return None

    return choose(0, {})


def _bottleneck(people: People, last: str, steps: frozenset[str]) -> frozenset[str]:
    """As few of these steps as already leave nobody."""
    least = steps
    for name in sorted(steps - {last}):
        if assigned(people, least - {name}) is None:
            least = least - {name}
    return least


WIDER_RULES = (enough,)
