"""The reader's language, time zone and way of writing: how every amount, date and number on a page is shown.

Refuses nothing: what cannot be known about a reader falls back to the site's first language and to UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from flask import current_app, g, has_request_context, request, session
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from fundflow import clock
from fundflow.config import Settings
from fundflow.money import Money

LANGUAGE_COOKIE = "language"
ZONE_COOKIE = "zone"
A_YEAR = 365 * 24 * 3600

# English without a country would write dates and dollars the way of one country; world English writes "US$".
_WRITTEN = {"en": "en_001"}


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.extensions["settings"]
    return found


def select_language() -> str:
    """Chosen in this session, else the person's own, else kept in this browser, else the browser's wish."""
    languages = settings().languages
    if not has_request_context():
        return languages[0]
    actor = g.get("actor")
    person = actor.language if actor is not None and actor.is_signed_in else None
    for wish in (session.get(LANGUAGE_COOKIE), person, request.cookies.get(LANGUAGE_COOKIE)):
        if wish in languages:
            return str(wish)
    # Canadian French is French here, and the browser's own order decides before English as a last resort does.
    for wish, _quality in request.accept_languages:
        known = wish.partition("-")[0].lower()
        if known in languages:
            return known
    return languages[0]


def select_zone() -> str:
    """The person's own zone, else the one their browser named, else UTC."""
    if not has_request_context():
        return "UTC"
    actor = g.get("actor")
    person = actor.timezone if actor is not None and actor.is_signed_in and actor.timezone != "UTC" else None
    for wish in (person, request.cookies.get(ZONE_COOKIE)):
        if is_zone(wish):
            return str(wish)
    return "UTC"


def is_zone(name: str | None) -> bool:
    """Whether this names a time zone of the IANA database."""
    return bool(name) and name in clock.zones()


def language() -> str:
    """The reader's language, one of the settings' languages."""
    found = get_locale()
    return found.language if found is not None else settings().languages[0]


def locale() -> str:
    """The locale amounts, dates and numbers are written in."""
    return _WRITTEN.get(language(), language())


def direction() -> str:
    """``ltr`` or ``rtl``."""
    return str(Locale.parse(locale()).text_direction)


def zone() -> ZoneInfo:
    """The reader's time zone."""
    try:
        return ZoneInfo(select_zone())
    except ZoneInfoNotFoundError:  # a zone of the list whose file is missing on this machine
        return ZoneInfo("UTC")


def zone_name(instant: datetime, of: ZoneInfo) -> str:
    """The zone as a reader knows it, with its distance from UTC then: ``Paris, UTC+1``; plain ``UTC`` for UTC."""
    if of.key in ("UTC", "Etc/UTC"):
        return "UTC"
    offset = instant.astimezone(of).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    ahead = "UTC" + ("−" if minutes < 0 else "+") + str(hours) + (f":{rest:02}" if rest else "")
    city = get_timezone_location(of.key, locale=locale(), return_city=True)
    return f"{city}, {ahead}"


def zone_label() -> str:
    """The reader's own zone, named, as it stands now."""
    return zone_name(clock.now(), zone())


def differs(instant: datetime, in_zone: ZoneInfo | str) -> bool:
    """Whether clocks in that zone and clocks in the reader's show different times at this instant."""
    there = ZoneInfo(in_zone) if isinstance(in_zone, str) else in_zone
    return instant.astimezone(there).utcoffset() != instant.astimezone(zone()).utcoffset()


def money(amount: Money | None) -> str:
    """An exact amount the way the reader writes it; a dash for none."""
    if amount is None:
        return "—"
    # A currency written in letters stands apart from its figures: "F CFA 1,250".
    return re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", "\xa0", amount.format(locale()))


def day(value: date | datetime | None, width: str = "long") -> str:
    """A date; of an instant, the date it is in the reader's zone."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    return format_date(value, width, locale=locale())


def wall(instant: datetime, in_zone: ZoneInfo | None = None) -> str:
    """Date and time of day of an instant in a zone (the reader's by default), without naming the zone."""
    there = instant.astimezone(in_zone or zone())
    return f"{format_date(there.date(), 'long', locale=locale())}, {clock_time(there)}"


def clock_time(there: datetime) -> str:
    """The time of day on a 24-hour clock."""
    return format_time(there, "HH:mm", tzinfo=there.tzinfo, locale=locale())


def moment(instant: datetime | None, in_zone: ZoneInfo | str | None = None) -> str:
    """Date, time of day and zone: the one form in which an instant can never be misread."""
    if instant is None:
        return "—"
    where = ZoneInfo(in_zone) if isinstance(in_zone, str) else in_zone or zone()
    return f"{wall(instant, where)} ({zone_name(instant, where)})"


def since(instant: datetime | None) -> str:
    """How long ago, or how far ahead, in one unit: ``3 days ago``, ``in 2 hours``."""
    if instant is None:
        return "—"
    return format_timedelta(instant - clock.now(), add_direction=True, locale=locale(), threshold=1.2)


def decimal(value: Decimal | int | None, places: int | None = None) -> str:
    """An exact number, grouped; with `places`, exactly that many decimal places."""
    if value is None:
        return "—"
    if places is None:
        return format_decimal(value, locale=locale(), decimal_quantization=False)
    return format_decimal(value, format="#,##0." + "0" * places if places else "#,##0", locale=locale())


def country(code: str | None) -> str:
    """The name of an ISO 3166 country in the reader's language; the code where it has none."""
    return str(Locale.parse(locale()).territories.get(code or "", code or "—"))


def language_name(code: str | None) -> str:
    """The name of a language in the reader's language; the code where it has none."""
    return str(Locale.parse(locale()).languages.get(code or "", code or "—"))


def own_name(code: str) -> str:
    """What a language calls itself: ``français``."""
    parsed = Locale.parse(code)
    return (parsed.get_language_name(code) or code).capitalize()


def fact(value: Any) -> Any:
    """A fact of a refusal, ready to stand in a sentence; text and whatever has its own format stays as it is."""
    if isinstance(value, Money):
        return money(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal | int):
        return decimal(value)
    if hasattr(value, "in_"):
        return value.in_(language())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return format_list([str(fact(each)) for each in value], locale=locale())
    return value


def keep(response: Response, *, chosen_language: str | None, chosen_zone: str | None) -> None:
    """Remember valid choices for a year in this browser; what is not valid is left out."""
    secure = settings().production
    if chosen_language in settings().languages:
        session[LANGUAGE_COOKIE] = chosen_language
        response.set_cookie(
            LANGUAGE_COOKIE, str(chosen_language), max_age=A_YEAR, secure=secure, httponly=True, samesite="Lax"
        )
    if is_zone(chosen_zone):
        response.set_cookie(ZONE_COOKIE, str(chosen_zone), max_age=A_YEAR, secure=secure, httponly=True, samesite="Lax")


def utc(instant: datetime) -> str:
    """The machine form for ``<time datetime>``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


FILTERS = {
    "money": money,
    "date": day,
    "datetime": moment,
    "wall": wall,
    "since": since,
    "decimal": decimal,
    "country": country,
    "language_name": language_name,
    "own_name": own_name,
    "utc": utc,
}


def change(share: Decimal) -> str:
    """By how much something grew or shrank, to a tenth of a percent and with its sign."""
    pattern = str(Locale.parse(locale()).percent_formats[None].pattern).replace("#,##0", "#,##0.#")
    return format_percent(share, f"+{pattern};-{pattern}", locale=locale())
