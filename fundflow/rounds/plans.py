"""The plan of a round, and everything that can be wrong with one.

A plan is data: it is checked as a whole, every mistake at once and by field, before anything is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import pycountry
from babel import Locale

from fundflow import clock
from fundflow.errors import Refused
from fundflow.lifecycle import definitions, publishing
from fundflow.money import Money
from fundflow.rounds import queries
from fundflow.rounds.models import Round
from fundflow.rounds.wall import NoSuchZone, instant_of
from fundflow.workflow.amounts import names_amounts
from fundflow.workflow.definition import Workflow

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RESERVED = frozenset({"new", "manage"})
LONGEST = {"title": 200, "theme": 200, "new_window": 200, "summary": 1_000, "text": 20_000}
"""How many characters each text may have."""


class NoSuchCurrency(Refused):
    """“{currency}” is not a currency code of ISO 4217. Choose one from the list, for example EUR."""

    status = 422


class OtherCurrency(Refused):
    """This workflow names amounts in {currency}, so its rounds must be in {currency} too."""

    status = 422


class NoSuchCountry(Refused):
    """“{name}” is not a country. Write names or two-letter codes with commas between them, for example Kenya, UG."""

    status = 422


class ClosesBeforeItOpens(Refused):
    """The round must close after it opens; it opens at {opens} and would close at {closes}."""

    status = 422


class ClosesInThePast(Refused):
    """The closing time, {closes}, has already passed. Choose a later one."""

    status = 422


class CapBelowFloor(Refused):
    """The largest grant, {cap}, is below the smallest, {floor}."""

    status = 422


class BudgetBelowCap(Refused):
    """The budget, {budget}, does not cover even one grant of {cap}."""

    status = 422


class NoBudget(Refused):
    """Enter an amount above zero."""

    status = 422


class BadSlug(Refused):
    """An address has only small letters, digits and single hyphens, and at most 80 of them; “{slug}” does not fit."""

    status = 422


class SlugTaken(Refused):
    """Another round has the address “{slug}” already. Choose another."""

    status = 422


class TitleMissing(Refused):
    """Give the round a title."""

    status = 422


class TooLong(Refused):
    """This is too long: at most {limit} characters fit here, and it has {length}."""

    status = 422


class NoSuchWindow(Refused):
    """Choose a window, or name a new one."""

    status = 422


class NoSuchWorkflow(Refused):
    """“{workflow}” is not a workflow that this installation carries. Choose one from the list."""

    status = 422


class WrongRound(Refused):
    """The round cannot be saved as it is written.

    `problems` holds the refusals by the name of the field they belong to.
    """

    status = 422

    def __init__(self, problems: Mapping[str, Refused]) -> None:
        super().__init__()
        self.problems = dict(problems)

    def __str__(self) -> str:
        return " ".join(str(problem) for problem in self.problems.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round is to be. Wall times are `YYYY-MM-DDTHH:MM` in `zone`; `workflow` is the id of a shipped one,
    or the digest of a published one.

    Without a `window_id`, saving makes the window `new_window`.
    """

    window_id: UUID | None
    title: str
    slug: str
    zone: str
    opens_wall: str
    closes_wall: str
    currency: str
    floor: Money
    cap: Money
    budget: Money
    workflow: str
    theme: str = ""
    summary: str = ""
    text: str = ""
    new_window: str = ""
    countries: tuple[str, ...] = ()
    """ISO 3166 codes of where cities may apply from; none for everywhere."""


@cache
def countries() -> dict[str, str]:
    """ISO 3166 codes by every way of writing a country that is understood: its code, or its name in a language."""
    known = {each.alpha_2.casefold(): each.alpha_2 for each in pycountry.countries}
    for language in ("en", "fr", "es", "pt"):
        names = Locale.parse(language).territories
        known |= {str(names[code]).casefold(): code for code in list(known.values()) if code in names}
    return known


def countries_in(text: str) -> tuple[str, ...]:
    """The countries named in a text, separated by commas or line breaks; NoSuchCountry for what is none."""
    found: dict[str, None] = {}
    for word in re.split(r"[,;\n]", text):
        name = " ".join(word.split())
        if name:
            code = countries().get(name.casefold())
            if code is None:
                raise NoSuchCountry(name=name)
            found[code] = None
    return tuple(sorted(found))


@cache
def currencies() -> tuple[tuple[str, str], ...]:
    """Codes and English names of ISO 4217, without metals, test codes and units of account."""
    real = {"XAF", "XOF", "XPF", "XCD", "XCG"}
    return tuple(
        sorted(
            (each.alpha_3, each.name)
            for each in pycountry.currencies
            if not each.alpha_3.startswith("X") or each.alpha_3 in real
        )
    )


def slug_of(title: str) -> str:
    """A plain address from a title; empty when nothing of it can be written in one."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")


def plan_of(round_: Round) -> Plan:
    """The round as a plan, to edit or clone it."""
    return Plan(
        window_id=round_.window_id,
        title=round_.title,
        slug=round_.slug,
        zone=round_.zone,
        opens_wall=round_.opens_wall,
        closes_wall=round_.closes_wall,
        currency=round_.currency,
        floor=round_.floor,
        cap=round_.cap,
        budget=round_.budget,
        workflow=name_of(round_.definition_sha),
        theme=round_.theme,
        summary=round_.summary,
        text=round_.text,
        countries=tuple(round_.countries),
    )


def offered() -> list[tuple[str, Workflow]]:
    """What a round may choose: the shipped workflows by their id, and by its digest what two people published."""
    shipped = definitions.shipped()
    carried = {each.sha256 for each in shipped}
    published = dict.fromkeys(each.sha256 for each in publishing.published())
    return [
        *((each.id, each) for each in shipped),
        *((sha256, definitions.get(sha256)) for sha256 in published if sha256 not in carried),
    ]


def name_of(sha256: str) -> str:
    """What `offered` calls the version of this digest: its workflow's id, unless people published it here."""
    carried = any(each.sha256 == sha256 for each in definitions.shipped())
    return sha256 if not carried and publishing.is_published(sha256) else definitions.get(sha256).id


def workflow_named(name: str) -> Workflow | None:
    """What is offered under this name, or None."""
    return dict(offered()).get(name)


def problems_of(plan: Plan, *, of: Round | None = None) -> dict[str, Refused]:
    """Everything wrong with a plan at once, by field; empty when it can be saved."""
    found: dict[str, Refused] = {}
    for name, limit in LONGEST.items():
        if len(getattr(plan, name)) > limit:
            found[name] = TooLong(limit=limit, length=len(getattr(plan, name)))
    if not plan.title.strip():
        found["title"] = TitleMissing()
    if plan.window_id is None:
        if not plan.new_window.strip():
            found["new_window"] = NoSuchWindow()
    elif queries.window(plan.window_id) is None:
        found["window"] = NoSuchWindow()
    if len(plan.slug) > 80 or not SLUG.fullmatch(plan.slug) or plan.slug in RESERVED:
        found["slug"] = BadSlug(slug=plan.slug)
    elif queries.slug_taken(plan.slug, by_other_than=of.id if of else None):
        found["slug"] = SlugTaken(slug=plan.slug)
    workflow = workflow_named(plan.workflow)
    if workflow is None and not (of and of.status == "published"):
        found["workflow"] = NoSuchWorkflow(workflow=plan.workflow)
    found |= _dates(plan) | _amounts(plan)
    if workflow and "currency" not in found and plan.currency != workflow.currency and names_amounts(workflow):
        found["currency"] = OtherCurrency(currency=workflow.currency)
    return found


def _dates(plan: Plan) -> dict[str, Refused]:
    if plan.zone not in clock.zones():
        return {"zone": NoSuchZone(zone=plan.zone)}
    found: dict[str, Refused] = {}
    for field, wall in (("opens", plan.opens_wall), ("closes", plan.closes_wall)):
        try:
            instant_of(wall, plan.zone)
        except Refused as problem:
            found[field] = problem
    if not found and instant_of(plan.closes_wall, plan.zone) <= instant_of(plan.opens_wall, plan.zone):
        found["closes"] = ClosesBeforeItOpens(
            opens=plan.opens_wall.replace("T", " "), closes=plan.closes_wall.replace("T", " ")
        )
    return found


def _amounts(plan: Plan) -> dict[str, Refused]:
    if plan.currency not in dict(currencies()):
        return {"currency": NoSuchCurrency(currency=plan.currency)}
    if plan.budget.minor <= 0:
        return {"budget": NoBudget()}
    if plan.cap.minor <= 0:
        return {"cap": NoBudget()}
    if plan.cap < plan.floor:
        return {"cap": CapBelowFloor(cap=plan.cap, floor=plan.floor)}
    if plan.budget < plan.cap:
        return {"budget": BudgetBelowCap(budget=plan.budget, cap=plan.cap)}
    return {}
