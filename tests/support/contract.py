"""Every answer that a test gets is checked against the OpenAPI document: status, media type and body."""

import json
from functools import lru_cache
from typing import Any

import jsonschema


def check_answer(method: str, path: str, status: int, content_type: str | None, body: bytes) -> None:
    """Raises AssertionError for an answer that the document does not describe."""
    found = _operation(method, path)
    if found is None or (status in {404, 405} and found is None):
        return
    template, operation = found
    described = operation["responses"].get(str(status))
    assert described is not None, (
        f"{method} {template} answers {status}, which its description does not name: {body[:300]!r}"
    )
    content = described.get("content")
    if not content:
        assert not body, f"{method} {template} answers {status} with a body"
        return
    media_type = (content_type or "").partition(";")[0]
    assert media_type in content, f"{method} {template} answers {status} as {content_type}"
    if media_type.endswith("json"):
        _validator(method, template, str(status), media_type).validate(json.loads(body))


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    from chalicelib.handlers import openapi

    document: dict[str, Any] = json.loads(openapi.document_json())
    return document


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    templates = sorted(_document()["paths"], key=lambda template: template.count("{"))
    for template in templates:
        operation = _document()["paths"][template].get(method.lower())
        if operation is not None and _fits(path, template):
            return template, operation
    return None


def _fits(path: str, template: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        part == want or (want.startswith("{") and part) for part, want in zip(parts, wanted, strict=True)
    )


@lru_cache(maxsize=256)
def _validator(method: str, template: str, status: str, media_type: str) -> Any:
    schema = _document()["paths"][template][method.lower()]["responses"][status]["content"][media_type]["schema"]
    whole = {**schema, "components": _document()["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
