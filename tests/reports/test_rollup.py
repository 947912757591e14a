"""Indicators added up: nothing is counted twice, only what is comparable is summed, and every group says among whom."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from fundflow.reports.rollup import Promised, Report, figures, rolled_up
from fundflow.reports.tables import Line

_COUNT = st.integers(0, 10_000).map(Decimal)
_MEASURES = ("people_reached", "people_trained", "services_opened", "share_satisfied", None)
_LINES = st.lists(
    st.builds(
        lambda measure, target, actual, women: Line(
            measure, "In our words", Decimal(0), target, actual, {"women": min(women, actual)}
        ),
        st.sampled_from(_MEASURES),
        _COUNT,
        _COUNT,
        _COUNT,
    ),
    max_size=5,
).map(tuple)
_REPORTS = st.lists(st.tuples(_LINES, st.booleans()), max_size=4).map(
    lambda given: tuple(Report(order, lines, accepted) for order, (lines, accepted) in enumerate(given))
)
_GRANTS = st.lists(st.builds(Promised, st.uuids(), _LINES, _REPORTS), max_size=5)


@settings(max_examples=100, deadline=None)
@given(_GRANTS, st.randoms(use_true_random=False))
def test_nothing_is_ever_counted_twice(grants: list[Promised], random: Random) -> None:
    found = {each.measure: each for each in rolled_up(grants)}
    assert None not in found
    assert "share_satisfied" not in found, "shares are never added up"
    for measure, total in found.items():
        largest, told = Decimal(0), 0
        for grant in grants:
            accepted = [each for each in grant.reports if each.is_accepted]
            lines = [line for line in (accepted[-1].lines if accepted else ()) if line.measure == measure]
            counted = [line.actual or Decimal(0) for line in lines]
            told += bool(lines)
            # People of one grant are never more than its largest line says; things are as many as all lines say.
            largest += (max if measure.startswith("people_") else sum)(counted or [Decimal(0)])
        assert total.actual == largest
        assert total.reported == told
        if "women" in total.groups:
            assert total.groups["women"].count <= total.groups["women"].among <= total.actual
    # Reports that were replaced by a later one, or not accepted, in any order, change nothing.
    noise = [
        Promised(
            each.grant,
            each.plan,
            tuple(
                random.sample(
                    [*each.reports, Report(-1, each.plan, True), Report(99, each.plan, False)], len(each.reports) + 2
                )
            )
            if any(report.is_accepted for report in each.reports)
            else (*each.reports, Report(99, each.plan, False)),
        )
        for each in grants
    ]
    assert rolled_up(noise) == rolled_up(grants)
    # Two portfolios together are the sum of both.
    one, other = (
        {e.measure: e.actual for e in rolled_up(grants[:2])},
        {e.measure: e.actual for e in rolled_up(grants[2:])},
    )
    assert {m: one.get(m, Decimal(0)) + other.get(m, Decimal(0)) for m in {*one, *other}} == {
        m: each.actual for m, each in found.items()
    }


def test_progress_goes_from_the_baseline_and_says_nothing_where_there_is_no_way() -> None:
    plan = (
        Line("services_open", "Desks", Decimal(2), Decimal(6)),
        Line(None, "Members who stay", Decimal(0), Decimal(10)),
        Line("people_reached", "People", Decimal(0), Decimal(0)),
    )
    told = (
        Line("services_open", "Desks", Decimal(0), Decimal(99), Decimal(5)),
        Line(None, "  members WHO stay ", None, None, Decimal(11)),
        Line("people_trained", "People trained", Decimal(0), Decimal(40), Decimal(30), {"women": Decimal(20)}),
    )
    found = figures(Promised("one", plan, (Report(1, told, True),)))
    assert [(each.measure, each.target, each.actual, each.progress) for each in found] == [
        ("services_open", Decimal(6), Decimal(5), Decimal("0.75")),  # the plan says what was promised, not the report
        (None, Decimal(10), Decimal(11), Decimal("1.1")),
        ("people_reached", Decimal(0), None, None),
        ("people_trained", None, Decimal(30), None),  # promised by nobody
    ]
    silent = Promised("two", plan)
    desks = next(each for each in rolled_up([Promised("one", plan, (Report(1, told, True),)), silent]))
    assert (desks.grants, desks.reported, desks.actual, desks.target) == (2, 1, Decimal(7), Decimal(12))
    assert desks.progress == Decimal(3) / Decimal(8), "a silent grant stands where it began"
