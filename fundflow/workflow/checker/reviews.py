"""Reviews: quorums that can be met and are waited for, sheets that nobody reads too early."""

from __future__ import annotations

from collections.abc import Iterator

from fundflow.workflow.access import cell
from fundflow.workflow.checker.finding import Finding
from fundflow.workflow.definition import Workflow


def reviews(workflow: Workflow) -> Iterator[Finding]:
    waited = {when.name for t in workflow.transitions.values() for when in t.when if when.kind == "quorum"}
    teams = [role.id for role in workflow.roles.values() if role.kind == "team"]
    for name, review in workflow.reviews.items():
        state = workflow.states[review.state]
        if name not in waited:
            yield Finding("FF165", f"reviews.{name}.quorum", f"no transition waits for the quorum of '{name}'")
        if not cell(workflow, review.state, (review.by,)).view:
            message = f"reviewers ('{review.by}') cannot see anything in '{review.state}'; give them a view"
            yield Finding("FF168", f"states.{review.state}", message)
        if review.quorum > review.count:
            message = f"the quorum {review.quorum} can never be met: only {review.count} reviewers are assigned"
            yield Finding("FF163", f"reviews.{name}.quorum", message)
        elif review.quorum == review.count and not review.reserve:
            message = (
                f"one recusal makes the quorum of {review.quorum} impossible:"
                f" assign more than {review.count} or add reserve"
            )
            yield Finding("FF164", f"reviews.{name}.quorum", message)
        for role in teams:
            if name in state.view.get(role, ()) or review.form in state.view.get(role, ()):
                message = f"'{role}' could read the reviews while they are being written"
                yield Finding("FF169", f"states.{review.state}.view.{role}", message)


RULES = (reviews,)
