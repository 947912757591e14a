"""What documents are called, in the reader's language; one nobody named is called like its kind."""

from __future__ import annotations

from flask_babel import gettext


def document_title(kind: str) -> str:
    """The name of a kind of document."""
    known = {
        "agreement": _("Grant agreement"),
        "countersigned_agreement": _("Countersigned agreement"),
        "award_letter": _("Award letter"),
        "amendment": _("Amendment"),
        "plan_amendment": _("Amendment of the plan"),
        "rejection_letter": _("Decision letter"),
        "closing_letter": _("Closing letter"),
        "termination_letter": _("Termination letter"),
        "statement_of_reasons": _("Statement of reasons"),
    }
    return known.get(kind) or kind.replace("_", " ").capitalize()


def _(text: str) -> str:
    return str(gettext(text))
