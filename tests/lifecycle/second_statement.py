"""The estate workflow stated a second time, by hand and without the engine, to hold the engine against.

It knows people, money and time only as far as that workflow goes, and how an application comes from its first version
to its second and back. Whoever changes the workflow changes this too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

APPLICANTS = ("focal", "mayor")
SIGNATORIES = ("focal", "mayor")
PEOPLE = ("focal", "mayor", "manager", "director", "finance", "stranger")
TASKS = {"papers": ("manager",), "bank": ("manager", "finance"), "risk": ("manager",)}

Answer = Literal["moved", "held", "blocked", "nothing"]


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
class Deadline:
    """One promise: `due` is what was said, and it is there also while a migration has cancelled it."""

    due: datetime
    runs: Literal["armed", "fired", "cancelled"] = "armed"


@dataclass
class Grant:
    """Where it should stand, in the first version's words. A method says whether that may happen, and lets it."""

    amounts: tuple[int, ...]
    budget: int
    now: datetime
    state: str = "draft"
    outcome: str | None = None
    events: int = 1
    version: int = 1
    came_by: str = ""
    tasks: dict[str, str] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    tranches: list[Tranche] = field(default_factory=list)
    reserved: int = 0
    committed: int = 0
    paid: int = 0
    main: Deadline | None = None
    """`closing` of a draft, `sign_by` of one to be signed."""
    vet: Deadline | None = None
    """Only the second version has it."""

    def __post_init__(self) -> None:
        self._come("draft")

    @property
    def total(self) -> int:
        return sum(self.amounts)

    @property
    def is_live(self) -> bool:
        return self.outcome is None and self.state != "closed"

    @property
    def grace(self) -> timedelta:
        if self.state != "draft":
            return timedelta(0)
        return timedelta(minutes=15 if self.version == 1 else 5)

    @property
    def due(self) -> datetime | None:
        """The deadline that runs."""
        return self.main.due if self.main is not None and self.main.runs == "armed" else None

    @property
    def running(self) -> dict[str, datetime]:
        """Every deadline that runs, by name."""
        if self.outcome is not None:
            return {}
        each = {"vet": self.vet, {"draft": "closing"}.get(self.state, "sign_by"): self.main}
        return {name: one.due for name, one in each.items() if one is not None and one.runs == "armed"}

    def _come(self, state: str) -> None:
        """Into a state, where everything that is counted there begins anew."""
        days = {"draft": (10, 7), "signing": (20, 30)}.get(state)
        self.state, self.main, self.vet = state, None, None
        if days is not None:
            self.main = Deadline(self.now + timedelta(days=days[self.version - 1]))
        if state == "checking":
            self.tasks = {}
            if self.version == 2:
                self.vet = Deadline(self.now + timedelta(days=5))
        if state == "signing":
            self.signed = set()

    def press(self, who: str, step: str) -> bool:
        """A transition of the application, with a reason where one is needed."""
        if self.outcome is not None or not getattr(self, f"_{step}")(who):
            return False
        self.events += 1
        return True

    def _send(self, who: str) -> bool:
        if self.state != "draft" or who not in APPLICANTS or self.due is None or self.now > self.due + self.grace:
            return False
        self._come("checking")
        return True

    def _return(self, who: str) -> bool:
        if self.state != "checking" or who != "manager":
            return False
        self._come("draft")
        return True

    def _agree(self, who: str) -> bool:
        done = self.tasks.get("papers") and self.tasks.get("bank") and self.tasks.get("risk") == "low"
        agreeing = ("manager",) if self.version == 1 else ("manager", "director")
        if self.state != "checking" or who not in agreeing or not done or self.total > self.budget:
            return False
        self._come("signing")
        self.reserved = self.total
        return True

    def _reopen(self, who: str) -> bool:
        if self.state != "signing" or who != "manager":
            return False
        self._come("checking")
        self.reserved = 0
        return True

    def _withdraw(self, who: str) -> bool:
        if self.state not in ("draft", "checking") or who not in APPLICANTS:
            return False
        self.outcome = "withdrawn"
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
        if self.tasks.get(name) == value:
            return False
        self.tasks.pop(name, None)
        if value is not None:
            self.tasks[name] = value
        self.events += 1
        return True

    def sign(self, who: str, party: str) -> bool:
        """City first, then fund; by the second version the city alone."""
        people = SIGNATORIES if party == "city" else ("director",)
        is_next = party == "city" or ("city" in self.signed and self.version == 1)
        if self.outcome or self.state != "signing" or who not in people or party in self.signed or not is_next:
            return False
        self.signed.add(party)
        self.events += 1
        self._by_itself()
        return True

    def _by_itself(self) -> None:
        """With every signature the grant begins; with every tranche over it closes."""
        if self.state == "signing" and self.signed == ({"city", "fund"} if self.version == 1 else {"city"}):
            self._come("active")
            self.reserved, self.committed = 0, self.total
            self.tranches = [Tranche(amount) for amount in self.amounts]
            self.events += 1
        if self.state == "active" and self.outcome is None and all(each.is_over for each in self.tranches):
            self._come("closed")
            self.committed = 0
            self.events += 1

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
        self._by_itself()
        return True

    def sweep(self) -> None:
        """What the calendar does now."""
        if self.outcome is not None:
            return
        if self.vet is not None and self.vet.runs == "armed" and self.now >= self.vet.due:
            self.vet.runs = "fired"
        if self.due is None or self.now < self.due + self.grace:
            return
        self.outcome, self.reserved = {"draft": "lapsed", "signing": "unsigned"}[self.state], 0
        self.events += 1

    @property
    def _is_renamed(self) -> bool:
        return self.state in ("checking", "signing") or any(each.state == "requested" for each in self.tranches)

    def move(self, by: str) -> Answer:
        """To the second version.

        `by` the map of its file; by ``names`` alone, which have changed; by a map that cancels the closing date; or by
        one that would ``hold`` it where it is.
        """
        if self.version != 1 or not self.is_live:
            return "nothing"
        if by == "hold":
            return "held"
        broken = self.state == "checking" and self.vet is not None and self.vet.runs == "cancelled"
        if (by == "names" and self._is_renamed) or (broken and self.vet is not None and self.vet.due <= self.now):
            return "blocked"
        was = self.grace
        self.version, self.came_by = 2, by
        self.events += 1
        if self.main is not None and by == "cancel" and self.state == "draft":
            self.main.runs = "cancelled"
        elif self.main is not None:
            # No earlier than promised, and nothing taken from its grace.
            self.main.due += was - self.grace
            if by == "file" and self.state == "signing":
                self.main.due = max(self.main.due, self.now + timedelta(days=30))
        if self.state == "checking":
            # One that ran before in this stay holds again; one that is over stays over.
            self.vet = self.vet or Deadline(self.now + timedelta(days=5))
            self.vet.runs = "fired" if self.vet.runs == "fired" else "armed"
        self._by_itself()
        return "moved"

    def undo(self) -> Answer:
        """Back to the first version."""
        if self.version != 2 or not self.is_live:
            return "nothing"
        if self.came_by == "names" and self._is_renamed:
            return "blocked"
        promised = self.main if self.main is not None and self.main.runs == "cancelled" else None
        if promised is not None and promised.due + timedelta(minutes=15) <= self.now:
            return "blocked"
        self.version = 1
        self.events += 1
        if promised is not None:
            promised.runs = "armed"
        if self.vet is not None and self.vet.runs == "armed":
            self.vet.runs = "cancelled"
        return "moved"
