"""A picture as it is read: upright as its pixels are, without transparency, no larger than it takes to read it."""

from io import BytesIO
from typing import Final

from PIL import Image

from chalicelib.clients.text_recognition import LONGEST_SIDE

_QUALITY: Final = 92


def prepared(content: bytes) -> tuple[bytes, tuple[int, int]]:
    """A clean picture as a JPEG, with its width and height. Raises Pillow's errors for what is no picture.

    What its EXIF said of its sides was done when it was cleaned (services/cleaning/images.py).
    """
    with Image.open(BytesIO(content), formats=["JPEG", "PNG"]) as opened:
        # A large JPEG need not be decoded to its full size first.
        opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture = _on_white(opened)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue(), picture.size


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    shown = picture.convert("RGBA")
    paper = Image.new("RGBA", shown.size, "white")
    paper.alpha_composite(shown)
    return paper.convert("RGB")
