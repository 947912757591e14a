"""What came in when reviewers are asked, when one answers about a conflict, and when a request is taken back.

What cannot be read stays in the form as it was typed; who may do it is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import DateTimeLocalInput

from fundflow.web.keyed import KeyedForm

LONGEST = 2000
"""Characters of a reason."""
LONGEST_MINUTES = 10_000
"""Characters of the minutes of a discussion."""


class AssignForm(FlaskForm):
    """Whom to ask, and by when. People are checked against the list of candidates by the service, not here."""

    people = SelectMultipleField(_l("Reviewers"), choices=[], validate_choice=False)
    reserve = SelectMultipleField(_l("Reserve"), choices=[], validate_choice=False)
    """In the order of calling; an empty choice names nobody."""
    due = StringField(_l("Due"), widget=DateTimeLocalInput())

    def chosen(self) -> list[UUID]:
        """The people chosen, as ids; what is no id was not on the page and counts as nobody."""
        return ids_of(self.people.data or [])

    def standing_by(self) -> list[UUID]:
        """The stand-bys chosen, in their order."""
        return ids_of(self.reserve.data or [])


class DeclareForm(FlaskForm):
    """Whether the reviewer has a conflict of interest, and which."""

    answer = RadioField(
        _l("Do you have a conflict of interest?"),
        choices=[
            SelectChoice("none", _l("No, I have none and can judge this application on its merits")),
            SelectChoice("conflict", _l("Yes, I have a conflict of interest")),
        ],
        validators=[InputRequired(_l("Choose one of the two."))],
    )
    reason = TextAreaField(
        _l("What the conflict is"),
        description=_l("Only if you have one. The fund managers read it; the applicant never does."),
        validators=[Length(max=LONGEST)],
        render_kw={"rows": 3},
    )
    confirmed = HiddenField()

    def validate_reason(self, field: Any) -> None:
        if self.answer.data == "conflict" and not (field.data or "").strip():
            raise ValidationError(_("Say in a few words what the conflict is, so that the fund can record it."))

    @property
    def has_conflict(self) -> bool:
        return bool(self.answer.data == "conflict")

    @property
    def is_confirmed(self) -> bool:
        """Whether the person saw the answer once more before it became final: the same answer, not just any."""
        return bool(self.confirmed.data) and self.confirmed.data == self.answer.data


class WithdrawForm(FlaskForm):
    """Why a request is taken back."""

    reason = TextAreaField(
        _l("Reason"),
        description=_l("The reviewer reads it."),
        validators=[Length(max=LONGEST)],
        render_kw={"rows": 3},
    )

    def validate_reason(self, field: Any) -> None:
        if not (field.data or "").strip():
            raise ValidationError(_("Say why you take this request back; the reviewer is told."))


class DeclineForm(FlaskForm):
    """Why a reviewer gives a request back."""

    reason = TextAreaField(
        _l("Reason"),
        description=_l("The fund managers read it; the applicant never does."),
        validators=[Length(max=LONGEST)],
        render_kw={"rows": 3},
    )

    def validate_reason(self, field: Any) -> None:
        if not (field.data or "").strip():
            raise ValidationError(
                _("Say in a few words why you cannot review this application, so that the fund can ask somebody else.")
            )


class MinutesForm(KeyedForm):
    """What was said when the committee talked a case over."""

    revision = HiddenField()
    minutes = TextAreaField(
        _l("Minutes"),
        description=_l("Who took part, what was weighed, what changed. The fund and the reviewers who sent read it."),
        validators=[Length(max=LONGEST_MINUTES)],
        render_kw={"rows": 10},
    )

    def validate_minutes(self, field: Any) -> None:
        if not (field.data or "").strip():
            raise ValidationError(_("Write down what was said: the minutes are kept with the discussion."))

    def command_key(self, application_id: UUID, actor_id: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("discuss", application_id, actor_id)

    @property
    def seen_revision(self) -> int:
        """The revision the person saw; -1, which is never the present one, where it was tampered with."""
        text = self.revision.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def ids_of(texts: Iterable[str]) -> list[UUID]:
    """The ids among what was sent, in their order; everything else names nobody."""
    return [found for text in texts if (found := _id(text)) is not None]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
