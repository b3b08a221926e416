"""Everything that the portal sent on this machine, in the shape of the console's `/outbox.json`."""

import threading
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from chalicelib import clock
from infra.local.aws import Aws


@dataclass(frozen=True)
class Message:
    """One message that went out. `sent_at` is RFC 3339 in UTC, by the portal's clock."""

    id: str
    channel: Literal["email", "sms", "push"]
    to: str
    subject: str | None
    text: str | None
    html: str | None
    sent_at: str = ""
    payload: dict[str, Any] | None = None
    """What the app on the device gets, for a push alone."""


class Mailbox:
    """Collects what the embedded AWS took for delivery, and when it was first seen there.

    `collect` is called after each round of the pump, which is what sends, so that the times are those of sending.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._messages: dict[str, Message] = {}
        self._lock = threading.Lock()

    def collect(self) -> None:
        """Take in what went out since the last time."""
        now = clock.stamp(clock.now())
        with self._lock:
            for message in self._sent():
                if message.id not in self._messages:
                    self._messages[message.id] = replace(message, sent_at=now)

    def messages(self) -> list[Message]:
        """Every message, newest last."""
        self.collect()
        with self._lock:
            return list(self._messages.values())

    def find(self, message_id: str) -> Message | None:
        """A message by its id."""
        self.collect()
        with self._lock:
            return self._messages.get(message_id)

    def as_json(self) -> list[dict[str, Any]]:
        """Every message for programs; `payload` is on pushes only."""
        found = [asdict(message) for message in self.messages()]
        return [{name: value for name, value in one.items() if (name, value) != ("payload", None)} for one in found]

    def _sent(self) -> list[Message]:
        emails = [
            Message(email.message_id, "email", ", ".join(email.to), email.subject, email.text, email.html)
            for email in self._aws.sent_emails()
        ]
        texts = [Message(sms.message_id, "sms", sms.to, None, sms.text, None) for sms in self._aws.sent_sms()]
        pushes = [
            Message(push.message_id, "push", push.token, None, push.alert, None, payload=dict(push.payload))
            for push in self._aws.sent_pushes()
        ]
        return emails + texts + pushes
