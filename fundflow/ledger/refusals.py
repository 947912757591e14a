"""What is refused of donors, lines and movements between them, in the sentences that people read."""

from __future__ import annotations

from fundflow.errors import Forbidden, Refused


class NotAFunder(Forbidden):
    """Only a fund manager or finance person of every round may do this; ask one of them."""


class NotACorrector(Forbidden):
    """Only a finance person of every round may ask for a correction; ask one of them."""


class NeedsSecondPerson(Forbidden):
    """A second person has to answer this: you asked for it, or stand in for whoever did."""


class NoDonorName(Refused):
    """Give the donor a name, of at most 200 characters."""

    status = 422


class DonorKnown(Refused):
    """There is a donor called {name} already."""

    status = 422


class NoLineName(Refused):
    """Give the line a name, of at most 200 characters; a reference has at most 140."""

    status = 422


class LineKnown(Refused):
    """This window has a line called {name} in {currency} already."""

    status = 422


class NoSuchWindow(Refused):
    """Choose a window of the fund."""

    status = 422


class NoSuchDonor(Refused):
    """Choose a donor."""

    status = 422


class NoSuchCurrency(Refused):
    """Choose a currency."""

    status = 422


class NobodyThere(Refused):
    """Nobody has signed up here as {email}. Ask them to make an account first."""

    status = 422


class OfTheFund(Refused):
    """{name} works for the fund or for a city, and cannot be a donor's person as well."""

    status = 422


class NoReason(Refused):
    """Say why, in at most 500 characters: the reason stays with the entry for good."""

    status = 422


class OtherCurrency(Refused):
    """{amount} is not in {currency}, the currency of this line."""

    status = 422


class NothingUnallocated(Refused):
    """{line} has only {held} that is not given to a round yet, less than {amount}."""


class NothingAvailable(Refused):
    """{line} has only {held} left in this round, less than {amount}."""


class NoSuchRound(Refused):
    """Choose a published round of this line's window and currency."""

    status = 422


class LineEnded(Refused):
    """{line} ended on {ends_on} and gives rounds no more money."""


class NotAppropriated(Refused):
    """The lines of this window hold only {unallocated} in this currency, less than the budget of {budget}."""


class BudgetBelowAppropriation(Refused):
    """{appropriated} was already given to this round, more than the budget of {budget}."""


class IsAReversal(Refused):
    """A correction is not corrected again: make the right entry anew instead."""


class ReversedAlready(Refused):
    """This entry has been taken back already, or somebody has asked for it."""


class WouldFallShort(Refused):
    """{account} of {line} holds only {held}, so the {amount} of this entry cannot be taken back."""


class AnsweredAlready(Refused):
    """This was answered already."""


class SplitTooLate(Refused):
    """Money is set aside for this award already: its lines are chosen before that."""


class OtherLine(Refused):
    """Choose only lines that give money to this round."""

    status = 422


class KeyUsed(Refused):
    """This form was sent before for something else. Open the page anew."""
