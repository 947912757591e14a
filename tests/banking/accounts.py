"""Bank accounts for tests: an application whose city may enter one, and everybody who has a part in what follows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fundflow import clock
from fundflow.accounts.models import User
from fundflow.banking import numbers as bank_numbers
from fundflow.banking import screenings
from fundflow.banking import service as bank_service
from fundflow.banking.numbers import Details
from fundflow.banking.screenings import Found
from fundflow.db import transaction
from fundflow.lifecycle.models import Application
from tests import factories as make

FIRST, OTHER = "SN42SN0100000000000001234567", "FR1420041010050500013M02606"


def account(number: str = FIRST, **more: str) -> Details:
    """An invented account of which the check digits fit."""
    typed = {
        "holder": "City of Saint-Amary",
        "country": number[:2],
        "bank_name": "Invented Municipal Bank",
        "number": number,
        "contact_name": "Fatou Sarr",
        "contact_email": "accounts@saint-amary.example",
        "contact_phone": "+221 33 000 00 01",
    }
    return bank_numbers.read({**typed, **more})


class Banking:
    """The steps with one application's accounts, each as a command of a person in a transaction of its own."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def _by(self, who: User) -> dict[str, Any]:
        return {"actor": make.acting(who), "key": f"test:{uuid4()}", "revision": make.revision_of(self.application)}

    def enter(self, who: User, details: Details | None = None) -> None:
        by = self._by(who)
        with transaction():
            bank_service.enter(self.application.id, details or account(), **by)

    def call(self, number: int, who: User, phone: str = "+221 33 999 99 99", **more: Any) -> None:
        by = self._by(who)
        said = {"phone": phone, "source": "the city's website", "spoken_to": "The head of finance", **more}
        with transaction():
            said.setdefault("called_at", clock.now())
            bank_service.call_back(self.application.id, number, **said, **by)

    def confirm(self, number: int, who: User) -> None:
        by = self._by(who)
        with transaction():
            bank_service.confirm(self.application.id, number, **by)

    def object_to(self, number: int, who: User) -> None:
        by = self._by(who)
        with transaction():
            bank_service.object_to(self.application.id, number, **by)

    def refuse(self, number: int, who: User, reason: str = "The city did not ask for it.") -> None:
        by = self._by(who)
        with transaction():
            bank_service.refuse(self.application.id, number, reason=reason, **by)

    def withdraw(self, number: int, who: User) -> None:
        by = self._by(who)
        with transaction():
            bank_service.withdraw(self.application.id, number, **by)

    def screen(self, who: User, result: str = "clear") -> None:
        by = self._by(who)
        found = {subject: Found(subject, result, "Looked at.") for subject in screenings.SUBJECTS}
        with transaction():
            screenings.record(self.application.id, found, list_name="A list", list_day=None, **by)

    def verified(self, focal: User, finance: User) -> None:
        """The first account, entered by the city and verified by finance."""
        self.enter(focal)
        self.call(1, finance)
