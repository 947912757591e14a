"""The bank's messages, ISO 20022: payment files written (pain.001), answers read (pain.002, camt.053, camt.054).

Pure: bytes and values, no database. What is read is somebody else's file and is refused in one sentence where it is
not what it should be.
"""

from __future__ import annotations

from fundflow.payments.iso20022.opening import (
    LARGEST_FILE,
    CutOff,
    Dangerous,
    FileTooLarge,
    NotTheBanks,
    NotXml,
    Unreadable,
    WrongVersion,
)
from fundflow.payments.iso20022.reading import Message, Said, read
from fundflow.payments.iso20022.transfers import (
    MOST_TRANSFERS,
    Account,
    Transfer,
    TransferFile,
    Unwritable,
    check_account,
    end_to_end_id,
    written,
)

__all__ = [
    "LARGEST_FILE",
    "MOST_TRANSFERS",
    "Account",
    "CutOff",
    "Dangerous",
    "FileTooLarge",
    "Message",
    "NotTheBanks",
    "NotXml",
    "Said",
    "Transfer",
    "TransferFile",
    "Unreadable",
    "Unwritable",
    "WrongVersion",
    "check_account",
    "end_to_end_id",
    "read",
    "written",
]
