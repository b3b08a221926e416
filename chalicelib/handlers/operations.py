"""What the portal knows of each of its operations.

Enough to sign a caller in, to parse, and to write the OpenAPI document.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chalicelib.domain.access import Policy
from chalicelib.errors import PortalError, TooLarge
from chalicelib.handlers.requests import BODY_LIMIT, JSON_TYPES


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    policy: Policy
    view: Callable[..., Any]
    summary: str
    status: int = 200
    answer: Any = None
    errors: tuple[type[PortalError], ...] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    raw: bool = False
    body_limit: int = BODY_LIMIT
    too_large: type[TooLarge] = TooLarge
    media_types: tuple[str, ...] = JSON_TYPES
    answer_type: str = "application/json"
    other_answers: dict[str, Any] = field(default_factory=dict)
    answer_schema: dict[str, Any] | None = None
    raw_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    creates: bool = False
    edits: bool = False
    tag: str = ""

    @property
    def id(self) -> str:
        """The OpenAPI operationId: the handler's module and function."""
        return f"{self.view.__module__.rpartition('.')[2]}_{self.view.__name__}"

    @property
    def takes_patient(self) -> bool:
        """Whether the path names a patient."""
        return "{pid}" in self.path


REGISTRY: list[Operation] = []
"""Every operation, in the order of registration."""
