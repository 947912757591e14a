"""Reading values out of a file with a sentence, at the right place, for everything that is not as it should be.

Nothing raises: a value that is wrong is reported and read as absent, so that the next mistake is found as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fundflow.workflow import format
from fundflow.workflow.durations import Duration
from fundflow.workflow.format import Part
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.source import Path, Source
from fundflow.workflow.text import Text

_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")
_EXPRESSION_REST = re.compile(r"[<>=!&|()]|\.\w+\(")
LONGEST_ID = 60


@dataclass(frozen=True)
class Place:
    """One value of a file and where it stands."""

    source: Source
    path: Path
    value: Any

    def error(self, code: str, message: str, *, key: bool = False, offset: int | None = None) -> None:
        """Report a problem here: at the value, at its key, or `offset` characters into its text."""
        line, column = self.source.place(self.path, key=key)
        if offset is not None:
            column += offset + self.source.quoted.get(self.path, 0)
        self.source.add(code, message, (line, column))

    def at(self, name: str | int) -> Place:
        return Place(self.source, (*self.path, name), self.value[name])

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    def settings(
        self, known: type[Part] | Iterable[str], *, needed: Collection[str] = (), what: str = ""
    ) -> dict[str, Place]:
        """The settings of a mapping by name. Reports unknown and missing ones.

        A part of the format says itself which settings it has and needs.
        """
        if isinstance(known, type):
            known, needed = format.names(known), format.needed(known)
        if not isinstance(self.value, dict):
            self.error(
                "FF012", f"{what or self.dotted or 'this file'} needs settings (name: value), not {self._shown()}"
            )
            return {}
        names, found = list(known), {}
        name_of_all = what or self.dotted or "this file"
        for name, value in self.value.items():
            place = Place(self.source, (*self.path, name), value)
            if name in names:
                if value is None:
                    place.error("FF011", f"'{name}' has no value", key=True)
                else:
                    found[str(name)] = place
            elif value is None and isinstance(name, str) and _EXPRESSION_REST.search(name):
                place.error(
                    "FF004",
                    "this looks like the rest of an expression: put the whole expression in quotes, it contains a"
                    " comma",
                    key=True,
                )
            else:
                place.error("FF010", f"{name_of_all} has no setting '{name}'{did_you_mean(str(name), names)}", key=True)
        for name in needed:
            if name not in self.value:
                self.error("FF011", f"{name_of_all} needs '{name}'", key=True)
        return found

    def entries(self, what: str) -> dict[str, Place]:
        """The named things of a mapping; reports names that cannot be used as one."""
        if not isinstance(self.value, dict):
            self.error("FF012", f"{self.dotted} needs {what}s by name, not {self._shown()}")
            return {}
        found = {}
        for name in self.value:
            place = self.at(name)
            if not isinstance(name, str) or not _ID.fullmatch(name) or len(name) > LONGEST_ID:
                place.error(
                    "FF014",
                    f"'{name}' cannot name a {what}: use small letters, digits and _, for example send_back",
                    key=True,
                )
            else:
                found[name] = place
        return found

    def items(self) -> list[Place]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.error("FF012", f"{self._name()} needs a list ([a, b]), not {self._shown()}")
            return []
        return [self.at(number) for number in range(len(self.value))]

    def one_or_many(self) -> list[Place]:
        """A single value, or the items of a list that is not empty."""
        if isinstance(self.value, list):
            if not self.value:
                self.error("FF012", f"{self._name()} names nothing")
            return self.items()
        return [self]

    def string(self) -> str | None:
        """A text that means itself."""
        if isinstance(self.value, str) and self.value.strip():
            return self.value
        hint = "" if isinstance(self.value, dict | list | str) else f'; write "{self._plain()}" in quotes'
        self.error("FF012", f"{self._name()} needs a text, not {self._shown()}{hint}")
        return None

    def integer(self, lowest: int, highest: int) -> int | None:
        if isinstance(self.value, int) and not isinstance(self.value, bool) and lowest <= self.value <= highest:
            return self.value
        self.error("FF012", f"{self._name()} needs a whole number from {lowest:,} to {highest:,}, not {self._shown()}")
        return None

    def decimal(self) -> Decimal | None:
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return Decimal(self.value)
        self.error("FF012", f"{self._name()} needs a number, not {self._shown()}")
        return None

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        self.error("FF012", f"{self._name()} is either true or false, not {self._shown()}")
        return False

    def one_of(self, options: Sequence[str]) -> str | None:
        if isinstance(self.value, str) and self.value in options:
            return self.value
        close = did_you_mean(str(self.value), options)
        self.error("FF012", f"{self._name()} cannot be {self._shown()}{close or '; it is ' + listed(options)}")
        return None

    def named(self, known: Iterable[str], what: str, code: str) -> str | None:
        """The name of something that exists."""
        names = list(known)
        if isinstance(self.value, str) and self.value in names:
            return self.value
        if not isinstance(self.value, str):
            self.string()
        else:
            self.error(code, f"there is no {what} '{self.value}'{did_you_mean(self.value, names)}")
        return None

    def duration(self) -> Duration | None:
        found = Duration.parse(self.value) if isinstance(self.value, str) else None
        if found is None:
            self.error(
                "FF013",
                f"{self._shown()} is not a length of time; write e.g. '14 days', '5 working days' or '3 months'",
            )
        return found

    def words(self, languages: Sequence[str]) -> Text | None:
        """A text for people: by language, or as it is where the workflow speaks one language."""
        if not isinstance(self.value, dict):
            if isinstance(self.value, str) and len(languages) > 1:
                every = ", ".join(f"{language}: …" for language in languages)
                self.error("FF185", f"give this text in every language: {{{every}}}")
                return None
            written = self.string()
            return Text({languages[0]: " ".join(written.split())}) if written else None
        found: dict[str, str] = {}
        for name in self.value:
            place = self.at(name)
            if name not in languages:
                meant = f"the workflow speaks {listed(languages)}"
                if not isinstance(name, str) or not _LANGUAGE.fullmatch(name):
                    meant += "; put a text that contains a comma or a colon in quotes"
                place.error("FF187", f"'{name}' is not a language of this workflow: {meant}", key=True)
            elif written := place.string():
                found[name] = tidy(written)
        for language in languages:
            if language not in self.value:
                self.error("FF185", f"this text is missing in '{language}'")
        return Text(found) if found else None

    def _name(self) -> str:
        return str(next((part for part in reversed(self.path) if isinstance(part, str)), "this"))

    def _plain(self) -> str:
        return (
            {True: "true", False: "false"}.get(self.value, str(self.value))
            if isinstance(self.value, bool)
            else str(self.value)
        )

    def _shown(self) -> str:
        match self.value:
            case None:
                return "nothing"
            case dict():
                return "a group of settings"
            case list():
                return "a list"
            case str():
                return f"'{self.value}'" if self.value else "an empty text"
            case _:
                return self._plain()


def tidy(words: str) -> str:
    """A text without the line breaks of its file; empty lines still part paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", words.strip()))
