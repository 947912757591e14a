"""What a workflow file may say of a review beyond the small grant's: stand-bys, discussions, trimmed means."""

from __future__ import annotations

from fundflow.workflow import loader
from fundflow.workflow.definition import Review
from tests.workflow.files import MAIN, changed, small_grant


def the_review(old: str, new: str) -> Review:
    return loader.load(changed(old, new), MAIN).reviews["panel"]


def test_a_review_that_says_nothing_of_them_has_no_stand_bys_and_no_discussion() -> None:
    review = small_grant().reviews["panel"]
    assert (review.reserve, review.discussed_by, review.aggregate) == (0, frozenset(), "mean")


def test_stand_bys_discussion_and_a_trimmed_mean_are_read() -> None:
    assert the_review("count: 3}", "count: 3, reserve: 2}").reserve == 2
    review = the_review("score: {aggregate: mean}", "score: {aggregate: trimmed_mean}\n    discussed_by: [officer]")
    assert (review.aggregate, review.discussed_by) == ("trimmed_mean", frozenset({"officer"}))


def test_a_prior_contract_is_a_conflict_and_each_conflict_counts_once() -> None:
    review = the_review("conflicts: [declared]", "conflicts: [prior_contract, prior_contract, same_organisation]")
    assert review.conflicts == ("declared", "prior_contract", "same_organisation")
