"""What a person enters to make a token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, StringField
from wtforms.validators import InputRequired, Length

from fundflow.web.keyed import KeyedForm


class TokenForm(KeyedForm):
    """What it is for, what it may do, and until when."""

    name = StringField(
        _l("What it is for"),
        validators=[InputRequired(_l("Write what the token is for.")), Length(max=100)],
        render_kw={"autocomplete": "off", "maxlength": 100},
    )
    may = RadioField(_l("What it may do"), validators=[InputRequired(_l("Choose one."))])
    last_day = DateField(
        _l("Last day"),
        validators=[InputRequired(_l("Choose the last day."))],
        description=_l("At most a year from now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may.choices = [("read", _("Read what I may read")), ("act", _("Read, and do what I may do"))]

    def command_key(self, user_id: UUID) -> str:
        """The key of this page's command; one that no page of ours wrote counts as a new one."""
        return self.pressed("token", user_id)
