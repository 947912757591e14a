"""Forms that do their work once, however often they are sent, and say each refusal where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from flask_wtf import FlaskForm
from wtforms import HiddenField

from fundflow.errors import Refused
from fundflow.web.refusals import sentence


class KeyedForm(FlaskForm):
    """A form with a key that the page wrote into it."""

    key = HiddenField()

    def pressed(self, *what: object) -> str:
        """The key of this page's command, after what it is about. What no page of ours wrote counts as a new one."""
        try:
            key = UUID(self.key.data or "")
        except ValueError:
            key = uuid4()
        return ":".join(map(str, (*what, key)))

    def say(self, problems: Mapping[str, Refused]) -> None:
        """Put each refusal at its field, or over the form where it has none."""
        for name, problem in problems.items():
            if name in self:
                self[name].errors = [*self[name].errors, sentence(problem)]
            else:
                self.form_errors.append(sentence(problem))
