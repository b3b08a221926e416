"""The clinic's own systems: tokens, patients, activation codes, records."""

from chalicelib import errors
from chalicelib.clock import read_stamp
from chalicelib.domain.access import PUBLIC, ClientScope, client, clinic
from chalicelib.domain.notices import Channel
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import clinic as shapes
from chalicelib.services import activation_codes, clients, patients
from chalicelib.services.patients import FoundPatient

routes = Routes(__name__)

_CODES = clinic(ClientScope.ACTIVATION_CODES_WRITE, Permission.ACTIVATION_CODES_WRITE)

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


@routes.get(
    "/v1/clinic/patients", clinic(ClientScope.PATIENTS_READ, Permission.PATIENTS_FIND), answer=shapes.PatientPage
)
def find_patients(call: Call, query: shapes.PatientsQuery) -> Answer:
    """Find patients by an identifier."""
    found = patients.find_by_identifier(call.actor, query.identifier)
    page, next_cursor = paging.page(call, found, lambda patient: patient.patient_id, query, identifier=query.identifier)
    return Answer(shapes.PatientPage(items=[patient_row(patient) for patient in page], next_cursor=next_cursor))


def patient_row(patient: FoundPatient) -> shapes.PatientRow:
    """A patient in a list."""
    return shapes.PatientRow(
        patient_id=patient.patient_id,
        clinic_number=patient.clinic_number,
        first_name=patient.first_name,
        last_name=patient.last_name,
        names=list(patient.names),
        birth_date=patient.birth_date,
        deceased=patient.deceased,
        merged_from=list(patient.merged_from),
    )


@routes.post(
    "/v1/clinic/patients/{pid}/activation-codes",
    _CODES,
    status=201,
    answer=shapes.ActivationCode,
    creates=True,
    errors=(
        errors.NotFound,
        errors.PatientMerged,
        errors.PatientDeceased,
        errors.AccountExists,
        errors.ActivationCodeChanged,
    ),
)
def issue_activation_code(call: Call, body: shapes.NewActivationCode) -> Answer:
    """Issue an activation code for a patient; the one before it is dead."""
    channel = Channel(body.deliver) if body.deliver in set(Channel) else None
    issued = activation_codes.issue(call.actor, call.patient_id, call.once, channel)
    return Answer(
        shapes.ActivationCode(
            patient_id=issued.patient_id,
            clinic_number=issued.clinic_number,
            activation_code=issued.activation_code,
            expires_at=read_stamp(issued.expires_at),
            sent_to=issued.sent_to,
        )
    )


@routes.get(
    "/v1/clinic/patients/{pid}/activation-codes",
    _CODES,
    answer=shapes.ActivationCodeState,
    errors=(errors.NotFound, errors.PatientMerged),
)
def read_activation_code(call: Call) -> Answer:
    """Read how a patient's activation code is; the code itself is not shown again."""
    known = activation_codes.read(call.actor, call.patient_id)
    return Answer(
        shapes.ActivationCodeState(
            patient_id=known.patient_id,
            state=known.state,
            issued_at=read_stamp(known.issued_at) if known.issued_at else None,
            expires_at=read_stamp(known.expires_at) if known.expires_at else None,
            tries_left=known.tries_left,
            sent_to=known.sent_to,
        )
    )


@routes.delete(
    "/v1/clinic/patients/{pid}/activation-codes",
    _CODES,
    status=204,
    errors=(errors.NotFound, errors.PatientMerged, errors.ActivationCodeChanged),
)
def revoke_activation_code(call: Call) -> Answer:
    """Let a patient's activation code be worth nothing."""
    activation_codes.revoke(call.actor, call.patient_id)
    return Answer()


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
