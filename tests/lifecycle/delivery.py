"""A small grant that is followed up: reports by a schedule, changes begun one at a time, each with forms of its own."""

from __future__ import annotations

from typing import Any

from fundflow.accounts.models import User
from fundflow.accounts.policy import MANAGERS
from fundflow.applications import service
from fundflow.lifecycle import children
from fundflow.lifecycle.models import Application, Child
from fundflow.workflow.definition import Workflow
from tests import factories as make

ASK = """
title: {en: What we ask for}
sections:
  all:
    title: {en: All}
    fields:
      title: {type: short_text, label: {en: Title}, required: true}
      requested: {type: money, label: {en: Amount}, required: true}
      starts_on: {type: date, label: {en: Start}, required: true}
      months: {type: number, label: {en: Months}, required: true}
      budget:
        type: table
        label: {en: Budget}
        required: true
        columns:
          item: {type: short_text, label: {en: Item}, required: true}
          amount: {type: money, label: {en: Amount}, required: true}
          note: {type: short_text, label: {en: Note}}
"""

PERIODIC = """
title: {en: Report}
sections:
  story:
    title: {en: What was done}
    fields:
      done: {type: long_text, label: {en: Done}, required: true}
      proof: {type: file, label: {en: Proof}, accept: [pdf, txt]}
  money:
    title: {en: Money}
    fields:
      spent: {type: money, label: {en: Spent}, required: true}
      lines:
        type: table
        label: {en: Lines}
        from: application.budget
        columns:
          item: {type: short_text, label: {en: Item}, required: true}
          amount: {type: money, label: {en: Planned}, required: true}
          actual: {type: money, label: {en: Actual}}
  last:
    title: {en: In the end}
    if: self.is_last == 'yes'
    fields:
      lessons: {type: long_text, label: {en: Lessons}, required: true}
"""

CHANGE = """
title: {en: Change}
sections:
  dates:
    title: {en: Dates}
    if: self.about == 'dates'
    fields:
      new_start: {type: date, label: {en: New start}, required: true, from: application.starts_on}
  figures:
    title: {en: Budget}
    if: self.about == 'budget'
    fields:
      new_budget:
        type: table
        label: {en: New budget}
        required: true
        from: application.budget
        columns:
          item: {type: short_text, label: {en: Item}, required: true}
          amount: {type: money, label: {en: Amount}, required: true}
"""

DELIVERY = """
format: fundflow/1
workflow: delivery-grant
version: 1
title: {en: Delivery grant}
currency: EUR
calendar: {timezone: Europe/Paris}
roles:
  applicant: {is: team}
  manager: {is: group, group: fund-managers}
  finance: {is: group, group: finance}
forms: {ask: ask.yaml, periodic: periodic.yaml, change: change.yaml}
outcomes: {ended: {en: Ended}}
states:
  draft: {edit: {applicant: [ask]}}
  active: {view: {applicant: [ask, report, amendment], manager: [ask, report, amendment], finance: [ask]}}
  closed: {final: success, view: {applicant: [ask, report, amendment], manager: [ask, report, amendment]}}
transitions:
  start: {from: draft, to: active, by: applicant, when: [{complete: ask}], do: [{children: report}]}
  ask_change:
    from: active
    to: active
    by: applicant
    input: {about: {type: text, label: {en: About}}, because: {type: text, label: {en: Because}}}
    when:
      - if: input.about == 'dates' || input.about == 'budget'
        else: {en: Dates or budget.}
      - if: children.amendment.all(a, a.state != 'draft' && a.state != 'asked')
        else: {en: A change is open already.}
    do: [{child: amendment, fields: {about: input.about, because: input.because}}]
  close:
    from: active
    to: closed
    by: manager
    when:
      - if: children.report.all(r, r.state == 'accepted') && children.amendment.all(a, a.state != 'draft' && a.state != 'asked')
        else: {en: Some reports or changes are open.}
      - if: children.report.map(r, r.spent).sum() <= application.requested
        else: {en: More was spent than granted.}
  end: {from: active, end: ended, by: manager, reason: required, do: [{children: report, each: drop}, {children: amendment, each: drop}]}
children:
  report:
    label: {en: Report}
    max: 5
    fields: {nr: integer, due: {type: date, label: {en: Due on}}, is_last: string, waived: money}
    rows:
      - {nr: 1, due: application.starts_on + duration('6 months'), is_last: "'no'"}
      - {if: application.months > 12, nr: 2, due: application.starts_on + duration('12 months'), is_last: "'no'"}
      - {nr: 9, due: application.starts_on + duration('14 months'), is_last: "'yes'"}
    states:
      planned: {label: {en: Planned}}
      open: {label: {en: To be written}, edit: {applicant: [periodic]}}
      sent: {label: {en: Sent}, view: {applicant: [periodic], manager: [periodic]}}
      accepted: {label: {en: Accepted}, final: success, view: {applicant: [periodic], manager: [periodic]}}
      dropped: {label: {en: Dropped}, final: failure, view: {applicant: [periodic]}}
    transitions:
      drop: {from: [planned, open, sent], to: dropped, by: system}
      begin: {from: planned, to: open, by: system}
      open_early: {from: planned, to: open, by: manager}
      send: {from: open, to: sent, by: applicant, deadline: report_due, when: [{complete: periodic}]}
      give_back: {from: sent, to: open, by: manager, reason: required}
      put_off: {from: open, to: open, by: manager, input: {until: {type: date, label: {en: Until}}}, do: [{set: self.due, to: input.until}]}
      accept:
        from: sent
        to: accepted
        by: manager
        not_same_actor_as: [send]
        when:
          - if: self.spent <= application.requested
            else: {en: "{self.spent} is more than was granted."}
          - if: self.nr != 9 || siblings.exists(r, r.nr == 1 && r.state == 'accepted')
            else: {en: The first report comes first.}
  amendment:
    label: {en: Amendment}
    max: 2
    fields: {about: string, because: string, decided: money}
    states:
      draft: {label: {en: Draft}, edit: {applicant: [change]}, view: {manager: [change]}}
      asked: {label: {en: Asked}, view: {applicant: [change], manager: [change]}}
      agreed: {label: {en: Agreed}, final: success, view: {applicant: [change], manager: [change]}}
      dropped: {label: {en: Dropped}, final: failure, view: {applicant: [change]}}
    transitions:
      ask: {from: draft, to: asked, by: applicant, when: [{complete: change}]}
      agree:
        from: asked
        to: agreed
        by: manager
        do:
          - {if: self.about == 'budget', set: application.budget, to: self.new_budget}
          - {if: self.about == 'dates', set: application.starts_on, to: self.new_start.orValue(application.starts_on)}
      drop: {from: [draft, asked], to: dropped, by: [applicant, system]}
timers:
  report_opens: {in: report.planned, at: "self.due - duration('30 days')", then: report.begin}
  report_due: {in: report.open, at: self.due, grace: 3 days, remind: [7 days], remind_with: closing_soon, overdue_with: report_late, to: applicant, escalate: {after: 14 days, to: manager, with: report_late}}
  change_dropped: {in: amendment.draft, after: 30 days, then: amendment.drop}
"""  # noqa: E501

STORY = """
examples:
  a city reports and asks for a change:
    given: {now: 2026-12-01T09:00, round: {closes_at: 2026-12-20T17:00}, people: {ana: applicant, mona: manager}}
    steps:
      - {ana: fill ask, with: {requested: 1000, starts_on: 2027-01-01, months: 9, budget: [{item: Trees, amount: 1000}]}}
      - ana: start
        then:
          children: {report: {1: planned, 2: planned}}
          timers: {report_opens 1: 2027-06-01, report_opens 2: 2028-01-31}
      - {ana: fill periodic 1, refused: access}
      - {ana: ask_change, input: {about: budget, because: Prices}, then: {children: {amendment: {1: draft}}}}
      - {ana: ask_change, input: {about: budget, because: More}, refused: [A change is open already.]}
      - {ana: fill change 1, with: {new_budget: [{item: Oaks, amount: 1000}]}}
      - {ana: amendment.ask 1}
      - {mona: amendment.agree 1, then: {application: {budget: [{item: Oaks, amount: 1000}]}}}
      - {ana: ask_change, input: {about: dates, because: Rain}}
      - {after: 30 days, then: {children: {amendment: {2: dropped}}}}
      - {ana: ask_change, input: {about: dates, because: Rain}, refused: children}
      - {at: 2027-06-02T09:00, then: {children: {report: {1: open}}, timers: {report_due 1: 2027-07-01, report_opens 2: 2028-01-31}}}
      - {ana: report.send 1, refused: complete}
      - {ana: fill periodic 1, with: {spent: 1500}}
      - {mona: report.put_off 1, input: {until: 2027-08-15}, then: {timers: {report_due 1: 2027-08-15, report_opens 2: 2028-01-31}}}
      - {at: 2027-08-09T09:00, sends: closing_soon to applicant on 2027-08-08}
      - {ana: report.send 1}
      - {mona: report.accept 1, refused: [is more than was granted]}
      - {mona: report.give_back 1, reason: Too much.}
      - {at: 2027-09-05T09:00, sends: [report_late to applicant on 2027-08-18, report_late to manager on 2027-09-01]}
      - {ana: fill periodic 1, refused: deadline}
      - {mona: close, refused: [Some reports or changes are open., More was spent than granted.]}
      - {mona: end, reason: Enough., then: {outcome: ended, children: {report: {1: dropped, 2: dropped}}, timers: {}}}
"""  # noqa: E501


def a_delivery_workflow(*changes: tuple[str, str], **forms: str) -> Workflow:
    """The grant, or the grant with pieces of its text, or a form of it, replaced."""
    text = DELIVERY + STORY
    for was, now in changes:
        assert was in text
        text = text.replace(was, now)
    return make.a_workflow_from(text, **{"ask": ASK, "periodic": PERIODIC, "change": CHANGE, **forms})


class Delivery:
    """One application that is being carried out, and the people around it."""

    def __init__(self, *, months: str = "18", **more: Any) -> None:
        self.focal = make.a_person()
        round_ = make.a_round(workflow=make.kept(a_delivery_workflow()), **more)
        self.application: Application = make.started(round_, make.a_city(focal_point=self.focal), self.focal)
        self.manager: User = make.a_person(groups=[MANAGERS])
        make.fill(
            self.application,
            "ask",
            self.focal,
            title="Trees",
            requested=1_000,
            starts_on="2027-01-01",
            months=months,
            budget=[
                {"item": "Trees", "amount": {"minor": 60_000, "currency": "EUR"}, "note": "oak"},
                {"item": "Soil", "amount": {"minor": 40_000, "currency": "EUR"}},
            ],
        )
        make.press(self.application, "start", self.focal)

    def press(self, transition: str, who: User, **more: Any) -> Any:
        return make.press(self.application, transition, who, **more)

    def rows(self, kind: str) -> list[Child]:
        return list(children.rows_of(self.application.id, kind))

    def states(self, kind: str) -> dict[str, str]:
        return {row.key: row.state for row in self.rows(kind)}

    def answers(self, form: str) -> dict[str, Any]:
        return service.answers_of(self.application, form)
