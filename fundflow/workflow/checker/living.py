"""What this version would do to those who live by an earlier one, told before it is given to any of them.

Whether an application can follow is decided for each by the migration; this says in which line the reason stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.checker.context import Context, Life
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.checker.versions import states_of
from fundflow.workflow.definition import SYSTEM, Duration, Timer, Workflow
from fundflow.workflow.diff import changes
from fundflow.workflow.forms import Field
from fundflow.workflow.migration import map_for, sheet_shape


def living(workflow: Workflow, context: Context) -> Iterator[Finding]:
    """Every earlier version that somebody lives by, one after the other."""
    for old in context.earlier:
        life = context.life.get(old.sha256)
        if life is None or old.files == workflow.files:
            continue
        yield from _stranded(old, workflow, life)
        yield from _other_types(old, workflow, life)
        yield from _other_rules(old, workflow, life)
        yield from _earlier(old, workflow, life)
        yield from _other_sheets(old, workflow, life)
    yield from _actors(workflow, context)


def _stranded(old: Workflow, new: Workflow, life: Life) -> Iterator[Finding]:
    move, there = map_for(old, new), states_of(new)
    at = next((f"migrate.{n}" for n, each in enumerate(new.migrations) if each.source == old.version), "states")
    for state, count in life.states.items():
        if state not in move.hold and move.states.get(state, state) not in there:
            message = (
                f"{_many(count, 'application')} now in '{state}' (version {old.version}) would be stranded: version"
                f" {new.version} has no such state; add migrate: - {{from: {old.version}, states: {{{state}:"
                f" <state>}}}} or hold: [{state}]"
            )
            yield Finding("FF195", at, message)


def _other_types(old: Workflow, new: Workflow, life: Life) -> Iterator[Finding]:
    move = map_for(old, new)
    for form, was in old.answer_forms.items():
        there = new.answer_forms.get(form)
        for name, field in was.fields.items():
            count = life.answers.get(f"{form}.{name}", 0)
            now = there.fields.get(name) if there else None
            if count and now is not None and name not in move.fields and (how := _differs(field, now)):
                message = f"{_many(count, 'application')} of version {old.version} answered '{name}', {how}"
                yield Finding("FF199", _place_of(new, form, name), f"{message}; give the new question another name")


def _differs(was: Field, now: Field) -> str:
    """Why stored answers could not be read any more; nothing where they can."""
    if was.type != now.type:
        return f"whose type was {was.type} and is now {now.type}"
    gone = [option.id for option in was.options if now.option(option.id) is None]
    if gone:
        return f"which can no longer be '{gone[0]}'"
    for name, column in was.columns.items():
        if name in now.columns and (how := _differs(column, now.columns[name])):
            return f"whose column '{name}', {how}"
    return ""


def _place_of(workflow: Workflow, form: str, field: str) -> str:
    """Where the question stands, in the file of its form."""
    for section in workflow.forms[form].sections:
        if any(each.id == field for each in section.fields):
            end = f":sections.{section.id}.fields.{field}"
            return next((place for place in workflow.places if place.endswith(end)), f"forms.{form}")
    return f"forms.{form}"


def _other_rules(old: Workflow, new: Workflow, life: Life) -> Iterator[Finding]:
    rules = [change for change in changes(old, new) if change.kind != "text"] if life.rounds else []
    for round_ in life.rounds if rules else ():
        more = f", and {len(rules) - 1} more" if len(rules) > 1 else ""
        message = (
            f"the round “{round_}” is open by version {old.version}, and this changes its rules: "
            f"{rules[0].says.in_('en').rstrip('.')}{more}; it reaches that round only if two people agree, with notice"
        )
        yield Finding("FF201", "version", message)


def _earlier(old: Workflow, new: Workflow, life: Life) -> Iterator[Finding]:
    for name, count in life.timers.items():
        was, now = old.timers.get(name), new.timers.get(name)
        if was is not None and now is not None and (how := _sooner(was, now)):
            message = f"'{name}' runs for {_many(count, 'application')} of version {old.version} and would be earlier"
            yield Finding("FF202", f"timers.{name}", f"{message}: {how}; they keep the later moment")


def _sooner(was: Timer, now: Timer) -> str:
    for setting in ("after", "grace"):
        before: Duration | None = getattr(was, setting)
        after: Duration | None = getattr(now, setting)
        if before is not None and (after is not None or setting == "grace") and _days(after) < _days(before):
            return f"{setting} is {after or 'gone'}; it was {before}"
    if was.end_of_day and not now.end_of_day:
        return "it was due at the end of the day"
    return ""


def _days(length: Duration | None) -> float:
    """About how many days, to compare two lengths of one kind."""
    if length is None:
        return 0
    return length.months * 30.4 + length.days + length.working_days * 1.4 + length.minutes / 1440


def _other_sheets(old: Workflow, new: Workflow, life: Life) -> Iterator[Finding]:
    for name, count in life.sheets.items():
        was, now = old.reviews.get(name), new.reviews.get(name)
        if was is None or not count:
            continue
        if now is None:
            message = f"{_many(count, 'sheet')} of '{name}' were sent by version {old.version}, and the review is gone"
            yield Finding("FF203", "reviews", message)
        elif sheet_shape(old, was) != sheet_shape(new, now):
            message = f"{_many(count, 'sheet')} of '{name}' were sent by version {old.version} on another score form"
            yield Finding("FF203", f"reviews.{name}", message)


def _actors(workflow: Workflow, context: Context) -> Iterator[Finding]:
    for role, count in sorted(context.acted.items()):
        if role != SYSTEM and role not in workflow.roles:
            message = f"role '{role}' is gone, but {_many(count, 'event')} of live applications name it"
            yield Finding("FF205", "roles", message)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


WIDER_RULES = (living,)
