"""The money of one application in its round, by the same rules as the ledger: nothing is spent that is not there.

Refuses (`Kept`) what no account holds and what is not above zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fundflow.money import Money


class Kept(Exception):
    """What an effect refuses, with the kind under which an example speaks of it and a sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


@dataclass(frozen=True, slots=True)
class Account:
    """What is available in the round, and what the application holds; `committed` is neither ordered nor paid yet."""

    available: Money
    reserved: Money
    committed: Money
    ordered: Money
    paid: Money

    def reserve(self, amount: Money | None) -> Account:
        """Hold money of the round."""
        amount = self._usable(amount)
        if amount > self.available:
            raise Kept("ledger", f"Only {self.available} is left in this round, so {amount} cannot be set aside.")
        return replace(self, available=self.available - amount, reserved=self.reserved + amount)

    def commit(self, amount: Money | None) -> Account:
        """Bind money: first what is reserved, then what is available."""
        amount = self._usable(amount)
        if amount > self.reserved + self.available:
            left = self.reserved + self.available
            raise Kept("ledger", f"Only {left} is left in this round, so {amount} cannot be set aside.")
        kept = min(amount, self.reserved)
        return replace(
            self,
            reserved=self.reserved - kept,
            available=self.available - (amount - kept),
            committed=self.committed + amount,
        )

    def release(self, amount: Money | None) -> Account:
        """Give back `amount`, or all that is held: first what is reserved."""
        total = self.reserved + self.committed
        if amount is None and self.ordered:
            raise Kept("ledger", f"{self.ordered} is ordered at the bank: record first what became of it.")
        amount = total if amount is None else self._usable(amount)
        if not total:
            raise Kept("ledger", "Nothing is set aside for this application, so there is nothing to release.")
        if amount > total:
            raise Kept("ledger", f"{amount} is more than the {total} of this grant that is not yet paid.")
        kept = min(amount, self.reserved)
        return replace(
            self,
            reserved=self.reserved - kept,
            committed=self.committed - (amount - kept),
            available=self.available + amount,
        )

    def close(self) -> Account:
        """Give back whatever is still held."""
        return self.release(None) if self.reserved + self.committed + self.ordered else self

    def order(self, amount: Money | None) -> Account:
        """Tell the bank to send money out of what is committed."""
        amount = self._within(amount, self.committed)
        return replace(self, committed=self.committed - amount, ordered=self.ordered + amount)

    def pay(self, amount: Money | None, *, is_person: bool) -> Account:
        """Send money: first what was ordered, then what is committed; a person records it."""
        amount = self._within(amount, self.ordered + self.committed)
        if not is_person:
            raise Kept("ledger", "A payment is recorded by the person who made it, never by the system.")
        told = min(amount, self.ordered)
        return replace(
            self,
            ordered=self.ordered - told,
            committed=self.committed - (amount - told),
            paid=self.paid + amount,
        )

    def fail(self, amount: Money | None) -> Account:
        """The bank did not send what was ordered."""
        amount = self._usable(amount)
        if amount > self.ordered:
            raise Kept("ledger", f"{amount} is more than the {self.ordered} that is ordered at the bank.")
        return replace(self, ordered=self.ordered - amount, committed=self.committed + amount)

    def come_back(self, amount: Money | None) -> Account:
        """What was paid came back from the bank."""
        amount = self._paid_out(amount)
        return replace(self, paid=self.paid - amount, committed=self.committed + amount)

    def refund(self, amount: Money | None) -> Account:
        """The city gave back what it did not spend."""
        amount = self._paid_out(amount)
        return replace(self, paid=self.paid - amount, available=self.available + amount)

    def lose(self, amount: Money | None) -> Account:
        """An exchange cost the round more."""
        amount = self._usable(amount)
        if amount > self.available:
            raise Kept("ledger", f"Only {self.available} is left in this round, so {amount} cannot be set aside.")
        return replace(self, available=self.available - amount)

    def gain(self, amount: Money | None) -> Account:
        """An exchange cost the round less."""
        return replace(self, available=self.available + self._usable(amount))

    def _within(self, amount: Money | None, held: Money) -> Money:
        amount = self._usable(amount)
        if amount > held:
            raise Kept("ledger", f"{amount} is more than the {held} of this grant that is not yet paid.")
        return amount

    def _paid_out(self, amount: Money | None) -> Money:
        amount = self._usable(amount)
        if amount > self.paid:
            raise Kept("ledger", f"{amount} is more than the {self.paid} that was paid.")
        return amount

    def _usable(self, amount: Money | None) -> Money:
        if amount is None or amount.minor <= 0:
            raise Kept("ledger", "An amount above zero is needed here.")
        return amount
