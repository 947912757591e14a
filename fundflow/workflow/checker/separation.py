"""Separation of duties over all paths: whether one person can do several things that nobody may do together.

`separated` proves it or gives the roles, the people where a directory names them, and a shortest path. It counts roles
with their `never_also`, and `not_same_actor_as` with whoever acts for somebody else as both persons. What two
administrators override together is outside of it, and stands in the record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product as choices
from math import prod

from fundflow.workflow.checker.conditions import place_of
from fundflow.workflow.checker.context import Context, Directory
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.product import Product, Situation, Step
from fundflow.workflow.definition import SYSTEM, Transition, Workflow
from fundflow.workflow.problems import did_you_mean, listed

DUTIES = ("submit", "decide", "pay")
MOST_SETS = 1_000
"""So many sets of roles that one person could hold are looked at; beyond that it is said to be undecided."""
_AWARDS = ("award", "agreement", "contract")


class UnknownDuty(Exception):
    """A duty that is neither one of ours nor a transition of the file; its text is a sentence."""


@dataclass(frozen=True, slots=True)
class Breach:
    """How one person could do all of it: with which roles, on which path, and at which of its steps.

    `people` are those of the directory who could, by name; empty where no directory was given.
    """

    roles: tuple[str, ...]
    path: tuple[str, ...]
    own: tuple[str, ...]
    """Of the path, what this person does."""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The answer for some duties: no breach means that no one person can do them all, on any path.

    `situations` says over how many situations that was looked at; `absent` are duties that nothing in the file is.
    """

    duties: Mapping[str, tuple[str, ...]]
    breaches: tuple[Breach, ...]
    situations: int
    is_whole: bool = True
    absent: tuple[str, ...] = ()
    by_itself: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of the duties, those that steps without a person do, and these steps."""
    changing: tuple[Breach, ...] = ()
    """How somebody could whose roles change between the steps, such as one who leaves a team and joins the fund."""

    @property
    def holds(self) -> bool:
        return not self.breaches and self.is_whole and not self.by_itself

    @property
    def sentences(self) -> list[str]:
        """The answer as a person reads it, a line for each way to break it."""
        names = _joined(list(self.duties))
        if self.by_itself:
            done = ", ".join(f"{_joined(steps)} {duty}s by itself" for duty, steps in self.by_itself.items())
            return [f"not decided: whether one person can {names}, for {done}: name the steps that lead there instead"]
        if self.absent:
            return [f"nothing in this workflow is to {_joined(list(self.absent), 'or')}, so no one can do all of it"]
        if not self.is_whole:
            return [f"not decided: whether one person can {names}; there are too many situations, or roles"]
        if not self.breaches:
            proved = f"no one person can {names}: proved over all paths ({self.situations} situations)"
            return [proved, *map(_while_roles_stay, self.changing[:1])]
        return [f"one person can {names} {_how(breach)}: {' → '.join(breach.path)}" for breach in self.breaches]


def _while_roles_stay(breach: Breach) -> str:
    """The one thing that never_also cannot prevent."""
    roles, steps = listed(breach.roles), ", ".join(breach.own)
    return f"but one whose roles change on the way ({roles}) could, by {steps}; not_same_actor_as would prevent that"


def _how(breach: Breach) -> str:
    who = f"as {listed(breach.roles)}"
    return f"{who} (now: {', '.join(breach.people)})" if breach.people else who


def _joined(names: Sequence[str], word: str = "and") -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def duties_of(workflow: Workflow) -> dict[str, tuple[str, ...]]:
    """The transitions by which somebody submits, decides and pays, as far as the file shows it.

    Submitting leaves the first state; deciding sets money aside or, where no money is, makes an award's document;
    paying is an order to the bank or a payment, of the application or of a child.
    """
    people = _of_people(workflow)
    money = {step.id: {effect.ledger for effect in step.do if effect.ledger} for step in people}
    decide = tuple(name for name, moves in money.items() if moves & {"reserve", "commit"})
    if not decide:
        decide = tuple(step.id for step in people for effect in step.do if _is_award(effect.document))
    submit = tuple(
        step.id
        for step in people
        if workflow.child_of(step.id) is None
        and workflow.initial in step.sources
        and step.destination(workflow.initial) not in (None, workflow.initial)
    )
    pay = tuple(name for name, moves in money.items() if moves & {"order", "pay"})
    return {"submit": submit, "decide": tuple(dict.fromkeys(decide)), "pay": pay}


def _is_award(document: str | None) -> bool:
    return document is not None and any(word in document for word in _AWARDS)


def separated(workflow: Workflow, names: Sequence[str] = DUTIES, directory: Directory | None = None) -> Proof:
    """Whether no one person can do all of these on one application, with every way to do so if one can.

    A name is `submit`, `decide` or `pay`, or a transition (``tranche.verify``). UnknownDuty for any other. For the
    command: ``fundflow check FILE --separate submit,decide,pay``.
    """
    ours = duties_of(workflow)
    duties: dict[str, tuple[str, ...]] = {}
    for name in names:
        if workflow.find(name) is not None and name not in DUTIES:
            duties[name] = (name,)
        elif name in ours:
            duties[name] = ours[name]
        else:
            known = [*ours, *(step.id for step in workflow.every_transition())]
            raise UnknownDuty(f"'{name}' is no duty and no transition{did_you_mean(name, known)}")
    absent = tuple(name for name, steps in duties.items() if not steps)
    if absent:
        return Proof(duties, (), 0, absent=absent, by_itself=_by_itself(workflow, absent))
    products = _products(workflow, duties)
    sets = _role_sets(workflow, duties)
    breaches = _broken(products, duties, sets or ())
    changing = [] if breaches else _broken(products, duties, _role_sets(workflow, duties, over_time=True) or ())
    if directory is not None:
        breaches = [_with_people(workflow, breach, directory) for breach in breaches]
    return Proof(
        duties,
        tuple(sorted(breaches, key=lambda breach: (len(breach.roles), len(breach.path), breach.roles))),
        sum(len(product.came_by) for product in products),
        sets is not None and all(product.is_whole for product in products),
        by_itself=_by_itself(workflow, [name for name in duties if name in ours]),
        changing=tuple(changing),
    )


def _broken(
    products: Sequence[Product], duties: Mapping[str, tuple[str, ...]], sets: Iterable[frozenset[str]]
) -> list[Breach]:
    return [breach for roles in sets if (breach := _shortest(products, duties, roles)) is not None]


def _by_itself(workflow: Workflow, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Of these duties, those that steps do which nobody takes: whoever brings them about is not among the steps.

    Committing what somebody reserved decides nothing any more.
    """
    found: dict[str, list[str]] = {}
    is_reserved = any(effect.ledger == "reserve" for step in _of_people(workflow) for effect in step.do)
    for step in workflow.every_transition():
        moves = {effect.ledger for effect in step.do} if _is_nobodys(step) else set()
        if "decide" in names and ("reserve" in moves or ("commit" in moves and not is_reserved)):
            found.setdefault("decide", []).append(step.id)
        if "pay" in names and moves & {"order", "pay"}:
            found.setdefault("pay", []).append(step.id)
    return {duty: tuple(steps) for duty, steps in found.items()}


def _is_nobodys(step: Transition) -> bool:
    return step.is_auto or step.by == {SYSTEM}


def _of_people(workflow: Workflow) -> list[Transition]:
    return [step for step in workflow.every_transition() if not _is_nobodys(step)]


def _products(workflow: Workflow, duties: Mapping[str, tuple[str, ...]]) -> list[Product]:
    kinds = {child.id for steps in duties.values() for step in steps if (child := workflow.child_of(step)) is not None}
    children = [workflow.children[kind] for kind in sorted(kinds)] or [*workflow.children.values()][:1]
    return [Product(workflow, child, lambda *_: True).explore() for child in children or (None,)]


def _role_sets(
    workflow: Workflow, duties: Mapping[str, tuple[str, ...]], *, over_time: bool = False
) -> list[frozenset[str]] | None:
    """Roles that one person may use, one or more for each duty; none that `never_also` keeps apart. None for too many.

    Somebody whose roles change between the steps of a path (`over_time`) may use them all, one after the other.
    """
    wanted = [
        sorted({role for name in steps if (step := workflow.find(name)) for role in step.by} - {SYSTEM})
        for steps in duties.values()
    ]
    if prod(map(len, wanted)) > MOST_SETS:
        return None
    found = {frozenset(chosen) for chosen in choices(*wanted)}
    allowed = [roles for roles in found if over_time or usable(workflow, roles) == roles]
    return sorted((roles for roles in allowed if not any(other < roles for other in allowed)), key=sorted)


def usable(workflow: Workflow, held: frozenset[str]) -> frozenset[str]:
    """Of the roles that somebody holds, those that they may use: none that `never_also` keeps from another."""
    return frozenset(name for name in held if not workflow.roles[name].never_also & held)


def _shortest(
    products: Sequence[Product], duties: Mapping[str, tuple[str, ...]], roles: frozenset[str]
) -> Breach | None:
    found = [breach for product in products if (breach := _Walk(product, duties, roles).run()) is not None]
    return min(found, key=lambda breach: len(breach.path)) if found else None


@dataclass(frozen=True, slots=True)
class _Spot:
    """A situation, which duties one person has done so far, and which steps that count against them."""

    here: Situation
    done: frozenset[str]
    acted: frozenset[str]


class _Walk:
    """Every path, with one person who takes any step their roles allow; somebody else takes the others."""

    def __init__(self, product: Product, duties: Mapping[str, tuple[str, ...]], roles: frozenset[str]) -> None:
        self.product, self.workflow, self.duties, self.roles = product, product.workflow, duties, roles
        self.counted = {name for step in self.workflow.every_transition() for name in step.not_same_actor_as}
        self.duty = {step for steps in duties.values() for step in steps}

    def run(self) -> Breach | None:
        start = _Spot(Situation(self.workflow.initial), frozenset(), frozenset())
        came: dict[_Spot, tuple[_Spot, str, bool] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            spot = waiting.popleft()
            for step in self.product.steps.get(spot.here, ()):
                for after, own in self._after(spot, step):
                    if after in came:
                        continue
                    came[after] = (spot, step.name, own)
                    if len(after.done) == len(self.duties):
                        return self._breach(came, after)
                    waiting.append(after)
        return None

    def _after(self, spot: _Spot, step: Step) -> Iterator[tuple[_Spot, bool]]:
        yield _Spot(step.after, spot.done, spot.acted), False
        transition = self.workflow.find(step.name)
        assert transition is not None  # noqa: S101 - a step is of a transition
        if step.name in self.duty and self._may(transition, spot):
            done = spot.done | {name for name, steps in self.duties.items() if step.name in steps}
            acted = spot.acted | ({step.name} & self.counted)
            yield _Spot(step.after, done, acted), True

    def _may(self, transition: Transition, spot: _Spot) -> bool:
        child = self.workflow.child_of(transition.id)
        by = transition.by if child is not None else transition.by_from(str(spot.here.state))
        if not by & self.roles:
            return False
        for earlier in transition.not_same_actor_as:
            # What was done to another child does not count against a step on this one.
            is_other = child is not None and "." in earlier and len(spot.here.children or ()) > 1
            if earlier in spot.acted and not is_other:
                return False
        return True

    def _breach(self, came: Mapping[_Spot, tuple[_Spot, str, bool] | None], last: _Spot) -> Breach:
        path: list[str] = []
        own: list[str] = []
        before = came[last]
        while before is not None:
            spot, name, is_own = before
            path.append(name)
            own += [name] if is_own else []
            before = came[spot]
        return Breach(tuple(sorted(self.roles)), tuple(reversed(path)), tuple(reversed(own)))


def _with_people(workflow: Workflow, breach: Breach, directory: Directory) -> Breach:
    """With everybody who has these roles now and may use them; a city's team is whoever applies."""
    people = sorted(
        directory.name(person)
        for person, held in held_by(workflow, directory).items()
        if set(breach.roles) <= usable(workflow, held)
    )
    return Breach(breach.roles, breach.path, breach.own, tuple(people))


def held_by(workflow: Workflow, directory: Directory) -> dict[str, frozenset[str]]:
    """The roles that each person of the directory has or can be given, by the person."""
    found: dict[str, set[str]] = {}
    for name, role in workflow.roles.items():
        for person in directory.members(workflow, role) or ():
            found.setdefault(person, set()).add(name)
    return {person: frozenset(roles) for person, roles in found.items()}


def together(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """One person from the request to the money, on some path; or one role that both submits and decides."""
    duties = {name: steps for name, steps in duties_of(workflow).items() if steps}
    alone = _by_itself(workflow, DUTIES)
    for steps in alone.values() if "submit" in duties else ():
        given = workflow.find(steps[0])
        assert given is not None  # noqa: S101 - it came from there
        yield Finding("FF116", place_of(workflow, given), separated(workflow, DUTIES).sentences[0])
        return
    if "decide" not in duties or "submit" not in duties:
        return
    first = workflow.transitions.get(duties["decide"][0])
    at = f"transitions.{first.id}.by" if first is not None else "transitions"
    if "pay" in duties:
        proof = separated(workflow, DUTIES, context.directory)
        for breach in proof.breaches:
            message = f"one person can submit, decide and pay {_how(breach)}; keep the roles apart with never_also"
            yield Finding("FF138", at, message, breach.path)
        if not proof.is_whole:
            yield Finding("FF116", at, proof.sentences[0])
    submitting = {role for name in duties["submit"] for role in _by(workflow, name)}
    for name in duties["decide"]:
        if not submitting & _by(workflow, name):
            continue
        for found in separated(workflow, ("submit", name)).breaches:
            if len(found.roles) == 1:
                message = f"role '{found.roles[0]}' both submits ({found.own[0]}) and decides ({name})"
                yield Finding("FF138", f"transitions.{name}.by", message, found.path)


def _by(workflow: Workflow, name: str) -> frozenset[str]:
    step = workflow.find(name)
    return frozenset() if step is None else step.by - {SYSTEM}


WIDER_RULES = (together,)
