"""What collects the differences between two versions of a workflow: each with its kind, its place and a sentence.

A value that cannot be said in words is said as it stands in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from babel.lists import format_list

from fundflow.workflow.definition import SYSTEM, Workflow
from fundflow.workflow.durations import Duration
from fundflow.workflow.expressions import Expression
from fundflow.workflow.expressions.words import in_words
from fundflow.workflow.sentences import fill, shown
from fundflow.workflow.text import Text, from_id

Kind = Literal["text", "policy", "structure"]
KINDS: tuple[Kind, ...] = ("text", "policy", "structure")
"""The lightest first: words only; who may do what and when; what applications, answers and children are."""


def both(en: str, fr: str) -> Text:
    """One sentence of ours in both languages."""
    return Text({"en": en, "fr": fr})


IS = both("{what} is {new}; it was {old}.", "{what} : {new} ; auparavant {old}.")
SET = both("{what} is now {new}; there was none.", "{what} : {new} ; auparavant rien.")
UNSET = both("{what} is no longer set; it was {old}.", "{what} : plus rien ; auparavant {old}.")
REWORDED = both("{what} is worded differently.", "{what} : le texte a changé.")
REORDERED = both("{what} are listed in another order.", "{what} : l’ordre a changé.")
QUOTED = both("“{name}”", "« {name} »")
NOBODY = both("nobody", "personne")
YES, NO = both("yes", "oui"), both("no", "non")
SYSTEM_NAME = both("the clock", "le calendrier")
LENGTHS = {
    "minutes": (both("{n} minute", "{n} minute"), both("{n} minutes", "{n} minutes")),
    "days": (both("{n} day", "{n} jour"), both("{n} days", "{n} jours")),
    "working_days": (both("{n} working day", "{n} jour ouvré"), both("{n} working days", "{n} jours ouvrés")),
    "months": (both("{n} month", "{n} mois"), both("{n} months", "{n} mois")),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: how heavy it is, where (dotted path), and what it means."""

    kind: Kind
    place: str
    says: Text


@dataclass(frozen=True, slots=True)
class Setting:
    """How one field of a part is compared: its weight, what it is called, and what kind of names its value holds."""

    kind: Kind
    what: Text
    names: str = ""


def setting(kind: Kind, en: str, fr: str, names: str = "") -> Setting:
    """A setting, called so in both languages; `{name}` is the part it belongs to."""
    return Setting(kind, both(en, fr), names)


@dataclass(slots=True)
class Differences:
    """The changes found so far between two versions, and the labels by which both are told."""

    old: Workflow
    new: Workflow
    found: list[Change] = field(default_factory=list)
    _labels: dict[str, Text] = field(default_factory=dict)

    def add(self, kind: Kind, place: str, says: Text, **values: Any) -> None:
        self.found.append(Change(kind, place, fill(says, **values)))

    def value(self, how: Setting, place: str, old: Any, new: Any, **names: Any) -> None:
        """One setting of a part, where it differs."""
        if _same(old, new):
            return
        what = fill(how.what, **names)
        if isinstance(new, Text) or isinstance(old, Text):
            self.text(how.kind, place, what, old, new)
            return
        was, now = self.said(old, how.names), self.said(new, how.names)
        if was == now and isinstance(old, Expression) and isinstance(new, Expression):
            was, now = written(old), written(new)
        if now is None:
            self.add(how.kind, place, UNSET, what=what, old=was)
        elif was is None:
            self.add(how.kind, place, SET, what=what, new=now)
        else:
            self.add(how.kind, place, IS, what=what, new=now, old=was)

    def text(self, kind: Kind, place: str, what: Text, old: Text | None, new: Text | None) -> None:
        """Words that differ: short ones are quoted, long ones only named."""
        is_short = old is not None and new is not None and max(map(len, (*old.values(), *new.values()))) <= 60
        if old is None or new is None or not is_short or dict(quoted(old)) == dict(quoted(new)):
            self.add(kind, place, REWORDED, what=what)
        else:
            self.add(kind, place, IS, what=what, new=quoted(new), old=quoted(old))

    def settings(self, table: Mapping[str, Setting], place: str, old: Any, new: Any, **names: Any) -> None:
        """Every setting of a part that the table names."""
        for name, how in table.items():
            self.value(how, f"{place}.{name}" if place else name, getattr(old, name), getattr(new, name), **names)

    def parts(
        self,
        kind: Kind,
        place: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        *,
        added: Text,
        removed: Text,
        order: Text | None = None,
        **names: Any,
    ) -> list[str]:
        """Parts that came or went, and their order where they are read in it; those that are in both."""
        for name in new:
            if name not in old:
                self.add(kind, f"{place}.{name}", added, name=quoted(label_of(name, new[name])), **names)
        for name in old:
            if name not in new:
                self.add(kind, f"{place}.{name}", removed, name=quoted(label_of(name, old[name])), **names)
        common = [name for name in new if name in old]
        if order is not None and common != [name for name in old if name in new]:
            self.add("text", place, REORDERED, what=fill(order, **names))
        return common

    def said(self, value: Any, names: str = "") -> Text | None:
        """A value in words, in both languages; None for nothing."""
        match value:
            case None | () | "":
                return None
            case bool():
                return YES if value else NO
            case Text():
                return quoted(value)
            case Duration():
                return length(value)
            case Expression():
                return self.words(value)
            case frozenset():
                return self.said(tuple(sorted(value, key=str)), names)
            case tuple() | list():
                items = [said for each in value if (said := self.said(each, names)) is not None]
                return listed(items) if items else None
            case Mapping():
                return self.said(tuple(f"{name}: {each}" for name, each in value.items()))
            case str() if names:
                return quoted(self.label(names, value))
            case str():
                return quoted(Text.same(value))
        return Text({language: shown(value, language) for language in ("en", "fr")})

    def words(self, expression: Expression) -> Text:
        """An expression as people say it, questions by their labels."""
        if not self._labels:
            self._labels = {
                f"application.{name}": quoted(field.label)
                for workflow in (self.old, self.new)
                for form in workflow.answer_forms.values()
                for name, field in form.fields.items()
            }
        return Text({language: in_words(expression, language, self._labels) for language in ("en", "fr")})

    def label(self, names: str, id_: str) -> Text:
        """What readers call this state, role, form and so on; the newer version has the first word."""
        if id_ == SYSTEM:
            return SYSTEM_NAME
        for workflow in (self.new, self.old):
            found = _named(workflow, names, id_)
            if found is not None:
                return found
        return from_id(id_)

    def labels(self, names: str, ids: Iterable[str]) -> Text:
        """The same for several, as one phrase."""
        return listed([quoted(self.label(names, each)) for each in ids])


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, Expression) and isinstance(new, Expression):
        return old.source == new.source
    if isinstance(old, Text) and isinstance(new, Text):
        return dict(old) == dict(new)
    return bool(old == new)


def _named(workflow: Workflow, names: str, id_: str) -> Text | None:
    if names == "transition":
        transition = workflow.find(id_)
        return None if transition is None else transition.label
    if names == "readable":
        # What a cell of the matrix lists: forms, reviews and kinds of children.
        for part in ("forms", "reviews", "children"):
            if (found := _named(workflow, part, id_)) is not None:
                return found
        return None
    if names.startswith("states:"):
        child = workflow.children.get(names.partition(":")[2])
        return child.states[id_].label if child is not None and id_ in child.states else None
    if names == "states":
        state = workflow.state_of(id_)
        return None if state is None else state.label
    found = getattr(workflow, names).get(id_)
    if found is None or isinstance(found, Text):
        return found
    return label_of(id_, found)


def label_of(name: str, part: Any) -> Text:
    """The label or title of a part, or its id made readable."""
    if isinstance(part, Text):
        return part
    found = getattr(part, "label", None) or getattr(part, "title", None)
    return found if isinstance(found, Text) else from_id(name)


def quoted(words: Text) -> Text:
    """The words between quotation marks, in both languages."""
    return Text({language: fill(QUOTED, name=words.in_(language)).in_(language) for language in ("en", "fr")})


def listed(items: Sequence[Text]) -> Text:
    """Several as one phrase."""
    if not items:
        return NOBODY
    return Text({code: format_list([item.in_(code) for item in items], locale=code) for code in ("en", "fr")})


def written(expression: Expression) -> Text:
    """An expression as it stands in the file."""
    return quoted(Text.same(expression.source))


def length(duration: Duration) -> Text:
    """A length of time in words."""
    parts = []
    for unit, (one, many) in LENGTHS.items():
        n = getattr(duration, unit)
        if n:
            parts.append(fill(one if n == 1 else many, n=n))
    return listed(list(reversed(parts))) if parts else Text.same(str(duration))


def moved(old: Iterable[Any], new: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """What is only in the old and what is only in the new, however often it occurs, in their own order."""
    before, after = list(old), list(new)
    gone, come = Counter(before), Counter(after)
    gone, come = gone - Counter(after), come - Counter(before)
    return _take(before, gone), _take(after, come)


def _take(items: Sequence[Any], wanted: Counter[Any]) -> list[Any]:
    found = []
    for item in items:
        if wanted[item] > 0:
            wanted[item] -= 1
            found.append(item)
    return found


def only(old: Collection[str], new: Collection[str]) -> tuple[list[str], list[str]]:
    """The names that went and those that came, sorted."""
    return sorted(set(old) - set(new)), sorted(set(new) - set(old))
