"""What a call may answer instead of happening, in words that a person can act on."""

from __future__ import annotations

from fundflow.errors import Refused


class NoKey(Refused):
    """Send an Idempotency-Key header with every command, so that a repetition does nothing twice."""

    status = 428


class NoRevision(Refused):
    """Send an If-Match header with the revision that you decided on, in quotes."""

    status = 428


class UnusableKey(Refused):
    """The Idempotency-Key must be 1 to 100 visible characters without spaces."""

    status = 400


class UnusableRevision(Refused):
    """The If-Match header takes one revision in quotes, as the application's ETag gives it."""

    status = 400


class NotJson(Refused):
    """The body must be one JSON object in UTF-8, without repeated names and without control characters."""

    status = 400


class OtherType(Refused):
    """Send the body as application/json."""

    status = 415


class KeyUsed(Refused):
    """This Idempotency-Key was used for something else. Use a new one for each command."""

    status = 422


class NotConfirmed(Refused):
    """Set “confirm” to true to say that you are sure."""

    status = 422


class WrongKind(Refused):
    """“{field}” is not of the kind that is asked for."""

    status = 422


class TooLate(Refused):
    """A token ends at the latest after a year, and not before tomorrow. Choose another last day."""

    status = 422


class MadeAlready(Refused):
    """This token was made already, and it is shown only once. If you did not keep it, revoke it and make another."""


class TooManyTokens(Refused):
    """You hold {most} tokens. Revoke one that you no longer need, then make another."""
