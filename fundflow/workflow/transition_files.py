"""The transitions of a workflow file: where they lead, who may, on which conditions, and what they cause.

Refuses a condition without a sentence for the person it stops, and an effect that does two things at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fundflow.workflow import environment, format
from fundflow.workflow.definition import MEETING, NEEDS_AMOUNT, OPERATIONS, SYSTEM, Effect, Input, Transition, When
from fundflow.workflow.expressions import BOOL, MONEY, WRONG, Expression, Type, known_paths
from fundflow.workflow.expressions.check import expected
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place
from fundflow.workflow.sentences import placeholders
from fundflow.workflow.text import Text, from_id

_CONDITIONS = tuple(name for name in format.names(format.When) if name != "else")
_EFFECTS = ("notify", "document", "ledger", "set", "children", "child", "cancel", "rearm")
_EXTRAS = {
    "notify": ("to",),
    "document": (),
    "ledger": ("amount", "if"),
    "set": ("to", "if"),
    "children": ("each", "renew"),
    "child": ("fields",),
    "cancel": (),
    "rearm": (),
}
_NOT_ALONE = ("by", "reason", "confirm", "deadline", "input", "not_same_actor_as", "meeting")
_INPUT_TYPES = ("text", "date", "money", "integer", "decimal")


def rules(names: Names, top: dict[str, Place]) -> None:
    """Named conditions, compiled once; they cannot read what only one transition asks."""
    for name, place in (top["rules"].entries("rule") if "rules" in top else {}).items():
        settings = place.settings(format.Rule, what=f"the rule '{name}'")
        # One that cannot be read is there all the same, so that whoever names it is not told that it is missing.
        names.rules[name] = _if(names, settings, names.environment) or When(kind="if")


def transitions(names: Names, top: dict[str, Place]) -> dict[str, Transition]:
    """Every transition of the file by name."""
    entries = top["transitions"].entries("transition") if "transitions" in top else {}
    return {name: transition(names, name, place) for name, place in entries.items()}


def transition(names: Names, name: str, place: Place) -> Transition:
    """One transition of the application, or of the kind of child whose names these are."""
    settings = place.settings(format.Transition, what=f"the transition '{name}'")
    is_auto = settings["auto"].flag() if "auto" in settings else False
    if is_auto:
        _alone(names, name, settings, place)
    elif "by" not in settings:
        place.error("FF011", f"the transition '{name}' needs 'by'", key=True)
    given = [names.state(p) for p in settings["from"].one_or_many()] if "from" in settings else []
    sources = tuple(dict.fromkeys(state for state in given if state))
    asked = _inputs(names, settings)
    types = environment.with_input(names.environment, asked) if asked else names.environment
    by, by_state = (frozenset({SYSTEM}), {}) if is_auto else _by(names, settings, sources)
    deadline = settings["deadline"].named(names.timers, "timer", "FF155") if "deadline" in settings else None
    earlier = settings["not_same_actor_as"].one_or_many() if "not_same_actor_as" in settings else []
    if "reason" in settings:
        settings["reason"].one_of(("required",))
    if names.kind and "end" in settings:
        settings["end"].error("FF102", "a child has no outcomes: lead to a final state with to:", key=True)
    return Transition(
        id=names.whole(name),
        label=from_id(name) if is_auto and "label" not in settings else names.label(settings, name, place),
        help=names.words(settings, "help"),
        sources=sources,
        by=by,
        by_state=by_state,
        when=_conditions(names, settings, types),
        do=_effects(names, settings, types),
        reason="reason" in settings,
        confirm=settings["confirm"].flag() if "confirm" in settings else False,
        is_auto=is_auto,
        meeting=_meeting(names, settings),
        max=settings["max"].integer(1, 1_000) if "max" in settings else None,
        deadline=deadline,
        not_same_actor_as=tuple(names.whole(t) for t in (names.transition(p, "FF132") for p in earlier) if t),
        input=asked,
        **_destination(names, name, settings, place, sources),
    )


def _alone(names: Names, name: str, settings: Mapping[str, Place], place: Place) -> None:
    """What happens by itself asks nobody, and needs a condition, or it would happen at once."""
    for setting in _NOT_ALONE:
        if setting in settings:
            message = f"'{name}' happens by itself (auto), so nobody can be asked: leave {setting} out"
            settings[setting].error("FF118", message, key=True)
    if names.kind:
        settings["auto"].error("FF118", "a child's transition cannot happen by itself", key=True)
    if "when" not in settings:
        place.error("FF118", f"'{name}' happens by itself (auto): say when, or it would happen at once", key=True)


def _meeting(names: Names, settings: Mapping[str, Place]) -> Any:
    """As what a meeting may prepare it. It carries a reason along, and nothing else that would be asked."""
    if "meeting" not in settings:
        return None
    if names.kind:
        settings["meeting"].error("FF119", "a meeting decides on applications, not on a part of one", key=True)
    elif "input" in settings:
        settings["input"].error("FF119", "a meeting cannot answer what this asks: ask it in a form before", key=True)
    return settings["meeting"].one_of(MEETING)


def _destination(
    names: Names, name: str, settings: Mapping[str, Place], place: Place, sources: tuple[str, ...]
) -> dict[str, Any]:
    leads = [key for key in ("to", "end", "back_to") if key in settings]
    if len(leads) != 1:
        place.error("FF102", "say where it leads: exactly one of to, end, back_to", key=True)
    found: dict[str, Any] = {}
    if "to" in settings:
        found["to"] = names.state(settings["to"])
    if "end" in settings:
        outcome = found["end"] = settings["end"].string()
        if outcome is not None and outcome in names.states:
            settings["end"].error("FF102", f"'{outcome}' is a state: write to: {outcome}")
        elif outcome is not None and outcome not in names.outcomes and (names.outcomes or len(names.languages) > 1):
            close = did_you_mean(outcome, names.outcomes)
            settings["end"].error("FF107", f"outcomes has no label for '{outcome}'{close}")
    if "back_to" in settings:
        found["back_to"] = {}
        if not isinstance(settings["back_to"].value, dict):
            settings["back_to"].settings((), what="back_to")
            return found
        for source in settings["back_to"].value:
            inner = settings["back_to"].at(source)
            target = names.state(inner)
            if source not in sources:
                close = did_you_mean(str(source), sources)
                inner.error("FF101", f"'{name}' does not leave '{source}'{close}", key=True)
            elif target:
                found["back_to"][source] = target
        for source in sources:
            if source not in settings["back_to"].value:
                settings["back_to"].error("FF102", f"say where it leads from '{source}'", key=True)
    return found


def _by(
    names: Names, settings: Mapping[str, Place], sources: tuple[str, ...]
) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    if "by" not in settings:
        return frozenset(), {}
    place = settings["by"]
    if not isinstance(place.value, dict):
        roles = [names.role(p, system=True) for p in place.one_or_many()]
        return frozenset(role for role in roles if role), {}
    found: dict[str, frozenset[str]] = {}
    for source in place.value:
        inner = place.at(source)
        if source not in sources:
            inner.error("FF101", f"this does not leave '{source}'{did_you_mean(str(source), sources)}", key=True)
            continue
        roles = [names.role(p, system=True) for p in inner.one_or_many()]
        found[str(source)] = frozenset(role for role in roles if role)
    for source in sources:
        if source not in place.value:
            place.error("FF131", f"nobody may do this from '{source}'", key=True)
            found[source] = frozenset()
    return frozenset().union(*found.values()), found


def _inputs(names: Names, settings: Mapping[str, Place]) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for name, place in (settings["input"].entries("input") if "input" in settings else {}).items():
        label, help_text, kind_place = None, None, place
        if isinstance(place.value, dict):
            parts = place.settings(format.Input, what=f"the input '{name}'")
            label, help_text = names.words(parts, "label"), names.words(parts, "help")
            if "type" not in parts:
                continue
            kind_place = parts["type"]
        kind: Any = kind_place.one_of(_INPUT_TYPES)
        if (
            label is None
            and len(names.languages) > 1
            and "label" not in (place.value if isinstance(place.value, dict) else ())
        ):
            place.error("FF186", f"'{name}' needs a label in {' and '.join(names.languages)}", key=True)
        if kind is not None:
            found[name] = Input(id=name, type=kind, label=label or from_id(name), help=help_text)
    return found


def _conditions(names: Names, settings: Mapping[str, Place], types: Mapping[str, Type]) -> tuple[When, ...]:
    found = []
    for place in settings["when"].items() if "when" in settings else []:
        parts = place.settings(format.When, what="a condition")
        kinds = [kind for kind in _CONDITIONS if kind in parts]
        if len(kinds) != 1:
            if isinstance(place.value, dict):
                place.error("FF117", f"a condition is exactly one of {', '.join(_CONDITIONS)}")
            continue
        kind: Any = kinds[0]
        when = _condition(names, kind, parts, place, types)
        if when is not None:
            found.append(when)
    return tuple(found)


def _condition(
    names: Names, kind: Any, parts: dict[str, Place], place: Place, types: Mapping[str, Type]
) -> When | None:
    if kind == "if":
        if "else" not in parts:
            languages = ", ".join(f"{language}: …" for language in names.languages)
            place.error("FF123", f"say what the person should read when this is not met: add else: {{{languages}}}")
        return _if(names, parts, types)
    if "else" in parts:
        parts["else"].error("FF010", f"'{kind}' has its own sentence; leave else out", key=True)
    if kind == "rule":
        rule = parts["rule"].named(names.rules, "rule", "FF121")
        return names.rules[rule] if rule else None
    if kind == "tasks":
        given = [p.named(names.tasks, "task", "FF126") for p in parts[kind].one_or_many()]
        return When(kind=kind, names=tuple(task for task in given if task))
    if kind == "signed":
        return _signed(names, parts[kind])
    if kind == "complete":
        mine = [form for form in names.forms if names.own_forms.get(form, names.kind) == names.kind]
        name = parts[kind].named(mine, "form", "FF140")
    elif kind == "overdue":
        name = parts[kind].named(names.timers, "timer", "FF155")
    else:
        name = parts[kind].named(names.reviews, "review", "FF165")
    return When(kind=kind, name=name) if name else None


def _signed(names: Names, place: Place) -> When:
    """All parties of the state, or those that are named; whether they exist is said by `names.parties`."""
    if place.value == "all":
        return When(kind="signed")
    given = [p.named(names.parties, "party", "FF127") for p in place.one_or_many()]
    return When(kind="signed", names=tuple(party for party in given if party))


def _if(names: Names, parts: Mapping[str, Place], types: Mapping[str, Type]) -> When | None:
    expression = names.expression(parts["if"], types, BOOL) if "if" in parts else None
    says = parts["else"].words(names.languages) if "else" in parts else None
    mentions = _mentions(parts["else"], types) if says is not None else frozenset()
    if expression is None:
        return None
    return When(kind="if", expression=expression, says=says, mentions=mentions)


def _mentions(place: Place, types: Mapping[str, Type]) -> frozenset[str]:
    """The {placeholders} of a sentence; each must be a fact, and all languages must use the same."""
    known = known_paths(types)
    used: dict[Any, frozenset[str]] = {}
    for language in place.value if isinstance(place.value, dict) else (None,):
        inner = place.at(language) if language is not None else place
        if not isinstance(inner.value, str):
            continue
        found = placeholders(inner.value)
        for path, at in found:
            if path not in known and types.get(path.partition(".")[0]) != WRONG:
                inner.error("FF122", f"in this message, {{{path}}}: {_unknown(path, types)}", offset=at)
        used[language] = frozenset(path for path, _ in found)
    if len(set(used.values())) > 1:
        place.error("FF188", "the languages do not use the same {placeholders}", key=True)
    return frozenset(path for paths in used.values() for path in paths if path in known)


def _unknown(path: str, types: Mapping[str, Type]) -> str:
    fields, so_far = types, "nothing here is called"
    for name in path.split("."):
        if name not in fields:
            return f"{so_far} '{name}'{did_you_mean(name, fields)}"
        fields, so_far = fields[name].fields, f"{name} has no field"
    return "this is a group of facts; name one of them"


def _effects(names: Names, settings: Mapping[str, Place], types: Mapping[str, Type]) -> tuple[Effect, ...]:
    found = []
    for place in settings["do"].items() if "do" in settings else []:
        parts = place.settings(format.Effect, what="an effect")
        kinds = [kind for kind in _EFFECTS if kind in parts]
        if len(kinds) > 1:
            place.error("FF170", f"an effect does one thing; this has {', '.join(kinds)}")
        elif not kinds:
            if isinstance(place.value, dict):
                place.error("FF170", f"an effect is one of {', '.join(_EFFECTS)}")
        else:
            found.append(_effect(names, kinds[0], parts, place, types))
    return tuple(effect for effect in found if effect is not None)


def _effect(names: Names, kind: str, parts: dict[str, Place], place: Place, types: Mapping[str, Type]) -> Effect | None:
    for extra in ("to", "amount", "each", "renew", "fields", "if"):
        if extra in parts and extra not in _EXTRAS[kind]:
            parts[extra].error("FF010", f"'{kind}' has no '{extra}'", key=True)
        elif extra not in parts and extra in _EXTRAS[kind] and extra == "to":
            place.error("FF011", f"'{kind}' needs 'to'")
            return None
    match kind:
        case "notify":
            roles = [names.role(p) for p in parts["to"].one_or_many()]
            return Effect(kind="notify", notify=names.template(parts["notify"]), to=tuple(r for r in roles if r))
        case "document":
            return Effect(kind="document", document=names.template(parts["document"]))
        case "ledger":
            return _ledger(names, parts, place, types)
        case "children":
            return _children(names, parts)
        case "child":
            return _child(names, parts, place, types)
        case "cancel":
            what: Any = parts["cancel"].one_of(("reviews",))
            return Effect(kind="cancel", cancel=what) if what else None
        case "rearm":
            timer = parts["rearm"].named(names.timers, "timer", "FF150")
            return Effect(kind="rearm", rearm=timer) if timer else None
        case _:
            return _set(names, parts, types)


def _ledger(names: Names, parts: dict[str, Place], place: Place, types: Mapping[str, Type]) -> Effect | None:
    operation: Any = parts["ledger"].one_of(OPERATIONS)
    if operation and operation not in names.moves:
        known = f"it declares {listed(names.moves)}" if names.moves else "it declares none"
        parts["ledger"].error("FF179", f"'{names.kind}' does not say that it may {operation} money; {known}")
    amount = names.expression(parts["amount"], types, MONEY) if "amount" in parts else None
    if "amount" not in parts and operation in NEEDS_AMOUNT:
        place.error("FF011", f"ledger: {operation} needs 'amount'")
    when = names.expression(parts["if"], types, BOOL) if "if" in parts else None
    return Effect(kind="ledger", ledger=operation, amount=amount, when=when) if operation else None


def _children(names: Names, parts: dict[str, Place]) -> Effect | None:
    kind = parts["children"].named(names.children, "kind of child", "FF192")
    if kind is None:
        return None
    if names.kind:
        parts["children"].error("FF192", "a child has no children of its own")
        return None
    given = [name for name in ("each", "renew") if name in parts]
    if not given:
        return Effect(kind="children", children=kind)
    if len(given) > 1:
        parts["renew"].error("FF170", "an effect on children has 'each' or 'renew', not both")
        return None
    step = parts[given[0]].named(names.child_steps.get(kind, ()), "transition of that child", "FF132")
    if step is None:
        return None
    told = f"{kind}.{step}"
    if "each" in parts:
        return Effect(kind="children", children=kind, each=told)
    return Effect(kind="children", children=kind, renew=told)


def _child(names: Names, parts: dict[str, Place], place: Place, types: Mapping[str, Type]) -> Effect | None:
    kind = parts["child"].named(names.children, "kind of child", "FF192")
    if kind is None:
        return None
    values = child_values(names, kind, parts["fields"], types) if "fields" in parts else {}
    return Effect(kind="child", child=kind, values=values)


def child_values(names: Names, kind: str, place: Place, types: Mapping[str, Type], *but: str) -> dict[str, Expression]:
    """What a new child has in its fields, each of the type that its kind declares; what is missing there is null."""
    listed = types["children"].fields.get(kind)
    columns = names.columns.get(kind, {})
    found = {}
    for name in place.value if isinstance(place.value, dict) else place.settings((), what="fields"):
        if name in but:
            continue
        inner = place.at(name)
        if name not in columns:
            inner.error("FF122", f"'{kind}' has no field '{name}'{did_you_mean(str(name), columns)}", key=True)
        elif listed is not None and (expression := _fitting(names, inner, types, columns[name])) is not None:
            found[str(name)] = expression
    return found


def _fitting(names: Names, place: Place, types: Mapping[str, Type], wanted: Type) -> Expression | None:
    """An expression of this type, which may be null only where the type says so."""
    if not wanted.nullable:
        return names.expression(place, types, wanted)
    found = names.expression(place, types, None)
    if found is not None and found.type.kind != "null" and (message := expected(wanted.solid(), found.type.solid())):
        place.error("FF110", message)
        return None
    return found


def _set(names: Names, parts: dict[str, Place], types: Mapping[str, Type]) -> Effect | None:
    path = parts["set"].string() or ""
    when = names.expression(parts["if"], types, BOOL) if "if" in parts else None
    root, _, name = path.partition(".")
    if types["application"] == WRONG:
        return None
    if root == "self" and names.kind and name in names.columns[names.kind]:
        value = _fitting(names, parts["to"], types, names.columns[names.kind][name])
        return Effect(kind="set", set=path, value=value, when=when) if value is not None else None
    fields = {k: v for k, v in types["application"].fields.items() if k not in environment.APPLICATION}
    if root != "application" or name not in fields:
        own = [f"self.{f}" for f in names.columns.get(names.kind, ())]
        close = did_you_mean(path, [*(f"application.{f}" for f in fields), *own])
        message = "only a field of the application"
        message += f" (or of the {names.kind} itself, as self.…)" if names.kind else ""
        parts["set"].error("FF122", f"{message} can be set, not '{path}'{close}")
        return None
    value = names.expression(parts["to"], types, fields[name].solid())
    if value is not None and (why := environment.misfit(fields[name].solid(), value.type)):
        parts["to"].error("FF110", why)
    return Effect(kind="set", set=name, value=value, when=when)


def outcomes(names: Names, top: dict[str, Place]) -> dict[str, Text]:
    """The labels of the outcomes that `end:` may name."""
    found = {}
    for name, place in (top["outcomes"].entries("outcome") if "outcomes" in top else {}).items():
        found[name] = place.words(names.languages) or from_id(name)
        if name in names.states:
            place.error("FF107", f"'{name}' is a state, and cannot be an outcome as well", key=True)
    return found
