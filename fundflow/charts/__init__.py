"""Charts as SVG that everybody can read: bars, stacked bars, lines with bands, intervals, each with its table of data.

The words are the caller's, in the page's language; numbers are written by locale. There is no script and no inline
style: classes for a page's own rules (`css/charts.css`), and attributes for when there are none. Nothing is told by
colour alone: series differ in hatching, dashes and marks, and every value stands in the table.
"""

from __future__ import annotations

from fundflow.charts.chart import MOST_SERIES, Bar, Chart, Numbers, Series, Words
from fundflow.charts.level import bars, intervals, stacked
from fundflow.charts.lines import lines

__all__ = ["MOST_SERIES", "Bar", "Chart", "Numbers", "Series", "Words", "bars", "intervals", "lines", "stacked"]
