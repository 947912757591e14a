"""The pages on which a step is taken: of the application, or of one of its children.

A refused step answers with its sentences and with everything that was typed: 422 where something is to be corrected,
409 where things stand differently now. Whoever could never take it is told of no such page.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for
from fundflow.db import present, transaction
from fundflow.desk import panels
from fundflow.desk.forms import ActForm, act_form
from fundflow.desk.story import deadline_of, place_label, seen_revision, sight_of, tone_of
from fundflow.desk.views import pages
from fundflow.errors import NotFound, Refused, Stale
from fundflow.lifecycle import children, commands, definitions
from fundflow.lifecycle.models import Application, Child
from fundflow.lifecycle.refusals import ReasonMissing, WrongInput
from fundflow.money import Money
from fundflow.rounds import process
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentences
from fundflow.workflow import definition
from fundflow.workflow.decide import Decision
from fundflow.workflow.definition import Transition, Workflow


@dataclass(frozen=True, slots=True)
class Subject:
    """What a step is about: the application, or the child of a kind."""

    application: Application
    workflow: Workflow
    step: Transition
    kind: definition.Child | None = None
    child: Child | None = None

    @property
    def label(self) -> str:
        label = self.step.label.in_(reader.language())
        if self.kind is None or self.child is None:
            return label
        return str(_("%(name)s: %(what)s", name=self._name(self.kind, self.child), what=label))

    def _name(self, kind: definition.Child, child: Child) -> str:
        return panels.child_name(kind, child.key, reader.language())

    @property
    def place(self) -> str:
        """Where it stands."""
        if self.kind is not None and self.child is not None:
            return self.kind.states[self.child.state].label.in_(reader.language())
        return place_label(sight_of(g.actor, self.application), self.application, reader.language())

    @property
    def leads_to(self) -> str:
        language = reader.language()
        if self.kind is None or self.child is None:
            return process.leads_to(self.workflow, self.step, self._state, language)
        to = self.step.destination(self.child.state)
        where = self.kind.states[to].label.in_(language) if to else ""
        return str(_("%(name)s then stands at “%(where)s”.", name=self._name(self.kind, self.child), where=where))

    @property
    def _state(self) -> str:
        """Whatever is told of the step is told from where the person is shown it."""
        if self.child is not None:
            return self.child.state
        shown = sight_of(g.actor, self.application).shown(self.application.state)
        return shown if shown in self.step.sources else self.application.state

    @property
    def tone(self) -> str:
        state = self._state
        if state not in self.step.sources:
            return "primary"
        if self.kind is not None:
            return panels.child_tone(self.kind, self.step, state)
        return tone_of(self.workflow, self.step, state)

    @property
    def amount(self) -> Money | None:
        """What the step is about in money: what the child holds, or what is asked for."""
        application = self.application
        if self.child is not None:
            held = children.fields_of(self.workflow, self.child).values()
            return next((value for value in held if isinstance(value, Money)), None)
        minor = application.requested_minor
        if minor is None or not (application.city_id in g.actor.city_ids or application.submitted_at):
            return None
        return Money(minor, application.currency)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The child's columns."""
        if self.kind is None or self.child is None:
            return []
        return panels.facts_of(self.workflow, self.application, self.kind, self.child, reader.language())

    def decision(self) -> Decision | None:
        """Whether this person may take the step now; None where it does not start here."""
        if self.child is None:
            found = commands.available(self.application, g.actor)
        else:
            every = commands.available_children(self.application, g.actor)
            found = next((decisions for row, decisions in every if row.id == self.child.id), [])
        return next((each for each in found if each.transition == self.step.id), None)


@pages.route("/applications/<uuid:application_id>/do/<transition>", methods=["GET", "POST"])
@requires(signed_in)
def act(application_id: UUID, transition: str) -> ResponseReturnValue:
    """Take one step of the workflow: what it causes, what it asks for, and the button."""
    application = application_for(g.actor, application_id)
    workflow = definitions.get(application.definition_sha)
    step = workflow.transitions.get(transition)
    if step is None or not commands.roles_of(application, g.actor) & step.by:
        raise NotFound
    return _take(Subject(application, workflow, step))


@pages.route("/applications/<uuid:application_id>/<kind>/<path:key>/<transition>", methods=["GET", "POST"])
@requires(signed_in)
def act_child(application_id: UUID, kind: str, key: str, transition: str) -> ResponseReturnValue:
    """Take one step with a child, such as asking for a tranche; only for those whose cell shows its kind."""
    application = application_for(g.actor, application_id)
    return _take(_child(application, kind, key, transition))


def _child(application: Application, kind: str, key: str, transition: str) -> Subject:
    workflow = definitions.get(application.definition_sha)
    given = workflow.children.get(kind)
    step = workflow.find(f"{kind}.{transition}") if given else None
    if given is None or step is None or kind not in commands.cell_of(application, g.actor).view:
        raise NotFound
    row = next((each for each in children.rows_of(application.id, kind) if each.key == key), None)
    if row is None or not commands.roles_of(application, g.actor) & step.by:
        raise NotFound
    return Subject(application, workflow, step, given, row)


def _take(about: Subject) -> ResponseReturnValue:
    # By the clock that decides on deadlines: that of this machine may be wrong.
    received_at = present()
    application, step = about.application, about.step
    application_id, of = application.id, about.child.key if about.child else None
    seen = seen_revision(sight_of(g.actor, application), application)
    form = act_form(step, application, reader.language(), seen)
    if not form.is_submitted():
        return _page(about, form)
    if not form.validate():
        return _page(about, form), 422
    says: list[str] = []
    try:
        with transaction():
            commands.fire(
                application_id,
                step.id,
                actor=g.actor,
                key=form.command_key(application, g.actor.id),
                revision=form.revision_for(application, seen),
                reason=form.reason_given,
                input=form.inputs(),
                received_at=received_at,
                of=of,
            )
    except ReasonMissing as refusal:
        form.say({"reason": refusal})
        status = 422
    except WrongInput as refusal:
        form.say(refusal.problems)
        status = 422
    except Refused as refusal:
        if refusal.status == 404:
            raise
        says, status = sentences(refusal), refusal.status
    else:
        flash(_("Done: %(step)s.", step=about.label), "success")
        anchor = about.kind.id if about.kind else None
        return redirect(url_for(".show", application_id=application_id, _anchor=anchor), 303)
    application = application_for(g.actor, application_id)
    if status == Stale.status:
        form.look_again(seen_revision(sight_of(g.actor, application), application))
    if about.kind is not None and of is not None:
        about = _child(application, about.kind.id, of, panels.short(step.id))
    return _page(about, form, says), status


def _page(about: Subject, form: ActForm, says: list[str] | None = None) -> str:
    application, decision, language = about.application, about.decision(), reader.language()
    return render_template(
        "desk/act.html",
        application=application,
        place=about.place,
        step=about.step,
        label=about.label,
        button=about.step.label.in_(language),
        child=about.child,
        facts=about.facts,
        help=about.step.help.in_(language) if about.step.help else "",
        tone=about.tone,
        form=form,
        says=says or [],
        refusals=list(dict.fromkeys(decision.refusals(language)))
        if decision and not decision.allowed and not says
        else [],
        is_open=decision is not None and decision.allowed,
        is_possible=decision is not None,
        leads_to=about.leads_to,
        consequences=process.consequences(about.workflow, about.step.do, language, about.amount),
        amount=None if about.child else about.amount,
        deadline=deadline_of(application, about.step),
    )
