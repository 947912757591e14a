"""What is wrong with a migration map between two versions, a sentence for each mistake; with any, nothing is moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fundflow.workflow.definition import Migration, State, Workflow
from fundflow.workflow.differences import both
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.sentences import fill
from fundflow.workflow.text import Text

OTHER = both(
    "‘{new}’ is another workflow than ‘{old}’; applications move only between versions of one.",
    "« {new} » est un autre processus que « {old} » ; les candidatures ne changent que de version.",
)
SAME = both("Both are the same version, so there is nothing to move.", "C’est la même version ; rien à déplacer.")
FROM = both(
    "This migration comes from version {source}, but the applications have version {version}.",
    "Cette migration part de la version {source}, mais les candidatures ont la version {version}.",
)
NO_STATE = both("Version {version} has no state ‘{name}’{close}", "La version {version} n’a pas d’étape « {name} ».")
NO_CHILD = both(
    "Version {version} has no kind of part ‘{name}’{close}", "La version {version} n’a pas d’élément « {name} »."
)
NO_TIMER = both(
    "Version {version} has no deadline ‘{name}’{close}", "La version {version} n’a pas d’échéance « {name} »."
)
NO_FIELD = both(
    "Version {version} has no question ‘{name}’{close}", "La version {version} n’a pas de question « {name} »."
)
KIND = both(
    "‘{old}’ cannot become ‘{new}’: a part stays of its kind, and an application is none.",
    "« {old} » ne peut devenir « {new} » : un élément garde son type, et une candidature n’en est pas un.",
)
REOPENS = both(
    "The migration would re-open what has ended: ‘{old}’ is an end and ‘{new}’ is none.",
    "La migration rouvrirait ce qui est terminé : « {old} » est une fin, « {new} » n’en est pas une.",
)
ENDS = both(
    "The migration would end applications that nobody decided on: ‘{new}’ is an end and ‘{old}’ is none.",
    "La migration terminerait des candidatures sans décision : « {new} » est une fin, « {old} » n’en est pas une.",
)
HELD_TOO = both("‘{name}’ is both held and moved; it can only be one.", "« {name} » est à la fois retenue et déplacée.")
ANSWERED_HOW = both(
    "‘{name}’ can only be kept, rearmed or cancelled, not ‘{way}’.",
    "« {name} » ne peut être que gardée, relancée ou annulée, pas « {way} ».",
)


def faults(old: Workflow, new: Workflow, move: Migration) -> list[Text]:
    """Every mistake of the map; none for one that can be followed."""
    if old.id != new.id:
        return [fill(OTHER, old=old.id, new=new.id)]
    if old.sha256 == new.sha256:
        return [SAME]
    return list(_faults(old, new, move))


def _faults(old: Workflow, new: Workflow, move: Migration) -> Iterator[Text]:
    if move.source != old.version:
        yield fill(FROM, source=move.source, version=old.version)
    for before, after in move.states.items():
        yield from _pair(old, new, before, after)
    for named, was, now in _same_names(old, new):
        if now.is_final and not was.is_final and named not in move.states and named not in move.hold:
            yield fill(ENDS, old=named, new=named)
    for name in sorted(move.hold):
        if name not in old.states:
            yield _unknown(NO_STATE, old, name, old.states)
        elif name in move.states:
            yield fill(HELD_TOO, name=name)
    for name, way in move.timers.items():
        if way not in ("keep", "rearm", "cancel"):
            yield fill(ANSWERED_HOW, name=name, way=way)
        if name not in old.timers:
            yield _unknown(NO_TIMER, old, name, old.timers)
        elif way != "cancel" and name not in new.timers:
            yield _unknown(NO_TIMER, new, name, new.timers)
    known = [name for form in new.answer_forms.values() for name in form.fields]
    for name in move.fields:
        if name not in known:
            yield _unknown(NO_FIELD, new, name, known)


def _same_names(old: Workflow, new: Workflow) -> Iterator[tuple[str, State, State]]:
    """The states that map by themselves, of applications and of their parts."""
    pairs = [("", old.states, new.states)]
    pairs += [
        (f"{kind}.", c.states, new.children[kind].states) for kind, c in old.children.items() if kind in new.children
    ]
    for before, states, there in pairs:
        for name, state in states.items():
            if name in there:
                yield before + name, state, there[name]


def _pair(old: Workflow, new: Workflow, before: str, after: str) -> Iterator[Text]:
    kind, dot, _ = before.partition(".")
    other, other_dot, _ = after.partition(".")
    if dot != other_dot or (dot and kind != other):
        yield fill(KIND, old=before, new=after)
        return
    found: list[State | None] = []
    for workflow, name in ((old, before), (new, after)):
        if dot and kind not in workflow.children:
            yield _unknown(NO_CHILD, workflow, kind, workflow.children)
            found.append(None)
            continue
        states = workflow.children[kind].states if dot else workflow.states
        state = states.get(name.partition(".")[2] if dot else name)
        if state is None:
            yield _unknown(NO_STATE, workflow, name, [f"{kind}.{each}" for each in states] if dot else states)
        found.append(state)
    was, now = found
    if was is not None and now is not None:
        if was.is_final and not now.is_final:
            yield fill(REOPENS, old=before, new=after)
        if now.is_final and not was.is_final:
            yield fill(ENDS, old=before, new=after)


def _unknown(says: Text, workflow: Workflow, name: str, known: Collection[str]) -> Text:
    close = did_you_mean(name, list(known))
    return fill(says, version=workflow.version, name=name, close=close if close.endswith("?") else f"{close}.")
