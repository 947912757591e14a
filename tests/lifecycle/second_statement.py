"""The estate workflow stated a second time, by hand and without the engine, to hold the engine against.

It knows people, money and time only as far as that workflow goes. Whoever changes the workflow changes this too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

APPLICANTS = ("focal", "mayor")
SIGNATORIES = ("focal", "mayor")
PEOPLE = ("focal", "mayor", "manager", "director", "finance", "stranger")
TASKS = {"papers": ("manager",), "bank": ("manager", "finance"), "risk": ("manager",)}


@dataclass
class Tranche:
    """One part of the grant."""

    amount: int
    state: str = "planned"
    verified_by: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return self.state in ("paid", "dropped")


@dataclass
class Grant:
    """Where it should stand. Each `…` method says whether that may happen, and if so lets it happen."""

    amounts: tuple[int, ...]
    budget: int
    now: datetime
    state: str = "draft"
    outcome: str | None = None
    events: int = 1
    tasks: dict[str, str] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    tranches: list[Tranche] = field(default_factory=list)
    reserved: int = 0
    committed: int = 0
    paid: int = 0
    due: datetime | None = None

    def __post_init__(self) -> None:
        self.due = self.now + timedelta(days=10)

    @property
    def total(self) -> int:
        return sum(self.amounts)

    def press(self, who: str, step: str) -> bool:
        """A transition of the application, with a reason where one is needed."""
        if self.outcome is not None or not getattr(self, f"_{step}")(who):
            return False
        self.events += 1
        return True

    def _send(self, who: str) -> bool:
        assert self.due is not None or self.state != "draft"
        if self.state != "draft" or who not in APPLICANTS or self.now > self.due + timedelta(minutes=15):  # type: ignore[operator]
            return False
        self.state, self.tasks, self.due = "checking", {}, None
        return True

    def _return(self, who: str) -> bool:
        if self.state != "checking" or who != "manager":
            return False
        self.state, self.due = "draft", self.now + timedelta(days=10)
        return True

    def _agree(self, who: str) -> bool:
        done = self.tasks.get("papers") and self.tasks.get("bank") and self.tasks.get("risk") == "low"
        if self.state != "checking" or who != "manager" or not done or self.total > self.budget:
            return False
        self.state, self.reserved, self.signed, self.due = "signing", self.total, set(), self.now + timedelta(days=20)
        return True

    def _reopen(self, who: str) -> bool:
        if self.state != "signing" or who != "manager":
            return False
        self.state, self.reserved, self.tasks, self.due = "checking", 0, {}, None
        return True

    def _withdraw(self, who: str) -> bool:
        if self.state not in ("draft", "checking") or who not in APPLICANTS:
            return False
        self.outcome, self.due = "withdrawn", None
        return True

    def _end(self, who: str) -> bool:
        if self.state != "active" or who != "director":
            return False
        self.outcome = "ended"
        for each in self.tranches:
            each.state = each.state if each.is_over else "dropped"
        self.committed = 0
        return True

    def task(self, who: str, name: str, value: str | None) -> bool:
        """A result, or None to take it back."""
        allowed = ("low", "high", None) if name == "risk" else ("done", None)
        if self.outcome is not None or self.state != "checking" or who not in TASKS[name] or value not in allowed:
            return False
        self.tasks.pop(name, None)
        if value is not None:
            self.tasks[name] = value
        self.events += 1
        return True

    def sign(self, who: str, party: str) -> bool:
        """City first, then fund; after both the grant begins by itself."""
        people = SIGNATORIES if party == "city" else ("director",)
        is_next = party == "city" or "city" in self.signed
        if self.outcome or self.state != "signing" or who not in people or party in self.signed or not is_next:
            return False
        self.signed.add(party)
        self.events += 1
        if self.signed == {"city", "fund"}:
            self.state, self.reserved, self.committed, self.due = "active", 0, self.total, None
            self.tranches = [Tranche(amount) for amount in self.amounts]
            self.events += 1
        return True

    def tranche(self, who: str, step: str, nr: int) -> bool:
        """A step of one tranche, with all that a payment asks."""
        if self.outcome is not None or nr > len(self.tranches):
            return False
        one = self.tranches[nr - 1]
        match step:
            case "request":
                earlier = all(each.is_over for each in self.tranches[: nr - 1])
                if one.state != "planned" or who not in APPLICANTS or self.state != "active" or not earlier:
                    return False
                one.state = "requested"
            case "verify":
                if one.state != "requested" or who != "manager":
                    return False
                one.verified_by.add(who)
            case "pay":
                may = who in ("finance", "manager") and who not in one.verified_by
                if one.state != "requested" or not may or one.amount > self.committed:
                    return False
                one.state, self.committed, self.paid = "paid", self.committed - one.amount, self.paid + one.amount
            case "drop":
                if one.state not in ("planned", "requested") or who != "manager":
                    return False
                one.state, self.committed = "dropped", self.committed - one.amount
        self.events += 1
        if self.state == "active" and all(each.is_over for each in self.tranches):
            self.state, self.committed = "closed", 0
            self.events += 1
        return True

    def sweep(self) -> None:
        """What the calendar does now."""
        if self.outcome is not None or self.due is None:
            return
        if self.state == "draft" and self.now >= self.due + timedelta(minutes=15):
            self.outcome = "lapsed"
        elif self.state == "signing" and self.now >= self.due:
            self.outcome, self.reserved = "unsigned", 0
        else:
            return
        self.due = None
        self.events += 1
