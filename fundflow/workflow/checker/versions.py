"""Against the versions published before: their number, and whether the map that leads here can be followed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fundflow.workflow.checker.context import Context
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Migration, State, Workflow
from fundflow.workflow.diff import changes, heaviest
from fundflow.workflow.problems import did_you_mean


def numbers(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """One number means the same rules. Their words may be written anew under it, and messages and documents."""
    for earlier in context.earlier:
        if earlier.version == workflow.version and heaviest(changes(earlier, workflow)) not in (None, "text"):
            following = max(each.version for each in context.earlier) + 1
            message = f"version {workflow.version} is already published with other rules; give this one"
            yield Finding("FF194", "version", f"{message} version {following}")
            return


def maps(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """What a migration names exists in the version it comes from, and nothing is reopened or ended by it."""
    for number, move in enumerate(workflow.migrations):
        old = next((each for each in reversed(context.earlier) if each.version == move.source), None)
        if old is not None:
            yield from _map(old, workflow, move, f"migrate.{number}")


def _map(old: Workflow, new: Workflow, move: Migration, at: str) -> Iterator[Finding]:
    before, after = states_of(old), states_of(new)
    for source, target in move.states.items():
        here = f"{at}.states.{source}"
        if source not in before:
            yield Finding("FF196", here, _unknown(old, "state", source, before))
        elif _kind(source) != _kind(target):
            message = f"'{source}' cannot become '{target}': a part stays of its kind, and an application is none"
            yield Finding("FF196", here, message)
        elif source in move.hold:
            yield Finding("FF196", here, f"'{source}' is both held and moved; it can only be one")
        elif before[source].is_final and target in after and not after[target].is_final:
            yield Finding("FF198", here, f"migration would re-open applications: '{source}' → '{target}'")
        elif target in after and after[target].is_final and not before[source].is_final:
            message = f"migration would end applications that nobody decided on: '{source}' → '{target}'"
            yield Finding("FF198", here, message)
    for name in sorted(move.hold - before.keys()):
        yield Finding("FF196", f"{at}.hold", _unknown(old, "state", name, before))
    for name, way in move.timers.items():
        if name not in old.timers:
            yield Finding("FF196", f"{at}.timers.{name}", _unknown(old, "timer", name, old.timers))
        elif way != "cancel" and name not in new.timers:
            yield Finding("FF196", f"{at}.timers.{name}", _unknown(new, "timer", name, new.timers))
    for name, state in before.items():
        moved = name in move.states or name in move.hold
        if not moved and name in after and after[name].is_final and not state.is_final:
            message = f"'{name}' is an end in this version and was none, so applications there would end undecided"
            yield Finding("FF198", f"states.{name}" if "." not in name else at, f"{message}; say where they go")


def states_of(workflow: Workflow) -> dict[str, State]:
    """The states of applications, and those of their parts as a migration names them: ``tranche.paid``."""
    found = dict(workflow.states)
    for kind, child in workflow.children.items():
        found |= {f"{kind}.{name}": state for name, state in child.states.items()}
    return found


def _kind(state: str) -> str:
    kind, dot, _ = state.partition(".")
    return kind if dot else ""


def _unknown(workflow: Workflow, what: str, name: str, known: Collection[str]) -> str:
    return f"version {workflow.version} has no {what} '{name}'{did_you_mean(name, known)}"


WIDER_RULES = (numbers, maps)
