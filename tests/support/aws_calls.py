"""What the portal's own AWS clients send: recorded, counted, and made to fail, by botocore's event hooks.

The embedded AWS has clients of its own, which are not heard here.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

from botocore.exceptions import ClientError, ConnectTimeoutError

SERVICES = ("bedrock-runtime", "pinpoint-sms-voice-v2", "s3", "secretsmanager", "sesv2", "sns", "sqs", "textract")
"""The services of chalicelib/clients; DynamoDB's client is PynamoDB's."""


@dataclass(frozen=True)
class AwsCall:
    """One call of an AWS API, before it is sent."""

    service: str
    operation: str
    params: dict[str, Any]

    @property
    def items(self) -> list[tuple[str, dict[str, Any]]]:
        """The writes of a transaction: Put, Update, Delete or ConditionCheck, with its request."""
        return [(kind, item) for one in self.params.get("TransactItems", ()) for kind, item in one.items()]

    def writes_to(self, area: str) -> bool:
        """Whether it puts, changes or deletes a row of an area's table, in a transaction or alone."""
        tables = {item["TableName"] for kind, item in self.items if kind != "ConditionCheck"}
        if self.operation in {"PutItem", "UpdateItem", "DeleteItem"}:
            tables.add(self.params["TableName"])
        return any(table.endswith(f"-{area}") for table in tables)

    @property
    def is_write(self) -> bool:
        return any(self.writes_to(area) for area in ("accounts", "patients", "audit", "outbox"))


Hook: TypeAlias = Callable[[AwsCall], None]


def clients() -> dict[str, Any]:
    """The clients that the portal makes its calls by, by their services."""
    from chalicelib.clients.aws import client
    from chalicelib.models.base import connection

    return {**{service: client(service) for service in SERVICES}, "dynamodb": connection().client}


@contextmanager
def hooked(hook: Hook) -> Iterator[None]:
    """Shows every call to `hook` before it is sent; what the hook raises is what the portal gets."""
    with ExitStack() as ends:
        for service, client in clients().items():
            name = uuid4().hex

            def listen(params: Any, model: Any, service: str = service, **_rest: Any) -> None:
                hook(AwsCall(service, model.name, params))

            client.meta.events.register("before-parameter-build", listen, name)
            ends.callback(client.meta.events.unregister, "before-parameter-build", listen, name)
        yield


@contextmanager
def recorded() -> Iterator[list[AwsCall]]:
    """Collects every call."""
    calls: list[AwsCall] = []
    with hooked(calls.append):
        yield calls


@contextmanager
def failing(
    matches: Callable[[AwsCall], bool], error: BaseException, *, times: int | None = None
) -> Iterator[list[AwsCall]]:
    """Lets the matching calls fail, the first `times` of them or all, before they are sent; collects them."""
    failed: list[AwsCall] = []

    def fail(call: AwsCall) -> None:
        if matches(call) and (times is None or len(failed) < times):
            failed.append(call)
            # One exception that is raised many times would carry the frames of all of them along.
            raise error.with_traceback(None)

    with hooked(fail):
        yield failed


def unreachable() -> Exception:
    """The service does not answer."""
    error: Exception = ConnectTimeoutError(endpoint_url="https://service.invalid")
    return error


def refused(code: str, operation: str = "Operation", message: str = "") -> Exception:
    """The service refuses with a code."""
    error: Exception = ClientError({"Error": {"Code": code, "Message": message}}, operation)
    return error
