"""What differs between two versions of a workflow, in sentences: only texts, what people may do, or the structure.

Everything of a definition is compared; what no part of a workflow says (its version, its migrations, the form of its
file) is not. The comparison never asks whether a change is good.
"""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.definition import Child, Planned, Review, Role, State, Workflow
from fundflow.workflow.diff_forms import forms
from fundflow.workflow.diff_templates import templates
from fundflow.workflow.diff_timers import timers
from fundflow.workflow.diff_transitions import transitions
from fundflow.workflow.differences import KINDS, Change, Differences, Kind, Setting, both, only, quoted, setting
from fundflow.workflow.text import Text

__all__ = ["Change", "Kind", "changes", "heaviest"]

WORKFLOW = {
    "id": setting("structure", "The name of the workflow", "Le nom du processus"),
    "title": setting("text", "The title of the workflow", "Le titre du processus"),
    "languages": setting("text", "The languages of the workflow", "Les langues du processus"),
    "currency": setting("structure", "The currency", "La monnaie"),
    "timezone": setting("policy", "The time zone", "Le fuseau horaire"),
    "initial": setting("structure", "Where an application begins", "L’étape initiale d’une candidature", "states"),
}
CALENDAR = {
    "country": setting("policy", "The country whose holidays count", "Le pays dont les jours fériés comptent"),
    "region": setting("policy", "The region whose holidays count", "La région dont les jours fériés comptent"),
}
ROLE = {
    "label": setting("text", "The name of “{name}”", "Le nom de « {name} »"),
    "kind": setting("policy", "How one comes to be “{name}”", "Comment on devient « {name} »"),
    "duty": setting("policy", "The duty that “{name}” needs", "La fonction requise pour « {name} »"),
    "group": setting("policy", "The group of “{name}”", "Le groupe de « {name} »"),
    "review": setting("policy", "The review of “{name}”", "L’évaluation de « {name} »", "reviews"),
    "field": setting("policy", "The field that names “{name}”", "Le champ qui désigne « {name} »"),
    "assigned_by": setting("policy", "Who chooses “{name}”", "Qui choisit « {name} »", "roles"),
    "never_also": setting(
        "policy", "Whom “{name}” may never also be", "Avec quoi « {name} » est incompatible", "roles"
    ),
}
STATE = {
    "label": setting("text", "The name of “{name}”", "Le nom de « {name} »"),
    "help": setting("text", "The explanation of “{name}”", "L’explication de « {name} »"),
    "final": setting("structure", "How “{name}” ends an application", "Comment « {name} » termine une candidature"),
}
TASK = {
    "label": setting("text", "The name of the task “{name}”", "Le nom de la tâche « {name} »"),
    "help": setting("text", "The explanation of the task “{name}”", "L’explication de la tâche « {name} »"),
    "by": setting("policy", "Who may do the task “{name}”", "Qui peut faire la tâche « {name} »", "roles"),
}
SIGNATURES = {
    "document": setting("policy", "The document signed in “{name}”", "Le document signé à « {name} »"),
    "in_order": setting(
        "policy",
        "Whether the parties sign “{name}” in order",
        "L’ordre de signature à « {name} » est-il imposé",
    ),
}
REVIEW = {
    "label": setting("text", "The name of the review “{name}”", "Le nom de l’évaluation « {name} »"),
    "state": setting("structure", "The state in which “{name}” happens", "L’étape de « {name} »", "states"),
    "form": setting("structure", "The score form of “{name}”", "La grille de « {name} »", "forms"),
    "by": setting("policy", "Who scores in “{name}”", "Qui note dans « {name} »", "roles"),
    "assigned_by": setting("policy", "Who assigns for “{name}”", "Qui désigne pour « {name} »", "roles"),
    "group": setting("policy", "The group that scores in “{name}”", "Le groupe qui note dans « {name} »"),
    "count": setting("policy", "The number of reviewers of “{name}”", "Le nombre d’évaluateurs de « {name} »"),
    "reserve": setting("policy", "The number of stand-bys of “{name}”", "Le nombre de suppléants de « {name} »"),
    "discussed_by": setting(
        "policy", "Who records the discussion of “{name}”", "Qui consigne la discussion de « {name} »", "roles"
    ),
    "conflicts": setting("policy", "What excludes from “{name}”", "Ce qui exclut de « {name} »"),
    "is_blind": setting(
        "policy",
        "Whether scores of “{name}” stay hidden until one’s own are sent",
        "Les notes de « {name} » restent-elles cachées avant l’envoi des siennes",
    ),
    "quorum": setting("policy", "The quorum of “{name}”", "Le quorum de « {name} »"),
    "share": setting(
        "policy", "The share that the quorum of “{name}” needs", "La part requise au quorum de « {name} »"
    ),
    "weights": setting("policy", "The weights of “{name}”", "Les pondérations de « {name} »"),
    "aggregate": setting("policy", "How the scores of “{name}” are combined", "L’agrégation des notes de « {name} »"),
    "scale": setting("policy", "The scale of “{name}”", "L’échelle de « {name} »"),
    "due": setting("policy", "The time that reviewers of “{name}” have", "Le délai des évaluateurs de « {name} »"),
}
CHILD = {
    "label": setting("text", "The name of “{name}”", "Le nom de « {name} »"),
    "form": setting(
        "structure", "The form that “{name}” comes from", "Le formulaire à l’origine de « {name} »", "forms"
    ),
    "field": setting("structure", "The table that “{name}” comes from", "Le tableau à l’origine de « {name} »"),
    "key": setting("structure", "The column that names each “{name}”", "La colonne qui nomme chaque « {name} »"),
    "max": setting("policy", "The largest number of “{name}”", "Le nombre maximal de « {name} »"),
    "columns": setting("structure", "The columns of “{name}”", "Les colonnes de « {name} »"),
    "forms": setting(
        "structure", "The forms that each “{name}” has for itself", "Les formulaires de chaque « {name} »", "forms"
    ),
    "ledger": setting("policy", "What “{name}” may do with money", "Ce que « {name} » peut faire de l’argent"),
}
COMPARED = {
    Workflow: {
        *WORKFLOW,
        *("roles", "forms", "states", "reviews", "transitions", "timers", "outcomes", "children", "phases"),
        *("calendar", "templates"),
    },
    Role: {*ROLE},
    State: {*STATE, "edit", "view", "shown_as", "tasks", "signatures"},
    Review: {*REVIEW},
    Child: {*CHILD, "states", "transitions", "initial", "labels", "rows"},
    Planned: {"values", "when"},
}
"""Which fields of each part are compared; a test holds it against the parts, so that a new field cannot be missed."""
DAYS = both(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
)


def changes(old: Workflow, new: Workflow) -> list[Change]:
    """Every difference, in the order of the file; none for the same rules. Texts of mails and documents are compared
    where both versions have theirs.
    """
    found = Differences(old, new)
    found.settings(WORKFLOW, "", old, new)
    _calendar(found)
    _roles(found)
    forms(found)
    _states(found, "states", old.states, new.states)
    _named_texts(found)
    _reviews(found)
    _children(found)
    transitions(found, "transitions", old.transitions, new.transitions, "states")
    timers(found)
    templates(found)
    return found.found


def heaviest(found: list[Change]) -> Kind | None:
    """The class of a whole difference: that of its heaviest change; None where nothing changed."""
    return max((change.kind for change in found), key=KINDS.index, default=None)


def _calendar(found: Differences) -> None:
    old, new = found.old.calendar, found.new.calendar
    found.settings(CALENDAR, "calendar", old, new)
    if old.week != new.week:
        week = Setting("policy", both("The days that are worked", "Les jours travaillés"))
        found.value(week, "calendar.week", _days(old.week), _days(new.week))


def _days(week: frozenset[int]) -> tuple[Text, ...]:
    return tuple(Text({language: words.split()[day] for language, words in DAYS.items()}) for day in sorted(week))


def _roles(found: Differences) -> None:
    old, new = found.old.roles, found.new.roles
    common = found.parts(
        "policy",
        "roles",
        old,
        new,
        added=both("There is a new role, {name}.", "Un nouveau rôle : {name}."),
        removed=both("The role {name} is gone.", "Le rôle {name} disparaît."),
        order=both("The roles", "Les rôles"),
    )
    for name in common:
        found.settings(ROLE, f"roles.{name}", old[name], new[name], name=old[name].label)


def _states(found: Differences, place: str, old: Mapping[str, State], new: Mapping[str, State]) -> None:
    common = found.parts(
        "structure",
        place,
        old,
        new,
        added=both("There is a new state, {name}.", "Une nouvelle étape : {name}."),
        removed=both("The state {name} is gone.", "L’étape {name} disparaît."),
        order=both("The states", "Les étapes"),
    )
    for name in common:
        _state(found, f"{place}.{name}", old[name], new[name])
    # Of a state that is new, what may be read and done there is new as well, but says nothing more than its name.


def _state(found: Differences, place: str, old: State, new: State) -> None:
    found.settings(STATE, place, old, new, name=old.label)
    where = quoted(new.label)
    for cell, can, cannot in (
        (
            "edit",
            both("{who} can now fill in {what} in {where}.", "{who} peut désormais remplir {what} à {where}."),
            both("{who} can no longer fill in {what} in {where}.", "{who} ne peut plus remplir {what} à {where}."),
        ),
        (
            "view",
            both("{who} can now read {what} in {where}.", "{who} peut désormais lire {what} à {where}."),
            both("{who} can no longer read {what} in {where}.", "{who} ne peut plus lire {what} à {where}."),
        ),
    ):
        before, after = getattr(old, cell), getattr(new, cell)
        for role in dict.fromkeys((*before, *after)):
            gone, come = only(before.get(role, ()), after.get(role, ()))
            who, at = quoted(found.label("roles", role)), f"{place}.{cell}.{role}"
            if come:
                found.add("policy", at, can, who=who, what=found.labels("readable", come), where=where)
            if gone:
                found.add("policy", at, cannot, who=who, what=found.labels("readable", gone), where=where)
            if not gone and not come and before.get(role, ()) != after.get(role, ()):
                found.add(
                    "text",
                    at,
                    both(
                        "{who}: what is read in {where} is listed in another order.",
                        "{who} : l’ordre de lecture à {where} a changé.",
                    ),
                    who=who,
                    where=where,
                )
    for role in dict.fromkeys((*old.shown_as, *new.shown_as)):
        mask = setting(
            "policy", "What “{who}” is shown while it is in “{name}”", "Ce que « {who} » voit à « {name} »", "states"
        )
        who = found.label("roles", role)
        found.value(
            mask, f"{place}.shown_as.{role}", old.shown_as.get(role), new.shown_as.get(role), name=old.label, who=who
        )
    _tasks(found, place, old, new)
    _signatures(found, place, old, new)


def _tasks(found: Differences, place: str, old: State, new: State) -> None:
    where = quoted(new.label)
    common = found.parts(
        "policy",
        f"{place}.tasks",
        old.tasks,
        new.tasks,
        added=both("There is a new task in {where}, {name}.", "Une nouvelle tâche à {where} : {name}."),
        removed=both("The task {name} in {where} is gone.", "La tâche {name} à {where} disparaît."),
        order=both("The tasks of {where}", "Les tâches à {where}"),
        where=where,
    )
    for name in common:
        task, now, at = old.tasks[name], new.tasks[name], f"{place}.tasks.{name}"
        found.settings(TASK, at, task, now, name=task.label)
        for value in found.parts(
            "policy",
            f"{at}.values",
            task.values,
            now.values,
            added=both("The task {task} can now come to {name}.", "La tâche {task} peut désormais donner {name}."),
            removed=both(
                "The task {task} can no longer come to {name}.", "La tâche {task} ne peut plus donner {name}."
            ),
            order=both("The values of {task}", "Les valeurs de {task}"),
            task=quoted(task.label),
        ):
            how = setting("text", "A value of the task “{name}”", "Une valeur de la tâche « {name} »")
            found.value(how, f"{at}.values.{value}", task.values[value], now.values[value], name=task.label)


def _signatures(found: Differences, place: str, old: State, new: State) -> None:
    before, after, place = old.signatures, new.signatures, f"{place}.signatures"
    name = quoted(new.label)
    if before is None and after is not None:
        found.add(
            "policy",
            place,
            both("In {name}, a document is now signed.", "À {name}, un document est désormais signé."),
            name=name,
        )
    elif before is not None and after is None:
        found.add(
            "policy",
            place,
            both("In {name}, nothing is signed any more.", "À {name}, plus rien n’est signé."),
            name=name,
        )
    elif before is not None and after is not None:
        found.settings(SIGNATURES, place, before, after, name=old.label)
        how = setting(
            "policy", "Who signs for “{party}” in “{name}”", "Qui signe pour « {party} » à « {name} »", "roles"
        )
        for party in dict.fromkeys((*before.parties, *after.parties)):
            was, now = before.parties.get(party), after.parties.get(party)
            found.value(how, f"{place}.parties.{party}", was, now, party=party, name=old.label)
        if list(before.parties) != list(after.parties) and set(before.parties) == set(after.parties):
            kind: Kind = "policy" if after.in_order else "text"
            found.add(
                kind,
                f"{place}.parties",
                both("The parties sign {name} in another order.", "L’ordre des signataires à {name} a changé."),
                name=name,
            )


def _named_texts(found: Differences) -> None:
    old, new = found.old, found.new
    for name in found.parts(
        "policy",
        "outcomes",
        old.outcomes,
        new.outcomes,
        added=both("An application can now end as {name}.", "Une candidature peut désormais finir ainsi : {name}."),
        removed=both(
            "An application can no longer end as {name}.", "Une candidature ne peut plus finir ainsi : {name}."
        ),
    ):
        how = setting("text", "The name of the end “{name}”", "Le nom de l’issue « {name} »")
        found.value(how, f"outcomes.{name}", old.outcomes[name], new.outcomes[name], name=old.outcomes[name])
    for name in found.parts(
        "text",
        "phases",
        old.phases,
        new.phases,
        added=both("There is a new phase, {name}.", "Une nouvelle phase : {name}."),
        removed=both("The phase {name} is gone.", "La phase {name} disparaît."),
        order=both("The phases", "Les phases"),
    ):
        phase = {
            "label": setting("text", "The name of the phase “{name}”", "Le nom de la phase « {name} »"),
            "states": setting(
                "text", "The states of the phase “{name}”", "Les étapes de la phase « {name} »", "states"
            ),
        }
        found.settings(phase, f"phases.{name}", old.phases[name], new.phases[name], name=old.phases[name].label)


def _reviews(found: Differences) -> None:
    old, new = found.old.reviews, found.new.reviews
    for name in found.parts(
        "structure",
        "reviews",
        old,
        new,
        added=both("There is a new review, {name}.", "Une nouvelle évaluation : {name}."),
        removed=both("The review {name} is gone.", "L’évaluation {name} disparaît."),
        order=both("The reviews", "Les évaluations"),
    ):
        found.settings(REVIEW, f"reviews.{name}", old[name], new[name], name=old[name].label)


def _children(found: Differences) -> None:
    old, new = found.old.children, found.new.children
    for name in found.parts(
        "structure",
        "children",
        old,
        new,
        added=both("There is a new kind of part, {name}.", "Un nouveau type d’élément : {name}."),
        removed=both("The kind of part {name} is gone.", "Le type d’élément {name} disparaît."),
    ):
        place, was, now = f"children.{name}", old[name], new[name]
        found.settings(CHILD, place, was, now, name=was.label)
        _schedule(found, place, was, now)
        begins = setting("structure", "Where each “{name}” begins", "L’étape initiale de « {name} »", f"states:{name}")
        found.value(begins, f"{place}.initial", was.initial, now.initial, name=was.label)
        _states(found, f"{place}.states", was.states, now.states)
        transitions(found, f"{place}.transitions", was.transitions, now.transitions, f"states:{name}")


def _schedule(found: Differences, place: str, old: Child, new: Child) -> None:
    """What the fields of a kind are called, and the lines that its children are made from."""
    called = setting("text", "The name of “{field}” of “{name}”", "Le nom de « {field} » de « {name} »")
    for field in old.columns:
        if field in new.columns:
            was, now = old.labels.get(field), new.labels.get(field)
            label = was or Text.same(field)
            found.value(called, f"{place}.fields.{field}", was, now, field=label, name=old.label)
    if len(old.rows) != len(new.rows):
        lines = setting("policy", "The number of lines of “{name}”", "Le nombre de lignes de « {name} »")
        found.value(lines, f"{place}.rows", len(old.rows), len(new.rows), name=old.label)
    on = setting("policy", "When line {line} of “{name}” is made", "Quand la ligne {line} de « {name} » existe")
    holds = setting("policy", "“{field}” in line {line} of “{name}”", "« {field} » à la ligne {line} de « {name} »")
    for line, (before, after) in enumerate(zip(old.rows, new.rows, strict=False), 1):
        at = f"{place}.rows.{line - 1}"
        found.value(on, f"{at}.if", before.when, after.when, line=line, name=old.label)
        for field in dict.fromkeys((*before.values, *after.values)):
            label = new.labels.get(field) or old.labels.get(field) or Text.same(field)
            values = before.values.get(field), after.values.get(field)
            found.value(holds, f"{at}.{field}", *values, field=label, line=line, name=old.label)
