"""What invented cities and people write in the large grant: one whole set of answers for each of its forms.

The cities and people are those of the demo; projects, figures, banks and numbers are invented, and add up to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fundflow.money import Money
from fundflow.story import months_after, row

CURRENCY = "USD"
SHARES = (
    ("Coordinator and two field workers", "staff", 34),
    ("Training and advice by partners", "services", 24),
    ("Stalls, tools and furniture", "material", 16),
    ("Small grants to people who begin", "support", 12),
    ("Two surveys and a public report", "evaluation", 4),
    ("Administration of the city", "indirect", 7),
)
"""Budget lines of an invented project in percent; what is left goes to rooms and events."""
PAYMENTS = (
    ("The agreement is signed and announced", 40, 0),
    ("Three quarters of the first payment are spent, and a note says on what", 40, 10),
    ("The final report is accepted", 20, 26),
)
"""Condition, percent and months after the start."""


@dataclass(frozen=True, slots=True)
class LargeProject:
    """What an invented city wants to do in two years; the functions below make whole forms of it."""

    title: str
    theme: str
    requested: str
    people: int
    problem: str
    idea: str
    objectives: tuple[str, ...] = ("inclusion",)


LARGE_PROJECTS: Mapping[str, LargeProject] = {
    "saint-amary": LargeProject(
        "From the quay to a trade: paid apprenticeships with newcomers",
        "work",
        "420000",
        1_150,
        "Four in ten of those who reached Saint-Amary in the last three years mend nets and carry fish by the day, without "
        "a contract or a name in any register. Our survey of 612 households, the market wardens and the clinic say the same.",
        "The city opens its own workshops, the market and the water works to paid apprenticeships: half of the places go to "
        "newcomers, half to young people of the old quarters. After a year each apprentice has a paper that employers know.",
    ),
    "puerto-lindero": LargeProject(
        "Kitchens that become companies",
        "work",
        "310000",
        640,
        "Women who arrived last year cook and sell at home because a stall, a licence and a bank account each ask for the "
        "other first. One in seven earns the minimum wage.",
        "Six shared kitchens get a licence together, a common account and a buyer: the schools of the city. After two years "
        "each kitchen belongs to those who work in it.",
    ),
    "kesmara": LargeProject(
        "A county register that counts everybody who works",
        "services",
        "265000.50",
        3_400,
        "Markets, transport and waste depend on people whom no county list knows; they pay fees every day and get nothing "
        "for them.",
        "The county adds every daily worker to its fee register, whatever their papers, and gives them the insurance and the "
        "training that fee payers get.",
        ("access", "governance"),
    ),
    "tell-marwan": LargeProject(
        "Music in every school, and a wage for those who teach it",
        "children",
        "240000",
        2_050,
        "Children who came from three countries sit in the second shift, in the dark, without breaks or clubs.",
        "Musicians among the parents are hired and trained as club leaders in eighteen schools; the city keeps the posts.",
        ("inclusion", "access"),
    ),
    "batu-indah": LargeProject(
        "Coming home with a plan",
        "work",
        "200000",
        900,
        "Workers who come home from abroad bring skills and savings, and lose both within two years.",
        "A desk, a fund for first orders and a year of company by those who came home before.",
    ),
}
"""Projects by the key of their city in the demo: enough for one at each end that the workflow has."""


def concept(project: LargeProject, city: str, lead: str, email: str) -> dict[str, Any]:
    """The concept note."""
    return {
        "title": project.title,
        "theme": project.theme,
        "problem": project.problem,
        "idea": project.idea,
        "communities": f"A group of fourteen people, half of them new in {city}, wrote this idea with us over five evenings. "
        "They choose the places, sit on the panel that hires, and meet the mayor every three months.",
        "people_first": str(project.people),
        "mandate": f"Local economy and social services are tasks of {city} by law. The city has its own account and receives "
        "grants into it; no other authority has to agree.",
        "leadership": "The mayor presented the idea to the council in spring. The council set aside a post for it.",
        "concept_contact": lead,
        "concept_email": email,
        "concept_requested": _minor(Money.of(project.requested, CURRENCY)),
        "main_costs": "Wages of those who guide the work, training by partners, and tools that stay with the city.",
    }


FEEDBACK: Mapping[str, Mapping[str, str]] = {
    "invited": {
        "feedback_strong": "You show the need with your own figures and in people’s own words, and those concerned decide "
        "with you. Few notes do both.",
        "feedback_work": "Say who pays the posts after two years. Say how you find those who are in no register. Give two "
        "indicators that you can count from the first month.",
        "feedback_help": "Vila Aurora did something similar in building; its focal point is glad to talk.",
    },
    "kept_for_later": {
        "feedback_strong": "A strong idea, with a team that has done this on a small scale already.",
        "feedback_work": "It fits the theme of this round only in part. A later round on children would suit it better; until "
        "then it would help to know what the small scale showed.",
    },
    "declined": {
        "feedback_strong": "The problem is real, and you describe it honestly.",
        "feedback_work": "The note says what will be bought, and hardly what will change. Those concerned were told, not asked. "
        "Begin with them, and with one thing that they find most urgent.",
        "feedback_help": "The guide on planning with communities, and a call with another city, cost little and help most.",
    },
}
"""What the officer in charge writes, by what becomes of the note."""


def full_proposal(project: LargeProject, city: str, starts: date) -> dict[str, Any]:
    """The full proposal, but for the mayor's letter; budget and payments add up to the amount requested."""
    requested = Money.of(project.requested, CURRENCY)
    ends = months_after(starts, 24) - timedelta(days=1)
    return {
        "summary": f"{project.idea} {city} reaches {project.people} people with it in two years.",
        "changes": "You asked who pays afterwards: the council decided on two posts. You asked how we find people: through the "
        "market wardens and the clinic, who know them by name.",
        "objectives": list(project.objectives),
        "starts_on": starts.isoformat(),
        "ends_on": ends.isoformat(),
        "activities": [
            row(1, activity="Hire and train the team with the planning group", who="City and planning group",
                done_by=months_after(starts, 3).isoformat()),
            row(2, activity="First group of participants", who="Team and partners",
                done_by=months_after(starts, 10).isoformat()),
            row(3, activity="Second group, led in part by the first", who="Team and participants",
                done_by=months_after(starts, 18).isoformat()),
            row(4, activity="Public evening: what worked, what did not, what goes on", who="Planning group",
                done_by=months_after(starts, 23).isoformat()),
        ],
        "people_expected": str(project.people),
        "voice": "The planning group decides on places, times and who is hired, and may stop a payment to a partner. Half of "
        "it came to the city in the last three years; members are paid for their evenings.",
        "lens": "Child care at every meeting, rooms without steps, and half of the paid places for women.",
        "indicators": [
            row(number, measure=measure, indicator=words, baseline=str(before), target=str(target), source=source)
            for number, (measure, words, before, target, source) in enumerate(_promises(project), 1)
        ],
        "lasting": "The council decided on two permanent posts from the third year on. The register of skills stays with the "
        "employment office, and we write down the steps so that another city can copy them.",
        "team": "The head of local economy leads; a coordinator and two field workers are hired. One partner trains, another "
        "keeps the savings groups. Each has a written task and a day in the month for accounts.",
        "risks": "If a partner leaves, two others have said that they would step in. If prices rise, we shorten the season "
        "instead of paying people less.",
        "requested": _minor(requested),
        "budget": _budget(requested),
        "plan": _plan(requested, starts),
        "cofinance": _minor(Money(requested.minor // 8, CURRENCY)),
    }  # fmt: skip


SCORES: Mapping[str, Sequence[tuple[int, int, int]]] = {
    "award": ((9, 8, 9), (8, 8, 9), (9, 9, 8)),
    "reserve": ((8, 7, 8), (7, 7, 8), (8, 7, 7)),
    "apart": ((9, 9, 9), (4, 3, 5), (8, 8, 9)),
    "reject": ((4, 5, 3), (5, 4, 4), (3, 4, 5)),
}
"""Impact, feasibility and equity of three members, by what they come to; `apart` must be talked over first."""


def score_sheet(figures: tuple[int, int, int], *, is_unclear: bool = False) -> dict[str, Any]:
    """A committee member's sheet."""
    impact, feasibility, equity = map(str, figures)
    return {
        "gate_city": "met",
        "gate_theme": "met",
        "gate_voice": "met",
        "gate_capacity": "unclear" if is_unclear else "met",
        "impact": impact,
        "feasibility": feasibility,
        "equity": equity,
        "grounds": _GROUNDS[sum(figures) % len(_GROUNDS)],
        "terms": "The second partner should confirm in writing." if sum(figures) >= 24 else "",
    }


_GROUNDS = (
    "The need is shown with figures and with people’s own words. The plan is modest and can be done with the staff named.",
    "Those concerned share the decisions, which few proposals achieve. The budget is careful; the first months are tight.",
    "A convincing idea in a hard place. I would like to see how the work goes on once the grant is spent.",
)


def recommendation(kind: str, met_on: date) -> dict[str, Any]:
    """What the chair writes down: `award`, `conditions`, `reserve` or `reject`."""
    reasons = {
        "award": "The committee finds the proposal ready. Need, plan and partners are shown, and those concerned decide.",
        "conditions": "The committee finds the proposal strong. One partner has not confirmed yet; the rest is ready.",
        "reserve": "The proposal is worth a grant. Two others answer the theme of this round more directly.",
        "reject": "The need is real, but the plan does not say what will change, and those concerned were not asked.",
    }
    against = {
        "award": "The first months are tight, and the second partner is new to such work.",
        "conditions": "One partner has not confirmed in writing, and nobody is named yet for the accounts.",
        "reserve": "It answers the theme of this round less directly than two others.",
        "reject": "The plan says what will be bought, and hardly what will change; those concerned were told, not asked.",
    }
    return {
        "met_on": met_on.isoformat(),
        "critical": "not_all" if kind == "reject" else "all_met",
        "recommendation": kind,
        "decision_reasons": reasons[kind],
        "reasons_against": against[kind],
        "conditions": "The second partner confirms in writing.\nThe city names who keeps the accounts."
        if kind == "conditions"
        else "",
    }


def bank_papers(valid_until: date) -> dict[str, Any]:
    """The papers of the account but for the two that are uploads."""
    return {"papers_until": valid_until.isoformat()}


ACCOUNTS: Mapping[str, Mapping[str, str]] = {
    "SN": {"number": "SN39SN0120000000000002026010", "bic": "DEMOSNDA"},
    "MZ": {"number": "MZ37000100000000002026010", "bic": "DEMOMZMA"},
    "JO": {"number": "JO22DEMO0010000000000002026010", "bic": "DEMOJOAM"},
    "UA": {"number": "UA780000010000000000000020260", "bic": "DEMOUAUK"},
    "KE": {"number": "0100 2026 010", "bank_code": "99001", "bic": "DEMOKENA"},
}
"""Invented numbers of which the check digits fit, by country; elsewhere one that plain checks let pass."""


def bank_account(city: str, country: str) -> dict[str, str]:
    """What the focal point types about the account; the bank does not exist."""
    return {
        "holder": f"City of {city}",
        "country": country,
        "bank_name": f"Invented Municipal Bank of {city}",
        "number": f"{country} 2026 0000 01",
        "bic": f"DEMO{country}22",
        "contact_name": "Head of the finance office",
        "contact_email": f"finance@{'-'.join(city.lower().split())}.example",
        "contact_phone": "+00 000 000 001",
        **ACCOUNTS.get(country, {}),
    }


def progress_report(project: LargeProject, spent: Money, percent: int) -> dict[str, Any]:
    """A progress report, with so many percent of everything reached."""
    return {
        "progress": "The first group of participants works. The second partner confirmed in writing, and child care is there.",
        "voices": "The planning group moved two of our four meeting places and chose who trains.",
        "harder": "Rents rose. We share rooms with the library instead of paying more.",
        "next_steps": "The second group begins after the rains, led in part by the first.",
        "needs": "holds",
        **_people(project.people * percent // 100),
        "indicators": _reached(project, percent),
        "costs": _costs(project, spent),
        "spent_so_far": _minor(spent),
    }


def amendment_request(*touches: str) -> dict[str, Any]:
    """What an invented city asks to change, and why."""
    return {
        "touches": list(touches),
        "because": "access",
        "account": "Floods closed the market for three months; the second group of participants begins later.",
    }


def final_report(project: LargeProject, spent: Money) -> dict[str, Any]:
    """The final report, but for the accounts, which are an upload."""
    return {
        "achieved": "What we planned was done, two months later than planned. Half of those in the first group now guide others, "
        "and employers ask us for the third.",
        **_people(project.people * 107 // 100),
        "results": _reached(project, 98),
        "different": "The first partner withdrew in spring; another took over within six weeks.",
        "lessons": "Pay the first helpers from the first day: they bring everybody else.",
        "goes_on": "paid_by_city",
        "further_money": _minor(Money.of("150000", CURRENCY)),
        "costs": _costs(project, spent),
        "spent": _minor(spent),
    }


def follow_up(further: str = "180000") -> dict[str, Any]:
    """What became of it half a year or a year later."""
    return {
        "goes_on": "paid_by_city",
        "further_money": _minor(Money.of(further, CURRENCY)),
        "tells": "The two posts are in the city’s budget, and a neighbouring city copies the register.",
    }


def _promises(project: LargeProject) -> tuple[tuple[str, str, int, int, str], ...]:
    """Kind, words, where it stands before and at the end, and the source of each indicator."""
    return (
        ("people_in_work", "People in paid places for at least six months", 0, project.people // 4, "Payroll"),
        ("people_trained", "People who finished a course", 0, project.people // 2, "Lists of the trainers"),
        ("services_opened", "Desks that advise everybody, whatever their papers", 2, 6, "Opening hours of the city"),
        ("other", "Members of the planning group who stay for a year", 0, 10, "Minutes of the group"),
    )


def _reached(project: LargeProject, percent: int) -> list[dict[str, Any]]:
    """The promised indicators with so many percent of the way gone."""
    rows = []
    for number, (measure, words, before, target, _source) in enumerate(_promises(project), 1):
        now = before + (target - before) * percent // 100
        figures = {"baseline": str(before), "target": str(target), "actual": str(now)}
        if measure.startswith("people_"):
            figures["women"] = str(now * 6 // 10)
        rows.append(row(number, measure=measure, indicator=words, **figures))
    return rows


def _people(reached: int) -> dict[str, Any]:
    parts = {"women": 55, "men": 44, "children": 20, "disabilities": 6, "displaced": 62, "host": 38}
    return {
        "people_reached": str(reached),
        **{group: str(reached * percent // 100) for group, percent in parts.items()},
    }


def _costs(project: LargeProject, spent: Money) -> list[dict[str, Any]]:
    """Every line of the budget in proportion, but that a fifth more went into tools, and less into staff."""
    requested = Money.of(project.requested, CURRENCY)
    budget = _budget(requested)
    parts = [line["amount"]["minor"] * spent.minor // requested.minor for line in budget]
    moved = parts[2] // 5
    parts[0], parts[2], parts[-1] = parts[0] - moved, parts[2] + moved, parts[-1] + spent.minor - sum(parts)
    return [
        {**line, "spent": _minor(Money(part, CURRENCY))}
        | ({"why": "Tools cost more than in the year of the plan; one post was filled later."} if number == 2 else {})
        for number, (line, part) in enumerate(zip(budget, parts, strict=True))
    ]


APPEAL: Mapping[str, Any] = {
    "appeal_on": "facts",
    "appeal_grounds": "The statement says that those concerned were not asked. The planning group of fourteen people, half of "
    "them new in the city, wrote the idea with us over five evenings; the list of meetings stands in the proposal.",
}
"""What a city says against a decision."""

REASONS: Mapping[str, str] = {
    "not_eligible": "The applicant is an association. This fund can only give to a city government; please ask yours to apply.",
    "changes_concept": "Please say under which mandate the city acts, and whether the province has to agree.",
    "changes_proposal": "The budget pays for tools twice, in lines 3 and 4. Please correct it, and attach the letter of the mayor.",
    "reject": "The plan does not say what will change for whom, and those concerned were not asked. We would welcome a smaller "
    "proposal, made with them.",
    "uphold_appeal": "The proposal names the planning group and its five meetings, so the finding that nobody was asked does not "
    "stand. The committee’s scores stay as they are; the fund decides anew on them.",
    "refuse_tranche": "The note on spending covers only the first four months. Please add the months since.",
    "suspend": "The account of the project was used for salaries of another department. We wait for the correction.",
    "resume": "The money was returned to the account, and the auditor of the city confirmed it.",
    "terminate": "The city has stopped the project and dissolved the team.",
    "return_progress": "Please say how many of those in paid places are women, and add the list of rooms.",
    "return_report": "The statement of accounts is not signed. Please add the signed one.",
    "award_withdrawn": "The bank account is not held in the name of the city, and the city cannot open one.",
    "decline_award": "The new council does not want to take on the posts.",
}
"""Reasons in the words of those who give them, by what they do."""


def _minor(amount: Money) -> dict[str, Any]:
    return {"minor": amount.minor, "currency": amount.currency}


def _budget(requested: Money) -> list[dict[str, Any]]:
    rows, left = [], requested.minor
    for number, (item, kind, percent) in enumerate(SHARES, 1):
        part = requested.minor * percent // 100
        left -= part
        rows.append(row(number, item=item, kind=kind, amount=_minor(Money(part, requested.currency))))
    rest = _minor(Money(left, requested.currency))
    return [*rows, row(len(rows) + 1, item="Rooms, food and child care", kind="events", amount=rest)]


def _plan(requested: Money, starts: date) -> list[dict[str, Any]]:
    """Three payments; the last takes what rounding leaves."""
    rows, left = [], requested.minor
    for number, (condition, percent, months) in enumerate(PAYMENTS, 1):
        part = left if number == len(PAYMENTS) else requested.minor * percent // 100
        left -= part
        due = months_after(starts, months) + timedelta(days=30)
        amount = _minor(Money(part, requested.currency))
        rows.append(row(number, nr=str(number), condition=condition, due=due.isoformat(), amount=amount))
    return rows
