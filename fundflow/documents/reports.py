"""What checking the seal of a file can find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fundflow.documents.certificates import Certificate


class SealState(StrEnum):
    """What the seal of a file is worth."""

    VALID = "valid"
    EXPIRED = "expired"
    """Whole and of a known signer, but its certificate is over, and no timestamp proves that it was sealed before."""
    UNKNOWN = "unknown"
    """Whole, but sealed by a certificate that this fund does not know."""
    ALTERED = "altered"
    """The file is not what was sealed."""
    NONE = "none"
    """There is no seal in it."""


@dataclass(frozen=True, slots=True)
class SealReport:
    """What checking a file found. `sealed_at` is proven where `is_timestamped`, else what the seal says of itself."""

    state: SealState
    certificate: Certificate | None = None
    sealed_at: datetime | None = None
    is_timestamped: bool = False

    @property
    def is_valid(self) -> bool:
        return self.state is SealState.VALID

    @property
    def is_whole(self) -> bool:
        """Every byte is as it was sealed by a signer whom the fund knows, whether or not that certificate is over."""
        return self.state in (SealState.VALID, SealState.EXPIRED)
