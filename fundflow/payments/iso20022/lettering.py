"""Text in the few characters that every bank takes.

Accents are left off and letters with a Latin reading get it; whatever else a bank would refuse becomes a space.
"""

from __future__ import annotations

import re
import unicodedata

_READINGS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Ð": "D", "ð": "d",
     "Đ": "D", "đ": "d", "Ł": "L", "ł": "l", "Þ": "Th", "þ": "th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N",
     "’": "'", "‘": "'", "“": "'", "”": "'", "–": "-", "—": "-", "&": "+", "_": "-"}
)  # fmt: skip
_TAKEN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")


def plain(text: str, longest: int) -> str:
    """The text in characters that banks take, at most so many; empty where nothing of it can be written."""
    apart = unicodedata.normalize("NFKD", text.translate(_READINGS))
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    one = " ".join(_TAKEN.sub(" ", bare).split())
    # Two slashes, or one at either end, mean something else in older formats that banks turn this one into.
    return re.sub(r"/{2,}", "/", one).strip("/ ")[:longest].strip("/ ")
