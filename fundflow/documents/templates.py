"""The templates of documents: the texts that each is made of, their digest, and the page that facts make of them.

Refuses a template with a fact missing. A template is `<name>.<language>.html`, autoescaped; its style is `<name>.css`,
else that of the template it extends. Facts print through `|money`, `|words`, `|day`, `|moment(zone)`, `|number`,
`|country`, `|side` and `|paragraphs`, in the document's language; beside them a template may print `facts_sha256` and
`template_sha256`, and where the facts say the `site`, draw `check_url` as a `code()`; `image()` is the address of an
image that the facts name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.numbers import format_decimal
from jinja2 import DictLoader, Environment, FileSystemLoader, StrictUndefined, UndefinedError, meta
from markupsafe import Markup, escape

from fundflow.config import ROOT
from fundflow.db import canonical_json
from fundflow.documents import codes
from fundflow.documents.words import in_words, locale_of, side_of, written_day, written_moment
from fundflow.errors import Refused
from fundflow.money import Money

FOLDER = ROOT / "templates" / "agreements"
Texts = Mapping[str, str]
"""The texts of documents, by path below `templates/`."""
BELOW = "agreements/"


class MissingFact(Refused):
    """The {document} cannot be prepared yet, because this is not known: {fact}."""


class UnknownTemplate(LookupError):
    """No such document under templates/agreements."""


def html(
    template: str,
    facts: Mapping[str, Any],
    language: str,
    texts: Texts | None = None,
    images: Mapping[str, bytes] | None = None,
) -> str:
    """The page that becomes the PDF. Cheap: lets a decision find out at once that a fact is missing.

    `images` are PNG by their digests, as the facts name them; without them the page has empty ones in their places.
    """
    pinned, sha256 = _pinned(texts), digest(facts)
    beside: dict[str, Any] = {"facts_sha256": sha256, "template_sha256": template_sha256(texts)}
    if "site" in facts:
        beside["check_url"] = codes.address(facts["site"], sha256)
    beside["image"] = lambda name: _inline(b"" if images is None else images[name])
    try:
        return _environment(language, pinned).get_template(f"{template}.{language}.html").render({**facts, **beside})
    except UndefinedError as problem:
        raise MissingFact(document=template.replace("_", " "), fact=str(problem)) from problem


def _inline(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def digest(facts: Mapping[str, Any]) -> str:
    """The digest of the facts: SHA-256 over their canonical JSON, which is what a document carries inside it."""
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def languages(template: str, texts: Texts | None = None) -> tuple[str, ...]:
    """The languages in which a document exists."""
    names = [path.name for path in FOLDER.glob("*.html")] if texts is None else [p.removeprefix(BELOW) for p in texts]
    found = (re.fullmatch(rf"{re.escape(template)}\.([A-Za-z-]+)\.html", name) for name in names)
    return tuple(sorted(match[1] for match in found if match))


def texts(template: str) -> dict[str, str]:
    """All that a document is made of as it stands now, by path below `templates/`: every language, what it builds on,
    and its style. UnknownTemplate where there is none.
    """
    spoken = languages(template)
    if not spoken:
        raise UnknownTemplate(template)
    found: dict[str, str] = {}
    waiting = [_style(template), *(f"{template}.{language}.html" for language in spoken)]
    while waiting:
        name = waiting.pop()
        if BELOW + name in found:
            continue
        source = found[BELOW + name] = (FOLDER / name).read_text(encoding="utf-8")
        if not name.endswith(".css"):
            waiting += _referenced(source)
    return found


@lru_cache(maxsize=128)
def _referenced(source: str) -> tuple[str, ...]:
    """The templates that a template names; reading one for this takes longer than all the rest of pinning it."""
    return tuple(each for each in meta.find_referenced_templates(_environment("en", None).parse(source)) if each)


def style_of(template: str, texts: Texts | None = None) -> str:
    """The style sheet of a document."""
    name = _style(template, texts)
    return (FOLDER / name).read_text(encoding="utf-8") if texts is None else texts[BELOW + name]


def _style(template: str, texts: Texts | None = None) -> str:
    """The style of a document: its own, else that of what it builds on; a letter's where there is neither."""
    if _is_there(f"{template}.css", texts):
        return f"{template}.css"
    for language in languages(template, texts):
        name = f"{template}.{language}.html"
        source = (FOLDER / name).read_text(encoding="utf-8") if texts is None else texts[BELOW + name]
        for base in _referenced(source):
            if _is_there(style := f"{base.partition('.')[0]}.css", texts):
                return style
    return "letter.css"


def _is_there(name: str, texts: Texts | None) -> bool:
    return (FOLDER / name).is_file() if texts is None else BELOW + name in texts


def template_sha256(texts: Texts | None = None) -> str:
    """One digest for all of templates/agreements: two documents with it came from the same words and style."""
    pinned = _pinned(texts)
    if pinned is None:
        files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
        return _together({name: path.read_bytes() for name, path in files.items()})
    return _digest_of(pinned)


def _pinned(texts: Texts | None) -> tuple[tuple[str, str], ...] | None:
    return None if texts is None else tuple(sorted(texts.items()))


@lru_cache(maxsize=64)
def _digest_of(pinned: tuple[tuple[str, str], ...]) -> str:
    return _together({path.removeprefix(BELOW): text.encode() for path, text in pinned if path.startswith(BELOW)})


def _together(contents: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        whole.update(f"{name}\n{len(content)}\n".encode() + content)
    return whole.hexdigest()


@lru_cache(maxsize=64)
def _environment(language: str, texts: tuple[tuple[str, str], ...] | None) -> Environment:
    locale = locale_of(language)
    environment = Environment(
        loader=FileSystemLoader(FOLDER)
        if texts is None
        else DictLoader({path.removeprefix(BELOW): text for path, text in texts}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def as_money(value: Mapping[str, Any]) -> Money:
        return Money(int(value["minor"]), str(value["currency"]))

    def country(code: str) -> str:
        return str(Locale.parse(locale).territories.get(code, code))

    def paragraphs(text: str) -> Markup:
        blocks = [block.strip() for block in text.replace("\r\n", "\n").split("\n\n")]
        return Markup("\n").join(
            Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in block.splitlines()))
            for block in blocks
            if block
        )

    environment.filters.update(
        money=lambda value: as_money(value).format(locale),
        words=lambda value: in_words(as_money(value), language),
        moment=lambda value, zone: written_moment(datetime.fromisoformat(value), zone, language),
        side=lambda text: side_of(text, Locale.parse(locale).text_direction),
        day=lambda value: written_day(date.fromisoformat(value), language),
        number=lambda value: format_decimal(Decimal(str(value)), locale=locale),
        country=country,
        paragraphs=paragraphs,
    )
    environment.globals.update(language=language, direction=Locale.parse(locale).text_direction, code=codes.svg)
    return environment


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, Mapping | list | float):
        raise UndefinedError(f"{value!r} stands where a text should be")
    return value
