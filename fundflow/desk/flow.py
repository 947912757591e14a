"""Where the applications of one round stand, on the picture of its process: counts that lead to their lists.

What is counted is what the reader's list would show: the rounds and applications they may see, each in the state that
they are shown it in. The drawing itself is public; only the counts are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from markupsafe import Markup

from fundflow.accounts.policy import in_group
from fundflow.desk import board, queries
from fundflow.desk.board import ENDED, OF, Filters, Lane, Names
from fundflow.desk.masks import Masks
from fundflow.desk.views import pages
from fundflow.errors import NotFound
from fundflow.lifecycle import definitions
from fundflow.rounds import process
from fundflow.rounds.queries import round_for
from fundflow.web import reader
from fundflow.web.gate import requires
from fundflow.workflow import access, diagram
from fundflow.workflow.definition import Workflow
from fundflow.workflow.diagram import Tallies, Tally
from fundflow.workflow.layout import Shape

staff = in_group(*queries.STAFF)


@dataclass(frozen=True, slots=True)
class Standing:
    """A place of the process with its count, as a line of a list."""

    label: str
    tally: Tally


@pages.get("/board/rounds/<slug>")
@requires(staff)
def flow(slug: str) -> ResponseReturnValue:
    """The picture of a round's process with how many applications stand where."""
    actor, language = g.actor, reader.language()
    round_ = round_for(actor, slug)
    if round_.status != "published" or not actor.is_in(*queries.STAFF, round_id=round_.id):
        raise NotFound
    workflows = queries.workflows_in_use()
    names, masks, filters = Names(workflows, language), Masks(actor, workflows), Filters(round=slug)
    lanes = board.lanes(queries.heaps(actor, masks, board.narrow(filters, masks)), names)
    workflow = definitions.get(round_.definition_sha)
    roles = [each.id for each in workflow.roles.values() if each.group and actor.is_in(each.group, round_id=round_.id)]
    shown = [state for state in workflow.states if access.shown_state(workflow, state, roles) == state]
    tallies, others = tallies_of(workflow, language, slug, lanes, shown)
    return render_template(
        "desk/flow.html",
        round=round_,
        wide=_picture(workflow, language, tallies, "wide"),
        tall=_picture(workflow, language, tallies, "tall"),
        standings=list(_standings(workflow, language, tallies)),
        others=others,
        ways=process.ways(workflow, language),
        count=sum(lane.count for lane in lanes),
    )


def tallies_of(
    workflow: Workflow, language: str, slug: str, lanes: Iterable[Lane], shown: Iterable[str]
) -> tuple[Tallies, list[Standing]]:
    """The counts by state and outcome, and those of places that an earlier version of the rules had.

    A state that the reader is never shown has no count, rather than none.
    """
    states = {name: _tally(workflow.states[name].label.in_(language), 0, None) for name in shown}
    outcomes = {name: _tally(label.in_(language), 0, None) for name, label in workflow.outcomes.items()}
    others = []
    for lane in lanes:
        tally = _tally(lane.label, lane.count, url_for("desk.board", round=slug, state=lane.place))
        known, name = (outcomes, lane.place.removeprefix(ENDED)) if lane.is_ended else (states, _bare(lane.place))
        if name in (workflow.outcomes if lane.is_ended else workflow.states):
            known[name] = tally
        else:
            others.append(Standing(lane.label, tally))
    return Tallies(states, outcomes), others


def _bare(place: str) -> str:
    return place.rpartition(OF)[2]


def _tally(label: str, number: int, href: str | None) -> Tally:
    says = ngettext("%(place)s: %(num)s application", "%(place)s: %(num)s applications", number, place=label)
    return Tally(number, str(says), href)


def _picture(workflow: Workflow, language: str, tallies: Tallies, shape: Shape) -> Markup:
    # Our own drawing: every text and address in it is escaped by the module that draws it.
    return Markup(diagram.svg(workflow, language, shape=shape, tallies=tallies, is_brief=True))  # noqa: S704


def _standings(workflow: Workflow, language: str, tallies: Tallies) -> Iterable[Standing]:
    for name, tally in tallies.states.items():
        yield Standing(workflow.states[name].label.in_(language), tally)
    for name, tally in tallies.outcomes.items():
        if tally.number:
            yield Standing(workflow.outcomes[name].in_(language), tally)
