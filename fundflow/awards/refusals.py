"""What the awards refuse, each in a sentence."""

from __future__ import annotations

from fundflow.errors import Refused


class UnknownDocument(Refused):
    """This workflow asks for the document “{document}”, for which there is no template."""

    status = 500


class NoAmount(Refused):
    """The agreement cannot be prepared: application {number} asks for no amount."""


class NoNewEnd(Refused):
    """The amendment cannot be prepared: no new end of project {number} was given."""


class PlanDiffers(Refused):
    """The payment plan adds up to {planned}, but the grant is {amount}. Correct the plan first."""


class WordsChanged(Refused):
    """The words of the agreement were changed after it was issued. Issue it again, then have it signed."""


class NotReady(Refused):
    """This document is still being prepared. It will be here within a few minutes."""


class NoEarlierAgreement(Refused):
    """The amendment of {number} cannot be drawn up: there is no agreement before the one that it leads to."""

    status = 500
