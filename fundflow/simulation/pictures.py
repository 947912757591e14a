"""A report as charts, and as one HTML page that stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from babel.dates import format_date

from fundflow import charts
from fundflow.charts import Bar, Chart, Series
from fundflow.simulation import words
from fundflow.simulation.report import Difference, Point, Report, compare
from fundflow.simulation.tables import Cell, Table, compared, numbers_of, tables, warnings
from fundflow.workflow.sentences import write
from fundflow.workflow.text import Text

_STYLES = Path(__file__).resolve().parent.parent / "web" / "static" / "css"
_BUSIEST = 4
_WEEKS = 60

HOW_LONG = words.STATES
HALF = Text({"en": "Half of the applications leave within", "fr": "La moitié des candidatures sort en"})
NINE = Text({"en": "Nine of ten applications leave within", "fr": "Neuf candidatures sur dix sortent en"})
OVER_TIME = Text({"en": "Applications in each state, week by week", "fr": "Candidatures par état, semaine par semaine"})
TIME = Text({"en": "Share of the people’s time that is used", "fr": "Part du temps des personnes qui est utilisée"})
MONEY = Text({"en": "Money awarded and budget", "fr": "Montant attribué et budget"})


def pictures(report: Report, language: str = "en", name: str = "simulation") -> list[Chart]:
    """The charts of a report; `name` keeps their ids apart from others on the page."""
    own = _own(language)
    found = [
        _bars(report, language, f"{name}-p50", HALF, "state", "p50", own),
        _bars(report, language, f"{name}-p90", NINE, "state", "p90", own),
        _over_time(report, language, f"{name}-weeks", own),
        _bars(report, language, f"{name}-time", TIME, "role", "utilisation", own),
        _bars(report, language, f"{name}-ends", words.ENDS, "end", "count", own),
        _money(report, language, f"{name}-money", own),
    ]
    return [chart for chart in found if chart is not None]


def compared_pictures(reports: Sequence[Report], language: str = "en", name: str = "compared") -> list[Chart]:
    """The same questions under several scenarios, each an interval beside the others: what clearly differs, no more."""
    first, own = reports[0], _own(language)
    found: list[Chart] = []
    differing = [each for other in reports[1:] for each in compare(first, other) if _matters(each)]
    for key in dict.fromkeys(each.key for each in differing):
        called = words.OF[key[0]][key[2]]
        figures = [(report.scenario.title, report.figures.get(key)) for report in reports]
        items = [Bar(label, f.mean, f.low, f.high) for label, f in figures if f is not None]
        numbers = numbers_of(called[1], language, first.workflow.currency)
        title = words.of_key(first.workflow, key).in_(language)
        heading = words.SCENARIO.in_(language)
        found.append(charts.intervals(f"{name}-{len(found)}", title, items, numbers, heading=heading, words=own))
    return found


_QUESTIONS = {
    ("round", "decision_p90"),
    ("round", "awarded"),
    ("state", "p90"),
    ("limit", "share"),
    ("timer", "share"),
    ("role", "per_person"),
    ("review", "sheets"),
}


def _matters(each: Difference) -> bool:
    """Whether it is one of the questions, and the answers differ by more than chance and by a tenth at least."""
    larger = max(abs(each.first.mean), abs(each.second.mean))
    return (each.key[0], each.key[2]) in _QUESTIONS and each.is_clear and abs(each.change.mean) >= 0.1 * larger


def page(report: Report, language: str = "en", others: Sequence[Report] = ()) -> str:
    """One HTML file with everything: warnings, tables, charts with their data. It needs no script and no network.

    With others, the same questions under each scenario come first.
    """
    title = f"{report.workflow.title.in_(language)}: {report.scenario.title}"
    told = write(words.TELLS, {"runs": report.runs, "seed": report.seed}, language)
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(told)}</p>"]
    if report.scenario.note:
        parts.append(f"<p>{escape(report.scenario.note)}</p>")
    parts += [f'<p class="warning" role="note">{escape(line)}</p>' for line in warnings(report, language)]
    if others:
        parts += [chart.figure() for chart in compared_pictures([report, *others], language)]
    for other in others:
        parts.append(f"<h2>{escape(f'{report.scenario.title} / {other.scenario.title}')}</h2>")
        parts += [f'<p class="warning" role="note">{escape(line)}</p>' for line in warnings(other, language)]
        parts.append(html_table(compared(report, other, language), language))
    if others:
        parts.append(f"<h2>{escape(report.scenario.title)}</h2>")
    for table in tables(report, language):
        parts.append(html_table(table, language))
    parts += [chart.figure() for chart in pictures(report, language)]
    style = _PAGE_STYLE + (_STYLES / "charts.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def html_table(table: Table, language: str) -> str:
    """A table with its caption; the interval stands behind each mean."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in (table.heading, *table.columns))
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(_cell(cell, language) for cell in cells)}</tr>'
        for label, cells in table.rows
    )
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f'<table class="chart__table"><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: Cell, language: str) -> str:
    mean, low, high = cell.shown(language)
    between = "" if low == high == mean or not mean else f" <small>{escape(low)}–{escape(high)}</small>"
    return f'<td class="chart__number">{escape(mean)}{between}</td>'


def _own(language: str) -> charts.Words:
    return charts.Words(
        words.MEAN.in_(language),
        words.LOW.in_(language),
        words.HIGH.in_(language),
        words.DATA.in_(language),
        words.NAMED.in_(language),
    )


def _bars(
    report: Report, language: str, name: str, title: Text, kind: str, what: str, own: charts.Words
) -> Chart | None:
    table = next((table for table in tables(report, language) if table.id == kind), None)
    if table is None:
        return None
    column = list(words.OF[kind]).index(what)
    items, unit = [], words.OF[kind][what][1]
    for label, cells in table.rows:
        figure = cells[column].figure
        if figure is not None:
            items.append(Bar(label, figure.mean, figure.low, figure.high))
    if not items:
        return None
    numbers = numbers_of(unit, language)
    return charts.bars(name, title.in_(language), items, numbers, heading=table.heading, words=own)


def _over_time(report: Report, language: str, name: str, own: charts.Words) -> Chart | None:
    """The busiest states, until nearly nothing is in any of them, in at most `_WEEKS` steps."""
    most = {state: max((p.mean for p in points), default=0.0) for state, points in report.in_state.items()}
    busiest = sorted((state for state in most if most[state] > 0), key=lambda state: -most[state])[:_BUSIEST]
    shown = [state for state in report.in_state if state in busiest]
    if not shown:
        return None
    lines = [report.in_state[state] for state in shown]
    last = max(n for n in range(len(lines[0])) if n == 0 or sum(p[n].mean for p in lines) > 0.02 * max(most.values()))
    step = max(1, -(-(last + 1) // _WEEKS))
    weeks = list(range(0, last + 1, step))
    first = lines[0]
    labels = [format_date(first[n].day, "d MMM yy", locale=language.replace("-", "_")) for n in weeks]
    series = [
        _line(words.label_of(report.workflow, "state", s).in_(language), report.in_state[s], weeks) for s in shown
    ]
    numbers = numbers_of("count", language)
    heading = words.WEEK.in_(language)
    return charts.lines(name, OVER_TIME.in_(language), labels, series, numbers, heading=heading, words=own)


def _line(label: str, points: Sequence[Point], weeks: Sequence[int]) -> Series:
    at = [points[week] for week in weeks]
    return Series(label, [p.mean for p in at], [p.low for p in at], [p.high for p in at])


def _money(report: Report, language: str, name: str, own: charts.Words) -> Chart | None:
    awarded, budget = report.get("round", "", "awarded"), report.scenario.opening.budget
    if awarded is None or not budget:
        return None
    called = words.OF_ROUND["awarded"][0].in_(language)
    items = [Bar(called, awarded.mean, awarded.low, awarded.high), Bar(words.BUDGET.in_(language), budget)]
    numbers = numbers_of("money", language, report.workflow.currency)
    return charts.bars(name, MONEY.in_(language), items, numbers, heading=words.QUANTITY.in_(language), words=own)


_PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #12272d; --ink-soft: #465b62; --surface: #fff; --line: #d3dddf;
  --radius: 0.6rem; --face: system-ui, sans-serif; --share-accent: #0f7387; --share-warning: #b26c0c;
  --share-info: #2f6cb8; --share-success: #23744b; --share-danger: #b5303c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eff0; --ink-soft: #a9bbc0; --surface: #142125; --line: #2a3d43;
  --share-accent: #3ea3b5; --share-warning: #d99a3c; --share-info: #5c97de; --share-success: #46a877;
  --share-danger: #d9636c; } }
body { margin: 0; background: var(--surface); color: var(--ink); font: 1rem/1.5 var(--face); }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
table { border-collapse: collapse; margin-block: 0 2rem; }
th, td { padding: 0.3rem 0.7rem; border-block-end: 1px solid var(--line); text-align: start; }
small { color: var(--ink-soft); }
.table-scroll { overflow-x: auto; margin-block-end: 1.5rem; }
.warning { padding: 0.7rem 1rem; border-inline-start: 4px solid var(--share-warning); }
"""
