"""What forms begin with: answers that are copied from others at the moment a form is opened to somebody.

Writes only into a form that holds nothing yet, and leaves out what is not there to be copied.
"""

from __future__ import annotations

from fundflow.applications import queries
from fundflow.applications.models import Answers
from fundflow.db import db
from fundflow.lifecycle import children, registry
from fundflow.lifecycle.models import Child
from fundflow.workflow.copying import first_answers, opened
from fundflow.workflow.forms import Form, OwnForm


def fill(ctx: registry.EffectContext, child: Child | None, left: str | None) -> None:
    """Fill the forms that may be edited where the application, or its child, stands now, and could not be before."""
    workflow = ctx.workflow
    if workflow.prefilled.isdisjoint(workflow.children[child.kind].forms if child else workflow.answer_forms):
        return
    if child is None:
        if ctx.to_state is None:
            return
        here = opened(workflow.states[ctx.to_state], workflow.states.get(left or ""))
        for name in sorted(workflow.prefilled & here):
            _fill(ctx, name, workflow.forms[name])
        return
    states = workflow.children[child.kind].states
    for name in sorted(workflow.prefilled & opened(states[child.state], states.get(left or ""))):
        form = children.form_of(workflow, child, name)
        if form is not None:
            with ctx.facts.about(child, children.rows_of(ctx.application.id, child.kind)):
                _fill(ctx, str(OwnForm(child.kind, child.key, name)), form)


def _fill(ctx: registry.EffectContext, name: str, form: Form) -> None:
    if queries.answers_row(ctx.application.id, name) is not None:
        return
    data = first_answers(form, lambda source: None if ctx.facts.unanswered(source) else ctx.evaluate(source))
    if data:
        # Revision 0: nobody has saved it yet, and whoever took the step that opened it wrote nothing in it.
        by = ctx.application.created_by
        db.session.add(
            Answers(application_id=ctx.application.id, form=name, revision=0, data=data, saved_at=ctx.now, saved_by=by)
        )
        db.session.flush()
