"""Operations of the ledger in great number: a fund of bare rows, what may be asked of it, and a plain second statement.

The model keeps sums in dictionaries by the rules as the documentation tells them; it knows nothing of lines but that
what they hold together is what the application holds, and that none is ever below zero.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City, User
from fundflow.db import db, transaction
from fundflow.errors import Refused
from fundflow.ledger import effects, queries
from fundflow.ledger.models import Donor, DonorLine
from fundflow.ledger.service import append
from fundflow.lifecycle.models import Application, Definition
from fundflow.money import Money
from fundflow.rounds.models import Round, Window

CURRENCIES = ("USD", "EUR", "JPY", "TND", "KES")


@dataclass
class Fund:
    """One round with its lines and applications, as plain rows without a workflow."""

    round: Round
    lines: list[DonorLine]
    applications: list[Application]


def a_fund(currency: str, given: list[int], applications: int, start: int = 0) -> Fund:
    """A round to which each line gave so many minor units. Not committed."""
    now, name = clock.now(), uuid4().hex
    user = User(email=f"{name}@city.example", confirmed_at=now)
    window = Window(name=name)
    donor = Donor(name=name)
    if db.session.get(Definition, "d" * 64) is None:
        db.session.add(Definition(sha256="d" * 64, workflow="bare", version=1, main="x", files={}, templates={}))
    db.session.add_all([user, window, donor])
    db.session.flush()
    round_ = Round(
        window_id=window.id,
        slug=name,
        title=name,
        zone="UTC",
        opens_wall="2026-01-01T00:00",
        closes_wall="2027-01-01T00:00",
        opens_at=now,
        closes_at=now.replace(year=now.year + 1),
        currency=currency,
        floor_minor=0,
        cap_minor=sum(given),
        budget_minor=sum(given),
        definition_sha="d" * 64,
        status="published",
        published_at=now,
    )
    city = City(name=name, country="SE", kind="city", created_by=user.id)
    lines = [
        DonorLine(window_id=window.id, donor_id=donor.id, name=f"line {n}", currency=currency, position=n)
        for n in range(len(given))
    ]
    db.session.add_all([round_, city, *lines])
    db.session.flush()
    rows = [
        Application(
            number=f"{name[:8]}-{n}",
            round_id=round_.id,
            city_id=city.id,
            definition_sha="d" * 64,
            state="here",
            state_since=now,
            revision=1,
            head="",
            last_event_at=now,
            currency=currency,
            created_by=user.id,
        )
        for n in range(start, start + applications)
    ]
    db.session.add_all(rows)
    db.session.flush()
    shares = {line.id: minor for line, minor in zip(lines, given, strict=True)}
    append("appropriation", "donor", "unallocated", shares, currency)
    append("allocation", "unallocated", "available", shares, currency, round_id=round_.id)
    return Fund(round_, lines, rows)


@dataclass
class Model:
    """What stands where, by sums alone."""

    available: int
    held: dict[UUID, Counter[str]] = field(default_factory=dict)

    def possible(self, of: UUID, operation: str, size: int | None) -> int | None:
        """What the operation moves; None where it is refused."""
        own = self.held.setdefault(of, Counter())
        free = own["reserved"] + own["committed"]
        limit = {
            "reserve": self.available,
            "commit": self.available + own["reserved"],
            "order": own["committed"],
            "pay": own["ordered"] + own["committed"],
            "fail": own["ordered"],
            "return": own["paid"],
            "refund": own["paid"],
            "release": free,
            "exchange_loss": self.available,
            "exchange_gain": 10**12 if own["paid"] else 0,
        }
        if operation in ("close", "release") and (size is None or operation == "close"):
            if own["ordered"] or (operation == "release" and not free):
                return None
            return free
        return size if size is not None and 0 < size <= limit[operation] else None

    def move(self, of: UUID, operation: str, size: int) -> None:
        own = self.held[of]

        def take(first: str, then: str) -> None:
            part = min(size, own[first])
            own[first] -= part
            own[then] -= size - part

        match operation:
            case "reserve":
                self.available -= size
                own["reserved"] += size
            case "commit":
                part = min(size, own["reserved"])
                own["reserved"] -= part
                self.available -= size - part
                own["committed"] += size
            case "order":
                own["committed"] -= size
                own["ordered"] += size
            case "pay":
                take("ordered", "committed")
                own["paid"] += size
            case "fail":
                own["ordered"] -= size
                own["committed"] += size
            case "return":
                own["paid"] -= size
                own["committed"] += size
            case "refund":
                own["paid"] -= size
                self.available += size
            case "release" | "close":
                take("reserved", "committed")
                self.available += size
            case "exchange_loss":
                self.available -= size
            case "exchange_gain":
                self.available += size


def walk(fund: Fund, steps: int, random_: random.Random) -> tuple[int, int]:
    """So many random operations through the real service, judged by the model: how many moved, and were refused."""
    model = Model(queries.balance(fund.round.id).available.minor)
    moved = refused = 0
    names = sorted(effects.OPERATIONS)
    for seq in range(2, steps + 2):
        application = random_.choice(fund.applications)
        operation = random_.choice(names)
        size = random_.choice((None, 0, -1, *(random_.randint(1, 400) for _ in range(8)), 10**9))
        expected = model.possible(application.id, operation, size)
        amount = None if size is None else Money(size, fund.round.currency)
        try:
            got = effects.OPERATIONS[operation](application, amount, seq)
        except Refused:
            assert expected is None, (operation, size, model)
            refused += 1
        else:
            assert expected == got.minor, (operation, size, got, model)
            model.move(application.id, operation, got.minor)
            moved += 1
        held = queries.holdings(application)
        own = model.held[application.id]
        assert held.total("available").minor == model.available
        assert [held.total(each).minor for each in queries.OWN_ACCOUNTS] == [own[e] for e in queries.OWN_ACCOUNTS]
    return moved, refused


def tranche_plan(fund: Fund, application: Application, total: int, random_: random.Random) -> int:
    """Award `total`, then pay it in random parts, some failing or coming back first; how many operations it took."""
    currency = fund.round.currency
    run: Any = effects.OPERATIONS
    cuts = sorted(random_.sample(range(1, total), min(random_.randint(1, 2), total - 1)))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]
    reserved = random_.random() < 0.5
    seq = 2
    if reserved:
        run["reserve"](application, Money(total, currency), seq)
    run["commit"](application, Money(total, currency), seq := seq + 1)
    promised = queries.holdings(application).of("committed")
    assert sum(promised.values()) == total
    done = 2 if reserved else 1
    for part in parts:
        amount = Money(part, currency)
        names = ["order", "pay"]
        if random_.random() < 0.1:
            names = ["order", "fail", *names]
        if random_.random() < 0.1:
            names += ["return", "order", "pay"]
        for name in names:
            run[name](application, amount, seq := seq + 1)
        done += len(names)
    assert queries.holdings(application).of("paid") == promised, "every line pays what it promised, to the last unit"
    return done


def plans(count: int, random_: random.Random) -> int:
    """So many random tranche plans in five currencies, on one to four lines; how many operations that took."""
    done = 0
    for n, currency in enumerate(CURRENCIES):
        each = count // len(CURRENCIES)
        totals = [random_.randint(2, random_.choice((50, 10_000, 10**9))) for _ in range(each)]
        budget, lines = sum(totals), random_.randint(3, 4) if n else 2
        cuts = sorted(random_.randint(0, budget - 1) for _ in range(lines - 1))
        given = [high - low for low, high in zip([0, *cuts], [*cuts, budget], strict=True)]
        with transaction():
            fund = a_fund(currency, [minor for minor in given if minor], each)
            for application, total in zip(fund.applications, totals, strict=True):
                done += tranche_plan(fund, application, total, random_)
            assert not queries.balance(fund.round.id).available
    return done


def count_entries() -> int:
    return db.session.scalar(sa.text("SELECT count(*) FROM ledger_entries")) or 0
