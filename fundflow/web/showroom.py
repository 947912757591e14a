"""Every component on one page, in development only: what designers look at and what the accessibility tests drive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template, request

from fundflow import clock
from fundflow.money import Money
from fundflow.web.gate import public


@public
def page() -> Any:
    """The page; `?dir=rtl` turns it round."""
    now = clock.now()
    return render_template(
        "dev/components.html",
        page_direction="rtl" if request.args.get("dir") == "rtl" else None,
        now=now,
        ago=lambda **span: now - timedelta(**span),
        ahead=lambda **span: now + timedelta(**span),
        eur=lambda minor: Money(minor, "EUR"),
    )
