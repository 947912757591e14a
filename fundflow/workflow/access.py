"""Who may see and edit which form in which state: the matrix of the workflow file, and nothing beside it.

What the file does not give is denied. There is no role that sees everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fundflow.workflow.definition import Workflow


@dataclass(frozen=True, slots=True)
class Cell:
    """The forms that may be edited, and the forms and reviews that may be read; what may be edited may be read."""

    edit: frozenset[str] = frozenset()
    view: frozenset[str] = frozenset()


NOTHING = Cell()


def cell(workflow: Workflow, state: str, roles: Iterable[str], *, has_ended: bool = False) -> Cell:
    """What these roles together may do in `state`; an ended application keeps its last state's views, to read."""
    given = workflow.states.get(state)
    if given is None:
        return NOTHING
    held = [role for role in roles if role in workflow.roles]
    edit = frozenset(form for role in held for form in given.edit.get(role, ()))
    view = edit.union(*(given.view.get(role, ()) for role in held))
    return Cell(frozenset() if has_ended or given.is_final else edit, view)


def own_cell(
    workflow: Workflow, parent: str, kind: str, state: str, roles: Iterable[str], *, has_ended: bool = False
) -> Cell:
    """The forms of a child in `state` that these roles may read and edit, while its application is in `parent`.

    Whoever is not shown the kind there sees nothing of it; an application that has ended lets nothing be edited.
    """
    child = workflow.children.get(kind)
    given = child.states.get(state) if child is not None else None
    held = [role for role in roles if role in workflow.roles]
    if given is None or kind not in cell(workflow, parent, held).view:
        return NOTHING
    edit = frozenset(form for role in held for form in given.edit.get(role, ()))
    view = edit.union(*(given.view.get(role, ()) for role in held))
    return Cell(frozenset() if has_ended or given.is_final else edit, view)


def matrix(workflow: Workflow) -> dict[tuple[str, str], Cell]:
    """Every cell by (state, role)."""
    return {(state, role): cell(workflow, state, (role,)) for state in workflow.states for role in workflow.roles}


def shown_state(workflow: Workflow, state: str, roles: Iterable[str]) -> str:
    """The state these people are told: the true one as soon as one of their roles may know it."""
    given = workflow.states.get(state)
    if given is None or not given.shown_as:
        return state
    held = [role for role in roles if role in workflow.roles]
    shown = [given.shown_as.get(role, state) for role in held]
    if not shown:
        masks = sorted(set(given.shown_as.values()))
        return masks[0]
    return state if state in shown else shown[0]


def alike(workflow: Workflow, state: str, roles: Iterable[str]) -> frozenset[str]:
    """The states that these people cannot tell from this one, because they are shown the same for all of them."""
    held = tuple(roles)
    shown = shown_state(workflow, state, held)
    return frozenset(each for each in workflow.states if shown_state(workflow, each, held) == shown) | {state}


def visible_states(workflow: Workflow, roles: Iterable[str]) -> frozenset[str]:
    """The states in which these roles may see anything at all."""
    held = tuple(roles)
    return frozenset(state for state in workflow.states if cell(workflow, state, held).view)
