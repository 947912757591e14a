"""The settings of workflow and form files, as models: which are there, which are needed, what they hold.

The reader takes the names of settings from here and says in a sentence, with its place, what is wrong; the same models
are the JSON Schema that editors complete and check by. Whether names mean anything is not a matter of shape.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fundflow.workflow.definition import Operation, PartOperation

Words = Annotated[
    str | dict[str, str],
    Field(description="A text for people: one sentence, or one for each language of the workflow."),
]
Names = Annotated[str | list[str], Field(description="One name or several.")]
Length = Annotated[str, Field(description="A length of time: 14 days, 5 working days, 3 months, 36 hours, 15 minutes.")]
Lengths = Length | list[Length]
Expression = Annotated[str | bool | int, Field(description="A condition or a value, in the expression language.")]
Template = Annotated[str, Field(description="A template's name: small letters, digits and _.")]
Moment = Annotated[str, Field(description="A time on the workflow's clock: 2027-03-01T17:00, or a day.")]
Answer = Annotated[Any, Field(description="An answer, as the kind of question takes it.")]
Number = int | Decimal


class Part(BaseModel):
    """Settings by name; one that is not declared is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Calendar(Part):
    """Where and when the fund works: deadlines in days follow this zone, working days these holidays."""

    timezone: str
    holidays: str | None = Field(None, description="A country whose public holidays are kept, such as FR or US-NY.")
    week: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None = None


class Role(Part):
    """Who takes part: team, group, panel, or the person named in a field."""

    is_: Literal["team", "group", "panel", "field"] = Field(alias="is")
    label: Words | None = None
    duty: Literal["focal_point", "finance_officer", "signatory"] | None = None
    group: str | None = None
    review: str | None = None
    field: str | None = Field(None, description="application.officer")
    assigned_by: Names | None = None
    never_also: Names | None = None


class Rule(Part):
    """A named condition."""

    if_: Expression = Field(alias="if")
    else_: Words = Field(alias="else")


class Phase(Part):
    """A named group of states."""

    label: Words | None = None
    states: list[str]


class Task(Part):
    """Something to be ticked off, or decided among `values`."""

    by: Names
    label: Words | None = None
    help: Words | None = None
    values: list[str] | dict[str, Words] | None = None


class Signatures(Part):
    """Who signs which document."""

    document: Template
    parties: dict[str, str]
    order: Literal["any", "given"] | None = None


class State(Part):
    """Where an application is, who sees and writes what there, and what is collected."""

    label: Words | None = None
    help: Words | None = None
    edit: dict[str, Names] | None = None
    view: dict[str, Names] | None = None
    shown_as: dict[str, str] | None = None
    final: Literal["success", "failure"] | None = None
    tasks: dict[str, Task] | None = None
    signatures: Signatures | None = None


class ChildState(Part):
    """Where a child is, and who sees and writes the forms it has for itself there."""

    label: Words | None = None
    help: Words | None = None
    edit: dict[str, Names] | None = None
    view: dict[str, Names] | None = None
    final: Literal["success", "failure"] | None = None


class When(Part):
    """One condition: exactly one of these, and `else` beside `if`."""

    if_: Expression | None = Field(None, alias="if")
    rule: str | None = None
    complete: str | None = None
    quorum: str | None = None
    assigned: str | None = None
    overdue: str | None = None
    tasks: Names | None = None
    signed: Names | None = Field(None, description="all, or the parties that must have signed.")
    else_: Words | None = Field(None, alias="else")


class Effect(Part):
    """One thing a transition causes: exactly one of notify, document, ledger, set, children, child, cancel, rearm."""

    notify: Template | None = None
    document: Template | None = None
    ledger: Operation | None = None
    set: str | None = None
    children: str | None = None
    child: str | None = Field(None, description="Begins one more child of this kind.")
    cancel: Literal["reviews"] | None = None
    rearm: str | None = None
    to: Names | Expression | None = None
    amount: Expression | None = None
    each: str | None = None
    renew: str | None = Field(
        None, description="The children follow their changed table: the step that those take whose row is gone."
    )
    fields: dict[str, Expression] | None = Field(None, description="What the child that begins has in its fields.")
    if_: Expression | None = Field(
        None, alias="if", description="A field is set, or money moved, only where this holds."
    )


class Input(Part):
    """A fact asked from whoever fires a transition."""

    type: Literal["text", "date", "money", "integer", "decimal"]
    label: Words | None = None
    help: Words | None = None


class Transition(Part):
    """An arrow between states, or from a state to an end."""

    from_: Names = Field(alias="from")
    to: str | None = None
    end: str | None = None
    back_to: dict[str, str] | None = None
    by: Names | dict[str, Names] | None = None
    label: Words | None = None
    help: Words | None = None
    when: list[When] | None = None
    do: list[Effect] | None = None
    reason: Literal["required"] | None = None
    confirm: bool | None = None
    auto: bool | None = Field(None, description="Happens by itself as soon as its conditions hold.")
    meeting: Literal["award", "reserve", "later", "reject"] | None = Field(
        None, description="May be prepared in a decision meeting, as what."
    )
    max: int | None = None
    deadline: str | None = None
    not_same_actor_as: Names | None = None
    input: dict[str, Input | Literal["text", "date", "money", "integer", "decimal"]] | None = None


ColumnType = Literal["integer", "decimal", "money", "date", "string"]


class Column(Part):
    """A field of a child, with what people call it."""

    type: ColumnType
    label: Words | None = None


class Child(Part):
    """A small machine beside the application: for each row of a table, for each of `rows`, or begun singly."""

    by_field: str | None = Field(None, description="The table: form.field")
    rows: list[dict[str, Expression]] | None = Field(
        None,
        description="The children that are made together: the value of each field, and if: where one depends.",
    )
    key: str | None = Field(None, description="The field that names each; a running number where there is none.")
    max: int
    fields: dict[str, ColumnType | Column]
    states: dict[str, ChildState]
    transitions: dict[str, Transition]
    label: Words | None = None
    ledger: list[PartOperation] | None = None


class Assign(Part):
    """Who chooses the reviewers, among whom, and how many; `reserve` more stand by."""

    by: Names
    group: str
    count: int
    reserve: int | None = None


class Quorum(Part):
    """The smallest valid number of sheets, and the smallest valid share."""

    count: int
    share: Number | None = None
    of: Literal["assigned_minus_recused"] | None = None


class Score(Part):
    """How sheets become one figure."""

    field: str | None = None
    weights: dict[str, int] | None = None
    aggregate: Literal["mean", "median", "trimmed_mean", "min"] | None = None
    scale: list[int] | None = None


class Review(Part):
    """A committee scores an application."""

    in_: str = Field(alias="in")
    form: str
    by: str
    quorum: int | Quorum
    label: Words | None = None
    assign: Assign | None = None
    conflicts: Names | None = None
    blind: Literal["until_submitted"] | None = None
    score: Score | None = None
    due: Length | None = None
    discussed_by: Names | None = None


class Escalation(Part):
    """Whom to tell when it stays overdue."""

    after: Length
    to: Names
    with_: Template = Field(alias="with")


class Timer(Part):
    """A due moment: `at` an instant, or `after` a length from entering the state; a child's is written report.open."""

    in_: Names = Field(alias="in")
    at: Expression | None = None
    after: Length | None = None
    label: Words | None = None
    grace: Length | None = None
    end_of_day: bool | None = None
    remind: Lengths | None = None
    remind_with: Template | None = None
    overdue_with: Template | None = None
    repeat: Length | None = None
    escalate: Escalation | None = None
    to: Names | None = None
    then: str | None = None
    if_blocked: Names | None = None
    sla: bool | None = None


class Migration(Part):
    """How applications of an earlier version come to this one."""

    from_: int = Field(alias="from")
    states: dict[str, str] | None = None
    hold: Names | None = None
    timers: dict[str, Literal["keep", "rearm", "cancel"]] | None = None
    fields: dict[str, Expression] | None = None


class Acceptance(Part):
    """A warning that somebody answers for: its code, where the checker finds it, why it is right, and who says so."""

    code: str
    at: str = Field(description="The place as fundflow check prints it, such as timers.closing.")
    because: str
    by: str = Field(description="Who accepts it, and when: Ada Lovelace, 2026-11-20.")


Tie = Literal["same_organisation", "same_country", "prior_contract"]


class Person(Part):
    """Somebody of an example: their roles, and what the records show between them and the city."""

    is_: Names = Field(alias="is")
    conflicts: Tie | list[Tie] | None = None


class Terms(Part):
    """The round of an example; what is not said is open, wide and rich."""

    title: str | None = None
    floor: Number | None = None
    cap: Number | None = None
    budget: Number | None = None
    taken: Number | None = Field(None, description="What other applications hold of the budget already.")
    opens_at: Moment | None = None
    closes_at: Moment | None = None
    zone: str | None = None
    countries: Names | None = None


class City(Part):
    """The city that applies in an example."""

    name: str | None = None
    country: str | None = None


class Given(Part):
    """What an example begins with: when, under which terms, and who is there."""

    now: Moment | None = None
    round: Terms | None = None
    city: City | None = None
    people: dict[str, Names | Person] | None = None


class Standing(Part):
    """How the application stands: each setting that is given must be just so."""

    state: str | None = None
    outcome: str | None = None
    revision: int | None = None
    ledger: dict[Literal["available", "reserved", "committed", "ordered", "paid"], Number] | None = None
    timers: dict[str, Moment] | None = Field(None, description="Every timer that runs, and when it is due.")
    tasks: dict[str, str] | None = Field(None, description="done, open, or one of the task's values.")
    signed: Names | None = Field(None, description="The parties that have signed, all of them.")
    children: dict[str, dict[str | int, str]] | None = None
    reviews: dict[str, dict[str, Answer]] | None = None
    application: dict[str, Answer] | None = None


class Sight(Part):
    """What somebody is shown: the state, the forms that they only read, and those that they may change."""

    state: str | None = None
    reads: Names | None = None
    writes: Names | None = None


class Claims(Part):
    """What is so afterwards."""

    then: Standing | None = None
    sends: Names | None = Field(None, description="Every message, in order: approved to applicant.")
    makes: Names | None = Field(None, description="Every document, in order.")
    sees: dict[str, Sight | Names] | None = None
    can: dict[str, Names] | None = Field(None, description="Every transition that the person could take now.")
    holds: dict[str, Names] | None = Field(None, description="Every role that the person may use now.")


class Step(Claims):
    """One thing that happens: `name: what they do`, or time that passes; and what is so afterwards."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str] = Field(init=False)

    at: Moment | None = None
    after: Length | None = None
    asleep: bool | None = Field(None, description="Nothing that is due happens meanwhile, as when no worker runs.")
    with_: dict[str, Answer] | None = Field(None, alias="with")
    without: Names | None = None
    input: dict[str, Answer] | None = None
    reason: str | None = None
    people: Names | None = None
    reserve: Names | None = None
    scores: Number | dict[str, Number] | None = None
    refused: Names | None = Field(None, description="Everything that stands in the way: kinds, or parts of sentences.")


class Example(Claims):
    """One story: what is given, what happens, and what is so in the end."""

    continues: str | None = Field(None, description="The example whose end this one begins with.")
    given: Given | None = None
    steps: list[Step] | None = None


class Examples(Part):
    """A file of examples beside a workflow file."""

    examples: dict[str, Example]


class Workflow(Part):
    """A workflow file: where an application can be, who may do what, on which conditions, and what that causes."""

    format: Literal["fundflow/1"]
    workflow: str
    version: int
    title: Words
    currency: str
    roles: dict[str, Role]
    states: dict[str, State]
    transitions: dict[str, Transition]
    languages: list[str] | None = None
    calendar: Calendar | None = None
    forms: dict[str, str] | None = None
    rules: dict[str, Rule] | None = None
    phases: dict[str, Phase] | None = None
    reviews: dict[str, Review] | None = None
    children: dict[str, Child] | None = None
    timers: dict[str, Timer] | None = None
    outcomes: dict[str, Words] | None = None
    migrate: list[Migration] | None = None
    accept: list[Acceptance] | None = None
    examples: str | dict[str, Example] | None = Field(None, description="Examples, or the file that has them.")


class Option(Part):
    """One answer to pick, with a word of help."""

    label: Words
    help: Words | None = None


class Sum(Part):
    """The column whose sum must equal another field."""

    column: str
    equals: str


class Question(Part):
    """A field of a form; which settings it takes depends on its type."""

    type: Literal[
        "short_text",
        "long_text",
        "number",
        "money",
        "date",
        "choice",
        "choices",
        "country",
        "email",
        "file",
        "table",
        "score",
    ]
    label: Words
    help: Words | None = None
    required: bool | None = None
    personal: bool | None = Field(None, description="Says who a person is or how to reach them.")
    from_: Expression | None = Field(None, alias="from", description="What its first answer is copied from.")
    if_: Expression | None = Field(None, alias="if", description="In a child's form: asked only where this holds.")
    words: int | None = None
    min: Number | None = None
    max: Number | None = None
    places: int | None = None
    after: str | None = None
    options: dict[str, Option | Words] | None = None
    accept: Names | None = None
    max_mb: int | None = None
    max_files: int | None = None
    columns: dict[str, Question] | None = None
    min_rows: int | None = None
    max_rows: int | None = None
    sum: Sum | None = None
    weight: int | None = None
    anchors: dict[int, Words] | None = None


class Section(Part):
    """Questions under one heading."""

    title: Words
    fields: dict[str, Question]
    help: Words | None = None
    if_: Expression | None = Field(None, alias="if", description="In a child's form: there only where this holds.")


class Form(Part):
    """A form file."""

    title: Words
    sections: dict[str, Section]
    intro: Words | None = None


@cache
def names(part: type[Part]) -> tuple[str, ...]:
    """The settings of a part as they are written in a file."""
    return tuple(field.alias or name for name, field in part.model_fields.items())


@cache
def needed(part: type[Part]) -> tuple[str, ...]:
    """Those of them that must be there."""
    return tuple(field.alias or name for name, field in part.model_fields.items() if field.is_required())


def json_schema(part: type[Part]) -> dict[str, Any]:
    """The JSON Schema of a file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"fundflow-1-{part.__name__.lower()}.schema.json",
        **part.model_json_schema(by_alias=True),
    }
