"""Changing a file's values at one place without touching the rest: the copy shares everything but the way there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


class _Gone:
    """What stands where a value is taken out."""


GONE = _Gone()


def at(data: Any, path: Path) -> Any:
    """The value there; None where there is none."""
    for name in path:
        try:
            data = data[name]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def changed(data: Any, path: Path, value: Any) -> Any:
    """The same values with another one there, or (GONE) without it; a mapping or list left empty goes too."""
    if not path:
        return value
    name, rest = path[0], path[1:]
    inner = changed(data[name], rest, value)
    if isinstance(data, list):
        items = [*data[: int(name)], *([] if inner is GONE else [inner]), *data[int(name) + 1 :]]
        return items or GONE
    kept = {key: inner if key == name else each for key, each in data.items() if key != name or inner is not GONE}
    return kept or GONE


def names(data: Any, path: Path) -> list[str]:
    """The names in the mapping there, in order."""
    value = at(data, path)
    return [name for name in value if isinstance(name, str)] if isinstance(value, dict) else []


def items(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """A single value with its path, or each of a list with its own."""
    value = at(data, path)
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield (*path, number), each
    elif value is not None:
        yield path, value
