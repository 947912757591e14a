"""Bank accounts and screenings of an example: the same steps, by the same people, with the same waits as on the site.

Numbers, calls and lists do not matter to rules, so there are none; what matters is who, in which order, and when.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fundflow.workflow import access
from fundflow.workflow.accounts import (
    CALLED,
    COOLING_OFF_DAYS,
    ENTERED,
    FROZEN,
    REFUSED,
    REPLACED,
    VERIFIED,
    WITHDRAWN,
    Standing,
    standing,
)
from fundflow.workflow.examples.account import Kept

if TYPE_CHECKING:
    from fundflow.workflow.examples.world import World

BANK = "bank"
STEPS = ("enter", "call", "confirm", "object", "refuse", "withdraw")
RESULTS = ("clear", "false_hit", "true_hit")


@dataclass(frozen=True, slots=True)
class Entry:
    """An account: who entered it, who called, since when it can be used."""

    by: str
    status: str = ENTERED
    takes_place: bool = False
    called_by: str = ""
    usable_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A screening of city, signatory and bank at once. `account` is the one whose bank it was."""

    at: datetime
    result: str
    account: int | None
    is_used: bool = False


def of(world: World) -> Standing:
    """Where the accounts stand now; accounts are called by their place in the list."""
    rows = [(number, each.status, each.usable_from) for number, each in enumerate(world.entries)]
    return standing(rows, world.moment)


def facts(world: World) -> dict[str, Any]:
    """``bank`` as expressions read it."""
    now = of(world)
    until = now.waits_until
    return {
        "status": now.status,
        "usable": now.is_usable,
        "waits_until": None if until is None else until.astimezone(world.workflow.zone),
    }


def screening(world: World) -> dict[str, Any]:
    """``screening`` as expressions read it."""
    now = of(world)
    account = now.in_force if now.waiting is None else now.waiting
    latest = next((each for each in reversed(world.searches)), None)
    bank = next((each for each in reversed(world.searches) if each.account == account), None)
    hit = any(each is not None and each.result == "true_hit" for each in (latest, bank))
    if latest is None or bank is None or account is None:
        return {"days": None, "fresh": False, "hit": hit}
    return {
        "days": (world.moment - min(latest.at, bank.at)).days,
        "fresh": not (latest.is_used or bank.is_used),
        "hit": hit,
    }


def use(world: World) -> None:
    """A payment was ordered or made on the strength of what was searched."""
    world.searches = tuple(replace(each, is_used=True) for each in world.searches)


def screen(world: World, who: str, result: str) -> None:
    """Compliance or finance searches the lists for city, signatory and bank."""
    _role(world, who, _groups(world, "compliance", "finance"))
    now = of(world)
    account = now.in_force if now.waiting is None else now.waiting
    if account is None:
        raise Kept("state", "There is no bank account yet whose bank could be searched for.")
    was_hit = bool(screening(world)["hit"])
    if was_hit and result != "true_hit" and not world.roles(who) & _groups(world, "compliance"):
        raise Kept("role", "Only compliance can record that a true match is none.")
    world.searches = (*world.searches, Search(world.moment, result, account))


def take(world: World, who: str, step: str) -> None:
    """Take a step with the account that waits, or enter one."""
    now = of(world)
    team = frozenset(r.id for r in world.workflow.roles.values() if r.kind == "team")
    finance, fund = _groups(world, "finance"), _groups(world, "finance", "directors")
    if step == "enter":
        _enter(world, who, now, team)
        return
    _role(world, who, {"confirm": fund, "object": team | finance, "withdraw": team}.get(step, finance))
    if now.waiting is None:
        raise Kept("state", "No account waits.")
    entry = world.entries[now.waiting]
    changed = _changed(world, who, step, entry)
    world.entries = tuple(changed if n == now.waiting else each for n, each in enumerate(world.entries))


def _enter(world: World, who: str, now: Standing, team: Collection[str]) -> None:
    is_change = now.in_force is not None
    cells = {role: access.cell(world.workflow, world.state, {role}) for role in team}
    _role(world, who, {r for r, cell in cells.items() if BANK in cell.edit or (is_change and BANK in cell.view)})
    if now.status == FROZEN:
        raise Kept("state", "The last change was objected to.")
    before = tuple(
        replace(each, status=REPLACED) if number == now.waiting else each for number, each in enumerate(world.entries)
    )
    world.entries = (*before, Entry(who, takes_place=is_change))


def _changed(world: World, who: str, step: str, entry: Entry) -> Entry:
    is_open = entry.status != FROZEN
    match step:
        case "call" if entry.status == ENTERED:
            if entry.takes_place:
                return replace(entry, status=CALLED, called_by=who)
            return replace(entry, status=VERIFIED, called_by=who, usable_from=world.moment)
        case "confirm" if entry.status == CALLED:
            if who in (entry.by, entry.called_by):
                raise Kept("not_same_actor", "Somebody else has to do this.")
            return replace(entry, status=VERIFIED, usable_from=world.moment + timedelta(days=COOLING_OFF_DAYS))
        case "object" if entry.takes_place and is_open:
            return replace(entry, status=FROZEN)
        case "refuse":
            return replace(entry, status=REFUSED)
        case "withdraw" if is_open:
            return replace(entry, status=WITHDRAWN)
    raise Kept("state", "This account is no longer there.")


def _groups(world: World, *groups: str) -> frozenset[str]:
    return frozenset(r.id for r in world.workflow.roles.values() if r.kind == "group" and r.group in groups)


def _role(world: World, who: str, roles: Collection[str]) -> None:
    if not world.roles(who) & set(roles):
        raise Kept("role", "Somebody else does this.")
