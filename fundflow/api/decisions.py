"""An application and what can be done with it as the API tells it: the pages' own decisions, masks and addresses.

Refuses to tell a city the figures that a decision used, unless the sentence that stops them says them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g, url_for
from flask_babel import gettext as _

from fundflow.accounts import queries as accounts
from fundflow.accounts.queries import Colleague
from fundflow.api import schemas
from fundflow.applications import queries as applications
from fundflow.awards import queries as awards
from fundflow.awards.policy import may_read_documents
from fundflow.desk import ahead
from fundflow.desk.story import place_label, seen_revision, sight_of, viewer_of
from fundflow.lifecycle import acts, children, commands, definitions, registry, timers
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.signing import NotProven
from fundflow.money import Money, NotAnAmount
from fundflow.web import reader
from fundflow.web.refusals import sentence
from fundflow.workflow import access, clauses
from fundflow.workflow.acts import Act
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.forms import OwnForm
from fundflow.workflow.sentences import placeholders
from fundflow.workflow.text import Text


def outcome_of(workflow: Workflow, outcome: str | None) -> schemas.Named | None:
    """How it ended."""
    if outcome is None:
        return None
    known = workflow.outcomes.get(outcome)
    return schemas.Named(id=outcome, label=known.in_(reader.language()) if known else outcome)


def application(application: Application) -> schemas.Application:
    """The application as the caller is shown it."""
    actor, language = g.actor, reader.language()
    workflow = definitions.get(application.definition_sha)
    team: list[Colleague] = list(accounts.team_of(application.city_id))
    viewer = viewer_of(actor, application, team)
    sight = sight_of(actor, application)
    shown, has_ended = sight.place(application.state), application.outcome is not None
    ended = place_label(sight, application, language) if has_ended and not shown.is_final else ""
    round_, city = applications.round_of(application), applications.city_of(application)
    forms = [name for name in workflow.answer_forms if name in viewer.cell.view | viewer.cell.edit]
    return schemas.Application(
        id=application.id,
        number=application.number,
        title=application.title or "",
        state=schemas.Named(id=shown.id, label=shown.label.in_(language)),
        outcome=outcome_of(workflow, application.outcome),
        revision=seen_revision(sight, application),
        round=schemas.Link(
            id=round_.slug, label=round_.title, page=url_for("rounds.show", slug=round_.slug, _external=True)
        ),
        city=schemas.Link(
            id=str(city.id), label=city.name, page=url_for("accounts.city", city_id=city.id, _external=True)
        ),
        forms=[
            schemas.FormLink(
                id=name,
                label=workflow.forms[name].title.in_(language),
                page=url_for("applications.edit", application_id=application.id, form=name, _external=True),
                may_edit=name in viewer.cell.edit,
            )
            for name in forms
        ],
        phases=[_stop(stop) for stop in ahead.path(workflow, shown.id, ended, has_ended, viewer)],
        page=url_for("desk.show", application_id=application.id, _external=True),
    )


def _stop(stop: ahead.Stop) -> schemas.Stop:
    return schemas.Stop(label=stop.label, is_at=stop.state, parts=[_stop(part) for part in stop.parts])


def decisions(application: Application) -> schemas.Decisions:
    """Everything the caller may do with it, or is kept from."""
    actor, language = g.actor, reader.language()
    workflow = definitions.get(application.definition_sha)
    sight = sight_of(actor, application)
    tells = tells_values(application)
    due = {name: at for name, at in timers.due(application) if sight.is_running(name, application.state)}
    found = []
    for each in commands.available(application, actor):
        step = workflow.transitions[each.transition]
        call = url_for("api.take_step", application_id=application.id, transition=step.id, _external=True)
        found.append(
            schemas.Decision(
                id=step.id,
                label=step.label.in_(language),
                help=step.help.in_(language) if step.help else "",
                allowed=each.allowed,
                clauses=clauses_of(each, tells),
                asks=_asks(step, application),
                deadline=due.get(step.deadline or ""),
                call=call,
            )
        )
    return schemas.Decisions(
        application=application.id,
        revision=seen_revision(sight, application),
        transitions=found,
        acts=[
            _act(workflow, application, act, subject, decision, tells)
            for act, subject, decision in acts.available_acts(application, actor)
        ],
        children=list(_children(workflow, application, tells)),
    )


def tells_values(application: Application) -> bool:
    """Whether the caller is told all figures of a decision: members of the fund, where nothing is disguised to them."""
    sight = sight_of(g.actor, application)
    return sight.is_of_fund and sight.is_plain(application.state)


def clauses_of(decision: Decision, tells: bool) -> list[schemas.Clause]:
    """The clauses; with `tells` every figure, else only those that the sentence of a failing one says."""
    language, found = reader.language(), []
    for clause in decision.clauses:
        said = {name for name, _at in placeholders(clause.says.in_(language))} if not clause.passes else set()
        values = {name: plain(value) for name, value in clause.values.items() if tells or name in said}
        sentence = None if clause.passes else clause.sentence(language)
        found.append(schemas.Clause(kind=clause.kind, holds=clause.passes, sentence=sentence, values=values))
    return found


def plain(value: Any) -> Any:
    """A value of the engine as plain JSON, texts in the caller's language."""
    match value:
        case Text():
            return value.in_(reader.language())
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
    return clauses.plain(value)


def _asks(step: Transition, application: Application) -> schemas.Asks:
    language = reader.language()
    return schemas.Asks(
        reason=step.reason,
        confirm=step.confirm,
        input=[
            schemas.Asked(
                name=name,
                type=each.type,
                label=_("%(label)s (%(currency)s)", label=each.label.in_(language), currency=application.currency)
                if each.type == "money"
                else each.label.in_(language),
                help=each.help.in_(language) if each.help else "",
            )
            for name, each in step.input.items()
        ],
    )


def _act(
    workflow: Workflow, application: Application, act: Act, subject: str, decision: Decision, tells: bool
) -> schemas.Decision:
    language, help_, asks = reader.language(), "", schemas.Asks()
    unproven: list[schemas.Clause] = []
    match act:
        case "task":
            task = workflow.tasks[subject]
            label, help_ = task.label.in_(language), task.help.in_(language) if task.help else ""
            values = [(name, text.in_(language)) for name, text in (task.values or {}).items()]
            asks = _value("choice", _("Result"), values or [("done", _("done"))])
        case "sign":
            # Said beforehand, as the command will say it: a program cannot show that the person is there.
            unproven = [schemas.Clause(kind="proof", holds=False, sentence=sentence(NotProven()), values={})]
            signatures = workflow.states[application.state].signatures
            role = workflow.roles[signatures.parties[subject]] if signatures else None
            label = _("Sign: %(role)s", role=role.label.in_(language) if role else subject)
            asks = _signature(application, signatures.document if signatures else "")
        case "assign":
            given = workflow.roles[subject]
            label = given.label.in_(language)
            people = [(str(each.id), each.name) for each in registry.candidates_of(application, given)]
            asks = _value("choice", _("Person"), people)
        case _:
            label, asks = _("Record the discussion"), schemas.Asks(reason=True)
    return schemas.Decision(
        id=f"{act}.{subject}",
        label=label,
        help=help_,
        allowed=decision.allowed and not unproven,
        clauses=[*clauses_of(decision, tells), *unproven],
        asks=asks,
        deadline=None,
        call=url_for("api.do_act", application_id=application.id, act=act, subject=subject, _external=True),
    )


def _value(type_: str, label: str, values: Iterable[tuple[str, str]]) -> schemas.Asks:
    choices = [schemas.Choice(value=value, label=text) for value, text in values]
    return schemas.Asks(value=schemas.Asked(name="value", type=type_, label=label, help="", choices=choices))


def _signature(application: Application, kind: str) -> schemas.Asks:
    """The name, and the digest of the document: whoever may read it is told the one that is signed now, and where."""
    document = awards.text_of_record(application, kind) if may_read_documents(g.actor, application) else None
    digest, help_ = (document.sha256 or "") if document else "", ""
    if document is not None and digest:
        help_ = url_for("awards.download", document_id=document.id, _external=True)
    choices = [schemas.Choice(value=digest, label=kind)] if digest else []
    name = schemas.Asked(name="name", type="text", label=_("Your full name"), help="")
    sha256 = schemas.Asked(
        name="sha256", type="choice", label=_("SHA-256 of the document that you read"), help=help_, choices=choices
    )
    return schemas.Asks(confirm=True, input=[name, sha256])


def _children(workflow: Workflow, application: Application, tells: bool) -> Iterable[schemas.Child]:
    language = reader.language()
    roles = commands.roles_of(application, g.actor) if workflow.own_forms else frozenset[str]()
    for row, decided in commands.available_children(application, g.actor):
        kind = workflow.children[row.kind]
        held = children.fields_of(workflow, row)
        yield schemas.Child(
            kind=schemas.Named(id=kind.id, label=kind.label.in_(language)),
            key=row.key,
            state=schemas.Named(id=row.state, label=kind.states[row.state].label.in_(language)),
            values={name: plain(value) for name, value in held.items() if name not in ("key", "state")},
            forms=list(_own_forms(workflow, application, row, roles)),
            decisions=[
                _child_decision(application, row.key, kind.transitions[each.transition], each, tells)
                for each in decided
            ],
        )


def _own_forms(
    workflow: Workflow, application: Application, row: Child, roles: frozenset[str]
) -> Iterable[schemas.FormLink]:
    """The forms that the child has for itself, as far as the caller may read them now."""
    has_ended = application.outcome is not None
    cell = access.own_cell(workflow, application.state, row.kind, row.state, roles, has_ended=has_ended)
    for name in workflow.children[row.kind].forms:
        if name in cell.view:
            whole = str(OwnForm(row.kind, row.key, name))
            yield schemas.FormLink(
                id=whole,
                label=workflow.forms[name].title.in_(reader.language()),
                page=url_for("applications.edit", application_id=application.id, form=whole, _external=True),
                may_edit=name in cell.edit,
            )


def _child_decision(
    application: Application, key: str, step: Transition, decision: Decision, tells: bool
) -> schemas.Decision:
    language, (kind, _dot, name) = reader.language(), step.id.partition(".")
    return schemas.Decision(
        id=step.id,
        label=step.label.in_(language),
        help=step.help.in_(language) if step.help else "",
        allowed=decision.allowed,
        clauses=clauses_of(decision, tells),
        asks=_asks(step, application),
        deadline=None,
        call=url_for(
            "api.take_child_step", application_id=application.id, kind=kind, key=key, transition=name, _external=True
        ),
    )


def money(text: str, currency: str) -> Money:
    """An amount as programs write it, such as ``1250.50``; whatever could mean another is refused."""
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 24):
        raise NotAnAmount(text=text[:40], example="1250.50")
    return Money.of(text, currency)
