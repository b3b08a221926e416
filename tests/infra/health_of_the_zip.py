"""Run alone, by the package test: imports the unpacked zip named by its argument and asks it for its health."""

import json
import sys
import sysconfig
from types import SimpleNamespace
from typing import Any

EVENT: dict[str, Any] = {
    "resource": "/v1/health",
    "path": "/v1/health",
    "httpMethod": "GET",
    "headers": {"Host": "api.portal.example", "Accept": "application/json"},
    "multiValueHeaders": {"Host": ["api.portal.example"], "Accept": ["application/json"]},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {
        "resourcePath": "/v1/health",
        "httpMethod": "GET",
        "path": "/api/v1/health",
        "stage": "api",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
        "accountId": "000000000000",
        "apiId": "abcdefghij",
        "protocol": "HTTP/1.1",
    },
    "body": None,
    "isBase64Encoded": False,
}
CONTEXT = SimpleNamespace(
    aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    function_name="portal-api",
    function_version="$LATEST",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:portal-api",
    get_remaining_time_in_millis=lambda: 28_000,
)


def main(folder: str) -> None:
    """Print the answer, and which files outside the folder and the standard library were imported for it."""
    standard_library = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
    sys.path.insert(0, folder)
    from app import app

    answer = app(EVENT, CONTEXT)
    files = [str(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
    own = [file for file in files if file.startswith((folder, *standard_library)) and "site-packages" not in file]
    foreign = sorted(set(files) - set(own) - {__file__})
    print(json.dumps({"status": answer["statusCode"], "body": answer["body"], "foreign": foreign}))


if __name__ == "__main__":
    main(sys.argv[1])
