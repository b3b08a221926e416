"""What the portal knows of each of its operations.

Enough to sign a caller in, to parse, and to write the OpenAPI document.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chalicelib.domain.access import Policy
from chalicelib.domain.clinic_settings import Feature
from chalicelib.errors import PortalError, TooLarge
from chalicelib.handlers.requests import BODY_LIMIT, JSON_TYPES
from chalicelib.schemas.base import NoQuery


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    The clinic can switch off the `feature` that it belongs to; with `limits_refusals` a network that is refused too
    often has to wait.
    """

    method: str
    path: str
    policy: Policy
    view: Callable[..., Any]
    summary: str
    status: int = 200
    answer: Any = None
    errors: tuple[type[PortalError], ...] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    takes_query: bool = False
    raw: bool = False
    body_limit: int = BODY_LIMIT
    too_large: type[TooLarge] = TooLarge
    media_types: tuple[str, ...] = JSON_TYPES
    answer_type: str = "application/json"
    other_statuses: dict[int, Any] = field(default_factory=dict)
    other_answers: dict[str, Any] = field(default_factory=dict)
    answer_schema: dict[str, Any] | None = None
    raw_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    creates: bool = False
    limits_refusals: bool = False
    edits: bool = False
    tells_version: bool = False
    step_up: bool = False
    feature: Feature | None = None

    @property
    def id(self) -> str:
        """The OpenAPI operationId: the handler's module and function."""
        name = f"{self.tag}_{self.view.__name__}"
        return f"{name}_head" if self.method == "HEAD" else name

    @property
    def takes_body(self) -> bool:
        """Whether a body is read at all."""
        return self.raw or self.body is not None

    @property
    def reads_body(self) -> bool:
        """Whether a body is looked at, be it to refuse what nobody asked for."""
        return self.takes_body or self.method in {"POST", "PUT", "PATCH"}

    @property
    def tag(self) -> str:
        """The feature that it belongs to: the handler's module."""
        return self.view.__module__.rpartition(".")[2]

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing (RFC 9110, section 9.2.1)."""
        return self.method in {"GET", "HEAD"}

    @property
    def takes_patient(self) -> bool:
        """Whether the path names a patient."""
        return "{pid}" in self.path


REGISTRY: list[Operation] = []
"""Every operation, in the order of registration."""
