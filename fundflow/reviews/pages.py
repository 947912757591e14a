"""The pages of reviews, before anything stands on them: `views` has the reviewers' own, `assigning` the committee's."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("reviews", __name__)
