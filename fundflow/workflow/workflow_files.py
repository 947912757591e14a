"""The main file into a workflow: names resolved, texts in every language, expressions compiled.

What the format names and this version does not do is refused with a sentence, never passed over.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from babel.numbers import list_currencies

from fundflow.workflow import environment, form_files
from fundflow.workflow.definition import SYSTEM, Review, Role, State, Timer, When
from fundflow.workflow.expressions import (
    INSTANT,
    WRONG,
    Expression,
    Type,
    WrongExpression,
    compile_expression,
    record,
)
from fundflow.workflow.forms import Form
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source
from fundflow.workflow.text import Text, from_id

FORMAT = "fundflow/1"
_LANGUAGES = ("en", "fr", "es", "pt", "ar", "de", "it", "nl", "pl", "uk", "tr", "sw")
_KNOWN = (
    "format",
    "workflow",
    "version",
    "title",
    "languages",
    "currency",
    "calendar",
    "roles",
    "forms",
    "rules",
    "states",
    "reviews",
    "transitions",
    "timers",
    "outcomes",
)
_LATER = ("phases", "children", "migrate", "examples")
_NEEDED = ("format", "workflow", "version", "title", "currency", "roles", "states", "transitions")


@dataclass
class Names:
    """Everything the parts of a file refer to by name, and what it takes to read the rest."""

    source: Source
    files: Callable[[str], str | None]
    main: str
    known_templates: Collection[str] | None
    languages: tuple[str, ...] = ("en",)
    currency: str = "EUR"
    states: tuple[str, ...] = ()
    transitions: tuple[str, ...] = ()
    timers: tuple[str, ...] = ()
    reviews: dict[str, Review] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    rules: dict[str, When] = field(default_factory=dict)
    outcomes: Mapping[str, Text] = field(default_factory=dict)
    environment: dict[str, Type] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    form_sources: list[Source] = field(default_factory=list)

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
            return compile_expression(text, types, self.currency, wanted)
        except WrongExpression as wrong:
            for error in wrong.errors:
                place.error("FF110", error.message, offset=error.at)
        return None


def head(names: Names, top: dict[str, Place]) -> dict[str, Any]:
    """What stands above the roles: what it is, which languages, money and time zone."""
    found: dict[str, Any] = {"id": "", "version": 1, "timezone": "UTC", "title": None}
    if "format" in top:
        top["format"].one_of([FORMAT])
    if "languages" in top:
        given = [place.one_of(_LANGUAGES) for place in top["languages"].items()]
        names.languages = tuple(dict.fromkeys(language for language in given if language)) or ("en",)
    if "workflow" in top:
        found["id"] = top["workflow"].string() or ""
        if found["id"] and not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", found["id"]):
            top["workflow"].error("FF014", f"'{found['id']}' cannot name a workflow; write for example small-grant")
    if "version" in top:
        found["version"] = top["version"].integer(1, 1_000_000) or 1
    if "currency" in top:
        code = top["currency"].string()
        if code is not None and code not in list_currencies():
            top["currency"].error("FF012", f"'{code}' is not a currency code{did_you_mean(code, list_currencies())}")
        elif code is not None:
            names.currency = code
    if "title" in top:
        found["title"] = top["title"].words(names.languages)
    if "calendar" in top:
        calendar = top["calendar"].settings(
            ("timezone",), needed=("timezone",), later=("holidays", "week"), what="calendar"
        )
        zone = calendar["timezone"].string() if "timezone" in calendar else None
        if zone is not None and zone not in available_timezones():
            close = did_you_mean(zone, available_timezones())
            calendar["timezone"].error("FF161", f"'{zone}' is not a time zone{close}")
        elif zone is not None:
            found["timezone"] = zone
    return found


def top_of(source: Source) -> dict[str, Place]:
    """The settings of the main file."""
    place = Place(source, (), source.data)
    return place.settings(_KNOWN, needed=_NEEDED, later=_LATER, what="a workflow")


def roles(names: Names, top: dict[str, Place]) -> None:
    entries = top["roles"].entries("role") if "roles" in top else {}
    for name, place in entries.items():
        if name == SYSTEM:
            place.error("FF014", "'system' is there without being declared: it is the clock", key=True)
            continue
        settings = place.settings(
            ("is", "label", "duty", "group", "review", "never_also"), needed=("is",), what=f"the role '{name}'"
        )
        kind: Any = settings["is"].one_of(("team", "group", "panel"), later=("field",)) if "is" in settings else None
        for setting, owner in (("duty", "team"), ("group", "group"), ("review", "panel")):
            if setting in settings and kind is not None and kind != owner:
                settings[setting].error("FF010", f"'{setting}' belongs to a role that is {owner}", key=True)
        if kind in ("group", "panel") and (missing := "group" if kind == "group" else "review") not in settings:
            place.error("FF011", f"the role '{name}' needs '{missing}'", key=True)
        names.roles[name] = Role(
            id=name,
            label=names.label(settings, name, place),
            kind=kind or "team",
            duty=settings["duty"].string() if "duty" in settings else None,
            group=settings["group"].string() if "group" in settings else None,
            review=settings["review"].string() if "review" in settings else None,
        )
    for name, place in entries.items():
        if name in names.roles and isinstance(place.value, dict) and place.value.get("never_also") is not None:
            others = [names.role(other) for other in place.at("never_also").one_or_many()]
            given = names.roles[name]
            names.roles[name] = Role(
                id=name,
                label=given.label,
                kind=given.kind,
                duty=given.duty,
                group=given.group,
                review=given.review,
                never_also=frozenset(other for other in others if other),
            )


def forms(names: Names, top: dict[str, Place]) -> None:
    for name, place in (top["forms"].entries("form") if "forms" in top else {}).items():
        path = place.string()
        if path is None:
            continue
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(names.main), path))
        text = None if whole.startswith(("..", "/")) else names.files(whole)
        if text is None:
            place.error("FF016", f"there is no file '{path}' beside this one")
            continue
        names.texts[whole] = text
        source = read_source(whole, text)
        names.form_sources.append(source)
        form = form_files.read_form(source, name, names.languages) if source.data is not None else None
        names.forms[name] = form or Form(id=name, title=from_id(name), sections=())
    owner: dict[str, str] = {}
    sheets = _sheets(top)
    for name, form in names.forms.items():
        for field_name in form.fields if name not in sheets else ():
            if field_name in environment.APPLICATION:
                message = f"'{field_name}' is what every application has anyway; give the field another name"
                top["forms"].at(name).error("FF025", message)
            if field_name in owner and top["forms"].value.get(name):
                place = top["forms"].at(name)
                place.error(
                    "FF025",
                    f"'{field_name}' is also in the form '{owner[field_name]}', so application.{field_name} would be"
                    " two things; give one of them another name",
                )
            owner.setdefault(field_name, name)


def _sheets(top: dict[str, Place]) -> set[str]:
    """The forms that reviewers fill in."""
    value = top["reviews"].value if "reviews" in top else None
    given = value.values() if isinstance(value, dict) else ()
    return {str(review["form"]) for review in given if isinstance(review, dict) and "form" in review}


def typed(names: Names, top: dict[str, Place]) -> None:
    """What expressions may read, now that forms, reviews and timers have names."""
    sheets = _sheets(top)
    answers = [form for name, form in names.forms.items() if name not in sheets]
    names.environment = environment.facts(answers, names.reviews, names.timers, names.roles)
    if any(source.data is None for source in names.form_sources):
        names.environment["application"] = WRONG
    unread = {field: WRONG for source in names.form_sources for field in source.unread}
    if unread:
        names.environment["application"] = record({**unread, **names.environment["application"].fields})


def states(names: Names, top: dict[str, Place]) -> dict[str, State]:
    found: dict[str, State] = {}
    for name, place in (top["states"].entries("state") if "states" in top else {}).items():
        settings = place.settings(
            ("label", "help", "edit", "view", "shown_as", "final"),
            later=("tasks", "signatures"),
            what=f"the state '{name}'",
        )
        final: Any = settings["final"].one_of(("success", "failure")) if "final" in settings else None
        if final and "edit" in settings:
            settings["edit"].error("FF143", f"'{name}' is final, so nothing may be edited in it", key=True)
        shown: dict[str, str] = {}
        for role, other in _by_role(names, settings, "shown_as").items():
            target = names.state(other)
            if target:
                shown[role] = target
        found[name] = State(
            id=name,
            label=names.label(settings, name, place),
            help=names.words(settings, "help"),
            edit=_access(names, settings, "edit"),
            view=_access(names, settings, "view"),
            shown_as=shown,
            final=final,
        )
    return found


def _by_role(names: Names, settings: Mapping[str, Place], setting: str) -> dict[str, Place]:
    if setting not in settings:
        return {}
    place = settings[setting]
    if not isinstance(place.value, dict):
        place.settings((), what=setting)
        return {}
    found = {}
    for role in place.value:
        inner = place.at(role)
        if role in names.roles:
            found[str(role)] = inner
        else:
            inner.error("FF130", f"there is no role '{role}'{did_you_mean(str(role), names.roles)}", key=True)
    return found


def _access(names: Names, settings: Mapping[str, Place], setting: str) -> dict[str, tuple[str, ...]]:
    known = list(names.forms) if setting == "edit" else [*names.forms, *names.reviews]
    found: dict[str, tuple[str, ...]] = {}
    for role, place in _by_role(names, settings, setting).items():
        given = [p.named(known, "form", "FF140") for p in place.one_or_many()]
        found[role] = tuple(name for name in given if name)
    return found


def timers(names: Names, top: dict[str, Place]) -> dict[str, Timer]:
    found: dict[str, Timer] = {}
    for name, place in (top["timers"].entries("timer") if "timers" in top else {}).items():
        settings = place.settings(
            (
                "label",
                "in",
                "at",
                "after",
                "grace",
                "end_of_day",
                "remind",
                "remind_with",
                "overdue_with",
                "to",
                "then",
            ),
            needed=("in",),
            later=("repeat", "escalate", "if_blocked", "sla"),
            what=f"the timer '{name}'",
        )
        if ("at" in settings) == ("after" in settings):
            place.error("FF151", "a timer has either at: (a date or time) or after: (a length of time)", key=True)
        at = None
        if "at" in settings:
            at = names.expression(settings["at"], environment.moments(names.environment), INSTANT)
        given = [names.state(p) for p in settings["in"].one_or_many()] if "in" in settings else []
        to = [names.role(p) for p in settings["to"].one_or_many()] if "to" in settings else []
        remind = [p.duration() for p in settings["remind"].one_or_many()] if "remind" in settings else []
        if ("remind" in settings) != ("remind_with" in settings):
            place.error("FF011", "remind says when and remind_with which mail: give both", key=True)
        if ("remind_with" in settings or "overdue_with" in settings) and not to:
            place.error("FF011", "say who is written to: to: <role>", key=True)
        if not any(key in settings for key in ("then", "overdue_with", "remind")) and not _used(name, top):
            message = f"nothing happens when '{name}' runs out: add then:, overdue_with: or remind:"
            place.error("FF157", message, key=True)
        found[name] = Timer(
            id=name,
            label=names.label(settings, name, place),
            states=tuple(state for state in given if state),
            at=at,
            after=settings["after"].duration() if "after" in settings else None,
            grace=settings["grace"].duration() if "grace" in settings else None,
            end_of_day=settings["end_of_day"].flag() if "end_of_day" in settings else False,
            remind=tuple(duration for duration in remind if duration),
            remind_with=names.template(settings["remind_with"]) if "remind_with" in settings else None,
            overdue_with=names.template(settings["overdue_with"]) if "overdue_with" in settings else None,
            to=tuple(role for role in to if role),
            then=names.transition(settings["then"], "FF150") if "then" in settings else None,
        )
    return found


def _used(timer: str, top: dict[str, Place]) -> bool:
    """A transition looks at this timer."""
    value = top["transitions"].value if "transitions" in top else None
    given = value.values() if isinstance(value, dict) else ()
    for transition in given:
        if isinstance(transition, dict):
            if transition.get("deadline") == timer or f"timers.{timer}." in str(transition.get("when")):
                return True
            if f"'overdue': '{timer}'" in str(transition.get("when")):
                return True
    return False
