"""How an application comes from one version of a workflow to another: whether it moves, is held or blocked, and why.

Pure: it is told what is known of the application and changes nothing. States of the same name map by themselves;
nothing else is guessed. The states of a child are written with its kind before them: ``tranche.requested``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fundflow.workflow.definition import Child, Migration, Review, Workflow
from fundflow.workflow.differences import both, quoted
from fundflow.workflow.forms import Field
from fundflow.workflow.sentences import fill
from fundflow.workflow.text import Text, from_id

Way = Literal["keep", "rearm", "cancel"]

REVERSE_FIELDS = both(
    "irreversible: the answers to {names} are written anew, and what they were is not kept",
    "irréversible : les réponses à {names} sont réécrites et leur ancienne valeur n’est pas gardée",
)
REVERSE_MERGED = both(
    "irreversible: {names} both become {state}, and nothing says afterwards which it was",
    "irréversible : {names} deviennent {state}, et rien ne dit ensuite laquelle c’était",
)
STATE = both(
    "{state} has no counterpart in version {version}: say in the migration where it leads, or hold it.",
    "{state} n’a pas d’équivalent dans la version {version} : indiquez dans la migration où elle mène, ou retenez-la.",
)
CHILD = both(
    "{kind} {key} stands in {state}, which has no counterpart in version {version}.",
    "{kind} {key} est à {state}, qui n’a pas d’équivalent dans la version {version}.",
)
COLUMNS = both(
    "The columns of {kind} are of other types in version {version}, and {count} exist already.",
    "Les colonnes de {kind} ont d’autres types dans la version {version}, et il en existe déjà {count}.",
)
TIMER = both(
    "The deadline {timer} is running and has no counterpart in {state}: keep it there, or say that it is cancelled.",
    "L’échéance {timer} court et n’a pas d’équivalent à {state} : gardez-la, ou indiquez qu’elle est annulée.",
)
FORM = both(
    "{step} needs {form}, which can no longer be filled in from {state}; not answered: {missing}.",
    "{step} exige {form}, qu’on ne peut plus remplir depuis {state} ; sans réponse : {missing}.",
)
SHEETS = both(
    "{count} sheets of {review} were sent under another score form.",
    "{count} grilles de {review} ont été envoyées avec un autre formulaire de notation.",
)
NO_REVIEW = both(
    "{count} sheets of {review} were sent, and version {version} has no such review.",
    "{count} grilles de {review} ont été envoyées, et la version {version} n’a pas cette évaluation.",
)
TYPE = both(
    "The answer to {field} is kept as {old}, but version {version} reads it as {new}.",
    "La réponse à {field} est gardée comme {old}, mais la version {version} la lit comme {new}.",
)
OPTION = both(
    "{field} was answered with “{answer}”, which version {version} no longer offers.",
    "La réponse à {field} est « {answer} », que la version {version} ne propose plus.",
)
FORGOTTEN = both(
    "The answer to {field} is kept, but version {version} no longer shows it.",
    "La réponse à {field} est gardée, mais la version {version} ne la montre plus.",
)
TRACE = both(
    "Version {version} would not have let {step} lead from {old} to {new}.",
    "La version {version} n’aurait pas laissé {step} mener de {old} à {new}.",
)
HELD = both("{state} is held back on version {version}.", "{state} est retenue à la version {version}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of one application decides how it comes to another version: all of it as the old version reads it."""

    state: str
    currency: str = "EUR"
    timers: frozenset[str] = frozenset()
    """Those that are running."""
    sheets: Mapping[str, int] = field(default_factory=dict)
    """How many are sent, by review."""
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """As they are stored, by form."""
    children: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Their states by kind and key."""
    steps: tuple[tuple[str, str, str], ...] = ()
    """The transitions that happened, each with the states between which it led."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where an application goes: it moves to `state`, is held, or is blocked for `reasons`; `warnings` stop nothing."""

    kind: Literal["moves", "held", "blocked"]
    state: str
    children: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    timers: Mapping[str, Way] = field(default_factory=dict)
    """What happens to each that is running."""
    reasons: tuple[Text, ...] = ()
    warnings: tuple[Text, ...] = ()


def map_for(old: Workflow, new: Workflow) -> Migration:
    """The migration that the new version has for the old one, or one that says nothing: the same names map."""
    return next((each for each in new.migrations if each.source == old.version), Migration(source=old.version))


def judge(old: Workflow, new: Workflow, move: Migration, standing: Standing) -> Verdict:
    """Whether and how this application moves. `move` has no faults, or the answer means nothing."""
    if standing.state in move.hold:
        reason = fill(HELD, state=_state(old, standing.state), version=old.version)
        return Verdict(kind="held", state=standing.state, reasons=(reason,))
    target = move.states.get(standing.state, standing.state)
    if target not in new.states:
        reason = fill(STATE, state=_state(old, standing.state), version=new.version)
        return Verdict(kind="blocked", state=standing.state, reasons=(reason,))
    ways, reasons = _timers(old, new, move, standing, target)
    children, more = _children(old, new, move, standing)
    answers, warnings = _answers(old, new, move, standing)
    reasons += more + answers + list(_sheets(old, new, standing)) + list(_forms(old, new, standing, target))
    warnings += list(dict.fromkeys(_trace(old, new, move, standing)))
    return Verdict(
        kind="blocked" if reasons else "moves",
        state=standing.state if reasons else target,
        children=children,
        timers=ways,
        reasons=tuple(reasons),
        warnings=tuple(warnings),
    )


def reverse(old: Workflow, new: Workflow, move: Migration) -> Migration | Text:
    """The migration that leads back, or why there is none."""
    if move.fields:
        return fill(REVERSE_FIELDS, names=", ".join(sorted(move.fields)))
    back: dict[str, str] = {}
    for place, target in _targets(old, new, move):
        if target in back:
            both_of = " + ".join(sorted((back[target], place)))
            return fill(REVERSE_MERGED, names=both_of, state=target)
        back[target] = place
    return Migration(
        source=new.version,
        states={target: place for target, place in back.items() if target != place},
        timers={name: "cancel" for name in new.timers if name not in old.timers},
    )


def _targets(old: Workflow, new: Workflow, move: Migration) -> Iterator[tuple[str, str]]:
    """Where each state of a live application or child leads, if anywhere."""
    for place in old.states:
        target = move.states.get(place, place)
        if place not in move.hold and target in new.states:
            yield place, target
    for kind, child in old.children.items():
        for place in child.states:
            named = f"{kind}.{place}"
            target = move.states.get(named, named)
            if _child_state(new, target) is not None:
                yield named, target


def _child_state(workflow: Workflow, named: str) -> tuple[Child, str] | None:
    kind, _, state = named.partition(".")
    child = workflow.children.get(kind)
    return (child, state) if child is not None and state in child.states else None


def _state(workflow: Workflow, state: str) -> Text:
    found = workflow.states.get(state)
    return quoted(found.label if found is not None else from_id(state))


def _timers(
    old: Workflow, new: Workflow, move: Migration, standing: Standing, target: str
) -> tuple[dict[str, Way], list[Text]]:
    ways: dict[str, Way] = {}
    reasons = []
    for name in sorted(standing.timers):
        way: Way = move.timers.get(name, "keep")
        there = new.timers.get(name)
        if way != "cancel" and (there is None or target not in there.states):
            label = old.timers[name].label if name in old.timers else from_id(name)
            reasons.append(fill(TIMER, timer=quoted(label), state=_state(new, target)))
        ways[name] = way
    return ways, reasons


def _children(
    old: Workflow, new: Workflow, move: Migration, standing: Standing
) -> tuple[dict[str, dict[str, str]], list[Text]]:
    moved: dict[str, dict[str, str]] = {}
    reasons = []
    for kind, states in standing.children.items():
        child, there = old.children.get(kind), new.children.get(kind)
        label = quoted(child.label if child is not None else from_id(kind))
        if child is not None and there is not None and states:
            shared = child.columns.keys() & there.columns.keys()
            if any(child.columns[column] != there.columns[column] for column in shared):
                reasons.append(fill(COLUMNS, kind=label, version=new.version, count=len(states)))
        for key, state in states.items():
            named = move.states.get(f"{kind}.{state}", f"{kind}.{state}")
            found = _child_state(new, named)
            if found is None or found[0].id != kind:
                known = child.states[state].label if child is not None and state in child.states else from_id(state)
                reasons.append(fill(CHILD, kind=label, key=key, state=quoted(known), version=new.version))
            else:
                moved.setdefault(kind, {})[key] = found[1]
    return moved, reasons


def _sheets(old: Workflow, new: Workflow, standing: Standing) -> Iterator[Text]:
    for name, count in standing.sheets.items():
        review, there = old.reviews.get(name), new.reviews.get(name)
        label = quoted(review.label if review is not None else from_id(name))
        if not count:
            continue
        if there is None:
            yield fill(NO_REVIEW, count=count, review=label, version=new.version)
        elif review is None or sheet_shape(old, review) != sheet_shape(new, there):
            yield fill(SHEETS, count=count, review=label)


def sheet_shape(workflow: Workflow, review: Review) -> tuple[Any, ...]:
    """What a sheet is made of and scored by; words are not."""
    fields = workflow.forms[review.form].fields.values()
    asked = tuple((f.id, f.type, f.required, f.max, f.weight, tuple(o.id for o in f.options)) for f in fields)
    return asked, dict(review.weights), review.scale


def _answers(old: Workflow, new: Workflow, move: Migration, standing: Standing) -> tuple[list[Text], list[Text]]:
    reasons: list[Text] = []
    warnings: list[Text] = []
    for form, data in standing.answers.items():
        if form not in old.answer_forms:
            continue
        there = new.answer_forms.get(form)
        for name, was in old.answer_forms[form].fields.items():
            if data.get(name) in (None, "", [], {}) or name in move.fields:
                continue
            now = there.fields.get(name) if there is not None else None
            if now is None:
                warnings.append(fill(FORGOTTEN, field=quoted(was.label), version=new.version))
            else:
                reasons += _unread(was, now, data[name], new.version)
    return reasons, warnings


def _unread(was: Field, now: Field, value: Any, version: int) -> Iterator[Text]:
    """Why the new version could not read an answer, if it could not."""
    label = quoted(was.label)
    if was.type != now.type:
        yield fill(
            TYPE,
            field=label,
            old=quoted(Text.same(was.type.replace("_", " "))),
            new=quoted(Text.same(now.type.replace("_", " "))),
            version=version,
        )
    elif was.type in ("choice", "choices"):
        for answer in [value] if was.type == "choice" else value:
            if now.option(answer) is None:
                option = was.option(answer)
                yield fill(OPTION, field=label, answer=option.label if option else str(answer), version=version)
    elif was.type == "table":
        for name, column in was.columns.items():
            values = [row[name] for row in value if isinstance(row, Mapping) and row.get(name) not in (None, "")]
            if name in now.columns and values:
                yield from next(
                    (found for each in values if (found := [*_unread(column, now.columns[name], each, version)])), []
                )


def _forms(old: Workflow, new: Workflow, standing: Standing, target: str) -> Iterator[Text]:
    """Forms that a way ahead asks for, that are not complete, and that nobody will be able to fill in any more."""
    ahead = _reach(new, target)
    said = set()
    for step in new.transitions.values():
        for when in step.when:
            if when.kind != "complete" or when.name in said:
                continue
            data = standing.answers.get(when.name, {})
            missing = new.forms[when.name].check(data, standing.currency)
            sources = [source for source in step.sources if source in ahead]
            if not missing or not sources or _was_out_of_reach(old, step.id, when.name, standing):
                continue
            if not any(_fills(new, state, when.name) for state in ahead if _reach(new, state) & set(sources)):
                said.add(when.name)
                asked = dict.fromkeys(each.label for each in missing)
                yield fill(
                    FORM,
                    step=quoted(step.label),
                    form=quoted(new.forms[when.name].title),
                    state=_state(new, target),
                    missing=tuple(asked),
                )


def _was_out_of_reach(old: Workflow, step: str, form: str, standing: Standing) -> bool:
    """The old version asked for it just as vainly, so the migration takes nothing away."""
    before = old.transitions.get(step)
    if before is None or form not in old.forms or not any(w.kind == "complete" and w.name == form for w in before.when):
        return False
    ahead = _reach(old, standing.state)
    is_missing = bool(old.forms[form].check(standing.answers.get(form, {}), standing.currency))
    return is_missing and not any(_fills(old, state, form) for state in ahead)


def _fills(workflow: Workflow, state: str, form: str) -> bool:
    return any(form in forms for forms in workflow.states[state].edit.values())


def _reach(workflow: Workflow, state: str) -> set[str]:
    """The states that can be come to from this one, with itself."""
    found, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        for step in workflow.transitions_from(here):
            to = step.destination(here)
            if to is not None and to not in found:
                found.add(to)
                waiting.append(to)
    return found


def _trace(old: Workflow, new: Workflow, move: Migration, standing: Standing) -> Iterator[Text]:
    """Steps that happened and that the new version would not have taken; each is told once."""
    for name, left, came in standing.steps:
        if name not in old.transitions or left not in old.states or came not in old.states:
            continue
        source, target = (move.states.get(state, state) for state in (left, came))
        step = new.transitions.get(name)
        if step is None or source not in step.sources or (left != came and step.destination(source) != target):
            label = old.transitions[name].label
            yield fill(TRACE, version=new.version, step=quoted(label), old=_state(old, left), new=_state(old, came))
