"""PDFs, written anew: their pages and forms, and nothing that runs, is hidden in them or tells of who made them."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from chalicelib.domain.uploads import NotTaken, Refusal

MAX_PAGES: Final = 1000

_KEPT_IN_ROOT: Final = {"/Type", "/Pages", "/AcroForm"}
# Scripts, what runs when something is opened or touched, files inside, metadata of the whole, a page or a picture, and
# forms in XML beside those that are shown.
_UNWANTED: Final = (
    *("/AA", "/OpenAction", "/JS", "/JavaScript", "/Launch", "/Next", "/URLS"),
    *("/EF", "/AF", "/EmbeddedFiles", "/RichMediaContent", "/RichMediaSettings", "/Movie", "/Sound", "/3DD", "/3DA"),
    *("/Metadata", "/PieceInfo", "/LastModified", "/Info", "/XFA", "/StructParents", "/StructParent"),
)
_KEPT_ACTIONS: Final = {"/GoTo", "/URI", "/Named"}
_UNWANTED_ACTIONS: Final = {
    *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/RichMediaExecute"),
    *("/Sound", "/Movie", "/GoTo3DView", "/SetOCGState", "/Hide", "/ResetForm"),
}
_UNWANTED_NOTES: Final = {"/FileAttachment", "/Movie", "/Sound", "/Screen", "/RichMedia", "/3D"}
_PICTURE: Final = 0xDA
_BESIDE: Final = {*range(0xE1, 0xEE), 0xEF, 0xFE}
_SAFE_LINKS: Final = ("http://", "https://", "mailto:", "tel:")


def rewritten(content: bytes) -> bytes:
    """A PDF without what is unwanted. Raises NotTaken for one that is locked or too long; pypdf's errors for others."""
    # What the first writing has cut loose lies in it still, and the second one leaves it behind.
    return _written(_written(content))


def _written(content: bytes) -> bytes:
    reader = PdfReader(BytesIO(content))
    if reader.is_encrypted:
        raise NotTaken(Refusal.ENCRYPTED)
    if not reader.pages:
        raise NotTaken(Refusal.BROKEN)
    if len(reader.pages) > MAX_PAGES:
        raise NotTaken(Refusal.TOO_LARGE)
    writer = PdfWriter()
    writer.append(reader, import_outline=False)
    writer.metadata = None
    _scrub(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _scrub(writer: PdfWriter) -> None:
    root = writer.root_object
    for name in set(root) - _KEPT_IN_ROOT:
        del root[name]
    for one in _dictionaries(writer):
        _scrub_one(one)
    for page in writer.pages:
        _scrub_notes(page)


def _dictionaries(writer: PdfWriter) -> Iterator[DictionaryObject]:
    waiting: list[Any] = [one for one in writer._objects if one is not None]  # noqa: SLF001  pypdf lists them nowhere else.
    while waiting:
        one = waiting.pop()
        if isinstance(one, DictionaryObject):
            yield one
            waiting += one.values()
        elif isinstance(one, ArrayObject):
            waiting += one


def _scrub_one(one: DictionaryObject) -> None:
    for name in _UNWANTED:
        one.pop(NameObject(name), None)
    if str(one.get("/S")) in _UNWANTED_ACTIONS or not _is_safe_link(one):
        one.clear()
    if _is_unwanted_action(one.get("/A")):
        del one["/A"]
    if isinstance(one, StreamObject) and one.get("/Filter") in ("/DCTDecode", ["/DCTDecode"]):
        one._data = without_segments(one._data)  # noqa: SLF001  `set_data` would pack the picture anew.


def _is_safe_link(one: DictionaryObject) -> bool:
    return "/URI" not in one or str(one["/URI"]).strip().lower().startswith(_SAFE_LINKS)


def _is_unwanted_action(value: Any) -> bool:
    action = value.get_object() if value is not None else None
    if not isinstance(action, DictionaryObject):
        return False
    return str(action.get("/S")) not in _KEPT_ACTIONS or not _is_safe_link(action)


def _scrub_notes(page: DictionaryObject) -> None:
    notes = page.get("/Annots")
    if notes is None:
        return
    kept = [one for one in notes.get_object() if str(one.get_object().get("/Subtype")) not in _UNWANTED_NOTES]
    page[NameObject("/Annots")] = ArrayObject(kept)


def without_segments(jpeg: bytes) -> bytes:
    """A JPEG without what applications wrote beside the picture: EXIF, places, previews, comments.

    APP0 says how the picture is measured and APP14 how its colours are meant: they stay (ITU-T T.81, B.1.1.3).
    """
    kept, place = [jpeg[:2]], 2
    while jpeg[place : place + 1] == b"\xff" and place + 4 <= len(jpeg):
        marker, size = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if marker == _PICTURE:
            break
        if marker not in _BESIDE:
            kept.append(jpeg[place : place + 2 + size])
        place += 2 + size
    return b"".join([*kept, jpeg[place:]])
