"""Refusals: the domain's "no", in words that a person can act on.

A subclass's docstring is the sentence people read: its first paragraph, formatted with the facts it was raised with.
The web layer translates the sentence before the facts go in, so facts are already-localisable values, never prose.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar


class Refused(Exception):
    """This cannot be done now."""

    status: ClassVar[int] = 409

    def __init__(self, **facts: Any) -> None:
        super().__init__(facts)
        self.facts = facts

    @classmethod
    def template(cls) -> str:
        """The untranslated sentence with its {placeholders}; it is also the message id in the catalogues."""
        first, _, _ = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
        return " ".join(first.split())

    def __str__(self) -> str:
        return self.template().format(**self.facts)


class NotFound(Refused):
    """There is nothing here that you may see.

    Raised alike for what does not exist and for what this person may not see, so an address tells nothing.
    """

    status = 404


class Forbidden(Refused):
    """Your account may not do this; ask {who} if you need it."""

    status = 403


class Stale(Refused):
    """This changed since you opened it. Look at it as it is now, then decide again."""
