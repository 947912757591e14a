"""What every page of a meeting shares: the blueprint, what stands around a table, and the small form of its buttons."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g

from fundflow.db import db
from fundflow.decisions import policy, words
from fundflow.decisions.agenda import Agenda
from fundflow.decisions.forms import ActForm
from fundflow.decisions.models import Meeting
from fundflow.rounds.models import Round

pages = Blueprint("decisions", __name__)


def around(meeting: Meeting, table: Agenda) -> dict[str, Any]:
    may_prepare = policy.may_prepare(g.actor, meeting.round_id)
    both = (meeting.proposed_by, meeting.released_by)
    return {
        "meeting": meeting,
        "round": db.session.get_one(Round, meeting.round_id),
        "table": table,
        "status": words.status(meeting.status),
        "may_prepare": may_prepare,
        "may_release": may_prepare and meeting.status == "proposed" and meeting.proposed_by != g.actor.id,
        "may_take_back": may_prepare
        and (meeting.status == "proposed" or (meeting.status == "released" and g.actor.id in both)),
    }


def act_form(meeting: Meeting) -> ActForm:
    form = ActForm(formdata=None)
    form.revision.data, form.attempt.data = str(meeting.revision), str(meeting.attempt)
    return form
