"""The model of a workflow file; it takes nothing that the format does not name."""

from __future__ import annotations


class Text: ...


class Workflow: ...
