"""The same feedback to many workers at once (DL 2 and 5): one effect, one answer."""

import json
import uuid
from typing import Any

import pytest

from chalicelib.domain.notices import Channel
from chalicelib.services import suppressions
from infra.local.lambda_proxy import LambdaContext
from tests.support.crowd import at_once
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.setting import setting
from tests.support.sns import Signer

pytestmark = [pytest.mark.race, pytest.mark.promise]

WORKERS = 20


def _receive(portal: Portal, body: str) -> Any:
    event = {"Records": [{"messageId": "m", "body": body}]}
    return portal.app.receive_feedback(event, LambdaContext("receive_feedback"))["batchItemFailures"]


def test_one_stop_at_many_workers_is_one_suppression_and_one_answer(portal: Portal, promise: Promise) -> None:
    signer, number = Signer(), f"+1312{2_000_000 + uuid.uuid4().int % 7_000_000}"
    message = {
        "originationNumber": number,
        "destinationNumber": "+13125550100",
        "messageKeyword": "KEYWORD",
        "messageBody": "STOP",
        "inboundMessageId": str(uuid.uuid4()),
    }
    with setting("SNS_SIGNING_CERTIFICATE", signer.certificate):
        body = json.dumps(signer.notification(message))
        at_once(WORKERS, lambda _: _receive(portal, body))
        # Whoever found another at work gets it again.
        assert _receive(portal, body) == []
    address_id = suppressions.address_id(Channel.SMS, number)
    entries = [row for row in portal.rows("audit") if address_id in row["about"]["S"]]
    texts = [sms for sms in portal.aws.sent_sms() if sms.to == number]
    promise("DL 2", f"one STOP at {WORKERS} workers at once: suppressions", asked=1, measured=len(entries))
    promise("DL 2", f"one STOP at {WORKERS} workers at once: answers", asked=1, measured=len(texts))
    assert suppressions.is_suppressed(Channel.SMS, number)
