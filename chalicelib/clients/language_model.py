"""A language model behind Amazon Bedrock's Converse API.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from chalicelib.clients.aws import Permanent, Refusal, client, translated
from chalicelib.settings import settings

_MOST_TOKENS = 2_000
_WHOLE = "end_turn"


def converse(system: str, text: str) -> str:
    """What the deployment's model replies to a text; `system` says how. Raises Retryable or Permanent.

    A reply that was cut off, or that a guardrail took out, is none.
    """
    with translated(_never):
        answer = client("bedrock-runtime").converse(
            modelId=settings().language_model,
            system=[{"text": system}],
            messages=[{"role": "user", "content": [{"text": text}]}],
            inferenceConfig={"maxTokens": _MOST_TOKENS, "temperature": 0},
        )
    if answer["stopReason"] != _WHOLE:
        raise Permanent(str(answer["stopReason"]))
    return "".join(part.get("text", "") for part in answer["output"]["message"]["content"])


def _never(refusal: Refusal) -> str | None:
    known = {"ValidationException", "AccessDeniedException", "ResourceNotFoundException"}
    return refusal.code if refusal.code in known else None
