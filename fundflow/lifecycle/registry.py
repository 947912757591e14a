"""Where features plug into the lifecycle: facts that guards read, kinds of role, effects and hooks.

Refuses to start (`seal`) when a workflow names a fact, a kind of role or an effect that no feature provides, and
refuses a second provider of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import sqlalchemy as sa

from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child, Override
from fundflow.money import Money
from fundflow.prepared import Question

if TYPE_CHECKING:
    from fundflow.workflow.checker import Directory, Printed
    from fundflow.workflow.decide import Decision
    from fundflow.workflow.definition import Role, Workflow


class Recipient(Protocol):
    """Whom a role's mail reaches: any row of a person."""

    @property
    def id(self) -> Any: ...
    @property
    def email(self) -> Any: ...
    @property
    def name(self) -> Any: ...
    @property
    def language(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class StandIn:
    """That an actor may use `giver`'s roles of one group, or (None) all their roles of groups and fields."""

    giver: UUID
    group: str | None


@dataclass(slots=True)
class EffectContext:
    """The command that an effect runs in. The application already stands in its new state; nothing is committed yet.

    `evaluate` gives the value of a compiled expression over the same facts that the decision read.
    """

    application: Application
    workflow: Workflow
    transition: str
    event_seq: int
    from_state: str | None
    to_state: str | None
    outcome: str | None
    actor: Actor
    now: datetime
    reason: str | None
    input: Mapping[str, Any]
    evaluate: Callable[[Any], Any]
    facts: Any = None
    """The `Facts` of the command, for effects of the lifecycle itself."""
    child: Child | None = None
    """The child that moves; the application then stays where it is."""
    child_to: str | None = None
    child_from: str | None = None
    """Where it stood before."""
    decision: Decision | None = None
    """The decision that let it happen, with every clause."""
    _keys: int = 0

    def key(self, n: int | str | None = None) -> str:
        """A key for work that this event causes, the same on every retry: ``<application>:<seq>:<n>``."""
        if n is None:
            n = self._keys
            self._keys += 1
        return f"{self.application.id}:{self.event_seq}:{n}"


PlainFact = Callable[[Application], Mapping[str, Any] | None]
NamedFact = Callable[[Application, str], Mapping[str, Any] | None]
RoleTest = Callable[[Application, Any, Actor], bool]
RolePeople = Callable[[Application, Any], Sequence[Recipient]]
MembershipColumn = Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], sa.ColumnElement[Any]]
Asks = Callable[[Application, Any, Actor], Question]
Foresight = Callable[[Sequence[Application], frozenset[str]], None]
EffectRun = Callable[[EffectContext, Any], Mapping[str, Any] | None]
Hook = Callable[[EffectContext], Mapping[str, Any] | None]
ActHook = Callable[[EffectContext, str], None]
SignedPaper = Callable[[Application, str], str | None]
StandIns = Callable[[UUID, Application], Sequence[StandIn]]
NameCheck = Callable[[Application, "Role", UUID], None]
Panels = Callable[[UUID], Mapping[UUID, frozenset[str]]]
TookPart = Callable[[Application, UUID], bool]
Notifier = Callable[[Application, str, Sequence[str], str, Mapping[str, Any]], None]
OwnAnswers = Callable[[UUID], Mapping[str, Mapping[str, Any]]]
Opening = Callable[[EffectContext, Child | None, str | None], None]
Alarm = Callable[[str, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Provider:
    """A registered function and the table whose row of the application's round is locked before it is asked."""

    run: Callable[..., Any]
    locks: str | None = None


facts: dict[str, Provider] = {}
role_tests: dict[str, RoleTest] = {}
membership_columns: dict[RoleTest, MembershipColumn] = {}
expected: dict[str, Asks] = {}
foresights: list[Foresight] = []
role_members: dict[str, RolePeople] = {}
role_candidates: dict[str, RolePeople] = {}
effects: dict[str, Provider] = {}
entering_hooks: list[Hook] = []
act_hooks: list[ActHook] = []
papers: list[SignedPaper] = []
published_hooks: list[Callable[[UUID, Money], None]] = []
notifiers: list[Notifier] = []
alarms: list[Alarm] = []
stand_in_readers: list[StandIns] = []
name_checks: list[NameCheck] = []
administrator_tests: list[Callable[[UUID], bool]] = []
publisher_tests: list[Callable[[UUID], bool]] = []
stand_in_tests: list[Callable[[UUID, UUID], bool]] = []
panel_readers: list[Panels] = []
part_tests: list[TookPart] = []
override_hooks: list[Callable[[Application, Override], None]] = []
own_answer_readers: list[OwnAnswers] = []
opening_hooks: list[Opening] = []
directories: list[Callable[[], Directory]] = []
document_prints: dict[str, Printed] = {}
"""What each kind of document prints of the answers, and what it cannot do without."""
document_templates: dict[str, str] = {}
"""The template of each kind of document that a workflow may name, where it is not called like the kind."""

NAMED_FACTS = frozenset({"reviews", "forms"})
"""Facts asked for by name: the provider gets the application and the name after the dot."""
OWN_FACTS = frozenset("input now today actor timers acted tasks signatures children self siblings parent".split())
"""Facts that the lifecycle itself provides."""
LOCKABLE = frozenset({"rounds"})


def _once(table: dict[str, Any], name: str, value: Any, what: str) -> None:
    run = value.run if isinstance(value, Provider) else value
    known = table.get(name)
    old = known.run if isinstance(known, Provider) else known
    if old is not None and (old.__module__, old.__qualname__) != (run.__module__, run.__qualname__):
        raise ValueError(f"The {what} “{name}” is already provided by {old.__module__}.")
    table[name] = value


def _lockable(locks: str | None) -> None:
    if locks is not None and locks not in LOCKABLE:
        raise ValueError(f"A provider can lock only {', '.join(LOCKABLE)}, not {locks!r}.")


def fact(root: str, locks: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Provide a root of expressions. With `locks="rounds"` a command locks the round's row before it asks."""
    _lockable(locks)

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        _once(facts, root, Provider(run, locks), "fact")
        return run

    return register


def role_kind(kind: str) -> Callable[[RoleTest], RoleTest]:
    """Provide the test of one kind of role: may this person act in this role on this application, by the database?"""

    def register(run: RoleTest) -> RoleTest:
        _once(role_tests, kind, run, "kind of role")
        return run

    return register


def memberships(test: RoleTest, column: MembershipColumn) -> None:
    """Provide, as one column of PostgreSQL, the groups that a person is in for a round: given the person and the round.

    It says what this test of roles of kind `group` says, and counts only as long as that is the test. A command reads
    it along with the lock of its application, which saves a journey to the database.
    """
    membership_columns.clear()
    membership_columns[test] = column


def asks(what: str) -> Callable[[Asks], Asks]:
    """Provide what a command asks the database to know something of one application: see `expected`.

    `what` is a root of expressions (``round``), a kind of role that may be tested (``role team``), or one whose people
    may be written to (``people team``). It is given the application, the name after the root's dot or the role, and the
    actor. A command that needs several asks all of them in one journey.
    """

    def register(run: Asks) -> Asks:
        _once(expected, what, run, "question for")
        return run

    return register


def foresight(run: Foresight) -> Foresight:
    """Read at once, for many applications under their locks, what their commands are about to read one by one.

    It is given the applications and the facts that they need, with ``team`` where people of cities are written to; what
    it finds it hands to `db.foreseen`.
    """
    if run not in foresights:
        foresights.append(run)
    return run


def role_people(kind: str) -> Callable[[RolePeople], RolePeople]:
    """Provide the people who hold a role of this kind on an application, for mail."""

    def register(run: RolePeople) -> RolePeople:
        _once(role_members, kind, run, "people of the role kind")
        return run

    return register


def candidates(kind: str) -> Callable[[RolePeople], RolePeople]:
    """Provide the people who may be given a role of this kind on an application."""

    def register(run: RolePeople) -> RolePeople:
        _once(role_candidates, kind, run, "candidates of the role kind")
        return run

    return register


def candidates_of(application: Application, role: Role) -> Sequence[Recipient]:
    """The people who may be given this role on an application; nobody where the kind is not given to people."""
    provider = role_candidates.get(role.kind)
    return provider(application, role) if provider else ()


def effect(kind: str, locks: str | None = None) -> Callable[[EffectRun], EffectRun]:
    """Provide an effect. It runs inside the command's transaction; what it returns is kept in the event."""
    _lockable(locks)

    def register(run: EffectRun) -> EffectRun:
        _once(effects, kind, Provider(run, locks), "effect")
        return run

    return register


def entering(run: Hook) -> Hook:
    """Run after every arrival in a state (and after every end), behind the effects, in the same transaction."""
    entering_hooks.append(run)
    return run


def acting(run: ActHook) -> ActHook:
    """Run after every act that is no transition, with its subject, in the same transaction."""
    act_hooks.append(run)
    return run


def own_answers(run: OwnAnswers) -> OwnAnswers:
    """Provide what stands in the own forms of an application's children, by ``kind:key:form``."""
    own_answer_readers[:] = [run]
    return run


def own_answers_of(application_id: UUID) -> Mapping[str, Mapping[str, Any]]:
    """What stands in the own forms of an application's children; nothing where nobody keeps answers."""
    return next((run(application_id) for run in own_answer_readers), {})


def opening(run: Opening) -> Opening:
    """Run whenever an application, or a child of it, may have come to where a form is open that was not before.

    It is given the child, or None for the application, and the state that was left, or None at the beginning.
    """
    if run not in opening_hooks:
        opening_hooks.append(run)
    return run


def opened(ctx: EffectContext, child: Child | None, left: str | None) -> None:
    """Say that the application, or a child of it, came from one state to another."""
    for run in opening_hooks:
        run(ctx, child, left)


def paper(run: SignedPaper) -> SignedPaper:
    """Provide the digest of the document of a kind that is to be signed now; None while there is none."""
    papers[:] = [run]
    return run


def paper_of(application: Application, kind: str) -> str | None:
    """The digest of the document that is signed now; None while it is not ready, or nobody makes documents."""
    return next((digest for run in papers if (digest := run(application, kind))), None)


def on_round_published(run: Callable[[UUID, Money], None]) -> Callable[[UUID, Money], None]:
    """Run in the transaction that publishes a round, with its id and its budget."""
    published_hooks.append(run)
    return run


def round_published(round_id: UUID, budget: Money) -> None:
    """Tell every feature that a round is now published."""
    for run in published_hooks:
        run(round_id, budget)


def notifier(run: Notifier) -> Notifier:
    """Provide the way in which timers tell people: (application, template, role ids, key, facts)."""
    notifiers[:] = [run]
    return run


def stand_in(run: StandIns) -> StandIns:
    """Provide whom a person stands in for on an application now, by the database."""
    stand_in_readers[:] = [run]
    return run


def stands_in(actor_id: UUID, application: Application) -> Sequence[StandIn]:
    """Whom this person stands in for on the application now; nobody where no feature knows of it."""
    return [each for read in stand_in_readers for each in read(actor_id, application)]


def name_check(run: NameCheck) -> NameCheck:
    """Provide the refusal of a person who may not be named in a field role of an application."""
    name_checks[:] = [run]
    return run


def check_name(application: Application, role: Role, person_id: UUID) -> None:
    """Refuse a person who may not be named in this field role; the caller holds the application."""
    for check in name_checks:
        check(application, role, person_id)


def administrator(run: Callable[[UUID], bool]) -> Callable[[UUID], bool]:
    """Provide the test whether a person administers the fund, by the database."""
    administrator_tests[:] = [run]
    return run


def is_administrator(person_id: UUID) -> bool:
    """Whether this person administers the fund; nobody does where no feature knows of it."""
    return any(test(person_id) for test in administrator_tests)


def publisher(run: Callable[[UUID], bool]) -> Callable[[UUID], bool]:
    """Provide the test whether a person may propose and publish workflows, by the database."""
    publisher_tests[:] = [run]
    return run


def is_publisher(person_id: UUID) -> bool:
    """Whether this person may propose and publish workflows; nobody may where no feature knows of it."""
    return any(test(person_id) for test in publisher_tests)


def acts_for(run: Callable[[UUID, UUID], bool]) -> Callable[[UUID, UUID], bool]:
    """Provide the test whether the first of two people stands in for the second now, anywhere, by the database."""
    stand_in_tests[:] = [run]
    return run


def are_one(one: UUID, other: UUID) -> bool:
    """Whether two people count as one where a second has to agree: the same, or one stands in for the other."""
    return one == other or any(test(*pair) for test in stand_in_tests for pair in ((one, other), (other, one)))


def panels(run: Panels) -> Panels:
    """Provide where a person sits on a panel now, declared or not yet: reviews by running application."""
    panel_readers[:] = [run]
    return run


def panels_of(person_id: UUID) -> Mapping[UUID, frozenset[str]]:
    """The reviews of each running application on whose panel this person sits; none where no feature knows of it."""
    return {application_id: names for read in panel_readers for application_id, names in read(person_id).items()}


def takes_part(run: TookPart) -> TookPart:
    """Add a way in which a person has had to do with an application, beside its events: a team, answers, a review."""
    known = {(each.__module__, each.__qualname__) for each in part_tests}
    if (run.__module__, run.__qualname__) not in known:
        part_tests.append(run)
    return run


def took_part(application: Application, person_id: UUID) -> bool:
    """Whether a feature knows this person to have had to do with the application."""
    return any(test(application, person_id) for test in part_tests)


def on_override(run: Callable[[Application, Override], None]) -> Callable[[Application, Override], None]:
    """Run whenever an override was asked for or answered, in the same transaction."""
    override_hooks[:] = [run]
    return run


def override_told(application: Application, wish: Override) -> None:
    """Tell that an override was asked for or answered."""
    for run in override_hooks:
        run(application, wish)


def notify(application: Application, template: str, roles: Sequence[str], key: str, facts: Mapping[str, Any]) -> None:
    """Tell everyone in these roles, through the feature that sends mail; without one, nobody is told."""
    for run in notifiers:
        run(application, template, roles, key, facts)


def directory(run: Callable[[], Directory]) -> Callable[[], Directory]:
    """Provide everybody of the fund and of the cities, by group and duty, for the checker."""
    directories[:] = [run]
    return run


def alarm(run: Alarm) -> Alarm:
    """Provide the way in which those who run the site are told: (template, key, facts)."""
    alarms[:] = [run]
    return run


def raise_alarm(template: str, key: str, facts: Mapping[str, Any]) -> None:
    """Tell those who run the site, through the feature that knows them; without one, nobody is told."""
    for run in alarms:
        run(template, key, facts)


class Unprovided(Exception):
    """One sentence for each thing a workflow names and nobody provides."""


def seal(workflows: Iterable[Workflow]) -> None:
    """Refuse to go on when one of these workflows cannot be served completely: Unprovided names every gap."""
    from fundflow.lifecycle.needs import gaps

    problems = [sentence for workflow in workflows for sentence in gaps(workflow)]
    if problems:
        raise Unprovided("\n".join(problems))


def members_of(application: Application, role: Role) -> Sequence[Recipient]:
    """The people who hold a role on an application; nobody where the kind has no people (the system)."""
    provider = role_members.get(role.kind)
    return provider(application, role) if provider else ()
