"""The main file into a workflow: names resolved, texts in every language, expressions compiled.

Whatever the format does not know is refused with a sentence, never passed over.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import list_currencies

from fundflow.workflow import calendars, environment, form_files, format
from fundflow.workflow.child_files import child_types
from fundflow.workflow.definition import SYSTEM, Calendar, Migration, Role
from fundflow.workflow.expressions import WRONG, record
from fundflow.workflow.forms import Form
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.source import read as read_source
from fundflow.workflow.text import from_id

FORMAT = "fundflow/1"
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICER = "application.officer"
"""The one field of the application that names a person."""
_LANGUAGES = ("en", "fr", "es", "pt", "ar", "de", "it", "nl", "pl", "uk", "tr", "sw")


def head(names: Names, top: dict[str, Place]) -> dict[str, Any]:
    """What stands above the roles: what it is, which languages, money and time zone."""
    found: dict[str, Any] = {"id": "", "version": 1, "timezone": "UTC", "title": None, "calendar": Calendar()}
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
        found["timezone"], found["calendar"] = _calendar(top["calendar"])
        names.zone = ZoneInfo(found["timezone"])
    return found


@cache
def _zones() -> frozenset[str]:
    """The names of all zones; finding them goes through a folder of files."""
    return frozenset(available_timezones())


def _calendar(place: Place) -> tuple[str, Calendar]:
    settings = place.settings(format.Calendar, what="calendar")
    zone = settings["timezone"].string() if "timezone" in settings else None
    if zone is not None and zone not in _zones():
        close = did_you_mean(zone, _zones())
        settings["timezone"].error("FF161", f"'{zone}' is not a time zone{close}")
        zone = None
    country, region = None, None
    if "holidays" in settings and (written := settings["holidays"].string()):
        country, _, region = written.partition("-")
        known = calendars.countries()
        if country not in known:
            close = did_you_mean(country, known)
            settings["holidays"].error("FF162", f"no public holidays are known of '{country}'{close}")
            country, region = None, ""
        elif region and region not in calendars.regions(country):
            close = did_you_mean(region, calendars.regions(country))
            settings["holidays"].error("FF162", f"no public holidays are known of '{written}'{close}")
            region = ""
    week = [day.one_of(_WEEK) for day in settings["week"].items()] if "week" in settings else _WEEK[:5]
    days = frozenset(_WEEK.index(day) for day in week if day) or frozenset(range(5))
    return zone or "UTC", Calendar(week=days, country=country, region=region or None)


def top_of(source: Source) -> dict[str, Place]:
    """The settings of the main file."""
    place = Place(source, (), source.data)
    return place.settings(format.Workflow, what="a workflow")


def roles(names: Names, top: dict[str, Place]) -> None:
    entries = top["roles"].entries("role") if "roles" in top else {}
    for name, place in entries.items():
        if name == SYSTEM:
            place.error("FF014", "'system' is there without being declared: it is the clock", key=True)
            continue
        settings = place.settings(format.Role, what=f"the role '{name}'")
        kind: Any = settings["is"].one_of(("team", "group", "panel", "field")) if "is" in settings else None
        for setting, owners in _OF_KIND.items():
            if setting in settings and kind is not None and kind not in owners:
                settings[setting].error("FF010", f"'{setting}' belongs to a role that is {owners[0]}", key=True)
        missing = _NEEDED_BY_KIND.get(kind, "")
        if missing and missing not in settings:
            place.error("FF011", f"the role '{name}' needs '{missing}'", key=True)
        names.roles[name] = Role(
            id=name,
            label=names.label(settings, name, place),
            kind=kind or "team",
            duty=settings["duty"].one_of(_DUTIES) if "duty" in settings else None,
            group=settings["group"].string() if "group" in settings else None,
            review=settings["review"].string() if "review" in settings else None,
            field=_field(settings["field"]) if "field" in settings else None,
        )
    for name, place in entries.items():
        for setting in ("never_also", "assigned_by"):
            if name in names.roles and isinstance(place.value, dict) and place.value.get(setting) is not None:
                others = [names.role(other) for other in place.at(setting).one_or_many()]
                more: Any = {setting: frozenset(other for other in others if other)}
                names.roles[name] = replace(names.roles[name], **more)


_OF_KIND = {
    "duty": ("team",),
    "group": ("group", "field"),
    "review": ("panel",),
    "field": ("field",),
    "assigned_by": ("field",),
}
_NEEDED_BY_KIND = {"group": "group", "panel": "review", "field": "field"}
_DUTIES = ("focal_point", "finance_officer", "signatory")


def _field(place: Place) -> str | None:
    written = place.string()
    if written not in (None, OFFICER):
        place.error("FF012", f"a person can be named only in '{OFFICER}', not in '{written}'")
        return None
    return "officer" if written else None


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
        names.form_files[name] = whole
        if name in names.forms_read and not names.forms_read[name].is_bound:
            names.forms[name] = names.forms_read[name]
            continue
        source = read_source(whole, text)
        names.form_sources.append(source)
        form = form_files.read_form(source, name, names.languages) if source.data is not None else None
        names.forms[name] = form or Form(id=name, title=from_id(name), sections=())
    owner: dict[str, str] = {}
    sheets = _sheets(top)
    for name, form in names.forms.items():
        # What a child answers for itself is ``self.…``, and no business of its application's names.
        for field_name in form.fields if name not in sheets and name not in names.own_forms else ():
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
    answers = [form for name, form in names.forms.items() if name not in sheets and name not in names.own_forms]
    names.environment = environment.facts(
        answers, names.reviews, names.timers, names.roles, names.tasks.values(), child_types(names, top)
    )
    if any(source.data is None for source in names.form_sources):
        names.environment["application"] = WRONG
    unread = {field: WRONG for source in names.form_sources for field in source.unread}
    if unread:
        names.environment["application"] = record({**unread, **names.environment["application"].fields})


def migrations(names: Names, top: dict[str, Place]) -> tuple[Migration, ...]:
    """How applications of earlier versions come to this one."""
    found: list[Migration] = []
    for place in top["migrate"].items() if "migrate" in top else []:
        settings = place.settings(format.Migration, what="a migration")
        version = settings["from"].integer(1, 1_000_000) if "from" in settings else None
        if version is None:
            continue
        if any(other.source == version for other in found):
            settings["from"].error("FF197", f"version {version} has a migration already")
        held = [p.string() for p in settings["hold"].one_or_many()] if "hold" in settings else []
        states, kept = _pairs(settings, "states"), _pairs(settings, "timers")
        fields = {}
        for field, inner in _pairs(settings, "fields").items():
            known = names.environment["application"].fields
            if field not in known or field in environment.APPLICATION:
                inner.error("FF196", f"no form has a field '{field}'{did_you_mean(field, known)}", key=True)
            elif expression := names.expression(inner, environment.moments(names.environment), known[field]):
                fields[field] = expression
        known_states = (*names.states, *_child_states(top))
        targets = {old: inner.named(known_states, "state", "FF196") for old, inner in states.items()}
        ways: Any = {timer: inner.one_of(("keep", "rearm", "cancel")) for timer, inner in kept.items()}
        found.append(
            Migration(
                source=version,
                states={old: new for old, new in targets.items() if new},
                hold=frozenset(state for state in held if state),
                timers={timer: way for timer, way in ways.items() if way},
                fields=fields,
            )
        )
    return tuple(found)


def _child_states(top: dict[str, Place]) -> list[str]:
    """The states of children as a migration names them: ``tranche.paid``."""
    kinds = top["children"].value if "children" in top else None
    found = []
    for kind, child in kinds.items() if isinstance(kinds, dict) else ():
        states = child.get("states") if isinstance(child, dict) else None
        found += [f"{kind}.{state}" for state in states] if isinstance(states, dict) else []
    return found


def _pairs(settings: Mapping[str, Place], setting: str) -> dict[str, Place]:
    """The entries of a mapping whose names belong to another version, so that nothing here can say if they exist."""
    place = settings.get(setting)
    if place is None:
        return {}
    if not isinstance(place.value, dict):
        place.error("FF012", f"{setting} needs pairs (old: new)")
        return {}
    return {str(name): place.at(name) for name in place.value}
