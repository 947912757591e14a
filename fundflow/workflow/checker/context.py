"""What the checker may know beside the file: people, what is installed, earlier versions and who lives by them.

Everything is given as plain values: whoever has a database or an installation fills this in, and nothing here asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

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
class Printed:
    """What is known of a message or a document: in which languages it can be written, and from what.

    `untranslated` are the sentences that a language lacks. A message prints `prints`; of these, `reads` must be there,
    and `given` are the facts that every message has. A document prints the fields `prints` where the workflow asks for
    them, cannot do without the fields `needs`, and takes inputs of the types `asks`.
    """

    languages: frozenset[str] = frozenset()
    untranslated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prints: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What this installation can do; None where nobody looked.

    `effects` and `role_kinds` are those that somebody provides, `facts` the roots that conditions may read;
    `messages` and `documents` go by the names that a workflow uses.
    """

    effects: frozenset[str] | None = None
    facts: frozenset[str] | None = None
    role_kinds: frozenset[str] | None = None
    messages: Mapping[str, Printed] | None = None
    documents: Mapping[str, Printed] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What lives by one version now: how many applications (or parts) in each state, how many answered each question
    (``proposal.requested``), how many sheets were sent, how many of each timer run, and which rounds are open by it.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, int] = field(default_factory=dict)
    sheets: Mapping[str, int] = field(default_factory=dict)
    timers: Mapping[str, int] = field(default_factory=dict)
    rounds: tuple[str, ...] = ()


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
    life: Mapping[str, Life] = field(default_factory=dict)
    """What lives by each of them, by its digest."""
    acted: Mapping[str, int] = field(default_factory=dict)
    """How many events of live applications name each role."""
    today: date | None = None
    work: int = 200_000
    may_use_solver: bool = True
    """Use Z3 where it is installed; without it, or with False, values are tried instead."""


FILE_ALONE = Context()
