"""What people do in an example, in two or three words: ``submit``, ``tranche.pay 1``, ``fill proposal``, ``sign city``.

A transition is written as it is called; everything else begins with a verb. Refuses a word that is neither.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import banking
from fundflow.workflow.examples.statement import VERBS, Verb
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place

Said = tuple[Verb, str, str]


def phrase(place: Place, workflow: Workflow, people: Collection[str]) -> Said | None:
    """Verb, subject and detail of what somebody does; None where it cannot be understood."""
    text = place.string()
    if text is None:
        return None
    words = text.split()
    if len(words) == 1:
        return _transition(place, words[0], workflow)
    if "." in words[0]:
        return _of_child(place, words, workflow)
    if words[0] not in VERBS:
        close = did_you_mean(words[0], VERBS) or f"; write a transition, or begin with {listed(VERBS)}"
        place.error("FF233", f"'{words[0]}' is nothing that people do{close}")
        return None
    verb = cast("Verb", words[0])
    most = 3 if verb in ("task", "assign", "fill") else 2
    if len(words) - 1 < VERBS[verb] or len(words) > most:
        place.error("FF233", f"'{text}' should be {_SHAPES[verb]}")
        return None
    subject, detail = words[1], words[2] if len(words) > 2 else ""
    known, what, code = _subjects(verb, workflow)
    if subject not in known:
        place.error(code, f"there is no {what} '{subject}'{did_you_mean(subject, known)}", offset=text.find(subject))
        return None
    if verb == "fill" and (subject in workflow.own_forms) != bool(detail):
        kind = workflow.own_forms.get(subject)
        place.error("FF233", f"say of which {kind}: fill {subject} 1" if kind else f"'{text}' should be fill FORM")
        return None
    if verb == "task":
        options = list(workflow.tasks[subject].values) or ["done"]
        detail = detail or ("done" if options == ["done"] else "")
        if detail not in options:
            place.error("FF237", f"say what '{subject}' came to: {listed(options)}")
            return None
    if verb == "assign" and detail not in people:
        place.error("FF232", f"nobody here is called '{detail}'{did_you_mean(detail, people)}")
        return None
    return verb, subject, detail


_SHAPES = {
    "fill": "fill FORM, or fill FORM KEY for that of a child",
    "task": "task NAME, or task NAME VALUE",
    "undo": "undo TASK",
    "sign": "sign PARTY",
    "assign": "assign ROLE PERSON",
    "ask": "ask REVIEW",
    "score": "score REVIEW",
    "recuse": "recuse REVIEW",
    "discuss": "discuss REVIEW",
    "bank": "bank STEP",
    "screen": "screen RESULT",
}


def _subjects(verb: str, workflow: Workflow) -> tuple[list[str], str, str]:
    match verb:
        case "fill":
            return [*workflow.answer_forms, *workflow.own_forms], "form", "FF140"
        case "task" | "undo":
            return list(workflow.tasks), "task", "FF126"
        case "sign":
            parties = [s.signatures.parties for s in workflow.states.values() if s.signatures]
            return [party for each in parties for party in each], "party", "FF127"
        case "assign":
            return [r.id for r in workflow.roles.values() if r.kind == "field"], "role that names a person", "FF130"
        case "bank":
            return list(banking.STEPS) if banking.BANK in workflow.forms else [], "step with an account", "FF233"
        case "screen":
            return list(banking.RESULTS), "result of a search", "FF233"
        case _:
            return list(workflow.reviews), "review", "FF165"


def _transition(place: Place, name: str, workflow: Workflow) -> Said | None:
    if "." in name and name in {t.id for t in workflow.every_transition()}:
        place.error("FF233", f"say which one: {name} 1")
        return None
    if name not in workflow.transitions:
        known = [*workflow.transitions, *VERBS]
        place.error("FF234", f"there is no transition '{name}'{did_you_mean(name, known)}")
        return None
    return "take", name, ""


def _of_child(place: Place, words: list[str], workflow: Workflow) -> Said | None:
    known = [t.id for child in workflow.children.values() for t in child.transitions.values()]
    if words[0] not in known:
        place.error("FF234", f"there is no transition '{words[0]}'{did_you_mean(words[0], known)}")
        return None
    return "take", words[0], " ".join(words[1:])
