"""Making an example of steps that are taken: what comes of each is written down as what the example says.

What was recorded passes as long as the workflow stays as it is. Whoever records decides which of it to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from fundflow.workflow import access
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import stepping
from fundflow.workflow.examples.claiming import ACCOUNTS
from fundflow.workflow.examples.comparing import running
from fundflow.workflow.examples.panels import figures
from fundflow.workflow.examples.running import Run
from fundflow.workflow.examples.statement import Claim, Example, Given, Sent, Shown, Step
from fundflow.workflow.examples.stepping import Refused
from fundflow.workflow.examples.world import World
from fundflow.workflow.machine import Compiled

FILE = "recorded"


class Recorder:
    """Takes steps in a world of its own and keeps them with what came of them.

    It begins with what is `given`, or with the end of one of the `examples` that it `continues`. KeyError for an
    example that is not among them, ValueError for one that does not come to its end.
    """

    def __init__(
        self,
        workflow: Workflow,
        name: str,
        given: Given = Given(),  # noqa: B008 - it is frozen
        *,
        continues: str | None = None,
        examples: Sequence[Example] = (),
    ) -> None:
        self._example = Example(name=name, file=FILE, line=1, continues=continues, given=given)
        if continues is None:
            self.world = World(Compiled(workflow), given, given.people)
            stepping.begin(self.world)
        else:
            world = Run(workflow, examples).world(continues)
            if world is None:
                raise ValueError(f"the example '{continues}' does not come to its end")
            world.join(given.people)
            self.world = world
        self._steps: list[Step] = []

    def take(self, step: Step) -> Step:
        """Take a step; it comes back with what it sent and made, and where the application then stands."""
        world = self.world
        said, made = len(world.messages), len(world.documents)
        refused: tuple[str, ...] = ()
        if step.is_time:
            stepping.pass_time(world, step)
        elif step.verb is not None:
            try:
                stepping.perform(world, step)
            except Refused as problem:
                refused = tuple(dict.fromkeys(kind for kind, _ in problem.reasons))
        claims = [Claim("state", world.state, 1), Claim("outcome", world.outcome, 1)]
        if not refused:
            sent = tuple(Sent(each.template, each.role, _minute(world, each.at)) for each in world.messages[said:])
            claims += [Claim("sends", sent, 1), Claim("makes", tuple(world.documents[made:]), 1)]
        taken = replace(step, line=1, refused=refused, refused_line=1, claims=tuple(claims))
        self._steps.append(taken)
        return taken

    def look(self) -> Step:
        """Write down all that is so now: money, timers, committee, and what everybody sees, holds and could do."""
        taken = Step(line=1, claims=tuple(standing(self.world)))
        self._steps.append(taken)
        return taken

    @property
    def example(self) -> Example:
        """What was recorded so far."""
        return replace(self._example, steps=tuple(self._steps))


def record(
    workflow: Workflow, name: str, given: Given, steps: Iterable[Step], *, continues: str | None = None
) -> Example:
    """The example that these steps make, with what came of each and how everything stands in the end."""
    recorder = Recorder(workflow, name, given, continues=continues, examples=workflow.examples)
    for step in steps:
        recorder.take(step)
    recorder.look()
    return recorder.example


def standing(world: World) -> list[Claim]:
    """Everything that an example can say of a moment, as it is."""
    found = [Claim("state", world.state, 1), Claim("outcome", world.outcome, 1), Claim("revision", world.revision, 1)]
    account = world.account
    for name in ACCOUNTS:
        found.append(Claim(f"ledger.{name}", getattr(account, name), 1))
    found.append(Claim("timers", {name: f"{due:%Y-%m-%dT%H:%M}" for name, due in running(world).items()}, 1))
    for name in world.workflow.tasks:
        found.append(Claim(f"tasks.{name}", world.tasks.get(name, "open"), 1))
    signed = frozenset(party for state, party in world.signed if state == world.state)
    found.append(Claim("signed", signed, 1))
    for kind, rows in world.children.items():
        found += [Claim(f"children.{kind}.{row.key}", row.state, 1) for row in rows]
    for name in world.workflow.reviews:
        found += [Claim(f"reviews.{name}.{key}", value, 1) for key, value in figures(world, name).items()]
    for who in world.members:
        roles = world.roles(who)
        cell = access.cell(world.workflow, world.state, roles, has_ended=world.has_ended)
        shown = access.shown_state(world.workflow, world.state, roles)
        found.append(Claim(f"sees.{who}", Shown(shown, cell.view - cell.edit, cell.edit), 1))
        can = frozenset(d.transition for d in stepping.available(world, who) if d.allowed)
        found.append(Claim(f"can.{who}", can, 1))
        found.append(Claim(f"holds.{who}", roles, 1))
    return found


def _minute(world: World, at: datetime) -> str:
    return f"{at.astimezone(world.workflow.zone):%Y-%m-%dT%H:%M}"
