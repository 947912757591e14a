"""What differs in the forms of two versions: what is asked, of what type, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.differences import Differences, both, quoted, setting
from fundflow.workflow.forms import Field, Form, Option, Section
from fundflow.workflow.text import Text

FORM = {
    "title": setting("text", "The title of the form “{name}”", "Le titre du formulaire « {name} »"),
    "intro": setting("text", "The introduction of “{name}”", "L’introduction de « {name} »"),
}
SECTION = {
    "title": setting("text", "The title of the section “{name}”", "Le titre de la section « {name} »"),
    "help": setting("text", "The explanation of the section “{name}”", "L’explication de la section « {name} »"),
    "when": setting("policy", "When the section “{name}” is asked", "Quand la section « {name} » est demandée"),
}
FIELD = {
    "type": setting("structure", "The type of “{name}”", "Le type de « {name} »"),
    "label": setting("text", "The question “{name}”", "La question « {name} »"),
    "help": setting("text", "The explanation of “{name}”", "L’explication de « {name} »"),
    "required": setting("policy", "Whether “{name}” must be answered", "Faut-il répondre à « {name} »"),
    "personal": setting("policy", "Whether “{name}” is personal", "Le caractère personnel de « {name} »"),
    "words": setting("policy", "The most words for “{name}”", "Le nombre maximal de mots de « {name} »"),
    "min": setting("policy", "The least for “{name}”", "Le minimum de « {name} »"),
    "max": setting("policy", "The most for “{name}”", "Le maximum de « {name} »"),
    "places": setting("policy", "The decimal places of “{name}”", "Les décimales de « {name} »"),
    "after": setting("policy", "The date that “{name}” must follow", "La date que « {name} » doit suivre"),
    "accept": setting("policy", "The kinds of file for “{name}”", "Les types de fichier de « {name} »"),
    "max_mb": setting("policy", "The largest file for “{name}” in megabytes", "La taille maximale en Mo de « {name} »"),
    "max_files": setting("policy", "The most files for “{name}”", "Le nombre maximal de fichiers de « {name} »"),
    "min_rows": setting("policy", "The fewest lines of “{name}”", "Le nombre minimal de lignes de « {name} »"),
    "max_rows": setting("policy", "The most lines of “{name}”", "Le nombre maximal de lignes de « {name} »"),
    "sum_column": setting("policy", "The column of “{name}” that is summed", "La colonne additionnée de « {name} »"),
    "sum_equals": setting("policy", "What the sum of “{name}” must equal", "Ce que le total de « {name} » doit égaler"),
    "weight": setting("policy", "The weight of “{name}”", "La pondération de « {name} »"),
    "source": setting("policy", "What “{name}” is first filled with", "Ce qui remplit d’abord « {name} »"),
    "when": setting("policy", "When “{name}” is asked", "Quand « {name} » est demandé"),
}
OPTION = {
    "label": setting("text", "The answer “{name}”", "La réponse « {name} »"),
    "help": setting("text", "The explanation of the answer “{name}”", "L’explication de la réponse « {name} »"),
}
ANCHOR = setting("text", "What the score {score} of “{name}” means", "Le sens de la note {score} de « {name} »")
COMPARED = {
    Form: {*FORM, "sections", "fields"},
    Section: {*SECTION, "fields"},
    Field: {*FIELD, "options", "columns", "anchors"},
    Option: {*OPTION},
}


def forms(found: Differences) -> None:
    """Every difference of the forms."""
    old, new = found.old.forms, found.new.forms
    for name in found.parts(
        "structure",
        "forms",
        old,
        new,
        added=both("There is a new form, {name}.", "Un nouveau formulaire : {name}."),
        removed=both("The form {name} is gone.", "Le formulaire {name} disparaît."),
        order=both("The forms", "Les formulaires"),
    ):
        place, was, now = f"forms.{name}", old[name], new[name]
        found.settings(FORM, place, was, now, name=was.title)
        _sections(found, place, was, now)
        _fields(found, f"{place}.fields", was.fields, now.fields, quoted(now.title))


def _sections(found: Differences, place: str, old: Form, new: Form) -> None:
    before, after = ({section.id: section for section in form.sections} for form in (old, new))
    for name in found.parts(
        "text",
        f"{place}.sections",
        before,
        after,
        added=both("{form} has a new section, {name}.", "{form} a une nouvelle section : {name}."),
        removed=both("The section {name} of {form} is gone.", "La section {name} de {form} disparaît."),
        order=both("The sections of {form}", "Les sections de {form}"),
        form=quoted(new.title),
    ):
        was, now = before[name], after[name]
        found.settings(SECTION, f"{place}.sections.{name}", was, now, name=was.title)
        ids = [field.id for field in was.fields if field.id in new.fields]
        if ids != [field.id for field in now.fields if field.id in old.fields]:
            found.add(
                "text",
                f"{place}.sections.{name}.fields",
                both(
                    "The questions under {name} are other ones or in another order.",
                    "Les questions sous {name} ne sont plus les mêmes ou plus dans le même ordre.",
                ),
                name=quoted(now.title),
            )


def _fields(found: Differences, place: str, old: Mapping[str, Field], new: Mapping[str, Field], form: Text) -> None:
    for name in found.parts(
        "structure",
        place,
        old,
        new,
        added=both("{form} now asks for {name}.", "{form} demande désormais {name}."),
        removed=both("{form} no longer asks for {name}.", "{form} ne demande plus {name}."),
        order=both("The columns or questions of {form}", "Les colonnes ou questions de {form}"),
        form=form,
    ):
        _field(found, f"{place}.{name}", old[name], new[name])


def _field(found: Differences, place: str, old: Field, new: Field) -> None:
    found.settings(FIELD, place, old, new, name=old.label)
    field = quoted(new.label)
    before, after = ({option.id: option for option in each.options} for each in (old, new))
    for name in after:
        if name not in before:
            found.add(
                "policy",
                f"{place}.options.{name}",
                both("{field} can now be answered with {name}.", "{field} admet désormais la réponse {name}."),
                field=field,
                name=quoted(after[name].label),
            )
    for name in found.parts(
        "structure",
        f"{place}.options",
        before,
        {name: option for name, option in after.items() if name in before},
        added=both("{name}", "{name}"),
        removed=both("{field} can no longer be answered with {name}.", "{field} n’admet plus la réponse {name}."),
        order=both("The answers of {field}", "Les réponses de {field}"),
        field=field,
    ):
        found.settings(OPTION, f"{place}.options.{name}", before[name], after[name], name=before[name].label)
    for score in dict.fromkeys((*old.anchors, *new.anchors)):
        was, now = old.anchors.get(score), new.anchors.get(score)
        found.value(ANCHOR, f"{place}.anchors.{score}", was, now, name=old.label, score=score)
    _fields(found, f"{place}.columns", old.columns, new.columns, field)
