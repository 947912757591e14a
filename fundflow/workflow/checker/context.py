"""What the checker may know beside the file: people, what is installed, earlier versions, and how long it may think.

Everything is given as plain values: whoever has a database or an installation fills this in, and nothing here asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fundflow.workflow.definition import Role, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The people of an installation as they are now, by any stable name of each.

    `groups` gives the members of each group, by the group's name in the file (`fund-managers`); a group that is not
    there has nobody. `team` are the people who act for any city; `duties` those among them who hold a duty. `names`
    says how a person is called in a sentence.
    """

    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    team: frozenset[str] = frozenset()
    duties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def members(self, workflow: Workflow, role: Role) -> frozenset[str] | None:
        """Who can have this role at all; None where the directory cannot say (a panel or field without a group)."""
        match role.kind:
            case "team":
                return self.team if role.duty is None else self.duties.get(role.duty, frozenset())
            case "panel" if role.review is not None:
                group = workflow.reviews[role.review].group
            case _:
                group = role.group
        return None if group is None else self.groups.get(group, frozenset())

    def name(self, person: str) -> str:
        return self.names.get(person, person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What this installation can do: the templates it has, and the effects that somebody handles.

    `templates` are paths below `templates/` (``mail/received.en.txt``); `effects` the kinds and names that have a
    handler (``document:agreement``); None where nobody looked.
    """

    templates: frozenset[str] | None = None
    effects: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All of it. The default knows nothing but the file.

    `work` bounds what the proofs may cost, in steps that are counted and not timed, so that the same file always gets
    the same answer; what is left undecided is said.
    """

    directory: Directory | None = None
    installation: Installation | None = None
    earlier: tuple[Workflow, ...] = ()
    """Versions of the same workflow that were published before, oldest first."""
    work: int = 200_000
    may_use_solver: bool = True
    """Use Z3 where it is installed; without it, or with False, values are tried instead."""


FILE_ALONE = Context()
