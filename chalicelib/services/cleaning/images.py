"""Pictures, drawn anew: their pixels the right way up, and nothing beside them."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

from chalicelib.domain.uploads import MediaType, NotTaken, Refusal

MAX_PIXELS: Final = 50_000_000
"""Of one picture: more than the camera of a phone takes, and what fits into the memory that there is."""

_FORMATS: Final = {MediaType.JPEG: "JPEG", MediaType.PNG: "PNG"}
_MODES: Final = {"JPEG": {"L", "RGB"}, "PNG": {"1", "L", "LA", "RGB", "RGBA"}}
_QUALITY: Final = 92


def redrawn(content: bytes, media_type: MediaType) -> bytes:
    """A picture without EXIF, places, colour profiles, comments, previews and further frames.

    It is turned as its EXIF says. Raises NotTaken for one of too many pixels, and Pillow's errors for a broken one.
    """
    form = _FORMATS[media_type]
    # The warning of Pillow's own limit is an error here: `size` is known before a pixel is read.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(BytesIO(content), formats=[form]) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise NotTaken(Refusal.TOO_LARGE)
        shown = _plain(ImageOps.exif_transpose(opened), form)
    out = BytesIO()
    shown.save(out, form, **({"quality": _QUALITY} if form == "JPEG" else {}))
    return out.getvalue()


def _plain(picture: Image.Image, form: str) -> Image.Image:
    """Pixels alone: whatever else was read with them goes into no new file."""
    wanted = picture.mode
    if wanted not in _MODES[form]:
        has_alpha = form == "PNG" and (picture.has_transparency_data or "A" in wanted)
        wanted = "RGBA" if has_alpha else "RGB"
    elif form == "PNG" and "transparency" in picture.info:
        wanted = "RGBA"
    plain = picture.convert(wanted)
    plain.info.clear()
    return plain
