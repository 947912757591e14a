"""Documents: a template of ours and JSON facts become tagged PDF (PDF/UA-1), in a process of its own.

Refuses a template with a fact missing, every address outside templates/agreements, embedded files, and a document that
takes too long or too much memory; none of these can take the server down. The same facts, template and fonts give the
same bytes, so a document may be rendered again at any time.

A document of an application is made from the texts that its workflow was pinned with: the functions take them as
`texts`, by path below `templates/`, and read the disk without.

A template is `<name>.<language>.html`, autoescaped; its style is `<name>.css`, or `letter.css` where there is none.
Facts print through `|money`, `|words`, `|day`, `|number`, `|country` and `|paragraphs`, in the document's language.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import multiprocessing
import re
import resource
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_name
from jinja2 import DictLoader, Environment, FileSystemLoader, StrictUndefined, UndefinedError, meta
from markupsafe import Markup, escape

from fundflow.config import ROOT
from fundflow.errors import Refused
from fundflow.money import Money, exponent

FOLDER = ROOT / "templates" / "agreements"
SECONDS = 120
"""How long one document may take, with starting the process on a busy machine, before the process is ended."""
MEMORY = 2**31
"""Address space of the rendering process, in bytes: a few times what a long agreement needs."""
RENEW_AFTER = 100
"""Documents after which the process is replaced, so that nothing can pile up in it."""


class MissingFact(Refused):
    """The {document} cannot be prepared yet, because this is not known: {fact}."""


class RenderFailed(Exception):
    """The document could not be made into a PDF; nothing of it was kept."""


class UnknownTemplate(LookupError):
    """No such document under templates/agreements."""


Texts = Mapping[str, str]
BELOW = "agreements/"


def render(template: str, facts: Mapping[str, Any], language: str, texts: Texts | None = None) -> bytes:
    """The PDF. MissingFact and RenderFailed are its only refusals; takes up to `SECONDS`."""
    name = _style(template, texts)
    style = (FOLDER / name).read_text(encoding="utf-8") if texts is None else texts[BELOW + name]
    return press.print(html(template, facts, language, texts), style)


def html(template: str, facts: Mapping[str, Any], language: str, texts: Texts | None = None) -> str:
    """The page that becomes the PDF. Cheap: lets a decision find out at once that a fact is missing."""
    environment = _environment(language, None if texts is None else tuple(sorted(texts.items())))
    try:
        return environment.get_template(f"{template}.{language}.html").render(facts)
    except UndefinedError as problem:
        raise MissingFact(document=template.replace("_", " "), fact=str(problem)) from problem


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


def _style(template: str, texts: Texts | None = None) -> str:
    """The style of a document; one without a style of its own is a letter."""
    own = f"{template}.css"
    return own if ((FOLDER / own).is_file() if texts is None else BELOW + own in texts) else "letter.css"


def template_sha256(texts: Texts | None = None) -> str:
    """One digest for all of templates/agreements: two documents with it came from the same words and style."""
    if texts is None:
        files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
        contents = {name: path.read_bytes() for name, path in files.items()}
    else:
        contents = {p.removeprefix(BELOW): text.encode() for p, text in texts.items() if p.startswith(BELOW)}
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


# --- what templates print with ---------------------------------------------------------------------------------------

_MINOR_UNITS = {
    "en": {
        **dict.fromkeys(["EUR", "USD", "CAD", "AUD", "NZD", "ZAR", "KES", "SLE"], ("cent", "cents")),
        "GBP": ("penny", "pence"),
        **dict.fromkeys(["TND", "LYD"], ("millime", "millimes")),
        **dict.fromkeys(["KWD", "BHD", "IQD", "JOD"], ("fils", "fils")),
    },
    "fr": {
        **dict.fromkeys(["EUR", "CHF", "MAD", "DZD"], ("centime", "centimes")),
        **dict.fromkeys(["USD", "CAD", "AUD", "NZD", "ZAR", "KES", "SLE"], ("cent", "cents")),
        **dict.fromkeys(["TND", "LYD"], ("millime", "millimes")),
        **dict.fromkeys(["KWD", "BHD", "IQD", "JOD"], ("fils", "fils")),
    },
}
_FEMININE = {"GBP", "EGP", "LBP", "SYP", "SDG", "SEK", "NOK", "DKK", "CZK", "ISK", "INR", "PKR", "LKR", "TRY", "MRU"}
"""Currencies whose French name is feminine."""


def in_words(money: Money, language: str) -> str:
    """The amount as a contract writes it out: “forty-five thousand euros and fifty cents”.

    Whole and smallest units both count; a smallest unit without a name here is written as a fraction (“and 50/100”).
    """
    from num2words import num2words

    if money.minor < 0:
        raise ValueError("A negative amount has no place in an agreement")
    places = exponent(money.currency)
    whole, rest = divmod(money.minor, 10**places)
    counted = str(num2words(whole, lang=language)).replace(",", "")
    if language == "fr" and money.currency in _FEMININE and counted.split()[-1].split("-")[-1] == "un":
        counted += "e"
    name = get_currency_name(money.currency, whole, locale=language)
    if language == "fr" and whole and whole % 1_000_000 == 0:
        name = f"d’{name}" if name[0].lower() in "aeiouyéh" and not name.startswith("yen") else f"de {name}"
    text = f"{counted} {name}"
    if not rest:
        return text
    joined = {"fr": "et"}.get(language, "and")
    units = _MINOR_UNITS.get(language, {}).get(money.currency)
    if units is None:
        return f"{text} {joined} {rest:0{places}d}/{10**places}"
    one = rest == 1
    return f"{text} {joined} {num2words(rest, lang=language)} {units[0] if one else units[1]}"


def written_day(value: date, language: str) -> str:
    """A day as a letter writes it: “1 March 2027”, “1er mars 2027”."""
    written = str(format_date(value, "long", _locale(language)))
    # French writes the first of a month as an ordinal, which the locale data does not.
    return f"1er{written[1:]}" if language == "fr" and written[:2] in ("1 ", "1\u00a0") else written


def _locale(language: str) -> str:
    """English without a country would write dates and dollars the way of one country."""
    return {"en": "en_001"}.get(language, language.replace("-", "_"))


@lru_cache(maxsize=64)
def _environment(language: str, texts: tuple[tuple[str, str], ...] | None) -> Environment:
    locale = _locale(language)
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
        day=lambda value: written_day(date.fromisoformat(value), language),
        number=lambda value: format_decimal(Decimal(str(value)), locale=locale),
        country=country,
        paragraphs=paragraphs,
    )
    environment.globals.update(language=language, direction=Locale.parse(locale).text_direction)
    return environment


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, Mapping | list | float):
        raise UndefinedError(f"{value!r} stands where a text should be")
    return value


# --- the press: one process that prints ------------------------------------------------------------------------------


class Press:
    """One spawned process that prints one document at a time; callers wait for each other.

    Whatever happens to the process (killed, out of memory, too slow) costs the document at hand and nothing else: the
    next one gets a new process.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._printed = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def print(self, text: str, style: str) -> bytes:
        """The PDF of a page under the text of its style."""
        with self._lock:
            if self._process is None or not self._process.is_alive() or self._printed >= RENEW_AFTER:
                self._renew()
            assert self._pipe is not None  # noqa: S101 - for the type checker: _renew set it
            self._printed += 1
            try:
                self._pipe.send((text, style))
                if not self._pipe.poll(self.seconds):
                    self._end()
                    raise RenderFailed(f"The document took longer than {self.seconds:g} seconds")
                outcome, content = self._pipe.recv()
            except (EOFError, OSError) as problem:
                self._end()
                raise RenderFailed("The rendering process ended before the document was finished") from problem
            if outcome == "broken":
                self._end()
            if outcome != "pdf":
                raise RenderFailed(content)
            return bytes(content)

    def close(self) -> None:
        with self._lock:
            self._end()

    def _renew(self) -> None:
        self._end()
        # Spawned, not forked: the server has threads and database connections that must not be copied.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self.memory), daemon=True, name="press")
        self._process.start()
        theirs.close()
        self._printed = 0

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._pipe = self._process = None


press = Press()
atexit.register(press.close)


def _serve(pipe: Connection[Any, Any], memory: int) -> None:
    """The process: prints until the other side goes away, which ends the pipe, however that side ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which lets a document finish
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            text, style = pipe.recv()
        except (EOFError, OSError):
            return
        answer: tuple[str, Any]
        try:
            answer = "pdf", to_pdf(text, style)
        except (RecursionError, MemoryError) as problem:
            # What is left in a process after running out of stack or memory is not to be trusted with another document.
            answer = "broken", f"{type(problem).__name__}: {problem}"
        except BaseException as problem:
            answer = "failed", f"{type(problem).__name__}: {problem}"  # in words: not every error can be sent
        try:
            pipe.send(answer)
        except OSError:
            return


def to_pdf(text: str, style: str) -> bytes:
    """Print in this process; call it through `Press`. Refuses when anything the page asks for is refused."""
    from weasyprint import HTML

    fonts, stylesheet = _Kept.fonts_and_style(style)
    fetcher = _Kept.fetcher(style)
    fetcher.refused.clear()
    heard = _Heard()
    logger = logging.getLogger("weasyprint")
    logger.handlers[:] = [heard]
    document = HTML(string=text, base_url=f"{FOLDER.as_uri()}/", url_fetcher=fetcher).render(
        stylesheets=[stylesheet], font_config=fonts, pdf_variant="pdf/ua-1", pdf_tags=True
    )
    if document.metadata.attachments or any(link[0] == "attachment" for page in document.pages for link in page.links):
        raise ValueError("a document may not carry other files")
    if fetcher.refused or heard.errors:
        raise ValueError("; ".join([*fetcher.refused, *heard.errors]))
    # Named by its content, where the library would take a random name: the same page is the same file.
    identifier = hashlib.sha256(text.encode() + style.encode()).digest()[:16]
    return bytes(document.write_pdf(pdf_identifier=identifier, pdf_variant="pdf/ua-1", pdf_tags=True))


class _Heard(logging.Handler):
    """Errors that the library reports only in its log, such as an image that could not be read."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())


@dataclass
class _Kept:
    """What every document of one process shares: reading fonts and style anew costs a tenth of each document."""

    styles: ClassVar[dict[str, tuple[Any, Any]]] = {}
    fetchers: ClassVar[dict[str, Any]] = {}

    @classmethod
    def fonts_and_style(cls, style: str) -> tuple[Any, Any]:
        if style not in cls.styles:
            from weasyprint import CSS
            from weasyprint.text.fonts import FontConfiguration

            fonts = FontConfiguration()
            sheet = CSS(string=style, base_url=f"{FOLDER.as_uri()}/", font_config=fonts, url_fetcher=cls.fetcher(style))
            cls.styles[style] = fonts, sheet
        return cls.styles[style]

    @classmethod
    def fetcher(cls, style: str) -> Any:
        if style not in cls.fetchers:
            cls.fetchers[style] = own_files()
        return cls.fetchers[style]


def own_files() -> Any:
    """A fetcher that serves images and styles under templates/agreements; `refused` lists what else was asked for."""
    from urllib.parse import unquote, urlsplit

    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    kinds = {".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}

    class OwnFiles(URLFetcher):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(allowed_protocols=("file",), allow_redirects=False, fail_on_errors=True)
            self.refused: list[str] = []

        def fetch(self, url: str, headers: Any = None) -> Any:
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            is_ours = parts.scheme == "file" and not parts.netloc and path.is_relative_to(FOLDER.resolve())
            if not is_ours or path.suffix not in kinds or not path.is_file():
                self.refused.append(f"refused to read {url[:120]}")
                raise FatalURLFetchingError(self.refused[-1])
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kinds[path.suffix]})

    return OwnFiles()
