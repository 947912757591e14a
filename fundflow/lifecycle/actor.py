"""Who acts: a person as the gate read them, the system, or nobody.

The memberships here draw menus and pages; they grant nothing. What an actor may do to an application is read again
from the database inside the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """`teams` holds (city id, duty) pairs; `groups` holds (group, round id or None for every round) pairs.

    `lent` holds the pairs of those for whom the person stands in, and `stands_in_for` who they are.
    """

    id: UUID | None
    name: str
    email: str = ""
    language: str = "en"
    timezone: str = "UTC"
    teams: frozenset[tuple[UUID, str]] = frozenset()
    groups: frozenset[tuple[str, UUID | None]] = frozenset()
    is_system: bool = False
    lent: frozenset[tuple[str, UUID | None]] = frozenset()
    stands_in_for: frozenset[UUID] = frozenset()

    @property
    def is_signed_in(self) -> bool:
        return self.id is not None

    @property
    def city_ids(self) -> frozenset[UUID]:
        return frozenset(city for city, _ in self.teams)

    def is_in(self, *groups: str, round_id: UUID | None = None) -> bool:
        """In one of the groups: for every round, or for `round_id`; without a `round_id`, for any round at all.

        Whoever stands in for somebody counts as being in the groups that are lent to them.
        """
        return any(
            group in groups and (scope is None or round_id is None or scope == round_id)
            for group, scope in self.groups | self.lent
        )


SYSTEM = Actor(id=None, name="fundflow", is_system=True)
ANONYMOUS = Actor(id=None, name="")
