"""What compiled expressions compute with: exact, rounded half-even once where a unit is the smallest, never raising.

Dates and moments stop at the ends of the calendar. MixedCurrencies would be raised only for facts that break the
promise of one currency for all amounts of one evaluation; rounds keep it (`fundflow.workflow.amounts`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fundflow.money import MixedCurrencies, Money
from fundflow.workflow.durations import Duration

_EXACT = Context(prec=20_000, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Wide enough that nothing an expression can write or a form can hold is ever rounded."""
_DIVISION = Context(prec=50, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Quotients that do not end keep 50 digits."""
_UTC = ZoneInfo("UTC")
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)
"""Where moments stop: early enough that they can still be shown in any zone."""


def times(money: Money, over: int, under: int) -> Money:
    """An amount times a fraction, to the nearest smallest unit, halves to the even one; `under` is positive."""
    whole, rest = divmod(money.minor * over, under)
    if rest and (2 * rest > under or (2 * rest == under and whole % 2)):
        whole += 1
    return Money(whole, money.currency)


def scaled(money: Money, factor: Decimal | int) -> Money:
    """An amount times a factor, exact and then rounded half-even once to the smallest unit."""
    return times(money, *factor.as_integer_ratio())


def ratio(of: Any, by: Any, instead: Any) -> Any:
    """`of` divided by `by`, or `instead` where that is 0."""
    if not isinstance(of, Money):
        return _DIVISION.divide(of, by) if by else instead
    if isinstance(by, Money):
        return instead if same(by, Money.zero(of.currency)) else _DIVISION.divide(of.minor, by.minor)
    over, under = by.as_integer_ratio()
    if not over:
        return instead
    return times(of, under, over) if over > 0 else times(of, -under, -over)


def same(one: Money, other: Money) -> bool:
    """Equal amounts; in two currencies neither equal nor different."""
    if one.currency != other.currency:
        raise _mixed(one, other)
    return one.minor == other.minor


def less(one: Money, other: Money) -> bool:
    # A plain function is called twice as fast as a class's comparison, and this is what guards mostly do.
    if one.currency != other.currency:
        raise _mixed(one, other)
    return one.minor < other.minor


def at_most(one: Money, other: Money) -> bool:
    if one.currency != other.currency:
        raise _mixed(one, other)
    return one.minor <= other.minor


def _mixed(one: Money, other: Money) -> MixedCurrencies:
    return MixedCurrencies(left=str(one), right=str(other))


def same_as_one(one: Money, others: Sequence[Money | None]) -> bool:
    return any(same(one, other) for other in others if other is not None)


def remainder(left: int, right: int) -> int:
    """As in CEL: the sign follows the dividend."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def absolute(value: Any) -> Any:
    return Money(abs(value.minor), value.currency) if isinstance(value, Money) else _EXACT.abs(value)


def maybe_decimal(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def or_value(value: Any, instead: Any) -> Any:
    return instead if value is None else value


def sum_money(amounts: Sequence[Money | None], zero: Money) -> Money:
    """What is not there counts nothing; no amounts at all are zero in the workflow's currency."""
    there = [one for one in amounts if one is not None]
    return sum(there[1:], there[0]) if there else zero


def sum_int(numbers: Sequence[int | None]) -> int:
    return sum(one for one in numbers if one is not None)


def sum_decimal(numbers: Sequence[Decimal | None]) -> Decimal:
    total = Decimal(0)
    for one in numbers:
        if one is not None:
            total = _EXACT.add(total, one)
    return total


def days_from(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta(0) else date.min


def months_from(day: date, by: Duration, sign: int) -> date:
    """The same day so many months later or earlier, or the month's last."""
    noon = datetime.combine(day, time(12), UTC)
    try:
        return (by.after(noon, _UTC) if sign > 0 else by.before(noon, _UTC)).date()
    except (OverflowError, ValueError):
        return date.max if sign > 0 else date.min


def time_from(moment: datetime, by: timedelta) -> datetime:
    """Exactly so much later."""
    try:
        return moment + by
    except OverflowError:
        return max(moment, _LAST) if by > timedelta(0) else min(moment, _FIRST)


def wall_from(moment: datetime, by: Duration | timedelta, sign: int, zone: ZoneInfo) -> datetime:
    """So many days or months later or earlier at the same time of day in the zone."""
    length = by if isinstance(by, Duration) else Duration(days=abs(by.days))
    later = (sign > 0) == (isinstance(by, Duration) or by.days >= 0)
    try:
        return length.after(moment, zone) if later else length.before(moment, zone)
    except (OverflowError, ValueError):
        return max(moment, _LAST) if later else min(moment, _FIRST)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        f.__name__: f
        for f in (
            times,
            scaled,
            ratio,
            same,
            same_as_one,
            less,
            at_most,
            remainder,
            absolute,
            maybe_decimal,
            or_value,
            sum_money,
            sum_int,
            sum_decimal,
            days_from,
            months_from,
            time_from,
            wall_from,
        )
    },
    "decimal": Decimal,
    "minus": _EXACT.minus,
    "add": _EXACT.add,
    "subtract": _EXACT.subtract,
    "multiply": _EXACT.multiply,
    "divide": _DIVISION.divide,
}
