"""The warnings that a workflow file accepts, each with a reason and a name.

Refuses codes that do not exist and errors, which can only be mended.
"""

from __future__ import annotations

from fundflow.workflow import format
from fundflow.workflow.checker import codes
from fundflow.workflow.definition import Acceptance
from fundflow.workflow.problems import did_you_mean
from fundflow.workflow.reader import Place


def accepted(top: dict[str, Place]) -> tuple[Acceptance, ...]:
    found: list[Acceptance] = []
    for place in top["accept"].items() if "accept" in top else []:
        settings = place.settings(format.Acceptance, what="an acceptance")
        given = {name: setting.string() for name, setting in settings.items()}
        code = given.get("code")
        if code is not None and code not in codes.BY_ID:
            settings["code"].error("FF210", f"there is no code '{code}'{did_you_mean(code, codes.BY_ID)}")
        elif code is not None and not codes.is_warning(code):
            message = f"{code} is an error ({codes.BY_ID[code].title}), which can only be mended, not accepted"
            settings["code"].error("FF211", message)
        elif all(given.get(name) for name in format.needed(format.Acceptance)):
            found.append(Acceptance(**{name: str(value) for name, value in given.items()}))
    return tuple(found)
