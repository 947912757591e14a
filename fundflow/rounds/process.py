"""A workflow in words: what is asked, the steps with who acts in each, what a step causes, and the picture.

It only reads the definition; it says nothing of any one application and takes no decision.
"""

from __future__ import annotations

from dataclasses import dataclass

import flask_babel
from babel.lists import format_list
from markupsafe import Markup

from fundflow.money import Money
from fundflow.web import reader
from fundflow.workflow import diagram, diagram_text
from fundflow.workflow.definition import SYSTEM, Effect, Timer, Transition, Workflow
from fundflow.workflow.durations import Duration
from fundflow.workflow.forms import Field
from fundflow.workflow.layout import Shape


def _(text: str, **facts: object) -> str:
    """The sentence in the reader's language; the library does not say that it gives text."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, many: str, num: int) -> str:
    """The same for a count."""
    return str(flask_babel.ngettext(one, many, num))


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is announced before anybody starts."""

    label: str
    kind: str
    help: str
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Questions under one heading."""

    title: str
    text: str
    questions: list[Question]


@dataclass(frozen=True, slots=True)
class Asked:
    """A form that the city will fill in, and when."""

    title: str
    when: str
    sections: list[Part]


@dataclass(frozen=True, slots=True)
class Step:
    """One state in words: what may happen there, and by whom."""

    id: str
    label: str
    lines: list[str]


def questions(workflow: Workflow, language: str, currency: str) -> list[Asked]:
    """Every form that a city's team edits, in the order in which the states ask for them."""
    asked: dict[str, Asked] = {}
    for state in workflow.states.values():
        for role, forms in state.edit.items():
            if workflow.roles[role].kind != "team":
                continue
            for name in forms:
                form = workflow.forms[name]
                when = (
                    _("to apply")
                    if state.id == workflow.initial
                    else _("at “%(step)s”", step=state.label.in_(language))
                )
                asked.setdefault(
                    name,
                    Asked(
                        form.title.in_(language),
                        when,
                        [
                            Part(
                                section.title.in_(language),
                                section.help.in_(language) if section.help else "",
                                [_question(each, language, currency) for each in section.fields],
                            )
                            for section in form.sections
                        ],
                    ),
                )
    return list(asked.values())


def _question(field: Field, language: str, currency: str) -> Question:
    return Question(
        field.label.in_(language),
        _kind(field, language, currency),
        field.help.in_(language) if field.help else "",
        not field.required,
    )


def _kind(field: Field, language: str, currency: str) -> str:
    """What sort of answer is expected, with its limits."""
    if field.words:
        return ngettext("Text, at most %(num)s word", "Text, at most %(num)s words", field.words)
    if field.type in ("choice", "choices"):
        options = ", ".join(option.label.in_(language) for option in field.options)
        return (_("One of: %(options)s") if field.type == "choice" else _("Any of: %(options)s")) % {"options": options}
    if field.type == "file":
        return _(
            "File (%(kinds)s), at most %(size)s MB",
            kinds=", ".join(each.upper() for each in field.accept) or _("any kind"),
            size=field.max_mb,
        )
    if field.type == "table":
        return _("Table: %(columns)s", columns=", ".join(each.label.in_(language) for each in field.columns.values()))
    if field.type == "money":
        return _("Amount in %(currency)s", currency=currency)
    return {
        "short_text": _("Short text"),
        "long_text": _("Text"),
        "number": _("Number"),
        "date": _("Date"),
        "country": _("Country"),
        "email": _("E-mail address"),
    }.get(field.type, "")


def steps(workflow: Workflow, language: str) -> list[Step]:
    """Every state in the file's order, with what leads out of it."""
    found = []
    for state in workflow.states.values():
        lines = [state.help.in_(language)] if state.help else []
        lines += scoring(workflow, state.id, language)
        lines += [
            leads(workflow, each, state.id, language)
            for each in workflow.transitions_from(state.id)
            if _is_a_way_on(each)
        ]
        lines += [
            line for timer in workflow.timers.values() if state.id in timer.states and (line := limit(timer, language))
        ]
        if state.is_final:
            lines.append(_("The application is complete."))
        found.append(Step(state.id, state.label.in_(language), lines))
    return found


def _is_a_way_on(transition: Transition) -> bool:
    """What only the clock does is told by its timer."""
    return transition.by != frozenset({SYSTEM})


def leads(workflow: Workflow, transition: Transition, state: str, language: str) -> str:
    """City team: “Submit” leads to “Under review”."""
    who = people(workflow, transition.by_from(state) or transition.by, language)
    what = transition.label.in_(language)
    to = transition.destination(state)
    if to == state:
        return _("%(who)s: “%(what)s”; it stays where it is.", what=what, who=who)
    if to is not None:
        where = workflow.states[to].label.in_(language)
        return _("%(who)s: “%(what)s” leads to “%(where)s”.", what=what, who=who, where=where)
    return _("%(who)s: “%(what)s” ends it.", what=what, who=who)


def scoring(workflow: Workflow, state: str, language: str) -> list[str]:
    """Who scores an application in this state, and how many sheets are needed."""
    return [
        _(
            "%(who)s: score it, each alone; %(count)s are asked and at least %(quorum)s must answer.",
            who=workflow.roles[review.by].label.in_(language),
            count=review.count,
            quorum=review.quorum,
        )
        for review in workflow.reviews.values()
        if review.state == state
    ]


def leads_to(workflow: Workflow, transition: Transition, state: str, language: str) -> str:
    """Where a step leads an application that stands in `state`."""
    to = transition.destination(state)
    if to == state:
        return _("The application stays where it is.")
    if to is not None:
        return _("The application then stands at “%(where)s”.", where=workflow.states[to].label.in_(language))
    label = workflow.outcomes.get(transition.end or "")
    return _("This ends the application: %(how)s.", how=label.in_(language) if label else transition.end)


def people(workflow: Workflow, roles: frozenset[str] | tuple[str, ...], language: str) -> str:
    """The labels of roles as one phrase."""
    named = [workflow.roles[role].label.in_(language) for role in workflow.roles if role in roles]
    if SYSTEM in roles:
        named.append(_("the clock"))
    return format_list(named, style="or", locale=reader.locale()) if named else _("nobody")


def limit(timer: Timer, language: str) -> str:
    """The time limit that a timer sets, in words; empty where it only follows another moment."""
    if timer.after is not None:
        return _("%(what)s: after %(time)s.", what=timer.label.in_(language), time=duration(timer.after))
    if timer.at is not None and timer.at.reads == {"round.closes_at"}:
        return _("Until the round closes.")
    return ""


def duration(length: Duration) -> str:
    """A length of time in the reader's words."""
    parts = [
        ngettext("%(num)s month", "%(num)s months", length.months) if length.months else "",
        ngettext("%(num)s day", "%(num)s days", length.days) if length.days else "",
        ngettext("%(num)s working day", "%(num)s working days", length.working_days) if length.working_days else "",
        ngettext("%(num)s hour", "%(num)s hours", length.minutes // 60) if length.minutes >= 60 else "",
        ngettext("%(num)s minute", "%(num)s minutes", length.minutes % 60) if length.minutes % 60 else "",
    ]
    return format_list([part for part in parts if part], locale=reader.locale())


def ends(workflow: Workflow, language: str) -> list[str]:
    """How an application can end outside the final states."""
    return [label.in_(language) for label in workflow.outcomes.values()]


def consequences(workflow: Workflow, effects: tuple[Effect, ...], language: str, amount: Money | None) -> list[str]:
    """What a transition will cause, one sentence for each effect that a person should know of beforehand."""
    found = []
    for effect in effects:
        if effect.kind == "notify":
            found.append(_("A message goes to %(who)s.", who=_all(workflow, effect.to, language)))
        elif effect.kind == "document":
            found.append(_("A document is made and kept: %(name)s.", name=(effect.document or "").replace("_", " ")))
        elif effect.kind == "ledger":
            found.append(_ledger(effect, amount))
        elif effect.makes is not None:
            kind = workflow.children[effect.makes]
            found.append(_("This begins: %(what)s.", what=kind.label.in_(language)))
    return found


def _all(workflow: Workflow, roles: tuple[str, ...], language: str) -> str:
    return format_list([workflow.roles[role].label.in_(language) for role in roles], locale=reader.locale())


def _ledger(effect: Effect, amount: Money | None) -> str:
    is_known = amount is not None and (effect.amount is None or "application.requested" in effect.amount.reads)
    money = reader.money(amount) if is_known else _("the amount")
    if effect.ledger == "commit":
        return _("%(money)s of the round's budget is committed to this city.", money=money)
    if effect.ledger == "pay":
        return _("The payment is recorded against the committed money.")
    return _("The money committed to this application becomes available again.")


def diagram_of(workflow: Workflow, language: str, current: str | None = None, shape: Shape = "wide") -> Markup:
    """The picture of the workflow, ready to stand in a page beside its table (`ways`); it needs `flow.css`."""
    # Our own drawing: every text in it is escaped by the module that draws it.
    return Markup(diagram.svg(workflow, language, current=current, shape=shape, is_brief=True))  # noqa: S704


def ways(workflow: Workflow, language: str) -> list[diagram_text.Line]:
    """What the picture shows, for whoever reads rather than looks."""
    return list(diagram_text.lines(workflow, language))
