"""Conditions are told in plain words, in English and French, with the caller's names for facts."""

from __future__ import annotations

import pytest

from fundflow.workflow.expressions import (
    BOOL,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    MONEY,
    STRING,
    Type,
    compile_expression,
    list_of,
    record,
)
from fundflow.workflow.expressions import phrases as phrase_table
from fundflow.workflow.expressions.words import Labels, fact_in_words, in_words
from fundflow.workflow.text import Text

TRANCHE = record({"nr": INT, "amount": MONEY, "due": DATE, "state": Type("string", options=("planned", "paid"))})
TYPES = {
    "application": record(
        {
            "requested": MONEY,
            "cofinance": MONEY.or_null(),
            "country": STRING,
            "theme": Type("string", options=("housing", "work")),
            "end_date": DATE.or_null(),
            "title": STRING,
        }
    ),
    "round": record({"cap": MONEY, "floor": MONEY, "countries": list_of(STRING, 250), "closes_at": INSTANT}),
    "reviews": record({"panel": record({"score": DECIMAL.or_null(), "quorum_met": BOOL})}),
    "tasks": record({"documents_ok": BOOL, "risk": Type("string", nullable=True, options=("low", "high"))}),
    "children": record({"tranche": list_of(TRANCHE, 12)}),
    "siblings": list_of(TRANCHE, 12),
    "self": TRANCHE,
    "now": INSTANT,
    "today": DATE,
}
LABELS: Labels = {
    "application.requested": Text({"en": "the amount asked for", "fr": "le montant demandé"}),
    "application.theme.housing": Text({"en": "Housing", "fr": "Logement"}),
    "children.tranche": Text({"en": "the tranches", "fr": "les tranches"}),
    "children.tranche.state.paid": Text({"en": "Paid", "fr": "Payée"}),
}


@pytest.mark.parametrize(
    ("source", "english", "french"),
    [
        (
            "application.requested >= round.floor && application.requested <= round.cap",
            "the amount asked for is at least the floor of the round, and the amount asked for is at most the cap of"
            " the round",
            "le montant demandé atteint au moins le plancher de l’appel, et le montant demandé ne dépasse pas le"
            " plafond de l’appel",
        ),
        (
            "application.country in round.countries || !(application.country in ['FR', 'KE', 'PE'])",
            "the city’s country is one of the countries of the round, or the city’s country is not one of “FR”, “KE”"
            " or “PE”",
            "le pays de la ville figure dans les pays de l’appel, ou le pays de la ville ne figure pas dans « FR »,"
            " « KE » ou « PE »",
        ),
        (
            'application.cofinance.orValue(money("0")) >= application.requested * 0.2',
            "“cofinance” (or €0.00 if not given) is at least the amount asked for times 0.2",
            "« cofinance » (ou 0,00\xa0€ à défaut) atteint au moins le montant demandé fois 0,2",
        ),
        (
            "reviews.panel.score != null && (reviews.panel.score >= 6.5 || reviews.panel.quorum_met)",
            "the score of “panel” is given, and (the score of “panel” is at least 6.5, or the quorum of “panel” is"
            " met: yes)",
            "une valeur est donnée pour la note, « panel », et (la note, « panel » atteint au moins 6,5, ou le quorum"
            " est atteint, « panel » : oui)",
        ),
        ("!tasks.documents_ok", "the task “documents ok”: no", "la tâche « documents ok » : non"),
        ("application.theme == 'housing'", "“theme” is Housing", "« theme » est Logement"),
        ("application.title.contains('a')", "“title” contains “a”", "« title » contient « a »"),
        (
            "!children.tranche.exists(t, t.state == 'paid' || t.nr > 3)",
            "for no item in the tranches: “state” is Paid, or “nr” is more than 3",
            "pour aucun élément dans les tranches : « state » est Payée, ou « nr » dépasse 3",
        ),
        (
            "siblings.all(s, s.nr >= self.nr || s.state == 'paid') && today >= date('2026-12-31')",
            "(for every item in all of its kind: “nr” is at least “nr” of this one, or “state” is “paid”), and today"
            " is not before 31 December 2026",
            "(pour chaque élément dans tous ceux du même genre : « nr » atteint au moins « nr » de celui-ci, ou"
            " « state » est « paid »), et aujourd’hui n’est pas avant le 31 décembre 2026",
        ),
        (
            "children.tranche.filter(t, t.state == 'paid').size() >= 2",
            "how many items in the tranches there are for which “state” is Paid is at least 2",
            "le nombre d’éléments dans les tranches pour lesquels « state » est Payée atteint au moins 2",
        ),
        (
            "children.tranche.map(t, t.amount).sum() == application.requested",
            "the total for (“amount” for every item in the tranches) is the amount asked for",
            "le total pour (« amount » pour chaque élément dans les tranches) vaut le montant demandé",
        ),
        (
            "children.tranche.all(t, siblings.exists(s, s.nr == t.nr))",
            "for every “t” in the tranches: for at least one “s” in all of its kind: “nr” of “s” is “nr” of “t”",
            "pour chaque « t » dans les tranches : pour au moins un « s » dans tous ceux du même genre : « nr » pour"
            " « s » vaut « nr » pour « t »",
        ),
        (
            'now < round.closes_at - duration("2 weeks")',
            "this moment is before 2 weeks before the closing of the round",
            "l’instant présent est avant la clôture de l’appel moins 2 semaines",
        ),
        (
            'has(application.end_date) && application.end_date - today <= duration("1 day")',
            "“end date” is given, and the time from today to “end date” is at most 1 day",
            "une valeur est donnée pour « end date », et le temps entre aujourd’hui et « end date » ne dépasse pas"
            " 1 jour",
        ),
        (
            "ratio(application.requested, round.cap, 1) < 0.5",
            "(the amount asked for divided by the cap of the round (or 1 if that is zero)) is less than 0.5",
            "(le montant demandé divisé par le plafond de l’appel (ou 1 si c’est zéro)) n’atteint pas 0,5",
        ),
        (
            "tasks.risk == null ? true : tasks.risk == 'low'",
            "if the task “risk” is not given, then always, otherwise the task “risk” is “low”",
            "si aucune valeur n’est donnée pour la tâche « risk », alors toujours, sinon la tâche « risk » est « low »",
        ),
    ],
)
def test_a_condition_reads_as_a_sentence(source: str, english: str, french: str) -> None:
    expression = compile_expression(source, TYPES, "EUR", BOOL)
    assert in_words(expression, "en", LABELS) == english
    assert in_words(expression, "fr", LABELS) == french


def test_an_amount_reads_as_one_too() -> None:
    expression = compile_expression("application.requested / 2 + abs(round.cap)", TYPES, "EUR", MONEY)
    assert in_words(expression, "en", LABELS) == (
        "(the amount asked for divided by 2) plus the cap of the round (whatever its sign)"
    )


def test_other_languages_are_told_in_english() -> None:
    expression = compile_expression("application.requested <= round.cap", TYPES, "EUR", BOOL)
    assert in_words(expression, "ar", LABELS) == in_words(expression, "en", LABELS)
    assert in_words(expression, "fr_CA", LABELS).startswith("le montant demandé ne")


def test_a_fact_nobody_named_is_called_by_its_own_name() -> None:
    assert fact_in_words("application.end_date", "en") == "“end date”"
    assert fact_in_words("weather.wind_speed", "fr") == "« weather wind speed »"
    assert fact_in_words("timers.report_due.due_at", "fr") == "l’échéance « report due »"


def test_every_phrase_is_there_in_every_language() -> None:
    def texts(value: object) -> list[Text]:
        if isinstance(value, Text):
            return [value]
        return [text for one in value.values() for text in texts(one)] if isinstance(value, dict) else []

    found = [text for value in vars(phrase_table).values() for text in texts(value)]
    assert len(found) > 100
    assert all(set(text) == set(phrase_table.LANGUAGES) for text in found)
