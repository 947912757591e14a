"""That a reader of another language than English meets no English: the catalogues, and pages drawn from them."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from fundflow.db import db
from fundflow.web import messages
from tests import people

LANGUAGES = [source.parent.parent.name for source in messages._sources()]

# One worker has them all, so that what takes longest is gathered once.
pytestmark = pytest.mark.xdist_group("translations")

_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}")
_READ_ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "data-label", "data-equals-text")


@cache
def _catalogue(language: str) -> Catalog:
    with (messages.CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file)


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _translated(language: str) -> list[Message]:
    return [message for message in _catalogue(language) if message.id]


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What code, templates and refusals say today."""
    template = tmp_path_factory.mktemp("messages") / "messages.pot"
    messages.gather(template)
    return template


@pytest.fixture(scope="module")
def extracted(gathered: Path) -> Catalog:
    with gathered.open("rb") as file:
        return read_po(file)


def test_french_is_there() -> None:
    assert "fr" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_holds_every_message_and_no_other(extracted: Catalog, language: str) -> None:
    wanted = {(message.context, _forms(message.id)) for message in extracted if message.id}
    kept = {(message.context, _forms(message.id)) for message in _translated(language)}
    assert kept == wanted, "run: make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_its_words_and_none_is_a_guess(language: str) -> None:
    plurals = _catalogue(language).num_plurals
    for message in _translated(language):
        words = _forms(message.string)
        assert words, message.id
        assert all(words), message.id
        assert len(words) == (plurals if isinstance(message.id, tuple | list) else 1), message.id
        assert not message.fuzzy, message.id
    assert not _catalogue(language).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_message(language: str) -> None:
    for message in _translated(language):
        # "One file." needs no number: what stands for many has every placeholder there is.
        wanted = sorted(_PLACEHOLDER.findall(_forms(message.id)[-1]))
        words = _forms(message.string)
        assert sorted(_PLACEHOLDER.findall(words[-1])) == wanted, message.id
        for each in words[:-1]:
            assert set(_PLACEHOLDER.findall(each)) <= set(wanted), message.id


def test_french_is_set_as_french_is() -> None:
    """No plain space before high punctuation or inside guillemets, no typewriter's apostrophe, no English quotes."""
    wrong = re.compile(r" [:;?!»]|« |\w'\w|[“”]")
    for message in _translated("fr"):
        for words in _forms(message.string):
            assert not wrong.search(words), words


def test_gathering_again_changes_nothing(gathered: Path, tmp_path: Path) -> None:
    messages.gather(tmp_path / "again.pot")
    one, two = (
        [line for line in path.read_text(encoding="utf-8").splitlines() if "POT-Creation-Date" not in line]
        for path in (gathered, tmp_path / "again.pot")
    )
    assert one == two


class _Read(HTMLParser):
    """Every run of text and every attribute that a person reads or hears, outside of what names its own language."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.append(tag)
        elif tag in ("script", "style", "textarea") or ("lang" in given and tag != "html"):
            self._silent.append(tag)
        else:
            self.said += [
                value for name, value in attrs if value and (name in _READ_ATTRIBUTES or name.startswith("data-text-"))
            ]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(" ".join(data.split()))


_FOR = {
    "nobody": ["/", "/rounds", "/sign-in", "/sign-up", "/reset-password", "/no-such-page"],
    "team": ["/home", "/account", "/cities/new", "/account/passkeys", "/board"],
    "fund-managers": [
        *["/home", "/board", "/money", "/manage/rounds", "/manage/rounds/new"],
        *["/studio", "/studio/workflows/small-grant", "/studio/checks"],
    ],
    "reviewers": ["/home", "/reviews"],
    "finance": ["/home", "/money"],
    "auditors": ["/home", "/board", "/audit"],
    "administrators": ["/home", "/people", "/admin/jobs"],
}
"""Pages that each kind of person opens; some of them refuse, which is a page as well."""


@pytest.mark.parametrize("who", _FOR)
def test_a_page_in_french_says_nothing_of_the_catalogue_in_english(app: Flask, client: FlaskClient, who: str) -> None:
    messages.compile_all()
    english = {
        one
        for message in _translated("fr")
        for one, other in zip(_forms(message.id), _forms(message.string), strict=False)
        if one != other
    }
    if who == "team":
        person = people.a_person("ada@city.example", language="fr")
        people.a_city("Lund", team=[(person, "focal_point")])
        people.sign_in(client, person)
    elif who != "nobody":
        person = people.a_group_member(who, "xenia.orlo@fund.example")
        person.language = "fr"
        db.session.commit()
        people.sign_in(client, person)
    for path in _FOR[who]:
        answer = client.get(path, headers={"Accept-Language": "fr"})
        assert answer.status_code in (200, 403, 404), (path, answer.status_code)
        assert '<html lang="fr"' in answer.text, path
        page = _Read()
        page.feed(answer.text)
        assert not english & set(page.said), path
