"""A workflow's drawing in letters: Mermaid text for documents that draw it themselves, and a table of all ways out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fundflow.workflow.cards import Card, Exit, Machine, picture
from fundflow.workflow.definition import Workflow
from fundflow.workflow.text import Text

HEADINGS = Text({"en": "From|Step|By|To|Causes", "fr": "De|Étape|Par|Vers|Effets"})


@dataclass(frozen=True, slots=True)
class Line:
    """One way out of one state, for whoever reads rather than looks."""

    group: str
    """The phase, or the kind of child."""
    source: str
    what: str
    who: str
    to: str
    causes: tuple[str, ...]
    is_own: bool


def lines(workflow: Workflow, language: str, role: str | None = None) -> Iterator[Line]:
    """Everything that the drawing shows as arrows and ends, in its order."""
    for machine, column, card, each in _ways(workflow, language, role):
        to = machine.cards[each.target].label if each.target is not None else each.outcome_label
        causes = tuple(mark.text for mark in each.marks)
        yield Line(column, card.label, each.label, each.who, to, causes, each.is_own)


def markdown(workflow: Workflow, language: str, role: str | None = None) -> str:
    """The same as a table in Markdown."""
    heads = HEADINGS.in_(language).split("|")
    rows = [heads, ["---"] * len(heads)]
    rows += [
        [line.source, line.what, line.who, line.to, ", ".join(line.causes)] for line in lines(workflow, language, role)
    ]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in rows)


def mermaid(workflow: Workflow, language: str, role: str | None = None) -> str:
    """A Mermaid state diagram, phases and children as states that hold others."""
    drawn = picture(workflow, language, role)
    found = ["stateDiagram-v2", "    direction LR"]
    main, *children = drawn.machines
    for column in main.columns:
        indent = "    "
        if column.label:
            found.append(f'    state "{_plain(column.label)}" as p_{column.id} {{')
            indent += "    "
        found += [f'{indent}state "{_plain(card.label)}" as s_{card.id}' for card in column.cards]
        found += ["    }"] if column.label else []
    found.append(f"    [*] --> s_{main.initial}")
    found += [f'    state "{_plain(label)}" as e_{name}' for name, label in drawn.outcomes.items()]
    found += [f"    {arrow}" for arrow in _arrows(main, "s_")]
    found += [f"    e_{outcome} --> [*]" for outcome in drawn.outcomes]
    found += [f"    s_{card.id} --> [*]" for card in main.cards.values() if card.final]
    for child in children:
        prefix = f"c_{child.id}_"
        found.append(f'    state "{_plain(child.label)}" as c_{child.id} {{')
        found += [f'        state "{_plain(card.label)}" as {prefix}{card.id}' for card in child.cards.values()]
        found.append(f"        [*] --> {prefix}{child.initial}")
        found += [f"        {arrow}" for arrow in _arrows(child, prefix)]
        found.append("    }")
    for machine, prefix in ((main, "s_"), *((child, f"c_{child.id}_") for child in children)):
        for card in machine.cards.values():
            clocks = [mark.text for mark in card.notes if mark.kind in ("clock", "mask")]
            found += [f"    note right of {prefix}{card.id} : {_plain('; '.join(clocks))}"] if clocks else []
    return "\n".join(found) + "\n"


def _arrows(machine: Machine, prefix: str) -> Iterator[str]:
    for card in machine.cards.values():
        for each in card.exits:
            to = f"e_{each.outcome}" if each.target is None else f"{prefix}{each.target}"
            words = ", ".join(word for word in (each.label, each.who, *(mark.text for mark in each.marks)) if word)
            yield f"{prefix}{card.id} --> {to} : {_plain(words)}"


def _ways(workflow: Workflow, language: str, role: str | None) -> Iterator[tuple[Machine, str, Card, Exit]]:
    for number, machine in enumerate(picture(workflow, language, role).machines):
        for column in machine.columns:
            for card in column.cards:
                for each in card.exits:
                    yield machine, machine.label if number else column.label, card, each


def _plain(text: str) -> str:
    """Words in which Mermaid sees no signs of its own."""
    return "".join(f"#{ord(c)};" if c in '":;#<>{}[]()' else c for c in text)
