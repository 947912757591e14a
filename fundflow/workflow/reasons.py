"""Why a condition of a decision fails, for people: its smallest failing parts in plain words, with what they saw."""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.decide import Decision, Situation, facts_of
from fundflow.workflow.definition import Workflow
from fundflow.workflow.expressions.explanation import explain
from fundflow.workflow.expressions.words import in_words
from fundflow.workflow.sentences import shown
from fundflow.workflow.text import Text

_FOR = Text({"en": "line {number}", "fr": "ligne {number}"})


def reasons(workflow: Workflow, decision: Decision, situation: Situation, language: str) -> Mapping[int, list[str]]:
    """What should hold and does not, by the number of the failing clause; only of conditions written as expressions.

    The decision must be one on this situation.
    """
    step = workflow.find(decision.transition)
    conditions = step.when if step is not None else ()
    first = len(decision.clauses) - len(conditions)
    facts, labels, found = facts_of(workflow, situation), _labels(workflow), {}
    for number, when in enumerate(conditions, start=first):
        expression = when.expression
        clause = decision.clauses[number]
        if expression is None or clause.holds or expression.unanswered(facts):
            continue
        found[number] = [
            _told(in_words(expression, language, labels, part=reason.node), reason.values, language)
            + "".join(
                f"; {_told(_FOR.in_(language).format(number=item.position), item.values, language)}"
                for item in reason.items
            )
            for reason in explain(expression, facts)
        ]
    return found


def _told(words: str, values: Mapping[str, object], language: str) -> str:
    seen = ", ".join(f"{path} = {shown(value, language)}" for path, value in values.items())
    return f"{words} ({seen})" if seen else words


def _labels(workflow: Workflow) -> dict[str, Text]:
    return {
        f"application.{name}": Text({language: f"“{label}”" for language, label in field.label.items()})
        for form in workflow.answer_forms.values()
        for name, field in form.fields.items()
    }
