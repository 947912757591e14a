"""The administrators' page of deadlines: the brake and what waits behind it, and outages that give time back.

Both need a reason, which is kept with the person's name. An outage is looked at once more before anything moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.widgets import DateTimeLocalInput

from fundflow.accounts.policy import administrator
from fundflow.accounts.queries import people_named
from fundflow.db import db, transaction
from fundflow.desk import queries
from fundflow.desk.views import pages
from fundflow.errors import Refused
from fundflow.lifecycle import brakes, inputs, outages
from fundflow.lifecycle.models import Application, Timer
from fundflow.rounds.models import Round
from fundflow.rounds.wall import instant_of
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.web.refusals import sentence
from fundflow.web.shell import nav_item


class ReleaseForm(FlaskForm):  # type: ignore[misc]
    """Why the deadlines may act."""

    reason = TextAreaField(_l("Reason"), render_kw={"rows": 3, "maxlength": 4000})


class OutageForm(FlaskForm):  # type: ignore[misc]
    """From when until when nobody could work, by the clock of whoever says so, and why."""

    begun = StringField(_l("From"), widget=DateTimeLocalInput())
    ended = StringField(_l("Until"), widget=DateTimeLocalInput())
    why = TextAreaField(
        _l("Reason"),
        description=_l("Every city whose deadline moves reads this."),
        render_kw={"rows": 3, "maxlength": 4000},
    )
    sure = HiddenField()

    def span(self) -> tuple[datetime, datetime] | None:
        """The two moments; None where one cannot be read, with a sentence at its field."""
        found = []
        for field in (self.begun, self.ended):
            try:
                found.append(instant_of(field.data or "", reader.zone().key))
            except Refused as refusal:
                field.errors = [*field.errors, sentence(refusal)]
        return (found[0], found[1]) if len(found) == 2 else None


@dataclass(frozen=True, slots=True)
class Heap:
    """So many applications of a round that one transition waits for."""

    round_title: str
    step: str
    count: int


def add_to_navigation() -> None:
    """Put the page beside the jobs."""
    nav_item(_l("Deadlines"), "desk.deadlines", administrator, 91)


@pages.get("/admin/timers")
@requires(administrator)
def deadlines() -> ResponseReturnValue:
    """Whether the brake is on, what waits behind it, and what was decided before."""
    return _page(ReleaseForm(), OutageForm())


@pages.post("/admin/timers/brakes/<int:number>/release")
@requires(administrator)
def release_brake(number: int) -> ResponseReturnValue:
    """Let the deadlines act that wait behind the brake."""
    form = ReleaseForm()
    try:
        with transaction():
            brakes.release(number, form.reason.data, g.actor)
    except Refused as refusal:
        if refusal.status == 404:
            raise
        form.reason.errors = [sentence(refusal)]
        return _page(form, OutageForm(formdata=None)), refusal.status
    flash(_("The deadlines go on."), "success")
    return redirect(url_for(".deadlines"), 303)


@pages.post("/admin/timers/outages")
@requires(administrator)
def tell_outage() -> ResponseReturnValue:
    """Show what an outage would move; told once more, move it. Telling it again moves nothing."""
    form = OutageForm()
    span = form.span()
    if span is None:
        return _page(ReleaseForm(formdata=None), form), 422
    try:
        if not form.sure.data:
            moves = outages.preview(*span)
            if not inputs.line(form.why.data):
                raise brakes.NoReason
            form.sure.data = "yes"
            return _page(ReleaseForm(formdata=None), form, moves=moves)
        with transaction():
            outage = outages.tell(*span, reason=form.why.data, actor=g.actor)
    except Refused as refusal:
        target = form.why if isinstance(refusal, brakes.NoReason | inputs.TooLong) else form.ended
        target.errors = [sentence(refusal)]
        return _page(ReleaseForm(formdata=None), form), refusal.status
    flash(_("The outage is recorded. Deadlines that moved: %(n)s.", n=outage.timers), "success")
    return redirect(url_for(".deadlines"), 303)


def _page(release: ReleaseForm, outage: OutageForm, moves: Sequence[outages.Move] | None = None) -> str:
    brake = brakes.standing()
    released, told = brakes.past(), outages.past()
    return render_template(
        "desk/deadlines.html",
        brake=brake,
        most=brakes.most(),
        heaps=_waiting() if brake is not None else [],
        release=release,
        outage=outage,
        moves=moves,
        moved_applications=len({move.application.id for move in moves or ()}),
        released=released,
        told=told,
        names=people_named(
            person for person in (*(b.released_by for b in released), *(o.recorded_by for o in told)) if person
        ),
        zone=reader.zone_label(),
    )


def _waiting() -> list[Heap]:
    """What would happen if the brake were released now, by round and step."""
    workflows = queries.workflows_in_use()
    rows: Any = db.session.execute(
        sa.select(Round.title, Application.definition_sha, Timer.starts, sa.func.count())
        .select_from(Timer)
        .join(Application, Application.id == Timer.application_id)
        .join(Round, Round.id == Application.round_id)
        .where(brakes.is_waiting())
        .group_by(Round.title, Application.definition_sha, Timer.starts)
        .order_by(Round.title, Timer.starts)
    )
    found = []
    for title, sha, starts, count in rows:
        step = workflows[sha].transitions.get(starts) if sha in workflows else None
        found.append(Heap(title, step.label.in_(reader.language()) if step else starts, count))
    return found
