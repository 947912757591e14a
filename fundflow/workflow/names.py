"""Everything the parts of a workflow file refer to by name, gathered while they are read one after the other.

A name that nothing has is reported where it stands, with the nearest one that exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from fundflow.workflow.definition import OPERATIONS, SYSTEM, Review, Role, Task, When
from fundflow.workflow.expressions import Expression, Type, WrongExpression, compile_expression
from fundflow.workflow.forms import Form
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.text import Text, from_id


@dataclass
class Names:
    """Everything the parts of a file refer to by name, and what it takes to read the rest."""

    source: Source
    files: Callable[[str], str | None]
    main: str
    known_templates: Collection[str] | None
    languages: tuple[str, ...] = ("en",)
    currency: str = "EUR"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    states: tuple[str, ...] = ()
    transitions: tuple[str, ...] = ()
    timers: tuple[str, ...] = ()
    reviews: dict[str, Review] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    child_steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The transitions of each kind of child."""
    child_states: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The states of each kind of child."""
    child_timers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The timers of each kind of child; `timers` are the application's own."""
    own_forms: dict[str, str] = field(default_factory=dict)
    """The forms that children have for themselves, by kind of child."""
    parties: tuple[str, ...] = ()
    """Everyone who signs in some state."""
    tasks: dict[str, Task] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    rules: dict[str, When] = field(default_factory=dict)
    outcomes: Mapping[str, Text] = field(default_factory=dict)
    environment: dict[str, Type] = field(default_factory=dict)
    kind: str = ""
    """The kind of child whose part is being read; empty for the application itself."""
    columns: dict[str, Mapping[str, Type]] = field(default_factory=dict)
    """The fields of each kind of child with their types."""
    moves: tuple[str, ...] = OPERATIONS
    """What may be done with money there."""
    texts: dict[str, str] = field(default_factory=dict)
    form_sources: list[Source] = field(default_factory=list)
    form_files: dict[str, str] = field(default_factory=dict)
    """The file that each form was read from."""
    forms_read: Mapping[str, Form] = field(default_factory=dict)
    """Forms by name that were read before from the very same files; they are taken as they are."""

    def whole(self, transition: str) -> str:
        """A transition's id as it is known outside its child: ``tranche.pay``."""
        return f"{self.kind}.{transition}" if self.kind else transition

    def role(self, place: Place, *, system: bool = False) -> str | None:
        known = (*self.roles, SYSTEM) if system else tuple(self.roles)
        return place.named(known, "role", "FF130")

    def state(self, place: Place) -> str | None:
        return place.named(self.states, "state", "FF101")

    def transition(self, place: Place, code: str) -> str | None:
        return place.named(self.transitions, "transition", code)

    def words(self, settings: Mapping[str, Place], name: str) -> Text | None:
        return settings[name].words(self.languages) if name in settings else None

    def label(self, settings: Mapping[str, Place], name: str, place: Place) -> Text:
        """The label given, or one made of the id where the workflow speaks one language."""
        if "label" in settings:
            return settings["label"].words(self.languages) or from_id(name)
        if len(self.languages) > 1:
            place.error("FF186", f"'{name}' needs a label in {' and '.join(self.languages)}", key=True)
        return from_id(name)

    def template(self, place: Place) -> str | None:
        """The name of a mail or document; whether it exists is checked where templates are known."""
        name = place.string()
        if name is not None and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            place.error("FF014", f"'{name}' cannot name a template: use small letters, digits and _")
            return None
        if name is not None and self.known_templates is not None and name not in self.known_templates:
            place.error("FF180", f"there is no template '{name}'{did_you_mean(name, self.known_templates)}")
        return name

    def expression(self, place: Place, types: Mapping[str, Type], wanted: Type | None) -> Expression | None:
        """The compiled expression; each mistake is reported at its own place in the text."""
        value = place.value
        text = ("true" if value else "false") if isinstance(value, bool) else value
        if isinstance(text, int):
            text = str(text)
        if not isinstance(text, str):
            place.string()
            return None
        try:
            return compile_expression(text, types, self.currency, wanted, self.zone)
        except WrongExpression as wrong:
            for error in wrong.errors:
                place.error(error.code, error.message, offset=error.at)
        return None
