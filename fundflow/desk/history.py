"""What happened to an application, in words and for one reader, the latest first.

It tells nobody of an inner move they are shown as standing still, of a check they do not read, or of a talk in private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext

from fundflow.banking.screenings import SCREENING
from fundflow.banking.service import BANK
from fundflow.desk.viewer import Viewer
from fundflow.lifecycle import definitions
from fundflow.lifecycle.collected import DONE
from fundflow.lifecycle.migrating import MIGRATED
from fundflow.lifecycle.models import Event
from fundflow.lifecycle.outages import OUTAGE
from fundflow.lifecycle.record import ERASED, STARTED
from fundflow.reviews.discussions import DISCUSS
from fundflow.workflow.definition import Workflow


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history."""

    title: str
    by: str
    at: datetime
    text: str
    tone: str = ""


def people_in(events: Sequence[Event]) -> set[UUID]:
    """Everyone that the lines may name."""
    found = {person for event in events for person in (event.actor_id, event.acting_for) if person is not None}
    found |= {UUID(event.body["override"]["approved_by"]) for event in events if "override" in event.body}
    return found | {person for event in events if (person := _person_of(event)) is not None}


def history(workflow: Workflow, events: Sequence[Event], viewer: Viewer) -> list[Happened]:
    """The events that this viewer may know of."""
    found = []
    for event in events:
        if is_hidden(workflow, event, viewer):
            continue
        # The minutes of a committee's talk stand on the reviewers' page.
        may_read = (viewer.is_of_fund or viewer.is_of_team) and event.transition != DISCUSS
        found.append(
            Happened(
                # In the words of the rules that it happened by, whatever holds by now.
                past(definitions.get(event.definition_sha), event, viewer),
                _by(event, viewer),
                event.at,
                _text(event, viewer) if may_read else "",
                _tone(event),
            )
        )
    return found[::-1]


def _text(event: Event, viewer: Viewer) -> str:
    """The reason, and for the fund that conditions were overridden, and which."""
    text = event.reason or ""
    told = event.body.get("override")
    if told is None or not viewer.is_of_fund:
        return text
    what = ", ".join(dict.fromkeys(override_words(kind) for kind in told["clauses"])) or _("nothing")
    name = viewer.name_of(UUID(told["approved_by"]))
    overridden = _("Override, approved by %(name)s. Overridden: %(what)s.", name=name, what=what)
    return f"{overridden} {text}"


def account_words() -> dict[str, str]:
    """What happened to a bank account, by the step."""
    return {
        "entered": _("Bank account entered"),
        "called": _("Bank account: the city was called"),
        "verified": _("Bank account: agreed to by a second person"),
        "frozen": _("Bank account: objected to"),
        "refused": _("Bank account put aside"),
        "withdrawn": _("Bank account taken back"),
    }


def override_words(kind: str) -> str:
    """A kind of condition in a word or two."""
    words = {
        "role": _("who may do it"),
        "deadline": _("the deadline"),
        "max": _("how often"),
        "not_same_actor": _("a second person"),
        "complete": _("complete forms"),
        "quorum": _("the quorum"),
        "assigned": _("assigned reviewers"),
        "tasks": _("open tasks"),
        "signed": _("signatures"),
        "overdue": _("that it is overdue"),
    }
    return words.get(kind, _("a condition of the rules"))


def _tone(event: Event) -> str:
    if "override" in event.account:
        return "warning"
    return "danger" if event.outcome and event.to_state is None else ""


def _by(event: Event, viewer: Viewer) -> str:
    account = event.account
    if account.get("cause") == "automatic":
        return _("by itself, as soon as it could")
    by = viewer.name_of(event.actor_id)
    if event.acting_for is not None and viewer.is_of_fund:
        by = _("%(name)s for %(other)s", name=by, other=viewer.name_of(event.acting_for))
    return by


def is_hidden(workflow: Workflow, event: Event, viewer: Viewer) -> bool:
    """What this viewer may not know of."""
    if viewer.sight.is_hidden(event):
        return True
    if event.transition == SCREENING:
        return not viewer.is_of_fund
    if event.transition == BANK:
        return not (viewer.is_of_fund or BANK in viewer.cell.view or BANK in viewer.cell.edit)
    if "." in event.transition:
        return not viewer.is_of_fund and event.transition.partition(".")[0] not in viewer.cell.view
    state = event.from_state or ""
    if event.transition == "sign" and "sign" not in workflow.transitions and state in workflow.states:
        return not viewer.is_of_fund and not viewer.may_see_signing(workflow, state)
    return False


def past(workflow: Workflow, event: Event, viewer: Viewer) -> str:
    """What happened, in the past tense; the step's own label where we have no better word."""
    if event.transition in workflow.transitions or event.transition == STARTED:
        return _step(workflow, event, viewer.language)
    if "." in event.transition:
        return _of_child(workflow, event, viewer.language)
    return _act(workflow, event, viewer)


def _step(workflow: Workflow, event: Event, language: str) -> str:
    known = {
        STARTED: _("Started"),
        "submit": _("Submitted"),
        "send_back": _("Sent back"),
        "approve": _("Approved"),
        "decline": _("Declined"),
        "disburse": _("Paid"),
        "report": _("Report sent"),
        "withdraw": _("Withdrawn"),
        "cancel": _("Award cancelled"),
        "lapse": _("Lapsed: not sent before the deadline"),
        "write_off": _("Closed without a report"),
    }
    return known.get(event.transition) or workflow.transitions[event.transition].label.in_(language)


def _of_child(workflow: Workflow, event: Event, language: str) -> str:
    """Tranche 2: Paid."""
    kind, _colon, key = (event.subject or "").partition(":")
    child = workflow.children.get(kind)
    if child is None:
        return event.transition
    to: str = (event.account.get("child") or {}).get("to") or ""
    step = child.transitions.get(event.transition)
    what = child.states[to].label if to in child.states else step.label if step else None
    name = _("%(kind)s %(key)s", kind=child.label.in_(language), key=key)
    return _("%(name)s: %(what)s", name=name, what=what.in_(language) if what else event.transition)


def _act(workflow: Workflow, event: Event, viewer: Viewer) -> str:
    language, subject = viewer.language, event.subject or ""
    match event.transition:
        case "task" if subject in workflow.tasks:
            return _checked(workflow, event, viewer)
        case "sign":
            state = workflow.states.get(event.from_state or "")
            role = state.signatures.parties.get(subject) if state and state.signatures else None
            return _("Signed: %(party)s", party=workflow.roles[role].label.in_(language) if role else subject)
        case "assign" if subject in workflow.roles:
            label, person = workflow.roles[subject].label.in_(language), _person_of(event)
            if viewer.is_of_fund and person is not None:
                return _("%(role)s chosen: %(name)s", role=label, name=viewer.name_of(person))
            return _("%(role)s chosen", role=label)
        case act if act == DISCUSS:
            return _("Discussed by the committee")
    if event.transition == BANK:
        return account_words().get(subject, subject)
    known = {
        SCREENING: _("Searched in the lists of sanctions"),
        MIGRATED: _("Moved to another version of the rules"),
        OUTAGE: _("Deadlines extended after an outage"),
        ERASED: _("Personal data erased"),
    }
    return known.get(event.transition, event.transition)


def _checked(workflow: Workflow, event: Event, viewer: Viewer) -> str:
    task, result = workflow.tasks[event.subject or ""], event.account.get("result")
    label = task.label.in_(viewer.language)
    if result is None:
        return _("Taken back: %(task)s", task=label)
    state = event.from_state or ""
    if result == DONE or state not in workflow.states or not viewer.may_see_task(workflow, state, task):
        return _("Checked: %(task)s", task=label)
    value = task.values[result].in_(viewer.language) if result in task.values else str(result)
    return _("Checked: %(task)s: %(value)s", task=label, value=value)


def _person_of(event: Event) -> UUID | None:
    """Whom an assignment was about."""
    try:
        return UUID(str(event.account.get("person"))) if event.transition == "assign" else None
    except ValueError:
        return None


def _(text: str, **facts: object) -> str:
    return str(gettext(text, **facts))
