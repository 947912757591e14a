"""Agreements: what they say, that they are accessible and always the same, and that a hostile page harms nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from pypdf import PdfReader

from fundflow import documents
from fundflow.db import canonical_json
from fundflow.documents import FOLDER, MissingFact, Press, RenderFailed, in_words
from fundflow.money import Money
from tests import papers

STYLE = (FOLDER / "grant_agreement.css").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def _press_ends() -> Iterator[None]:
    yield
    documents.press.close()


@pytest.fixture(scope="module")
def english() -> bytes:
    return documents.render("grant_agreement", papers.facts(), "en")


@pytest.fixture(scope="module")
def french() -> bytes:
    return documents.render("grant_agreement", papers.facts(), "fr")


@lru_cache(maxsize=4)
def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", " ".join(each.extract_text() for each in pages))


def page_of(body: str) -> str:
    return f'<!doctype html><html lang="en"><head><title>Test</title></head><body><h1>Test</h1>{body}</body></html>'


def test_agreement_names_parties_amount_in_figures_and_words_and_every_schedule(english: bytes) -> None:
    text = text_of(english)
    for part in (
        "Ville de Sainte-Émilie-sur-Loire, municipality, France",
        "€45,000.50 (forty-five thousand euros and fifty cents)",
        "1 January 2027 to 31 December 2027",
        "The Fund pays the Grant in 2 payments (tranches)",
        "13.2 Either party may end this agreement",
        "Interim report accepted",
        "12 months after the payment",
        "Rent and furniture of the meeting house",
        "Main activities",
        "How many people will it reach directly? 420",
        "Élodie Ñandú",
        "Authorised signatory of the City",
        "This is a demonstration.",
        "recorded as event 4 of application SG-2026-0007",
    ):
        assert part in text, part


def test_french_agreement_is_french_throughout(french: bytes) -> None:
    text = text_of(french).replace("\u202f", " ").replace("\xa0", " ")
    for part in (
        "45 000,50 € (quarante- cinq mille euros et cinquante centimes)",
        "Du 1er janvier 2027 au 31 décembre 2027",
        "Le Fonds verse la Subvention en 2 versements (tranches)",
        "Signataire autorisé de la Ville",
        "12 mois après le versement",
    ):
        assert part.replace("- ", "-") in text.replace("- ", "-"), part
    assert not re.search(
        r"\b(the|The|shall|City)\b",
        text.replace("The Fund", "").split("Annexe 1")[0].replace("Global Cities Fund for Migrants and Refugees", ""),
    ), "English words are left"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_agreement_is_archival_and_accessible_without_a_single_failure(
    language: str, english: bytes, french: bytes
) -> None:
    pdf = {"en": english, "fr": french}[language]
    assert papers.failures(pdf) == []
    root: Any = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


def test_agreement_carries_its_facts_under_the_digest_that_it_prints(french: bytes) -> None:
    reader = PdfReader(io.BytesIO(french))
    [content] = reader.attachments["facts.json"]
    assert json.loads(content) == papers.facts()
    sha256 = hashlib.sha256(content).hexdigest()
    assert sha256 == documents.digest(papers.facts())
    assert f"facts.json ({sha256[:16]})" in text_of(french)
    assert f"Modèle {documents.template_sha256()[:16]}" in text_of(french)
    root: Any = reader.trailer["/Root"]
    [only] = root["/AF"]
    assert (only["/AFRelationship"], only["/UF"]) == ("/Data", "facts.json")


def test_long_tables_and_a_hostile_title_stay_archival_and_accessible() -> None:
    facts = papers.facts()
    facts["application"]["title"] = "</title></rdf:RDF><script>alert(1)</script> (\\ ]]> عنوان"
    facts["budget"]["rows"] *= 60
    pdf = documents.render("grant_agreement", facts, "en", to_be_sealed=True)
    assert papers.failures(pdf) == []
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) > 12
    assert reader.metadata is not None
    assert facts["application"]["title"] in (reader.metadata.title or "")


def test_stream_that_ends_in_a_carriage_return_is_as_long_as_it_says() -> None:
    """One compressed stream of 256 does, and the two bytes before its end would read as one end of line."""
    text = next("a" * n for n in range(256) if zlib.compress(b"a" * n, 9).endswith(b"\r"))
    pdf = documents.press.print(page_of(""), STYLE, text)
    assert b"\r\r\nendstream" in pdf
    assert papers.failures(pdf) == []


def test_every_page_but_the_cover_carries_number_and_title_and_all_are_counted(english: bytes) -> None:
    reader = PdfReader(io.BytesIO(english))
    assert reader.metadata is not None
    assert reader.metadata.title == "Grant Agreement GA-SG-2026-0007: A house with open doors for <b>newcomers</b>"
    total = len(reader.pages)
    for number, each in enumerate(reader.pages, start=1):
        text = each.extract_text()
        assert f"Page {number} of {total}" in text
        assert ("GA-SG-2026-0007 · A house" in text) == (number > 1)


def test_a_clause_number_is_never_parted_from_its_text(english: bytes) -> None:
    for each in PdfReader(io.BytesIO(english)).pages:
        for line in each.extract_text().splitlines():
            assert not re.fullmatch(r"\s*\d{1,2}\.\d\s*", line), "a number alone on a line"


def test_html_in_a_title_is_text(english: bytes) -> None:
    assert "A house with open doors for <b>newcomers</b>" in text_of(english)


def test_names_in_arabic_and_with_accents_have_their_letters(english: bytes) -> None:
    pages: Any = PdfReader(io.BytesIO(english)).pages
    fonts = {str(font.get_object()["/BaseFont"]) for each in pages for font in each["/Resources"]["/Font"].values()}
    assert any("Arabic" in name for name in fonts), fonts
    assert "Jörg" not in text_of(english), "the finance officer signs nothing"


def test_same_facts_give_the_same_bytes_in_another_process(english: bytes) -> None:
    other = Press()
    try:
        text, facts = documents.html("grant_agreement", papers.facts(), "en"), canonical_json(papers.facts())
        assert hashlib.sha256(other.print(text, STYLE, facts)).digest() == hashlib.sha256(english).digest()
        assert other.pid != documents.press.pid
    finally:
        other.close()


def test_other_facts_give_other_bytes(english: bytes) -> None:
    changed = papers.facts(agreement={"number": "GA-SG-2026-0008", "date": "2026-11-23", "event": 4})
    assert documents.render("grant_agreement", changed, "en") != english


def test_single_payment_needs_no_tranche_table_of_its_own() -> None:
    facts = papers.facts(payments=[{"amount": papers.money(4_500_050), "due_on": "", "condition": ""}])
    text = re.sub(r"\s+", " ", documents.html("grant_agreement", facts, "en"))
    assert "The Fund pays the Grant in a single payment, within 30 days, after both parties" in text


def test_project_without_dates_and_people_still_makes_an_agreement() -> None:
    facts = papers.facts(starts_on="", ends_on="", summary=[], glance=[], tables=[])
    facts["city"] |= {"signatory": "", "focal_point": "", "is_demo": False}
    for language in ("en", "fr"):
        text = documents.html("grant_agreement", facts, language)
        assert "None" not in text
        assert 'class="demo"' not in text


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", sorted(papers.facts().keys() - {"months"}))
def test_missing_fact_is_refused_by_name_before_anything_is_printed(name: str, language: str) -> None:
    facts = papers.facts()
    del facts[name]
    with pytest.raises(MissingFact):
        documents.html("grant_agreement", facts, language)


def test_length_of_a_project_is_asked_for_only_where_there_are_no_dates() -> None:
    facts = papers.facts(starts_on="", ends_on="", months=18)
    assert "of 18 months that begins with the first payment" in documents.html("grant_agreement", facts, "en")
    del facts["months"]
    with pytest.raises(MissingFact):
        documents.html("grant_agreement", facts, "en")


def test_null_is_never_printed() -> None:
    facts = papers.facts()
    facts["application"]["title"] = None
    with pytest.raises(MissingFact):
        documents.html("grant_agreement", facts, "en")


@pytest.mark.parametrize(
    ("minor", "currency", "language", "words"),
    [
        (4_500_000, "EUR", "en", "forty-five thousand euros"),
        (4_500_001, "EUR", "en", "forty-five thousand euros and one cent"),
        (100, "USD", "en", "one US dollar"),
        (120_000_050, "USD", "en", "one million two hundred thousand US dollars and fifty cents"),
        (1_250_000, "JPY", "en", "one million two hundred and fifty thousand Japanese yen"),
        (45_000_250, "TND", "en", "forty-five thousand Tunisian dinars and two hundred and fifty millimes"),
        (12_345, "PLN", "en", "one hundred and twenty-three Polish zlotys and 45/100"),
        (4_500_050, "EUR", "fr", "quarante-cinq mille euros et cinquante centimes"),
        (100_000_000, "EUR", "fr", "un million d’euros"),
        (200_000_000, "TND", "fr", "deux cent mille dinars tunisiens"),
        (2_000_000_001, "TND", "fr", "deux millions de dinars tunisiens et un millime"),
        (300_000_000, "USD", "fr", "trois millions de dollars des États-Unis"),
        (2_100, "GBP", "fr", "vingt et une livres sterling"),
        (5_000_000, "JPY", "fr", "cinq millions de yens japonais"),
        (8_000_000, "EUR", "fr", "quatre-vingt mille euros"),
    ],
)
def test_amounts_are_written_out_as_a_contract_writes_them(
    minor: int, currency: str, language: str, words: str
) -> None:
    assert in_words(Money(minor, currency), language) == words


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/pixel.png",
        "https://example.org/style.css",
        "ftp://example.org/a.png",
        "file:///etc/passwd",
        "file://elsewhere/etc/passwd",
        f"{FOLDER.as_uri()}/../../pyproject.toml",
        f"{FOLDER.as_uri()}/%2e%2e/%2e%2e/pyproject.toml",
        f"{FOLDER.as_uri()}/grant_agreement.en.html",
        "data:text/css,body{color:red}",
        "data:image/png;base64," + "A" * 10_000_000,
        "//example.org/a.png",
        "relative.png",
    ],
)
def test_fetcher_serves_nothing_but_our_own_styles_and_images(url: str) -> None:
    from weasyprint.urls import FatalURLFetchingError

    fetcher = documents.own_files()
    with pytest.raises(FatalURLFetchingError):
        fetcher.fetch(url)
    assert fetcher.refused


def test_fetcher_does_not_follow_a_link_out_of_the_folder() -> None:
    from weasyprint.urls import FatalURLFetchingError

    way_out = FOLDER / "way_out_of_tests.css"
    way_out.symlink_to("/etc/hostname")
    try:
        with pytest.raises(FatalURLFetchingError):
            documents.own_files().fetch(way_out.as_uri())
    finally:
        way_out.unlink()


@pytest.mark.parametrize(
    "body",
    [
        '<img src="http://127.0.0.1:9/x.png" alt="x">',
        '<img src="file:///etc/hostname" alt="x">',
        '<object data="file:///etc/passwd" type="image/png"></object>',
        "<style>@import url(file:///etc/passwd);</style>",
        "<style>@font-face { font-family: x; src: url(file:///etc/passwd) }</style><p style='font-family: x'>x</p>",
        "<style>body { background: url(http://127.0.0.1:9/x.png) }</style>",
        '<link rel="attachment" href="grant_agreement.css">',
        '<a rel="attachment" href="grant_agreement.css">x</a>',
        '<img src="data:image/svg+xml;base64,AAAA" alt="x">',
    ],
)
def test_page_that_asks_for_anything_else_is_not_printed(body: str) -> None:
    with pytest.raises(RenderFailed):
        documents.press.print(page_of(body), STYLE)


def test_page_too_deep_to_lay_out_fails_alone(english: bytes) -> None:
    with pytest.raises(RenderFailed):
        documents.press.print(page_of("<div>" * 3000 + "x" + "</div>" * 3000), STYLE)
    assert documents.render("grant_agreement", papers.facts(), "en") == english


def test_page_that_takes_too_long_is_ended() -> None:
    press = Press(seconds=0.2)
    try:
        with pytest.raises(RenderFailed, match="longer than"):
            press.print(page_of("<p>x</p>" * 50_000), STYLE)
        assert press.pid is None
    finally:
        press.close()


def test_page_that_takes_too_much_memory_is_ended() -> None:
    press = Press(memory=200 * 2**20)
    try:
        with pytest.raises(RenderFailed):
            press.print(page_of("<p>x</p>" * 300_000), STYLE)
    finally:
        press.close()


def test_killed_process_costs_one_attempt_and_the_next_one_succeeds(english: bytes) -> None:
    press = Press()
    text, facts = documents.html("grant_agreement", papers.facts(), "en"), canonical_json(papers.facts())
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            press.print(text, STYLE, facts)
        except RenderFailed as problem:
            failed.append(problem)

    thread = threading.Thread(target=attempt)
    thread.start()
    while press.pid is None:
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(press.pid, signal.SIGKILL)
    thread.join()
    try:
        assert len(failed) == 1
        assert press.print(text, STYLE, facts) == english
    finally:
        press.close()


def test_typesetter_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, fundflow.documents; sys.exit(bool({'weasyprint', 'num2words', 'pyhanko'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_digest_covers_words_and_style_of_the_templates() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", documents.template_sha256())
    assert documents.languages("grant_agreement") == ("ar", "en", "fr")
