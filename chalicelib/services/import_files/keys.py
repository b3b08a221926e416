"""Where an import's files lie in the bucket: names that say nothing of what is in them."""

_UPLOADS = "uploads/"


def upload_key(import_id: str) -> str:
    """The file to import."""
    return f"{_UPLOADS}{import_id}"


def import_of(key: str) -> str:
    """The import that a file was uploaded for."""
    return key.removeprefix(_UPLOADS)


def numbers_key(import_id: str) -> str:
    """By what the Social Security numbers of the file's patients are known again."""
    return f"working/{import_id}"


def reject_part_key(import_id: str, number: int) -> str:
    """What was refused of one batch; written again it is the same."""
    return f"rejects/{import_id}/{number:08d}.ndjson"


def rejects_key(import_id: str) -> str:
    """All that was refused."""
    return f"rejects/{import_id}.ndjson"
