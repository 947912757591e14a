"""What an agreement takes from a proposal, whatever the fund calls its questions."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from fundflow.awards.models import Document
from fundflow.awards.refusals import NoAmount, PlanDiffers
from fundflow.db import db
from fundflow.errors import Refused
from fundflow.lifecycle.definitions import MissingTemplate
from fundflow.lifecycle.models import Application
from tests import factories as make

WORKFLOW = """
format: fundflow/1
workflow: tranches
version: 1
title: {en: Tranches}
currency: TND
calendar: {timezone: Africa/Tunis}
roles:
  applicant: {is: team}
  officer: {is: group, group: fund-managers}
forms: {plan: plan.yaml, report: report.yaml}
states:
  draft: {edit: {applicant: [plan]}, view: {officer: [plan]}}
  granted: {edit: {applicant: [report]}, view: {applicant: [plan], officer: [plan]}}
  done: {final: success, view: {applicant: [plan, report]}}
transitions:
  grant: {from: draft, to: granted, by: officer, do: [{document: DOCUMENT}]}
  finish: {from: granted, to: done, by: applicant}
"""
PLAN = """
title: {en: Plan}
sections:
  all:
    title: {en: All}
    fields:
      requested: {type: money, label: {en: Amount}}
      months: {type: number, label: {en: Months}}
      tranches:
        type: table
        label: {en: Tranches}
        columns:
          what: {type: short_text, label: {en: Condition}}
          due: {type: date, label: {en: Planned}}
          part: {type: money, label: {en: Part}}
"""
REPORT = """
title: {en: Final report}
sections: {all: {title: {en: All}, fields: {text: {type: long_text, label: {en: T}}}}}
"""


def row(what: str, minor: int | None, due: str | None = None) -> dict[str, Any]:
    part = None if minor is None else {"minor": minor, "currency": "TND"}
    return {"_id": what or "x", "what": what, "part": part, "due": due}


def granted(document: str = "agreement", **answers: Any) -> Application:
    workflow = make.a_workflow_from(WORKFLOW.replace("DOCUMENT", document), plan=PLAN, report=REPORT)
    cast = make.a_cast()
    application = make.started(
        make.a_round(workflow=workflow, currency="TND"), make.a_city(focal_point=cast.applicant), cast.applicant
    )
    if answers:
        make.fill(application, "plan", cast.applicant, **answers)
    make.press(application, "grant", cast.manager)
    return application


def facts_of(application: Application) -> dict[str, Any]:
    query = sa.select(Document.facts).where(Document.application_id == application.id, Document.language == "en")
    facts: dict[str, Any] = db.session.scalars(query).one()
    db.session.rollback()
    return facts


def tnd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "TND"}


def test_tranches_of_the_plan_become_the_payments(app: Flask) -> None:
    rows = [row("On signature", 8_000_500, "2027-02-01"), row("Report accepted", 4_000_000), row("", None)]
    facts = facts_of(granted(requested=tnd(12_000_500), months="18", tranches=rows))
    assert facts["payments"] == [
        {"amount": tnd(8_000_500), "due_on": "2027-02-01", "condition": "On signature"},
        {"amount": tnd(4_000_000), "due_on": "", "condition": "Report accepted"},
    ]
    assert (facts["months"], facts["starts_on"]) == (18, "")
    assert facts["budget"]["rows"] == []
    assert facts["reports"] == [{"name": "Final report", "due_on": "", "count": 12, "unit": "months"}]


def test_plan_that_does_not_add_up_is_refused_with_both_sums(app: Flask) -> None:
    with pytest.raises(PlanDiffers) as refused:
        granted(requested=tnd(12_000_000), tranches=[row("All", 11_999_999)])
    assert "11,999.999" in str(refused.value)
    assert "12,000.000" in str(refused.value)


def test_without_a_plan_everything_is_paid_at_once(app: Flask) -> None:
    facts = facts_of(granted(requested=tnd(12_000_000)))
    assert facts["payments"] == [{"amount": tnd(12_000_000), "due_on": "", "condition": ""}]


@pytest.mark.parametrize(("document", "refusal"), [("agreement", NoAmount), ("diploma", MissingTemplate)])
def test_award_without_an_amount_and_document_without_a_template_are_refused(
    app: Flask, document: str, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        granted(document)
