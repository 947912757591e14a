"""A report as tables: rows of figures with their intervals, for pages, text, CSV and JSON alike."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from fundflow.charts import Numbers
from fundflow.simulation import words
from fundflow.simulation.figures import Figure
from fundflow.simulation.report import Difference, Report, compare
from fundflow.workflow.sentences import write
from fundflow.workflow.text import Text


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and what kind it is: count, days, hours, share or money. None where it could not be measured."""

    figure: Figure | None
    kind: str
    currency: str = ""

    def shown(self, language: str) -> tuple[str, str, str]:
        """The mean and the two ends of its interval, by locale; empty where there is nothing."""
        if self.figure is None:
            return "", "", ""
        numbers = numbers_of(self.kind, language, self.currency)
        return numbers(self.figure.mean), numbers(self.figure.low), numbers(self.figure.high)

    def text(self, language: str) -> str:
        """The mean with its interval behind it; alone where there is none to speak of."""
        mean, low, high = self.shown(language)
        return mean if low == high == mean or not mean else f"{mean} ({low}–{high})"


@dataclass(frozen=True, slots=True)
class Table:
    """A heading for the labels and one for each column, then a label and cells for each row."""

    id: str
    title: str
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def numbers_of(kind: str, language: str, currency: str = "") -> Numbers:
    """How figures of a kind are written."""
    match kind:
        case "share":
            return Numbers(language, is_share=True)
        case "money":
            return Numbers(language, currency=currency)
        case "days":
            return Numbers(language, unit=words.DAYS.in_(language))
        case "hours":
            return Numbers(language, unit=words.HOURS.in_(language))
        case _:
            return Numbers(language)


def tables(report: Report, language: str = "en") -> list[Table]:
    """Every table that has something to say, the round first."""
    found = [
        _round(report, language),
        _table(report, language, "state", words.STATES, words.STATE, list(report.workflow.states)),
        _late(report, language),
        _table(report, language, "role", words.PEOPLE, words.ROLE, list(report.workflow.roles)),
        _table(report, language, "review", words.REVIEWS, words.REVIEW, list(report.workflow.reviews)),
        _ends(report, language),
    ]
    return [table for table in found if table.rows]


def warnings(report: Report, language: str = "en") -> list[str]:
    """What must be known before any figure is believed."""
    found = []
    for role in report.overloaded:
        load = numbers_of("share", language)(report["role", role, "load"].mean)
        label = words.label_of(report.workflow, "role", role).in_(language)
        found.append(write(words.OVERLOADED, {"role": label, "load": load}, language))
    count = numbers_of("count", language)
    for name in report.workflow.reviews:
        short = report.get("review", name, "short")
        if short is not None and short.mean:
            label = words.label_of(report.workflow, "review", name).in_(language)
            found.append(write(words.SHORT, {"review": label, "count": count(short.mean)}, language))
    came = report["round", "", "came"].mean
    for what, says, share in (("open", words.OPEN, 0.01), ("endless", words.ENDLESS, 0.0)):
        figure = report.get("round", "", what)
        if figure is not None and figure.mean > share * came:
            found.append(write(says, {"count": count(figure.mean)}, language))
    return found


def compared(report: Report, other: Report, language: str = "en") -> Table:
    """Two scenarios side by side: each figure under the first, the second, and the change from one to the other."""
    rows = []
    for each in compare(report, other):
        kind, _, what = each.key
        if what not in words.OF[kind]:
            continue
        cells = tuple(
            Cell(figure, words.OF[kind][what][1], report.workflow.currency)
            for figure in (each.first, each.second, each.change)
        )
        rows.append((words.of_key(report.workflow, each.key).in_(language), cells))
    columns = (report.scenario.title, other.scenario.title, words.CHANGE.in_(language))
    return Table("compared", words.COMPARED.in_(language), words.QUANTITY.in_(language), columns, tuple(rows))


def as_text(found: Iterable[Table], language: str = "en") -> str:
    """The tables one under the other, in columns."""
    blocks = []
    for table in found:
        lines: list[tuple[str, ...]] = [(table.heading, *table.columns)]
        lines += [(label, *(cell.text(language) for cell in cells)) for label, cells in table.rows]
        blocks.append("\n".join([table.title, *in_columns(lines)]))
    return "\n\n".join(blocks)


def in_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text: the first column to the left, all others to the right."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    ]


def as_csv(report: Report, others: Sequence[Report] = ()) -> str:
    """One line for each figure: kind, name, quantity, mean, low, high, standard error, runs; times in days.

    Each line goes on with the same of every other scenario, and of the change to it.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ["mean", "low", "high", "error", "runs"]
    headings = ["of", "name", "quantity", *columns]
    for other in others:
        headings += [f"{other.scenario.id} {which}{column}" for which in ("", "change ") for column in columns]
    writer.writerow(headings)
    against = [{each.key: each for each in compare(report, other)} for other in others]
    for key, figure in report.figures.items():
        found: list[Figure | None] = [figure]
        for differences in against:
            each = differences.get(key)
            found += [None, None] if each is None else [each.second, each.change]
        written = [value for each in found for value in _written(each)]
        writer.writerow([*key, *written])
    return out.getvalue()


def _written(figure: Figure | None) -> list[str]:
    if figure is None:
        return [""] * 5
    return [f"{value:.6g}" for value in (figure.mean, figure.low, figure.high, figure.error, figure.runs)]


def as_json(report: Report, others: Sequence[Report] = ()) -> str:
    """The same as a program reads it, with the warnings and the numbers over time."""
    found: dict[str, Any] = {
        "workflow": report.workflow.id,
        "scenario": report.scenario.id,
        "runs": report.runs,
        "seed": report.seed,
        "warnings": warnings(report),
        "figures": [
            {"of": kind, "name": name, "quantity": what, **_figure(figure)}
            for (kind, name, what), figure in report.figures.items()
        ],
        "against": [
            {
                "scenario": other.scenario.id,
                "warnings": warnings(other),
                "differences": [_difference(each) for each in compare(report, other)],
            }
            for other in others
        ],
        "in_state": _series(report.in_state),
        "waiting": _series(report.waiting),
    }
    return json.dumps(found, ensure_ascii=False, indent=1)


def _difference(each: Difference) -> dict[str, Any]:
    return {
        **dict(zip(("of", "name", "quantity"), each.key, strict=True)),
        "first": _figure(each.first),
        "second": _figure(each.second),
        "change": _figure(each.change),
        "is_clear": each.is_clear,
    }


def _figure(figure: Figure) -> dict[str, float]:
    return {key: round(getattr(figure, key), 6) for key in ("mean", "low", "high", "error", "runs")}


def _series(points: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {
        name: [[point.day.isoformat(), round(point.mean, 3), point.low, point.high] for point in each]
        for name, each in points.items()
    }


def _table(report: Report, language: str, kind: str, title: Text, heading: Text, names: Sequence[str]) -> Table:
    known = words.OF[kind]
    rows = []
    for name in names:
        cells = tuple(Cell(report.get(kind, name, what), of[1]) for what, of in known.items())
        if any(cell.figure is not None for cell in cells):
            rows.append((words.label_of(report.workflow, kind, name).in_(language), cells))
    columns = tuple(called.in_(language) for called, _ in known.values())
    return Table(kind, title.in_(language), heading.in_(language), columns, tuple(rows))


def _round(report: Report, language: str) -> Table:
    currency = report.workflow.currency
    rows = [
        (called.in_(language), (Cell(report.get("round", "", what), kind, currency),))
        for what, (called, kind) in words.OF_ROUND.items()
        if (figure := report.get("round", "", what)) is not None and (what != "endless" or figure.mean)
    ]
    title, heading = words.ROUND.in_(language), words.QUANTITY.in_(language)
    return Table("round", title, heading, (words.MEAN.in_(language),), tuple(rows))


def _late(report: Report, language: str) -> Table:
    """The scenario's limits, then the workflow's own timers that only tell."""
    rows = []
    for name, stay in report.scenario.states.items():
        cells = tuple(Cell(report.get("limit", name, what), of[1]) for what, of in words.OF_LIMIT.items())
        if stay.limit is not None and any(cell.figure is not None for cell in cells):
            label = words.label_of(report.workflow, "state", name).in_(language)
            values = {"state": label, "length": stay.limit.text}
            rows.append((write(words.LONGER, values, language), cells))
    timers = _table(report, language, "timer", words.LATE, words.LIMIT, list(report.workflow.timers_of()))
    return Table("late", timers.title, timers.heading, timers.columns, (*rows, *timers.rows))


def _ends(report: Report, language: str) -> Table:
    names = [key[1] for key in report.figures if key[0] == "end"]
    names.sort(key=lambda name: -report["end", name, "count"].mean)
    return _table(report, language, "end", words.ENDS, words.END, names)
