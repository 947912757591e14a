"""What measures, groups and turns are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext

from fundflow.reports.gathering import DUE, LATE, TO_READ
from fundflow.reports.tables import REACHED
from fundflow.web import reader
from fundflow.workflow.text import Text


def measure(code: str | None, labels: Mapping[str, Text]) -> str:
    """The name of a measure of the catalogue; of one in free words, that it is one."""
    if code is None:
        return _("In the city’s own words")
    if code == REACHED and code not in labels:
        return _("People reached directly")
    return labels[code].in_(reader.language()) if code in labels else code


def group(name: str) -> str:
    """A group of people, as a heading says it."""
    known = {
        "women": _("Women and girls"),
        "men": _("Men and boys"),
        "other_gender": _("People of another gender"),
        "children": _("Children under 18"),
        "disabilities": _("People with disabilities"),
        "displaced": _("Migrants, refugees and displaced people"),
        "host": _("People of the receiving community"),
    }
    return known.get(name, name)


def turn(name: str) -> str:
    """Whose turn a report is."""
    return {LATE: _("Late"), DUE: _("To be written"), TO_READ: _("To be read")}.get(name, name)


def _(text: str) -> str:
    return str(gettext(text))
