"""OP 5: everything that the portal keeps about an account, as one document for its holder, and for nobody else."""

import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.caregivers import Grant, Relation, Scope
from chalicelib.domain.exports import ExportSubject
from chalicelib.models import caregivers, outbox
from chalicelib.models import exports as storage
from chalicelib.models.transaction import transaction
from chalicelib.schemas.account_files import AccountFile
from chalicelib.services import exports
from tests.support import factors, passkeys
from tests.support.aws_calls import AwsCall, failing, unreachable
from tests.support.caregivers import ask_to_act, invite
from tests.support.leaving import EXPORT, close, download, export, exported, full, sweep
from tests.support.links import account_id_of
from tests.support.people import new_account, token_of
from tests.support.portal import PASSWORD, Person, Portal
from tests.support.sign_in import confirm_email


def _file(found: dict[str, Any]) -> dict[str, Any]:
    status, body, _ = download(found["download_url"])
    assert status == 200
    document: dict[str, Any] = json.loads(body)
    return document


def _read(person: Person, *, stepped_up: bool = True) -> Any:
    return person.portal.call("GET", EXPORT, token=token_of(account_id_of(person), stepped_up=stepped_up))


def _row_of(portal: Portal, export_id: str) -> str:
    """The outbox row that asks to build an export."""
    rows = [row for row in portal.rows("outbox") if export_id in row["about"]["S"] and "not_before" not in row]
    return str(rows[0]["pk"]["S"])


def test_a_copy_is_asked_for_built_and_downloaded(portal: Portal) -> None:
    person = portal.register()
    asked = export(person)
    assert asked.status == 202
    assert (asked.json["status"], asked.json["progress"], asked.json["download_url"]) == ("queued", 0, None)
    portal.drain()
    found = _read(person).json
    assert (found["export_id"], found["status"], found["progress"]) == (asked.json["export_id"], "ready", 100)
    status, body, headers = download(found["download_url"])
    assert status == 200
    assert headers["content-disposition"] == 'attachment; filename="portal-account.json"'
    assert hashlib.sha256(body).hexdigest() == found["manifest"]["sha256"]
    assert found["manifest"]["size"] == len(body)
    assert AccountFile.model_validate_json(body).profile.account_id == account_id_of(person)


def test_it_needs_a_step_up_and_so_does_the_download(portal: Portal) -> None:
    person = portal.register()
    assert export(person, token=person.token).json["code"] == "step_up_required"
    exported(person)
    plain = _read(person, stepped_up=False)
    assert (plain.status, plain.json["status"], plain.json["download_url"]) == (200, "ready", None)
    assert _read(person).json["download_url"]


def test_the_address_of_the_download_works_for_five_minutes(portal: Portal) -> None:
    found = exported(portal.register())
    assert "X-Amz-Expires=300" in found["download_url"]
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in found["download_url"]


def test_whoever_never_asked_has_none(portal: Portal) -> None:
    person = portal.register()
    exported(portal.register())
    assert person.get(EXPORT).status == 404


def test_the_same_key_is_the_same_copy_and_a_fourth_in_a_day_is_refused(portal: Portal) -> None:
    person, key = portal.register(), str(uuid.uuid4())
    first = export(person, key=key)
    assert export(person, key=key).json["export_id"] == first.json["export_id"]
    assert [export(person).status for _ in range(3)] == [202, 202, 429]
    assert export(person, key=key).status == 202
    portal.advance(days=1, seconds=1)
    assert export(person).status == 202


def test_of_several_the_last_is_shown(portal: Portal) -> None:
    person = portal.register()
    exported(person)
    portal.advance(seconds=1)
    later = export(person).json["export_id"]
    assert _read(person).json["export_id"] == later


def test_every_part_of_it_holds_what_the_account_has(portal: Portal) -> None:
    person = full(portal)
    found = exported(person)
    document = _file(found)
    parts = {name: part for name, part in document.items() if isinstance(part, list) and name != "about"}
    assert [name for name, part in parts.items() if not part] == []
    assert found["manifest"]["counts"] == {
        **{name: len(part) for name, part in parts.items()},
        **dict.fromkeys(("profile", "preferences", "security", "model_consent"), 1),
    }
    assert document["profile"]["email"] == person.patient.email
    assert {one["status"] for one in document["addresses"]} == {"ok", "unconfirmed"}
    assert document["security"]["security_phrase_is_set"] is True
    assert document["security"]["security_questions"] == 3
    assert [one["method"] for one in document["security"]["second_factors"]] == ["totp", "passkey"]
    assert document["pending_changes"][0]["fields"] == {"email": "on-file@example.org"}
    assert document["model_consent"]["given_at"]
    assert document["in_care"][0]["patient_id"].startswith("pat_")
    assert "health record is not in it" in document["about"][1]


def test_all_of_a_long_history_is_in_it(portal: Portal) -> None:
    person = portal.register()
    for number in range(230):
        tag = {"If-Match": f'"{number + 1}"'}
        zone = ("Europe/Oslo", "Europe/Madrid")[number % 2]
        assert person.call("PATCH", "/v1/me", {"time_zone": zone}, headers=tag).status == 200
    ids = [one["activity_id"] for one in _file(exported(person))["activity"]]
    assert len(ids) == len(set(ids)) > 230


def test_it_holds_no_secret_and_no_hash(portal: Portal) -> None:
    """The canaries are every value of the account's own rows that is or keeps a secret."""
    person = portal.register()
    confirm_email(portal, person)
    app = factors.bind(person)
    phrase = {"security_phrase": "nine violet harbours"}
    strong = token_of(account_id_of(person))
    tag = {"If-Match": portal.call("GET", "/v1/me/security-phrase", token=strong).header("etag") or ""}
    assert portal.call("PUT", "/v1/me/security-phrase", phrase, token=strong, headers=tag).status == 200
    device = {"platform": "ios", "push_token": f"pomegranate-{uuid.uuid4().hex}"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert portal.call("POST", "/v1/me/devices", device, token=strong, headers=key).status == 201
    passkeys.bind_in(person)
    found = exported(person)
    _, body, _ = download(found["download_url"])
    text = body.decode().casefold()
    named = ("_hash", "hashes", "security_answers", "push_token", "public_key", "credential_id", "security_phrase")
    canaries = {
        value
        for row in portal.rows("accounts")
        if account_id_of(person) in repr(row)
        for name, given in row.items()
        if name.endswith(named) or name in {"endpoint_arn", "factor_id", "link_id"}
        for value in given.get("SS", [given.get("S", "")])
    }
    canaries |= {PASSWORD, strong, person.session["refresh_token"], app.secret, *app.recovery_codes, "an answer 1"}
    assert len(canaries) > 25
    # What is shorter stands for a key in the tests alone, and may be part of any word.
    assert [one for one in canaries if len(one) > 5 and one.casefold() in text] == []


def test_what_is_other_peoples_own_is_not_in_it(portal: Portal) -> None:
    """Of a caregiver the name and a masked address, of whoever is in one's care an id, of a request that it was one."""
    person = portal.register()
    account_id, email = account_id_of(person), f"daughter-{uuid.uuid4().hex[:8]}@example.org"
    assert invite(person, email=email).status == 201
    child = portal.new_patient(
        birthDate="2020-05-04", name=[{"use": "official", "given": ["Perpetua"], "family": "Quillfeather"}]
    )
    with transaction() as tx:
        grant = Grant(account_id, frozenset({Scope.RESULTS}), relation=Relation.PARENT)
        caregivers.put_grant(tx, child.patient_id, grant)
    ask_to_act(account_id)
    document = _file(exported(person))
    text = json.dumps(document)
    assert document["caregivers"][0]["email_masked"].endswith("@e***.org")
    assert [one for one in (email, "Perpetua", "Quillfeather", "2020-05-04", child.clinic_number) if one in text] == []
    assert [one for one in ("first_name", "date_of_birth", "note") if one in document["proxy_requests"][0]] == []


def test_a_caregivers_own_account_is_exported_too(portal: Portal) -> None:
    account_id = new_account()
    token = token_of(account_id)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    assert portal.call("POST", EXPORT, token=token, headers=headers).status == 202
    portal.drain()
    document = _file(portal.call("GET", EXPORT, token=token).json)
    assert (document["profile"]["patient_id"], document["caregivers"]) == (None, [])


def test_it_speaks_the_language_of_the_account(portal: Portal) -> None:
    person = portal.register()
    tag = {"If-Match": person.get("/v1/me").header("etag") or ""}
    assert person.call("PATCH", "/v1/me", {"language": "es"}, headers=tag).status == 200
    assert "historia médica" in _file(exported(person))["about"][1]


def test_the_file_is_named_after_nobody_and_is_encrypted_by_the_bucket(portal: Portal) -> None:
    person = portal.register()
    found = exported(person)
    bucket = portal.aws.deployed.outputs["RecordsBucketName"]
    listed = portal.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="exports/")["Contents"]
    names = [one["Key"] for one in listed]
    (key,) = [name for name in names if name.startswith(f"exports/{found['export_id']}/fil_")]
    assert [one for one in names if account_id_of(person) in one or person.patient.patient_id in one] == []
    head = portal.aws.client("s3").head_object(Bucket=bucket, Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"


def test_it_is_kept_for_three_days_and_removed_then(portal: Portal) -> None:
    person = portal.register()
    found = exported(person)
    portal.advance(days=3, minutes=-5)
    sweep(portal)
    assert _read(person).json["expires_at"] == found["expires_at"]
    portal.advance(minutes=10)
    assert _read(person).status == 404
    sweep(portal)
    bucket = portal.aws.deployed.outputs["RecordsBucketName"]
    listed = portal.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="exports/").get("Contents", [])
    assert found["export_id"] not in repr(listed)
    assert storage.find(account_id_of(person), found["export_id"]) is None


def _puts_an_export(call: AwsCall) -> bool:
    return call.operation == "PutObject" and str(call.params["Key"]).startswith("exports/")


class TestFailures:
    def test_a_service_that_is_away_is_tried_again(self, portal: Portal) -> None:
        person = portal.register()
        export(person)
        with failing(_puts_an_export, unreachable(), times=2) as failed:
            portal.drain()
            assert _read(person).json["status"] == "running"
            for _ in range(2):
                portal.advance(minutes=2)
                sweep(portal)
        assert len(failed) == 2
        assert _read(person).json["status"] == "ready"

    def test_after_eight_tries_it_is_given_up_and_another_may_be_asked_for(self, portal: Portal) -> None:
        person = portal.register()
        export_id = export(person).json["export_id"]
        with failing(_puts_an_export, unreachable()) as failed:
            portal.drain()
            for _ in range(12):
                portal.advance(minutes=20)
                sweep(portal)
        assert len(failed) == 8
        given_up = _read(person).json
        assert (given_up["export_id"], given_up["status"], given_up["download_url"]) == (export_id, "failed", None)
        assert exported(person)["status"] == "ready"

    def test_a_bug_counts_as_a_try_and_does_not_stop_the_others(self, portal: Portal) -> None:
        person, other = portal.register(), portal.register()
        export_id = export(person).json["export_id"]
        export(other)
        with failing(lambda call: f"{export_id}" in repr(call.params.get("Key")), KeyError("x")) as failed:
            portal.drain()
            for _ in range(12):
                portal.advance(minutes=20)
                sweep(portal)
        assert failed
        assert _read(other).json["status"] == "ready"
        assert _read(person).json["status"] == "failed"

    def test_a_worker_who_died_at_any_call_is_followed_by_one_who_finishes(self, portal: Portal) -> None:
        """Whatever the last call was, before it or after it: the copy is there, once."""
        person = portal.register()
        for place in range(1, 200):
            storage_id = _new_export(portal, person)
            row_id = _row_of(portal, storage_id)
            if _dies_at(place, row_id):
                break
            portal.advance(seconds=91)
            exports.work(row_id)
            found = storage.find(account_id_of(person), storage_id)
            assert found is not None
            assert (place, found.status) == (place, "ready")
        else:
            raise AssertionError("the work never came to its end")
        assert place > 20

    def test_two_workers_at_once_make_one_copy(self, portal: Portal) -> None:
        person = portal.register()
        export_id = _new_export(portal, person)
        row_id = _row_of(portal, export_id)
        original = exports._BUILDERS[ExportSubject.ACCOUNT]  # noqa: SLF001  What the worker takes.

        def overtaken(*given: Any) -> Any:
            portal.advance(seconds=91)
            with pytest.MonkeyPatch.context() as alone:
                alone.setattr(exports, "_BUILDERS", {"account": original})
                exports.work(row_id)
            return original(*given)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(exports, "_BUILDERS", {"account": overtaken})
            exports.work(row_id)
        found = _read(person).json
        assert found["status"] == "ready"
        # The slower one has put nothing in the place of what the manifest tells of, and left nothing.
        assert hashlib.sha256(download(found["download_url"])[1]).hexdigest() == found["manifest"]["sha256"]
        bucket = portal.aws.deployed.outputs["RecordsBucketName"]
        assert portal.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"exports/{export_id}")["KeyCount"] == 1
        removals = [row for row in portal.rows("outbox") if export_id in row["about"]["S"] and "not_before" in row]
        assert len(removals) == 1

    def test_an_account_that_was_closed_meanwhile_gets_none(self, portal: Portal) -> None:
        person = portal.register()
        export_id = export(person).json["export_id"]
        assert close(person).status == 200
        portal.drain()
        found = storage.find(account_id_of(person), export_id)
        assert found is not None
        assert found.status == "failed"


def _new_export(portal: Portal, person: Person) -> str:
    """An export that no worker has begun, beyond the limit."""
    with transaction() as tx:
        export = storage.create(tx, account_id_of(person), storage.Subject(ExportSubject.ACCOUNT))
        outbox.post_export(tx, account_id_of(person), export.export_id, subject=ExportSubject.ACCOUNT)
    return export.export_id


class _Died(BaseException):
    """The process ended: nothing catches it."""


def _dies_at(place: int, row_id: str) -> bool:
    """Whether a worker came to its end, who would have died just before the call of a number."""
    made: list[None] = []

    def is_the_last(_call: object) -> bool:
        made.append(None)
        return len(made) == place

    died = _Died()
    try:
        with failing(is_the_last, died):
            exports.work(row_id)
    except _Died:
        return False
    return True


def test_the_pause_until_the_claim_of_a_dead_worker_is_over_is_short() -> None:
    assert timedelta(seconds=90) >= outbox.CLAIMED
