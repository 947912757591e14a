"""What an example says against what is so: a sentence for each difference, at the line that says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fundflow.workflow import access
from fundflow.workflow.examples.panels import figures
from fundflow.workflow.examples.statement import Claim, Sent, Shown
from fundflow.workflow.examples.stepping import Refused, available
from fundflow.workflow.examples.values import DAY, NONE, written
from fundflow.workflow.examples.world import Message, World
from fundflow.workflow.problems import listed


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as an example says, with the file and line that says it."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Traces:
    """What was caused since some moment."""

    messages: Sequence[Message]
    documents: Sequence[str]


def refusal(said: Sequence[str], refused: Refused) -> list[str]:
    """What differs between the refusals that were said and those that came: every one of both must be the other's."""
    found = []
    for each in said:
        if not any(_meets(each, kind, sentence) for kind, sentence in refused.reasons):
            found.append(f"refused, but not for “{each}”: {_told(refused.reasons)}")
    left = [reason for reason in refused.reasons if not any(_meets(each, *reason) for each in said)]
    if left and not found:
        found.append(f"refused also for another reason: {_told(left)}")
    return found


def _meets(said: str, kind: str, sentence: str) -> bool:
    return said == kind or (" " in said.strip() and _bare(said) in _bare(sentence))


def _bare(text: str) -> str:
    """A sentence as it is compared: quotes, hard spaces and capitals are nobody's point."""
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').split()).casefold()


def _told(reasons: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{kind}, “{sentence}”" for kind, sentence in reasons)


def difference(claim: Claim, world: World, traces: Traces) -> str | None:
    """What is otherwise than the claim; None where it holds."""
    first, _, rest = claim.path.partition(".")
    match first:
        case "sends":
            return _sends(claim.value, traces.messages, world)
        case "makes":
            made = tuple(traces.documents)
            return None if made == claim.value else f"makes {_list(made)}, not {_list(claim.value)}"
        case "sees":
            return _sees(rest, claim.value, world)
        case "can":
            can = frozenset(decision.transition for decision in available(world, rest) if decision.allowed)
            return _sets(f"{rest} can do", can, claim.value)
        case "holds":
            return _sets(f"{rest} holds", world.roles(rest), claim.value)
        case "timers":
            return _timers(claim.value, world)
    actual = _fact(claim.path, world)
    if claim.path.endswith(".due") and isinstance(actual, str) and DAY.fullmatch(str(claim.value)):
        actual = actual[:10]
    if actual == claim.value:
        return None
    return f"{claim.path} is {_shown(actual)}, not {_shown(claim.value)}"


def _fact(path: str, world: World) -> Any:
    first, _, rest = path.partition(".")
    name, _, key = rest.partition(".")
    match first:
        case "state" | "outcome" | "revision":
            return getattr(world, first)
        case "ledger":
            return world.ledger()[name] if name != "committed" else world.account.committed
        case "tasks":
            return world.tasks.get(name, "open")
        case "signed":
            return frozenset(party for state, party in world.signed if state == world.state)
        case "children":
            return next((row.state for row in world.children.get(name, ()) if row.key == key), None)
        case "reviews":
            return figures(world, name)[key] if name in world.workflow.reviews else None
        case _:
            return world.application().get(name)


def _shown(value: Any) -> str:
    plain = written(value)
    if isinstance(plain, list):
        return _list(sorted(map(str, plain)))
    return f"'{plain}'" if isinstance(plain, str) and plain != NONE else str(plain).lower()


def _list(values: Iterable[Any]) -> str:
    names = [str(each) for each in values]
    return listed(names) if names else "nothing"


def _sets(what: str, actual: frozenset[str], said: frozenset[str]) -> str | None:
    parts = []
    if actual - said:
        parts.append(f"also {listed(sorted(actual - said))}")
    if said - actual:
        parts.append(f"not {listed(sorted(said - actual))}")
    return f"{what} {', but '.join(parts)}" if parts else None


def _sees(who: str, said: Shown, world: World) -> str | None:
    # Whoever is no person of the example is a role: what it alone gives.
    roles = world.roles(who) if who in world.members else frozenset({who})
    cell = access.cell(world.workflow, world.state, roles, has_ended=world.has_ended)
    parts = []
    if said.state is not None:
        shown = access.shown_state(world.workflow, world.state, roles)
        if shown != said.state:
            parts.append(f"{who} is shown '{shown}', not '{said.state}'")
    if said.reads is not None:
        parts.append(_sets(f"{who} can read", cell.view - cell.edit, said.reads) or "")
    if said.writes is not None:
        parts.append(_sets(f"{who} can change", cell.edit, said.writes) or "")
    return "; ".join(part for part in parts if part) or None


def running(world: World) -> dict[str, datetime]:
    """The timers that run (of children as ``report_due 1``), and when each is due on the workflow's clock."""
    armed = (row for row in world.timers if row.status == "armed")
    return {
        f"{row.name} {row.subject.partition(':')[2]}".strip(): row.due_at.astimezone(world.workflow.zone)
        for row in armed
    }


def _timers(said: dict[str, str | None], world: World) -> str | None:
    actual, parts = running(world), []
    for name, due in actual.items():
        if name not in said:
            parts.append(f"the timer '{name}' runs (until {due:%Y-%m-%dT%H:%M})")
        elif said[name] is not None and said[name] != _as(said[name] or "", due):
            parts.append(f"the timer '{name}' is due {due:%Y-%m-%dT%H:%M}, not {said[name]}")
    parts += [f"the timer '{name}' does not run" for name in said if name not in actual]
    return "; ".join(parts) or None


def _as(said: str, moment: datetime) -> str:
    """A moment to the day or to the minute, as the example says it."""
    return f"{moment:%Y-%m-%d}" if DAY.fullmatch(said) else f"{moment:%Y-%m-%dT%H:%M}"


def _sends(said: Sequence[Sent], messages: Sequence[Message], world: World) -> str | None:
    actual = [(m, m.at.astimezone(world.workflow.zone)) for m in messages]

    def meets(one: Sent, other: tuple[Message, datetime]) -> bool:
        message, at = other
        is_same = (one.template, one.role) == (message.template, message.role)
        return is_same and (not one.on or one.on == _as(one.on, at))

    if len(said) == len(actual) and all(map(meets, said, actual)):
        return None
    is_timed = any(one.on for one in said)
    told = [f"{m.template} to {m.role}" + (f" on {at:%Y-%m-%dT%H:%M}" if is_timed else "") for m, at in actual]
    return f"sends {_list(told)}, not {_list(said)}"
