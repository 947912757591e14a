"""What came in when reviewers are asked, when one answers about a conflict, and when a request is taken back.

What cannot be read stays in the form as it was typed; who may do it is not decided here.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import DateTimeLocalInput

LONGEST = 2000
"""Characters of a reason."""


class AssignForm(FlaskForm):
    """Whom to ask, and by when. People are checked against the list of candidates by the service, not here."""

    people = SelectMultipleField(_l("Reviewers"), choices=[], validate_choice=False)
    due = StringField(_l("Due"), widget=DateTimeLocalInput())

    def chosen(self) -> list[UUID]:
        """The people chosen, as ids; what is no id was not on the page and counts as nobody."""
        return [found for text in self.people.data or [] if (found := _id(text)) is not None]


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


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
