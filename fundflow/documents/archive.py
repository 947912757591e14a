"""One file that is PDF/A-3a and PDF/UA-1 at once, with its facts inside and, if wanted, a place for the seal.

WeasyPrint writes one variant at a time. What the other needs is put in before anything is written, so no file is
written, read and written again. The facts are attached as `facts.json`, in canonical JSON: their SHA-256 is the
`facts_sha256` that the document prints and its event keeps.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

VARIANT = "pdf/a-3a"
FACTS = "facts.json"
FIELD = "Seal"
"""The name of the signature field."""

_ABOUT = {
    "en": ("What this document says, as structured data", "Electronic seal of the fund"),
    "fr": ("Le contenu de ce document en données structurées", "Cachet électronique du fonds"),
    "ar": ("محتوى هذه الوثيقة كبيانات منظمة", "الختم الإلكتروني للصندوق"),
}
_ACCESSIBLE = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that this file meets</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""
"""The claim of PDF/UA, and the description of that claim without which PDF/A takes no foreign metadata."""


def write(document: Any, facts: str, identifier: bytes, *, to_be_sealed: bool) -> bytes:
    """The bytes of a document that WeasyPrint has laid out as `VARIANT`; the same each time."""
    from weasyprint import Attachment

    about, sealing = _ABOUT.get(document.metadata.lang or "", _ABOUT["en"])
    at = _day_of(document)
    attached = Attachment(string=facts, name=FACTS, description=about, relationship="Data", created=at, modified=at)

    def finish(_: Any, pdf: Any) -> None:
        _claim_accessibility(pdf)
        _name_every_glyph(pdf)
        if to_be_sealed:
            _add_field(pdf, sealing)
        _serialise(pdf)

    written = document.write_pdf(
        pdf_variant=VARIANT, pdf_tags=True, pdf_identifier=identifier, attachments=[attached], finisher=finish
    )
    return bytes(written)


def _day_of(document: Any) -> datetime:
    """The day the document bears, for what is attached to it: the day of printing would make other bytes each time."""
    return datetime.fromisoformat(document.metadata.created or "2000-01-01").replace(tzinfo=UTC)


def _claim_accessibility(pdf: Any) -> None:
    from pydyf import Array

    metadata = _objects(pdf)[pdf.catalog["Metadata"]]
    metadata.stream = [metadata.stream[0].replace(b"</rdf:RDF>", _ACCESSIBLE + b"</rdf:RDF>")]
    metadata.compress = False  # an archive must be able to read it without any software of ours
    pdf.catalog["AF"] = Array(dict.fromkeys(pdf.catalog["AF"]))  # the library lists every attachment twice


def _name_every_glyph(pdf: Any) -> None:
    """Where a letter is drawn by two glyphs, as Arabic ones are, the second has no text of its own: it says nothing.

    The library leaves such a mapping empty, which no archive takes; a joiner without width reads as nothing too.
    """
    for each in pdf.objects:
        lines = getattr(each, "stream", None)
        if isinstance(lines, list) and b"begincmap" in lines:
            each.stream = [
                line[:-2] + b"<200d>" if isinstance(line, bytes) and line.endswith(b"> <>") else line for line in lines
            ]


def _add_field(pdf: Any, about: str) -> None:
    """An invisible signature field that is part of the tags: a seal added later could not make itself accessible."""
    from pydyf import Array, Dictionary, String

    objects = _objects(pdf)
    tree = objects[pdf.catalog["StructTreeRoot"]]
    whole, numbers = objects[tree["K"][0]], objects[tree["ParentTree"]]["Nums"]
    last_page = objects[pdf.page_references[-1]]
    key = numbers[-2] + 1

    def added(**values: Any) -> Any:
        pdf.add_object(made := Dictionary(values))
        return made

    field = added(
        Type="/Annot",
        Subtype="/Widget",
        FT="/Sig",
        T=String(FIELD),
        TU=String(about),
        Contents=String(about),
        F=132,  # printed and locked, as archives ask of every annotation
        Rect=Array((0, 0, 0, 0)),
        P=last_page.reference,
        StructParent=key,
    )
    held = added(Type="/OBJR", Obj=field.reference, Pg=last_page.reference)
    element = added(Type="/StructElem", S="/Form", K=Array([held.reference]), Pg=last_page.reference, P=whole.reference)
    whole["K"].append(element.reference)
    numbers.extend([key, element.reference])
    last_page.setdefault("Annots", Array()).append(field.reference)
    pdf.catalog["AcroForm"] = Dictionary({"Fields": Array([field.reference])})


def _objects(pdf: Any) -> dict[bytes, Any]:
    return {each.reference: each for each in pdf.objects}


def _serialise(pdf: Any) -> None:
    """Turn every object into bytes once, where the library would do it twice: for the identifier, and for the file.

    And end a compressed stream whose last byte is a carriage return with a whole CR LF. Before a bare LF that byte
    reads as part of the end of the line, so that validators found one byte less than the stream says it has.
    """
    from pydyf import Object, Stream

    class Serialised(Object):  # type: ignore[misc]
        data = b""
        compressible = False

    for number, each in enumerate(pdf.objects):
        if each.free != "f":
            pdf.objects[number] = done = Serialised()
            done.number, done.data = each.number, each.data
            done.compressible = not isinstance(each, Stream)
    write_line = pdf.write_line

    def write(content: bytes, output: Any) -> None:
        ambiguous, whole = b"\r\nendstream\nendobj", b"\r\r\nendstream\nendobj"
        write_line(content.removesuffix(ambiguous) + whole if content.endswith(ambiguous) else content, output)

    pdf.write_line = write
