"""Facts of an agreement, as a decision would collect them: accents, Arabic, markup, tranches and a budget."""

from __future__ import annotations

import copy
from typing import Any

import page


def money(minor: int, currency: str = "EUR") -> dict[str, Any]:
    """An amount as facts hold it."""
    return {"minor": minor, "currency": currency}


_FACTS: dict[str, Any] = {
    "agreement": {"number": "GA-SG-2026-0007", "date": "2026-11-23", "event": 4},
    "site": "https://fund.example",
    "fund": {"name": "Global Cities Fund for Migrants and Refugees", "signatory": "Amara Okafor"},
    "city": {
        "name": "Ville de Sainte-Émilie-sur-Loire",
        "country": "FR",
        "kind": "municipality",
        "is_demo": True,
        "signatory": "Élodie Ñandú",
        "focal_point": "سمير بن علي",
        "finance_officer": "Jörg Müller",
    },
    "round": {"title": "Small grants 2026: homes & work"},
    "application": {
        "number": "SG-2026-0007",
        "title": "A house with open doors for <b>newcomers</b>",
        "submitted_on": "2026-10-02",
    },
    "amount": money(4_500_050),
    "starts_on": "2027-01-01",
    "ends_on": "2027-12-31",
    "months": 0,
    "payments": [
        {"amount": money(2_000_000), "due_on": "2027-01-15", "condition": ""},
        {"amount": money(2_500_050), "due_on": "", "condition": "Interim report accepted"},
    ],
    "budget": {
        "columns": [
            {"label": "Item", "kind": "text"},
            {"label": "Kind of cost", "kind": "text"},
            {"label": "Units", "kind": "number"},
            {"label": "Amount", "kind": "money"},
        ],
        "rows": [
            ["Two social workers, half time", "Staff", "2", money(2_600_000)],
            ["Rent and furniture of the meeting house", "Premises", "12", money(1_250_050)],
            ["Language teachers", "Services", "", money(650_000)],
        ],
        "total": money(4_500_050),
    },
    "glance": [
        {"label": "Main theme", "text": "Housing and reception"},
        {"label": "How many people will it reach directly?", "text": "420"},
    ],
    "summary": [
        {"label": "Summary", "text": "Rents have doubled in four years.\n\nNewcomers wait eleven months for a course."},
        {"label": "Which need do you answer?", "text": "We open a house in the old town hall. " * 20},
    ],
    "tables": [
        {
            "label": "Main activities",
            "columns": [{"label": "What is done", "kind": "text"}, {"label": "Done by", "kind": "text"}],
            "rows": [["Open the house", "15 March 2027"], ["Language courses", ""]],
        }
    ],
    "reports": [{"name": "Report", "due_on": "", "count": 12, "unit": "months"}],
    "workflow": {"id": "small-grant", "version": 1, "sha256": "ab" * 32},
}


def letter(**changes: Any) -> dict[str, Any]:
    """Facts that are enough for every letter, with whole facts replaced."""
    common = ("site", "fund", "city", "round", "application", "amount", "starts_on", "ends_on", "workflow")
    return {
        **{name: copy.deepcopy(_FACTS[name]) for name in common},
        "letter": {"number": "XL-SG-2026-0007", "date": "2026-11-23", "event": 9},
        "agreement": "GA-SG-2026-0007",
        "reason": "Two of the partners have <not> confirmed.\n\nPlease come back with them.",
        "findings": [{"label": "Conditions before signing", "text": "The second partner confirms.\nIn writing."}],
        "new_end": "2028-06-30",
        "new_agreement": "GA-SG-2026-0007-2",
        "changes": [
            {"part": "time", "field": "ends_on", "label": "", "of": "", "kind": "day"}
            | {"was": "2027-12-31", "becomes": "2028-06-30"},
            {"part": "payments", "field": "amount", "label": "2", "of": "", "kind": "money"}
            | {"was": money(2_500_050), "becomes": ""},
        ],
        "paid": money(4_000_000),
        "spent": money(3_950_000),
        "returned": money(25_000),
        "left": money(50_000),
        "reached": 861,
        "kind": "reject",
        "step": "Do not select",
        "rules": [{"says": "The amount is at least the floor of the round.", "met": False}],
        "scores": [
            {
                "label": "Committee scores",
                "score": "8.50",
                "scale": "10",
                "sheets": 3,
                "criteria": [{"label": "Impact", "score": "9.00", "scale": "10", "weight": "40"}],
            }
        ],
        "appeal": {"by": "Appeal against the decision", "until": "2027-05-01"},
        **changes,
    }


def facts(**changes: Any) -> dict[str, Any]:
    """A fresh copy, with whole facts replaced."""
    return {**copy.deepcopy(_FACTS), **changes}


def failures(pdf: bytes) -> list[tuple[str, str]]:
    """What a file breaks of PDF/A-3a and of PDF/UA-1: the rule and what is wrong."""
    return [
        (each.rule_id, each.message)
        for profile in (page.ValidationProfile.PDF_A_3A, page.ValidationProfile.PDF_UA_1)
        for each in page.validate_pdf_bytes(pdf, profile=profile).failures
    ]
