"""What was found, as text for people and editors, as JSON, and as SARIF 2.1.0 for the tools that gather findings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from fundflow.workflow.checker.codes import BY_ID, Code
from fundflow.workflow.problems import Problem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def text(problems: Iterable[Problem]) -> list[str]:
    """``file:line:column: CODE sentence``, and indented below it what shows it and how it is accepted."""
    lines: list[str] = []
    for each in problems:
        word = "accepted " if each.is_accepted else "warning " if each.is_warning else ""
        lines.append(f"{each.file}:{each.line}:{each.column}: {word}{each.code} {each.message}")
        if each.path:
            lines.append(f"    {' → '.join(each.path)}")
        if each.example:
            lines.append(f"    with {', '.join(f'{name} = {value}' for name, value in each.example)}")
        if each.is_accepted:
            lines.append(f"    {each.accepted_by}: {each.accepted_because}")
        elif each.is_warning:
            lines.append(f"    mend it, or accept it: - {{code: {each.code}, at: {each.at}, because: …, by: …}}")
    return lines


def as_json(problems: Iterable[Problem]) -> dict[str, Any]:
    """One object for each finding; nothing that is empty is left out, so that every one has the same keys."""
    return {
        "format": "fundflow-findings/1",
        "findings": [
            {
                "code": each.code,
                "severity": each.severity,
                "accepted": {"because": each.accepted_because, "by": each.accepted_by} if each.is_accepted else None,
                "file": each.file,
                "line": each.line,
                "column": each.column,
                "at": each.at,
                "message": each.message,
                "path": list(each.path),
                "example": dict(each.example),
            }
            for each in problems
        ],
    }


def sarif(problems: Iterable[Problem]) -> dict[str, Any]:
    """A log of one run; an accepted warning is a suppressed result with the reason given for it."""
    listed = list(problems)
    rules = [BY_ID[code] for code in sorted({each.code for each in listed} & BY_ID.keys())]
    index = {rule.id: n for n, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "fundflow check", "rules": [_rule(rule) for rule in rules]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, index) for each in listed],
            }
        ],
    }


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.id,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": code.mend},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(problem: Problem, index: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(PurePath(problem.file).as_posix())},
            "region": {"startLine": problem.line, "startColumn": problem.column},
        }
    }
    if problem.at:
        place["logicalLocations"] = [{"fullyQualifiedName": problem.at}]
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "level": problem.severity,
        "message": {"text": problem.message},
        "locations": [place],
    }
    if problem.code in index:
        result["ruleIndex"] = index[problem.code]
    if problem.path:
        steps = [{"location": {"message": {"text": step}}} for step in problem.path]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if problem.example:
        result["properties"] = {"example": dict(problem.example)}
    if problem.is_accepted:
        said = f"{problem.accepted_by}: {problem.accepted_because}"
        result["suppressions"] = [{"kind": "inSource", "justification": said}]
    return result
