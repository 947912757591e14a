"""The engine's own sentences in English and French, and filling {placeholders} in the reader's way of writing.

A value that has no place in a sentence is refused by failing loudly: placeholders and facts are both ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal

from fundflow.money import Money
from fundflow.workflow.text import Text

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def _(en: str, fr: str) -> Text:
    return Text({"en": en, "fr": fr})


NOTHING = _("nothing yet", "rien pour l’instant")
YES, NO = _("yes", "oui"), _("no", "non")

REQUIRED = _("Answer “{label}”.", "Répondez à « {label} ».")
BY_TYPE = {
    "choice": _("Choose an answer for “{label}”.", "Choisissez une réponse pour « {label} »."),
    "choices": _("Choose at least one answer for “{label}”.", "Choisissez au moins une réponse pour « {label} »."),
    "file": _("Attach a file for “{label}”.", "Joignez un fichier pour « {label} »."),
    "table": _("Add at least one line to “{label}”.", "Ajoutez au moins une ligne à « {label} »."),
    "score": _("Give a score for “{label}”.", "Donnez une note pour « {label} »."),
    "country": _("Choose a country for “{label}”.", "Choisissez un pays pour « {label} »."),
    "date": _("Give a date for “{label}”.", "Indiquez une date pour « {label} »."),
    "money": _("Give an amount for “{label}”.", "Indiquez un montant pour « {label} »."),
    "number": _("Give a number for “{label}”.", "Indiquez un nombre pour « {label} »."),
}
NOT_READABLE = _("What is written for “{label}” cannot be read.", "La réponse à « {label} » n’est pas lisible.")
TOO_MANY_WORDS = _(
    "“{label}” has {count} words; use at most {words}.", "« {label} » compte {count} mots ; {words} au maximum."
)
NOT_AN_EMAIL = _("“{text}” is not an e-mail address.", "« {text} » n’est pas une adresse électronique.")
TOO_SMALL = _("Give at least {bound}.", "Indiquez au moins {bound}.")
TOO_LARGE = _("Give at most {bound}.", "Indiquez au plus {bound}.")
WHOLE = _("Give a whole number.", "Indiquez un nombre entier.")
TOO_PRECISE = _("Use at most {places} decimal places.", "Utilisez au plus {places} décimales.")
TOO_FEW_CHOICES = _("Choose at least {count}.", "Choisissez-en au moins {count}.")
TOO_MANY_CHOICES = _("Choose at most {count}.", "Choisissez-en au plus {count}.")
TOO_MANY_FILES = _("Too many files: attach at most {count}.", "Trop de fichiers : joignez-en au plus {count}.")
NOT_AFTER = _(
    "This date must come after “{label}” ({first}).", "Cette date doit être postérieure à « {label} » ({first})."
)
TOO_FEW_ROWS = _("Too few lines: give at least {count}.", "Trop peu de lignes : indiquez-en au moins {count}.")
TOO_MANY_ROWS = _("Too many lines: give at most {count}.", "Trop de lignes : indiquez-en au plus {count}.")
SUM_DIFFERS = _(
    "The lines add up to {sum}, but “{label}” is {target}. They must be equal.",
    "Le total des lignes est de {sum}, mais « {label} » est de {target}. Les deux doivent être égaux.",
)
IN_ROW = _("Line {row}, {column}: {sentence}", "Ligne {row}, {column} : {sentence}")

WRONG_STATE = _(
    "This can no longer be done: the application is now in “{state}”.",
    "Ce n’est plus possible : la candidature est maintenant à l’étape « {state} ».",
)
CHILD_ELSEWHERE = _(
    "This can no longer be done: it is now at “{state}”.",
    "Ce n’est plus possible : c’est maintenant à l’étape « {state} ».",
)
ENDED = _(
    "This application has ended; nothing more can be done with it.",
    "Cette candidature est terminée ; plus rien ne peut être fait.",
)
MIXED = _(
    "The amounts are in different currencies and cannot be compared.",
    "Les montants sont dans des monnaies différentes et ne peuvent être comparés.",
)
WRONG_ROLE = _("This can be done only by: {roles}.", "Ceci est réservé à : {roles}.")
SYSTEM_ONLY = _("Only the calendar does this, when its time comes.", "Seul le calendrier le fait, le moment venu.")
SAME_ACTOR = _(
    "You did “{earlier}” on this application, so someone else must do this.",
    "Vous avez fait « {earlier} » sur cette candidature ; une autre personne doit s’en charger.",
)
DEADLINE_PASSED = _("The deadline passed on {due}.", "Le délai a expiré le {due}.")
NO_DEADLINE = _("The deadline “{timer}” is not running.", "Le délai « {timer} » ne court pas.")
TOO_OFTEN = _("This has been done as often as it may be done: {max}.", "Ce n’est possible que {max} fois au plus.")
INCOMPLETE = _("“{form}” is not complete: {missing}.", "« {form} » est incomplet : {missing}.")
COMPLETE = _("“{form}” is complete.", "« {form} » est complet.")
TASKS_OPEN = _("Still to be done: {missing}.", "Reste à faire : {missing}.")
TASKS_DONE = _("Done: {tasks}.", "Fait : {tasks}.")
NOT_SIGNED = _("Still to sign: {missing}.", "Signature attendue : {missing}.")
SIGNED = _("Everyone has signed.", "Tout le monde a signé.")
NOT_YOUR_TURN = _("Before you, this must be signed by: {missing}.", "Avant vous, ceci doit être signé par : {missing}.")
SIGNED_ALREADY = _("This is signed already.", "C’est déjà signé.")
NOT_HERE = _(
    "This is not done at “{state}”.",
    "Cela ne se fait pas à l’étape « {state} ».",
)
NOT_A_VALUE = _("Choose one of: {values}.", "Choisissez parmi : {values}.")
NO_DOCUMENT = _("The document to be signed is not ready yet.", "Le document à signer n’est pas encore prêt.")
QUORUM = _(
    "Reviews sent: {submitted} of {assigned}; at least {needed} are needed.",
    "Évaluations envoyées : {submitted} sur {assigned} ; il en faut au moins {needed}.",
)
ASSIGNED = _(
    "Reviewers assigned: {assigned}; {needed} are needed.",
    "Évaluateurs désignés : {assigned} ; il en faut {needed}.",
)
NOT_OVERDUE = _(
    "“{timer}” is due on {due}; it is not overdue.", "« {timer} » est dû le {due} ; il n’est pas en retard."
)
NOT_RUNNING = _("“{timer}” is not overdue.", "« {timer} » n’est pas en retard.")
UNANSWERED = _("Not answered yet: {missing}.", "Pas encore répondu : {missing}.")
INPUT_NEEDED = _("Fill in first: {missing}.", "À remplir d’abord : {missing}.")
NOT_MET = _("A condition is not met.", "Une condition n’est pas remplie.")


def shown(value: Any, language: str) -> str:
    """One value the way a reader of the language writes it: money, numbers, dates with their zone, labels, lists."""
    locale = language.replace("-", "_")
    match value:
        case None:
            return NOTHING.in_(language)
        case bool():
            return (YES if value else NO).in_(language)
        case Money():
            return value.format(locale)
        case Text():
            return value.in_(language)
        case Decimal() | int():
            return format_decimal(value, locale=locale, decimal_quantization=False)
        case datetime():
            return _moment(value, locale)
        case date():
            return _day(value, locale)
        case tuple() | list() | frozenset():
            items = [shown(item, language) for item in value]
            return format_list(items, locale=locale) if items else NOTHING.in_(language)
        case _:
            return str(value)


def _day(value: date, locale: str) -> str:
    """A date in words, as pages write it: the day comes first in English too, and French says “1er” for the first."""
    words = format_date(value, "long", locale="en_001" if locale == "en" else locale)
    return f"1er{words[1:]}" if locale.startswith("fr") and words.startswith("1 ") else words


def _moment(value: datetime, locale: str) -> str:
    """A moment with the place whose clocks show it: 23 November 2026, 12:00 (Paris)."""
    zone = value.tzinfo if value.tzinfo is not None and value.tzinfo is not UTC else None
    name = getattr(zone, "key", "UTC")
    place = "UTC" if name in ("UTC", "Etc/UTC") else get_timezone_location(zone, locale, return_city=True)
    return f"{_day(value.date(), locale)}, {format_time(value, 'HH:mm', tzinfo=value.tzinfo, locale=locale)} ({place})"


def write(says: Text, values: Mapping[str, Any], language: str) -> str:
    """The sentence in the reader's language with its {placeholders} filled; unknown ones stay as they are."""
    words = says.in_(language)
    spoken = language if language in says else next((code for code in says if says[code] == words), "en")
    said = _PLACEHOLDER.sub(lambda m: shown(values[m[1]], spoken) if m[1] in values else m[0], words)
    return re.sub(r"([?!])\.$", r"\1", said)  # a question at its end closes the sentence


def fill(says: Text, **values: Any) -> Text:
    """The sentence with its {placeholders} filled, in every language it has."""
    return Text({language: write(says, values, language) for language in says})


def placeholders(words: str) -> list[tuple[str, int]]:
    """The {dotted.names} in a sentence, each with where it begins."""
    return [(m[1], m.start(1)) for m in _PLACEHOLDER.finditer(words)]
