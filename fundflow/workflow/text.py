"""Words in several languages that belong together: a label, a sentence, a help text.

Never empty: a text has at least one language, and whoever asks for a missing one gets English or else the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Text(Mapping[str, str]):
    """One text by language, immutable. `in_("fr-CA")` looks for fr-CA, fr, en, then takes the first there is."""

    __slots__ = ("_words",)

    def __init__(self, words: Mapping[str, str]) -> None:
        if not words:
            raise ValueError("a text needs at least one language")
        self._words = dict(words)

    @classmethod
    def same(cls, words: str, language: str = "en") -> Text:
        """The same words whatever the reader's language."""
        return cls({language: words})

    def in_(self, language: str) -> str:
        """The words for a reader of `language`."""
        for code in (language, language.replace("_", "-").partition("-")[0], "en"):
            if code in self._words:
                return self._words[code]
        return next(iter(self._words.values()))

    def __getitem__(self, language: str) -> str:
        return self._words[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)

    def __str__(self) -> str:
        return self.in_("en")

    def __repr__(self) -> str:
        return f"Text({self._words!r})"

    def __hash__(self) -> int:
        return hash(frozenset(self._words.items()))


def from_id(name: str) -> Text:
    """A label made of an id: ``send_back`` gives “Send back”."""
    words = name.replace("_", " ").strip()
    return Text({"en": words[:1].upper() + words[1:]})
