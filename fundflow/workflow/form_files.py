"""A form file into a form: every setting checked against its field's type, every mistake reported.

Refuses settings that do nothing for a type, sums of what cannot be added, and words for scores off the scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from fundflow.workflow import environment, format
from fundflow.workflow.child_files import environment_of
from fundflow.workflow.expressions import BOOL, STRING, Expression, Type, record
from fundflow.workflow.forms import Field, FieldType, Form, Option, Section
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place
from fundflow.workflow.source import Source
from fundflow.workflow.text import Text, from_id

_COMMON = ("type", "label", "help", "required", "personal", "from", "if")
_SETTINGS: dict[str, tuple[str, ...]] = {
    "short_text": ("words",),
    "long_text": ("words",),
    "number": ("min", "max", "places"),
    "money": ("min", "max"),
    "date": ("after",),
    "choice": ("options",),
    "choices": ("options", "min", "max"),
    "country": (),
    "email": (),
    "file": ("accept", "max_mb", "max_files"),
    "table": ("columns", "min_rows", "max_rows", "sum"),
    "score": ("max", "weight", "anchors"),
}
_NEEDED = {"choice": ("options",), "choices": ("options",), "table": ("columns",), "file": ("accept",)}
_NOT_IN_TABLES = ("table", "file", "score", "choices", "long_text")
EXTENSIONS = ("pdf", "png", "jpg", "jpeg", "docx", "xlsx", "odt", "ods", "csv", "txt")
LARGEST_FILE_MB = 50
MOST_ROWS = 200


def read_form(source: Source, name: str, languages: Sequence[str]) -> Form | None:
    """The form in this file; None where it has nothing to draw. What is wrong is in `source.problems`."""
    settings = Place(source, (), source.data).settings(format.Form, what="a form")
    title = settings["title"].words(languages) if "title" in settings else None
    intro = settings["intro"].words(languages) if "intro" in settings else None
    if "sections" not in settings:
        return None
    taken: dict[str, Place] = {}
    sections = []
    for section_name, place in settings["sections"].entries("section").items():
        section = _section(section_name, place, languages, taken)
        if section is not None:
            sections.append(section)
    form = Form(id=name, title=title or from_id(name), intro=intro, sections=tuple(sections))
    if not form.fields:
        settings["sections"].error("FF021", "this form asks nothing")
    for field_name, place in taken.items():
        if field_name in form.fields:
            _across(form, form.fields[field_name], place)
    return form


def _section(name: str, place: Place, languages: Sequence[str], taken: dict[str, Place]) -> Section | None:
    settings = place.settings(format.Section, what="a section")
    title = settings["title"].words(languages) if "title" in settings else None
    fields = []
    for field_name, inner in settings["fields"].entries("field").items() if "fields" in settings else ():
        if field_name in taken:
            line = taken[field_name].source.place(taken[field_name].path, key=True)[0]
            inner.error("FF022", f"there is already a field '{field_name}' on line {line}", key=True)
            continue
        taken[field_name] = inner
        field = _field(field_name, inner, languages)
        if field is not None:
            fields.append(field)
        else:
            place.source.unread.add(field_name)
    intro = settings["help"].words(languages) if "help" in settings else None
    return Section(id=name, title=title or from_id(name), help=intro, fields=tuple(fields))


def _field(name: str, place: Place, languages: Sequence[str], *, in_table: bool = False) -> Field | None:
    types = [t for t in get_args(FieldType) if not (in_table and t in _NOT_IN_TABLES)]
    if not isinstance(place.value, dict):
        place.settings((), what=f"the field '{name}'")
        return None
    if "type" not in place.value:
        place.error("FF011", f"the field '{name}' needs 'type'; it is {listed(types)}", key=True)
        return None
    kind: Any = place.at("type").one_of(types)
    if kind is None:
        return None
    known = (*(_COMMON[:-2] if in_table else _COMMON), *_SETTINGS[kind])
    for setting in list(place.value):
        if setting not in known and any(setting in others for others in _SETTINGS.values()):
            place.at(setting).error("FF020", f"a {kind} has no '{setting}'", key=True)
    known_anywhere = (*known, *(s for others in _SETTINGS.values() for s in others))
    found = place.settings(known_anywhere, needed=("label", *_NEEDED.get(kind, ())), what=f"the field '{name}'")
    settings = {k: v for k, v in found.items() if k in known}
    given: dict[str, Any] = {"id": name, "type": kind}
    label = settings["label"].words(languages) if "label" in settings else None
    given["label"] = label or from_id(name)
    given["help"] = settings["help"].words(languages) if "help" in settings else None
    given["required"] = settings["required"].flag() if "required" in settings else False
    given["personal"] = settings["personal"].flag() if "personal" in settings else False
    _numbers(kind, settings, given)
    if "options" in settings:
        given["options"] = _options(settings["options"], languages)
    if "accept" in settings:
        given["accept"] = tuple(e for e in (p.one_of(EXTENSIONS) for p in settings["accept"].one_or_many()) if e)
    if "after" in settings:
        given["after"] = settings["after"].string()
    if kind == "table" and "columns" in settings:
        columns = settings["columns"].entries("column")
        read = [_field(column, inner, languages, in_table=True) for column, inner in columns.items()]
        given["columns"] = {column.id: column for column in read if column is not None}
    if "sum" in settings:
        parts = settings["sum"].settings(format.Sum, what="sum")
        given["sum_column"] = parts["column"].string() if "column" in parts else None
        given["sum_equals"] = parts["equals"].string() if "equals" in parts else None
    if "anchors" in settings:
        given["anchors"] = _anchors(settings["anchors"], languages, int(given.get("max") or 10))
    field = Field(**{key: value for key, value in given.items() if value is not None or key == "help"})
    _consistent(field, settings)
    return field


def _numbers(kind: str, settings: dict[str, Place], given: dict[str, Any]) -> None:
    limits = {
        "words": (1, 5_000),
        "places": (0, 6),
        "max_mb": (1, LARGEST_FILE_MB),
        "max_files": (1, 20),
        "min_rows": (0, MOST_ROWS),
        "max_rows": (1, MOST_ROWS),
        "weight": (0, 100),
    }
    for name, (lowest, highest) in limits.items():
        if name in settings:
            given[name] = settings[name].integer(lowest, highest)
    for name in ("min", "max"):
        if name not in settings:
            continue
        if kind in ("choices", "score"):
            whole = settings[name].integer(1 if kind == "score" or name == "max" else 0, 100)
            given[name] = None if whole is None else Decimal(whole)
        else:
            given[name] = settings[name].decimal()
    if kind == "score":
        given.setdefault("min", Decimal(0))
        given.setdefault("max", Decimal(10))


def _options(place: Place, languages: Sequence[str]) -> tuple[Option, ...]:
    found = []
    for name, inner in place.entries("option").items():
        text: Text | None
        help_text: Text | None = None
        if isinstance(inner.value, dict) and "label" in inner.value:
            settings = inner.settings(format.Option, what=f"the option '{name}'")
            text = settings["label"].words(languages) if "label" in settings else None
            help_text = settings["help"].words(languages) if "help" in settings else None
        else:
            text = inner.words(languages)
        found.append(Option(id=name, label=text or from_id(name), help=help_text))
    if len(found) == 1:
        place.error("FF021", "one option is no choice; give at least two")
    return tuple(found)


def _anchors(place: Place, languages: Sequence[str], highest: int) -> dict[int, Text]:
    if not isinstance(place.value, dict):
        place.error("FF012", "anchors give words by score, for example {0: …, 10: …}")
        return {}
    found: dict[int, Text] = {}
    for name in place.value:
        inner = place.at(name)
        if not isinstance(name, int) or not 0 <= name <= highest:
            inner.error("FF023", f"'{name}' is not a score from 0 to {highest}", key=True)
        elif text := inner.words(languages):
            found[name] = text
    return dict(sorted(found.items()))


def _consistent(field: Field, settings: dict[str, Place]) -> None:
    if field.min is not None and field.max is not None and field.min > field.max:
        settings["min" if "min" in settings else "max"].error("FF023", f"min {field.min} is above max {field.max}")
    if field.min_rows > field.max_rows:
        settings["min_rows"].error("FF023", f"min_rows {field.min_rows} is above max_rows {field.max_rows}")
    if field.type == "choices" and field.options and "max" in settings and field.max and field.max > len(field.options):
        settings["max"].error("FF023", f"there are only {len(field.options)} options")
    if field.sum_column is not None and "sum" in settings:
        summed = field.columns.get(field.sum_column)
        if summed is None:
            close = did_you_mean(field.sum_column, field.columns)
            settings["sum"].at("column").error("FF024", f"there is no column '{field.sum_column}'{close}")
        elif summed.type not in ("money", "number"):
            settings["sum"].at("column").error("FF024", f"'{field.sum_column}' is a {summed.type} and cannot be summed")


def _across(form: Form, field: Field, place: Place) -> None:
    """Rules that name another field."""
    if field.after is not None:
        other = form.fields.get(field.after)
        if field.after not in place.source.unread and (other is None or other.type != "date" or other is field):
            dates = [f.id for f in form.fields.values() if f.type == "date" and f is not field]
            close = did_you_mean(field.after, dates)
            place.at("after").error("FF024", f"there is no other date field '{field.after}'{close}")
    if field.sum_equals is not None:
        target = form.fields.get(field.sum_equals)
        column = field.columns.get(field.sum_column or "")
        if target is None and field.sum_equals not in place.source.unread:
            close = did_you_mean(field.sum_equals, form.fields)
            place.at("sum").at("equals").error("FF024", f"there is no field '{field.sum_equals}'{close}")
        elif column is not None and target is not None and column.type != target.type:
            place.at("sum").at("equals").error(
                "FF024", f"a {column.type} column cannot equal '{target.id}', which is a {target.type}"
            )


def conditions(names: Names, top: Mapping[str, Place]) -> None:
    """Compile on which conditions forms of children ask something: by the child's fields alone, so none wavers."""
    for name, form, place in _read_here(names):
        kind = names.own_forms.get(name, "")
        child = {"self": record({**names.columns.get(kind, {}), "key": STRING, "state": STRING})}
        sections = []
        for section in form.sections:
            at = place.at("sections").at(section.id)
            fields = [
                replace(field, when=_condition(names, kind, at.at("fields").at(field.id), child))
                for field in section.fields
            ]
            sections.append(replace(section, when=_condition(names, kind, at, child), fields=tuple(fields)))
        names.forms[name] = replace(form, sections=tuple(sections))


def first_answers(names: Names, top: Mapping[str, Place]) -> None:
    """Compile what answers begin as, now that facts have names."""
    for name, form, place in _read_here(names):
        kind = names.own_forms.get(name, "")
        facts = environment_of(names, top, kind) if kind in names.children else names.environment
        sections = []
        for section in form.sections:
            at = place.at("sections").at(section.id).at("fields")
            fields = [
                replace(field, source=_first(names, field, at.at(field.id), environment.of_plan(facts)))
                for field in section.fields
            ]
            sections.append(replace(section, fields=tuple(fields)))
        names.forms[name] = replace(form, sections=tuple(sections))


def _read_here(names: Names) -> Iterator[tuple[str, Form, Place]]:
    """The forms whose files say something of facts, and their files."""
    of_file = {source.file: source for source in names.form_sources}
    for name, form in list(names.forms.items()):
        source = of_file.get(names.form_files.get(name, ""))
        if source is not None and form.sections and any(path[-1:] in (("if",), ("from",)) for path in source.values):
            yield name, form, Place(source, (), source.data)


def _condition(names: Names, kind: str, place: Place, types: Mapping[str, Type]) -> Expression | None:
    if not isinstance(place.value, dict) or place.value.get("if") is None:
        return None
    if not kind:
        place.at("if").error("FF020", "only a form of a child asks something on a condition", key=True)
        return None
    return names.expression(place.at("if"), types, BOOL)


def _first(names: Names, field: Field, place: Place, types: Mapping[str, Type]) -> Expression | None:
    """What an answer begins as; a table takes over the columns that both have by the same name."""
    if not isinstance(place.value, dict) or place.value.get("from") is None:
        return None
    place = place.at("from")
    if field.type in ("file", "score"):
        place.error("FF020", f"a {field.type} has no 'from'", key=True)
        return None
    found = names.expression(place, types, None)
    if found is None:
        return None
    given = found.type.solid()
    message = None if given.kind == "null" else environment.misfit(environment.answer_type(field).solid(), given)
    if message is not None:
        place.error("FF110", message)
        return None
    return found
