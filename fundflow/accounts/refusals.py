"""The ways in which a change to people, teams, groups or invitations is refused, each in its own sentence."""

from __future__ import annotations

from fundflow.errors import Refused


class NotYourCity(Refused):
    """Only a focal point of {city} may do this; ask one of them."""

    status = 403


class NotAnAdministrator(Refused):
    """Only an administrator of the fund may do this."""

    status = 403


class LastFocalPoint(Refused):
    """{city} needs at least one focal point. Make somebody else a focal point first, then try again."""


class AlreadyOnTeam(Refused):
    """{email} already has this duty in the team of {city}."""


class AlreadyInGroup(Refused):
    """{name} is already in this group."""


class AlreadyInvited(Refused):
    """{email} already has an invitation that is still open. Send that one again, or withdraw it first."""


class LastAdministrator(Refused):
    """The fund needs at least one administrator for every round. Add another one first, then try again."""


class SeparatedDuties(Refused):
    """{name} cannot both manage and pay the same round: whoever decides on a grant never pays it out.

    The shipped workflows say so of their roles, and every transition is checked; here it is refused beforehand.
    """


class SeparatedGroups(Refused):
    """{name} cannot be in both of these groups for the same round: one of them checks what the other does.

    The pairs are `policy.NEVER_TOGETHER`; the shipped workflows say so of their roles as well.
    """


class InvitationExpired(Refused):
    """This invitation expired on {expires_at}. Ask {inviter} to send it again."""

    status = 410


class InvitationWithdrawn(Refused):
    """This invitation was withdrawn. Ask {inviter} for a new one if you still need it."""

    status = 410


class InvitationTaken(Refused):
    """This invitation has been used already. If it was not by you, tell {inviter}."""

    status = 410


class ForAnotherAddress(Refused):
    """This invitation was sent to another e-mail address than yours. Sign in with that address to accept it."""

    status = 403


class NoSuchAddress(Refused):
    """“{email}” is not an e-mail address."""

    status = 422


class AddressTaken(Refused):
    """There is already an account for {email}."""


class PasswordTooWeak(Refused):
    """{why}"""

    status = 422
