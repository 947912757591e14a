"""What changes in an application before its workflow moves it: starting one, its answers and its files.

Refuses a second application of a city to a round, answers that would overwrite a colleague's, and every change to a
form that the workflow does not let this person edit now. Each change holds the application's row, so that no transition
passes between looking and writing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fundflow import clock
from fundflow.accounts.models import City
from fundflow.applications import policy, queries
from fundflow.applications.models import Answers, File, SentAnswers
from fundflow.applications.uploads import Received
from fundflow.db import canonical_json, db
from fundflow.errors import Forbidden, NotFound, Refused, Stale
from fundflow.lifecycle import children, commands, definitions, happening, timers
from fundflow.lifecycle.actor import Actor
from fundflow.lifecycle.models import Application, Child, Timer
from fundflow.lifecycle.queries import locked
from fundflow.rounds.models import Round
from fundflow.workflow import access
from fundflow.workflow.definition import Transition, Workflow
from fundflow.workflow.forms import Field, Form, Missing, OwnForm
from fundflow.workflow.text import Text

LONGEST_TITLE = 300


class RoundNotOpen(Refused):
    """{round} does not take applications yet. It opens on {opens_at}."""


class RoundClosed(Refused):
    """{round} closed on {closes_at}. It takes no more applications."""


class AlreadyApplied(Refused):
    """{city} already has an application to {round}: {number}. A city sends one to each round."""

    def __init__(self, application: Application, **facts: Any) -> None:
        super().__init__(number=application.number, **facts)
        self.application = application


class ReadOnly(Refused):
    """“{form}” can no longer be changed: the application has moved on. Nothing was saved."""


class TooLate(Refused):
    """“{form}” can no longer be changed: the time to send it ended on {closed_at}. Nothing was saved."""


class StaleDraft(Stale):
    """{by} saved this form while you were writing. Nothing was overwritten: compare the two, then save again.

    `mine` and `theirs` are the two versions, `fields` those in which they differ, `revision` what theirs stands at.
    """

    def __init__(self, *, by: str, mine: dict[str, Any], kept: Answers, fields: list[str]) -> None:
        super().__init__(by=by)
        self.by, self.mine, self.theirs, self.fields = by, mine, dict(kept.data), fields
        self.revision, self.saved_at = kept.revision, kept.saved_at


class TooManyFiles(Refused):
    """There is room for {count} here. Remove a file first."""

    status = 422


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save left behind; `is_changed` is false where the same answers were kept already."""

    revision: int
    saved_at: datetime
    is_changed: bool = True


def start(round_: Round, city: City, actor: Actor) -> Application:
    """The city's application to the round, as a draft. Refused outside the round's time, or when there is one already.

    The city's row is held meanwhile, so that two colleagues at once get one application and one sentence.
    """
    if not (actor.is_system or policy.may_start(actor, city.id)):
        raise Forbidden(who=city.name)
    now = clock.now()
    if round_.status != "published" or now < round_.opens_at:
        raise RoundNotOpen(round=round_.title, opens_at=round_.opens_at)
    if now >= round_.closes_at:
        raise RoundClosed(round=round_.title, closes_at=round_.closes_at)
    db.session.execute(sa.select(City.id).where(City.id == city.id).with_for_update(key_share=True))
    existing = queries.of_city_in_round(city.id, round_.id)
    if existing is not None:
        raise AlreadyApplied(existing, city=city.name, round=round_.title)
    return commands.begin(
        round_id=round_.id,
        city_id=city.id,
        definition_sha=round_.definition_sha,
        currency=round_.currency,
        actor=actor,
        key=f"start:{round_.id}:{city.id}:{queries.count_of_city_in_round(city.id, round_.id)}",
    )


def workflow_of(application: Application) -> Workflow:
    """The rules of the application's round, as they were when it was published."""
    return definitions.get(application.definition_sha)


def form_of(application: Application, form_id: str) -> Form:
    """A form of the application, or of one of its children (``report:1:periodic``), which then has that name as its id.

    NotFound where there is none. Whether somebody may see it is not its business.
    """
    workflow, own = workflow_of(application), OwnForm.read(form_id)
    if own is None:
        form = workflow.forms.get(form_id)
        if form is None or form_id in workflow.own_forms:
            raise NotFound
        return form
    row = child_of(application, own)
    form = children.form_of(workflow, row, own.form) if row is not None else None
    if form is None:
        raise NotFound
    kind = workflow.children[own.kind]
    title = Text({each: f"{kind.label.in_(each)} {own.key} · {form.title.in_(each)}" for each in workflow.languages})
    return replace(form, id=form_id, title=title)


def child_of(application: Application, own: OwnForm) -> Child | None:
    """The child that a form belongs to, if it is there."""
    return children.row_of(application.id, own.kind, own.key) if own.kind in workflow_of(application).children else None


def cell_of(application: Application, form_id: str, actor: Actor) -> frozenset[str]:
    """What the actor may do with a form now: ``edit``, ``view``, both or nothing."""
    own = OwnForm.read(form_id)
    if own is None:
        cell = commands.cell_of(application, actor)
        name = form_id
    else:
        row = child_of(application, own)
        cell = access.NOTHING if row is None else commands.own_cell_of(application, row, actor)
        name = own.form
    may = {"edit"} if name in cell.edit and application.outcome is None else set[str]()
    return frozenset(may | ({"view"} if name in cell.edit | cell.view else set()))


def readable_form(application: Application, form_id: str, actor: Actor) -> tuple[Form, bool]:
    """The form if the actor may see it now, and whether they may edit it; NotFound otherwise."""
    form, may = form_of(application, form_id), cell_of(application, form_id, actor)
    if "view" not in may:
        raise NotFound
    return form, "edit" in may and closed_at(application, form_id) is None


def closed_at(application: Application, form_id: str) -> datetime | None:
    """When the time to send this form ran out, its grace included; None while it runs, or where nothing limits it."""
    names = deadlines_of(application, form_id)
    if not names:
        return None
    ended = [timer.act_at for timer in _timers(application.id, form_id) if timer.name in names]
    return ended[-1] if ended and ended[-1] <= clock.now() else None


def deadline_of(application: Application, form_id: str) -> Timer | None:
    """The running timer by which this form must be sent, if any."""
    names = deadlines_of(application, form_id)
    running = [timer for timer in _timers(application.id, form_id) if timer.name in names] if names else []
    return running[-1] if running else None


def deadlines_of(application: Application, form_id: str) -> frozenset[str]:
    """The timers that limit the transitions by which this form is sent from the present state."""
    return frozenset(step.deadline for step in sending(application, form_id) if step.deadline)


def sending(application: Application, form_id: str) -> list[Transition]:
    """The transitions by which this form is sent from where the application, or its child, stands now."""
    workflow, own = workflow_of(application), OwnForm.read(form_id)
    if own is None:
        leaving, name = workflow.transitions_from(application.state), form_id
    else:
        row = child_of(application, own)
        leaving = [] if row is None else workflow.children[own.kind].transitions_from(row.state)
        name = own.form
    return [step for step in leaving if any(when.kind == "complete" and when.name == name for when in step.when)]


def _timers(application_id: UUID, form_id: str) -> list[Timer]:
    own = OwnForm.read(form_id)
    whose = {""} if own is None else {"", f"{own.kind}:{own.key}"}
    query = sa.select(Timer).where(
        Timer.application_id == application_id, Timer.status != "cancelled", Timer.subject.in_(whose)
    )
    return list(db.session.scalars(query.order_by(Timer.generation)))


def answers_of(application: Application, form_id: str) -> dict[str, Any]:
    """What stands in one form now; empty before the first save. Who may read it, the caller has decided."""
    return queries.data_of(queries.answers_row(application.id, form_id))


def missing(application: Application, form: Form, data: Mapping[str, Any]) -> list[Missing]:
    """What keeps these answers from being sent, in the form's order."""
    return form.check(data, application.currency)


def save(application: Application, form_id: str, data: Mapping[str, Any], revision: int | None, actor: Actor) -> Saved:
    """Keep these answers as they are, complete or not. Files are not part of it: they come and go by themselves.

    Refused, in this order: NotFound for a form out of sight, ReadOnly and TooLate for one that closed meanwhile, and
    StaleDraft when `revision` is not what stands there now and the answers differ. None saves over whatever stands.
    What now happens by itself happens in the same transaction.
    """
    held, form = _open_form(application.id, form_id, actor)
    row = queries.answers_row(held.id, form_id)
    kept = queries.data_of(row)
    mine = {name: data[name] for name in form.fields if name in data and form.fields[name].type != "file"}
    mine |= {name: kept[name] for name in form.fields if name in kept and form.fields[name].type == "file"}
    differing = differences(form, mine, kept)
    if row is not None and not differing:
        return Saved(row.revision, row.saved_at, is_changed=False)
    if row is not None and revision is not None and revision != row.revision:
        raise StaleDraft(by=queries.name_of(row.saved_by), mine=mine, kept=row, fields=differing)
    row = _keep(held, form, row, mine, actor)
    row.revision += 1
    _follow(held, form_id, row.saved_at)
    db.session.flush()
    saved = Saved(row.revision, row.saved_at)
    happening.settle(held, f"answers:{held.id}:{form_id}:{saved.revision}")
    return saved


def _follow(held: Application, form_id: str, now: datetime) -> None:
    """Whatever looks at these answers to know when it is due looks again."""
    own = OwnForm.read(form_id)
    row = child_of(held, own) if own is not None else None
    if row is not None:
        timers.follow_child(held, row, now)
    else:
        timers.follow_fields(held, now)


def differences(form: Form, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The fields in which two versions differ, in the form's order; the ids of table rows do not count."""
    return [name for name in form.fields if _told(mine.get(name)) != _told(theirs.get(name))]


def _told(answer: Any) -> Any:
    """An answer without what nobody wrote."""
    if isinstance(answer, list):
        return [_told(each) for each in answer]
    if isinstance(answer, Mapping):
        return {name: each for name, each in answer.items() if name != "_id"}
    return answer


def _open_form(application_id: UUID, form_id: str, actor: Actor) -> tuple[Application, Form]:
    """The application under its lock and a form that the actor may edit this very moment."""
    held = locked(application_id)
    form, may = form_of(held, form_id), cell_of(held, form_id, actor)
    if "view" not in may:
        raise NotFound
    title = form.title
    if "edit" not in may:
        raise ReadOnly(form=title)
    ended = closed_at(held, form_id)
    if ended is not None:
        raise TooLate(form=title, closed_at=ended)
    return held, form


def _keep(held: Application, form: Form, row: Answers | None, data: dict[str, Any], actor: Actor) -> Answers:
    if actor.id is None:
        raise Forbidden(who=held.number)
    if row is None:
        row = Answers(application_id=held.id, form=form.id, revision=0)
        db.session.add(row)
    row.data, row.saved_at, row.saved_by = data, clock.now(), actor.id
    repeat_for_lists(held, form, data)
    return row


def repeat_for_lists(held: Application, form: Form, data: Mapping[str, Any]) -> None:
    """Lists show the title and the amount asked for without opening a form: two answers, `title` and `requested`."""
    if OwnForm.read(form.id) is not None:
        return
    values = form.values(data, held.currency)
    if "title" in form.fields:
        held.title = str(values["title"] or "")[:LONGEST_TITLE]
    if "requested" in form.fields:
        amount = values["requested"]
        held.requested_minor = amount.minor if amount is not None and amount.minor >= 0 else None


def file_field(form: Form, field_id: str) -> Field:
    """The question for files of this name, or NotFound."""
    question = form.fields.get(field_id)
    if question is None or question.type != "file":
        raise NotFound
    return question


def attach(application: Application, form_id: str, field_id: str, received: Received, actor: Actor) -> File:
    """Add a file, whose content is kept already, to a question of a form that is open to the actor."""
    held, form = _open_form(application.id, form_id, actor)
    question = file_field(form, field_id)
    row = queries.answers_row(held.id, form_id)
    data = queries.data_of(row)
    there = list(data.get(field_id) or [])
    if len(there) >= question.max_files:
        raise TooManyFiles(count=question.max_files)
    file = File(
        application_id=held.id,
        form=form_id,
        field=field_id,
        name=received.name,
        media_type=received.media_type,
        size=received.size,
        sha256=received.sha256,
        uploaded_by=actor.id,
    )
    db.session.add(file)
    db.session.flush()
    # The revision stays: files are added and taken out one by one, so they never overwrite what a colleague typed.
    _keep(held, form, row, {**data, field_id: [*there, str(file.id)]}, actor)
    db.session.flush()
    happening.settle(held, f"file:{file.id}:added")
    return file


def detach(application: Application, form_id: str, file_id: UUID, actor: Actor) -> None:
    """Take a file out of a form that is open to the actor. What was sent once keeps its record of it."""
    held, form = _open_form(application.id, form_id, actor)
    file = db.session.get(File, file_id)
    if file is None or (file.application_id, file.form) != (held.id, form_id):
        raise NotFound
    row = queries.answers_row(held.id, form_id)
    data = queries.data_of(row)
    left = [each for each in data.get(file.field) or [] if each != str(file_id)]
    _keep(held, form, row, {name: each for name, each in {**data, file.field: left}.items() if each != []}, actor)
    if not queries.was_sent(file):
        db.session.delete(file)
    db.session.flush()
    happening.settle(held, f"file:{file_id}:removed")


def file_for(actor: Actor, file_id: UUID) -> File:
    """The file, if it belongs to a form that the actor may see now; NotFound otherwise."""
    file = queries.file_row(file_id)
    application = queries.application_for(actor, file.application_id)
    readable_form(application, file.form, actor)
    return file


def freeze(application: Application, forms: list[str], event_seq: int) -> dict[str, str]:
    """Copy these forms' answers as they stand into the record of an event; their digests, by form.

    Under `_files` each copy names its files by the digest of their content, so that the digest covers these too.
    """
    digests = {}
    for form_id in forms:
        data = answers_of(application, form_id)
        named = {
            each for answer in data.values() if isinstance(answer, list) for each in answer if isinstance(each, str)
        }
        files = {key: file.sha256 for key, file in queries.files_of(application.id, form_id).items() if key in named}
        whole = {**data, "_files": files} if files else data
        digests[form_id] = hashlib.sha256(canonical_json(whole).encode()).hexdigest()
        db.session.add(
            SentAnswers(
                application_id=application.id, event_seq=event_seq, form=form_id, data=whole, sha256=digests[form_id]
            )
        )
    return digests
