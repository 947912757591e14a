"""The page and the server count words by one rule."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from fundflow.config import ROOT
from fundflow.workflow.forms import count_words


@pytest.mark.browser
def test_words_are_counted_alike_on_the_page_and_on_the_server(chromium: Browser) -> None:
    samples = [
        "",
        "  ",
        "one",
        " two  words\n",
        "non\u00a0breaking space",
        "emoji 🏘️ مدينة עיר",
        "a-b c_d e'f",
        "x\t\r\ny",
    ]
    page = chromium.new_page()
    module = (ROOT / "fundflow/web/static/js/words.js").read_text(encoding="utf-8")
    counted = page.evaluate(
        """async ([module, samples]) => {
            const words = await import("data:text/javascript," + encodeURIComponent(module));
            return samples.map(words.count);
        }""",
        [module, samples],
    )
    page.close()
    assert counted == [count_words(sample) for sample in samples]
