"""The settings of a scenario file, as models: the reader takes their names from here, and so does the JSON Schema."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from fundflow.workflow.format import Length, Part

Number = int | Decimal
Day = Annotated[str, Field(description="A date: 2027-01-11.")]


class Distribution(Part):
    """A distribution by its figures: {mean}, {median, p90}, {low, mode, high}, or {values} with or without {shares}."""

    mean: Number | None = Field(None, description="Exponential with this mean.")
    median: Number | None = Field(None, description="Log-normal: half lie below.")
    p90: Number | None = Field(None, description="Log-normal: nine of ten lie below.")
    low: Number | None = None
    mode: Number | None = None
    high: Number | None = None
    values: list[Number] | None = Field(None, description="Observed values, one of which is drawn.")
    shares: list[Number] | None = Field(None, description="How often each of the values is drawn.")


Amount = Annotated[Number | Distribution, Field(description="A number, or a distribution.")]


class Effort(Part):
    """What a step takes: days of waiting, then hours of work of one of the role's people."""

    by: str | None = Field(None, description="The role that does it, where there are several.")
    days: Amount | None = None
    hours: Amount | None = None
    before: str | None = Field(None, description="A timer: the days are counted back from when it is due.")


class Way(Part):
    """A way out of a state."""

    share: Number | None = Field(None, description="The share of applications that take it; one way may leave it out.")
    by: str | None = None
    days: Amount | None = None
    hours: Amount | None = None
    before: str | None = None


class State(Part):
    """What happens in a state."""

    ways: dict[str, Way] | None = None
    tasks: dict[str, Effort] | None = None
    forms: dict[str, Effort] | None = None
    signatures: dict[str, Effort] | None = None
    limit: Length | None = Field(None, description="How long applications should stay at most.")


class Review(Part):
    """How a review is done."""

    choosing: Effort | None = Field(None, description="Choosing the reviewers.")
    sheet: Effort | None = Field(None, description="Reading and scoring one application.")
    conflict: Number | None = Field(None, description="The share of reviewers who recuse themselves.")
    picks: Literal["fewest", "random"] | None = None
    waits_for: Literal["quorum", "all"] | None = None


class Staff(Part):
    """The people of a role."""

    people: int | None = None
    hours: Number | None = Field(None, description="Hours that each gives on a working day.")
    same_as: str | None = Field(None, description="A role whose people also do this one's work.")


class Rush(Part):
    """A share of the applications comes in the last days."""

    share: Number
    days: Number


class Arrivals(Part):
    """How many applications come and when: count, or per_day."""

    into: str | None = Field(None, description="The state they come to; the first one if not given.")
    count: int | None = None
    per_day: Number | None = None
    rush: Rush | None = None


class Round(Part):
    """The round's days and money."""

    opens: Day
    closes: Day
    budget: Number | None = None
    amount: Amount | None = Field(None, description="What one application asks for.")


class Scenario(Part):
    """A scenario file. One that is based_on another says only what differs."""

    format: Literal["fundflow-scenario/1"]
    scenario: str
    workflow: str
    title: str | None = None
    note: str | None = Field(None, description="Where the figures come from.")
    round: Round
    arrivals: Arrivals
    staff: dict[str, Staff] | None = None
    states: dict[str, State] | None = None
    reviews: dict[str, Review] | None = None
    timers: dict[str, Amount] | None = None
    until: Length | None = None
    based_on: str | None = Field(None, description="Another scenario file beside this one.")
