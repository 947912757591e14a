"""Steps of an example: decided by the kernel that decides for the engine, then everything that they cause, in order.

Raises `Refused` with every clause that stands in the way, and leaves the world as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from fundflow.workflow import access, sentences
from fundflow.workflow.acts import Act, decide_act
from fundflow.workflow.clauses import DefinitionMismatch
from fundflow.workflow.copying import copied, first_answers, opened, stored
from fundflow.workflow.decide import Decision, Situation, decide, reads
from fundflow.workflow.definition import SYSTEM, Child, Effect, State, Transition
from fundflow.workflow.examples import banking, clockwork, panels
from fundflow.workflow.examples.account import Kept
from fundflow.workflow.examples.answering import completed
from fundflow.workflow.examples.statement import Step
from fundflow.workflow.examples.world import Happened, Look, Row, World, own
from fundflow.workflow.expressions import Expression
from fundflow.workflow.forms import OwnForm

MOST_STEPS = 10


class Refused(Kept):
    """A step that does not happen: the kinds of all that stands in the way, each with its sentence."""

    def __init__(self, reasons: list[tuple[str, str]], decision: Decision | None = None) -> None:
        super().__init__(reasons[0][0], " ".join(sentence for _, sentence in reasons))
        self.reasons, self.decision = reasons, decision

    @classmethod
    def by(cls, decision: Decision, language: str) -> Refused:
        failing = [clause for clause in decision.clauses if not clause.passes]
        return cls([(clause.kind, clause.sentence(language)) for clause in failing], decision)


def perform(world: World, step: Step) -> Decision | None:
    """Let somebody do what the step says; the decision on a transition that happened. Refused where it may not."""
    before = world.copy()
    try:
        decision = _perform(world, step)
        clockwork.sweep(world, _by_clock)
        return decision
    except Refused:
        world.restore(before)
        raise
    except Kept as kept:
        world.restore(before)
        raise Refused([(kept.kind, kept.sentence)]) from None


def pass_time(world: World, step: Step) -> None:
    """Let the time of the step pass."""
    to = step.at
    if step.after is not None:
        to = world.workflow.after(step.after, world.now)
    if to is not None and step.is_asleep:
        world.now = max(world.now, to)
    elif to is not None:
        clockwork.advance(world, to, _by_clock)


def begin(world: World) -> None:
    """Start the application: its first timers."""
    clockwork.follow(world, None, world.state)


def available(world: World, who: str) -> list[Decision]:
    """A decision for every transition that leaves the present state and that somebody's roles may start."""
    if world.has_ended:
        return []
    roles, workflow = world.roles(who), world.workflow
    leaving = [t for t in workflow.transitions_from(world.state) if t.by_from(world.state) & roles and not t.is_auto]
    roots = frozenset().union(*(reads(workflow, t.id) for t in leaving))
    situation = world.situation(who, Look(roots, roles=roles))
    return [decide(workflow, t.id, situation) for t in leaving]


def _perform(world: World, step: Step) -> Decision | None:
    who, subject, detail = step.who, step.subject, step.detail
    match step.verb:
        case "take":
            return fire(world, who, subject, key=detail, given=step.input, reason=step.reason)
        case "fill":
            _fill(world, who, subject, step)
        case "task" | "undo":
            _must(world, who, "task", subject, detail or None)
            world.tasks.pop(subject, None)
            if detail:
                world.tasks[subject] = detail
            _note(world, who, "task", subject)
        case "sign":
            _must(world, who, "sign", subject)
            world.signed |= {(world.state, subject)}
            _note(world, who, "sign", subject)
        case "assign":
            _must(world, who, "assign", subject)
            _check_name(world, subject, detail)
            world.officer = detail
            _note(world, who, "assign", subject)
        case "discuss":
            _must(world, who, "discuss", subject)
            if (kept := panels.may_discuss(world, who, subject)) is not None:
                raise kept
            _note(world, who, "discuss", subject)
        case "ask":
            panels.ask(world, who, subject, step.people, step.reserve)
        case "score":
            panels.score(world, who, subject, step.scores)
            _settle(world)
        case "recuse":
            panels.recuse(world, who, subject)
            _settle(world)
        case "bank" | "screen":
            if world.has_ended:
                raise Refused([("state", sentences.ENDED.in_("en"))])
            act = banking.take if step.verb == "bank" else banking.screen
            act(world, who, subject)
            _note(world, who, step.verb, subject)
    return None


# -- transitions --------------------------------------------------------------------------------------------------


def fire(
    world: World,
    who: str | None,
    transition: str,
    *,
    key: str = "",
    given: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> Decision:
    """Take a transition of the application, or of its child `key`; who is None for the system."""
    workflow = world.workflow
    if world.has_ended:
        raise Refused([("state", sentences.ENDED.in_("en"))])
    step = workflow.find(transition)
    if step is None:
        raise DefinitionMismatch(f"there is no transition '{transition}'")
    kind = transition.partition(".")[0] if key else ""
    child = _child(world, kind, key) if key else None
    if (workflow.child_of(transition) is None) != (child is None):
        raise DefinitionMismatch(f"'{transition}' is not of a child")
    values = {name: (given or {}).get(name) for name in step.input}
    roles, state = world.roles(who), world.state if child is None else child.state
    if roles & step.by_from(state):
        if step.reason and who is not None and not (reason or "").strip():
            raise Refused([("reason", "Give a reason.")])
        if any(value is None for value in values.values()):
            raise Refused([("input", "Fill in first what is asked.")])
    look = Look(reads(workflow, transition), child=child, kind=kind, input=values, roles=roles)
    situation = world.situation(who, look)
    to_state, outcome, decision = world.machine.fire(state, transition, situation)
    if not decision.allowed:
        raise Refused.by(decision, workflow.languages[0])
    _happen(world, step, look, who, to_state, outcome)
    _settle(world)
    return decision


def _by_clock(world: World, transition: str, subject: str) -> None:
    fire(world, None, transition, key=subject.partition(":")[2])


def _child(world: World, kind: str, key: str) -> Row:
    found = next((row for row in world.children.get(kind, ()) if row.key == key), None)
    if found is None:
        raise Refused([("state", f"There is no {kind} {key}.")])
    return found


def _happen(
    world: World, step: Transition, look: Look, who: str | None, to_state: str | None, outcome: str | None
) -> None:
    """Everything an allowed transition changes: state, effects in the file's order, timers, event."""
    left, at = world.state, world.moment
    if look.child is not None:
        _move(world, look.kind, look.child.key, to_state or look.child.state)
        to_state = left
    else:
        world.state, world.outcome = to_state or left, outcome
    effects = _Effects(world, look, who, left, to_state if outcome is None else None)
    for effect in step.do:
        effects.run(effect)
    arrived = None if outcome is not None else world.state
    if arrived is not None and arrived != left:
        state = world.workflow.states[arrived]
        for task in state.tasks:
            world.tasks.pop(task, None)
        if state.signatures is not None:
            world.signed = frozenset(each for each in world.signed if each[0] != arrived)
    subject = None if look.child is None else f"{look.kind}:{look.child.key}"
    if look.child is None or subject is None:
        clockwork.follow(world, left, arrived)
        if arrived is not None:
            _open(world, look, world.workflow.states[arrived], world.workflow.states[left])
    else:
        clockwork.follow(world, f"{look.kind}.{look.child.state}", clockwork.stands(world, subject), subject)
        _open_child(world, look.kind, look.child.key, look.child.state)
    if left == world.workflow.initial and arrived not in (None, world.workflow.initial):
        world.submitted_at = world.submitted_at or at
    _record(world, Happened(step.id, who, subject, left, arrived), at)


def _record(world: World, event: Happened, at: Any) -> None:
    world.events = (*world.events, event)
    world.revision += 1
    world.last_event_at = at


def _note(world: World, who: str, act: str, subject: str) -> None:
    _record(world, Happened(act, who, subject, world.state, world.state), world.moment)
    _settle(world)


def _settle(world: World) -> None:
    """Let happen what now happens by itself."""
    for _ in range(MOST_STEPS):
        waiting = [t for t in world.workflow.transitions_from(world.state) if t.is_auto]
        if world.has_ended or not any(_by_itself(world, each) for each in waiting):
            return
    raise Kept("if", "The rules let one step follow another without end.")


def _by_itself(world: World, step: Transition) -> bool:
    look = Look(reads(world.workflow, step.id))
    to_state, outcome, decision = world.machine.fire(world.state, step.id, world.situation(None, look))
    if decision.allowed:
        _happen(world, step, look, None, to_state, outcome)
    return decision.allowed


def _move(world: World, kind: str, key: str, state: str) -> None:
    world.children[kind] = tuple(
        Row(row.key, row.fields, state) if row.key == key else row for row in world.children[kind]
    )


def _open(world: World, look: Look, state: State, left: State | None) -> None:
    """Fill the forms that may be edited here and could not be before, where nothing stands in them."""
    for name in sorted(world.workflow.prefilled & opened(state, left)):
        form, kept = world.workflow.forms[name], name
        if look.child is not None:
            form, kept = form.asked_of(own(look.child)), str(OwnForm(look.kind, look.child.key, name))
        if kept not in world.answers and (data := first_answers(form, partial(_value_of, world, look))):
            world.answers[kept] = data


def _open_child(world: World, kind: str, key: str, left: str | None) -> None:
    row, states = world.child(f"{kind}:{key}"), world.workflow.children[kind].states
    if row is not None:
        _open(world, Look(frozenset(), child=row, kind=kind), states[row.state], states.get(left or ""))


def _value_of(world: World, look: Look, source: Expression) -> Any:
    """What an expression comes to now; None where an answer it needs is not there."""
    facts = Look(source.roots, child=look.child, kind=look.kind).facts(world)
    facts |= {"now": world.moment, "today": world.moment.astimezone(world.workflow.zone).date()}
    return None if source.unanswered(facts) else source.evaluate(facts)


class _Effects:
    """Runs what a transition causes, over the facts that its decision read."""

    def __init__(self, world: World, look: Look, who: str | None, left: str, to_state: str | None) -> None:
        self.world, self.look, self.who, self.left, self.to_state = world, look, who, left, to_state

    def run(self, effect: Effect) -> None:
        world = self.world
        match effect.kind:
            case "notify":
                clockwork.tell(world, effect.notify, effect.to, self.left)
            case "document":
                world.documents = (*world.documents, effect.document or "")
            case "ledger":
                self._book(effect)
            case "set":
                self._set(effect)
            case "rearm":
                self._rearm(effect.rearm or "")
            case "cancel":
                panels.cancel(world, self.left)
            case "children":
                self._children(effect)
            case "child":
                kind = world.workflow.children[effect.child or ""]
                there = world.children.get(kind.id, ())
                if len(there) >= kind.max:
                    raise Kept("children", "There cannot be more.")
                self._add(kind, [self._values(effect.values)])

    def _rearm(self, timer: str) -> None:
        child = self.look.child
        if child is None:
            clockwork.rearm(self.world, timer, self.left)
        else:
            before = f"{self.look.kind}.{child.state}"
            clockwork.rearm(self.world, timer, before, f"{self.look.kind}:{child.key}")

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, expression in given.items():
            look = Look(expression.roots, child=self.look.child, kind=self.look.kind, input=self.look.input)
            if expression.unanswered({**self._now(), **look.facts(self.world)}):
                raise Kept("children", f"“{name}” is not known yet.")
            found[name] = self._value(expression)
        return found

    def _add(self, kind: Child, lines: Sequence[Mapping[str, Any]]) -> None:
        """The new children behind those that are there, each with its timers and what its forms begin with."""
        world, there = self.world, self.world.children.get(kind.id, ())
        made = []
        for position, line in enumerate(lines, start=len(there) + 1):
            fields = {name: _typed(type_, line.get(name)) for name, type_ in kind.columns.items()}
            key = " ".join(str(_plain(line[kind.key])).split()) if kind.key else str(position)
            made.append(Row(key.replace("/", "-") if kind.forms else key, fields, kind.initial))
        keys = [row.key for row in (*there, *made)]
        if len(set(keys)) != len(keys):
            raise Kept("children", "Two of them would be called the same.")
        world.children[kind.id] = (*there, *made)
        for row in made:
            clockwork.follow(world, None, f"{kind.id}.{kind.initial}", f"{kind.id}:{row.key}")
            _open_child(world, kind.id, row.key, None)

    def _now(self) -> dict[str, Any]:
        moment = self.world.moment
        return {"now": moment, "today": moment.astimezone(self.world.workflow.zone).date()}

    def _value(self, expression: Any) -> Any:
        look = Look(
            self.look.roots | expression.roots, child=self.look.child, kind=self.look.kind, input=self.look.input
        )
        return expression.evaluate({**self._now(), **look.facts(self.world), "actor": {"id": self.who, "roles": ()}})

    def _book(self, effect: Effect) -> None:
        if effect.when is not None and self._value(effect.when) is not True:
            return
        account, given = self.world.account, self.look.input.get("amount")
        amount = None if effect.amount is None else self._value(effect.amount)
        match effect.ledger:
            case "reserve":
                account = account.reserve(amount)
            case "commit":
                account = account.commit(amount)
            case "release":
                account = account.release(amount)
            case "close":
                account = account.close()
            case "order":
                account = account.order(amount)
            case "fail":
                account = account.fail(amount)
            case "return":
                account = account.come_back(given or amount)
            case "refund":
                account = account.refund(given or amount)
            case "exchange_loss":
                account = account.lose(amount)
            case "exchange_gain":
                account = account.gain(amount)
            case _:
                account = account.pay(given or amount, is_person=self.who is not None)
        if effect.ledger in ("order", "pay"):
            banking.use(self.world)
        self.world.account = account

    def _set(self, effect: Effect) -> None:
        world = self.world
        if effect.when is not None and self._value(effect.when) is not True:
            return
        value = self._value(effect.value)
        root, dot, column = (effect.set or "").partition(".")
        if dot and root == "self" and self.look.child is not None:
            kind, key = self.look.kind, self.look.child.key
            world.children[kind] = tuple(
                Row(row.key, {**row.fields, column: value}, row.state) if row.key == key else row
                for row in world.children[kind]
            )
            clockwork.follow_child(world, f"{kind}:{key}", self.look.child.state)
            return
        for name, form in world.workflow.answer_forms.items():
            if effect.set in form.fields:
                question = form.fields[effect.set or ""]
                answer = copied(question, value) if question.type == "table" else stored(value)
                world.answers[name] = {**world.answers.get(name, {}), question.id: answer}
                clockwork.follow_fields(world, self.left)
                return

    def _children(self, effect: Effect) -> None:
        world = self.world
        kind = world.workflow.children[effect.children or ""]
        if effect.each is not None:
            self._each(kind.id, effect.each)
            return
        if kind.rows:
            holding = [row for row in kind.rows if row.when is None or self._value(row.when) is True]
            lines: Sequence[Mapping[str, Any]] = [self._values(row.values) for row in holding]
        else:
            lines = world.application().get(kind.field) or ()
        if effect.renew is not None:
            self._renew(kind, lines, effect.renew)
            return
        if (not lines and not kind.rows) or len(lines) > kind.max or world.children.get(kind.id):
            raise Kept("children", "The lines of the table cannot be made into these.")
        self._add(kind, lines)

    def _renew(self, kind: Child, lines: Sequence[Mapping[str, Any]], step_id: str) -> None:
        """The children follow their changed table, as far as they have not begun to move."""
        world = self.world
        planned = {" ".join(str(_plain(line[kind.key])).split()): line for line in lines}
        if (not planned and not kind.rows) or len(planned) < len(lines) or len(lines) > kind.max:
            raise Kept("children", "The lines of the table cannot be made into these.")
        gone = []
        for row in world.children.get(kind.id, ()):
            line = planned.pop(row.key, None)
            if line is None:
                gone.append(row.key)
                continue
            fields = {name: _typed(type_, line.get(name)) for name, type_ in kind.columns.items()}
            if fields != row.fields:
                if row.state != kind.initial:
                    raise Kept("children", f"{row.key} has begun and cannot be changed any more.")
                rows = world.children[kind.id]
                world.children[kind.id] = tuple(replace(r, fields=fields) if r is row else r for r in rows)
                clockwork.follow_child(world, f"{kind.id}:{row.key}", row.state)
        self._each(kind.id, step_id, frozenset(gone))
        if any(row.key in gone and not kind.states[row.state].final for row in world.children.get(kind.id, ())):
            raise Kept("children", "One that is no longer planned has begun already.")
        self._add(kind, list(planned.values()))

    def _each(self, kind: str, step_id: str, keys: frozenset[str] | None = None) -> None:
        """Every child (of these) that stands where the step begins takes it; one that is refused refuses all."""
        world = self.world
        step = world.workflow.children[kind].transitions[step_id]
        for row in world.children.get(kind, ()):
            if row.state not in step.sources or (keys is not None and row.key not in keys):
                continue
            look = Look(reads(world.workflow, step_id), child=row, kind=kind, even_ended=True)
            look.roles = world.roles(self.who) | {SYSTEM}
            look.input = self.look.input
            situation: Situation = world.situation(self.who, look)
            decision = decide(world.workflow, step_id, situation)
            if not decision.allowed:
                raise Kept("children", " ".join(decision.refusals(world.workflow.languages[0])))
            inner = _Effects(world, look, self.who, self.left, self.to_state)
            _move(world, kind, row.key, decision.to or row.state)
            for effect in step.do:
                inner.run(effect)
            subject = f"{kind}:{row.key}"
            clockwork.follow(world, f"{kind}.{row.state}", clockwork.stands(world, subject), subject)
            _open_child(world, kind, row.key, row.state)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _typed(type_: str, value: Any) -> Any:
    return int(value) if type_ == "integer" and value is not None else value


# -- acts, forms, people -------------------------------------------------------------------------------------------


def _must(world: World, who: str, act: Act, subject: str, value: str | None = None) -> None:
    """Refuse an act that the kernel decides against."""
    if world.has_ended:
        raise Refused([("state", sentences.ENDED.in_("en"))])
    look = Look(frozenset({"signatures"}) if act == "sign" else frozenset())
    signatures = world.workflow.states[world.state].signatures
    if act == "sign" and signatures is not None:
        look.document = signatures.document in world.documents
    decision = decide_act(world.workflow, act, subject, world.situation(who, look), value)
    if not decision.allowed:
        raise Refused.by(decision, world.workflow.languages[0])


def _check_name(world: World, role: str, who: str) -> None:
    """Refuse a person who is not of the group, or whom `never_also` keeps from being named."""
    given = world.workflow.roles[role]
    trial = world.copy()
    trial.officer = who
    held = {name for name in world.workflow.roles if trial.holds(who, name)}
    apart = any(world.workflow.roles[one].never_also & held for one in held)
    if given.group is None or given.group not in world.members[who].groups or apart:
        raise Kept("candidate", f"{who} cannot be in charge of this application.")


def _fill(world: World, who: str, form_id: str, step: Step) -> None:
    workflow, roles, has_ended = world.workflow, world.roles(who), world.has_ended
    form, kind = workflow.forms.get(form_id), workflow.own_forms.get(form_id)
    row = _child(world, kind, step.detail) if kind else None
    if row is None or kind is None:
        cell, kept, subject = access.cell(workflow, world.state, roles, has_ended=has_ended), form_id, ""
    else:
        cell = access.own_cell(workflow, world.state, kind, row.state, roles, has_ended=has_ended)
        kept, subject = str(OwnForm(kind, row.key, form_id)), f"{kind}:{row.key}"
    if form is None or form_id not in cell.edit:
        raise Kept("access", f"{who} cannot change the form '{form_id}' now.")
    if _is_closed(world, form_id, kind, row):
        raise Kept("deadline", f"The time to send '{form_id}' has ended.")
    form = form.asked_of(own(row)) if row is not None else form
    world.answers[kept] = completed(form, step.answers, world, step.without, world.answers.get(kept, {}))
    if subject:
        clockwork.follow_child(world, subject)
    else:
        clockwork.follow_fields(world)


def _is_closed(world: World, form_id: str, kind: str | None, row: Row | None) -> bool:
    """The time to send this form ran out, its grace included."""
    if kind is None or row is None:
        leaving, whose = world.workflow.transitions_from(world.state), {""}
    else:
        leaving, whose = world.workflow.children[kind].transitions_from(row.state), {"", f"{kind}:{row.key}"}
    names = {
        t.deadline
        for t in leaving
        if t.deadline and any(when.kind == "complete" and when.name == form_id for when in t.when)
    }
    running = [each for each in world.timers if each.name in names and each.subject in whose]
    ended = [each.act_at for each in running if each.status != "cancelled"]
    return bool(ended) and ended[-1] <= world.now
