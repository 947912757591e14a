"""What a drawing of a workflow says, before anybody knows where it stands: a card for each state with its ways out.

For one role it says what that role is shown: states that look alike to it are one card, and what is not its own to do
steps back. Knows no coordinates and no colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fundflow.workflow import access
from fundflow.workflow.definition import SYSTEM, Child, Effect, Role, State, Timer, Transition, Workflow
from fundflow.workflow.differences import length
from fundflow.workflow.text import Text

CALENDAR = Text({"en": "the calendar", "fr": "le calendrier"})
ITSELF = Text({"en": "by itself", "fr": "automatiquement"})
MONEY: Mapping[str, Text] = {
    "reserve": Text({"en": "reserves money", "fr": "réserve les fonds"}),
    "commit": Text({"en": "commits money", "fr": "engage les fonds"}),
    "order": Text({"en": "orders a payment", "fr": "ordonne un paiement"}),
    "pay": Text({"en": "pays", "fr": "paie"}),
    "fail": Text({"en": "takes an order back", "fr": "annule un ordre"}),
    "return": Text({"en": "takes money back", "fr": "reprend les fonds"}),
    "refund": Text({"en": "recovers money", "fr": "recouvre les fonds"}),
    "exchange_loss": Text({"en": "books an exchange loss", "fr": "constate une perte de change"}),
    "exchange_gain": Text({"en": "books an exchange gain", "fr": "constate un gain de change"}),
    "release": Text({"en": "frees money", "fr": "libère les fonds"}),
    "close": Text({"en": "settles money", "fr": "solde les fonds"}),
}
"""What an effect on the ledger is called on its mark."""
BEGINS = Text({"en": "begins: {what}", "fr": "ouvre : {what}"})
MOVES = Text({"en": "moves: {what}", "fr": "fait avancer : {what}"})
AT_MOST = Text({"en": "{what}: at most {n} for each application", "fr": "{what} : {n} au plus par candidature"})
WITHIN = Text({"en": "{what}: {length}", "fr": "{what} : {length}"})
SCORES = Text({"en": "{who}: {count} asked, {quorum} needed", "fr": "{who} : {count} demandés, {quorum} requis"})
SIGNS = Text({"en": "signed by {who}", "fr": "signature : {who}"})
CHECKS = Text({"en": "to check: {what}", "fr": "à vérifier : {what}"})
HIDDEN = Text({"en": "also stands for: {what}", "fr": "tient aussi lieu de : {what}"})
STARTS = Text({"en": "begins here", "fr": "point de départ"})
ENDS = Text({"en": "Other ends", "fr": "Autres fins"})
FLAT = "flat"
"""The group of a workflow without phases."""

MarkKind = Literal["start", "auto", "clock", "money", "children", "check", "sign", "score", "mask", "end"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign with a word or two: money that moves, a clock, what happens by itself."""

    kind: MarkKind
    text: str
    is_whole: bool = True
    """It is short, and not broken over lines."""


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of a state: one transition from it, to another card or to an outcome."""

    id: str
    source: str
    label: str
    who: str
    target: str | None
    outcome: str | None
    outcome_label: str
    by: Literal["people", "auto", "clock"]
    marks: tuple[Mark, ...]
    is_own: bool
    """The role that the drawing is for may do it; without a role everything is."""


@dataclass(slots=True)
class Card:
    """A state as it is drawn."""

    id: str
    label: str
    final: Literal["success", "failure"] | None
    notes: list[Mark]
    exits: list[Exit]
    is_seen: bool = True
    """The role that the drawing is for reads something in it."""


@dataclass(slots=True)
class Machine:
    """States that belong together in columns: the application's, or one kind of child's."""

    id: str
    label: str
    heading: str
    initial: str
    columns: list[Column]

    @property
    def cards(self) -> dict[str, Card]:
        return {card.id: card for column in self.columns for card in column.cards}


@dataclass(slots=True)
class Column:
    """Cards that stand below each other: a phase, or what is equally far from the beginning."""

    id: str
    label: str
    cards: list[Card]


@dataclass(slots=True)
class Picture:
    """Everything that a drawing says."""

    title: str
    language: str
    machines: list[Machine] = field(default_factory=list)
    """The application first, then its children."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """Labels of the ends that are no states, by id."""


def picture(workflow: Workflow, language: str, role: str | None = None) -> Picture:
    """What there is to draw, for everybody or for one role. KeyError for a role that the workflow does not have."""
    chosen = None if role is None else workflow.roles[role]
    title = workflow.title.in_(language)
    found = Picture(title if chosen is None else f"{title} ({chosen.label.in_(language)})", language)
    cards = _cards(_Teller(workflow, language, chosen))
    found.machines.append(Machine(workflow.id, title, "", _shown(workflow, workflow.initial, chosen), []))
    found.machines[0].columns = _columns(workflow, language, cards, found.machines[0].initial)
    for child in workflow.children.values():
        found.machines.append(_child(_Teller(workflow, language, chosen), child))
    used = {each.outcome for card in cards.values() for each in card.exits}
    found.outcomes = {name: label.in_(language) for name, label in workflow.outcomes.items() if name in used}
    return found


def people(workflow: Workflow, transition: Transition, state: str, language: str) -> str:
    """Who may do this from the state, by the labels of their roles; the calendar for what only time does."""
    if transition.is_auto:
        return ITSELF.in_(language)
    by = transition.by_from(state)
    names = [role.label.in_(language) for role in workflow.roles.values() if role.id in by]
    return ", ".join(names) if names else CALENDAR.in_(language) if SYSTEM in by else ""


@dataclass(frozen=True, slots=True)
class _Teller:
    """Who is told of which workflow in which language."""

    workflow: Workflow
    language: str
    role: Role | None

    def exit(self, transition: Transition, state: str, target: str | None, source: str) -> Exit:
        workflow, language = self.workflow, self.language
        end = transition.end if transition.destination(state) is None else None
        by = transition.by_from(state)
        return Exit(
            id=transition.id,
            source=source,
            label=transition.label.in_(language),
            who=people(workflow, transition, state, language),
            target=target,
            outcome=end,
            outcome_label=workflow.outcomes[end].in_(language) if end is not None else "",
            by="auto" if transition.is_auto else "people" if by - {SYSTEM} else "clock",
            marks=tuple(self.marks(transition)),
            is_own=self.role is None or self.role.id in by,
        )

    def marks(self, transition: Transition) -> Iterable[Mark]:
        """Money and children, each said once, in the order of the file."""
        return dict.fromkeys(mark for effect in transition.do if (mark := self.mark(effect)) is not None)

    def mark(self, effect: Effect) -> Mark | None:
        if effect.kind == "ledger" and effect.ledger is not None:
            return Mark("money", MONEY[effect.ledger].in_(self.language))
        if effect.kind == "child" and effect.child is not None:
            what = self.workflow.children[effect.child].label.in_(self.language)
            return Mark("children", BEGINS.in_(self.language).format(what=what))
        if effect.kind == "children" and effect.children is not None:
            words = MOVES if effect.each or effect.renew else BEGINS
            what = self.workflow.children[effect.children].label.in_(self.language)
            return Mark("children", words.in_(self.language).format(what=what))
        return None

    def notes(self, state: State) -> Iterable[Mark]:
        """What is collected in a state, and its clocks."""
        language, workflow = self.language, self.workflow
        for review in workflow.reviews.values():
            if review.state == state.id:
                who = workflow.roles[review.by].label.in_(language)
                words = SCORES.in_(language).format(who=who, count=review.count, quorum=review.quorum)
                yield Mark("score", words, is_whole=False)
        if state.tasks:
            what = ", ".join(task.label.in_(language) for task in state.tasks.values())
            yield Mark("check", CHECKS.in_(language).format(what=what), is_whole=False)
        if state.signatures is not None:
            parties = dict.fromkeys(state.signatures.parties.values())
            who = ", ".join(workflow.roles[role].label.in_(language) for role in parties)
            yield Mark("sign", SIGNS.in_(language).format(who=who), is_whole=False)

    def clock(self, timer: Timer) -> Mark:
        words = timer.label.in_(self.language)
        if timer.after is not None:
            words = WITHIN.in_(self.language).format(what=words, length=length(timer.after).in_(self.language))
        return Mark("clock", words, is_whole=False)


def _shown(workflow: Workflow, state: str, role: Role | None) -> str:
    return state if role is None else access.shown_state(workflow, state, (role.id,))


def _cards(tell: _Teller) -> dict[str, Card]:
    """A card for each state that the role is shown, with what leads out of any state that looks like it."""
    workflow, role = tell.workflow, tell.role
    alike: dict[str, list[str]] = {}
    for name in workflow.states:
        alike.setdefault(_shown(workflow, name, role), []).append(name)
    cards = {}
    for shown, states in alike.items():
        state = workflow.states[shown]
        card = Card(shown, state.label.in_(tell.language), state.final, [*tell.notes(state)], [])
        if workflow.initial in states:
            card.notes.insert(0, Mark("start", STARTS.in_(tell.language), is_whole=False))
        card.is_seen = role is None or bool(access.cell(workflow, shown, (role.id,)).view)
        others = [workflow.states[name].label.in_(tell.language) for name in states if name != shown]
        if others:
            words = HIDDEN.in_(tell.language).format(what=", ".join(others))
            card.notes.insert(0, Mark("mask", words, is_whole=False))
        card.notes += [tell.clock(t) for t in workflow.timers.values() if set(states) <= set(t.states)]
        for each in workflow.transitions.values():
            for source in states:
                if source in each.sources:
                    _add(card, tell, each, source, alike)
        cards[shown] = card
    return cards


def _add(card: Card, tell: _Teller, each: Transition, source: str, alike: Mapping[str, Sequence[str]]) -> None:
    """A way out, unless it cannot be told from staying, or is there already from a state that looks the same."""
    true = each.destination(source)
    target = None if true is None else _shown(tell.workflow, true, tell.role)
    if target == card.id and len(alike[card.id]) > 1 and true != source:
        return
    known = next((e for e in card.exits if e.id == each.id and e.target == target), None)
    new = tell.exit(each, source, target, card.id)
    if known is None:
        card.exits.append(new)
    elif new.is_own and not known.is_own:
        card.exits[card.exits.index(known)] = new


def _columns(workflow: Workflow, language: str, cards: Mapping[str, Card], initial: str) -> list[Column]:
    if not workflow.phases:
        return by_distance(cards, initial)
    held = [(phase, [cards[name] for name in phase.states if name in cards]) for phase in workflow.phases.values()]
    columns = [Column(phase.id, phase.label.in_(language), own) for phase, own in held if own]
    placed = {card.id for column in columns for card in column.cards}
    left = [card for card in cards.values() if card.id not in placed]
    return [*columns, Column(FLAT, "", left)] if left else columns


def by_distance(cards: Mapping[str, Card], initial: str) -> list[Column]:
    """Columns by the longest way from the initial state, not counting what leads back."""
    leads = {name: [e.target for e in card.exits if e.target is not None] for name, card in cards.items()}
    forward: dict[str, list[str]] = {name: [] for name in cards}
    order: list[str] = []
    open_, done = set[str](), set[str]()
    for root in (initial, *cards):
        # Depth first without recursion: a file may have thousands of states in a row.
        stack = [(root, iter(leads.get(root, ())))] if root in cards and root not in done else []
        open_.update(name for name, _ in stack)
        while stack:
            name, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                open_.discard(name)
                done.add(name)
                order.append(name)
            elif target not in open_:
                forward[name].append(target)
                if target not in done:
                    open_.add(target)
                    stack.append((target, iter(leads[target])))
    column = dict.fromkeys(cards, 0)
    for name in reversed(order):
        for target in forward[name]:
            column[target] = max(column[target], column[name] + 1)
    found = [Column(f"{FLAT}{number}", "", []) for number in range(max(column.values(), default=0) + 1)]
    for name, card in cards.items():
        found[column[name]].cards.append(card)
    return found


def _child(tell: _Teller, child: Child) -> Machine:
    language = tell.language
    cards = {name: Card(name, state.label.in_(language), state.final, [], []) for name, state in child.states.items()}
    for each in child.transitions.values():
        for source in each.sources:
            cards[source].exits.append(tell.exit(each, source, each.destination(source), source))
    for timer in tell.workflow.timers_of(child.id).values():
        for state in timer.states:
            cards[state.rpartition(".")[2]].notes.append(tell.clock(timer))
    cards[child.initial].notes.append(Mark("start", STARTS.in_(language), is_whole=False))
    label = child.label.in_(language)
    heading = AT_MOST.in_(language).format(what=label, n=child.max)
    return Machine(child.id, label, heading, child.initial, by_distance(cards, child.initial))
