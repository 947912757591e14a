"""Messages to people: queued with the change that causes them, composed and sent by a job.

Refuses a template that does not exist when it is queued, a template with a fact missing when it is composed, a link
that leaves this site, and a line break in any header.

How to write one: `templates/mail/<name>.txt` begins with `Subject: …`, then a blank line, then paragraphs in plain
text. Words go through `{% trans trimmed %}…{% endtrans %}`, one file for all languages. Facts print through `|money`,
`|day` and `|moment`, which write in the recipient's language and time zone; a bare amount or an unknown fact is an
error. `_layout.txt` adds the greeting, the link (fact `link`, a path of this site) and the footer. The HTML part is
made from the text.

A message about an application is written from the texts that its workflow was pinned with, translations included; all
others are written from the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import smtplib
import ssl
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.support import Translations
from flask import current_app
from jinja2 import (
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    meta,
    nodes,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from fundflow import clock, jobs
from fundflow.config import ROOT, Settings
from fundflow.db import begin_reading, db
from fundflow.money import Money

FOLDER = ROOT / "templates" / "mail"
CATALOGUES = ROOT / "fundflow" / "translations"
WRITTEN = {"en": "en_001"}
"""English without a country would write dates and dollars the way of one country."""
TIMEOUT = 20
"""Seconds that a mail server may be silent."""

NOTIFY_FACTS = (
    "number",
    "title",
    "city",
    "round",
    "requested",
    "reason",
    "by",
    "at",
    "due_at",
    "input",
    "link",
)
"""What every message about an application is given: `requested` money or null, `reason` and `by` text (may be empty),
`at` the instant of the event, `due_at` an instant or null, `input` what the person filled in on the way (may be empty),
`link` a path, the others text."""


_LINES = frozenset({"number", "title", "city", "round", "by"})
"""Facts that are one line by nature: a line break typed into one cannot start a paragraph of its own."""


class Recipient(Protocol):
    """Anything that can be written to: a user, or an actor."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def timezone(self) -> str: ...


class UnknownTemplate(LookupError):
    """No such message under templates/mail."""


class NotSent(Exception):
    """The mail server could not take the message now; the job tries again later."""


_pinned: list[Callable[[str], Mapping[str, str]]] = []


def pinned_texts(read: Callable[[str], Mapping[str, str]]) -> Callable[[str], Mapping[str, str]]:
    """Provide the texts that a workflow was pinned with, by its digest and their path below `templates/`."""
    _pinned[:] = [read]
    return read


def queue(template: str, person: Recipient, facts: Mapping[str, Any], key: str, definition: str | None = None) -> None:
    """Ask for one message to one person, in the caller's transaction; the same key and person again changes nothing.

    `definition` is the digest of the workflow that names the message, whose texts are then used. `facts` may hold text,
    whole numbers, booleans, null, Money, Decimal, aware datetimes, dates, UUIDs, texts by language, and lists and
    mappings of these.
    """
    if not (_exists(template) if definition is None else f"mail/{template}.txt" in _texts_of(definition)):
        raise UnknownTemplate(template)
    payload = {
        "template": template,
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
        "facts": plain(facts, person.language),
        "key": hashlib.sha256(f"{key}\n{person.email}".encode()).hexdigest(),
        "definition": definition,
    }
    jobs.enqueue("mail.send", payload, f"mail:{template}:{payload['key']}")


@jobs.handler("mail.send")
def send(payload: dict[str, Any]) -> None:
    """Compose and hand over one queued message. Raises NotSent where another attempt may succeed, else jobs.GiveUp."""
    settings: Settings = current_app.extensions["settings"]
    begin_reading()
    message = compose(payload, settings)
    db.session.rollback()  # a mail server may be slow: no transaction may stay open for so long
    deliver(message, settings)


def texts(template: str) -> dict[str, str]:
    """All that a message is made of as it stands now, by path below `templates/`: its words, those it includes, the
    layout, and of each in every language the sentences as the catalogue has them. UnknownTemplate where there is none.
    """
    if not _exists(template):
        raise UnknownTemplate(template)
    environment = _environment("en", "UTC", None)
    found: dict[str, str] = {}
    waiting = ["_layout.txt", f"{template}.txt"]
    while waiting:
        name = waiting.pop()
        if f"mail/{name}" in found:
            continue
        source = (FOLDER / name).read_text(encoding="utf-8")
        found[f"mail/{name}"] = source
        waiting += [each for each in meta.find_referenced_templates(environment.parse(source)) if each]
        for language in _catalogued():
            found[f"mail/{name.removesuffix('.txt')}.{language}.json"] = json.dumps(
                list(_sentences(environment, source, language)), ensure_ascii=False
            )
    return found


def parsed(template: str) -> nodes.Template:
    """A message without its layout, read but not written, for whoever asks what it prints."""
    if not _exists(template):
        raise UnknownTemplate(template)
    environment = _environment("en", "UTC", None)
    return environment.parse((FOLDER / f"{template}.txt").read_text(encoding="utf-8"))


def untranslated(template: str) -> dict[str, tuple[str, ...]]:
    """The sentences of a message that each language of the catalogue lacks; none of them where it can be written."""
    if not _exists(template):
        raise UnknownTemplate(template)
    environment = _environment("en", "UTC", None)
    source = (FOLDER / f"{template}.txt").read_text(encoding="utf-8")
    wanted = [
        message if isinstance(message, str) else str(message[0])
        for _line, _function, message in environment.extract_translations(source)  # type: ignore[attr-defined]
    ]
    found = {}
    for language in _catalogued():
        known = {sentence for sentence, _, _ in _sentences(environment, source, language)}
        found[language] = tuple(sentence for sentence in wanted if sentence not in known)
    return found


def read(source: str) -> tuple[nodes.Template, list[str]]:
    """A message's text as it is parsed, and the sentences in it that are translated; TemplateSyntaxError."""
    environment = _environment("en", "UTC", None)
    found = environment.extract_translations(source)  # type: ignore[attr-defined]
    # Nothing is extracted from a sentence that is no plain text.
    return environment.parse(source), [
        message if isinstance(message, str) else str(message[0]) for _line, _function, message in found if message
    ]


def _catalogued() -> list[str]:
    return sorted(folder.name for folder in CATALOGUES.iterdir() if folder.is_dir())


def _sentences(environment: Environment, source: str, language: str) -> Iterator[tuple[str, int | None, str]]:
    """Each sentence of a text with its translation; a plural once for each of its forms, which are numbered."""
    catalogue = getattr(_translations(language), "_catalog", {})
    for _line, function, message in environment.extract_translations(source):  # type: ignore[attr-defined]
        # A sentence with facts in it comes as a tuple as well, so only the function says whether it is a plural.
        singular = message if isinstance(message, str) else message[0]
        if function != "ngettext":
            if singular in catalogue:
                yield singular, None, catalogue[singular]
            continue
        n = 0
        while (singular, n) in catalogue:
            yield str(singular), n, catalogue[singular, n]
            n += 1


@lru_cache(maxsize=16)
def _translations(locale: str) -> Any:
    return Translations.load(str(CATALOGUES), [locale])


def _pinned_translations(locale: str, language: str, texts: Mapping[str, str]) -> Any:
    """The sentences as they were pinned; only how the language counts comes from the catalogue."""
    pinned: Any = Translations()
    pinned.plural = _translations(locale).plural
    for path, text in texts.items():
        if path.startswith("mail/") and path.endswith(f".{language}.json"):
            for sentence, n, said in json.loads(text):
                pinned._catalog[sentence if n is None else (sentence, n)] = said
    return pinned


def _texts_of(definition: str) -> Mapping[str, str]:
    return _pinned[0](definition)


def names() -> frozenset[str]:
    """Every message there is: `approved`, `security/confirm`, …"""
    return frozenset(
        path.relative_to(FOLDER).with_suffix("").as_posix()
        for path in FOLDER.rglob("*.txt")
        if not path.name.startswith("_")
    )


@lru_cache(maxsize=256)
def _exists(template: str) -> bool:
    return bool(re.fullmatch(r"(?:[a-z]+/)?[a-z][a-z_]*", template)) and (FOLDER / f"{template}.txt").is_file()


def plain(value: Any, language: str) -> Any:
    """Facts as JSON: money as its parts, instants and dates as ISO text, texts in the reader's language."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("An instant in a message needs its time zone.")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if hasattr(value, "in_"):
        return str(value.in_(language))
    if isinstance(value, Mapping):
        return {str(key): plain(each, language) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, language) for each in value]
    raise TypeError(f"A {type(value).__name__} cannot be a fact of a message")


def compose(payload: Mapping[str, Any], settings: Settings) -> EmailMessage:
    """The finished message: plain text, the same as HTML, and a Message-ID that a retry repeats."""
    language = payload["language"] if payload["language"] in settings.languages else settings.languages[0]
    facts = {
        **{
            key: one_line(fact) if key in _LINES and isinstance(fact, str) else fact
            for key, fact in payload["facts"].items()
        },
        "name": one_line(payload["name"]),
        "fund": settings.fund_name,
        "site": settings.url,
        "zone": payload["timezone"],
    }
    environment = _environment(language, _zone(payload["timezone"]).key, payload.get("definition"))
    try:
        source, _, _ = environment.loader.get_source(environment, f"{payload['template']}.txt")  # type: ignore[union-attr]
    except TemplateNotFound:
        raise UnknownTemplate(payload["template"]) from None
    head, _, body = source.partition("\n")
    if not head.startswith("Subject: "):
        raise ValueError(f"templates/mail/{payload['template']}.txt must begin with “Subject: ”")
    # The subject is cut off before facts go in, so no fact can move text between the two.
    subject = one_line(environment.from_string(head.removeprefix("Subject: ")).render(facts))
    written = environment.from_string(body).render(facts).strip()
    link = _own_link(facts.get("link"), settings)
    whole = environment.get_template("_layout.txt").render(facts | {"body": written, "link": link})
    whole = re.sub(r"\n{3,}", "\n\n", whole.strip()) + "\n"

    user, _, domain = payload["email"].rpartition("@")
    message = EmailMessage(policy=SMTP if user.isascii() else SMTPUTF8)
    message["Subject"] = subject
    message["From"] = Address(display_name=one_line(settings.fund_name), addr_spec=settings.mail_from)
    message["To"] = Address(display_name=facts["name"], username=user, domain=domain)
    message["Date"] = clock.now()
    message["Message-ID"] = f"<{payload['key'][:40]}@{settings.mail_from.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language
    message.set_content(wrapped(whole), cte="quoted-printable")
    message.add_alternative(_html(whole, subject, language), subtype="html", cte="quoted-printable")
    return message


def deliver(message: EmailMessage, settings: Settings) -> None:
    """Give the message to the transport in force: a file in the instance folder, or the mail server of the settings."""
    if not settings.mail_url:
        _to_file(message, settings.instance / "mail")
        return
    try:
        _to_server(message, settings.mail_url)
    except smtplib.SMTPRecipientsRefused as problem:
        codes = {code for code, _ in problem.recipients.values()}
        if all(code >= 500 for code in codes):
            raise jobs.GiveUp(f"The mail server refuses this address for good: {problem}") from problem
        raise NotSent(str(problem)) from problem
    except (OSError, smtplib.SMTPException) as problem:
        raise NotSent(f"{type(problem).__name__}: {problem}") from problem


def one_line(text: str) -> str:
    """Text fit for a header: control characters and line ends become single spaces."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def wrapped(text: str, width: int = 76) -> str:
    """Plain text with long lines folded between words; addresses stay whole and list items hang."""
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent="  " if line.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")


def linked(text: str) -> Markup:
    """Escaped text in which web addresses can be followed."""
    parts: list[Markup] = []
    at = 0
    for found in _URL.finditer(text):
        parts += [escape(text[at : found.start()]), Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(found[0])]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def _html(text: str, subject: str, language: str) -> str:
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.strip().splitlines()
        if all(line.startswith("- ") for line in lines):
            items = Markup("").join(Markup("<li>{}</li>").format(linked(line[2:])) for line in lines)
            blocks.append(Markup("<ul>{}</ul>").format(items))
        elif block.strip() == "--":
            blocks.append(Markup("<hr>"))
        else:
            blocks.append(Markup("<p>{}</p>").format(Markup("<br>\n").join(linked(line) for line in lines)))
    return Markup(
        '<!doctype html>\n<html lang="{}" dir="{}">\n<head><meta charset="utf-8"><title>{}</title></head>\n'
        "<body>\n{}\n</body>\n</html>\n"
    ).format(language, Locale.parse(language, sep="-").text_direction, subject, Markup("\n").join(blocks))


def _own_link(link: str | None, settings: Settings) -> str | None:
    if link is None:
        return None
    whole = settings.url + link if link.startswith("/") and not link.startswith("//") else link
    if not whole.startswith(settings.url + "/") or re.search(r"[\s\x00-\x1f<>\"\\]", whole):
        raise ValueError("A message links only to pages of this site")
    return whole


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")  # a zone that left the database since the person chose it


@lru_cache(maxsize=64)
def _environment(language: str, zone: str, definition: str | None) -> Environment:
    locale = WRITTEN.get(language, language.replace("-", "_"))
    texts = None if definition is None else _texts_of(definition)
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(FOLDER)
        if texts is None
        else DictLoader({path.removeprefix("mail/"): text for path, text in texts.items()}),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        _translations(locale) if texts is None else _pinned_translations(locale, language, texts), newstyle=True
    )
    translate: Any = environment.globals["gettext"]

    @pass_context
    def gettext(context: Context, sentence: str, **facts: Any) -> str:
        # `finalize` does not see what goes into a translated sentence.
        return str(translate(context, sentence, **{name: _printable(fact) for name, fact in facts.items()}))

    environment.globals["gettext"] = gettext

    def money(value: Mapping[str, Any]) -> str:
        return Money(int(value["minor"]), str(value["currency"])).format(locale)

    def day(value: str) -> str:
        found = datetime.fromisoformat(value)
        return format_date(found.astimezone(ZoneInfo(zone)) if found.tzinfo else found.date(), "long", locale)

    def moment(value: str) -> str:
        instant = datetime.fromisoformat(value).astimezone(ZoneInfo(zone))
        place = zone.replace("_", " ") if "/" in zone else get_timezone_name(instant, "short", locale=locale)
        pattern = Locale.parse(locale).datetime_formats["long"]
        there = pattern.format(
            format_datetime(instant, Locale.parse(locale).time_formats["short"].pattern, locale=locale),
            format_date(instant, "full", locale),
        )
        return f"{there} ({place})"

    environment.filters.update(money=money, day=day, moment=moment)
    return environment


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, Mapping | list | float):
        raise TypeError(f"A message cannot print {value!r} as it is; use |money, |day or |moment")
    return value


def _to_file(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Named by the message, so that a job which runs twice leaves one file.
    kept = folder / f"{str(message['Message-ID']).strip('<>').partition('@')[0]}.eml"
    if kept.exists():
        return
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as out:
        out.write(message.as_bytes())
        out.flush()
        os.fsync(out.fileno())
    Path(out.name).replace(kept)


def _to_server(message: EmailMessage, url: str) -> None:
    """Refuses to send a password, or anything to another machine, without encryption."""
    server = urlsplit(url)
    host = server.hostname or "localhost"
    context = ssl.create_default_context()
    client: smtplib.SMTP
    if server.scheme == "smtps":
        client = smtplib.SMTP_SSL(host, server.port or 465, timeout=TIMEOUT, context=context)
    else:
        client = smtplib.SMTP(host, server.port or 587, timeout=TIMEOUT)
    with client:
        client.ehlo()
        if server.scheme == "smtp":
            if client.has_extn("starttls"):
                client.starttls(context=context)
                client.ehlo()
            elif server.username or host not in ("localhost", "127.0.0.1", "::1"):
                raise smtplib.SMTPNotSupportedError(f"{host} offers no encryption; fundflow will not send without it")
        if server.username:
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(message)
