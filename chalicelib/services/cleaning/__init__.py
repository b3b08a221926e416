"""Making a file anew out of what is shown of it, so that nothing else of it is left: no metadata, nothing that runs.

What is read here was sent by anybody. It runs in a process of its own (`alone.py`), which has no keys and little time.
"""

from chalicelib.domain.uploads import MediaType, NotTaken, Refusal, found_type, plain_text


def cleaned(content: bytes) -> tuple[MediaType, bytes]:
    """What a file is, and the file made anew. Raises NotTaken."""
    media_type = found_type(content)
    try:
        return media_type, _cleaned(media_type, content)
    except NotTaken:
        raise
    except MemoryError:
        raise NotTaken(Refusal.TOO_LARGE) from None
    except Exception as unreadable:
        # Whatever a reader of broken files stumbles over, the file is the reason.
        raise NotTaken(Refusal.BROKEN) from unreadable


def _cleaned(media_type: MediaType, content: bytes) -> bytes:
    if media_type is MediaType.TEXT:
        return plain_text(content)
    if media_type is MediaType.PDF:
        from chalicelib.services.cleaning import pdf  # noqa: PLC0415  Each file needs one of the readers alone.

        return pdf.rewritten(content)
    from chalicelib.services.cleaning import images  # noqa: PLC0415  As above.

    return images.redrawn(content, media_type)
