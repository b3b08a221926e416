"""Copies of a record: what is in them, for whom, and that nothing is missing."""

import hashlib
import io
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from chalicelib.domain.caregivers import Scope
from chalicelib.domain.exports import ExportFormat
from chalicelib.domain.staff import Role
from chalicelib.models import caregivers, outbox
from chalicelib.models import exports as storage
from chalicelib.models.transaction import transaction
from chalicelib.services import exports, jobs
from chalicelib.services.record_exports import building, gathering
from tests.support import fhir, merging
from tests.support.aws_calls import failing, unreachable
from tests.support.leaving import download, sweep
from tests.support.links import account_id_of
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal
from tests.support.record_exports import (
    ask,
    counted,
    counts_of,
    file_of,
    made,
    own,
    pages_of,
    path_of,
    read,
    strong,
    text_of,
)

FORMATS = list(ExportFormat)
SAMPLE = sorted((Path(__file__).parents[2] / "infra" / "sample" / "bundles").glob("0[1-9]-*.json"))
SYNTHEA = sorted((Path(__file__).parents[3] / "shared" / "data" / "synthea").glob("*_*.json"))


def _somebody(portal: Portal, *resources: dict[str, Any], **changes: Any) -> Person:
    """Somebody with a record of some resources about `Patient/<their id>`."""
    id_ = changes.pop("id", fhir.fresh("p"))
    return portal.register(portal.new_patient(id=id_, resources=resources, **changes))


def _full(portal: Portal) -> tuple[Person, str]:
    """Somebody with a few records of several categories, one of which is sensitive."""
    id_ = fhir.fresh("p")
    subject = f"Patient/{id_}"
    person = _somebody(
        portal,
        fhir.lab(subject),
        fhir.lab(subject, effectiveDateTime="2020-01-02", valueQuantity={"value": 7.10, "unit": "%"}),
        fhir.condition(subject, "Hay fever"),
        fhir.condition(subject, "Sensitive matter", meta={"security": [{"code": "R"}]}),
        fhir.prescription(subject, dosageInstruction=[{"text": "Take 1 tablet twice a day"}]),
        fhir.encounter(subject),
        id=id_,
    )
    return person, subject


class TestWhatIsInIt:
    @pytest.mark.parametrize("format_", FORMATS)
    def test_a_copy_is_asked_for_built_and_downloaded(self, portal: Portal, format_: ExportFormat) -> None:
        person, _ = _full(portal)
        asked = ask(portal, "me", strong(person), format=format_)
        assert (asked.status, asked.json["status"], asked.json["progress"]) == (202, "queued", 0)
        assert (asked.json["download_url"], asked.json["manifest"]) == (None, None)
        portal.drain()
        found = read(portal, "me", strong(person), asked.json["export_id"])
        assert (found["status"], found["progress"], found["format"]) == ("ready", 100, format_)
        status, body, headers = download(found["download_url"])
        assert status == 200
        assert headers["content-disposition"].startswith('attachment; filename="portal-record.')
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (found["manifest"]["sha256"], found["manifest"]["size"])
        assert "X-Amz-Expires=300" in found["download_url"]

    @pytest.mark.parametrize("format_", FORMATS)
    def test_a_second_program_counts_what_the_manifest_and_the_screens_say(
        self, portal: Portal, format_: ExportFormat
    ) -> None:
        person, _ = _full(portal)
        found = own(person, format=format_)
        shown = counted(pages_of(portal, "me", person.token))
        assert shown == {"lab": 2, "condition": 2, "medication": 1, "encounter": 1}
        assert counts_of(found) == found["manifest"]["counts"] == shown

    @pytest.mark.parametrize("format_", FORMATS)
    def test_only_some_categories_and_dates(self, portal: Portal, format_: ExportFormat) -> None:
        person, _ = _full(portal)
        span = {"from": "2024-01-01", "to": "2024-12-31"}
        found = own(person, format=format_, categories=["lab", "encounter"], **span)
        assert (found["categories"], found["from"], found["to"]) == (["lab", "encounter"], "2024-01-01", "2024-12-31")
        shown = {
            **counted(pages_of(portal, "me", person.token, "&category=lab&from=2024-01-01&to=2024-12-31")),
            **counted(pages_of(portal, "me", person.token, "&category=encounter&from=2024-01-01&to=2024-12-31")),
        }
        assert counts_of(found) == found["manifest"]["counts"] == shown == {"lab": 1, "encounter": 1}

    @pytest.mark.parametrize("format_", FORMATS)
    def test_an_empty_record_is_a_copy_too(self, portal: Portal, format_: ExportFormat) -> None:
        found = own(_somebody(portal), format=format_)
        assert counts_of(found) == found["manifest"]["counts"] == {}

    def test_what_a_patient_looks_for_is_said_in_words(self, portal: Portal) -> None:
        person, _ = _full(portal)
        text = file_of(own(person)).decode()
        for said in (
            "Health record of Ingrid Mae Solberg",
            "Born: April 12, 1961",
            f"Clinic number: {person.patient.clinic_number}",
            "Lab results (2)",
            "Result: 6.5 %",
            "Result: 7.1 %",
            "Date: May 6, 2024, 2:08 AM CDT",
            "Date: January 2, 2020",
            "How to take it: Take 1 tablet twice a day",
            "Status: Active",
        ):
            assert said in text, said

    def test_numbers_keep_their_digits(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        exact = json.dumps(fhir.lab(f"Patient/{id_}", valueQuantity={"value": "V", "unit": "mg/dL"}))
        person = _somebody(portal, id=id_)
        assert portal.import_fhir(exact.replace('"V"', "6.500")).json["created"] == 1
        for format_ in FORMATS:
            body = file_of(own(person, format=format_))
            assert "6.500" in (text_of(body) if format_ is ExportFormat.PDF else body.decode()), format_

    def test_the_text_of_a_document_and_of_a_report_is_in_it(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        subject = fhir.about(f"Patient/{id_}")
        content = {"contentType": "text/plain", "data": "U2hlIHNsZXB0IHdlbGwuCkRpc2NoYXJnZWQgaG9tZS4="}
        person = _somebody(
            portal,
            {
                "resourceType": "DocumentReference",
                "id": fhir.fresh("d"),
                "status": "current",
                "type": {"text": "Discharge summary"},
                "subject": subject,
                "content": [{"attachment": content}],
            },
            {
                "resourceType": "DiagnosticReport",
                "id": fhir.fresh("r"),
                "status": "final",
                "code": {"text": "Chest X-ray"},
                "subject": subject,
                "presentedForm": [{**content, "data": "Tm8gZnJhY3R1cmUu"}],
            },
            id=id_,
        )
        for format_ in (ExportFormat.TEXT, ExportFormat.PDF, ExportFormat.CCDA):
            body = file_of(own(person, format=format_))
            text = text_of(body) if format_ is ExportFormat.PDF else body.decode()
            assert [one for one in ("She slept well.", "Discharged home.", "No fracture.") if one not in text] == []

    def test_it_is_in_the_language_that_was_asked_for(self, portal: Portal) -> None:
        person, _ = _full(portal)
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Accept-Language": "es"}
        asked = portal.call("POST", path_of("me"), {"format": "pdf"}, headers=headers, token=strong(person))
        portal.drain()
        found = read(portal, "me", strong(person), asked.json["export_id"])
        assert counts_of(found, "es") == found["manifest"]["counts"]
        text = text_of(file_of(found))
        assert "Pruebas de laboratorio (2)" in text
        assert "6 de mayo de 2024" in text

    def test_all_of_a_long_record_is_in_it_in_every_format(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        person = _somebody(portal, id=id_)
        results = [fhir.lab(f"Patient/{id_}", effectiveDateTime=f"20{year:02}-05-06") for year in range(25)] * 1
        for _ in range(15):
            fresh = [{**one, "id": fhir.fresh("o")} for one in results]
            assert portal.import_fhir(fhir.bundle(*fresh)).json["created"] == 25
        for format_ in FORMATS:
            found = own(person, format=format_)
            assert counts_of(found) == found["manifest"]["counts"] == {"lab": 375}, format_

    def test_what_is_in_s3_and_what_is_too_long_for_a_list_is_in_it(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        long = " ".join(uuid.uuid4().hex for _ in range(20_000))
        person = _somebody(portal, fhir.condition(f"Patient/{id_}", "Hay fever", note=[{"text": long}] * 2), id=id_)
        for format_ in FORMATS:
            found = own(person, format=format_)
            assert counts_of(found) == {"condition": 1}
        assert long in file_of(own(person, format="fhir")).decode()


class TestPdf:
    def test_it_has_a_title_a_language_marks_and_page_numbers_and_the_name_on_every_page(self, portal: Portal) -> None:
        person, _ = _full(portal)
        pdf = PdfReader(io.BytesIO(file_of(own(person, format="pdf", large_print=True))))
        assert pdf.metadata is not None
        assert pdf.metadata.title == "Health record of Ingrid Mae Solberg"
        assert str(pdf.root_object["/Lang"]) == "en"
        assert "/DisplayDocTitle" in str(pdf.root_object["/ViewerPreferences"])
        marks = [str(mark["/Title"]) for mark in pdf.outline if isinstance(mark, dict)]
        assert marks[0] == "What is in this copy"
        assert [mark for mark in marks if mark.startswith("Lab results (2)")]
        assert len(pdf.pages) > 1
        for number, page in enumerate(pdf.pages, start=1):
            text = page.extract_text().replace("\u00a0", " ")
            assert "Ingrid Mae Solberg · April 12, 1961" in text.replace("\n", " ")
            assert f"Page {number} of" in text

    def test_letters_of_large_print_are_18_points_or_more(self, portal: Portal) -> None:
        person, _ = _full(portal)
        smallest = {large: _smallest(file_of(own(person, format="pdf", large_print=large))) for large in (False, True)}
        assert smallest[True] >= 18
        assert smallest[False] == 9

    def test_names_in_any_alphabet_are_set_in_letters_that_the_file_has(self, portal: Portal) -> None:
        name = [{"use": "official", "given": ["Zoë", "Ελένη"], "family": "Łukasiewicz-Чайковская"}]
        person = _somebody(portal, name=name)
        body = file_of(own(person, format="pdf"))
        assert "Health record of Zoë Ελένη Łukasiewicz-Чайковская" in text_of(body).replace("\n", " ")
        assert b"/FontFile2" in body
        assert "Some letters cannot" not in text_of(body)

    def test_it_says_so_where_letters_are_missing(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        person = _somebody(portal, fhir.condition(f"Patient/{id_}", "花粉症 hay fever"), id=id_)
        assert "Some letters cannot be shown right" in text_of(file_of(own(person, format="pdf")))
        assert "花粉症 hay fever" in file_of(own(person)).decode()

    def test_large_print_is_for_a_pdf(self, portal: Portal) -> None:
        person = _somebody(portal)
        answer = ask(portal, "me", strong(person), format="text", large_print=True)
        assert (answer.status, answer.json["errors"][0]["code"]) == (422, "large_print_of_pdf_only")


def _smallest(pdf: bytes) -> float:
    """The size of the smallest letters."""
    sizes: list[float] = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=lambda text, _cm, _tm, _font, size: sizes.append(size) if text.strip() else None)
    return min(sizes)


class TestBundle:
    def test_resources_are_as_sent_and_what_they_refer_to_is_found_in_it(self, portal: Portal) -> None:
        id_ = fhir.fresh("p")
        doctor, place = (
            fhir.practitioner("Hopper"),
            {"resourceType": "Organization", "id": fhir.fresh("org"), "name": "A"},
        )
        visit = fhir.encounter(f"Patient/{id_}", serviceProvider={"reference": f"Organization/{place['id']}"})
        result = fhir.lab(
            f"Patient/{id_}",
            encounter={"reference": f"Encounter/{visit['id']}"},
            performer=[{"reference": f"Practitioner/{doctor['id']}"}],
        )
        person = _somebody(portal, doctor, place, visit, result, id=id_)
        bundle = json.loads(file_of(own(person, format="fhir")))
        assert bundle["type"] == "collection"
        entries = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
        assert len(entries) == len(bundle["entry"]) == 5
        by_id = {resource["id"]: resource for resource in entries.values()}
        found = by_id[result["id"]]
        assert {**found, **dict.fromkeys(("subject", "encounter", "performer"))} == {
            **result,
            **dict.fromkeys(("subject", "encounter", "performer")),
        }
        assert entries[found["subject"]["reference"]]["id"] == id_
        assert entries[found["encounter"]["reference"]]["id"] == visit["id"]
        assert entries[found["performer"][0]["reference"]]["id"] == doctor["id"]
        assert entries[by_id[visit["id"]]["serviceProvider"]["reference"]]["id"] == place["id"]

    def test_what_was_sent_by_urns_is_as_it_was(self, portal: Portal) -> None:
        ids = {name: str(uuid.uuid4()) for name in ("patient", "doctor", "result")}
        urns = {one: f"urn:uuid:{one}" for one in ids.values()}
        patient = fhir.patient(id=ids["patient"])
        doctor = fhir.practitioner("Hopper", id=ids["doctor"])
        result = fhir.lab(urns[ids["patient"]], id=ids["result"], performer=[{"reference": urns[ids["doctor"]]}])
        assert portal.import_fhir(fhir.bundle(patient, doctor, result, urls=urns)).json["created"] == 3
        found = portal.call("GET", f"/v1/clinic/patients?identifier={ids['patient']}", token=portal.client_token())
        patient_id = found.json["items"][0]["patient_id"]
        token = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
        bundle = json.loads(file_of(made(portal, patient_id, token, format="fhir")))
        assert {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]} == {
            urns[ids["patient"]]: patient,
            urns[ids["doctor"]]: doctor,
            urns[ids["result"]]: result,
        }

    def test_no_social_security_number_is_in_any_copy(self, portal: Portal) -> None:
        person = _somebody(
            portal,
            identifier=[{"system": fhir.SSN, "value": "999-12-3456"}, {"system": fhir.MRN, "value": "MRN-ssn-1"}],
            id="ssn-1",
        )
        for format_ in FORMATS:
            body = file_of(own(person, format=format_))
            text = text_of(body) if format_ is ExportFormat.PDF else body.decode()
            assert "12-3456" not in text
            assert "3456" not in text or "999" not in text


class TestForWhom:
    def test_a_copy_needs_a_step_up_and_so_does_its_download(self, portal: Portal) -> None:
        person, _ = _full(portal)
        assert ask(portal, "me", person.token).json["code"] == "step_up_required"
        found = own(person)
        plain = read(portal, "me", person.token, found["export_id"])
        assert (plain["status"], plain["download_url"], plain["manifest"]) == ("ready", None, found["manifest"])

    @pytest.mark.parametrize("format_", FORMATS)
    def test_a_caregiver_gets_what_their_scopes_open_and_nothing_sensitive(
        self, portal: Portal, format_: ExportFormat
    ) -> None:
        person, _ = _full(portal)
        patient_id = person.patient.patient_id
        for scopes, sensitive, expected in (
            ([Scope.RESULTS], False, {"lab": 2}),
            ([Scope.MEDICATIONS], False, {"medication": 1}),
            ([Scope.EVERYTHING], False, {"lab": 2, "condition": 1, "medication": 1, "encounter": 1}),
            ([Scope.EVERYTHING], True, {"lab": 2, "condition": 2, "medication": 1, "encounter": 1}),
            ([Scope.BILLING], False, {}),
        ):
            token = token_of(new_caregiver(patient_id, *scopes, sees_sensitive=sensitive))
            found = made(portal, patient_id, token, format=format_)
            shown = counted(pages_of(portal, patient_id, token))
            assert counts_of(found) == found["manifest"]["counts"] == shown == expected
            body = file_of(found)
            text = text_of(body) if format_ is ExportFormat.PDF else body.decode()
            assert ("Sensitive matter" in text) is sensitive
            assert person.patient.email not in text

    def test_a_category_outside_the_scope_is_not_there(self, portal: Portal) -> None:
        person, _ = _full(portal)
        token = token_of(new_caregiver(person.patient.patient_id, Scope.RESULTS))
        answer = ask(portal, person.patient.patient_id, token, categories=["lab", "condition"])
        assert answer.status == 404

    def test_whoever_may_see_it_no_more_gets_nothing_built_or_not(self, portal: Portal) -> None:
        person, _ = _full(portal)
        patient_id = person.patient.patient_id
        account_id = new_caregiver(patient_id, Scope.EVERYTHING)
        token = token_of(account_id)
        ready = made(portal, patient_id, token)
        waiting = ask(portal, patient_id, token).json["export_id"]
        with transaction() as tx:
            caregivers.remove_grant(tx, patient_id, account_id)
        portal.drain()
        for export_id in (ready["export_id"], waiting):
            assert portal.call("GET", f"{path_of(patient_id)}/{export_id}", token=token).status == 404
        assert portal.call("GET", path_of(patient_id), token=token).status == 404
        unbuilt = storage.find(account_id, waiting)
        assert unbuilt is not None
        assert unbuilt.status == "failed"
        assert not unbuilt.file_key

    def test_whoever_sees_less_by_now_gets_no_copy_of_before(self, portal: Portal) -> None:
        person, _ = _full(portal)
        patient_id = person.patient.patient_id
        account_id = new_caregiver(patient_id, Scope.EVERYTHING, sees_sensitive=True)
        token = token_of(account_id)
        whole, labs = made(portal, patient_id, token), made(portal, patient_id, token, categories=["lab"])
        again = caregivers.find_grant(patient_id, account_id)
        assert again is not None
        _give(patient_id, account_id, Scope.RESULTS)
        for found in (whole, labs):
            assert portal.call("GET", f"{path_of(patient_id)}/{found['export_id']}", token=token).status == 404
        assert portal.call("GET", path_of(patient_id), token=token).json["items"] == []
        assert counts_of(made(portal, patient_id, token)) == {"lab": 2}

    def test_nobody_else_finds_it(self, portal: Portal) -> None:
        person, _ = _full(portal)
        patient_id, found = person.patient.patient_id, own(person)
        other = token_of(new_caregiver(patient_id, Scope.EVERYTHING))
        assert portal.call("GET", f"{path_of(patient_id)}/{found['export_id']}", token=other).status == 404
        assert portal.call("GET", path_of(patient_id), token=other).json["items"] == []
        mine = strong(_somebody(portal))
        assert portal.call("GET", f"{path_of('me')}/{found['export_id']}", token=mine).status == 404

    def test_staff_who_care_for_the_patient_get_one_and_others_are_refused(self, portal: Portal) -> None:
        person, _ = _full(portal)
        patient_id = person.patient.patient_id
        clinician = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
        assert counts_of(made(portal, patient_id, clinician)) == {
            "lab": 2,
            "condition": 2,
            "medication": 1,
            "encounter": 1,
        }
        assert ask(portal, patient_id, token_of(new_staff(Role.CLINICIAN))).status == 403
        assert ask(portal, patient_id, token_of(new_staff(Role.ADMIN))).status == 404

    def test_a_patient_into_whom_another_was_merged_has_both_files_until_they_are_parted(self, portal: Portal) -> None:
        person, _ = _full(portal)
        other_id = fhir.fresh("p")
        other = portal.new_patient(id=other_id, resources=(fhir.condition(f"Patient/{other_id}", "Migraine"),))
        patient_id = person.patient.patient_id
        merge_id = merging.merged(portal, patient_id, other.patient_id)
        both = {format_: own(person, format=format_) for format_ in FORMATS}
        for format_, found in both.items():
            expected = {"lab": 2, "condition": 3, "medication": 1, "encounter": 1}
            assert counts_of(found) == found["manifest"]["counts"] == expected, format_
        assert merging.undo(portal, patient_id, merge_id).status in {200, 201, 204}
        token = strong(person)
        for found in both.values():
            assert portal.call("GET", f"{path_of('me')}/{found['export_id']}", token=token).status == 404
        assert counts_of(own(person))["condition"] == 2

    def test_the_patient_reads_in_words_who_had_a_copy_made(self, portal: Portal) -> None:
        person, _ = _full(portal)
        patient_id = person.patient.patient_id
        account_id = new_caregiver(patient_id, Scope.EVERYTHING)
        made(portal, patient_id, token_of(account_id), format="pdf")
        own(person)
        log = person.get("/v1/patients/me/access-log?limit=100").json["items"]
        told = {(one["who"], one["text"]) for one in log}
        for who in ("caregiver", "self"):
            assert (who, "Asked for a copy of your record.") in told
            assert (who, "Got the link to a copy of your record.") in told
        assert ("portal", "Made a copy of your record.") in told


def _give(patient_id: str, account_id: str, *scopes: Scope) -> None:
    from chalicelib.domain.caregivers import Grant

    with transaction() as tx:
        caregivers.remove_grant(tx, patient_id, account_id)
    with transaction() as tx:
        caregivers.put_grant(tx, patient_id, Grant(account_id, frozenset(scopes)))


class TestAsking:
    def test_the_same_key_is_the_same_copy(self, portal: Portal) -> None:
        person, key = _somebody(portal), str(uuid.uuid4())
        token = strong(person)
        first = ask(portal, "me", token, key=key)
        assert ask(portal, "me", token, key=key).json["export_id"] == first.json["export_id"]
        assert ask(portal, "me", token, key=key, format="pdf").status == 422

    def test_so_many_of_one_record_a_day_and_no_more(self, portal: Portal) -> None:
        person = _somebody(portal)
        answers = [ask(portal, "me", strong(person)).status for _ in range(exports.RECORD_REQUESTS.tries + 1)]
        assert answers == [202] * exports.RECORD_REQUESTS.tries + [429]
        portal.advance(days=1, seconds=1)
        assert ask(portal, "me", strong(person)).status == 202

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"format": "docx"}, "not_a_choice"),
            ({"categories": ["lab", "lab"]}, "given_twice"),
            ({"categories": ["spells"]}, "not_a_choice"),
            ({"from": "2024-02-30"}, "moment_expected"),
            ({"from": "2024-03-01T10:00:00"}, "zone_missing"),
            ({"from": "2024-03-02", "to": "2024-03-01"}, "closes_before_it_opens"),
            ({"surprise": 1}, "unknown_field"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, portal: Portal, asked: dict[str, Any], code: str) -> None:
        answer = ask(portal, "me", strong(_somebody(portal)), **asked)
        assert (answer.status, [one["code"] for one in answer.json["errors"]]) == (422, [code])

    def test_copies_are_listed_page_by_page_the_newest_first(self, portal: Portal) -> None:
        person = _somebody(portal)
        token = strong(person)
        asked = []
        for _ in range(3):
            asked.append(ask(portal, "me", token).json["export_id"])
            portal.advance(seconds=1)
        portal.drain()
        first = portal.call("GET", f"{path_of('me')}?limit=2", token=token).json
        rest = portal.call("GET", f"{path_of('me')}?limit=2&cursor={first['next_cursor']}", token=token).json
        assert [one["export_id"] for one in first["items"] + rest["items"]] == asked[::-1]
        assert rest["next_cursor"] is None
        assert {one["download_url"] for one in first["items"]} == {None}

    def test_it_is_kept_for_three_days_and_removed_then(self, portal: Portal) -> None:
        person, _ = _full(portal)
        found = own(person)
        portal.advance(days=3, seconds=5)
        assert portal.call("GET", f"{path_of('me')}/{found['export_id']}", token=strong(person)).status == 404
        sweep(portal)
        assert storage.find(account_id_of(person), found["export_id"]) is None
        assert _files(portal, found["export_id"]) == []

    def test_a_copy_of_a_record_is_none_of_the_account(self, portal: Portal) -> None:
        person = _somebody(portal)
        own(person)
        assert person.get("/v1/me/export").status == 404


def _files(portal: Portal, export_id: str) -> list[str]:
    bucket = portal.aws.deployed.outputs["RecordsBucketName"]
    found = portal.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"exports/{export_id}").get("Contents", [])
    return [one["Key"] for one in found]


class TestFailures:
    def test_a_worker_who_died_on_the_way_is_followed_by_one_who_begins_anew(self, portal: Portal) -> None:
        """Wherever it died: one file, whole."""
        person, _ = _full(portal)
        for format_ in (ExportFormat.FHIR, ExportFormat.PDF):
            for place in (1, 4, 7, 10, 12, 14, 15, 16, 18, 22):
                export_id = _queued(person, format_)
                row_id = _row_of(portal, export_id)
                if _dies_at(place, row_id):
                    break
                portal.advance(seconds=91)
                exports.work(row_id)
                found = read(portal, "me", strong(person), export_id)
                assert (place, found["status"]) == (place, "ready")
                assert counts_of(found) == {"lab": 2, "condition": 2, "medication": 1, "encounter": 1}
            assert place > 10

    def test_a_worker_who_was_overtaken_leaves_nothing(self, portal: Portal) -> None:
        person, _ = _full(portal)
        export_id = _queued(person, ExportFormat.PDF)
        row_id = _row_of(portal, export_id)
        gathered = gathering.gather

        def overtaken(*given: Any) -> Any:
            portal.advance(seconds=91)
            with pytest.MonkeyPatch.context() as alone:
                alone.setattr(building, "gather", gathered)
                exports.work(row_id)
            return gathered(*given)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(building, "gather", overtaken)
            exports.work(row_id)
        assert read(portal, "me", strong(person), export_id)["status"] == "ready"
        assert len(_files(portal, export_id)) == 1

    def test_a_worker_who_works_for_long_keeps_its_claim(self, portal: Portal) -> None:
        person, _ = _full(portal)
        export_id = _queued(person, ExportFormat.TEXT)
        row = outbox.find(_row_of(portal, export_id))
        assert row is not None
        assert outbox.claim(row)
        for _ in range(5):
            portal.advance(seconds=60)
            jobs.go_on(row)
            assert not _claim(row.pk)
        portal.advance(seconds=91)
        assert _claim(row.pk)
        with pytest.raises(jobs.Superseded):
            jobs.go_on(row)

    def test_it_tells_how_far_it_is(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        person, _ = _full(portal)
        monkeypatch.setattr(building, "_PAUSE_SECONDS", 0)
        seen: list[int] = []
        noted = storage.note_progress

        def note(export: storage.Export, at: int) -> None:
            seen.append(at)
            noted(export, at)

        monkeypatch.setattr(storage, "note_progress", note)
        own(person, format="pdf")
        assert seen[0] == 0
        assert seen == sorted(seen)
        assert {60, 99} <= set(seen)

    def test_a_service_that_is_away_is_tried_again(self, portal: Portal) -> None:
        person, _ = _full(portal)
        token = strong(person)
        export_id = ask(portal, "me", token).json["export_id"]
        with failing(lambda call: call.operation == "PutObject", unreachable(), times=1):
            portal.drain()
            assert read(portal, "me", token, export_id)["status"] == "running"
        portal.advance(minutes=2)
        sweep(portal)
        assert read(portal, "me", strong(person), export_id)["status"] == "ready"

    def test_after_eight_tries_it_is_given_up(self, portal: Portal) -> None:
        person, _ = _full(portal)
        export_id = ask(portal, "me", strong(person)).json["export_id"]
        with failing(lambda call: export_id in str(call.params.get("Key")), unreachable()) as failed:
            portal.drain()
            for _ in range(12):
                portal.advance(minutes=20)
                sweep(portal)
        assert len(failed) == 8
        assert read(portal, "me", strong(person), export_id)["status"] == "failed"

    def test_what_no_worker_survives_is_given_up_after_a_day(self, portal: Portal) -> None:
        person, _ = _full(portal)
        export_id = _queued(person, ExportFormat.TEXT)
        row_id = _row_of(portal, export_id)
        for hours in (1, 22, 2):
            found = storage.find(account_id_of(person), export_id)
            assert found is not None
            assert found.is_open
            assert not _dies_at(5, row_id)
            portal.advance(hours=hours)
        exports.work(row_id)
        assert read(portal, "me", strong(person), export_id)["status"] == "failed"


def _claim(row_id: str) -> bool:
    """Whether another worker may have a row."""
    row = outbox.find(row_id)
    assert row is not None
    return outbox.claim(row)


class _Died(BaseException):
    """The process ended: nothing catches it."""


def _queued(person: Person, format_: ExportFormat) -> str:
    """A copy that no worker has begun, beyond the limit."""
    from chalicelib.domain.exports import ExportSubject, Wanted

    with transaction() as tx:
        subject = storage.Subject(ExportSubject.RECORD, person.patient.patient_id, Wanted(format_, "en"))
        export = storage.create(tx, account_id_of(person), subject)
        outbox.post_export(tx, account_id_of(person), export.export_id, subject=ExportSubject.RECORD)
    return export.export_id


def _row_of(portal: Portal, export_id: str) -> str:
    rows = [row for row in portal.rows("outbox") if export_id in row["about"]["S"] and "not_before" not in row]
    return str(rows[0]["pk"]["S"])


def _dies_at(place: int, row_id: str) -> bool:
    """Whether a worker came to its end, who would have died just before the call of a number."""
    made_calls: list[None] = []

    def is_the_last(_call: object) -> bool:
        made_calls.append(None)
        return len(made_calls) == place

    try:
        with failing(is_the_last, _Died()):
            exports.work(row_id)
    except _Died:
        return False
    return True


@pytest.mark.parametrize("path", SYNTHEA, ids=lambda path: path.stem.split("_")[0])
def test_every_format_of_a_patient_of_synthea_has_what_the_screens_and_the_bundle_have(
    portal: Portal, path: Path
) -> None:
    assert portal.import_fhir(path.read_bytes()).status == 200
    sent = json.loads(path.read_text(encoding="utf-8"))
    resources = [entry["resource"] for entry in sent["entry"]]
    (patient,) = [one for one in resources if one["resourceType"] == "Patient"]
    mrn = patient["identifier"][0]["value"]
    token = portal.client_token()
    (found,) = portal.call("GET", f"/v1/clinic/patients?identifier={mrn}", token=token).json["items"]
    patient_id = found["patient_id"]
    reader = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
    shown = counted(pages_of(portal, patient_id, reader))
    for format_ in FORMATS:
        copy = made(portal, patient_id, reader, format=format_)
        assert counts_of(copy) == copy["manifest"]["counts"] == shown, format_
        if format_ is ExportFormat.FHIR:
            _check_bundle(json.loads(file_of(copy)), resources)
    portal.advance(seconds=timedelta(days=1).total_seconds())


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.stem)
def test_every_format_of_a_patient_of_the_sample_clinic_has_what_the_screens_have(portal: Portal, path: Path) -> None:
    """In their own alphabet, with everything that the sample clinic knows of."""
    assert portal.import_fhir((SAMPLE[0].parent / "00-clinic.json").read_bytes()).status == 200
    assert portal.import_fhir(path.read_bytes()).status == 200
    entries = json.loads(path.read_text(encoding="utf-8"))["entry"]
    for patient in (one["resource"] for one in entries if one["resource"]["resourceType"] == "Patient"):
        number = patient["identifier"][0]["value"]
        found = portal.call("GET", f"/v1/clinic/patients?identifier={number}", token=portal.client_token()).json
        patient_id = found["items"][0]["patient_id"]
        reader = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
        shown = counted(pages_of(portal, patient_id, reader))
        for format_ in FORMATS:
            copy = made(portal, patient_id, reader, format=format_)
            assert counts_of(copy) == copy["manifest"]["counts"] == shown, format_


def _check_bundle(copy: dict[str, Any], sent: list[dict[str, Any]]) -> None:
    """Resource by resource what was sent, and each reference inside the bundle leads to what it led to."""
    before = {one["id"]: one for one in sent}
    after = {entry["resource"]["id"]: entry["resource"] for entry in copy["entry"]}
    records = [one for one in after.values() if one["resourceType"] not in {"Patient", "Practitioner", "Organization"}]
    assert [one["id"] for one in records if one != before[one["id"]]] == []
    urls = {entry["fullUrl"] for entry in copy["entry"]}
    assert {reference for reference in _urns(records) if reference.removeprefix("urn:uuid:") in before} <= urls | {
        f"urn:uuid:{one['id']}" for one in sent if one["resourceType"] in {"Claim", "ExplanationOfBenefit"}
    }


def _urns(element: Any) -> set[str]:
    if isinstance(element, list):
        return {urn for one in element for urn in _urns(one)}
    if isinstance(element, dict):
        own_urn = {element["reference"]} if isinstance(element.get("reference"), str) else set()
        return own_urn | {urn for one in element.values() for urn in _urns(one)}
    return set()
