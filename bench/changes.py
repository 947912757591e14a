"""What it costs a fund to change its rules: twenty changes that funds ask for, made to the large grant's file.

For each: the lines touched, whether the new file is checked without a finding, which of a slip that is easily made with
it is caught before publishing (by the checker, or by the examples), and what becomes of the live applications of a demo
when they move to it: how many move, are held or blocked, and how many are broken, that is: cannot be read, asked for
their next steps and verified afterwards.

    python bench/changes.py [part of a title]
"""

from __future__ import annotations

import difflib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FILE = "global_cities_fund.yaml"
Edit = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One wish of a fund; `slip` are the edits of somebody who forgets or misspells something, None where none is near."""

    title: str
    edits: Sequence[Edit]
    slip: Sequence[Edit]
    says: str
    more: dict[str, Sequence[Edit]] = field(default_factory=dict)


EXPERT_ROLE = """  expert:
    is: panel
    review: expert
    never_also: [applicant]
    label: {en: External expert, fr: Expert externe}
"""
EXPERT_STATE = """  expert_review:
    label: {en: Expert review, fr: Examen par des experts}
    help:
      en: External experts score the proposal, each alone, before the committee does.
      fr: Des experts externes notent la proposition, chacun de son côté, avant le comité.
    shown_as: {applicant: screening, signatory: screening}
    view:
      applicant: [concept, feedback, proposal]
      expert: [concept, proposal]
      manager: [concept, feedback, proposal]
      officer: [concept, feedback, proposal, expert]
      auditor: [concept, feedback, proposal, expert]
"""
EXPERT_STEP = """  ask_experts:
    label: {en: Ask the experts, fr: Consulter les experts}
    from: screening
    to: expert_review
    by: officer
    when: [{assigned: expert}]
    do: [{notify: review_opened, to: expert}]

"""
EXPERT_REVIEW = """  expert:
    label: {en: Expert scores, fr: Notes des experts}
    in: expert_review
    form: score
    by: expert
    assign: {by: officer, group: reviewers, count: 3}
    conflicts: [declared, same_organisation, same_country, prior_contract]
    blind: until_submitted
    quorum: {count: 2}
    score: {weights: {impact: 40, feasibility: 30, equity: 30}, aggregate: mean, scale: [0, 10]}
    due: 14 days
"""
COUNTRY_RULE = """  other_country:
    if: "application.country != 'CH'"
    else:
      en: The host of the fund cannot receive its grants.
      fr: Le pays hôte du fonds ne peut pas recevoir ses subventions.
"""
OWNERS_TASK = """      owners:
        by: compliance
        label: {en: Owners of the partners known, fr: Bénéficiaires effectifs des partenaires connus}
"""
PAY_PART = """      pay_part:
        label: {en: Record a part of the payment, fr: Enregistrer une partie du paiement}
        from: verified
        to: verified
        by: finance
        not_same_actor_as: [verify]
        input:
          part:
            type: money
            label: {en: Amount paid, fr: Montant versé}
        when:
          - if: "parent.state in ['active', 'reporting', 'report_review']"
            else:
              en: The grant is not under way, so nothing may be paid.
              fr: La subvention n’est pas en cours ; rien ne peut être versé.
          - if: input.part < self.amount && input.part <= ledger.undisbursed
            else:
              en: A part is less than {self.amount}, and at most {ledger.undisbursed} of this grant is left to pay.
              fr: "Une partie est inférieure à {self.amount} ; il reste {ledger.undisbursed} à verser."
        do:
          - {ledger: pay, amount: input.part}
          - {notify: tranche_paid, to: applicant}
"""

CHANGES = [
    Change(
        "a review stage of external experts before the committee",
        [
            ("  chair:\n    is: group\n", EXPERT_ROLE + "  chair:\n    is: group\n"),
            ("screening, returned, committee, decision, reserve]\n  contract", "screening, returned, expert_review, committee, decision, reserve]\n  contract"),
            ("  committee:\n    label: {en: Committee review,", EXPERT_STATE + "  committee:\n    label: {en: Committee review,"),
            ("  open_review:\n", EXPERT_STEP + "  open_review:\n"),
            ("    from: screening\n    to: committee\n    by: officer\n    when: [{assigned: committee}]", "    from: expert_review\n    to: committee\n    by: officer\n    when: [{quorum: expert}, {assigned: committee}]"),
            ("reviews:\n  committee:\n", "reviews:\n" + EXPERT_REVIEW + "  committee:\n"),
            ("invited, screening, returned, committee, decision, reserve]\n    end: withdrawn", "invited, screening, returned, expert_review, committee, decision, reserve]\n    end: withdrawn"),
        ],
        [("when: [{quorum: expert}, {assigned: committee}]", "when: [{assigned: committee}]")],
        "nobody waits for the experts",
    ),
    Change(
        "quorum of the committee from three to four",
        [("assign: {by: officer, group: reviewers, count: 3, reserve: 1}", "assign: {by: officer, group: reviewers, count: 4, reserve: 1}"), ("quorum: {count: 3, share: 0.6", "quorum: {count: 4, share: 0.6")],
        [("count: 4, reserve: 1}", "count: 3, reserve: 0}")],
        "four of three members",
    ),
    Change(
        "a second signature of the fund, by the chair",
        [("parties: {city: signatory, fund: director}", "parties: {city: signatory, fund: director, board: chair}"), ("      director: [concept, feedback, proposal, committee, decision]\n      finance: [proposal, bank]\n      auditor: [concept, feedback, proposal, committee, decision, bank]\n    signatures", "      director: [concept, feedback, proposal, committee, decision]\n      chair: [proposal, decision]\n      finance: [proposal, bank]\n      auditor: [concept, feedback, proposal, committee, decision, bank]\n    signatures")],
        [("      chair: [proposal, decision]\n      finance", "      finance")],
        "the chair signs what it cannot see",
    ),
    Change(
        "a payment split into parts",
        [("      drop:\n        label: {en: Drop this payment", PAY_PART + "      drop:\n        label: {en: Drop this payment")],
        [(" && input.part <= ledger.undisbursed", "")],
        "parts may exceed the grant",
    ),
    Change(
        "the reserve list hidden from cities",
        [
            ("  reserve:\n    label: {en: On the reserve list, fr: Sur la liste de réserve}\n", "  reserve:\n    label: {en: On the reserve list, fr: Sur la liste de réserve}\n    shown_as: {applicant: screening, signatory: screening}\n"),
            ("    when: [{complete: decision}]\n    do: [{notify: reserve_list, to: applicant}]", "    when: [{complete: decision}]\n    do: [{notify: reserve_list, to: officer}]"),
            ("      en: The city is told. You can award the grant within six months if money becomes free.\n      fr: La ville en est informée. Vous pouvez", "      en: The city is not told. You can award the grant within six months if money becomes free.\n      fr: La ville n’en est pas informée. Vous pouvez"),
        ],
        [("do: [{notify: reserve_list, to: officer}]", "do: [{notify: reserve_list, to: applicant}]")],
        "the city is told by mail what is hidden from it",
    ),
    Change(
        "a country that may not apply",
        [("  within_limits:\n    if: application.requested >=", COUNTRY_RULE + "  within_limits:\n    if: application.requested >="), ("      - {rule: eligible_country}\n", "      - {rule: eligible_country}\n      - {rule: other_country}\n")],
        [("application.country != 'CH'", "application.contry != 'CH'")],
        "a misspelt field",
    ),
    Change(
        "an earlier reminder of the full proposal",
        [("    grace: 15 minutes\n    remind: [14 days, 3 days, 1 day]\n    remind_with: proposal_soon", "    grace: 15 minutes\n    remind: [30 days, 14 days, 3 days, 1 day]\n    remind_with: proposal_soon")],
        [("remind: [30 days, 14 days, 3 days, 1 day]\n    remind_with: proposal_soon", "remind: [90 days, 14 days, 3 days, 1 day]\n    remind_with: proposal_soon")],
        "a reminder before the time begins",
    ),
    Change(
        "Spanish beside English and French",
        [("languages: [en, fr]", "languages: [en, fr, es]")],
        [],
        "every text that is still missing",
    ),
    Change(
        "withdrawing after the award",
        [("returned, committee, decision, reserve]\n    end: withdrawn", "returned, committee, decision, reserve, due_diligence, signature]\n    end: withdrawn"), ("    do:\n      - {cancel: reviews}\n", "    do:\n      - {ledger: release}\n      - {cancel: reviews}\n")],
        [("      - {ledger: release}\n      - {cancel: reviews}\n", "      - {cancel: reviews}\n")],
        "the reserved money is stranded",
    ),
    Change(
        "nobody decides on a city whose committee they closed or whose note they invited",
        [("    not_same_actor_as: [close_review]\n    when:\n      - {complete: decision}", "    not_same_actor_as: [close_review, invite]\n    when:\n      - {complete: decision}")],
        [("[close_review, invite]", "[close_review, invites]")],
        "a step that does not exist",
    ),
    Change(
        "a higher score for an award",
        [("reviews.committee.score >= 7.0", "reviews.committee.score >= 7.5"), ("The score must be at least 7;", "The score must be at least 7.5;"), ("La note doit être d’au moins 7\u202f;", "La note doit être d’au moins 7,5\u202f;")],
        [("reviews.committee.score >= 7.5", "reviews.committee.score >= 75")],
        "beyond the scale",
    ),
    Change(
        "lower indirect costs",
        [("application.requested * 0.1", "application.requested * 0.07"), ("at most 10% of the amount", "at most 7% of the amount"), ("dépasser 10\u202f% du montant", "dépasser 7\u202f% du montant")],
        [("application.requested * 0.07", "application.requested * 7")],
        "seven times instead of seven percent",
    ),
    Change(
        "the final report due in two months",
        [("    in: reporting\n    after: 3 months", "    in: reporting\n    after: 2 months"), ("has three months for its final report", "has two months for its final report"), ("a trois mois pour son rapport final", "a deux mois pour son rapport final")],
        [("    in: reporting\n    after: 2 months", "    in: reportng\n    after: 2 months")],
        "a misspelt state",
    ),
    Change(
        "a reserve list of nine months",
        [("    in: reserve\n    after: 6 months", "    in: reserve\n    after: 9 months"), ("The list holds for six months", "The list holds for nine months"), ("La liste vaut six mois", "La liste vaut neuf mois"), ("within six months if", "within nine months if"), ("sous six mois si", "sous neuf mois si")],
        [("    in: reserve\n    after: 9 months", "    in: reserve\n    after: 9 month working")],
        "no length of time",
    ),
    Change(
        "two extensions instead of one",
        [("    reason: required\n    max: 1\n", "    reason: required\n    max: 2\n"), ("      en: Once, by at most 12 months", "      en: Twice at most, by at most 12 months"), ("      fr: Une fois, de 12\u00a0mois", "      fr: Deux fois au plus, de 12\u00a0mois")],
        [("    reason: required\n    max: 2\n", "    reason: required\n    max: two\n")],
        "no number",
    ),
    Change(
        "suspension by the director alone",
        [("    from: active\n    to: suspended\n    by: officer", "    from: active\n    to: suspended\n    by: director"), ("do: [{notify: suspended, to: [applicant, director, finance]}]", "do: [{notify: suspended, to: [applicant, officer, finance]}]")],
        [("    to: suspended\n    by: director", "    to: suspended\n    by: compliance")],
        "a role that sees nothing there",
    ),
    Change(
        "one more check of compliance before the agreement",
        [("      risk:\n        by: compliance\n", OWNERS_TASK + "      risk:\n        by: compliance\n"), ("{tasks: [sanctions, risk, bank_verified]}", "{tasks: [sanctions, owners, risk, bank_verified]}")],
        [("{tasks: [sanctions, owners, risk, bank_verified]}", "{tasks: [sanctions, risk, bank_verified]}")],
        "nothing waits for the new check",
    ),
    Change(
        "three weeks for a changed proposal",
        [("    in: returned\n    after: 14 days", "    in: returned\n    after: 21 days"), ("a proposal within 14 days", "a proposal within 21 days"), ("une proposition sous 14\u00a0jours", "une proposition sous 21\u00a0jours")],
        [("    in: returned\n    after: 21 days\n", "    in: returned\n")],
        "no length at all",
    ),
    Change(
        "a termination also before the signature",
        [("    from: [embargo, active, suspended, reporting, report_review]\n    end: terminated", "    from: [signature, embargo, active, suspended, reporting, report_review]\n    end: terminated")],
        [("    do:\n      - {children: tranche, each: drop}\n      - {ledger: close}\n", "    do:\n      - {children: tranche, each: drop}\n")],
        "the money stays behind",
    ),
    Change(
        "a new end of a grant: expired, when nobody reports for a year",
        [
            ("  terminated: {en: Terminated, fr: Résiliée}\n", "  terminated: {en: Terminated, fr: Résiliée}\n  expired: {en: Expired without report, fr: Expirée sans rapport}\n"),
            ("  withdraw:\n    label: {en: Withdraw the application", "  expire_unreported:\n    label: {en: Expire without report, fr: Expirer sans rapport}\n    from: reporting\n    end: expired\n    by: system\n    do:\n      - {children: tranche, each: drop}\n      - {ledger: close}\n      - {notify: terminated, to: [applicant, officer, finance]}\n\n  withdraw:\n    label: {en: Withdraw the application"),
            ("  report_unread:\n    label:", "  report_never:\n    label: {en: Expiry without report, fr: Expiration sans rapport}\n    in: reporting\n    after: 12 months\n    end_of_day: true\n    to: [applicant, officer]\n    then: expire_unreported\n  report_unread:\n    label:"),
        ],
        [("    to: [applicant, officer]\n    then: expire_unreported\n", "    to: [applicant, officer]\n    overdue_with: report_late\n")],
        "a step that nothing starts",
    ),
]  # fmt: skip


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with every edit made, each at its one place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} places for {old[:80]!r}"
        text = text.replace(old, new)
    return text


def touched(old: str, new: str) -> int:
    """How many lines are written anew or taken away."""
    changes = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in changes if tag != "equal")


class Desk:
    """A copy of the fund's rules in a folder of its own, to be changed and asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workflows"
        shutil.copytree(ROOT / "workflows", self.folder)
        self.text = (self.folder / FILE).read_text(encoding="utf-8")

    def with_edits(self, *edits: Iterable[Edit]) -> str:
        text = self.text
        for some in edits:
            text = edited(text, some)
        (self.folder / FILE).write_text(text, encoding="utf-8")
        return text

    def asked(self) -> tuple[Any, list[str], list[str]]:
        """The workflow or None, what the checker says, and the examples that tell otherwise."""
        from fundflow.workflow import checker, examples, loader

        try:
            workflow = loader.read(self.folder / FILE, examples=True)
        except loader.Problems as problems:
            return None, [f"{each.code} in line {each.line}: {each.message}" for each in problems.problems], []
        found = [f"{each.code} in line {each.line}: {each.message}" for each in checker.check(workflow)]
        return workflow, found, [each.name for each in examples.run(workflow) if not each.passed]


def demo(folder: Path) -> Any:
    """A database with the live applications of the demo, most of them in another state."""
    from fundflow import seed
    from fundflow.app import create_app
    from fundflow.config import Settings

    settings = Settings(instance=folder / "instance", secret_key="only for this measurement, never else")  # noqa: S106
    app = create_app(settings)
    with app.app_context():
        from fundflow.db import Model, db, make_database_file

        make_database_file(settings.database)
        Model.metadata.create_all(db.engine)
        seed.load()
        db.session.close()
        db.engine.dispose()
    return settings


def moved(settings: Any, folder: Path, new: Any) -> str:
    """What becomes of the live applications when they move to the new version, in a copy of the database."""
    from fundflow.app import create_app
    from fundflow.db import db
    from fundflow.lifecycle import audit, commands, definitions, migrating
    from fundflow.lifecycle.actor import SYSTEM
    from fundflow.lifecycle.models import Application

    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(settings.instance, copy)
    app = create_app(type(settings)(instance=copy, secret_key=settings.secret_key))
    with app.app_context():
        old = definitions.find(f"{new.id}@1")
        plan = migrating.plan(old, new)
        counts = {kind: len(plan.of(kind)) for kind in ("moves", "held", "blocked")}
        if not counts["blocked"]:
            migrating.apply(plan)
        broken = 0
        for application in db.session.query(Application).all():
            workflow = definitions.get(application.definition_sha)
            stands = application.state in workflow.states and audit.verify(application.id).is_whole
            commands.available(application, SYSTEM)
            broken += not stands
        why = {str(reason.in_("en")) for line in plan.of("blocked") for reason in line.verdict.reasons}
        db.session.close()
        db.engine.dispose()
    told = f"{counts['moves']} move, {counts['held']} held, {counts['blocked']} blocked, {broken} broken"
    return told + "".join(f"\n      blocked: {each}" for each in sorted(why))


def main(part: str = "") -> None:
    """Make every change in turn, and print what it came to; the sums last."""
    with tempfile.TemporaryDirectory() as folder:
        desk, settings = Desk(Path(folder)), demo(Path(folder))
        caught = slips = lines = clean = broken = 0
        chosen = [change for change in CHANGES if part in change.title]
        for change in chosen:
            text = desk.with_edits(change.edits, [("\nversion: 1\n", "\nversion: 2\n")])
            count = touched(desk.text, text) - 1
            lines += count
            workflow, found, differ = desk.asked()
            print(f"\n{change.title}: {count} lines")
            clean += not found
            for each in found[:3]:
                print(f"   checker: {each}")
            if found[3:]:
                print(f"   checker: and {len(found) - 3} more")
            if differ:
                print(f"   examples that told otherwise and are changed along: {len(differ)}, e.g. {differ[0]!r}")
            if workflow is not None:
                told = moved(settings, Path(folder), workflow)
                broken += int(re.search(r"(\d+) broken", told).group(1))  # type: ignore[union-attr]
                print(f"   live: {told}")
            if change.slip:
                slips += 1
                desk.with_edits(change.edits, [("\nversion: 1\n", "\nversion: 2\n")], change.slip)
                _, slipped, differing = desk.asked()
                fresh = [each for each in slipped if each not in found]
                news = [each for each in differing if each not in differ]
                caught += bool(fresh or news)
                by = f"checker, {fresh[0]}" if fresh else f"example {news[0]!r}" if news else "nothing"
                print(f"   slip ({change.says}): caught by {by}")
        print(
            f"\n{len(chosen)} changes: {lines} lines touched, {clean} clean at once, "
            f"{caught} of {slips} slips caught before publishing, {broken} live applications broken"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
