"""The clinic's own systems: tokens, patients, activation codes, records."""

from chalicelib import errors
from chalicelib.clock import read_stamp
from chalicelib.domain.access import PUBLIC, ClientScope, client
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import clinic as shapes
from chalicelib.services import activation_codes, clients, patients

routes = Routes(__name__)

FHIR_LIMIT = 5 * 1024 * 1024
"""Bytes of a bundle that one call takes."""


@routes.post(
    "/v1/clinic/tokens",
    PUBLIC,
    status=201,
    answer=shapes.ClientToken,
    errors=(errors.WrongClientCredentials, errors.TooManyRequests),
)
def create_token(call: Call, body: shapes.ClientCredentials) -> Answer:
    """Get an access token for a service client."""
    tokens = clients.open_session(body.client_id, body.client_secret.get_secret_value(), call.source_ip)
    return Answer(shapes.ClientToken(access_token=tokens.access_token, expires_in=tokens.expires_in))


@routes.get("/v1/clinic/patients", client(ClientScope.PATIENTS_READ), answer=shapes.PatientPage)
def find_patients(call: Call, query: shapes.PatientsQuery) -> Answer:
    """Find patients by an identifier."""
    found = patients.find_by_identifier(call.actor, query.identifier)
    page, next_cursor = paging.page(call, found, lambda patient: patient.patient_id, query, identifier=query.identifier)
    items = [
        shapes.PatientRow(
            patient_id=patient.patient_id,
            clinic_number=patient.clinic_number,
            first_name=patient.first_name,
            last_name=patient.last_name,
            names=list(patient.names),
            birth_date=patient.birth_date,
            deceased=patient.deceased,
        )
        for patient in page
    ]
    return Answer(shapes.PatientPage(items=items, next_cursor=next_cursor))


@routes.post(
    "/v1/clinic/patients/{pid}/activation-codes",
    client(ClientScope.ACTIVATION_CODES_WRITE),
    status=201,
    answer=shapes.ActivationCode,
    creates=True,
    errors=(errors.NotFound, errors.PatientDeceased, errors.AccountExists, errors.ActivationCodeChanged),
)
def issue_activation_code(call: Call, body: shapes.NewActivationCode) -> Answer:
    """Issue an activation code for a patient; the one before it is dead."""
    issued = activation_codes.issue(call.actor, call.patient_id, call.once)
    return Answer(
        shapes.ActivationCode(
            patient_id=issued.patient_id,
            clinic_number=issued.clinic_number,
            activation_code=issued.activation_code,
            expires_at=read_stamp(issued.expires_at),
        )
    )


@routes.post(
    "/v1/clinic/fhir",
    client(ClientScope.RECORDS_WRITE),
    answer=shapes.ImportResult,
    body_limit=FHIR_LIMIT,
    media_types=("application/fhir+json", "application/json"),
    too_large=errors.BundleTooLarge,
    errors=(errors.NotFhir,),
)
def import_fhir(call: Call, body: bytes) -> Answer:
    """Import a FHIR R4 Bundle or one resource; importing it again changes nothing."""
    from chalicelib.services import imports  # noqa: PLC0415  A fifth of a cold start, which only an import should pay.

    done = imports.take_in(call.actor, body)
    refused = [shapes.Refused(index=refusal.index, reason=refusal.reason) for refusal in done.refused]
    return Answer(
        shapes.ImportResult(
            created=done.created,
            updated=done.updated,
            unchanged=done.unchanged,
            kept_raw=done.kept_raw,
            refused=refused,
        )
    )
