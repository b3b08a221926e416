"""Files made anew: what is shown of them stays, whatever else was in them is gone."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    TextStringObject,
)
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from chalicelib.domain.uploads import MediaType, NotTaken, Refusal
from chalicelib.services.cleaning import cleaned, images, pdf
from tests.support import documents

SECRET = "SECRET"


def _dictionary(**entries: Any) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in entries.items()})


def _action(kind: str, **entries: Any) -> DictionaryObject:
    return _dictionary(S=NameObject(f"/{kind}"), **entries)


def _note(kind: str, **entries: Any) -> DictionaryObject:
    box = ArrayObject([FloatObject(one) for one in (0, 0, 9, 9)])
    return _dictionary(Type=NameObject("/Annot"), Subtype=NameObject(f"/{kind}"), Rect=box, **entries)


def _script() -> DictionaryObject:
    return _action("JavaScript", JS=TextStringObject(f"app.alert('{SECRET}')"))


def _added(writer: PdfWriter, thing: Any) -> Any:
    return writer._add_object(thing)  # noqa: SLF001  pypdf has no other way to make what readers must not meet.


def _written(writer: PdfWriter) -> bytes:
    # Streams in clear, so that what is in them can be looked for.
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _drawn() -> PdfWriter:
    """Two pages with a picture, a form that is filled in, and links to the Web and to a page."""
    out = io.BytesIO()
    page = canvas.Canvas(out)
    page.setAuthor(SECRET)
    page.drawString(72, 700, "Polio, 1999")
    page.drawImage(ImageReader(io.BytesIO(documents.jpeg())), 10, 10)
    page.linkURL("https://clinic.example", (0, 0, 10, 10))
    page.acroForm.textfield(name="name", value="Ingrid", x=100, y=100)
    page.bookmarkPage("first")
    page.showPage()
    page.drawString(72, 700, "Tetanus, 2004")
    page.linkAbsolute("back", "first", (0, 0, 5, 5))
    page.save()
    return PdfWriter(clone_from=PdfReader(io.BytesIO(out.getvalue())))


def _poisoned() -> bytes:
    writer = _drawn()
    page, root = writer.pages[0], writer.root_object
    writer.add_attachment(f"{SECRET}.exe", SECRET.encode())
    root[NameObject("/OpenAction")] = _action("Launch", F=TextStringObject(SECRET))
    names = root["/Names"].get_object()
    listed = ArrayObject([TextStringObject("x"), _script()])
    names[NameObject("/JavaScript")] = _dictionary(Names=listed)  # type: ignore[index]
    xmp = DecodedStreamObject()
    xmp.set_data(f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode())
    root[NameObject("/Metadata")] = _added(writer, xmp)
    page[NameObject("/Metadata")] = _added(writer, xmp)
    page[NameObject("/AA")] = _dictionary(O=_added(writer, _script()))
    chained = _action("URI", URI=TextStringObject("https://a.example"), Next=_added(writer, _script()))
    for note in (
        _note("Link", A=_added(writer, _script())),
        _note("Link", A=_action("URI", URI=TextStringObject(f"javascript:{SECRET}"))),
        _note("Link", A=_action("URI", URI=TextStringObject(f"file:///{SECRET}"))),
        _note("Link", A=_action("GoToR", F=TextStringObject(SECRET))),
        _note("Link", A=_action("SubmitForm", F=TextStringObject(SECRET))),
        _note("Link", A=chained),
        _note("FileAttachment", Contents=TextStringObject(SECRET)),
        _note("RichMedia", Contents=TextStringObject(SECRET)),
        _note("Widget", AA=_dictionary(K=_script())),
    ):
        page["/Annots"].append(_added(writer, note))  # type: ignore[attr-defined]
    return _written(writer)


def test_of_a_pdf_nothing_is_left_that_runs_is_hidden_or_tells_of_its_maker() -> None:
    poisoned = _poisoned()
    assert poisoned.count(SECRET.encode()) > 8
    media_type, clean = cleaned(poisoned)
    assert media_type is MediaType.PDF
    unwanted = (SECRET, "JavaScript", "/JS", "Launch", "EmbeddedFile", "/AA", "OpenAction", "/Metadata", "/Info")
    assert [
        one for one in (*unwanted, "Producer", "SubmitForm", "GoToR", "/Next", "Exif") if one.encode() in clean
    ] == []
    # Nor packed into one of its streams.
    reader = PdfReader(io.BytesIO(clean))
    whole = [str(reader.get_object(number)) for number in range(1, len(reader.xref[0]) + 1)]
    assert [one for one in whole if SECRET in one] == []
    assert reader.metadata is None


def test_of_a_pdf_its_pages_pictures_forms_and_good_links_stay() -> None:
    reader = PdfReader(io.BytesIO(cleaned(_poisoned())[1]))
    assert [page.extract_text().strip() for page in reader.pages] == ["Polio, 1999", "Tetanus, 2004"]
    assert [one.image.size for one in reader.pages[0].images if one.image] == [(40, 20)]
    fields = reader.get_fields()
    assert fields is not None
    assert fields["name"]["/V"] == "Ingrid"
    links = [one.get_object() for one in reader.pages[0]["/Annots"]]  # type: ignore[attr-defined]
    targets = [one["/A"]["/URI"] for one in links if "/A" in one]
    assert targets == ["https://clinic.example", "https://a.example"]
    (back,) = (one.get_object() for one in reader.pages[1]["/Annots"])  # type: ignore[attr-defined]
    assert back["/Dest"][0].get_object() == reader.pages[0]


def test_what_is_clean_stays_as_it_is() -> None:
    _, once = cleaned(_poisoned())
    assert cleaned(once)[1] == once


def test_a_pdf_of_too_many_pages_and_one_of_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    assert _reason(documents.pdf("one", "two")) is Refusal.TOO_LARGE
    assert _reason(_written(PdfWriter())) is Refusal.BROKEN


def _reason(content: bytes) -> Refusal:
    with pytest.raises(NotTaken) as refused:
        cleaned(content)
    return refused.value.reason


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *, before: bytes = b"") -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + head + before + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_read() -> None:
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0))
    assert _reason(bomb + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")) is Refusal.TOO_LARGE


def test_a_picture_of_just_as_many_dots_as_may_be_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 12)
    assert cleaned(_png(3, 4))[0] is MediaType.PNG
    assert _reason(_png(13, 1)) is Refusal.TOO_LARGE


def test_a_png_loses_its_texts_profile_and_exif_and_keeps_its_dots() -> None:
    about = Image.Exif()
    about[0x010E] = SECRET
    texts = _chunk(b"tEXt", b"Comment\x00" + SECRET.encode()) + _chunk(b"eXIf", about.tobytes()[6:])
    _, clean = cleaned(_png(3, 4, before=texts) + SECRET.encode())
    assert SECRET.encode() not in clean
    assert b"eXIf" not in clean
    assert Image.open(io.BytesIO(clean)).size == (3, 4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_any_kind_is_taken_with_what_shines_through(mode: str) -> None:
    source = Image.new("RGBA", (4, 4), (10, 20, 30, 0)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        source = Image.frombytes("I;16", (4, 4), bytes(range(32)))
    out = io.BytesIO()
    source.save(out, "PNG")
    _, clean = cleaned(out.getvalue())
    with Image.open(io.BytesIO(clean)) as shown, Image.open(io.BytesIO(out.getvalue())) as before:
        assert shown.has_transparency_data == before.has_transparency_data
        assert shown.size == before.size


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_kind_is_taken(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (9, 7)).save(out, "JPEG", icc_profile=b"x" * 200, comment=SECRET.encode())
    media_type, clean = cleaned(out.getvalue())
    assert media_type is MediaType.JPEG
    assert SECRET.encode() not in clean
    assert "icc_profile" not in Image.open(io.BytesIO(clean)).info


def test_a_picture_inside_of_a_pdf_loses_what_was_written_beside_it_and_no_dot() -> None:
    raw = documents.jpeg()
    plain = pdf.without_segments(raw)
    assert b"Exif" in raw
    assert b"Exif" not in plain
    assert b"comment" not in plain
    assert Image.open(io.BytesIO(plain)).tobytes() == Image.open(io.BytesIO(raw)).tobytes()


@pytest.mark.parametrize("cut", [0, 2, 3, 5, 20])
def test_a_picture_that_ends_too_soon_is_left_to_its_reader(cut: int) -> None:
    assert pdf.without_segments(documents.jpeg()[:cut]) is not None


def test_text_keeps_its_words_and_loses_its_mark() -> None:
    assert cleaned("\ufeffGröße\r\n1,80 m <3\n".encode()) == (MediaType.TEXT, "Größe\r\n1,80 m <3\n".encode())
