"""What is wrong with a workflow that loads: places nobody reaches or leaves, blind decisions, money left behind.

Looks only at the file: a guard may be true or false, so what is reported here is wrong whatever the answers are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from fundflow.workflow.access import cell
from fundflow.workflow.definition import SYSTEM, Duration, Transition, Workflow
from fundflow.workflow.problems import Problem, listed

MOST_STATES = 60


def check(workflow: Workflow) -> list[Problem]:
    """Every finding with its place, in the order of the file; none for a sound workflow."""
    found: set[Problem] = set()
    for rule in _RULES:
        for code, at, message in rule(workflow):
            file, line, column = _place(workflow, at)
            found.add(Problem(file, line, column, code, message))
    return sorted(found)


Finding = tuple[str, str, str]


def _place(workflow: Workflow, at: str) -> tuple[str, int, int]:
    """Where the part with this dotted path stands, or the nearest part around it."""
    while at:
        if at in workflow.places:
            return workflow.places[at]
        at = at.rpartition(".")[0]
    return (workflow.main, 1, 1)


def _arrows(workflow: Workflow) -> dict[str, set[str]]:
    """Where each state leads; an outcome counts as a place of its own."""
    leads: dict[str, set[str]] = {state: set() for state in workflow.states}
    for transition in workflow.transitions.values():
        for source in transition.sources:
            leads[source].add(transition.destination(source) or f"end {transition.end}")
    return leads


def _from(start: str, leads: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = {start}, deque([start])
    while waiting:
        for target in leads.get(waiting.popleft(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def _graph(workflow: Workflow) -> Iterator[Finding]:
    leads = _arrows(workflow)
    reached = _from(workflow.initial, leads)
    for name, state in workflow.states.items():
        at = f"states.{name}"
        if name not in reached:
            message = f"no application can ever get to '{name}': no transition leads to it from '{workflow.initial}'"
            yield "FF103", at, message
        if state.is_final:
            for transition in workflow.transitions_from(name):
                message = f"'{name}' is final, so nothing can leave it; remove 'final' or this transition"
                yield "FF105", f"transitions.{transition.id}.from", message
        elif not leads[name]:
            yield "FF104", at, f"'{name}' is a dead end: nothing leaves it and it is not final"
        elif not any(place.startswith("end ") or workflow.states[place].is_final for place in _from(name, leads)):
            round_ = listed(sorted(_from(name, leads)))
            yield "FF106", at, f"'{name}' is a trap: from here no end can be reached (it only goes round {round_})"
    if len(workflow.states) > MOST_STATES:
        yield "FF209", "states", f"there are {len(workflow.states)} states; beyond {MOST_STATES} nobody can follow"


def _clock(workflow: Workflow) -> Iterator[Finding]:
    started = {(timer.then, state) for timer in workflow.timers.values() if timer.then for state in timer.states}
    for name, transition in workflow.transitions.items():
        for source in () if transition.is_auto else transition.sources:
            if transition.by_from(source) == {SYSTEM} and (name, source) not in started:
                message = "only the system may do this, but no timer starts it"
                yield "FF158", f"transitions.{name}.by", f"{message} in '{source}', so it never happens"
    for name, timer in workflow.timers.items():
        for state in timer.states:
            if workflow.states[state].is_final:
                yield "FF154", f"timers.{name}.in", f"'{state}' is final; a timer there can do nothing"
        length = timer.after
        for remind in timer.remind if length else ():
            assert length is not None  # noqa: S101 - the loop is over nothing without it
            if _days(remind) >= _days(length):
                message = f"a reminder {remind} before the end is not before the start: the timer lasts only {length}"
                yield "FF160", f"timers.{name}.remind", message


def _days(length: Duration) -> float:
    """About how many days: a month has 30.4 of them, and seven stand for five that are worked."""
    return length.months * 30.4 + length.days + length.working_days * 1.4 + length.minutes / 1440


def _deciders(workflow: Workflow) -> Iterator[Finding]:
    """Whoever may do something must see something of what they decide on."""
    for name, transition in workflow.transitions.items():
        for source in transition.sources:
            for role in sorted(transition.by_from(source) - {SYSTEM}):
                if not cell(workflow, source, (role,)).view:
                    message = f"'{role}' can do '{name}' in '{source}' but cannot see anything there; give them a view"
                    yield "FF144", f"states.{source}", message


def _reviews(workflow: Workflow) -> Iterator[Finding]:
    waited = {when.name for t in workflow.transitions.values() for when in t.when if when.kind == "quorum"}
    teams = [role.id for role in workflow.roles.values() if role.kind == "team"]
    for name, review in workflow.reviews.items():
        state = workflow.states[review.state]
        if name not in waited:
            yield "FF165", f"reviews.{name}.quorum", f"no transition waits for the quorum of '{name}'"
        if not cell(workflow, review.state, (review.by,)).view:
            message = f"reviewers ('{review.by}') cannot see anything in '{review.state}'; give them a view"
            yield "FF168", f"states.{review.state}", message
        if review.quorum > review.count:
            message = f"the quorum {review.quorum} can never be met: only {review.count} reviewers are assigned"
            yield "FF163", f"reviews.{name}.quorum", message
        elif review.quorum == review.count and not review.reserve:
            message = (
                f"one recusal makes the quorum of {review.quorum} impossible:"
                f" assign more than {review.count} or add reserve"
            )
            yield "FF164", f"reviews.{name}.quorum", message
        for role in teams:
            if name in state.view.get(role, ()) or review.form in state.view.get(role, ()):
                message = f"'{role}' could read the reviews while they are being written"
                yield "FF169", f"states.{review.state}.view.{role}", message


def _forms(workflow: Workflow) -> Iterator[Finding]:
    """A form that must be complete can be filled in there or before; a form that exists is used."""
    leads = _arrows(workflow)
    writable = {
        form: {name for name, state in workflow.states.items() if any(form in forms for forms in state.edit.values())}
        for form in workflow.forms
    }
    for name, transition in workflow.transitions.items():
        for number, when in enumerate(transition.when):
            for source in transition.sources if when.kind == "complete" else ():
                if not any(source in _from(state, leads) for state in writable[when.name]):
                    message = (
                        f"'{name}' needs the form '{when.name}', but nobody can fill it in in '{source}' or before"
                    )
                    yield "FF141", f"transitions.{name}.when.{number}.complete", message
    sheets = {review.form for review in workflow.reviews.values()}
    for form, states in writable.items():
        if not states and form not in sheets:
            yield "FF142", f"forms.{form}", f"nobody can ever fill in the form '{form}'"


def _roles(workflow: Workflow) -> Iterator[Finding]:
    used = {role for t in workflow.every_transition() for role in t.by}
    used |= {role for t in workflow.every_transition() for effect in t.do for role in effect.to}
    used |= {role for task in workflow.tasks.values() for role in task.by}
    used |= {role for s in workflow.states.values() if s.signatures for role in s.signatures.parties.values()}
    used |= {role for each in workflow.roles.values() for role in each.assigned_by}
    used |= {role for s in workflow.states.values() for role in (*s.edit, *s.view, *s.shown_as)}
    used |= {role for r in workflow.reviews.values() for role in (r.by, *r.assigned_by, *r.discussed_by)}
    used |= {role for t in workflow.timers.values() for role in (*t.to, *t.if_blocked)}
    used |= {role for t in workflow.timers.values() if t.escalate for role in t.escalate.to}
    for role in workflow.roles:
        if role not in used:
            yield "FF137", f"roles.{role}", f"role '{role}' is never used"


def _collected(workflow: Workflow) -> Iterator[Finding]:
    """What is collected is waited for, and what is signed was made."""
    leads = _arrows(workflow)
    for name, state in workflow.states.items():
        onward = workflow.transitions_from(name)
        if state.is_final and (state.tasks or state.signatures):
            yield "FF143", f"states.{name}", f"'{name}' is final, so nothing can be done or signed in it"
        if state.signatures is None:
            continue
        if not any(when.kind == "signed" for transition in onward for when in transition.when):
            message = f"nothing happens when everyone has signed: no transition from '{name}' has signed: all"
            yield "FF184", f"states.{name}.signatures", message
        made = [
            transition
            for transition in workflow.transitions.values()
            if any(effect.document == state.signatures.document for effect in transition.do)
        ]
        arrives = {target for each in made for source in each.sources if (target := each.destination(source))}
        if not any(name in _from(target, leads) for target in arrives):
            message = f"'{state.signatures.document}' is to be signed in '{name}', but no transition before makes it"
            yield "FF183", f"states.{name}.signatures.document", message


def _automatic(workflow: Workflow) -> Iterator[Finding]:
    """Steps that happen by themselves never go round."""
    leads: dict[str, set[str]] = {state: set() for state in workflow.states}
    for transition in workflow.transitions.values():
        for source in transition.sources if transition.is_auto else ():
            target = transition.destination(source)
            leads[source] |= {target} if target else set()
    for name, transition in workflow.transitions.items():
        for source in transition.sources if transition.is_auto else ():
            target = transition.destination(source)
            if target is not None and source in _from(target, leads):
                message = f"'{name}' happens by itself and comes back to '{source}' by itself: it would never end"
                yield "FF108", f"transitions.{name}", message


def _children(workflow: Workflow) -> Iterator[Finding]:
    """Children are made somewhere, and each can get to an end of its own."""
    for kind, child in workflow.children.items():
        effects = [effect for t in workflow.transitions.values() for effect in t.do if effect.children == kind]
        if not any(effect.each is None for effect in effects):
            message = f"no transition creates '{kind}': add {{children: {kind}}} to the one that should"
            yield "FF192", f"children.{kind}", message
        leads: dict[str, set[str]] = {state: set() for state in child.states}
        for transition in child.transitions.values():
            for source in transition.sources:
                leads[source].add(transition.destination(source) or source)
        reached = _from(child.initial, leads)
        for name, state in child.states.items():
            at = f"children.{kind}.states.{name}"
            if name not in reached:
                yield "FF103", at, f"no {kind} can ever get to '{name}'"
            elif not state.is_final and not any(child.states[s].is_final for s in _from(name, leads)):
                yield "FF104", at, f"'{name}' is a dead end: no {kind} can get from it to a final state"


def _masks(workflow: Workflow) -> Iterator[Finding]:
    """A hidden state is given away by mail, by what can be seen, and by the buttons."""
    for name, state in workflow.states.items():
        for role, shown in state.shown_as.items():
            if cell(workflow, name, (role,)) != cell(workflow, shown, (role,)):
                message = f"'{name}' is shown to '{role}' as '{shown}', but they see other forms in the two"
                yield "FF146", f"states.{name}.shown_as.{role}", f"{message}, which gives it away"
            here, there = (
                {t.id for t in workflow.transitions_from(place) if role in t.by_from(place)} for place in (name, shown)
            )
            if here != there:
                message = f"'{name}' is shown to '{role}' as '{shown}', but the buttons differ"
                differ = ", ".join(sorted(here ^ there))
                yield "FF147", f"states.{name}.shown_as.{role}", f"{message} ({differ}), which gives it away"
            for transition in workflow.transitions.values():
                arrives = any(transition.destination(source) == name for source in transition.sources)
                if arrives and any(role in effect.to for effect in transition.do):
                    message = f"'{role}' is told about {transition.id}, but '{name}' is hidden from them"
                    yield "FF145", f"transitions.{transition.id}.do", f"{message} (shown as '{shown}')"


def _money(workflow: Workflow) -> Iterator[Finding]:
    """Follow every path with the money: paid only after committed, nothing reserved or committed left at an end."""
    seen, waiting = {(workflow.initial, "free")}, deque([(workflow.initial, "free")])
    while waiting:
        state, money = waiting.popleft()
        for transition in workflow.transitions_from(state):
            after, problem = _after(transition, money)
            if problem is not None:
                yield *problem, f"{_SAYS[problem[0]]} when {transition.id} leaves '{state}'"
            target = transition.destination(state)
            ends = target is None or workflow.states[target].is_final
            if ends and after in ("reserved", "committed"):
                message = f"{transition.id} ends the application from '{state}' with money still {after}"
                yield "FF176", f"transitions.{transition.id}", f"{message}: add {{ledger: release}}"
            if target is not None and (target, after) not in seen:
                seen.add((target, after))
                waiting.append((target, after))


_SAYS = {
    "FF174": "ledger: commit here, but the money may be committed already",
    "FF175": "ledger: pay here, but the money may not be committed",
}


def _after(transition: Transition, money: str) -> tuple[str, tuple[str, str] | None]:
    problem = None
    for number, effect in enumerate(transition.do):
        at = f"transitions.{transition.id}.do.{number}.ledger"
        match effect.ledger:
            case "reserve":
                money = "reserved"
            case "commit":
                problem = ("FF174", at) if money == "committed" else problem
                money = "committed"
            case "pay":
                problem = ("FF175", at) if money != "committed" else problem
                money = "paid"
            case "release":
                money = "free" if money in ("reserved", "committed") else money
            case "close":
                money = "paid"
    return money, problem


def _told(workflow: Workflow) -> Iterator[Finding]:
    """A city never learns by chance that its application moved or ended by someone else's hand."""
    teams = {role.id for role in workflow.roles.values() if role.kind == "team"}
    for name, transition in workflow.transitions.items():
        if not teams or not transition.by - teams:
            continue
        hidden = all(
            target is not None and teams & workflow.states[target].shown_as.keys()
            for target in map(transition.destination, transition.sources)
        )
        if not hidden and not any(teams & set(effect.to) for effect in transition.do if effect.kind == "notify"):
            team = sorted(teams)[0]
            message = f"nobody tells the applicant about {name}: add {{notify: …, to: {team}}}"
            yield "FF178", f"transitions.{name}", message


_RULES: tuple[Callable[[Workflow], Iterator[Finding]], ...] = (
    _graph,
    _clock,
    _deciders,
    _reviews,
    _forms,
    _roles,
    _collected,
    _automatic,
    _children,
    _masks,
    _money,
    _told,
)
