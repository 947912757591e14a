"""The phrases that expressions are told in, in English and French; a new language is one more word in each.

French phrases never put “de” or “à” before a {place}, where they would have to melt with the article that follows.
"""

from __future__ import annotations

from fundflow.workflow.text import Text

LANGUAGES = ("en", "fr")


def _(en: str, fr: str) -> Text:
    return Text({"en": en, "fr": fr})


AND, OR = _(", and ", ", et "), _(", or ", ", ou ")
LISTED, LAST = _(", ", ", "), _(" or ", " ou ")
QUOTED = _("“{a}”", "« {a} »")
ALWAYS, NEVER = _("always", "toujours"), _("never", "jamais")
DAY = _("{a}", "le {a}")
NOTHING = _("nothing", "rien")
YES, NO = _("{a}: yes", "{a} : oui"), _("{a}: no", "{a} : non")
NOT = _("it is not so that ({a})", "il est faux que ({a})")
IF = _("if {c}, then {a}, otherwise {b}", "si {c}, alors {a}, sinon {b}")

GIVEN = _("{a} is given", "une valeur est donnée pour {a}")
NOT_GIVEN = _("{a} is not given", "aucune valeur n’est donnée pour {a}")
OR_VALUE = _("{a} (or {b} if not given)", "{a} (ou {b} à défaut)")

AMOUNTS = {
    "==": _("{a} is {b}", "{a} vaut {b}"),
    "!=": _("{a} is not {b}", "{a} ne vaut pas {b}"),
    "<": _("{a} is less than {b}", "{a} n’atteint pas {b}"),
    "<=": _("{a} is at most {b}", "{a} ne dépasse pas {b}"),
    ">": _("{a} is more than {b}", "{a} dépasse {b}"),
    ">=": _("{a} is at least {b}", "{a} atteint au moins {b}"),
}
TIMES = {
    "==": _("{a} is {b}", "{a} est {b}"),
    "!=": _("{a} is not {b}", "{a} n’est pas {b}"),
    "<": _("{a} is before {b}", "{a} est avant {b}"),
    "<=": _("{a} is not after {b}", "{a} n’est pas après {b}"),
    ">": _("{a} is after {b}", "{a} est après {b}"),
    ">=": _("{a} is not before {b}", "{a} n’est pas avant {b}"),
}
CONDITIONS = {
    "==": _("({a}) exactly when ({b})", "({a}) exactement quand ({b})"),
    "!=": _("either ({a}) or ({b}), not both", "soit ({a}), soit ({b}), pas les deux"),
}
OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
IN = _("{a} is one of {b}", "{a} figure dans {b}")
NOT_IN = _("{a} is not one of {b}", "{a} ne figure pas dans {b}")
TESTS = {
    "startsWith": _("{a} starts with {b}", "{a} commence par {b}"),
    "endsWith": _("{a} ends with {b}", "{a} se termine par {b}"),
    "contains": _("{a} contains {b}", "{a} contient {b}"),
}
FAILED_TESTS = {
    "startsWith": _("{a} does not start with {b}", "{a} ne commence pas par {b}"),
    "endsWith": _("{a} does not end with {b}", "{a} ne se termine pas par {b}"),
    "contains": _("{a} does not contain {b}", "{a} ne contient pas {b}"),
}

ARITHMETIC = {
    "+": _("{a} plus {b}", "{a} plus {b}"),
    "-": _("{a} minus {b}", "{a} moins {b}"),
    "*": _("{a} times {b}", "{a} fois {b}"),
    "/": _("{a} divided by {b}", "{a} divisé par {b}"),
    "%": _("what is left of {a} divided by {b}", "ce qui reste quand on divise {a} par {b}"),
}
RATIO = _("{a} divided by {b} (or {c} if that is zero)", "{a} divisé par {b} (ou {c} si c’est zéro)")
NEGATIVE = _("minus {a}", "moins {a}")
SIZE = _("{a} (whatever its sign)", "{a} (sans regarder le signe)")
LATER, EARLIER = _("{b} after {a}", "{a} plus {b}"), _("{b} before {a}", "{a} moins {b}")
BETWEEN = _("the time from {b} to {a}", "le temps entre {b} et {a}")
UNITS = {
    "minute": _("minutes", "minutes"),
    "hour": _("hours", "heures"),
    "day": _("days", "jours"),
    "week": _("weeks", "semaines"),
    "month": _("months", "mois"),
    "year": _("years", "ans"),
}
ONE_UNIT = {
    "minute": _("minute", "minute"),
    "hour": _("hour", "heure"),
    "day": _("day", "jour"),
    "week": _("week", "semaine"),
    "month": _("month", "mois"),
    "year": _("year", "an"),
}

ITEM = _("the item", "l’élément")
AN_ITEM = _("item", "élément")
OF_OUTER = _("{a} of {b}", "{a} pour {b}")
LOOPS = {
    "all": _("for every {i} in {a}: {b}", "pour chaque {i} dans {a} : {b}"),
    "exists": _("for at least one {i} in {a}: {b}", "pour au moins un {i} dans {a} : {b}"),
    "exists_one": _("for exactly one {i} in {a}: {b}", "pour exactement un {i} dans {a} : {b}"),
    "filter": _("every {i} in {a} for which {b}", "chaque {i} dans {a} pour lequel {b}"),
    "map": _("{b} for every {i} in {a}", "{b} pour chaque {i} dans {a}"),
}
FAILED_LOOPS = {
    "all": _("not for every {i} in {a}: {b}", "pas pour chaque {i} dans {a} : {b}"),
    "exists": _("for no {i} in {a}: {b}", "pour aucun {i} dans {a} : {b}"),
    "exists_one": _("not for exactly one {i} in {a}: {b}", "pas pour exactement un {i} dans {a} : {b}"),
}
COUNT = _("the number of items in {a}", "le nombre d’éléments dans {a}")
COUNT_WHERE = _("how many items in {a} there are for which {b}", "le nombre d’éléments dans {a} pour lesquels {b}")
LENGTH = _("the number of characters in {a}", "le nombre de caractères dans {a}")
SUM = _("the total for {a}", "le total pour {a}")

FACTS = {
    "now": _("this moment", "l’instant présent"),
    "today": _("today", "aujourd’hui"),
    "siblings": _("all of its kind", "tous ceux du même genre"),
    "round.floor": _("the floor of the round", "le plancher de l’appel"),
    "round.cap": _("the cap of the round", "le plafond de l’appel"),
    "round.budget": _("the budget of the round", "le budget de l’appel"),
    "round.opens_at": _("the opening of the round", "l’ouverture de l’appel"),
    "round.closes_at": _("the closing of the round", "la clôture de l’appel"),
    "round.countries": _("the countries of the round", "les pays de l’appel"),
    "round.title": _("the title of the round", "le titre de l’appel"),
    "round.zone": _("the time zone of the round", "le fuseau horaire de l’appel"),
    "ledger.available": _("the money still available", "la somme encore disponible"),
    "ledger.reserved": _("the money reserved", "la somme réservée"),
    "ledger.committed": _("the money committed", "la somme engagée"),
    "ledger.paid": _("the money paid", "la somme payée"),
    "ledger.disbursed": _("the money paid out", "la somme versée"),
    "ledger.ordered": _("the money ordered at the bank", "la somme ordonnée à la banque"),
    "ledger.unordered": _("the money not yet ordered or paid out", "la somme ni ordonnée ni versée"),
    "ledger.undisbursed": _("the money not yet paid out", "la somme non encore versée"),
    "application.number": _("the number of the application", "le numéro de la candidature"),
    "application.id": _("the id of the application", "l’identifiant de la candidature"),
    "application.state": _("the state of the application", "l’étape de la candidature"),
    "application.outcome": _("the outcome of the application", "l’issue de la candidature"),
    "application.currency": _("the currency of the application", "la monnaie de la candidature"),
    "application.city": _("the city", "la ville"),
    "application.country": _("the city’s country", "le pays de la ville"),
    "application.submitted_at": _("the moment of submission", "le moment de l’envoi"),
    "application.officer": _("the officer in charge", "la personne chargée du dossier"),
    "parent.state": _("the state of the application", "l’étape de la candidature"),
    "actor.id": _("whoever does this", "la personne qui agit"),
    "actor.roles": _("the roles of whoever does this", "les rôles de la personne qui agit"),
}
"""The facts that every workflow has."""

REVIEWS = {
    "assigned": _("the number of reviewers assigned to {a}", "le nombre d’évaluateurs désignés, {a}"),
    "submitted": _("the number of reviews sent in {a}", "le nombre d’évaluations envoyées, {a}"),
    "recused": _("the number of reviewers recused from {a}", "le nombre d’évaluateurs récusés, {a}"),
    "quorum_met": _("the quorum of {a} is met", "le quorum est atteint, {a}"),
    "score": _("the score of {a}", "la note, {a}"),
    "spread": _("the spread of the scores in {a}", "l’écart des notes, {a}"),
    "discussed": _("{a} is discussed", "la discussion a eu lieu, {a}"),
}
ROOTS = {
    "application": _("{a}", "{a}"),
    "round": _("{a} of the round", "{a} de l’appel"),
    "self": _("{a} of this one", "{a} de celui-ci"),
    "parent": _("{a} of the application", "{a} de la candidature"),
    "tasks": _("the task {a}", "la tâche {a}"),
    "signatures": _("the signature of {a}", "la signature {a}"),
    "children": _("{a}", "{a}"),
    "timers": _("the due moment of {a}", "l’échéance {a}"),
    "input": _("what is given for {a}", "la réponse à {a}"),
}
"""Facts named by the author of a workflow, where the caller has no label for them; {a} is the name in quotes."""
