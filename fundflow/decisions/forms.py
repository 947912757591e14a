"""What came in when a meeting is prepared. Judged by the service."""

from __future__ import annotations

from uuid import UUID

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget

from fundflow.decisions.service import About
from fundflow.web.keyed import KeyedForm


class Tick(SelectMultipleField):
    """A list of people to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MeetingForm(KeyedForm):
    """What a meeting itself says."""

    revision = HiddenField()
    title = StringField(_l("Title"), [InputRequired(), Length(max=200)])
    day = DateField(_l("Day of the meeting"), [InputRequired()])
    attended = Tick(_l("Who was there"), choices=[], validators=[Optional()])
    minutes = TextAreaField(_l("Minutes"), [Optional(), Length(max=40_000)])
    embargo = StringField(
        _l("Nothing before"),
        [Optional()],
        description=_l(
            "Empty: as soon as it can no longer be taken back. Otherwise a date and time in the round’s zone."
        ),
        widget=DateTimeLocalInput(),
    )

    @property
    def about(self) -> About:
        return About(
            title=self.title.data or "",
            day=self.day.data,
            minutes=self.minutes.data or "",
            attended=[UUID(each) for each in self.attended.data or []],
            embargo=self.embargo.data or "",
        )

    @property
    def seen_revision(self) -> int:
        return _number(self.revision.data)

    def command_key(self, person: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("meeting", person)


class ItemForm(FlaskForm):
    """What is recommended for one application, beside the workflow's own form."""

    revision = HiddenField()
    answers_revision = HiddenField()
    transition = RadioField(_l("What is to be done"), choices=[], validate_choice=False)
    place = IntegerField(
        _l("Place on the reserve list"),
        [Optional(), NumberRange(1, 1000)],
        description=_l("Only for the reserve list: who is first to get money that becomes free."),
    )
    reason = TextAreaField(
        _l("Reason that the city reads"),
        [Optional(), Length(max=4000)],
        description=_l("Needed where it is not selected; it stands in the letter word for word."),
    )
    exception = TextAreaField(
        _l("Why out of the order of the scores"),
        [Optional(), Length(max=4000)],
        description=_l("Only where one with a lower score is treated better. The city does not read it."),
    )
    stayed_out = Tick(_l("Who left the meeting for it"), choices=[], validators=[Optional()])

    @property
    def seen_revision(self) -> int:
        return _number(self.revision.data)

    @property
    def seen_answers(self) -> int | None:
        number = _number(self.answers_revision.data)
        return None if number < 0 else number


class ActForm(FlaskForm):
    """Proposing, releasing and taking back: only what the person saw."""

    revision = HiddenField()
    attempt = HiddenField()
    digest = HiddenField()

    @property
    def seen_revision(self) -> int:
        return _number(self.revision.data)

    @property
    def seen_attempt(self) -> int:
        return _number(self.attempt.data)


def _number(text: str | None) -> int:
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
