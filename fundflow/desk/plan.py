"""The versions of a grant's plan: each with its day and its document, and in words what it says otherwise than another.

A version is an agreement that was made; its facts are kept for good. Who may read the documents may read this, and
nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fundflow.accounts.policy import signed_in
from fundflow.applications.queries import application_for, city_of
from fundflow.awards import versions
from fundflow.awards.policy import may_read_documents
from fundflow.awards.queries import documents_of
from fundflow.awards.versions import Version
from fundflow.desk.views import pages
from fundflow.errors import NotFound
from fundflow.money import Money
from fundflow.web import reader
from fundflow.web.gate import requires


class NoPlanYet(NotFound):
    """There is no version of the plan yet: the first one comes with the agreement."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line: what it is about, before and after in words, and for figures by how much it went up or down."""

    what: str
    was: str
    becomes: str
    is_figure: bool
    by: str = ""
    percent: str = ""
    is_new: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What a version says otherwise than an earlier one, the grant and its time first."""

    version: Version
    lines: list[Difference]


@pages.get("/applications/<uuid:application_id>/plan")
@requires(signed_in)
def plan(application_id: UUID) -> ResponseReturnValue:
    """Every version, the newest first, each beside the one before; with `from` and `to`, those two alone."""
    application = application_for(g.actor, application_id)
    if not may_read_documents(g.actor, application):
        raise NotFound
    spoken = [each.language for each in documents_of(g.actor, application) if each.kind == versions.AGREEMENT]
    if not spoken:
        raise NoPlanYet
    language = next((each for each in (reader.language(), "en") if each in spoken), spoken[0])
    every = versions.versions_of(application, language)
    return render_template(
        "desk/plan.html",
        application=application,
        city=city_of(application),
        compared=[Compared(each, differences(each.changes)) for each in every],
        asked=_asked(every),
    )


def _asked(every: Sequence[Version]) -> tuple[Version, Version, list[Difference]] | None:
    """The two versions of the address, the earlier one first, and what differs; None where it names none."""
    if not {"from", "to"} & set(request.args):
        return None
    numbers = {each.number: each for each in every}
    chosen = sorted({request.args.get(name, 0, type=int) for name in ("from", "to")})
    if not set(chosen) <= set(numbers):
        raise NotFound
    one, other = numbers[chosen[0]], numbers[chosen[-1]]
    return one, other, differences(versions.changes(one.document.facts, other.document.facts))


def differences(changes: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """The changes of two versions in the reader's words."""
    return [_difference(change) for change in changes]


def _difference(change: Mapping[str, Any]) -> Difference:
    kind, was, becomes = change["kind"], change["was"], change["becomes"]
    told = {
        "what": _what(change),
        "was": _written(kind, was),
        "becomes": _written(kind, becomes),
        "is_figure": kind in ("money", "number"),
        "is_new": was == "",
        "is_gone": becomes == "",
    }
    if kind not in ("money", "number") or was == "" or becomes == "":
        return Difference(**told)
    if kind == "money":
        more = _money(becomes) - _money(was)
        by = ("+" if more.minor > 0 else "") + reader.money(more)
        return Difference(**told, by=by, percent=_percent(more.minor, was["minor"]))
    grown = Decimal(str(becomes)) - Decimal(str(was))
    by = ("+" if grown > 0 else "") + reader.decimal(grown)
    return Difference(**told, by=by, percent=_percent(grown, Decimal(str(was))))


def _what(change: Mapping[str, Any]) -> str:
    label, field = change["label"], change["field"]
    match change["part"]:
        case "grant":
            return str(_("Amount of the grant"))
        case "time":
            return str(_("Start of the project") if field == "starts_on" else _("End of the project"))
        case "payments":
            words = {"amount": _("amount"), "due_on": _("due on"), "condition": _("condition")}
            return str(_("Payment %(number)s: %(what)s", number=label, what=words.get(field, field)))
        case "budget":
            return str(_("Budget: %(line)s", line=label))
    return str(_(": ")).join(str(part) for part in (change["of"], label, field) if part)


def _written(kind: str, value: Any) -> str:
    if value == "":
        return "—"
    match kind:
        case "money":
            return reader.money(_money(value))
        case "day":
            return reader.day(date.fromisoformat(value))
        case "number":
            return reader.decimal(Decimal(str(value)))
    return str(value)


def _money(value: Mapping[str, Any]) -> Money:
    return Money(int(value["minor"]), str(value["currency"]))


def _percent(more: Decimal | int, of: Decimal | int) -> str:
    """By how much it changed, to a tenth of a percent; nothing where there was nothing before."""
    return reader.change(Decimal(more) / Decimal(of)) if of else ""
