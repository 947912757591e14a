"""From a page and its style to PDF, by WeasyPrint, in the process that this is called in.

Refuses every address outside templates/agreements and files that a page would carry along.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fundflow.documents import archive
from fundflow.documents.templates import FOLDER

INLINE, LONGEST_INLINE = "data:image/png;base64,", 500_000


def to_pdf(text: str, style: str, facts: str = "{}", *, to_be_sealed: bool = False) -> bytes:
    """Print in this process; call it through `Press`. Refuses when anything the page asks for is refused.

    `facts` are attached as they are. A document that is `to_be_sealed` has the field for it.
    """
    from weasyprint import HTML

    fonts, stylesheet = _Kept.fonts_and_style(style)
    fetcher = _Kept.fetcher(style)
    fetcher.refused.clear()
    heard = _Heard()
    logger = logging.getLogger("weasyprint")
    logger.handlers[:] = [heard]
    document = HTML(string=text, base_url=f"{FOLDER.as_uri()}/", url_fetcher=fetcher).render(
        stylesheets=[stylesheet], font_config=fonts, pdf_variant=archive.VARIANT, pdf_tags=True
    )
    if document.metadata.attachments or any(link[0] == "attachment" for page in document.pages for link in page.links):
        raise ValueError("a document may not carry other files")
    if fetcher.refused or heard.errors:
        raise ValueError("; ".join([*fetcher.refused, *heard.errors]))
    # Named by its content, where the library would take a random name: the same page is the same file.
    identifier = hashlib.sha256(text.encode() + style.encode()).digest()[:16]
    return archive.write(document, facts, identifier, to_be_sealed=to_be_sealed)


class _Heard(logging.Handler):
    """Errors that the library reports only in its log, such as an image that could not be read."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())


@dataclass
class _Kept:
    """What every document of one process shares: reading fonts and style anew costs a tenth of each document."""

    styles: ClassVar[dict[str, tuple[Any, Any]]] = {}
    fetchers: ClassVar[dict[str, Any]] = {}

    @classmethod
    def fonts_and_style(cls, style: str) -> tuple[Any, Any]:
        if style not in cls.styles:
            from weasyprint import CSS
            from weasyprint.text.fonts import FontConfiguration

            fonts = FontConfiguration()
            sheet = CSS(string=style, base_url=f"{FOLDER.as_uri()}/", font_config=fonts, url_fetcher=cls.fetcher(style))
            cls.styles[style] = fonts, sheet
        return cls.styles[style]

    @classmethod
    def fetcher(cls, style: str) -> Any:
        if style not in cls.fetchers:
            cls.fetchers[style] = own_files()
        return cls.fetchers[style]


def own_files() -> Any:
    """A fetcher that serves images and styles under templates/agreements, and PNG that stands in the page itself.

    `refused` lists what else was asked for.
    """
    from urllib.parse import unquote, urlsplit

    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    kinds = {".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}

    class OwnFiles(URLFetcher):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(allowed_protocols=("file", "data"), allow_redirects=False, fail_on_errors=True)
            self.refused: list[str] = []

        def fetch(self, url: str, headers: Any = None) -> Any:
            if (
                url.startswith(INLINE) and len(url) <= LONGEST_INLINE
            ):  # put into the page by a template of ours: what others wrote is escaped
                return URLFetcherResponse(
                    url, base64.b64decode(url.removeprefix(INLINE)), {"Content-Type": kinds[".png"]}
                )
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            is_ours = parts.scheme == "file" and not parts.netloc and path.is_relative_to(FOLDER.resolve())
            if not is_ours or path.suffix not in kinds or not path.is_file():
                self.refused.append(f"refused to read {url[:120]}")
                raise FatalURLFetchingError(self.refused[-1])
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kinds[path.suffix]})

    return OwnFiles()
