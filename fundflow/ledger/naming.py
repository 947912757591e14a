"""What entries, accounts and instructions are called, in the reader's words."""

from __future__ import annotations

from flask_babel import gettext as _


def kinds() -> dict[str, str]:
    """What an entry did."""
    return {
        "appropriation": _("Appropriation"),
        "restitution": _("Restitution to the donor"),
        "allocation": _("Allocation to a round"),
        "withdrawal": _("Withdrawal from a round"),
        "reservation": _("Reservation"),
        "commitment": _("Commitment"),
        "order": _("Order to the bank"),
        "payment": _("Payment"),
        "failure": _("Failed order"),
        "return": _("Return by the bank"),
        "refund": _("Refund by the city"),
        "release": _("Release"),
        "exchange_loss": _("Exchange loss"),
        "exchange_gain": _("Exchange gain"),
        "reversal": _("Correction"),
    }


def accounts() -> dict[str, str]:
    """Where money stands."""
    return {
        "donor": _("Received"),
        "unallocated": _("Not given to a round"),
        "available": _("Available"),
        "reserved": _("Reserved"),
        "committed": _("Committed"),
        "ordered": _("Ordered"),
        "paid": _("Paid"),
        "exchange": _("Exchange"),
        "returned": _("Returned to the donor"),
    }
