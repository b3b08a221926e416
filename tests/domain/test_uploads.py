"""What a file is by its content alone, and what its name is shown as."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.uploads import MediaType, NotTaken, Refusal, found_type, has_zip_behind, shown_name


def _reason(content: bytes) -> Refusal:
    with pytest.raises(NotTaken) as refused:
        found_type(content)
    return refused.value.reason


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", MediaType.PDF),
        (b"\xff\xd8\xff\xe0", MediaType.JPEG),
        (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
        (b"a < b and c > d, <3\n", MediaType.TEXT),
        ("Größe\t1,80\f".encode(), MediaType.TEXT),
    ],
)
def test_what_may_be_taken_is_known_by_how_it_begins(content: bytes, media_type: MediaType) -> None:
    assert found_type(content) is media_type


@pytest.mark.parametrize(
    "page",
    [
        "<html>",
        "  \n<!DOCTYPE HTML>",
        "<HEAD >",
        "<!-- x -->",
        "<?xml version='1.0'?><svg/>",
        "<svg\nonload=x>",
        "hello <script src=x>",
        "hello <SCRIPT>",
        "hello <iframe src=x>",
        "\ufeff<html>",
    ],
)
def test_a_web_page_is_no_text(page: str) -> None:
    assert _reason(page.encode()) is Refusal.WEB_PAGE


@pytest.mark.parametrize(
    "content", [b"", b"   \n", b"\x00", b"a\x07", b"\xff\xfea\x00", b"\xc3\x28", "a\x85b".encode(), b" %PDF-1.7 \x00"]
)
def test_what_is_neither_is_refused(content: bytes) -> None:
    assert _reason(content) is Refusal.WRONG_TYPE


@pytest.mark.parametrize("beginning", [b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"Rar!", b"\x1f\x8b"])
def test_what_is_packed_is_refused_as_that(beginning: bytes) -> None:
    assert _reason(beginning + b"rest") is Refusal.PACKED


def _zip(comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("one", "x")
        packed.comment = comment
    return out.getvalue()


@pytest.mark.parametrize("comment", [b"", b"x" * 65_535])
def test_a_zip_behind_anything_is_found_as_zip_readers_find_it(comment: bytes) -> None:
    content = b"%PDF-1.7\n" + _zip(comment)
    assert zipfile.is_zipfile(io.BytesIO(content))
    assert _reason(content) is Refusal.TWO_KINDS


@given(st.binary(max_size=400))
def test_bytes_that_only_look_like_the_end_of_a_zip_are_none(noise: bytes) -> None:
    content = b"\xff\xd8\xff" + noise + b"PK\x05\x06" + bytes(8) + b"\x07\x00\x00\x00" + bytes(6)
    assert not has_zip_behind(content)


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        (None, None),
        ("", None),
        ("scan.pdf", "scan.pdf"),
        ("C:\\Users\\x\\scan.pdf", "scan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nb\x00.pdf", "a b .pdf"),
        ("report\u202efdp.exe", "report fdp.exe"),
        (" . ", None),
        ("folder/", None),
        ("x" * 300, "x" * 120),
        ("Befund Größe.pdf", "Befund Größe.pdf"),
    ],
)
def test_a_name_is_shown_without_folders_and_what_cannot_be_seen(given_name: str | None, shown: str | None) -> None:
    assert shown_name(given_name) == shown


@given(st.text(max_size=200))
def test_whatever_a_name_is_it_is_shown_on_one_line(name: str) -> None:
    shown = shown_name(name)
    assert shown is None or (shown.isprintable() and "/" not in shown and len(shown) <= 120)
