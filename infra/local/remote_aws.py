"""The embedded AWS of another process, as the portal, the pump and tests of this one use it."""

import http.client
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from infra.local.environment import environment, forget_stack, without_own_account
from infra.local.resources import Created
from infra.local.template import Deployed

if TYPE_CHECKING:
    from infra.local.outgoing import SentEmail, SentPush, SentSms

CLIENT_NAME = "local-runner"
"""What the runner's own clients add to their user agent, to tell their calls from the portal's."""

_SECONDS = 30


class RemoteAws:
    """A server of infra.local.aws_server, by its URL; a context manager.

    While it is started, the environment of this process leads the portal to that server, and to nothing else of AWS.
    A process may use it without starting it, to look at the server from outside. Raises OSError where none answers.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: dict[str, Any] = {}
        self._stops = ExitStack()
        self.variables: Mapping[str, str] = MappingProxyType(self._ask("GET", "environment.json"))
        self._deployed = _deployed(self._ask("GET", "deployed.json"))

    def start(self) -> Deployed:
        """This process's portal uses the server from now on."""
        files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self._stops.enter_context(environment({**without_own_account(), **files, **self.variables}))
        self._stops.callback(forget_stack)
        forget_stack()
        return self._deployed

    def stop(self) -> None:
        """Puts the environment back; the server goes on."""
        self._stops.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def deployed(self) -> Deployed:
        """Names, URLs and ARNs by logical id, and the stack's outputs."""
        return self._deployed

    def client(self, service: str) -> Any:
        """A boto3 client for the server, whatever the environment says."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=self.variables["AWS_REGION"],
                endpoint_url=self._url,
                aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
                config=Config(user_agent_extra=CLIENT_NAME),
            )
        return self._clients[service]

    def sent_emails(self) -> "list[SentEmail]":
        """The emails that SES took, oldest first."""
        from infra.local.outgoing import SentEmail

        return [SentEmail(**{**sent, "to": tuple(sent["to"])}) for sent in self._outbox()["emails"]]

    def sent_sms(self) -> "list[SentSms]":
        """The text messages that SNS took, oldest first."""
        from infra.local.outgoing import SentSms

        return [SentSms(**sent) for sent in self._outbox()["sms"]]

    def sent_pushes(self) -> "list[SentPush]":
        """The pushes that SNS took for devices, oldest first."""
        from infra.local.outgoing import SentPush

        return [SentPush(**sent) for sent in self._outbox()["pushes"]]

    def wipe(self) -> None:
        """Empties rows, objects, queues and sent mail. Tables, the root key and stream positions stay."""
        self._ask("POST", "wipe")

    def end_visibility_timeouts(self) -> int:
        """Has the messages that a dead worker took come back now, as they would after their time; how many."""
        ended: int = self._ask("POST", "end-visibility-timeouts")
        return ended

    def _outbox(self) -> dict[str, list[dict[str, Any]]]:
        outbox: dict[str, list[dict[str, Any]]] = self._ask("GET", "outbox.json")
        return outbox

    def _ask(self, method: str, name: str) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=_SECONDS)
        try:
            connection.request(method, f"/_portal/{name}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                raise OSError(f"the AWS server answers {answer.status} to {method} {name}")
            return json.loads(body)
        finally:
            connection.close()


def _deployed(found: Mapping[str, Any]) -> Deployed:
    resources = {name: Created(**made) for name, made in found["resources"].items()}
    return Deployed(found["stack"], MappingProxyType(resources), MappingProxyType(found["outputs"]))
