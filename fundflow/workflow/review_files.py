"""The reviews of a workflow file: who scores, how many, and what their scores come to.

Refuses a quorum that cannot be met and weights that do not add up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fundflow.workflow import format
from fundflow.workflow.definition import Review
from fundflow.workflow.durations import Duration
from fundflow.workflow.forms import Form
from fundflow.workflow.names import Names
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place

CONFLICTS = ("declared", "same_organisation", "same_country", "prior_contract")
"""What keeps a person from reviewing an application; `declared` always counts."""
AGGREGATES = ("mean", "median", "trimmed_mean", "min")


def reviews(names: Names, top: dict[str, Place]) -> None:
    """Put every review of the file into `names`."""
    for name, place in (top["reviews"].entries("review") if "reviews" in top else {}).items():
        settings = place.settings(
            format.Review,
            what=f"the review '{name}'",
        )
        state = names.state(settings["in"]) if "in" in settings else None
        form = settings["form"].named(names.forms, "form", "FF140") if "form" in settings else None
        by = names.role(settings["by"]) if "by" in settings else None
        if by is not None and (names.roles[by].kind != "panel" or names.roles[by].review != name):
            settings["by"].error("FF168", f"the role '{by}' must be {{is: panel, review: {name}}}")
        assign = _assign(names, settings)
        quorum, share = _quorum(settings, assign["count"])
        sheet = names.forms.get(form or "")
        score = _score(settings, sheet)
        if name in names.forms:
            place.error("FF026", f"'{name}' is also the name of a form; views could not tell them apart", key=True)
        due: Duration | None = settings["due"].duration() if "due" in settings else None
        conflicts: list[str] = ["declared"]
        if "conflicts" in settings:
            named = [each.one_of(CONFLICTS) for each in settings["conflicts"].one_or_many()]
            conflicts += [name_ for name_ in dict.fromkeys(named) if name_ and name_ != "declared"]
        if "blind" in settings:
            settings["blind"].one_of(("until_submitted",))
        names.reviews[name] = Review(
            id=name,
            label=names.label(settings, name, place),
            state=state or "",
            form=form or "",
            by=by or "",
            quorum=quorum,
            share=share,
            due=due,
            discussed_by=_roles(names, settings["discussed_by"]) if "discussed_by" in settings else frozenset(),
            conflicts=tuple(conflicts),
            **assign,
            **score,
        )


def _assign(names: Names, settings: dict[str, Place]) -> dict[str, Any]:
    found: dict[str, Any] = {"assigned_by": frozenset(), "group": None, "count": 1, "reserve": 0}
    if "assign" not in settings:
        return found
    parts = settings["assign"].settings(format.Assign, what="assign")
    if "by" in parts:
        found["assigned_by"] = _roles(names, parts["by"])
    if "group" in parts:
        found["group"] = parts["group"].string()
    if "count" in parts:
        found["count"] = parts["count"].integer(1, 100) or 1
    if "reserve" in parts:
        found["reserve"] = parts["reserve"].integer(0, 20) or 0
    return found


def _roles(names: Names, place: Place) -> frozenset[str]:
    return frozenset(role for role in map(names.role, place.one_or_many()) if role)


def _quorum(settings: dict[str, Place], assigned: int) -> tuple[int, Decimal | None]:
    """The count and the share; a quorum above what is assigned can never be met."""
    if "quorum" not in settings:
        return 1, None
    place, share = settings["quorum"], None
    if isinstance(place.value, dict):
        parts = place.settings(format.Quorum, what="quorum")
        if "of" in parts:
            parts["of"].one_of(("assigned_minus_recused",))
        if "share" in parts:
            share = parts["share"].decimal()
            if share is not None and not 0 < share <= 1:
                parts["share"].error("FF012", f"share is a part of one, such as 0.6, not {share}")
                share = None
        if "count" not in parts:
            return 1, share
        place = parts["count"]
    count = place.integer(1, 100) or 1
    if "assign" in settings and count > assigned:
        place.error("FF163", f"the quorum {count} can never be met: only {assigned} reviewers are assigned")
    return count, share


def _score(settings: dict[str, Place], sheet: Form | None) -> dict[str, Any]:
    """Weights by criterion: those written here, or else those of the sheet's score fields."""
    found: dict[str, Any] = {"weights": {}, "aggregate": "mean", "scale": 10}
    criteria = {f.id: f for f in sheet.fields.values() if f.type == "score"} if sheet else {}
    place = settings.get("form")
    if "score" in settings:
        parts = settings["score"].settings(format.Score, what="score")
        if "aggregate" in parts:
            found["aggregate"] = parts["aggregate"].one_of(AGGREGATES) or "mean"
        if "scale" in parts:
            given = [p.integer(0, 1000) for p in parts["scale"].items()]
            if len(given) != 2 or given[0] != 0 or not given[1]:
                parts["scale"].error("FF012", "scale is [0, 10] or another that begins at 0")
            else:
                found["scale"] = given[1]
        if "field" in parts:
            name = parts["field"].string()
            if name and sheet and _criterion(parts["field"], name, sheet, criteria):
                found["weights"] = {name: 100}
            return found
        if "weights" in parts and isinstance(parts["weights"].value, dict):
            place = parts["weights"]
            for name in parts["weights"].value:
                inner = parts["weights"].at(name)
                if sheet is None or _criterion(inner, str(name), sheet, criteria, key=True):
                    found["weights"][str(name)] = inner.integer(0, 100) or 0
            _hundred(place, found["weights"])
            return found
        if "weights" in parts:
            parts["weights"].settings((), what="weights")
            return found
    found["weights"] = {name: f.weight for name, f in criteria.items() if f.weight is not None}
    if sheet is not None and place is not None and sheet.sections:
        if not criteria:
            place.error("FF166", f"the form '{sheet.id}' has no field of type score")
        else:
            _hundred(place, found["weights"])
    return found


def _criterion(place: Place, name: str, sheet: Form, criteria: dict[str, Any], *, key: bool = False) -> bool:
    if name in criteria:
        return True
    if name in sheet.fields:
        place.error("FF166", f"'{name}' is not a score but a {sheet.fields[name].type}", key=key)
    else:
        close = did_you_mean(name, criteria)
        place.error("FF166", f"the score uses '{name}', which form '{sheet.id}' does not have{close}", key=key)
    return False


def _hundred(place: Place, weights: dict[str, int]) -> None:
    total = sum(weights.values())
    if total != 100:
        place.error("FF167", f"the weights of {listed(weights) or 'nothing'} add up to {total}, not 100")
