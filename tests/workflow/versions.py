"""A small workflow in two versions, to be varied: states, a review, timers, a form, a part with its own life."""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow

ASK = """
title: {en: Ask}
sections:
  all:
    title: {en: All}
    fields:
      title: {type: short_text, label: {en: Title}, required: true}
      requested: {type: money, label: {en: Amount}, required: true}
      theme: {type: choice, label: {en: Theme}, options: {homes: {en: Homes}, work: {en: Work}}}
      plan:
        type: table
        label: {en: Plan}
        columns:
          nr: {type: number, label: {en: No.}}
          due: {type: date, label: {en: Due}}
          amount: {type: money, label: {en: Amount}}
"""
REPORT = """
title: {en: Report}
sections:
  all:
    title: {en: All}
    fields:
      spent: {type: money, label: {en: Spent}, required: true}
"""
SCORE = """
title: {en: Sheet}
sections:
  all:
    title: {en: All}
    fields:
      merit: {type: score, label: {en: Merit}, max: 10, weight: 60, required: true}
      reach: {type: score, label: {en: Reach}, max: 10, weight: 40, required: true}
"""
MAIN = """
format: fundflow/1
workflow: two-versions
version: 1
title: {en: Two versions}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
  reviewer: {is: panel, review: panel}
forms: {ask: ask.yaml, score: score.yaml, report: report.yaml}
outcomes: {declined: {en: Declined}, lapsed: {en: Lapsed}}
states:
  draft: {edit: {applicant: [ask]}}
  review: {view: {applicant: [ask], manager: [ask, panel], reviewer: [ask]}}
  granted: {edit: {applicant: [report]}, view: {applicant: [ask], manager: [ask]}}
  done: {final: success, view: {applicant: [ask, report], manager: [ask, report]}}
reviews:
  panel:
    in: review
    form: score
    by: reviewer
    assign: {by: manager, group: reviewers, count: 3}
    conflicts: [declared]
    quorum: 2
    score: {aggregate: mean}
    due: 14 days
children:
  tranche:
    by_field: ask.plan
    key: nr
    max: 12
    fields: {nr: integer, due: date, amount: money}
    states:
      planned: {label: {en: Planned}}
      paid: {label: {en: Paid}, final: success}
    transitions:
      pay: {from: planned, to: paid, by: manager}
transitions:
  send: {from: draft, to: review, by: applicant, deadline: closing, when: [{complete: ask}]}
  back: {from: review, to: draft, by: manager, reason: required}
  grant: {from: review, to: granted, by: manager, when: [{quorum: panel}], do: [{children: tranche}]}
  decline: {from: review, end: declined, by: manager, reason: required}
  finish: {from: granted, to: done, by: applicant, when: [{complete: report}]}
  lapse: {from: draft, end: lapsed, by: system}
timers:
  closing: {in: draft, at: round.closes_at, grace: 15 minutes, then: lapse}
  answer: {in: review, after: 10 days, overdue_with: report_late, to: manager}
  report_due: {in: granted, after: 12 months, overdue_with: report_late, to: applicant}
"""


def texts(*changes: tuple[str, str], ask: str = ASK, score: str = SCORE, report: str = REPORT) -> Mapping[str, str]:
    """The files, with pieces of the main one replaced wherever they stand."""
    main = MAIN
    for old, new in changes:
        assert old in main, old
        main = main.replace(old, new)
    return {"main.yaml": main, "ask.yaml": ask, "score.yaml": score, "report.yaml": report}


def version(number: int, *changes: tuple[str, str], **forms: str) -> Workflow:
    """That version, with pieces replaced."""
    given = changes if number == 1 else (("version: 1\n", f"version: {number}\n"), *changes)
    return loader.load(texts(*given, **forms), "main.yaml")
