"""The words of a report in English and French: what each figure is called, and what is said when something is amiss."""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.simulation.figures import Key
from fundflow.workflow.definition import Workflow
from fundflow.workflow.text import Text, from_id


def _(en: str, fr: str) -> Text:
    return Text({"en": en, "fr": fr})


ROUND, STATES, LATE = (
    _("The round", "L’appel"),
    _("Time in each state", "Temps dans chaque état"),
    _("Late", "En retard"),
)
PEOPLE, REVIEWS, ENDS = _("Work by role", "Travail par rôle"), _("Reviews", "Évaluations"), _("How it ends", "Issues")
STATE, ROLE, REVIEW, END = _("State", "État"), _("Role", "Rôle"), _("Review", "Évaluation"), _("End", "Issue")
SCENARIO = _("Scenario", "Scénario")
LIMIT, QUANTITY = _("Limit", "Délai"), _("Figure", "Grandeur")
MEAN, LOW, HIGH, DATA = _("Mean", "Moyenne"), _("From", "De"), _("To", "À"), _("Data", "Données")
DAYS, HOURS, WEEK = _("days", "jours"), _("hours", "heures"), _("Week of", "Semaine du")
BUDGET = _("Budget", "Budget")
CHANGE = _("Change", "Écart")
COMPARED = _("Two scenarios", "Deux scénarios")
NAMED = _("{what}: {says}", "{what} : {says}")
LONGER = _("{state}: longer than {length}", "{state} : plus de {length}")

OF_ROUND: Mapping[str, tuple[Text, str]] = {
    "came": (_("Applications", "Candidatures"), "count"),
    "decided": (_("Decided", "Décidées"), "count"),
    "decision_p50": (_("Time to decision, half", "Délai de décision, la moitié"), "days"),
    "decision_p90": (_("Time to decision, nine of ten", "Délai de décision, neuf sur dix"), "days"),
    "awards": (_("Grants", "Subventions"), "count"),
    "awarded": (_("Money awarded", "Montant attribué"), "money"),
    "of_budget": (_("Of the budget", "Part du budget"), "share"),
    "released": (_("Money given back", "Montant restitué"), "money"),
    "unfunded": (_("Awards left for want of money", "Attributions manquées faute de fonds"), "count"),
    "open": (_("Still open at the end", "Encore ouvertes à la fin"), "count"),
    "endless": (_("Taken out, for they went in circles", "Retirées, car elles tournaient en rond"), "count"),
}
OF_STATE: Mapping[str, tuple[Text, str]] = {
    "came": (_("Came", "Entrées"), "count"),
    "p50": (_("Half leave within", "La moitié sort en"), "days"),
    "p90": (_("Nine of ten within", "Neuf sur dix en"), "days"),
    "queue": (_("There on average", "Présentes en moyenne"), "count"),
    "queue_max": (_("At most", "Au plus"), "count"),
    "open": (_("Still there", "Encore là"), "count"),
}
OF_LIMIT: Mapping[str, tuple[Text, str]] = {
    "share": (_("Share late", "Part en retard"), "share"),
    "late": (_("Late", "En retard"), "count"),
}
OF_ROLE: Mapping[str, tuple[Text, str]] = {
    "hours": (_("Hours", "Heures"), "hours"),
    "per_person": (_("Hours each", "Heures chacun"), "hours"),
    "utilisation": (_("Of their time", "Part de leur temps"), "share"),
    "load": (_("Asked of what they can do", "Demandé sur le possible"), "share"),
    "queue": (_("Waiting on average", "En attente en moyenne"), "count"),
    "queue_max": (_("At most", "Au plus"), "count"),
}
OF_REVIEW: Mapping[str, tuple[Text, str]] = {
    "sheets": (_("Reviews each", "Évaluations chacun"), "count"),
    "sheets_max": (_("Most for one", "Le plus pour un seul"), "count"),
    "hours": (_("Hours each", "Heures chacun"), "hours"),
    "p50": (_("Half sent within", "La moitié en"), "days"),
    "p90": (_("Nine of ten within", "Neuf sur dix en"), "days"),
    "late": (_("Share late", "Part en retard"), "share"),
    "recused": (_("Recused", "Récusations"), "count"),
    "short": (_("Without a quorum", "Sans quorum"), "count"),
}
OF_END: Mapping[str, tuple[Text, str]] = {"count": (_("Applications", "Candidatures"), "count")}

OF: Mapping[str, Mapping[str, tuple[Text, str]]] = {
    "round": OF_ROUND,
    "state": OF_STATE,
    "limit": OF_LIMIT,
    "timer": OF_LIMIT,
    "role": OF_ROLE,
    "review": OF_REVIEW,
    "end": OF_END,
}

OVERLOADED = _(
    "{role}: {load} of what they can do is asked while work comes in. The queue grows until no more comes, so the"
    " times below depend on how long the round is.",
    "{role} : {load} de leur capacité est demandé tant que le travail arrive. La file s’allonge jusqu’à la fin des"
    " arrivées ; chaque durée ci-dessous dépend donc de celle de l’appel.",
)
SHORT = _(
    "{review}: {count} applications found too few reviewers for the quorum and wait for ever.",
    "{review} : pour {count} candidatures, trop peu d’évaluateurs pour le quorum ; elles attendent sans fin.",
)
OPEN = _(
    "{count} applications are still open when the simulation stops looking; times count only those that left.",
    "{count} candidatures sont encore ouvertes à la fin de la simulation ; les durées ne comptent que les sorties.",
)
ENDLESS = _(
    "{count} applications went in circles and were taken out.",
    "{count} candidatures tournaient en rond et ont été retirées.",
)
TELLS = _(
    "{runs} runs, seed {seed}. Each figure is the mean, and beside it the range that holds 95 of 100 runs.",
    "{runs} simulations, graine {seed}. Chaque valeur est une moyenne, suivie de l’intervalle de 95 sur 100.",
)


def label_of(workflow: Workflow, kind: str, name: str) -> Text:
    """What a state, role, review, timer or end is called."""
    known: Mapping[str, Text]
    match kind:
        case "state" | "limit":
            known = {key: state.label for key, state in workflow.states.items()}
        case "role":
            known = {key: role.label for key, role in workflow.roles.items()}
        case "review":
            known = {key: review.label for key, review in workflow.reviews.items()}
        case "timer":
            known = {key: timer.label for key, timer in workflow.timers.items()}
        case "end":
            known = {**{key: state.label for key, state in workflow.states.items()}, **workflow.outcomes}
        case _:
            known = {}
    return known.get(name) or from_id(name or kind)


def of_key(workflow: Workflow, key: Key) -> Text:
    """A figure by its full name: “Under review: nine of ten within”."""
    kind, name, what = key
    called = OF[kind][what][0] if what in OF[kind] else from_id(what)
    if kind == "round":
        return called
    label = label_of(workflow, kind, name)
    return Text(
        {
            language: NAMED.in_(language).format(what=label.in_(language), says=called.in_(language))
            for language in ("en", "fr")
        }
    )
