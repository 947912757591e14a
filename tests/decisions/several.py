"""Several applications to the large grant in one round, each scored and waiting for its decision."""

from __future__ import annotations

from typing import Any

from fundflow.accounts.models import User
from fundflow.db import db, transaction
from fundflow.decisions import agenda, queries, rehearsals, releasing, service
from fundflow.decisions.models import Meeting
from fundflow.lifecycle.models import Application
from tests import factories as make
from tests import kept
from tests.awards.large import STATES, LargeGrant


class Another(LargeGrant):
    """A further application to the round of the first, by another city, before the same people of the fund."""

    def __init__(self, first: LargeGrant, city: str, scores: str) -> None:
        for name in (
            *("manager", "officer", "chair", "compliance", "director", "finance", "auditor", "members", "starts"),
            "round",
        ):
            setattr(self, name, getattr(first, name))
        self.focal, self.mayor = make.a_person(f"Focal of {city}"), make.a_person(f"Mayor of {city}")
        self.city = make.a_city(city, country="SN", focal_point=self.focal)
        make.join(self.city, self.mayor, "signatory")
        self.application: Application = make.started(self.round, self.city, self.focal)
        for step in STATES[1 : STATES.index("decision")]:
            getattr(self, f"to_{step}")()
        self.to_decision(scores)


def _three() -> dict[str, Any]:
    first = LargeGrant("decision")
    grants = (first, Another(first, "Puerto Lindero", "reserve"), Another(first, "Kesmara", "reject"))
    return {f"{n} {name}": value for n, grant in enumerate(grants) for name, value in grant.values.items()}


def _again(n: int, values: dict[str, Any]) -> LargeGrant:
    grant = Another.__new__(Another) if n else LargeGrant.__new__(LargeGrant)
    grant.adopt({name.partition(" ")[2]: value for name, value in values.items() if name.startswith(f"{n} ")})
    return grant


class Table:
    """A meeting over three applications: one strong, one good, one weak; and who has a part in it."""

    def __init__(self, **about: Any) -> None:
        values = kept.once("three before a decision", _three)
        self.first, self.second, self.third = (_again(n, values) for n in range(3))
        self.grants = (self.first, self.second, self.third)
        self.chair, self.director, self.manager = self.first.chair, self.first.director, self.first.manager
        told = service.About(title="Spring meeting", day=self.first.today, **about)
        with transaction():
            meeting = service.begin(self.first.round, told, actor=make.acting(self.chair), key="test:begin")
        self.id = meeting.id

    def meeting(self) -> Meeting:
        db.session.rollback()
        return queries.meeting_for(make.acting(self.chair), self.id)

    def table(self, who: User | None = None) -> agenda.Agenda:
        return agenda.agenda_of(self.meeting(), make.acting(who or self.chair))

    def line(self, grant: LargeGrant) -> agenda.Line:
        return next(line for line in self.table().lines if line.application.id == grant.application.id)

    def recommend(self, grant: LargeGrant, transition: str, **more: Any) -> None:
        line = self.line(grant)
        answers = {
            "critical": "not_all" if transition == "not_select" else "all_met",
            "decision_reasons": f"For {grant.city.name}.",
            "reasons_against": f"Against {grant.city.name}.",
            **more.pop("answers", {}),
        }
        told = service.Recommended(
            transition=transition, answers=answers, answers_revision=line.answers_revision, **more
        )
        with transaction():
            service.recommend(self.id, line.item.id, told, revision=line.item.revision, actor=make.acting(self.chair))

    def read(self, grant: LargeGrant) -> rehearsals.Rehearsal:
        """Read the letters of one, and say so."""
        line = self.line(grant)
        found = rehearsals.rehearse(line, make.acting(self.chair))
        with transaction():
            service.read_letters(
                self.id, line.item.id, agenda.digest_of(self.meeting(), self.line(grant)), actor=make.acting(self.chair)
            )
        return found

    def prepare(self) -> None:
        """An award, a place on the reserve list and a rejection, with every letter read."""
        self.recommend(self.first, "award")
        self.recommend(self.second, "place_on_reserve", place=1)
        self.recommend(self.third, "not_select", reason="The plan is too vague.")
        for grant in self.grants:
            self.read(grant)

    def propose(self, who: User | None = None) -> None:
        revision = self.meeting().revision
        with transaction():
            releasing.propose(self.id, revision=revision, actor=make.acting(who or self.chair))

    def release(self, who: User | None = None) -> None:
        attempt = self.meeting().attempt
        with transaction():
            releasing.release(self.id, attempt=attempt, actor=make.acting(who or self.director))

    def states(self) -> list[str]:
        db.session.rollback()
        return [
            db.session.get_one(Application, grant.application.id, populate_existing=True).state for grant in self.grants
        ]
