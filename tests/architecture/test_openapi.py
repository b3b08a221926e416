"""The OpenAPI document is valid, complete and described; API.md's names are in it."""

from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest

import app as _app
from chalicelib.handlers import fhir_api, openapi, pages
from chalicelib.handlers.operations import REGISTRY

_DOCUMENT = openapi.document()
_METHODS = {"get", "put", "post", "delete", "patch", "head"}


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in _DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


_OPERATIONS = dict(_operations())


def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _DOCUMENT["components"]["schemas"][name]
    return found


def test_the_document_is_valid_openapi_3_1() -> None:
    assert _DOCUMENT["openapi"].startswith("3.1")
    openapi_spec_validator.validate(_DOCUMENT)


def test_every_route_that_chalice_serves_is_in_the_document() -> None:
    served = {f"{method} {path}" for path, methods in _app.app.routes.items() for method in methods}
    assert {route for route in served - pages.REFUSED - fhir_api.REFUSED if not route.startswith("OPTIONS ")} == set(
        _OPERATIONS
    )
    assert len(_OPERATIONS) == len(REGISTRY)


def test_every_path_answers_a_preflight() -> None:
    assert {path for path, methods in _app.app.routes.items() if "OPTIONS" not in methods} == set()


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for operation in _OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def test_every_operation_is_described_and_under_a_tag_that_is_described() -> None:
    tags = {tag["name"]: tag["description"] for tag in _DOCUMENT["tags"]}
    for route, operation in _OPERATIONS.items():
        assert operation["summary"].endswith((".", "?")) or len(operation["summary"]) > 3, route
        assert operation["description"], route
        assert all(tags[tag] for tag in operation["tags"]), route
    assert {tag for operation in _OPERATIONS.values() for tag in operation["tags"]} == set(tags)


def test_every_parameter_schema_and_answer_is_described() -> None:
    for route, operation in _OPERATIONS.items():
        assert [member["name"] for member in operation["parameters"] if not member["description"]] == [], route
        assert [status for status, told in operation["responses"].items() if not told["description"]] == [], route
    assert [name for name, schema in _DOCUMENT["components"]["schemas"].items() if not schema["description"]] == []


def test_every_refusal_is_a_problem_a_link_s_a_page_and_fhir_s_an_operation_outcome() -> None:
    for route, operation in _OPERATIONS.items():
        refusals = {status: told for status, told in operation["responses"].items() if int(status) >= 400}
        media_type = "text/html" if "/l/" in route else "application/problem+json"
        media_type = "application/fhir+json" if " /fhir/" in route else media_type
        for status, told in refusals.items():
            assert set(told.get("content", ())) == (set() if route.startswith("HEAD") else {media_type}), (
                route,
                status,
            )
            assert "X-Request-Id" in told["headers"], (route, status)
        assert {"500", "503"} <= refusals.keys(), route


@pytest.mark.parametrize(
    ("status", "name"), [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")]
)
def test_the_headers_that_help_are_described(status: str, name: str) -> None:
    told = [operation["responses"][status] for operation in _OPERATIONS.values() if status in operation["responses"]]
    assert told
    assert all(name in answer["headers"] for answer in told)


def test_what_needs_a_caller_says_so_and_answers_401_and_403() -> None:
    for route, operation in _OPERATIONS.items():
        if operation["security"] and {} not in operation["security"]:
            assert {"401", "403"} <= operation["responses"].keys(), route
    assert _OPERATIONS["GET /v1/config"]["security"] == []
    assert _OPERATIONS["GET /v1/me"]["security"] == [{"bearer": []}, {"cookie": []}]
    assert _OPERATIONS["PATCH /v1/me"]["security"] == [{"bearer": []}, {"cookie": [], "csrf": []}]
    assert _OPERATIONS["POST /v1/clinic/fhir"]["security"] == [{"bearer": []}]


def test_numbers_are_numbers() -> None:
    kinds = [kind.get("type") for kind in _schema("Row")["properties"]["value"]["anyOf"]]
    assert {"number", "integer", "string", "boolean", "null"} <= set(kinds)
    assert {"number", "integer"} <= {kind.get("type") for kind in _schema("Quantity")["properties"]["value"]["anyOf"]}
    low = _schema("ReferenceRange")["properties"]["low"]
    assert {kind.get("type") for kind in low["anyOf"]} == {"integer", "number"}


_FIELDS = {
    "Config": "clinic_name portal_url official_hosts senders languages features registration apps supported_browsers "
    "maintenance",
    "RegistrationRules": "methods minimum_age security_questions",
    "Legal": "version text",
    "ActivationCodeRegistration": "method clinic_number activation_code first_name last_name date_of_birth email "
    "mobile_phone",
    "IdentityMatchRegistration": "method first_name last_name date_of_birth phone_last4 ssn_last4",
    "ClinicNumberRegistration": "method clinic_number first_name last_name date_of_birth email",
    "Registration": "registration_id registration_token expires_at terms_version code_sent_to",
    "SecurityQuestion": "question_id text",
    "NewAccount": "registration_token code username password security_answers terms_version email device_name "
    "transport",
    "SecurityAnswer": "question_id answer",
    "EmailVerification": "token date_of_birth",
    "SignIn": "username password device_name transport",
    "Session": "access_token refresh_token token_type expires_in account csrf_token",
    "Refresh": "refresh_token",
    "Account": "account_id patient_id username email email_verified mobile_phone language time_zone roles",
    "PasswordChange": "current_password new_password",
    "Notice": "notice_id patient_id title sent_at read_at channels target",
    "NoticeChannel": "channel status",
    "NoticeTarget": "kind id",
    "NoticePage": "items next_cursor",
    "NewPushDevice": "platform push_token",
    "PushDevice": "device_id platform created_at refreshed_at",
    "Preferences": "rows quiet_hours time_zone language",
    "PreferenceRow": "notice_type lead_time channels locked",
    "SecurityPhrase": "security_phrase",
    "CurrentSession": "csrf_token expires_at step_up_until",
    "SessionPage": "items next_cursor",
    "PasswordResetRequest": "identifier",
    "PasswordReset": "reset_id expires_at",
    "PasswordResetConfirmation": "otp token new_password security_answer",
    "UsernameReminderRequest": "email",
    "Question": "question_id text",
    "Summary": "patient next_appointments questionnaires_due new_results medication_changes refills_due requests_open "
    "unread_messages balance alerts conditions medications allergies",
    "RecordPage": "items next_cursor",
    "Row": "record_id category title status code occurred_at recorded_at value unit reference_range interpretation "
    "components dosage prescriber",
    "Code": "system code display",
    "ClientCredentials": "grant_type client_id client_secret",
    "ClientToken": "access_token token_type expires_in",
    "ImportResult": "created updated unchanged kept_raw refused",
    "Refused": "index reason",
    "PatientRow": "patient_id clinic_number birth_date",
    "PatientPage": "items next_cursor",
    "NewActivationCode": "deliver",
    "ActivationCode": "clinic_number activation_code expires_at",
    "EventPage": "items next_cursor",
    "EventRow": "event_id type occurred_at patient_id",
    "NewWebhook": "url types",
    "CreatedWebhook": "webhook_id secret",
    "Problem": "type title status detail code request_id errors question",
    "FieldErrorShape": "pointer code detail",
    "ErrorEntry": "code status cure type",
}
"""The fields that API.md names, of what exists."""


@pytest.mark.parametrize("name", sorted(_FIELDS))
def test_the_contracts_fields_are_in_the_document(name: str) -> None:
    assert set(_FIELDS[name].split()) - _schema(name)["properties"].keys() == set()


_CATEGORIES = """lab vital medication condition allergy immunization procedure encounter report document imaging
care_plan goal social_history care_team family_history device order questionnaire_response"""


def test_the_contracts_calls_and_parameters_are_in_the_document() -> None:
    records = {member["name"] for member in _OPERATIONS["GET /v1/patients/{pid}/records"]["parameters"]}
    assert {"category", "from", "to", "encounter", "q", "limit", "cursor"} <= records
    assert set(_schema("Category")["enum"]) == set(_CATEGORIES.split())
    assert {
        "GET /v1/config", "GET /v1/legal/{kind}", "GET /v1/health", "GET /v1/openapi.json", "GET /v1/errors",
        "GET /v1/security-questions", "POST /v1/registrations", "POST /v1/registrations/{registration_id}/account",
        "POST /v1/email-verifications", "POST /v1/sessions", "POST /v1/sessions/refresh", "GET /v1/me", "PATCH /v1/me",
        "PUT /v1/me/password", "GET /v1/sessions", "GET /v1/sessions/current", "DELETE /v1/sessions/{session_id}",
        "DELETE /v1/sessions/current", "DELETE /v1/sessions/others", "GET /v1/patients/{pid}/summary",
        "GET /v1/patients/{pid}/records", "GET /v1/patients/{pid}/records/{record_id}", "POST /v1/clinic/tokens",
        "GET /v1/clinic/events", "GET /v1/clinic/webhooks", "POST /v1/clinic/webhooks",
        "GET /v1/clinic/patients", "POST /v1/clinic/patients/{pid}/activation-codes", "POST /v1/clinic/fhir",
        "POST /v1/password-resets", "POST /v1/password-resets/{reset_id}/confirm", "POST /v1/username-reminders",
        "GET /l/{token}", "HEAD /l/{token}", "POST /l/{token}",
    } <= _OPERATIONS.keys()  # fmt: skip
