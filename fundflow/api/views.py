"""The API's addresses: reading an application, its decisions, and sending commands.

Refuses sessions, so nothing here can be done from another site's page, and tokens that may only read where one acts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import RequestEntityTooLarge

from fundflow.accounts.queries import actor_for
from fundflow.api import calls, decisions, policy, problems, queries, refusals, schemas, service, tokens
from fundflow.api.operations import description, operation, pages
from fundflow.applications.queries import application_for
from fundflow.db import begin_reading, db
from fundflow.desk.story import seen_revision, sight_of
from fundflow.errors import NotFound, Refused
from fundflow.lifecycle import acts, children, commands, definitions
from fundflow.lifecycle.actor import ANONYMOUS, Actor
from fundflow.lifecycle.claims import Fired
from fundflow.lifecycle.inputs import Missing
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.refusals import WrongInput
from fundflow.web import gate, reader
from fundflow.web.gate import public, requires
from fundflow.web.shell import csrf
from fundflow.workflow.acts import ACTS, wanted_roles
from fundflow.workflow.clauses import DefinitionMismatch
from fundflow.workflow.definition import Transition, Workflow

USED, TRIED = "300 per minute", "60 per minute"
"""How often a token may be used, and how often an unknown one may be tried from one network address."""


def init_app(app: Flask) -> None:
    """Serve the API through a door of its own, and the page of tokens beside the account's."""
    gate.door(app, "/api/", gate.Door(_read_actor, problems.unknown_caller, problems.problem))
    limiter: Limiter = app.extensions["sign-in limits"][0]
    app.extensions["api limits"] = (
        limiter.limit(USED, key_func=lambda: f"token:{g.token.id}")(_nothing),
        limiter.limit(TRIED, key_func=get_remote_address)(_nothing_more),
    )
    app.register_blueprint(pages)
    csrf.exempt(pages)  # nothing here is authenticated by a cookie
    tokens.init_app(app)


def _nothing() -> None:
    """What a limit is put on."""


def _nothing_more() -> None:
    """What the other limit is put on."""


def _limit(which: int) -> None:
    current_app.extensions["api limits"][which]()


def _read_actor() -> Actor:
    """Whose token was sent, with teams and groups as they are now; nobody else, whatever session there is."""
    g.token = None
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return ANONYMOUS
    ends = not db.session.in_transaction()
    if ends:
        begin_reading()
    found = queries.token_in_force(secret.strip())
    actor = actor_for(found.user_id) if found is not None else ANONYMOUS
    if ends:
        db.session.commit()
    if found is None or not actor.is_signed_in:
        g.token_was_tried = True
        _limit(1)
        return ANONYMOUS
    g.token = found
    service.note_use(found)
    return actor


@pages.before_request
def _count() -> None:
    if g.token is not None:
        _limit(0)


pages.register_error_handler(Refused, problems.refused)
pages.register_error_handler(RequestEntityTooLarge, problems.too_large)


@pages.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """The description of this API, made of the models it answers with."""
    return jsonify(description())


@operation("GET", "/applications/<uuid:application_id>", schemas.Application)
@requires(policy.reads)
def read_application(application_id: UUID) -> schemas.Application:
    """An application as the caller is shown it."""
    return decisions.application(application_for(g.actor, application_id))


@operation("GET", "/applications/<uuid:application_id>/decisions", schemas.Decisions)
@requires(policy.reads)
def read_decisions(application_id: UUID) -> schemas.Decisions:
    """Everything the caller may do with it or is kept from, with the reasons."""
    return decisions.decisions(application_for(g.actor, application_id))


@operation("POST", "/applications/<uuid:application_id>/transitions/<transition>", schemas.Done, schemas.Command)
@requires(policy.acts)
def take_step(application_id: UUID, transition: str) -> schemas.Done:
    """Take a step with the application."""
    application, workflow = _open(application_id)
    return _fire(application, workflow.transitions.get(transition), None)


@operation(
    "POST",
    "/applications/<uuid:application_id>/children/<kind>/<path:key>/<transition>",
    schemas.Done,
    schemas.Command,
)
@requires(policy.acts)
def take_child_step(application_id: UUID, kind: str, key: str, transition: str) -> schemas.Done:
    """Take a step with a child of the application, such as a tranche."""
    application, workflow = _open(application_id)
    step = workflow.find(f"{kind}.{transition}") if kind in workflow.children else None
    is_seen = kind in commands.cell_of(application, g.actor).view
    if not is_seen or all(row.key != key for row in children.rows_of(application.id, kind)):
        raise NotFound
    return _fire(application, step, key)


@operation("POST", "/applications/<uuid:application_id>/acts/<act>/<subject>", schemas.Done, schemas.Command)
@requires(policy.acts)
def do_act(application_id: UUID, act: str, subject: str) -> schemas.Done:
    """Record a task, sign, put somebody in charge, or record a discussion."""
    application, workflow = _open(application_id)
    call = calls.read(g.actor.id)
    if not service.was_sent(call) and not commands.roles_of(application, g.actor) & _wanted(
        workflow, act, subject, application.state
    ):
        raise NotFound
    return _done(application, call, _act_of(application, act, subject, call), act)


def _act_of(application: Application, act: str, subject: str, call: calls.Call) -> Callable[[str], Fired]:
    said, revision = call.said, _revision(application, call)
    match act:
        case "task":
            if "value" not in call.given:
                raise WrongInput({"value": Missing(field="value")})
            return lambda key: acts.task(application.id, subject, said.value, actor=g.actor, key=key, revision=revision)
        case "sign":
            if not said.confirm:
                raise WrongInput({"confirm": refusals.NotConfirmed()})
            name, sha256 = (str(said.input.get(each) or "") for each in ("name", "sha256"))
            # A token shows that a program was let in once, not that the person is there now: the command refuses it.
            return lambda key: acts.sign(
                application.id, subject, name=name, sha256=sha256, proof=None, actor=g.actor, key=key, revision=revision
            )
        case "assign":
            person = service.person_id(call)
            return lambda key: acts.assign(application.id, subject, person, actor=g.actor, key=key, revision=revision)
    return lambda key: acts.discuss(
        application.id, subject, actor=g.actor, key=key, revision=revision, reason=said.reason
    )


def _open(application_id: UUID) -> tuple[Application, Workflow]:
    application = application_for(g.actor, application_id)
    g.tells_values = decisions.tells_values(application)
    return application, definitions.get(application.definition_sha)


def _wanted(workflow: Workflow, act: str, subject: str, state: str) -> frozenset[str]:
    """Who could ever do this: what nobody can, and what is for others, is told alike."""
    if act not in ACTS:
        raise NotFound
    try:
        wanted = wanted_roles(workflow, act, subject, state)
    except DefinitionMismatch:
        raise NotFound from None
    if act == "sign" and not wanted:
        signing = (each.signatures for each in workflow.states.values() if each.signatures is not None)
        wanted = frozenset(each.parties[subject] for each in signing if subject in each.parties)
    return wanted


def _fire(application: Application, step: Transition | None, of: str | None) -> schemas.Done:
    if step is None:
        raise NotFound
    call = calls.read(g.actor.id)
    if not service.was_sent(call) and not commands.roles_of(application, g.actor) & step.by:
        raise NotFound
    given, revision = service.typed(step, call, application.currency), _revision(application, call)

    def run(key: str) -> Fired:
        more: dict[str, Any] = {"reason": call.said.reason, "input": given, "received_at": call.received_at, "of": of}
        return commands.fire(application.id, step.id, actor=g.actor, key=key, revision=revision, **more)

    return _done(application, call, run, step.label.in_(reader.language()))


def _revision(application: Application, call: calls.Call) -> int:
    """The revision to act on: what the caller cannot tell of makes theirs no old one."""
    seen = seen_revision(sight_of(g.actor, application), application)
    return application.revision if call.revision == seen else -1


def _done(application: Application, call: calls.Call, run: Callable[[str], Fired], label: str) -> schemas.Done:
    try:
        fired = service.once(call, run)
    except WrongInput as refusal:
        names = {name if name == "reason" else f"input.{name}": each for name, each in refusal.problems.items()}
        raise WrongInput(names) from None
    db.session.refresh(application)
    workflow, sight = definitions.get(application.definition_sha), sight_of(g.actor, application)
    place = sight.place(fired.state)
    says = (
        _("This was done already when it was first sent; nothing was done again.")
        if fired.replayed
        else _("Done: %(step)s.", step=label)
    )
    return schemas.Done(
        event=fired.event_seq,
        state=schemas.Named(id=place.id, label=place.label.in_(reader.language())),
        outcome=decisions.outcome_of(workflow, fired.outcome),
        revision=seen_revision(sight, application),
        replayed=fired.replayed,
        says=says,
    )
