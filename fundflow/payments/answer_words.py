"""What became of something the bank said, in one sentence, and what to do about it in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from fundflow.money import Money
from fundflow.web import reader


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """What it comes to; for a refusal of the workflow its own words."""
    said = _said().get(code)
    if said is None:
        return str(facts.get("why", code))
    return str(said % _Facts(facts))


def advice(code: str) -> str:
    """What to do; empty where there is nothing to do."""
    said = {
        "altered_reference": _("Compare both on the bank's own page; if they are one, record the payment by hand."),
        "unknown_reference": _("Look where it comes from; it may be a payment made outside fundflow."),
        "wrong_currency": _("Ask the bank in which currency it sent the money, then record the payment by hand."),
        "no_amount": _("Ask the bank what this entry is."),
        "too_much": _("Ask the bank why more left the account, and ask for the difference back."),
        "part": _("The rest stays open; ask the bank when it will be sent."),
        "booked_twice": _("If the money left twice, ask the bank to call one of them back."),
        "booked_though_failed": _("The bank refused it before. Ask the bank, then order it anew or record it by hand."),
        "booked_again": _("It came back before. Ask the bank, then record the payment by hand."),
        "rejected_though_booked": _("Ask the bank which of the two is so."),
        "returned_twice": _("Ask the bank which payment the second amount belongs to."),
        "returned_unpaid": _("Take in the statement with the payment first; then apply this once more."),
        "returned_in_part": _("The difference may be a charge. Ask the bank, then record the return by hand."),
        "moved_otherwise": _("Ask the bank what this entry is."),
        "no_step": _("Look at the application: the step may have been taken by hand."),
        "refused": _("Look at the application, put it right, then apply this once more."),
        "failed": _("Correct the bank account with the city, then order the payment anew."),
        "returned": _("Find out with the city why it came back, then order the payment anew."),
    }
    return str(said.get(code, ""))


def what_names() -> dict[str, str]:
    """What a bank can say of a payment."""
    return {
        "accepted": _("Accepted"),
        "pending": _("Pending"),
        "rejected": _("Rejected"),
        "booked": _("Booked"),
        "returned": _("Came back"),
        "other": _("Other entry"),
    }


def status_names() -> dict[str, str]:
    """Where an order stands."""
    return {
        "cleared": _("Ordered"),
        "sent": _("Sent to the bank"),
        "accepted": _("Accepted by the bank"),
        "part_booked": _("Paid in part"),
        "booked": _("Paid"),
        "failed": _("Refused by the bank"),
        "returned": _("Came back"),
    }


def reason_name(code: str) -> str:
    """A bank's code for a reason in words, with the code; the code alone where it is none of the common ones."""
    words = {
        "AC01": _("the account number is wrong"),
        "AC03": _("the account number of the payee is wrong"),
        "AC04": _("the account is closed"),
        "AC06": _("the account is blocked"),
        "AC13": _("the account is of a kind that cannot be paid"),
        "AG01": _("the account does not take such payments"),
        "AG02": _("the bank does not know this kind of payment"),
        "AM02": _("the amount is larger than the bank allows"),
        "AM03": _("the currency is not handled"),
        "AM04": _("there is too little on the account"),
        "AM05": _("the bank takes it for a duplicate"),
        "AM09": _("the amount is not the agreed one"),
        "BE01": _("the holder's name does not fit the account"),
        "BE04": _("the payee's address is missing"),
        "BE05": _("the bank does not know who orders"),
        "DT01": _("the day is not one on which it can be done"),
        "DUPL": _("the bank takes it for a duplicate"),
        "FF01": _("the file is not as the bank expects it"),
        "FOCR": _("the fund asked for it back"),
        "MD07": _("the holder has died"),
        "MS02": _("the payee refused it without a reason"),
        "MS03": _("the bank gives no reason"),
        "NOAS": _("the payee did not answer"),
        "RC01": _("the bank's code (BIC) is wrong"),
        "RR04": _("a law stands against it"),
    }.get(code, "")
    return f"{words} ({code})" if words else code


def _said() -> dict[str, str]:
    return {
        "accepted": _("The bank took the order on."),
        "pending": _("The bank has not decided on it yet; nothing changes."),
        "known_already": _("This was known already; nothing changes."),
        "not_ours": _("It names no payment of the fund; nothing changes."),
        "failed": _("The bank refused it: it is no longer ordered and can be ordered anew."),
        "paid": _("The payment is booked, exactly as it was ordered."),
        "paid_in_parts": _("The last part is booked; with it the payment is whole."),
        "part": _("Only %(amount)s is booked; %(left)s stays open."),
        "returned": _("The whole payment came back; it is committed to the grant again."),
        "unknown_reference": _("No order has the reference “%(reference)s”."),
        "altered_reference": _("No order has the reference “%(reference)s”; it looks like “%(similar)s”."),
        "wrong_currency": _("%(amount)s was moved; the order is for %(ordered)s, in another currency."),
        "no_amount": _("An entry of nothing."),
        "too_much": _("%(amount)s was moved, more than the %(left)s that is open."),
        "booked_twice": _("This order was booked before; here it is booked again."),
        "booked_though_failed": _("It is booked although the bank had refused it."),
        "booked_again": _("It is booked once more after it came back."),
        "rejected_though_booked": _("The bank refuses it although it was booked."),
        "returned_twice": _("It came back before; here it comes back again."),
        "returned_unpaid": _("It came back, but no payment of it is known."),
        "returned_in_part": _("%(amount)s came back of %(paid)s."),
        "moved_otherwise": _("Money moved under this reference in a way that no payment does."),
        "no_step": _("The rules of this grant have no step for it from where it stands now."),
        "told_before": _("Another file of the bank said this before; nothing changes."),
    }


class _Facts(dict[str, Any]):
    """Facts as text: money in the reader's way of writing."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__({name: _text(value) for name, value in facts.items()})

    def __missing__(self, name: str) -> str:
        return "?"


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and {"minor", "currency"} <= set(value):
        return reader.money(Money(int(value["minor"]), str(value["currency"])))
    return str(value)
