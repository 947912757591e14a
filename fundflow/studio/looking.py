"""Looking at a draft from every side: drawn, as each role sees its forms, against another version, against live cases.

It only reads: a dry run moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from fundflow.errors import NotFound
from fundflow.lifecycle import definitions, migrating, publishing
from fundflow.lifecycle.migrating import Plan, WrongMigration
from fundflow.lifecycle.publishing import known_templates
from fundflow.rounds import process
from fundflow.studio import checking, queries, service
from fundflow.studio.forms import ScenarioForm
from fundflow.studio.models import Draft
from fundflow.studio.policy import writers
from fundflow.studio.views import looked_at, pages
from fundflow.web import forms, reader
from fundflow.web.fields import clean
from fundflow.web.gate import requires
from fundflow.workflow import access
from fundflow.workflow.checker import codes
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diff import changes
from fundflow.workflow.text import Text

LINES = 200
"""How many applications a dry run names."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of the live applications of one version; `wrong` says why it cannot even be planned."""

    version: queries.Version
    plan: Plan | None
    wrong: list[str]

    @property
    def counts(self) -> dict[str, int]:
        plan = self.plan
        return {kind: len(plan.of(kind)) if plan else 0 for kind in ("moves", "held", "blocked")}

    def lines(self, kind: str) -> list[tuple[str, str, str, list[str]]]:
        """The first of them: number, where it stands, where it would stand, and what is said of it."""
        plan, language = self.plan, reader.language()
        if plan is None:
            return []
        return [
            (
                line.number,
                plan.old.states[line.state].label.in_(language),
                plan.new.states[line.verdict.state].label.in_(language)
                if line.verdict.state in plan.new.states
                else "",
                [each.in_(language) for each in (*line.verdict.reasons, *line.verdict.warnings)],
            )
            for line in plan.of(kind)[:LINES]
        ]

    @property
    def no_way_back(self) -> str:
        """Why it could not be taken back; empty where it could."""
        back = self.plan.way_back if self.plan else None
        return back.in_(reader.language()) if isinstance(back, Text) else ""


def workflow_of(draft: Draft) -> Workflow | None:
    """The draft as a workflow, or None while it is not one; read only after it was looked at in safety."""
    if not looked_at(draft).loads:
        return None
    return publishing.assembled(service.workflow_files(draft), draft.main, service.templates_of(draft))


def dry_runs(new: Workflow, name: str) -> list[DryRun]:
    """What would become of every live application of the workflow, version by version, if all moved to `new`."""
    found = []
    for version in queries.workflow(name).versions:
        if version.sha256 == new.sha256 or not version.applications:
            continue
        found.append(dry_run(version, lambda: migrating.plan(definitions.get(version.sha256), new)))  # noqa: B023
    return found


def dry_run(version: queries.Version, planned: Callable[[], Plan]) -> DryRun:
    """What would become of the live applications of one version, by this plan."""
    try:
        return DryRun(version, planned(), [])
    except WrongMigration as wrong:
        return DryRun(version, None, [each.in_(reader.language()) for each in wrong.problems])


@pages.get("/studio/drafts/<uuid:draft_id>/diagram")
@requires(writers)
def diagram(draft_id: UUID) -> ResponseReturnValue:
    """The picture of a draft as it was saved last; only the picture for the script that shows it beside the text."""
    draft = queries.draft_for(draft_id)
    known = known_templates(service.templates_of(draft))
    drawn = checking.drawn(service.workflow_files(draft), draft.main, known, reader.language())
    # Our own drawing: every text in it is escaped by the module that draws it.
    svg, tall = (Markup(drawn.answer.get(shape, "")) for shape in ("svg", "tall"))  # noqa: S704
    if "part" in request.args:
        return render_template("studio/_diagram.html", svg=tall, draft=draft)
    return render_template("studio/diagram.html", draft=draft, svg=svg, tall=tall, looked=drawn)


@pages.get("/studio/drafts/<uuid:draft_id>/forms")
@requires(writers)
def preview(draft_id: UUID) -> ResponseReturnValue:
    """A form as one role would see it in one state, drawn as it is drawn for real."""
    draft = queries.draft_for(draft_id)
    workflow = workflow_of(draft)
    if workflow is None:
        return render_template("studio/preview.html", draft=draft, workflow=None, looked=looked_at(draft))
    language = reader.language()
    cells = {key: each for key, each in access.matrix(workflow).items() if each.view}
    state = request.args.get("state") or next((state for state, _role in cells), workflow.initial)
    roles = [role for where, role in cells if where == state]
    role = request.args.get("role") or next(iter(roles), "")
    if state not in workflow.states or (role and role not in workflow.roles):
        raise NotFound
    cell = access.cell(workflow, state, [role])
    shown = [name for name in workflow.forms if name in cell.view]
    name = request.args.get("form") or next(iter(shown), "")
    form = workflow.forms[name] if name in shown else None
    bound = forms.build(form, language, workflow.currency, {}, locale=reader.locale()) if form else None
    return render_template(
        "studio/preview.html",
        draft=draft,
        workflow=workflow,
        looked=None,
        state=state,
        role=role,
        roles=roles,
        shown=shown,
        form=form,
        bound=bound,
        cell=cell,
        told=workflow.states[access.shown_state(workflow, state, [role] if role else [])].label.in_(language),
        steps=[
            process.leads(workflow, each, state, language)
            for each in workflow.transitions_from(state)
            if role in each.by_from(state)
        ],
        cells=cells,
    )


@pages.get("/studio/drafts/<uuid:draft_id>/changes")
@requires(writers)
def differences(draft_id: UUID) -> ResponseReturnValue:
    """What differs from a version, in sentences: from the one it was begun from, or any other."""
    draft = queries.draft_for(draft_id)
    workflow = workflow_of(draft)
    versions = queries.workflow(draft.workflow).versions
    asked = request.args.get("with", draft.base_sha)
    other = next((each for each in versions if each.sha256 == asked), None)
    if other is None:
        raise NotFound
    return render_template(
        "studio/changes.html",
        draft=draft,
        workflow=workflow,
        looked=None if workflow else looked_at(draft),
        versions=versions,
        other=other,
        differences=changes(queries.definition(other.sha256), workflow) if workflow else [],
    )


@pages.get("/studio/drafts/<uuid:draft_id>/live")
@requires(writers)
def live(draft_id: UUID) -> ResponseReturnValue:
    """What would become of every live application, if its round moved to this draft. Nothing is moved."""
    draft = queries.draft_for(draft_id)
    workflow = workflow_of(draft)
    return render_template(
        "studio/live.html",
        draft=draft,
        workflow=workflow,
        looked=None if workflow else looked_at(draft),
        runs=dry_runs(workflow, draft.workflow) if workflow else [],
    )


@pages.get("/studio/drafts/<uuid:draft_id>/examples")
@requires(writers)
def examples(draft_id: UUID) -> ResponseReturnValue:
    """What comes of each example that the draft tells: as it says, or what differs and where."""
    draft = queries.draft_for(draft_id)
    known = known_templates(service.templates_of(draft))
    told = checking.told(service.workflow_files(draft), draft.main, known)
    return render_template(
        "studio/examples.html", draft=draft, looked=None if told.loads else told, results=told.answer.get("examples")
    )


@pages.route("/studio/drafts/<uuid:draft_id>/simulation", methods=["GET", "POST"])
@requires(writers)
def simulation(draft_id: UUID) -> ResponseReturnValue:
    """A round under the draft, played many times: by an invented scenario first, then by the one that was typed.

    Nothing of it is kept.
    """
    draft = queries.draft_for(draft_id)
    form = ScenarioForm()
    typed = clean(form.scenario.data or "") if form.is_submitted() else ""
    known = known_templates(service.templates_of(draft))
    played = checking.played(service.workflow_files(draft), draft.main, known, reader.language(), typed)
    wrong = [] if played.loads else [each for each in played.findings if each.file not in draft.files]
    form.scenario.data = typed or played.answer.get("scenario", "")
    return render_template(
        "studio/simulation.html",
        draft=draft,
        form=form,
        looked=None if played.loads or wrong else played,
        wrong=wrong,
        answer=played.answer,
        # Our own drawings and tables: every text in them is escaped by the modules that make them.
        drawn=[Markup(each) for each in played.answer.get("parts", ())],  # noqa: S704
        runs=checking.RUNS,
    ), 422 if wrong else 200


@pages.get("/studio/checks")
@requires(writers)
def explained() -> ResponseReturnValue:
    """Every code of the checker: what it means, why it matters and how to mend it."""
    layers = [
        (title, [code for code in codes.BY_ID.values() if code.layer == layer]) for layer, title in codes.LAYERS.items()
    ]
    return render_template("studio/explained.html", layers=[each for each in layers if each[1]])
