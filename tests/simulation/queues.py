"""Workflows small enough for queueing theory to know the answer, and scenarios for them."""

from __future__ import annotations

from functools import cache
from math import factorial

from fundflow.simulation import scenario
from fundflow.simulation.assumptions import Scenario
from fundflow.workflow import loader
from fundflow.workflow.definition import Workflow

FORM = """
title: {en: Ask}
sections:
  all:
    title: {en: All}
    fields:
      title: {type: short_text, label: {en: Title}, required: true}
"""
SCORE = """
title: {en: Score}
sections:
  all:
    title: {en: All}
    fields:
      merit: {type: score, label: {en: Merit}, max: 10, weight: 100, required: true}
"""
QUEUE = """
format: fundflow/1
workflow: queue
version: 1
title: {en: Queue}
currency: EUR
calendar: {timezone: UTC, week: [mon, tue, wed, thu, fri, sat, sun]}
roles:
  applicant: {is: team}
  clerk: {is: group, group: clerks}
forms: {ask: ask.yaml}
outcomes: {served: {en: Served}}
states:
  here: {edit: {applicant: [ask]}, view: {clerk: [ask]}}
transitions:
  serve: {from: here, end: served, by: clerk, label: {en: Serve}}
"""
CIRCLE = """
format: fundflow/1
workflow: circle
version: 1
title: {en: Circle}
currency: EUR
calendar: {timezone: Europe/Paris, holidays: FR}
roles:
  applicant: {is: team}
  clerk: {is: group, group: clerks}
  panel: {is: panel, review: scores}
  chief: {is: group, group: chiefs}
forms: {ask: ask.yaml, score: score.yaml}
outcomes: {refused: {en: Refused}, lapsed: {en: Lapsed}}
reviews:
  scores: {in: look, form: score, by: panel, assign: {by: clerk, group: members, count: 3}, quorum: 2, due: 10 days}
states:
  draft: {edit: {applicant: [ask]}, view: {clerk: [ask]}}
  look:
    view: {clerk: [ask], panel: [ask], chief: [ask]}
    tasks: {papers: {by: clerk, label: {en: Papers}}}
  mend: {edit: {applicant: [ask]}, view: {clerk: [ask]}}
  done: {final: success, view: {clerk: [ask]}}
transitions:
  send: {from: draft, to: look, by: applicant, deadline: closing, label: {en: Send}}
  back: {from: look, to: mend, by: clerk, max: 2, label: {en: Back}}
  again: {from: mend, to: look, by: applicant, label: {en: Again}}
  grant:
    from: look
    to: done
    by: chief
    label: {en: Grant}
    when: [{quorum: scores}, {tasks: papers}]
    do: [{ledger: commit, amount: 'money("10.00")'}]
  refuse: {from: look, end: refused, by: chief, label: {en: Refuse}}
  lapse: {from: draft, end: lapsed, by: system}
timers:
  closing: {in: draft, at: round.closes_at, grace: 15 minutes, then: lapse}
  look_due: {in: look, after: 10 working days, sla: true, overdue_with: eligibility_late, to: clerk}
"""


@cache
def queue() -> Workflow:
    """One state, one step out of it, clerks who work day and night."""
    return loader.load({"queue.yaml": QUEUE, "ask.yaml": FORM}, "queue.yaml")


@cache
def circle() -> Workflow:
    """A review, a task, money, a way back, a deadline and a limit that stands still elsewhere."""
    return loader.load({"circle.yaml": CIRCLE, "ask.yaml": FORM, "score.yaml": SCORE}, "circle.yaml")


def queue_scenario(*, per_day: float, clerks: int, hours: str, closes: str = "2027-07-31") -> Scenario:
    """Applications come at random, and each takes so many hours of one clerk."""
    return scenario.load(
        f"""
format: fundflow-scenario/1
scenario: theory
workflow: queue
round: {{opens: 2027-01-04, closes: {closes}}}
arrivals: {{per_day: {per_day}}}
staff: {{clerk: {{people: {clerks}, hours: 24}}}}
states: {{here: {{ways: {{serve: {{hours: {hours}}}}}}}}}
""",
        queue(),
    )


CIRCLE_SCENARIO = """\
format: fundflow-scenario/1
scenario: around
workflow: circle
round: {opens: 2027-01-04, closes: 2027-02-26, budget: 400, amount: 10}
arrivals: {count: 60, rush: {share: 0.5, days: 5}}
until: 24 months
staff:
  clerk: {people: 1, hours: 5}
  panel: {people: 6, hours: 1}
  chief: {people: 1, hours: 1}
states:
  draft:
    ways:
      send: {share: 0.9, days: {median: 1, p90: 8}, before: closing}
      lapse: {}
  look:
    limit: 20 working days
    tasks: {papers: {hours: {mean: 0.5}}}
    ways:
      grant: {share: 0.6, hours: 0.5}
      refuse: {share: 0.2, hours: 0.5}
      back: {share: 0.2, hours: {low: 0.2, mode: 0.5, high: 1}}
  mend:
    ways:
      again: {days: {values: [1, 2, 9]}}
reviews:
  scores: {choosing: {hours: 0.2}, sheet: {hours: {median: 1, p90: 3}}, conflict: 0.1}
"""


def circle_scenario(**changes: str) -> Scenario:
    """The scenario above, with these pieces of its text changed."""
    text = CIRCLE_SCENARIO
    for old, new in changes.items():
        text = text.replace(old, new)
    return scenario.load(text, circle())


def erlang_c(clerks: int, load: float) -> float:
    """The chance to wait in M/M/c; `load` is arrivals by services, in Erlang (Erlang 1917)."""
    waits = load**clerks / factorial(clerks) * clerks / (clerks - load)
    return waits / (sum(load**n / factorial(n) for n in range(clerks)) + waits)
