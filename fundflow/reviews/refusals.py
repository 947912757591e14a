"""The ways in which a change to a review is refused, each in its own sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fundflow.errors import Refused


class NotUnderReview(Refused):
    """This application is not under review now, so nothing about its reviewers can be changed."""


class NobodyChosen(Refused):
    """Choose at least one reviewer."""

    status = 422


class NotACandidate(Refused):
    """One of the people chosen cannot be asked to review this application. Look at the list again and choose anew."""

    status = 422


class AlreadyAsked(Refused):
    """{person} has already been asked to review this application."""


class DueInThePast(Refused):
    """The due time {wall} in {zone} has already passed. Choose a later one."""

    status = 422


class DueTooFar(Refused):
    """The due time {wall} is more than a year away. Choose an earlier one."""

    status = 422


class AlreadySent(Refused):
    """This sheet was sent at {sent_at}; it is final."""


class AlreadyDeclared(Refused):
    """You have already answered whether you have a conflict of interest. Only the fund can change that now."""


class NotDeclared(Refused):
    """First say whether you have a conflict of interest."""


class ReasonNeeded(Refused):
    """Say in a few words what the conflict is, so that the fund can record why you left the case."""

    status = 422


class WhyWithdrawn(Refused):
    """Say why you take this request back; the reviewer is told."""

    status = 422


class WhyDeclined(Refused):
    """Say in a few words why you cannot review this application, so that the fund can ask somebody else."""

    status = 422


class ReviewClosed(Refused):
    """The review of this application closed before you sent your sheet. What you wrote is kept but does not count."""


class NotLate(Refused):
    """The review of this application is open: send your sheet as usual."""


class SheetUnfinished(Refused):
    """Your sheet is not finished: {missing} of its questions still need an answer."""

    status = 422


class StaleSheet(Refused):
    """This sheet was saved elsewhere at {saved_at}. Nothing was lost: compare the two, then save the one you want."""

    def __init__(self, theirs: Mapping[str, Any], mine: Mapping[str, Any], revision: int, saved_at: datetime) -> None:
        super().__init__(saved_at=saved_at)
        self.theirs, self.mine, self.revision = theirs, mine, revision


class NotDiscussed(Refused):
    """A sent sheet can be revised once, after the committee discussed the case."""


class AlreadyRevised(Refused):
    """You have revised this sheet already; it is final now."""


class TooFewToDiscuss(Refused):
    """There is nothing to compare yet: a discussion needs at least two sent sheets, and {sent} came in."""


class MinutesNeeded(Refused):
    """Write down what was said: the minutes are kept with the discussion."""

    status = 422


class SendFirst(Refused):
    """You review this application yourself: send your own sheet before you record what the committee said."""
