"""Signatures that come in as images: drawn on the page or uploaded, judged by what is inside and made anew.

Refuses what is no PNG or JPEG whatever it is called, what is too large or would unpack to too much, and a sheet with
nothing on it. Only the picture of the ink is kept: grey, cropped, without anything else that a camera wrote into it.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import struct
import zlib
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from fundflow import storage
from fundflow.errors import Refused
from fundflow.lifecycle.signing import Made, Mark

LARGEST = 2 * 1024 * 1024
"""Of the file that comes in, in bytes."""
_PIXELS = 24_000_000
_BOX = (900, 300)
_CONTRAST, _SPECKS, _MARGIN = 40, 30, 12
_PREFIX = "data:image/png;base64,"


class NoPicture(Refused):
    """This is no picture of a signature. Attach a PNG or JPEG file, or type your name instead."""

    status = 422


class PictureTooBig(Refused):
    """This picture is too large. Attach one of at most 2 MB and 24 million pixels."""

    status = 422


class EmptyPicture(Refused):
    """There is no signature on it yet. Draw or attach one, or type your name instead."""

    status = 422


def from_drawing(text: str) -> Mark:
    """The mark drawn on the page, as the page's script sends it. To be called outside any transaction."""
    if not text.strip():
        raise EmptyPicture()
    if not text.startswith(_PREFIX) or len(text) > LARGEST:
        raise NoPicture()
    try:
        content = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise NoPicture() from None
    return _kept(io.BytesIO(content), "drawn")


def from_upload(stream: IO[bytes]) -> Mark:
    """The mark on a picture that was attached. To be called outside any transaction."""
    if stream.seek(0, os.SEEK_END) > LARGEST:
        raise PictureTooBig()
    stream.seek(0)
    return _kept(stream, "uploaded")


def _kept(stream: IO[bytes], made: Made) -> Mark:
    return Mark(made, storage.put(cleaned(stream)).sha256)


def cleaned(stream: IO[bytes]) -> bytes:
    """A PNG of the ink alone: NoPicture, PictureTooBig and EmptyPicture are its refusals."""
    try:
        with Image.open(stream, formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > _PIXELS:
                raise PictureTooBig()
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        raise NoPicture() from None
    except (struct.error, zlib.error, IndexError, OverflowError):  # what a broken file makes of a decoder
        raise NoPicture() from None
    sheet = Image.new("RGBA", upright.size, "white")
    sheet.alpha_composite(upright)
    grey = sheet.convert("L")
    darkest, lightest = (int(value) for value in grey.getextrema())  # type: ignore[arg-type]
    middle = (darkest + lightest) // 2
    ink = grey.point([255 if level <= middle else 0 for level in range(256)])
    box = ink.getbbox()
    if box is None or lightest - darkest < _CONTRAST or ink.histogram()[255] < _SPECKS:
        raise EmptyPicture()
    left, top, right, bottom = box
    around = (left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
    margins = (max(0, around[0]), max(0, around[1]), min(grey.width, around[2]), min(grey.height, around[3]))
    cut = grey.crop(margins)
    cut.thumbnail(_BOX, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    cut.save(out, "PNG", optimize=True)
    return out.getvalue()
