"""What differs in the transitions of two versions: who may do what from where, on which conditions, to what effect."""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.definition import Effect, Input, Transition, When
from fundflow.workflow.differences import REORDERED, Differences, both, listed, moved, only, quoted, setting, written
from fundflow.workflow.sentences import fill
from fundflow.workflow.text import Text

TRANSITION = {
    "label": setting("text", "The name of “{name}”", "Le nom de « {name} »"),
    "help": setting("text", "The explanation of “{name}”", "L’explication de « {name} »"),
    "reason": setting("policy", "Whether “{name}” asks for a reason", "« {name} » demande-t-il un motif"),
    "confirm": setting("policy", "Whether “{name}” asks once more", "« {name} » demande-t-il confirmation"),
    "is_auto": setting("policy", "Whether “{name}” happens by itself", "« {name} » se fait-il tout seul"),
    "meeting": setting("policy", "As what a meeting prepares “{name}”", "Ce que « {name} » est pour une réunion"),
    "max": setting("policy", "How often “{name}” may be done", "Combien de fois « {name} » est possible"),
    "deadline": setting("policy", "The deadline of “{name}”", "L’échéance de « {name} »", "timers"),
    "not_same_actor_as": setting(
        "policy", "Whoever did which may not do “{name}”", "Qui a fait quoi ne peut faire « {name} »", "transition"
    ),
}
INPUT = {
    "type": setting("policy", "What “{name}” must be", "Ce que « {name} » doit être"),
    "label": setting("text", "The question “{name}”", "La question « {name} »"),
    "help": setting("text", "The explanation of “{name}”", "L’explication de « {name} »"),
}
COMPARED = {
    Transition: {*TRANSITION, "sources", "to", "end", "back_to", "by", "by_state", "when", "do", "input"},
    Input: {*INPUT},
    When: {"kind", "name", "names", "expression", "says"},
    Effect: {
        *("kind", "notify", "to", "document", "ledger", "amount", "set", "value", "children", "each", "renew"),
        *("cancel", "rearm", "child", "values", "when"),
    },
}
CONDITIONS = {
    "if": both("{what}", "{what}"),
    "complete": both("{what} is complete", "{what} est complet"),
    "quorum": both("the quorum of {what} is met", "le quorum de {what} est atteint"),
    "assigned": both("enough reviewers of {what} are assigned", "assez d’évaluateurs sont désignés pour {what}"),
    "overdue": both("{what} is overdue", "{what} est en retard"),
    "tasks": both("the tasks {what} are done", "les tâches {what} sont faites"),
    "signed": both("{what} signed", "{what} : signé"),
}
NAMES = {"complete": "forms", "quorum": "reviews", "assigned": "reviews", "overdue": "timers", "tasks": "tasks"}
EVERYONE = both("everyone", "tous")


def transitions(
    found: Differences, place: str, old: Mapping[str, Transition], new: Mapping[str, Transition], states: str
) -> None:
    """Every difference of these transitions; `states` says whose states they lead between."""
    for name, step in new.items():
        if name not in old:
            says = both(
                "There is a new step: {who} may do {name} from {where}.",
                "Une nouvelle action : {who} peut faire {name} à {where}.",
            )
            _told(found, f"{place}.{_own(name)}", says, step, states)
    for name, step in old.items():
        if name not in new:
            says = both(
                "The step {name} is gone: {who} may no longer do it from {where}.",
                "L’action {name} disparaît : {who} ne peut plus la faire à {where}.",
            )
            _told(found, f"{place}.{_own(name)}", says, step, states)
    common = [name for name in new if name in old]
    if common != [name for name in old if name in new]:
        found.add("text", place, REORDERED, what=both("The steps", "Les actions"))
    for name in common:
        _transition(found, f"{place}.{_own(name)}", old[name], new[name], states)


def _own(name: str) -> str:
    return name.rpartition(".")[2]


def _told(found: Differences, place: str, says: Text, step: Transition, states: str) -> None:
    who, where = found.labels("roles", sorted(step.by)), found.labels(states, step.sources)
    found.add("policy", place, says, name=quoted(step.label), who=who, where=where)


def _transition(found: Differences, place: str, old: Transition, new: Transition, states: str) -> None:
    found.settings(TRANSITION, place, old, new, name=old.label)
    _sources(found, place, old, new, states)
    _conditions(found, place, old, new)
    _effects(found, place, old, new)
    for name in found.parts(
        "policy",
        f"{place}.input",
        old.input,
        new.input,
        added=both("{step} now asks for {name}.", "{step} demande désormais {name}."),
        removed=both("{step} no longer asks for {name}.", "{step} ne demande plus {name}."),
        order=both("The questions of {step}", "Les questions de {step}"),
        step=quoted(new.label),
    ):
        found.settings(INPUT, f"{place}.input.{name}", old.input[name], new.input[name], name=old.input[name].label)


def _sources(found: Differences, place: str, old: Transition, new: Transition, states: str) -> None:
    what = quoted(new.label)
    for state in dict.fromkeys((*old.sources, *new.sources)):
        gone, come = only(_by(old, state), _by(new, state))
        where = quoted(found.label(states, state))
        if come:
            found.add(
                "policy",
                f"{place}.by",
                both(
                    "{who} may now also do {what} from {where}.", "{who} peut désormais aussi faire {what} à {where}."
                ),
                who=found.labels("roles", come),
                what=what,
                where=where,
            )
        if gone:
            found.add(
                "policy",
                f"{place}.by",
                both("{who} may no longer do {what} from {where}.", "{who} ne peut plus faire {what} à {where}."),
                who=found.labels("roles", gone),
                what=what,
                where=where,
            )
        if (state in old.sources) != (state in new.sources) and not gone and not come:
            # A step that happens by itself is nobody's, but it still leaves some states and not others.
            is_new = state in new.sources
            says = (
                both("{what} now also leads out of {where}.", "{what} part désormais aussi de {where}.")
                if is_new
                else both("{what} no longer leads out of {where}.", "{what} ne part plus de {where}.")
            )
            found.add("policy", f"{place}.from", says, what=what, where=where)
        if state in old.sources and state in new.sources:
            was, now = old.destination(state), new.destination(state)
            if (was, was or old.end) != (now, now or new.end):
                at = f"{place}.{'end' if now is None else 'back_to' if new.back_to else 'to'}"
                says = both(
                    "{what} from {where} now leads to {now}; it led to {was}.",
                    "{what} à {where} mène désormais à {now} ; auparavant à {was}.",
                )
                found.add(
                    "policy",
                    at,
                    says,
                    what=what,
                    where=where,
                    was=_place(found, was, old, states),
                    now=_place(found, now, new, states),
                )


def _by(step: Transition, state: str) -> frozenset[str]:
    """Who may do it from there; nobody where that is not said."""
    return frozenset() if step.by_state and state not in step.by_state else step.by_from(state)


def _place(found: Differences, state: str | None, step: Transition, states: str) -> Text:
    return quoted(found.label("outcomes", step.end or "") if state is None else found.label(states, state))


def _key(when: When) -> tuple[str, str, tuple[str, ...], str]:
    return when.kind, when.name, tuple(sorted(when.names)), when.expression.source if when.expression else ""


def _conditions(found: Differences, place: str, old: Transition, new: Transition) -> None:
    """Conditions that came, went or changed; one that went and one of its kind that came are told together."""
    at, what = f"{place}.when", quoted(new.label)
    gone, come = moved(map(_key, old.when), map(_key, new.when))
    before, after = {_key(when): when for when in old.when}, {_key(when): when for when in new.when}
    for key in come:
        now = condition(found, after[key])
        paired = next((other for other in gone if other[0] == key[0]), None)
        if paired is None:
            found.add(
                "policy",
                at,
                both("{what} now also asks that {now}.", "{what} exige désormais aussi : {now}."),
                what=what,
                now=now,
            )
            continue
        gone.remove(paired)
        was = condition(found, before[paired])
        if was == now and key[3] != paired[3]:
            was, now = (written(each.expression) for each in (before[paired], after[key]) if each.expression)
        says = both(
            "{what} now asks that {now}; it asked that {was}.", "{what} exige désormais : {now} ; auparavant : {was}."
        )
        found.add("policy", at, says, what=what, now=now, was=was)
    for key in gone:
        found.add(
            "policy",
            at,
            both("{what} no longer asks that {was}.", "{what} n’exige plus : {was}."),
            what=what,
            was=condition(found, before[key]),
        )
    for key, when in after.items():
        if key in before and dict(before[key].says or {}) != dict(when.says or {}):
            found.add(
                "text",
                at,
                both(
                    "What {what} says when this is not met is worded differently: {now}.",
                    "Le message de {what} quand ceci manque a changé : {now}.",
                ),
                what=what,
                now=condition(found, when),
            )
    if list(map(_key, old.when)) != list(map(_key, new.when)) and sorted(before) == sorted(after) and not come:
        found.add("text", at, REORDERED, what=both("The conditions", "Les conditions"))


def condition(found: Differences, when: When) -> Text:
    """A condition as a phrase."""
    if when.expression is not None:
        said = found.said(when.expression)
    elif when.kind == "signed":
        said = listed([quoted(Text.same(party)) for party in when.names]) if when.names else EVERYONE
    elif when.kind == "tasks":
        said = found.labels("tasks", when.names)
    else:
        said = quoted(found.label(NAMES[when.kind], when.name))
    return fill(CONDITIONS[when.kind], what=said)


def _effect_key(effect: Effect) -> tuple[object, ...]:
    return (
        *(effect.kind, effect.notify, tuple(sorted(effect.to)), effect.document, effect.ledger, effect.set),
        *(effect.children, effect.each, effect.renew, effect.child, effect.cancel, effect.rearm),
        *(each.source if each is not None else None for each in (effect.amount, effect.value, effect.when)),
        tuple((name, each.source) for name, each in effect.values.items()),
    )


def _effects(found: Differences, place: str, old: Transition, new: Transition) -> None:
    at, what = f"{place}.do", quoted(new.label)
    before, after = [_effect_key(each) for each in old.do], [_effect_key(each) for each in new.do]
    gone, come = moved(before, after)
    for key in come:
        found.add(
            "policy",
            at,
            both("{what} now causes this: {now}.", "{what} a désormais cet effet : {now}."),
            what=what,
            now=effect_in_words(found, new.do[after.index(key)]),
        )
    for key in gone:
        found.add(
            "policy",
            at,
            both("{what} no longer causes this: {was}.", "{what} n’a plus cet effet : {was}."),
            what=what,
            was=effect_in_words(found, old.do[before.index(key)]),
        )
    if not come and not gone and before != after:
        found.add(
            "policy",
            at,
            both("{what} causes the same in another order.", "{what} a les mêmes effets dans un autre ordre."),
            what=what,
        )


def effect_in_words(found: Differences, effect: Effect) -> Text:
    """An effect as a phrase."""
    amount = found.said(effect.amount) or both("all of it", "la totalité")
    match effect.kind:
        case "notify":
            return fill(
                both("the message {name} goes to {who}", "le message {name} part à {who}"),
                name=found.said(effect.notify),
                who=found.labels("roles", effect.to),
            )
        case "document":
            return fill(
                both("the document {name} is made", "le document {name} est établi"), name=found.said(effect.document)
            )
        case "ledger":
            return fill(LEDGER[effect.ledger or "commit"], amount=amount)
        case "set":
            says = both("{name} becomes {value}", "{name} devient {value}")
            if effect.when is not None:
                says = both("{name} becomes {value}, where {when}", "{name} devient {value}, si {when}")
            name, value = found.said(effect.set), found.said(effect.value)
            return fill(says, name=name, value=value, when=found.said(effect.when))
        case "child":
            given = [
                fill(both("{name}: {value}", "{name} : {value}"), name=Text.same(name), value=found.said(each))
                for name, each in effect.values.items()
            ]
            return fill(
                both("one more {name} begins ({given})", "un nouvel élément commence : {name} ({given})"),
                name=found.labels("children", [effect.child or ""]),
                given=listed(given) if given else NOTHING,
            )
        case "children" if effect.each:
            return fill(
                both("{name} is done with each {kind}", "{name} est fait pour chaque {kind}"),
                name=quoted(found.label("transition", effect.each)),
                kind=found.labels("children", [effect.children or ""]),
            )
        case "children" if effect.renew:
            return fill(
                both("each {kind} follows the changed plan", "chaque {kind} suit le plan modifié"),
                kind=found.labels("children", [effect.children or ""]),
            )
        case "children":
            return fill(
                both("each {name} of the plan is created", "chaque {name} du plan est créé"),
                name=found.labels("children", [effect.children or ""]),
            )
        case "cancel":
            return both("open reviews are closed", "les évaluations en cours sont closes")
    return fill(
        both("the deadline {name} starts anew", "l’échéance {name} repart"),
        name=found.labels("timers", [effect.rearm or ""]),
    )


NOTHING = both("with nothing in it", "vide")
LEDGER = {
    "reserve": both("{amount} is reserved", "réservation de {amount}"),
    "commit": both("{amount} is committed", "engagement de {amount}"),
    "order": both("{amount} is ordered at the bank", "ordre de paiement de {amount}"),
    "pay": both("{amount} is paid", "paiement de {amount}"),
    "fail": both("the order of {amount} is taken back", "annulation de l’ordre de {amount}"),
    "return": both("{amount} comes back from the bank", "retour de {amount} par la banque"),
    "refund": both("{amount} is recovered from the city", "remboursement de {amount} par la ville"),
    "exchange_loss": both("{amount} is lost in exchange", "perte de change de {amount}"),
    "exchange_gain": both("{amount} is gained in exchange", "gain de change de {amount}"),
    "release": both("{amount} is released", "libération de {amount}"),
    "close": both("the account is closed", "le compte est clos"),
}
