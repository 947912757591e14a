"""What a draft refuses, in words that the person who writes it can act on."""

from __future__ import annotations

from fundflow.errors import Refused, Stale


class SavedMeanwhile(Stale):
    """{name} saved this file while you were writing. Nothing was overwritten: both texts are here, choose what to keep.

    `theirs` is the text that stands in the draft now.
    """

    def __init__(self, *, name: str, theirs: str, revision: str) -> None:
        super().__init__(name=name)
        self.theirs, self.revision = theirs, revision


class NotOpen(Refused):
    """This draft is closed, so it can no longer be changed. Begin another from any version."""


class TooLarge(Refused):
    """This file has {size} KB; the largest that a workflow can have is 256 KB. Nothing was saved."""

    status = 422


class NoSuchFile(Refused):
    """The draft has no file “{path}”."""

    status = 404


class BadName(Refused):
    """“{name}” cannot name a file: write small letters, digits and _, and .yaml at the end, as in site_visit.yaml."""

    status = 422


class BadMessageName(Refused):
    """“{name}” cannot name a message: write small letters and _, as in site_visit_soon."""

    status = 422


class FileThere(Refused):
    """The draft has a file “{path}” already."""

    status = 422


class TooManyFiles(Refused):
    """A draft has at most {most} files."""

    status = 422


class MainFile(Refused):
    """This file is the workflow itself, so it stays."""

    status = 422
