"""What a person enters to make one transition happen: the declared fields, a reason, a confirmation.

It keeps everything as it was typed; what it means is judged by the command, so that a page and a machine are told the
same. The key makes a double click one command, and the revision says what the person was looking at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import DateInput

from fundflow.awards import marks
from fundflow.errors import Refused
from fundflow.lifecycle.models import Application
from fundflow.lifecycle.signing import Mark
from fundflow.web.keyed import KeyedForm
from fundflow.web.refusals import sentence
from fundflow.workflow.definition import Input, Transition

PREFIX = "input_"


class ActForm(KeyedForm):
    """The parts that every transition has; `act_form` adds what one of them asks for."""

    revision = HiddenField()

    def command_key(self, application: Application, actor_id: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("desk", application.id, actor_id)

    def revision_for(self, application: Application, seen: int) -> int:
        """The revision to act on, for whoever can tell of `seen`: what they cannot tell makes their page no old one."""
        return application.revision if self.seen_revision == seen else -1

    @property
    def seen_revision(self) -> int:
        """The revision the person saw; -1, which is never the present one, where it was tampered with or left out."""
        text = next(iter(self.revision.raw_data or ()), "")  # what came in: a default would be the present one
        return int(text) if text.isdecimal() and len(text) < 10 else -1

    def look_again(self, revision: int) -> None:
        """Take the present revision for seen: the page shows things as they are now."""
        self.revision.data = str(revision)

    def inputs(self) -> dict[str, str]:
        """The declared fields as they were typed."""
        return {field.name.removeprefix(PREFIX): field.data or "" for field in self if field.name.startswith(PREFIX)}

    @property
    def reason_given(self) -> str | None:
        """The reason as it was typed; None where the step asks for none."""
        return self["reason"].data if "reason" in self else None

    def say(self, problems: Mapping[str, Refused]) -> None:
        """Put each refusal at its field."""
        for name, problem in problems.items():
            target = "reason" if name == "reason" else PREFIX + name
            if target not in self:
                self.form_errors.append(sentence(problem))
                continue
            if name == "reason" and "field" in problem.facts:  # only this page knows what it calls it
                problem.facts["field"] = self[target].label.text
            self[target].errors = [*self[target].errors, sentence(problem)]


class AnswerForm(FlaskForm):
    """Yes or no, and why not."""

    answer = RadioField(_l("Your answer"), validators=[InputRequired(_l("Choose one."))])
    reason = TextAreaField(
        _l("Reason"),
        validators=[Length(max=4000)],
        description=_l("Needed where you refuse. Whoever asked reads it."),
        render_kw={"rows": 4, "maxlength": 4000},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer.choices = [
            ("approve", _("Approve: it is done at once")),
            ("refuse", _("Refuse: nothing is done")),
        ]


def act_form(
    transition: Transition, application: Application, language: str, revision: int, *, always_reason: bool = False
) -> ActForm:
    """The form that this transition asks for; on a GET with a key of its own and the revision that the person sees."""
    parts: dict[str, Any] = {
        PREFIX + name: _field(each, application, language) for name, each in transition.input.items()
    }
    if transition.reason or always_reason:
        parts["reason"] = TextAreaField(
            _l("Reason"),
            description=_l("The city's team reads this."),
            render_kw={"rows": 5, "maxlength": 4000},
        )
    if transition.confirm:
        parts["confirm"] = BooleanField(
            _l("Yes, I am sure"), validators=[InputRequired(_l("Tick this box to show that you are sure."))]
        )
    made = type("TransitionForm", (ActForm,), parts)
    form: ActForm = made(key=str(uuid4()), revision=str(revision))
    return form


def _field(asked: Input, application: Application, language: str) -> Field:
    label, text = asked.label.in_(language), asked.help.in_(language) if asked.help else ""
    if asked.type == "date":
        return StringField(label, description=text, widget=DateInput())
    attributes = {"autocomplete": "off", "maxlength": 4000}
    if asked.type in ("money", "decimal"):
        attributes["inputmode"] = "decimal"
    elif asked.type == "integer":
        attributes["inputmode"] = "numeric"
    if asked.type == "money":
        label = _("%(label)s (%(currency)s)", label=label, currency=application.currency)
    return StringField(label, description=text, render_kw=attributes)


class TaskForm(ActForm):
    """What a task came to: one of its values, or that it is taken back."""

    value = StringField()
    take_back = HiddenField()


class SignForm(ActForm):
    """A signature: the name as it is typed, the mark where it is drawn or attached, and the digest of what was read."""

    sha256 = HiddenField()
    name = StringField(
        _l("Your full name"),
        description=_l("Type it as it stands in the document."),
        render_kw={"autocomplete": "name", "maxlength": 200},
    )
    made = RadioField(
        _l("How do you sign?"),
        choices=[
            SelectChoice("typed", _l("With my typed name")),
            SelectChoice("drawn", _l("I draw my signature")),
            SelectChoice("uploaded", _l("I attach a picture of my signature")),
        ],
        default="typed",
        validators=[InputRequired(_l("Choose one."))],
    )
    drawing = HiddenField()
    picture = FileField(
        _l("Picture of your signature"),
        description=_l("PNG or JPEG, at most 2 MB. Only the ink is kept; where and when it was taken is not."),
        render_kw={"accept": "image/png,image/jpeg"},
    )
    confirm = BooleanField(
        _l("I have read the document and sign it for those I represent."),
        validators=[InputRequired(_l("Tick this box to show that you have read it."))],
    )

    @classmethod
    def for_revision(cls, revision: int) -> SignForm:
        """On a GET with a key of its own and the revision that the person sees."""
        return cls(key=str(uuid4()), revision=str(revision))

    def mark(self) -> Mark:
        """The mark, its image kept. To be called outside any transaction; raises what `awards.marks` refuses."""
        match self.made.data:
            case "drawn":
                return marks.from_drawing(self.drawing.data or "")
            case "uploaded":
                if not self.picture.data:
                    raise marks.EmptyPicture()
                with self.picture.data.stream as stream:
                    return marks.from_upload(stream)
        return Mark()

    @property
    def mark_field(self) -> str:
        """The field at which a refused mark is told."""
        return "picture" if self.made.data == "uploaded" else "made"

    def say(self, problems: Mapping[str, Refused]) -> None:
        """Put each refusal at its field."""
        for name, problem in problems.items():
            self[name].errors = [*self[name].errors, sentence(problem)]
