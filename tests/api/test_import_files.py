"""POST and GET /v1/clinic/imports: large files through the bucket, and what became of each line and entry."""

import base64
import gzip
import json
import random
import uuid
import zlib
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.audit import Action
from chalicelib.domain.fhir.pieces import MAX_PIECE
from chalicelib.domain.staff import Role
from chalicelib.models import audit
from tests.support import fhir
from tests.support.import_files import PATH, ask, bundle_text, ndjson, put, read, take, uploaded
from tests.support.people import new_staff, token_of
from tests.support.portal import Person, Portal


def records_of(person: Person) -> list[fhir.Json]:
    items: list[fhir.Json] = person.get("/v1/patients/me/records?limit=100").json["items"]
    return items


def somebody(portal: Portal) -> tuple[Person, fhir.Json]:
    person = portal.register()
    return person, {"id": person.patient.resource_id}


def _in_the_bucket(portal: Portal) -> list[str]:
    bucket = portal.aws.deployed.outputs["ImportsBucketName"]
    found = portal.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found]


# --- asking, uploading, looking --------------------------------------------------------------------------------------


def test_a_file_is_asked_for_uploaded_taken_in_and_gone_afterwards(portal: Portal) -> None:
    patient = fhir.patient()
    body = ndjson(patient, fhir.lab(patient), fhir.lab(patient))
    made = ask(portal, format="ndjson", size=len(body))
    assert made.status == 201
    assert (made.json["status"], made.json["progress"], made.json["resources_total"]) == ("awaiting_upload", 0, None)
    assert made.json["upload_headers"] == {"Content-Length": str(len(body))}
    assert made.json["expires_at"] > clock.stamp(clock.now())
    assert put(made.json["upload_url"], body) == 200
    portal.drain()
    done = read(portal, made.json["import_id"])
    assert done.counts() == {"created": 3}
    assert (done.json["status"], done.json["progress"], done.json["failure"]) == ("done", 100, None)
    assert (done.json["resources_read"], done.json["resources_total"]) == (3, 3)
    assert done.json["created_at"] <= done.json["started_at"] <= done.json["finished_at"]
    assert done.json["rejects_url"] is None
    assert [key for key in _in_the_bucket(portal) if done.id in key] == []


def test_only_a_file_of_the_size_that_was_named_is_taken(portal: Portal) -> None:
    made = ask(portal, size=10)
    assert put(made.json["upload_url"], b"x" * 11) == 403
    assert put(made.json["upload_url"], b"x" * 10) == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"format": "csv"}, "/format"),
        ({"size": 0}, "/size"),
        ({"size": 5 * 1024**3 + 1}, "/size"),
        ({"size": "10"}, "/size"),
        ({"status": "done"}, "/status"),
        ({"client_id": "cli_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "/client_id"),
    ],
)
def test_what_cannot_be_meant_is_named(portal: Portal, body: dict[str, Any], pointer: str) -> None:
    refused = ask(portal, **body)
    assert refused.status == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [pointer]


def test_asking_again_is_the_same_import_and_tells_where_to_upload_as_long_as_it_is_awaited(portal: Portal) -> None:
    key, body = str(uuid.uuid4()), ndjson(fhir.patient())
    first, again = (ask(portal, key=key, format="ndjson") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json["import_id"] == again.json["import_id"]
    assert ask(portal, key=key, format="bundle").status == 422
    assert put(again.json["upload_url"], body) == 200
    portal.drain()
    after = ask(portal, key=key, format="ndjson").json
    assert (after["status"], after["upload_url"]) == ("done", None)
    late = ask(portal, key=(other := str(uuid.uuid4())))
    portal.advance(hours=1, seconds=1)
    assert ask(portal, key=other).json == {**late.json, "upload_url": None, "upload_headers": {}}


def test_imports_are_listed_newest_first_and_a_system_sees_its_own_alone(portal: Portal) -> None:
    one, other = (portal.client_token(portal.new_client("records.write")) for _ in range(2))
    mine = [ask(portal, token=one).json["import_id"] for _ in range(5)]
    theirs = ask(portal, token=other).json["import_id"]
    found: list[str] = []
    query: str | None = "?limit=2"
    while query:
        page = portal.call("GET", PATH + query, token=one).json
        assert len(page["items"]) <= 2
        found += [item["import_id"] for item in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert found == mine[::-1]
    for method, path in (("GET", f"{PATH}/{theirs}"), ("POST", f"{PATH}/{theirs}/cancel")):
        assert portal.call(method, path, token=one).status == 404
    admin = token_of(new_staff(Role.ADMIN))
    everybodys = portal.call("GET", f"{PATH}?limit=100", token=admin).json["items"]
    assert {theirs, *mine} <= {item["import_id"] for item in everybodys}


def test_an_admin_says_whose_file_it_is_and_its_ids_are_that_systems(portal: Portal) -> None:
    admin = token_of(new_staff(Role.ADMIN))
    assert [one["pointer"] for one in ask(portal, token=admin).json["errors"]] == ["/client_id"]
    assert ask(portal, token=admin, client_id="cli_01ARZ3NDEKTSV4RRFFQ69G5FAV").status == 422
    patient = fhir.patient()
    assert portal.import_fhir(patient).json["created"] == 1
    done = take(portal, ndjson(patient), token=admin, client_id=portal.client_credentials[0])
    assert done.counts() == {"unchanged": 1}
    for role in set(Role) - {Role.ADMIN}:
        assert ask(portal, token=token_of(new_staff(role)), client_id=portal.client_credentials[0]).status == 403


def test_what_is_asked_for_cancelled_and_ended_is_in_the_history_of_the_clinic(portal: Portal) -> None:
    done = take(portal, ndjson(fhir.patient()))
    gone = ask(portal).json["import_id"]
    assert portal.call("POST", f"{PATH}/{gone}/cancel", token=portal.client_token()).status == 200
    entries = [(one.action, one.details.get("import_id"), one.actor_kind) for one in audit.find_entries("clinic")]
    assert (Action.IMPORT_CREATE, done.id, "client") in entries
    assert (Action.IMPORT_FINISH, done.id, "system") in entries
    assert (Action.IMPORT_CANCEL, gone, "client") in entries


# --- what goes in ----------------------------------------------------------------------------------------------------


def test_the_order_of_the_lines_does_not_matter(portal: Portal) -> None:
    patient, doctor = fhir.patient(), fhir.practitioner("Hopper")
    visit = fhir.encounter(patient)
    by = [{"reference": f"Practitioner/{doctor['id']}"}]
    result = fhir.lab(patient, encounter=fhir.about(f"Encounter/{visit['id']}"), performer=by)
    import_id = uploaded(portal, ndjson(result, visit, patient, doctor))
    _work_piece_by_piece(portal, import_id)
    assert read(portal, import_id).counts() == {"created": 4}
    found = portal.call("GET", f"/v1/clinic/patients?identifier={patient['id']}", token=portal.client_token())
    rows = [row for row in portal.rows("patients") if row["pk"]["S"] == found.json["items"][0]["patient_id"]]
    (view,) = (row["view"]["S"] for row in rows if '"lab"' in row.get("view", {}).get("S", ""))
    assert json.loads(view)["encounter_id"].startswith("rec_")
    assert "Dr. Grace Hopper" in view


def _work_piece_by_piece(portal: Portal, import_id: str) -> None:
    """Each by another worker, so that none finds another in its own batch."""
    from chalicelib.services.import_files import worker

    while read(portal, import_id).json["status"] not in {"done", "failed"}:
        worker.work(import_id, seconds=0)
    portal.drain()


def test_a_bundle_is_the_same_as_by_one_call(portal: Portal) -> None:
    def content(one: Person) -> list[Any]:
        own = ("record_id", "recorded_at", "encounter_id")
        items = [{name: value for name, value in item.items() if name not in own} for item in records_of(one)]
        return sorted(items, key=str)

    by_call, me = somebody(portal)
    by_file, other = somebody(portal)
    for person, send in ((me, portal.import_fhir), (other, lambda body: take(portal, body, format="bundle"))):
        visit = fhir.encounter(person, id=f"visit-{person['id']}")
        results = [fhir.lab(person, encounter=fhir.about(f"Encounter/{visit['id']}")) for _ in range(3)]
        send(bundle_text([*results, visit, fhir.condition(person, "Hay fever"), fhir.prescription(person)]))
        portal.drain()
    assert content(by_file) == content(by_call)
    assert len(records_of(by_file)) == 6


def test_the_same_file_again_changes_nothing(portal: Portal) -> None:
    patient = fhir.patient()
    resources = [patient, fhir.practitioner("Hopper"), fhir.encounter(patient), *(fhir.lab(patient) for _ in range(60))]
    for body, asked in ((ndjson(*resources), "ndjson"), (bundle_text(resources), "bundle")):
        first = take(portal, body, format=asked)
        assert first.counts() == ({"created": 63} if asked == "ndjson" else {"unchanged": 63})
        before = sorted(map(str, portal.rows("patients")))
        assert take(portal, body, format=asked).counts() == {"unchanged": 63}
        assert sorted(map(str, portal.rows("patients"))) == before


def test_new_urls_of_a_bundle_lead_to_what_was_known_before(portal: Portal) -> None:
    """Senders of conditional creates make new ones for every Bundle, and nothing of the patient changes."""
    number = fhir.fresh("mrn")
    patient = {**fhir.patient(identifier=[{"system": fhir.MRN, "value": number}])}
    del patient["id"]
    for turn in range(2):
        url = f"urn:uuid:{uuid.uuid4()}"
        result = fhir.lab(url)
        entries = [
            {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": result},
            {
                "fullUrl": url,
                "resource": patient,
                "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier={fhir.MRN}|{number}"},
            },
        ]
        done = take(
            portal,
            json.dumps({"entry": entries, "type": "transaction", "resourceType": "Bundle"}).encode(),
            format="bundle",
        )
        assert (done.counts(), done.rejects()) == ({"created": 2} if turn == 0 else {"created": 1, "unchanged": 1}, [])


def test_a_packed_file_is_unpacked(portal: Portal) -> None:
    patient = fhir.patient()
    lines = ndjson(patient, *(fhir.lab(patient) for _ in range(5)))
    # Two members, one behind the other, are one file.
    assert take(portal, gzip.compress(lines[:400]) + gzip.compress(lines[400:])).counts() == {"created": 6}
    assert take(portal, gzip.compress(bundle_text([patient])), format="bundle").counts() == {"unchanged": 1}
    for wrong, said in ((gzip.compress(lines)[:-20], "ends in the middle"), (b"\x1f\x8bno gzip", "cannot be unpacked")):
        failed = take(portal, wrong)
        assert failed.json["status"] == "failed"
        assert said in failed.json["failure"]


def test_a_patient_hears_once_of_a_file_however_many_batches_it_has(portal: Portal) -> None:
    from chalicelib.services.import_files import worker

    person, me = somebody(portal)
    portal.drain()
    today = clock.stamp(clock.now())
    import_id = uploaded(portal, ndjson(*(fhir.lab(me, effectiveDateTime=today) for _ in range(6))))
    while read(portal, import_id).json["status"] != "done":
        worker.work(import_id, seconds=0)
    assert read(portal, import_id).counts() == {"created": 6}
    portal.drain()
    told = [item["title"] for item in person.get("/v1/me/notices").json["items"] if "result" in item["title"].lower()]
    assert len(told) == 1
    take(portal, ndjson(fhir.lab(me, effectiveDateTime=today)))
    assert len([one for one in person.get("/v1/me/notices").json["items"] if "result" in one["title"].lower()]) == 2


# --- what is refused -------------------------------------------------------------------------------------------------

POISON = {
    "no JSON": "{bad",
    "NaN": '{"resourceType": "Basic", "id": "x", "extension": [{"url": "x", "valueDecimal": NaN}]}',
    "a name twice": '{"resourceType": "Basic", "resourceType": "Basic"}',
    "a megabyte of nothing": " " * 1_000_000,
    "a megabyte of zeros": "\0" * 1_000_000,
    "no resource": "[1]",
    "no type": '{"id": "x"}',
    "a type that is none": '{"resourceType": "no type"}',
    "a Bundle": '{"resourceType": "Bundle", "type": "batch", "entry": []}',
    "half a surrogate": '{"resourceType": "Basic", "id": "\\ud800"}',
    "deep": '{"resourceType": "Basic", "x": ' + "[" * 100 + "]" * 100 + "}",
    "an unknown patient": json.dumps(fhir.lab("Patient/nobody-knows")),
    "no patient": json.dumps({**fhir.lab("Patient/x"), "subject": None}),
    "a wrong status": json.dumps({**fhir.lab("Patient/x"), "status": 5}),
}


@pytest.mark.parametrize("what", POISON)
def test_a_poison_line_is_refused_with_its_reason_and_blocks_nobody(portal: Portal, what: str) -> None:
    patient = fhir.patient()
    done = take(portal, ndjson(fhir.lab(patient), POISON[what], patient, fhir.lab(patient)))
    assert done.counts() == {"created": 3, "refused": 1}
    (rejected,) = done.rejects()
    assert set(rejected) == {"line", "reason"}
    assert (rejected["line"], bool(rejected["reason"])) == (2, True)


def test_a_line_in_another_encoding_and_one_that_is_too_long_are_refused_alone(portal: Portal) -> None:
    patient = fhir.patient()
    latin = json.dumps({"resourceType": "Basic", "id": "é"}, ensure_ascii=False).encode("latin-1")
    long = json.dumps({"resourceType": "Basic", "text": "x" * MAX_PIECE}).encode()
    body = b"\xef\xbb\xbf" + ndjson(patient) + latin + b"\r\n\r\n" + long + b"\n" + ndjson(fhir.lab(patient)).rstrip()
    done = take(portal, body)
    assert done.counts() == {"created": 2, "refused": 2}
    assert [(one["line"], one["reason"]) for one in done.rejects()] == [
        (2, "the text is not UTF-8 (character 33)"),
        (4, "over 5 MB"),
    ]


def test_a_poison_entry_of_a_bundle_is_named_by_its_index(portal: Portal) -> None:
    patient = fhir.patient()
    good = [json.dumps({"resource": one}) for one in (patient, fhir.lab(patient))]
    long = json.dumps({"resource": {"resourceType": "Basic", "text": "x]}" * (MAX_PIECE // 2)}})
    wrong = ['"no entry"', '{"resource": {"resourceType": "Basic", "x": NaN}}', long, '{"resource": null}', "5"]
    listed = ",".join([good[1], *wrong, good[0]])
    body = f'{{"type": "batch", "entry": [{listed}], "total": 7, "resourceType": "Bundle"}}'
    done = take(portal, body.encode(), format="bundle")
    assert done.counts() == {"created": 2, "refused": 5}
    assert [one["index"] for one in done.rejects()] == [1, 2, 3, 4, 5]
    assert all(one["reason"] for one in done.rejects())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "{ was expected"),
        (b'{"resourceType": "Patient"}', "a FHIR Bundle was expected"),
        (b'{"resourceType": "Bundle", "entry": []}', "Bundle.type"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {}]}', "brackets do not match"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": [{}', ", was expected"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": {}}', "a list was expected"),
    ],
)
def test_a_bundle_that_is_broken_as_a_whole_fails_and_nothing_of_it_is_stored(
    portal: Portal, body: bytes, said: str
) -> None:
    before = portal.count("patients")
    done = take(portal, body, format="bundle")
    assert (done.json["status"], done.counts()) == ("failed", {})
    assert said in done.json["failure"]
    assert portal.count("patients") == before


def test_rejects_say_nothing_of_what_was_in_the_line(portal: Portal) -> None:
    secret = "Wilhelmina"
    lines = [
        json.dumps({**fhir.lab("Patient/x"), "status": 5, "note": [{"text": secret}]}),
        json.dumps(fhir.lab(f"Patient/{secret}")),
        f'{{"resourceType": "Basic", "note": "{secret}" bad}}',
        json.dumps({"resourceType": secret}),
    ]
    done = take(portal, ndjson(*lines))
    assert done.counts() == {"refused": 3, "kept_raw": 1}
    assert secret not in str(done.rejects())


def test_a_social_security_number_is_masked_in_whatever_part_of_a_file_repeats_it(portal: Portal) -> None:
    """AC 7: the patient and what is about them are in different batches, and worked by different workers."""
    number, other = "987654321", "987654322"
    patient = fhir.patient(identifier=[{"system": fhir.SSN, "value": "987-65-4321"}])
    cda = base64.b64encode(f"<id>{number}</id>".encode()).decode()
    results = [
        fhir.lab(patient, note=[{"text": f"Her card says 0{number}, not {other}."}]),
        fhir.condition(patient, f"987 65 4321 and {number}"),
        fhir.lab(patient, contained=[{"resourceType": "Binary", "contentType": "text/xml", "data": cda}]),
    ]
    for body, asked in ((ndjson(*results, patient), "ndjson"), (bundle_text([*results, patient]), "bundle")):
        import_id = uploaded(portal, body, format=asked)
        _work_piece_by_piece(portal, import_id)
        assert read(portal, import_id).counts() == ({"created": 4} if asked == "ndjson" else {"unchanged": 4})
    versions = [kept for row in portal.rows("patients") if (kept := _sent(row)) is not None]
    (noted,) = (one for one in versions if "Her card says" in one)
    assert f"0*********, not {other}" in noted
    assert not [one for one in versions if number in one or "987 65 4321" in one or cda in one]
    assert not [key for key in _in_the_bucket(portal) if not key.startswith("rejects/")]


def _sent(row: dict[str, Any]) -> str | None:
    body = row.get("body", {}).get("B")
    return zlib.decompress(body).decode() if body else None


# --- ending it -------------------------------------------------------------------------------------------------------


def test_a_cancelled_import_stores_nothing_more_and_its_file_goes(portal: Portal) -> None:
    from chalicelib.services.import_files import worker

    token, patient = portal.client_token(), fhir.patient()
    import_id = uploaded(portal, ndjson("{bad", patient, *(fhir.lab(patient) for _ in range(4))))
    for _ in range(40):
        worker.work(import_id, seconds=0)
        if read(portal, import_id).json["created"] == 2:
            break
    ended = portal.call("POST", f"{PATH}/{import_id}/cancel", token=token)
    assert (ended.status, ended.json["status"]) == (200, "cancelled")
    portal.drain()
    done = read(portal, import_id)
    assert (done.json["status"], done.counts()) == ("cancelled", {"created": 2, "refused": 1})
    assert [key for key in _in_the_bucket(portal) if not key.startswith("rejects/")] == []
    assert [one["line"] for one in done.rejects()] == [1]
    again = portal.call("POST", f"{PATH}/{import_id}/cancel", token=token)
    assert (again.status, again.json["code"]) == (409, "import_over")


def test_a_file_that_comes_after_its_import_was_cancelled_is_removed(portal: Portal) -> None:
    made = ask(portal).json
    assert portal.call("POST", f"{PATH}/{made['import_id']}/cancel", token=portal.client_token()).status == 200
    assert put(made["upload_url"], ndjson(fhir.patient())) == 200
    portal.drain()
    assert f"uploads/{made['import_id']}" not in _in_the_bucket(portal)


def test_whoever_may_import_no_more_has_nothing_taken_in(portal: Portal) -> None:
    from chalicelib.models import accounts, clients
    from chalicelib.models.transaction import transaction

    credentials = portal.new_client("records.write")
    import_id = uploaded(portal, ndjson(patient := fhir.patient()), token=portal.client_token(credentials))
    row = accounts.find_client(credentials[0])
    assert row is not None
    with transaction() as tx:
        clients.edit(tx, row, int(row.version), name=row.name, scopes='["events.read"]', disabled=False)
    portal.drain()
    done = read(portal, import_id, token_of(new_staff(Role.ADMIN)))
    assert (done.json["status"], done.counts()) == ("failed", {})
    found = portal.call("GET", f"/v1/clinic/patients?identifier={patient['id']}", token=portal.client_token()).json
    assert found["items"] == []


def test_a_file_that_is_replaced_while_it_is_read_is_given_up(portal: Portal) -> None:
    from chalicelib.services.import_files import worker

    patient = fhir.patient()
    made = ask(portal).json
    assert put(made["upload_url"], ndjson(patient, *(fhir.lab(patient) for _ in range(4)))) == 200
    while not read(portal, made["import_id"]).json["created"]:
        worker.work(made["import_id"], seconds=0)
    assert put(made["upload_url"], ndjson(fhir.patient())) == 200
    portal.drain()
    done = read(portal, made["import_id"])
    assert done.json["status"] == "failed"
    assert "replaced" in done.json["failure"]
    assert 0 < done.json["created"] < 5


def test_many_refused_lines_are_one_file_of_rejects(portal: Portal) -> None:
    from chalicelib.clients import import_files as files

    line = random.Random(7).randbytes(40).hex()
    count = 2 * files.CHUNK // len(line)
    done = take(portal, ndjson(*([line] * count)))
    assert done.counts() == {"refused": count}
    assert [one["line"] for one in done.rejects()] == list(range(1, count + 1))
