"""What is missing and what is recommended, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext


def _(text: str) -> str:
    return str(gettext(text))


def lack(mark: str) -> str:
    """The sentence for a mark of `agenda.Line.lacks`."""
    return {
        "step": _("Nothing is recommended yet."),
        "moved": _("The application changed after it was prepared: look at it and save it again."),
        "reason": _("A reason for the city is missing."),
        "form": _("The recommendation is not complete."),
        "exception": _("One with a lower score is treated better, so a reason for that is needed."),
        "place": _("A place on the reserve list is missing."),
        "letters": _("Its letters have not been read as they are now."),
        "role": _("The workflow does not let you take this decision."),
    }[mark]


def kind(meeting: str | None) -> str:
    """What a meeting may recommend."""
    return {
        "award": _("Award"),
        "reserve": _("Reserve list"),
        "later": _("Later round"),
        "reject": _("Not selected"),
        None: _("Open"),
    }.get(meeting) or ""


def status(meeting: str) -> str:
    """How far a meeting is."""
    return {
        "open": _("In preparation"),
        "proposed": _("Waits for a second person"),
        "released": _("Released, not carried out yet"),
        "running": _("Being carried out"),
        "done": _("Carried out"),
    }[meeting]


def act(what: str) -> str:
    """What was done with a meeting."""
    return {
        "begun": _("Begun"),
        "proposed": _("Proposed for release"),
        "taken_back": _("Taken back"),
        "released": _("Released"),
        "undone": _("Release taken back"),
        "carried_out": _("Carried out"),
    }[what]
