"""Children and money over all paths: what is wrong is found where it stands, with a shortest path that shows it."""

from __future__ import annotations

import re
from functools import cache

from fundflow.config import ROOT
from fundflow.workflow import checker, loader
from fundflow.workflow.checker import Context
from fundflow.workflow.checker.partial import UNKNOWN, partly
from fundflow.workflow.checker.product import Product
from fundflow.workflow.expressions import parse
from fundflow.workflow.problems import Problem
from tests.workflow.files import MAIN, changed, large_grant, small_grant

LARGE = "global_cities_fund.yaml"
TO_EMBARGO = (
    "submit_concept accept_concept invite submit_proposal open_review close_review award issue_agreement conclude"
)


COMMITS = "{ledger: commit, amount: application.awarded.orValue(application.requested)}"
AS_ASKED = (COMMITS, "{ledger: commit, amount: application.requested}")
"""Committed is exactly what the form makes the rows add up to."""


@cache
def texts() -> dict[str, str]:
    folder = ROOT / "workflows"
    paths = [folder / LARGE, *folder.glob("forms/gcf_*.yaml")]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def large(*changes: tuple[str, str], file: str = LARGE) -> dict[str, str]:
    """The large grant with texts replaced where they first stand."""
    found = dict(texts())
    for old, new in changes:
        assert old in found[file], old
        found[file] = found[file].replace(old, new, 1)
    return found


def findings(files: dict[str, str], main: str = LARGE, context: Context | None = None) -> list[Problem]:
    return checker.check(loader.load(files, main), context or Context())


def of(code: str, files: dict[str, str], main: str = LARGE) -> list[Problem]:
    return [problem for problem in findings(files, main) if problem.code == code]


def line_of(pattern: str, text: str) -> int:
    found = re.search(pattern, text, re.M)
    assert found, pattern
    return text[: found.start()].count("\n") + 1


def test_a_child_left_open_at_the_end_is_found_with_the_path() -> None:
    files = large(("      - {children: tranche, each: drop}\n", ""))
    [found] = of("FF190", files)
    assert found.line == line_of(r"^  terminate:$", files[LARGE])
    assert found.message == "the application can end (terminated) while a tranche is still 'planned'"
    assert found.path == (*TO_EMBARGO.split(), "terminate")
    assert str(found).endswith("is still 'planned': " + " → ".join(found.path))


def test_a_child_left_open_where_a_condition_lets_it_through_is_found() -> None:
    files = large(("t.state == 'paid' || t.state == 'dropped')\"\n", "t.state != 'planned')\"\n"))
    [found] = of("FF190", files)
    assert found.message == "the application can end (followed_up) while a tranche is still 'requested'"
    assert found.path[-2:] == ("close", "complete")
    assert "tranche.request" in found.path


def test_a_step_of_a_child_that_no_situation_allows_is_found() -> None:
    allowed = "\"parent.state in ['active', 'reporting', 'report_review']\""
    files = large((allowed, "\"parent.state == 'decision'\""))
    [found] = of("FF191", files)
    assert found.line == line_of(r"^      request:$", files[LARGE])
    assert found.message == "tranche.request can never happen in any reachable situation"
    assert not of("FF191", large((allowed, "\"parent.state == 'suspended'\"")))


STRICT = (
    ("        by: [officer, system]\n        confirm", "        by: system\n        confirm"),
    ("    from: [embargo, active, suspended, reporting, report_review]", "    from: [embargo, active, suspended]"),
)


def test_children_that_can_no_longer_move_keep_the_application_from_its_end() -> None:
    late = ("parent.state in ['active', 'reporting', 'report_review']", "parent.state == 'active'")
    files = large(*STRICT, late, late, late)
    found = of("FF115", files)
    assert [p.line for p in found] == [
        line_of(r"^  reporting:$", files[LARGE]),
        line_of(r"^  report_review:$", files[LARGE]),
    ]
    assert found[0].message == (
        "an application can get stuck in 'reporting' with tranche 'planned': no end can be reached"
    )
    assert found[0].path == (*TO_EMBARGO.split(), "announce", "start_reporting")
    assert not of("FF115", large(*STRICT))


def test_money_of_children_that_was_never_committed_is_found_with_the_path() -> None:
    files = large((f"      - {COMMITS}\n", ""))
    order, pay, fail = of("FF175", files)
    assert order.line == line_of(r"\{ledger: order, amount: self.amount\}", files[LARGE])
    assert "the money may not be committed when tranche.order happens in 'active'" in order.message
    assert pay.line == line_of(r"- \{ledger: pay, amount: input.amount\}", files[LARGE])
    ordered = ("announce", "tranche.request", "tranche.verify", "tranche.approve", "tranche.order")
    assert pay.path == (*TO_EMBARGO.split(), *ordered, "tranche.pay")
    assert "no money may be ordered when tranche.fail happens" in fail.message


def test_money_left_behind_is_found_on_every_way_that_leaves_it() -> None:
    release = "    do:\n      - {ledger: release}\n"
    files = large(("      - {ledger: close}\n      - {children: followup}", "      - {children: followup}"))
    files[LARGE] = re.sub(
        r"(  expire:.*?)    do:\n      - \{ledger: release\}\n", r"\1    do:\n", files[LARGE], flags=re.S
    )
    assert release in files[LARGE]
    found = {p.message.partition(";")[0]: p.path for p in of("FF176", files)}
    assert found.keys() == {
        "complete ends the application from 'closed' with money perhaps still committed",
        "complete ends the application from 'closed' with money still committed",
        "expire ends the application from 'signature' with money still reserved",
    }
    expired = found["expire ends the application from 'signature' with money still reserved"]
    assert expired == (*TO_EMBARGO.split()[:-1], "expire")


def test_a_payment_that_need_not_be_the_whole_grant_may_leave_a_rest() -> None:
    condition = "if: input.amount == application.requested"
    files = changed(condition, "if: input.amount <= application.requested")
    found = of("FF176", files, MAIN)
    assert [p.message.partition(";")[0] for p in found] == [
        "report ends the application from 'disbursed' with money perhaps still committed",
        "write_off ends the application from 'disbursed' with money perhaps still committed",
    ]
    assert found[0].path == ("submit", "approve", "disburse", "report")
    assert not of("FF176", changed(condition, 'if: input.amount + money("0") == application.requested'), MAIN)


def test_a_second_commitment_is_found_with_the_path() -> None:
    files = changed("      - {ledger: pay, amount: input.amount}\n", "      - {ledger: commit, amount: input.amount}\n")
    [found] = of("FF174", files, MAIN)
    assert found.path == ("submit", "approve", "disburse")


UNBOUNDED = (
    """          - if: input.amount <= ledger.undisbursed
            else:
              en: Only {ledger.undisbursed} of this grant is left to pay.
              fr: Il ne reste que {ledger.undisbursed} à verser sur cette subvention.
""",
    "",
)
RENEW = ("      - {children: tranche, renew: replan}\n", "")
"""The rows stay as they were when the tranches were made."""
SUM = ("        max_rows: 12\n        sum: {column: amount, equals: requested}\n", "        max_rows: 12\n")


def test_payments_that_nothing_bounds_are_found_with_amounts() -> None:
    files = large(UNBOUNDED, AS_ASKED, RENEW)
    assert not of("FF177", files), "the form makes the rows add up to what is committed"
    assert of("FF177", large(UNBOUNDED, AS_ASKED)), "an amendment changes the rows, which the form no longer bounds"
    files["forms/gcf_proposal.yaml"] = large(SUM, file="forms/gcf_proposal.yaml")["forms/gcf_proposal.yaml"]
    [found] = of("FF177", files)
    assert found.line == line_of(r"- \{ledger: pay, amount: input.amount\}", files[LARGE])
    assert found.message.startswith("the payments of tranche can come to more than what is committed, e.g. when ")
    values = dict(found.example)
    assert values["input.amount"] == values["self.amount"] != values["ledger.undisbursed"]


def test_payments_are_bound_by_the_ledger_by_the_form_or_by_a_rule() -> None:
    unsummed = large(SUM, file="forms/gcf_proposal.yaml")
    assert not of("FF177", unsummed), "each payment is compared with what is left"
    rule = (
        "    when: [{signed: all}]\n",
        "    when:\n      - {signed: all}\n"
        "      - {if: 'application.plan.map(p, p.amount).sum() <= application.requested',"
        ' else: {en: "No.", fr: "Non."}}\n',
    )
    files = {**unsummed, LARGE: large(UNBOUNDED, rule, AS_ASKED, RENEW)[LARGE]}
    assert not of("FF177", files)


def test_the_large_grant_has_few_situations() -> None:
    workflow = large_grant()
    product = Product(workflow, workflow.children["tranche"], lambda *_: True).explore()
    assert product.is_whole
    assert 100 < len(product.came_by) < 2_000
    others = {step for kind in ("report", "followup", "amendment") for step in workflow.children[kind].transitions}
    assert product.happened == {t.id for t in workflow.every_transition()} - others


def test_what_is_known_in_part_decides_only_what_it_can() -> None:
    facts = {"parent": {"state": "active"}, "siblings": ({"state": "paid"}, {"state": "planned"})}
    for text, value in (
        ("parent.state == 'active'", True),
        ("parent.state in ['draft', 'review']", False),
        ("parent.state == 'active' && application.n > 3", UNKNOWN),
        ("parent.state == 'draft' && application.n > 3", False),
        ("!(parent.state == 'draft') || application.n > 3", True),
        ("siblings.all(s, s.state == 'paid')", False),
        ("siblings.exists(s, s.state == 'paid')", True),
        ("siblings.all(s, s.nr > 3 || s.state == 'paid')", UNKNOWN),
        ("siblings.size() == 2", UNKNOWN),
        ("parent.state == 'active' ? false : application.yes", False),
    ):
        assert partly(parse(text, "EUR"), facts) is value, text


def test_an_amount_that_can_be_changed_after_it_was_committed_is_no_longer_what_was_committed() -> None:
    """The payment is compared with what is asked for, which the city may still change: a rest stays committed."""
    view = "    view: {applicant: [proposal], officer: [proposal, panel], "
    files = changed(view, "    edit: {applicant: [proposal]}\n    view: {officer: [proposal, panel], ")
    found = [each for each in checker.check(loader.load(files, MAIN)) if each.code == "FF176"]
    assert {each.at for each in found} == {"transitions.report", "transitions.write_off"}
    assert all("perhaps still committed" in each.message for each in found)
    assert not [each for each in checker.check(small_grant()) if each.code == "FF176"]


def test_what_one_step_asks_is_not_what_another_asked() -> None:
    amount = "    input:\n      amount: {type: money, label: {en: Amount, fr: Montant}}\n"
    files = changed("{ledger: commit, amount: application.requested}", "{ledger: commit, amount: input.amount}")
    approve = "    to: approved\n    by: officer\n"
    files[MAIN] = files[MAIN].replace(approve, f"{approve}{amount}", 1).replace("    meeting: award\n", "", 1)
    found = [each for each in checker.check(loader.load(files, MAIN)) if each.code == "FF176"]
    assert {each.at for each in found} == {"transitions.report", "transitions.write_off"}
