"""What came in when a person works on a draft: a file's text, a proposal, an answer to one. Judged by the service."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from fundflow.web.fields import clean
from fundflow.web.keyed import KeyedForm


class StudioForm(KeyedForm):
    """A form of the studio that does its work once."""

    def command_key(self, what: str, person: UUID | None) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("studio", what, person)

    @classmethod
    def fresh(cls, **data: Any) -> StudioForm:
        """The form as a page shows it first, with a key of its own."""
        return cls(formdata=None, data={"key": str(uuid4()), **data})


class BeginForm(StudioForm):
    """Which version a draft is begun from."""

    version = HiddenField()


class FileForm(FlaskForm):
    """One file of a draft as it was typed, and the mark of the text that it was typed over."""

    file = HiddenField()
    revision = HiddenField()
    text = TextAreaField(_l("Text"))

    @property
    def written(self) -> str:
        """The text, fit to be kept."""
        return clean(self.text.data or "")


class NewFileForm(FlaskForm):
    """The name of a form to add."""

    name = StringField(_l("Name of the new form file"), description=_l("For example site_visit.yaml."))


class ScenarioForm(FlaskForm):
    """Who applies when, how long work takes and who is there, as a scenario file says it."""

    scenario = TextAreaField(
        _l("Scenario"),
        description=_l("Who applies and when, how long work takes, who is there. Change it and play again."),
        render_kw={"rows": 24, "class": "code", "spellcheck": "false", "wrap": "off"},
    )


class ReasonForm(StudioForm):
    """A proposal: why, for exactly which text, and which warnings are accepted."""

    digest = HiddenField()
    reason = TextAreaField(
        _l("Why is this changed?"),
        validators=[Length(max=4000)],
        description=_l("The second person reads it first, and it stays in the history."),
        render_kw={"rows": 4, "maxlength": 4000},
    )

    @property
    def accepted(self) -> list[str]:
        """The marks of the warnings that were ticked."""
        return request.form.getlist("accept")[:500]


class AnswerForm(FlaskForm):
    """Publish, or send back with a reason; for exactly the text of this digest."""

    digest = HiddenField()
    answer = RadioField(_l("Your answer"), validators=[InputRequired(_l("Choose one."))])
    reason = TextAreaField(
        _l("Reason"),
        validators=[Length(max=4000)],
        description=_l("Needed where you send it back. Whoever proposed it reads it."),
        render_kw={"rows": 4, "maxlength": 4000},
    )

    def __init__(self, *args: Any, is_mine: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        back = _("Take it back") if is_mine else _("Send it back: the draft stays open")
        publish = [] if is_mine else [("publish", _("Publish: from now on rounds can choose it"))]
        self.answer.choices = [*publish, ("return", back)]
