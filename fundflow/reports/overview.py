"""The portfolio added up: grants, people, indicators, money by currency, what goes on afterwards, and what is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fundflow.money import Money
from fundflow.reports.gathering import DUE, LATE, TO_READ, Owed
from fundflow.reports.portfolio import Grant
from fundflow.reports.reading import labels_of
from fundflow.reports.rollup import Figure, Sum, figures, rolled_up
from fundflow.reports.tables import REACHED
from fundflow.workflow.text import Text

_URGENCY = {LATE: 0, TO_READ: 1, DUE: 2}


@dataclass(frozen=True, slots=True)
class Purse:
    """The money of one currency. `spent` is what accepted reports say; `further` what projects brought in beside it."""

    currency: str
    committed: Money
    paid: Money
    refunded: Money
    spent: Money
    further: Money

    @property
    def still_to_pay(self) -> Money:
        return self.committed - self.paid

    @property
    def unreported(self) -> Money:
        """Paid, and no accepted report says yet on what."""
        return max(self.paid - self.spent, Money.zero(self.currency))


@dataclass(frozen=True, slots=True)
class Free:
    """An indicator that is listed and not summed."""

    grant: Grant
    figure: Figure


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, of the chosen grants."""

    grants: Sequence[Grant]
    sums: tuple[Sum, ...]
    labels: Mapping[str, Text]
    purses: tuple[Purse, ...]
    free: tuple[Free, ...]
    owed: tuple[tuple[Grant, Owed], ...]
    """What is late first, then what waits to be read, then what is due."""
    asked_after: int
    """Grants that told whether their work goes on."""
    go_on: int
    shared_cities: int
    """Cities with more than one grant: whoever two grants of a city reached is counted in each."""

    @property
    def people(self) -> Sum | None:
        return next((each for each in self.sums if each.measure == REACHED), None)

    @property
    def late(self) -> int:
        return sum(owed.turn == LATE for _, owed in self.owed)


def overview(grants: Sequence[Grant]) -> Overview:
    """What these grants come to together."""
    labels: dict[str, Text] = {}
    cities: dict[object, int] = {}
    for sha in {grant.application.definition_sha: grant for grant in grants}.values():
        labels |= labels_of(sha)
    for grant in grants:
        cities[grant.application.city_id] = cities.get(grant.application.city_id, 0) + 1
    told = [grant.goes_on for grant in grants if grant.goes_on is not None]
    owed = [(grant, each) for grant in grants for each in grant.owed]
    sums = rolled_up(grant.promised for grant in grants)
    summed = {each.measure for each in sums}
    free = [Free(grant, each) for grant in grants for each in figures(grant.promised) if each.measure not in summed]
    return Overview(
        grants=grants,
        sums=tuple(sorted(sums, key=lambda each: each.measure != REACHED)),
        labels=labels,
        purses=tuple(_purse(currency, grants) for currency in sorted({g.application.currency for g in grants})),
        free=tuple(free),
        owed=tuple(sorted(owed, key=lambda each: (_URGENCY[each[1].turn], str(each[1].due or "9999"), each[0].city))),
        asked_after=len(told),
        go_on=sum(told),
        shared_cities=sum(count > 1 for count in cities.values()),
    )


def _purse(currency: str, grants: Sequence[Grant]) -> Purse:
    own, zero = [each for each in grants if each.application.currency == currency], Money.zero(currency)
    return Purse(
        currency,
        committed=sum((each.committed for each in own), zero),
        paid=sum((each.paid for each in own), zero),
        refunded=sum((each.refunded for each in own), zero),
        spent=sum((each.spending.spent for each in own if each.has_costs), zero),
        further=sum((each.further for each in own if each.further), zero),
    )
