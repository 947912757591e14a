"""What a chart is made of: its figures and how they are written, its words, and the finished drawing with its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from babel import Locale
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

MOST_SERIES = 5
"""So many series can be told apart; a chart with more is refused."""


def _to_a_tenth(locale: str) -> str:
    """The locale's way of writing percent, with one place where it is not 0."""
    return str(Locale.parse(locale).percent_formats[None].pattern).replace("##0", "##0.#")


def _whole(locale: str) -> str:
    """The locale's way of writing money, in whole units."""
    return str(Locale.parse(locale).currency_formats["standard"].pattern).replace(".00", "")


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the figures of a chart are written: plain (with `digits` places), as percent, or as money; then the unit."""

    language: str = "en"
    unit: str = ""
    digits: int = 1
    is_share: bool = False
    currency: str | None = None

    @property
    def locale(self) -> str:
        return self.language.replace("-", "_")

    def __call__(self, value: float) -> str:
        """A value as it stands in the table and beside its mark."""
        if self.is_share:
            return format_percent(round(Decimal(str(value)), 3), _to_a_tenth(self.locale), locale=self.locale)
        if self.currency is not None:
            return format_currency(
                round(value), self.currency, _whole(self.locale), locale=self.locale, currency_digits=False
            )
        return format_decimal(round(Decimal(str(value)), self.digits), locale=self.locale)

    def tick(self, value: float) -> str:
        """A value at the axis: shorter."""
        if self.currency is not None and value:
            return format_compact_currency(value, self.currency, locale=self.locale, fraction_digits=1)
        if self.is_share:
            return format_percent(round(Decimal(str(value)), 3), _to_a_tenth(self.locale), locale=self.locale)
        return format_decimal(round(Decimal(str(value)), 6).normalize(), locale=self.locale)


@dataclass(frozen=True, slots=True)
class Bar:
    """One value by its label, with the interval it lies in where there is one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line of values, with the band they lie in where there is one; or one part of every stacked bar."""

    label: str
    values: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """The chart's own words, in the page's language."""

    value: str = "Value"
    low: str = "From"
    high: str = "To"
    data: str = "Data"
    named: str = "{what}: {says}"

    def pair(self, what: str, says: str) -> str:
        """What something is called with what is said of it, set as the language sets a colon."""
        return self.named.format(what=what, says=says)


ENGLISH = Words()


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing and its table: the first cell of each row is its heading, all others are written values."""

    title: str
    svg: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    data: str = "Data"

    def table(self) -> str:
        """The data as an HTML table."""
        head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in self.headings)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f'<td class="chart__number">{escape(cell)}</td>' for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{escape(self.title)}</caption>"
        return f'<table class="chart__table">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'

    def figure(self) -> str:
        """The whole figure in HTML: its title, the drawing, and the table to be opened."""
        return (
            f'<figure class="chart"><figcaption class="chart__title">{escape(self.title)}</figcaption>{self.svg}'
            f'<details class="chart__data"><summary>{escape(self.data)}</summary>'
            f'<div class="table-scroll" tabindex="0" role="region" aria-label="{escape(f"{self.title}: {self.data}")}">'
            f"{self.table()}</div></details></figure>"
        )


def check(labels: Sequence[str], series: Sequence[Series]) -> None:
    if not 1 <= len(series) <= MOST_SERIES:
        raise ValueError(f"a chart shows 1 to {MOST_SERIES} series, so that they can be told apart")
    if not labels or any(len(values) != len(labels) for each in series for values in _columns(each)):
        raise ValueError("every series needs a value for every label, and there must be one")


def _columns(series: Series) -> list[Sequence[float]]:
    return [values for values in (series.values, series.low, series.high) if values is not None]
