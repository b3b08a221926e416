import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chalice.app import Blueprint, Chalice, Response

from infra.local.gateway import BODY_LIMIT, Gateway, HttpRequest, allow_origins

_LOCAL_APP = "http://localhost:5173"


def _echo_app() -> Chalice:  # noqa: C901  One small route per trap.
    app = Chalice("echo")
    everyone = threading.Barrier(8)
    blueprint = Blueprint(__name__)

    @app.route("/event", methods=["GET", "POST"], content_types=["*/*"])
    def event() -> Any:
        assert app.current_request is not None
        return app.current_request.to_original_event()

    @app.route("/things/{thing_id}")
    def thing(thing_id: str) -> Any:
        return {"matched": "thing", "thing_id": thing_id}

    @app.route("/things/new")
    def new_thing() -> Any:
        return {"matched": "new"}

    @app.route("/things/{thing_id}/parts/{part_id}")
    def part(thing_id: str, part_id: str) -> Any:
        return {"matched": "part", "thing_id": thing_id, "part_id": part_id}

    @app.route("/picture")
    def picture() -> Any:
        return Response(b"\x89PNG\xff", headers={"Content-Type": "image/png"})

    @app.route("/cookies")
    def cookies() -> Any:
        return Response("", headers={"Set-Cookie": ["a=1", "b=2"], "X-One": "1", "Content-Type": "text/plain"})

    @app.route("/unrenderable")
    def unrenderable() -> Any:
        return {"when": {1, 2}}

    @app.route("/much")
    def much() -> Any:
        return {"text": "x" * (6 * 1024 * 1024)}

    @app.route("/context")
    def context() -> Any:
        return {
            "request_id": app.lambda_context.aws_request_id,
            "remaining": app.lambda_context.get_remaining_time_in_millis(),
            "function": app.lambda_context.function_name,
        }

    @blueprint.route("/mine/{caller}")
    def mine(caller: str) -> Any:
        # Eight callers stand here at once before any of them reads: what one thread sees must not be another's.
        everyone.wait(timeout=10)
        request, lambda_context = blueprint.current_request, blueprint.lambda_context
        assert request.query_params is not None
        return {
            "path": caller,
            "query": request.query_params["caller"],
            "same_context": lambda_context is request.lambda_context,
        }

    app.register_blueprint(blueprint)
    return app


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(_echo_app(), allow_origins([_LOCAL_APP]), lambda code: f"https://portal.example/v1/errors#{code}")


def _get(gateway: Gateway, path: str, query: str = "", *headers: tuple[str, str]) -> Any:
    answer = gateway.handle(HttpRequest("GET", path, query, headers))
    assert answer.status == 200, answer
    return answer.json()


def test_400_calls_at_once_each_see_their_own_request(gateway: Gateway) -> None:
    def call(caller: int) -> Any:
        return _get(gateway, f"/mine/{caller}", f"caller={caller}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(400)))
    assert answers == [{"path": str(n), "query": str(n), "same_context": True} for n in range(400)]


def test_a_query_arrives_decoded_with_its_last_value_and_with_all(gateway: Gateway) -> None:
    event = _get(gateway, "/event", "name=Zo%C3%AB&tag=a+b&tag=c%26d&blank=")
    assert event["queryStringParameters"] == {"name": "Zoë", "tag": "c&d", "blank": ""}
    assert event["multiValueQueryStringParameters"] == {"name": ["Zoë"], "tag": ["a b", "c&d"], "blank": [""]}


def test_what_was_not_sent_arrives_as_null(gateway: Gateway) -> None:
    event = _get(gateway, "/event")
    absent = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body")
    assert {name: event[name] for name in absent} == dict.fromkeys(absent)
    assert event["isBase64Encoded"] is False


def test_a_repeated_header_arrives_as_its_last_value_and_as_all(gateway: Gateway) -> None:
    event = _get(gateway, "/event", "", ("X-Tag", "one"), ("x-tag", "two"), ("Accept-Language", "es"))
    assert (event["headers"]["X-Tag"], event["multiValueHeaders"]["X-Tag"]) == ("two", ["one", "two"])
    assert event["headers"]["Accept-Language"] == "es"


def test_the_source_address_is_the_connections_and_never_a_headers(gateway: Gateway) -> None:
    request = HttpRequest("GET", "/event", headers=[("X-Forwarded-For", "203.0.113.9")], source_ip="127.0.0.7")
    event = gateway.handle(request).json()
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.7"
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.7"


def test_the_request_context_names_the_resource_and_a_new_request_id_each_time(gateway: Gateway) -> None:
    first, second = _get(gateway, "/event"), _get(gateway, "/event")
    context = first["requestContext"]
    assert (first["resource"], context["resourcePath"], context["httpMethod"]) == ("/event", "/event", "GET")
    assert context["path"] == first["path"] == "/event"
    assert context["requestId"] != second["requestContext"]["requestId"]


def test_a_literal_part_wins_over_a_parameter(gateway: Gateway) -> None:
    assert _get(gateway, "/things/new") == {"matched": "new"}
    assert _get(gateway, "/things/newer") == {"matched": "thing", "thing_id": "newer"}


def test_path_parameters_arrive_percent_encoded(gateway: Gateway) -> None:
    found = _get(gateway, "/things/a%2Fb/parts/%C3%A9")
    assert found == {"matched": "part", "thing_id": "a%2Fb", "part_id": "%C3%A9"}


def test_one_trailing_slash_is_ignored_and_an_empty_part_matches_nothing(gateway: Gateway) -> None:
    assert _get(gateway, "/things/new/") == {"matched": "new"}
    assert gateway.handle(HttpRequest("GET", "/things//parts/1")).status == 404


def test_a_text_body_arrives_as_text_and_a_binary_one_as_base64(gateway: Gateway) -> None:
    text = gateway.handle(HttpRequest("POST", "/event", headers=[("Content-Type", "text/plain")], body="né".encode()))
    assert (text.json()["body"], text.json()["isBase64Encoded"]) == ("né", False)
    png = gateway.handle(HttpRequest("POST", "/event", headers=[("Content-Type", "image/png")], body=b"\x89\xff"))
    assert (base64.b64decode(png.json()["body"]), png.json()["isBase64Encoded"]) == (b"\x89\xff", True)


def test_a_binary_answer_is_decoded_only_for_a_first_accepted_type_that_is_binary(gateway: Gateway) -> None:
    plain = gateway.handle(HttpRequest("GET", "/picture", headers=[("Accept", "image/png")]))
    assert plain.body == b"\x89PNG\xff"
    second = gateway.handle(HttpRequest("GET", "/picture", headers=[("Accept", "text/html, image/png")]))
    assert base64.b64decode(second.body) == b"\x89PNG\xff"


def test_a_header_with_several_values_leaves_as_several_headers(gateway: Gateway) -> None:
    headers = gateway.handle(HttpRequest("GET", "/cookies")).headers
    assert [value for name, value in headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert ("X-One", "1") in headers
    assert ("Content-Type", "text/plain") in headers


def test_the_context_is_lambdas(gateway: Gateway) -> None:
    found = _get(gateway, "/context")
    assert found["request_id"]
    assert 0 < found["remaining"] <= 29_000
    assert found["function"] == "echo-local"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (HttpRequest("GET", "/nowhere"), 404, "not_found"),
        (HttpRequest("DELETE", "/event"), 405, "method_not_allowed"),
        (HttpRequest("HEAD", "/event"), 405, "method_not_allowed"),
        (HttpRequest("POST", "/event", body=b"x" * (BODY_LIMIT + 1)), 413, "payload_too_large"),
        (HttpRequest("GET", "/unrenderable"), 502, "internal_error"),
        (HttpRequest("GET", "/much"), 502, "internal_error"),
    ],
    ids=lambda value: value.path if isinstance(value, HttpRequest) else str(value),
)
def test_an_answer_of_the_gateways_own_is_a_problem(
    gateway: Gateway, request_: HttpRequest, status: int, code: str
) -> None:
    answer = gateway.handle(request_)
    assert (answer.status, answer.header("Content-Type")) == (status, "application/problem+json")
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"https://portal.example/v1/errors#{code}"
    assert problem["request_id"]


def test_a_405_names_the_methods_that_are_allowed(gateway: Gateway) -> None:
    assert gateway.handle(HttpRequest("PUT", "/event")).header("Allow") == "GET, POST"


def test_only_a_configured_origin_may_read_the_gateways_own_answers(gateway: Gateway) -> None:
    ours = gateway.handle(HttpRequest("GET", "/nowhere", headers=[("Origin", _LOCAL_APP)]))
    assert ours.header("Access-Control-Allow-Origin") == _LOCAL_APP
    foreign = gateway.handle(HttpRequest("GET", "/nowhere", headers=[("Origin", "https://evil.example")]))
    assert foreign.header("Access-Control-Allow-Origin") is None
    assert foreign.header("Vary") == ours.header("Vary") == "Origin"


def test_a_body_at_the_limit_still_reaches_the_app(gateway: Gateway) -> None:
    # The app answers a 10 MB echo, which is over Lambda's own limit: the 502 shows that the function was called.
    body = json.dumps("x" * (BODY_LIMIT - 2)).encode()
    assert gateway.handle(HttpRequest("POST", "/event", body=body)).status == 502


def test_a_second_gateway_on_the_same_app_changes_nothing() -> None:
    app = _echo_app()
    first = Gateway(app)
    swapped = type(app)
    second = Gateway(app)
    assert type(app) is swapped
    assert _get(first, "/things/new") == _get(second, "/things/new")
