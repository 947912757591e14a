"""Examples out of a file: every name looked up in the workflow, every mistake reported where it stands.

Refuses people and examples that nobody named, steps that say two things at once, and claims about what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any
from zoneinfo import available_timezones

from fundflow.workflow import format
from fundflow.workflow.definition import Workflow
from fundflow.workflow.examples import claiming, values
from fundflow.workflow.examples.phrases import phrase
from fundflow.workflow.examples.statement import Claim, Example, Given, Person, Step
from fundflow.workflow.forms import Field
from fundflow.workflow.problems import did_you_mean, listed
from fundflow.workflow.reader import Place

KINDS = (
    *("role", "state", "not_same_actor", "deadline", "max", "complete", "quorum", "assigned", "overdue", "tasks"),
    *("signed", "if", "input", "reason", "value", "order", "document", "ledger", "children", "access", "conflict"),
    *("candidate", "reserve", "sent"),
)
"""What can stand in the way: the kinds of clauses, and what refuses beside them."""
LONGEST_NAME = 120
_STEP = format.names(format.Step)
_OF_VERB: Mapping[str, tuple[str, ...]] = {
    "take": ("input", "reason"),
    "fill": ("with", "without"),
    "ask": ("people", "reserve"),
    "score": ("scores",),
    "recuse": ("reason",),
    "discuss": ("reason",),
}
_CLAIMS = ("then", "sends", "makes", "sees", "can", "holds")
_WITH_TIME = ("asleep",)
_WITH_ACTION = ("with", "without", "input", "reason", "people", "reserve", "scores", "refused")


def examples(place: Place, workflow: Workflow) -> tuple[Example, ...]:
    """Every example of the mapping, in the file's order."""
    if not isinstance(place.value, dict):
        place.settings((), what="examples")
        return ()
    found: dict[str, tuple[Place, dict[str, Place], Example]] = {}
    for name in place.value:
        inner = place.at(name)
        if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
            inner.error("FF014", f"an example is named by words, at most {LONGEST_NAME} characters", key=True)
            continue
        settings = inner.settings(format.Example, what=f"the example '{name}'")
        line = inner.source.place(inner.path, key=True)[0]
        example = Example(
            name=name,
            file=inner.source.file,
            line=line,
            continues=settings["continues"].string() if "continues" in settings else None,
            given=_given(settings["given"], workflow) if "given" in settings else Given(),
        )
        found[name] = (inner, settings, example)
    names = list(found)
    known = {name: example for name, (_, _, example) in found.items()}
    for _, settings, example in found.values():
        _chain_is_sound(settings, example, known, names)
    return tuple(
        replace(example, steps=_Steps(workflow, _people(example, known)).of(settings))
        for _, settings, example in found.values()
    )


def _chain_is_sound(
    settings: Mapping[str, Place], example: Example, known: Mapping[str, Example], names: list[str]
) -> None:
    if example.continues is None:
        return
    place = settings["continues"]
    if example.continues not in known:
        place.error("FF230", f"there is no example '{example.continues}'{did_you_mean(example.continues, names)}")
        return
    seen = {example.name}
    before: str | None = example.continues
    while before is not None and before in known:
        if before in seen:
            place.error("FF230", f"'{example.name}' would begin with its own end")
            return
        seen.add(before)
        before = known[before].continues
    if "given" in settings:
        given = example.given
        if replace(given, people=()) != Given():
            message = f"'{example.continues}' says when and where this begins; only people can join"
            settings["given"].error("FF239", message, key=True)


def _people(example: Example, known: Mapping[str, Example]) -> dict[str, Person]:
    """Everybody who is there, also from the examples that this one continues."""
    found: dict[str, Person] = {}
    seen: set[str] = set()
    each: Example | None = example
    while each is not None and each.name not in seen:
        seen.add(each.name)
        for person in each.given.people:
            found.setdefault(person.name, person)
        each = known.get(each.continues) if each.continues else None
    return found


def _given(place: Place, workflow: Workflow) -> Given:
    settings = place.settings(format.Given, what="given")
    terms = settings["round"].settings(format.Terms, what="round") if "round" in settings else {}
    city = settings["city"].settings(format.City, what="city") if "city" in settings else {}
    zone = terms["zone"].string() if "zone" in terms else None
    if zone is not None and zone not in available_timezones():
        terms["zone"].error("FF161", f"'{zone}' is not a time zone{did_you_mean(zone, available_timezones())}")
        zone = None
    field = Field(id="country", type="country", label=workflow.title)
    amounts = [name for name in ("floor", "cap", "budget", "taken") if name in terms]
    more: Any = {
        **{name: values.amount(terms[name], workflow.currency) for name in amounts},
        **{name: values.moment(terms[name], workflow.zone) for name in ("opens_at", "closes_at") if name in terms},
    }
    _is_possible(more, terms)
    return Given(
        now=values.moment(settings["now"], workflow.zone) if "now" in settings else None,
        title=terms["title"].string() if "title" in terms else None,
        zone=zone,
        countries=_countries(terms["countries"], field) if "countries" in terms else None,
        city=city["name"].string() if "name" in city else None,
        country=values.answer(city["country"], field, workflow.currency) if "country" in city else None,
        people=_everybody(settings["people"], workflow) if "people" in settings else (),
        **more,
    )


def _is_possible(given: Mapping[str, Any], terms: Mapping[str, Place]) -> None:
    """The smallest grant is at most the largest, and that at most what there is."""
    order = [name for name in ("floor", "cap", "budget") if given.get(name) is not None]
    for less, more in pairwise(order):
        if given[less] > given[more]:
            terms[more].error("FF240", f"the {more} of a round cannot be below its {less}")
    if given.get("taken") is not None and given.get("budget") is not None and given["taken"] > given["budget"]:
        terms["taken"].error("FF240", "others cannot hold more than the budget")


def _countries(place: Place, field: Field) -> tuple[str, ...]:
    return tuple(code for code in (values.answer(each, field, "EUR") for each in values.texts(place)) if code)


def _everybody(place: Place, workflow: Workflow) -> tuple[Person, ...]:
    found = []
    for name, inner in place.entries("person").items():
        if name in _STEP:
            inner.error("FF232", f"'{name}' is a setting of a step, so nobody can be called that", key=True)
            continue
        roles, conflicts = inner, frozenset[str]()
        if isinstance(inner.value, dict):
            settings = inner.settings(format.Person, what=f"'{name}'")
            if "is" not in settings:
                continue
            roles = settings["is"]
            ways = ("same_organisation", "same_country", "prior_contract")
            given = values.texts(settings["conflicts"]) if "conflicts" in settings else []
            conflicts = frozenset(way for way in (each.one_of(ways) for each in given) if way)
        held = [each.named(workflow.roles, "role", "FF130") for each in values.texts(roles)]
        found.append(Person(name, tuple(role for role in held if role), conflicts))
    return tuple(found)


class _Steps:
    """Reads the steps of one example among its people."""

    def __init__(self, workflow: Workflow, people: Mapping[str, Person]) -> None:
        self.workflow, self.people = workflow, people

    def of(self, settings: Mapping[str, Place]) -> tuple[Step, ...]:
        """The steps, and whatever the example says of its end as a last one that does nothing."""
        given = settings["steps"].items() if "steps" in settings else []
        found = [step for step in map(self.step, given) if step is not None]
        whole = self.claims(settings)
        if whole:
            claims = tuple(replace(claim, is_whole=True) for claim in whole)
            found.append(Step(line=min(claim.line for claim in claims), claims=claims))
        return tuple(found)

    def step(self, place: Place) -> Step | None:
        if not isinstance(place.value, dict):
            place.settings((), what="a step")
            return None
        written = {str(name): name for name in place.value if name not in _STEP}
        actors = list(written)
        settings = Place(place.source, place.path, {k: v for k, v in place.value.items() if k in _STEP}).settings(
            format.Step, what="a step"
        )
        line = place.source.place(place.path)[0]
        if len(actors) > 1:
            strangers = [name for name in actors if name not in self.people] or actors[1:]
            self._stranger(place.at(written[strangers[0]]), strangers[0])
            return None
        is_time = [name for name in ("at", "after") if name in settings]
        if len(is_time) + len(actors) > 1:
            message = f"a step is one thing: {listed([*actors, *is_time])} are {len(actors) + len(is_time)}"
            place.error("FF244", message)
            return None
        claims = self.claims(settings)
        if is_time:
            return self._time(settings, line, claims)
        for name in _WITH_TIME:
            if name in settings:
                settings[name].error("FF239", f"'{name}' belongs to time that passes", key=True)
        if actors:
            return self._action(place.at(written[actors[0]]), actors[0], settings, line, claims)
        for name in _WITH_ACTION:
            if name in settings:
                settings[name].error("FF239", f"'{name}' belongs to something that somebody does", key=True)
        if not claims and not settings:
            place.error("FF244", "nothing happens in this step")
        return Step(line=line, claims=claims)

    def _time(self, settings: Mapping[str, Place], line: int, claims: tuple[Claim, ...]) -> Step:
        for name in _WITH_ACTION:
            if name in settings:
                settings[name].error("FF239", f"'{name}' does not belong to time that passes", key=True)
        return Step(
            line=line,
            at=values.moment(settings["at"], self.workflow.zone) if "at" in settings else None,
            after=settings["after"].duration() if "after" in settings else None,
            is_asleep=settings["asleep"].flag() if "asleep" in settings else False,
            claims=claims,
        )

    def _action(
        self, place: Place, who: str, settings: Mapping[str, Place], line: int, claims: tuple[Claim, ...]
    ) -> Step | None:
        if who not in self.people:
            self._stranger(place, who)
            return None
        said = phrase(place, self.workflow, self.people)
        if said is None:
            return None
        verb, subject, detail = said
        for name in _WITH_ACTION:
            if name in settings and name != "refused" and name not in _OF_VERB.get(verb, ()):
                settings[name].error("FF239", f"'{name}' does not belong to '{place.value}'", key=True)
        more: dict[str, Any] = {}
        if verb == "fill":
            more = self._filling(subject, settings)
        elif verb == "take":
            more = {"input": self._input(subject, settings)} if "input" in settings else {}
        elif verb == "ask":
            more = {name: self._named(settings[name]) for name in ("people", "reserve") if name in settings}
            if not more:
                place.error("FF011", "say whom: people: [name], or reserve: [name]")
        elif verb == "score" and "scores" in settings:
            more = {"scores": self._scores(subject, settings["scores"])}
        return Step(
            line=line,
            who=who,
            verb=verb,
            subject=subject,
            detail=detail,
            reason=settings["reason"].string() if "reason" in settings else None,
            refused=self._refused(settings["refused"]) if "refused" in settings else (),
            refused_line=place.source.place(settings["refused"].path)[0] if "refused" in settings else 0,
            claims=claims,
            **more,
        )

    def _stranger(self, place: Place, who: str) -> None:
        known = [*self.people, *_STEP] if len(self.people) > 6 else self.people
        close = did_you_mean(who, known)
        place.error("FF232", f"nobody here is called '{who}', and no step has such a setting{close}", key=True)

    def _named(self, place: Place) -> tuple[str, ...]:
        found = [each.named(self.people, "person", "FF232") for each in place.one_or_many()]
        return tuple(name for name in found if name)

    def _filling(self, form_id: str, settings: Mapping[str, Place]) -> dict[str, Any]:
        form = self.workflow.forms[form_id]
        found: dict[str, Any] = {}
        for name, inner in self._by_name(settings.get("with")).items():
            if name not in form.fields:
                close = did_you_mean(name, form.fields)
                inner.error("FF236", f"the form '{form_id}' has no question '{name}'{close}", key=True)
            else:
                found[name] = values.answer(inner, form.fields[name], self.workflow.currency)
        given = settings["without"].one_or_many() if "without" in settings else []
        without = [each.named(form.fields, "question", "FF236") for each in given]
        return {"answers": found, "without": tuple(name for name in without if name)}

    def _input(self, transition: str, settings: Mapping[str, Place]) -> dict[str, Any]:
        step = self.workflow.find(transition)
        asked = step.input if step is not None else {}
        found = {}
        for name, inner in self._by_name(settings.get("input")).items():
            if name not in asked:
                close = did_you_mean(name, asked)
                inner.error("FF236", f"'{transition}' does not ask for '{name}'{close}", key=True)
            else:
                found[name] = values.asked(inner, asked[name], self.workflow.currency)
        return found

    def _scores(self, review: str, place: Place) -> Mapping[str, str] | str | None:
        """One figure for everything, or figures by what is scored."""
        if not isinstance(place.value, dict):
            number = place.decimal()
            return None if number is None else str(number)
        form = self.workflow.forms.get(self.workflow.reviews[review].form)
        if form is None:  # which is told where the review is
            return None
        criteria = {name: each for name, each in form.fields.items() if each.type == "score"}
        found = {}
        for name, inner in self._by_name(place).items():
            if name not in criteria:
                inner.error("FF236", f"'{name}' is not scored{did_you_mean(name, criteria)}", key=True)
            elif (number := inner.decimal()) is not None:
                found[name] = str(number)
        return found

    def _refused(self, place: Place) -> tuple[str, ...]:
        """Kinds of refusals, or parts of the sentences that people read."""
        found = []
        for each in place.one_or_many():
            text = each.string()
            if text is None:
                continue
            if " " not in text.strip() and text not in KINDS:
                close = did_you_mean(text, KINDS)
                message = f"'{text}' is no kind of refusal{close}"
                each.error("FF241", f"{message}; write a kind, or a few words of the sentence that people read")
            found.append(text)
        return tuple(found)

    def _by_name(self, place: Place | None) -> dict[str, Place]:
        if place is None:
            return {}
        if not isinstance(place.value, dict):
            place.settings((), what=str(place.path[-1]))
            return {}
        return {str(name): place.at(name) for name in place.value}

    def claims(self, settings: Mapping[str, Place]) -> tuple[Claim, ...]:
        """Everything that is said to be so."""
        given = {name: settings[name] for name in _CLAIMS if name in settings}
        return tuple(claiming.claims(given, self.workflow, self.people))
