"""Two patients who turn out to be one: merged, with a preview, and parted again."""

from dataclasses import asdict

from chalicelib import errors
from chalicelib.domain.access import staff
from chalicelib.domain.caregivers import Grant
from chalicelib.domain.merges import MergedAccount, MergeView
from chalicelib.domain.records.categories import Category
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.clinic_patients import desk_patient
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import merges as shapes
from chalicelib.schemas.clinic_accounts import DeskContact
from chalicelib.services import merge_previews, merges
from chalicelib.services.merge_previews import Side
from chalicelib.services.merges import Wanted

routes = Routes(__name__)

_MERGES = staff(Permission.PATIENTS_MERGE)
_ONE = "/v1/clinic/patients/{pid}"
_CANNOT = (errors.PatientMerged, errors.DuplicateHasMerges, errors.MergeLimitReached)


@routes.post(f"{_ONE}/merge/preview", _MERGES, answer=shapes.MergePreview, errors=_CANNOT)
def preview_merge(call: Call, body: shapes.WantedPreview) -> Answer:
    """See what merging a duplicate into a patient would do; nothing is changed."""
    seen = merge_previews.preview(call.actor, call.patient_id, body.duplicate_patient_id)
    return Answer(
        shapes.MergePreview(
            remaining=_side(seen.kept),
            duplicate=_side(seen.duplicate),
            suspended_grants=[_grant(grant) for grant in seen.suspended],
            warnings=seen.warnings,
            preview_version=seen.version,
        )
    )


@routes.post(
    f"{_ONE}/merge",
    _MERGES,
    status=201,
    answer=shapes.PatientMerge,
    creates=True,
    step_up=True,
    errors=(*_CANNOT, errors.MergeOutdated, errors.OwnMerge, errors.MergeOfStaff, errors.ActivationCodeChanged),
)
def merge_patients(call: Call, body: shapes.WantedMerge) -> Answer:
    """Merge a duplicate into a patient, as it was previewed; it can be undone for 30 days."""
    wanted = Wanted(body.duplicate_patient_id, body.preview_version, body.reason, body.keep_account_id)
    return Answer(_merge(merges.merge(call.actor, call.patient_id, wanted, call.once)))


@routes.get(f"{_ONE}/merges", _MERGES, answer=shapes.PatientMergePage, errors=(errors.PatientMerged,))
def list_merges(call: Call, query: shapes.MergesQuery) -> Answer:
    """List who was merged into a patient, the newest first, undone or not."""
    found = merges.find_all(call.actor, call.patient_id)
    page, next_cursor = paging.page(call, found, lambda merge: merge.merge_id, query)
    return Answer(shapes.PatientMergePage(items=[_merge(one) for one in page], next_cursor=next_cursor))


@routes.post(
    f"{_ONE}/merges/{{merge_id}}/undo",
    _MERGES,
    answer=shapes.PatientMerge,
    creates=True,
    step_up=True,
    errors=(errors.MergeUndone, errors.MergeSettled, errors.LaterMergeFirst, errors.Conflict),
)
def undo_merge(call: Call, body: shapes.WantedUndo) -> Answer:
    """Part two patients again within 30 days: everything as before, but what has changed since."""
    undone = merges.undo(call.actor, call.patient_id, path_id(call, "merge_id"), body.reason, call.once)
    return Answer(_merge(undone))


def _side(side: Side) -> shapes.MergeSide:
    by_category = {Category(name): count for name, count in side.records.by_category.items()}
    return shapes.MergeSide(
        patient=desk_patient(side.patient),
        records=shapes.RecordCounts(by_category=by_category, complete=side.records.is_all),
        account=_account(side.account) if side.account else None,
        activation_code_expires_at=side.code_expires_at,
        pending_change_id=side.pending_change_id,
    )


def _account(account: MergedAccount) -> shapes.MergedAccount:
    contacts = [
        DeskContact(channel=one.channel, address=one.address, verified=one.is_verified) for one in account.contacts
    ]
    return shapes.MergedAccount(
        account_id=account.account_id, username=account.username, contacts=contacts, cares_for=account.cares_for
    )


def _grant(grant: Grant) -> shapes.SuspendedGrant:
    return shapes.SuspendedGrant(
        caregiver_id=grant.caregiver_id, name=grant.name, relation=grant.relation, scopes=sorted(grant.scopes)
    )


def _merge(merge: MergeView) -> shapes.PatientMerge:
    return shapes.PatientMerge(**asdict(merge))
