"""Every code that loader and checker can give, what it means, and the page of them all.

The texts stand in `explained`, by layer; a test holds the page, the source and this registry together.
"""

from __future__ import annotations

from collections.abc import Mapping

from fundflow.workflow.checker.explained import Code, Layer, causes, file, graph, people, stories, versions

__all__ = ["BY_ID", "Code", "explain", "holds_only_now", "is_warning", "page"]

BY_ID: Mapping[str, Code] = {
    code.id: code
    for code in sorted(
        (*file.CODES, *graph.CODES, *people.CODES, *causes.CODES, *versions.CODES, *stories.CODES),
        key=lambda code: code.id,
    )
}

LAYERS: Mapping[Layer, str] = {
    "file": "The file",
    "form": "Forms",
    "graph": "States and transitions",
    "conditions": "Conditions",
    "people": "Roles and people",
    "access": "Who sees what",
    "timers": "Timers",
    "reviews": "Reviews",
    "effects": "Effects, money and documents",
    "words": "Words",
    "parts": "Parts of an application",
    "versions": "Versions and live applications",
    "installation": "This installation",
    "acceptance": "Accepted warnings",
    "examples": "Examples",
}
_NEEDED = {
    "directory": "the people of an installation (`--live`)",
    "installation": "what is installed: templates, documents and effects",
    "earlier": "the versions published before (`--live`)",
    "live": "the live applications (`--live`)",
    "today": "the date",
    "examples": "the examples of the file (`fundflow mutate`)",
}


def is_warning(code: str) -> bool:
    """Whether a finding of the checker with this code can be accepted. What the loader reports is always an error."""
    return code in BY_ID and BY_ID[code].severity == "warning"


def holds_only_now(code: str) -> bool:
    """Whether a finding comes and goes with people and live applications, so that no file can answer for it."""
    return code in BY_ID and BY_ID[code].needs in ("directory", "live")


def explain(code: Code) -> str:
    """One code as plain text, for a terminal."""
    needed = f"\nneeds: {_NEEDED[code.needs].replace('`', '')}" if code.needs in _NEEDED else ""
    example = "\n".join(f"    {line}" for line in code.example.splitlines())
    return (
        f"{code.id} {code.title} ({code.severity}; {LAYERS[code.layer].lower()})\n\n"
        f"{code.why}\n{code.mend}{needed}\n\n{example}"
    )


def page() -> str:
    """The whole registry as the Markdown of `docs/checks.md`."""
    warnings = sum(code.severity == "warning" for code in BY_ID.values())
    parts = [
        "# What the checker finds",
        f"`fundflow check FILE` knows {len(BY_ID)} codes. {len(BY_ID) - warnings} are errors: a file with one is not "
        f"published. {warnings} are warnings: each is mended, or accepted in the file with a reason and a name (see "
        "[workflows.md](workflows.md#accepted-warnings)). `fundflow check --explain FF115` prints one of them. This "
        "page is made from the checker itself by `fundflow check --page`.",
    ]
    for layer, title in LAYERS.items():
        parts.append(f"## {title}")
        for code in BY_ID.values():
            if code.layer == layer:
                kind = "warning" if code.severity == "warning" else "error"
                parts.append(f"### {code.id} {code.title}")
                needed = f", needs {_NEEDED[code.needs]}" if code.needs in _NEEDED else ""
                parts.append(f"*{kind}{needed}.* {code.why} {code.mend}")
                parts.append(f"```yaml\n{code.example}\n```")
    return "\n\n".join(parts) + "\n"
