"""What decision meetings refuse, each in a sentence."""

from __future__ import annotations

from fundflow.errors import Forbidden, Refused, Stale


class NoTitle(Refused):
    """Give the meeting a title."""

    status = 422


class NothingToDecide(Refused):
    """No application of this round waits for a decision now, so there is nothing to prepare."""


class MeetingFixed(Refused):
    """This meeting is proposed or released, so nothing in it can be changed. Take it back first."""


class ItemDone(Refused):
    """{number} has been decided already."""


class ItemChanged(Stale):
    """{number} was changed while you were writing. Nothing was overwritten: look at it, then save again."""


class MeetingChanged(Stale):
    """The meeting was changed since you opened this page. Look at it as it is now, then decide."""


class StaysOut(Forbidden):
    """You stay out of {number}, because you have a conflict of interest there; somebody else has to do this."""


class NotYours(Forbidden):
    """You may not write the recommendation on {number}; the workflow gives that to others."""


class NotAWay(Refused):
    """This cannot be decided for {number} where it stands now."""

    status = 422


class NothingPrepared(Refused):
    """Nothing is left in this meeting that could be proposed."""


class NotPrepared(Refused):
    """{number} is not ready: {what}"""


class OverBudget(Refused):
    """The awards come to {awarded}, but only {available} is left in this round: {over} too much."""


class PlaceTaken(Refused):
    """Two applications have place {place} on the reserve list. Give each a place of its own."""


class AlreadyProposed(Refused):
    """This meeting has been proposed for release already."""


class NotProposed(Refused):
    """This meeting is not proposed for release now; nothing was done."""


class SamePerson(Refused):
    """Whoever proposed the release cannot release it: somebody else has to."""


class OnePerson(Refused):
    """One of you stands in for the other, so somebody else has to release it."""


class CannotRelease(Refused):
    """You cannot release this, because of {number}: {what}"""


class AlreadyReleased(Refused):
    """This meeting has been released already."""


class NotReleased(Refused):
    """This meeting is not released now; nothing was taken back."""


class TooLateToUndo(Refused):
    """It is too late to take this back: it is being carried out since {due}."""


class NotOneOfBoth(Forbidden):
    """Only whoever proposed it or whoever released it can take it back."""


class LettersChanged(Stale):
    """{number} was changed after its letters were shown to you. Read them again."""


class ChangedAfterPreview(Stale):
    """The application or its recommendation was changed after the letters were read, so nothing was done. Look at it
    again, read its letters, and release it once more.
    """
