"""The square code that a document carries: an address under which anyone may ask whether it is what the fund issued.

Drawn as one path, so that it stays sharp in print and is a figure with words for whoever does not see it.
"""

from __future__ import annotations

from markupsafe import Markup, escape

LETTERS = 32
"""How many letters of the digest of its facts name a document: 128 bits, which nobody guesses."""
_QUIET = 4
"""Empty modules around it, without which readers do not find it."""


def address(site: str, facts_sha256: str) -> str:
    """The page that answers for the document with these facts."""
    return f"{site}/verify/{facts_sha256[:LETTERS]}"


def svg(text: str, title: str) -> Markup:
    """The code as an inline picture with its title; error correction M, which bears a fold or a stamp."""
    from qrcode import QRCode
    from qrcode.constants import ERROR_CORRECT_M

    # Any mask can be read; trying all eight for the prettiest would take most of the time.
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=3)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    size = len(rows) + 2 * _QUIET
    drawn = "".join(
        f"M{at + _QUIET} {y + _QUIET}h{run}v1h-{run}z" for y, row in enumerate(rows) for at, run in _runs(row)
    )
    return Markup(
        '<svg class="code" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}" role="img">'
        '<title>{1}</title><path fill="#ffffff" d="M0 0h{0}v{0}h-{0}z"/><path fill="#0d2b3e" d="{2}"/></svg>'
    ).format(size, escape(title), drawn)


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Where dark modules begin, and how many follow each other."""
    found: list[tuple[int, int]] = []
    for at, dark in enumerate(row):
        if dark and found and sum(found[-1]) == at:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((at, 1))
    return found
