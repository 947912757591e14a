"""What every test of decisions leaves behind: no printing process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fundflow import documents


@pytest.fixture(scope="module", autouse=True)
def _press_ends() -> Iterator[None]:
    yield
    documents.press.close()
