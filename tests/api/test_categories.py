"""What a patient finds in each category of the record, held against the FHIR that the clinic sent, read on its own."""

import base64
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.clients import files
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.records.categories import Category
from tests.support import fhir
from tests.support.aws_calls import recorded
from tests.support.changing import Chart
from tests.support.fhir import Json, order
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Portal

ROOT = Path(__file__).parents[2]
BUNDLES = sorted((ROOT / "infra" / "sample" / "bundles").glob("*.json"))
# One of the smaller real people: the large ones are held against their bundles through the FHIR API.
BUNDLES += sorted((ROOT.parent / "shared" / "data" / "synthea").glob("Clint_Champlin*.json"))


class Shelf:
    """Everything that was imported, as it was sent and as it is shown."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.sent: dict[str, Json] = {}
        self.ids: dict[str, str] = {}
        for path in BUNDLES:
            assert portal.import_fhir(path.read_bytes()).json["refused"] == []
        portal.drain()
        known = dict(_sources())
        patients = set()
        for row in portal.rows("patients"):
            if row["pk"]["S"].startswith("raw#"):
                packed = row["body"]["B"] if "body" in row else files.get_record(row["stored_at"]["S"])
                one, names = known.get(
                    _key(json.loads(zlib.decompress(packed), parse_float=str, parse_int=str)), (None, [])
                )
                if one is not None:
                    record_id = row["pk"]["S"].removeprefix("raw#")
                    self.sent[record_id] = one
                    self.ids |= dict.fromkeys(names, record_id)
                    patients |= {row["owner"]["S"]} if row["owner"]["S"].startswith("pat_") else set()
        self.tokens = {
            one: token_of(new_caregiver(one, Scope.EVERYTHING, sees_sensitive=True)) for one in sorted(patients)
        }
        self.shown = [(one, row) for one in self.tokens for row in self._rows(one)]

    def _rows(self, patient_id: str) -> Iterator[Json]:
        cursor = ""
        while True:
            page = self.get(patient_id, f"?limit=100{cursor}")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={quote(page['next_cursor'])}"

    def get(self, patient_id: str, rest: str) -> Json:
        """What an answer of somebody's record says, its numbers as they are written."""
        path = f"/v1/patients/{patient_id}/records{rest}"
        answer = self.portal.call("GET", path, token=self.tokens[patient_id])
        assert answer.status == 200, answer.text
        found: Json = json.loads(answer.text, parse_float=str, parse_int=str)
        return found

    def of(self, category: Category) -> list[tuple[str, Json, Json]]:
        """Whose, as it is shown, as it was sent."""
        return [(one, row, self.sent[row["record_id"]]) for one, row in self.shown if row["category"] == category]

    def named(self, reference: Json | None) -> str | None:
        """The record that a reference leads to."""
        return self.ids.get((reference or {}).get("reference", ""))


def _sources() -> Iterator[tuple[str, tuple[Json, list[str]]]]:
    """Each resource that is sent, with the names by which references call it."""
    for path in BUNDLES:
        payload = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
        for entry in payload["entry"]:
            one = entry["resource"]
            names = [entry.get("fullUrl"), f"{one['resourceType']}/{one['id']}" if "id" in one else None]
            yield _key(one), (one, [name for name in names if name])


def _key(resource: Json) -> str:
    """By what a resource is known again: its id, else all of it."""
    return f"{resource['resourceType']}/{resource['id']}" if "id" in resource else json.dumps(resource, sort_keys=True)


@pytest.fixture(scope="module")
def shelf(portal: Portal) -> Shelf:
    return Shelf(portal)


# --- every category --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", Category)
def test_each_category_shows_what_was_sent(shelf: Shelf, category: Category) -> None:
    found = shelf.of(category)
    assert found, f"the sample clinic has no {category}"
    for _, row, sent in found:
        assert row["status"] in _statuses(sent)
        assert row["occurred_at"] is None or _instant(row["occurred_at"]) in set(map(_instant, _dates(sent)))
        assert row.get("notes", []) == [_squeezed(one["text"]) for one in sent.get("note", [])]
        if category in CHECKS:
            CHECKS[category](shelf, row, sent)


def test_everything_that_was_sent_is_shown_once(shelf: Shelf) -> None:
    shown = Counter(row["record_id"] for _, row in shelf.shown)
    assert set(shown.values()) == {1}
    types = {row["resource_type"] for _, row in shelf.shown}
    of_records = {record_id for record_id, one in shelf.sent.items() if one["resourceType"] in types}
    assert {one for one in of_records if one.startswith("rec_")} == shown.keys()


def _statuses(sent: Json) -> set[str | None]:
    clinical = [coding.get("code") for coding in sent.get("clinicalStatus", {}).get("coding", ())]
    verification = [coding.get("code") for coding in sent.get("verificationStatus", {}).get("coding", ())]
    return {sent.get("status"), sent.get("lifecycleStatus"), *clinical, *verification}


def _dates(sent: Any) -> Iterator[str]:
    """Every date and time in a resource."""
    if isinstance(sent, dict | list):
        for member in sent.values() if isinstance(sent, dict) else sent:
            yield from _dates(member)
    elif isinstance(sent, str) and re.fullmatch(r"\d{4}(-\d\d){0,2}(T.*)?", sent):
        yield sent


def _instant(at: str) -> str:
    """A moment in UTC; a day stays a day."""
    return datetime.fromisoformat(at).astimezone(UTC).isoformat()[:19] if "T" in at else at


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _observed(row: Json, sent: Json) -> None:
    """Value, unit, precision, range, interpretation, and why there is none."""
    quantity, concept = sent.get("valueQuantity"), sent.get("valueCodeableConcept", {})
    if quantity:
        assert (row["value"], row["unit"]) == (quantity.get("value"), quantity.get("unit", quantity.get("code")))
        assert row.get("comparator") == quantity.get("comparator")
    if "valueString" in sent:
        assert row["value"] == sent["valueString"]
    if concept.get("text"):
        assert row["value"] == concept["text"]
    ranges = [one for one in sent.get("referenceRange", ()) if {"low", "high", "text"} & one.keys()]
    if ranges:
        for end in ("low", "high"):
            assert row["reference_range"].get(end) == ranges[0].get(end, {}).get("value")
        assert row["reference_range"].get("text") == ranges[0].get("text")
    codes = [coding.get("code") for one in sent.get("interpretation", ()) for coding in one.get("coding", ())]
    if codes:
        assert row["interpretation"]["code"] in codes
        assert row["interpretation"]["text"]
    if "dataAbsentReason" in sent:
        assert row["value"] is None
        assert re.search("[a-z]{3}", row["data_absent_reason"])


def _observation(shelf: Shelf, row: Json, sent: Json) -> None:
    _observed(row, sent)
    parts = sent.get("component", [])
    assert len(row.get("components", [])) == len(parts)
    for shown, part in zip(row.get("components", []), parts, strict=True):
        _observed(shown, part)
    assert _links(row, "members") == [shelf.named(one) for one in sent.get("hasMember", [])]


def _links(row: Json, name: str) -> list[str | None]:
    return [one["record_id"] for one in row.get(name, [])]


def _medication(shelf: Shelf, row: Json, sent: Json) -> None:
    for dosage in sent.get("dosageInstruction", []):
        if dosage.get("text"):
            assert _squeezed(dosage["text"]) in row["dosage"]
        elif dosage.get("doseAndRate") or dosage.get("timing"):
            assert re.search("[a-z]", row["dosage"])
    assert row.get("as_needed", False) == all(
        one.get("asNeededBoolean") or one.get("asNeededCodeableConcept") for one in sent.get("dosageInstruction", [])
    ) or not sent.get("dosageInstruction")
    if "requester" in sent:
        assert not re.search("^$|urn:|Practitioner/", row["prescriber"])
    if "authoredOn" in sent:
        assert row["occurred_at"] is not None
    _reasons(shelf, row, sent)
    if "medicationCodeableConcept" in sent:
        words = [sent["medicationCodeableConcept"].get("text")]
        words += [coding.get("display") for coding in sent["medicationCodeableConcept"].get("coding", [])]
        assert row["title"].removeprefix("Do not take: ") in words


def _reasons(shelf: Shelf, row: Json, sent: Json) -> None:
    """What it is for, in words: a code's, or the title of the record that is named."""
    titles = {one["record_id"]: one["title"] for _, one in shelf.shown}
    for reference in sent.get("reasonReference", []):
        record_id = shelf.named(reference)
        assert (titles[record_id] if record_id else reference.get("display")) in row["reasons"]
    assert len(row.get("reasons", [])) >= bool(sent.get("reasonCode"))


def _encounter(shelf: Shelf, row: Json, sent: Json) -> None:
    for end in ("start", "end"):
        assert (end in row["period"]) == (end in sent["period"])
    named = [one["individual"].get("display") for one in sent.get("participant", []) if "individual" in one]
    assert len(row.get("practitioners", [])) == len(named)
    _reasons(shelf, row, sent)


def _report(shelf: Shelf, row: Json, sent: Json) -> None:
    assert _links(row, "results") == [shelf.named(one) for one in sent.get("result", [])]
    if "conclusion" in sent:
        assert row["conclusion"] == _squeezed(sent["conclusion"])
    assert len(row.get("attachments", [])) == len(sent.get("presentedForm", []))


def _report_or_result(shelf: Shelf, row: Json, sent: Json) -> None:
    (_report if sent["resourceType"] == "DiagnosticReport" else _observation)(shelf, row, sent)


def _document(_: Shelf, row: Json, sent: Json) -> None:
    kinds = [one["attachment"].get("contentType") for one in sent["content"]]
    assert [one.get("content_type") for one in row["attachments"]] == kinds
    assert len(row.get("authors", [])) == len({json.dumps(one) for one in sent.get("author", [])})


def _imaging(_: Shelf, row: Json, sent: Json) -> None:
    if sent["resourceType"] == "ImagingStudy":
        assert str(row["series_count"]) == str(sent.get("numberOfSeries", len(sent.get("series", []))))
        assert row["modality"]
    else:
        assert [one.get("content_type") for one in row["attachments"]] == [sent["content"].get("contentType")]


def _condition(_: Shelf, row: Json, sent: Json) -> None:
    for name in ("onset", "abatement"):
        if f"{name}DateTime" in sent:
            assert row[name][:4] in {sent[f"{name}DateTime"][:4], str(int(sent[f"{name}DateTime"][:4]) + 1)}
        if f"{name}String" in sent:
            assert row[name] == sent[f"{name}String"]


def _allergy(_: Shelf, row: Json, sent: Json) -> None:
    assert row.get("criticality") == sent.get("criticality")
    reactions = [one for one in sent.get("reaction", []) if one]
    assert [len(one["manifestations"]) for one in row.get("reactions", [])] == [
        len(one["manifestation"]) for one in reactions
    ]
    assert [one.get("severity") for one in row.get("reactions", [])] == [one.get("severity") for one in reactions]


def _immunization(_: Shelf, row: Json, sent: Json) -> None:
    assert (row.get("lot_number"), row.get("expires_on")) == (sent.get("lotNumber"), sent.get("expirationDate"))
    assert bool(row.get("status_reason")) == bool(sent.get("statusReason"))


def _procedure(shelf: Shelf, row: Json, sent: Json) -> None:
    assert ("period" in row) == ("performedPeriod" in sent)
    assert bool(row.get("outcome")) == bool(sent.get("outcome"))
    _reasons(shelf, row, sent)


def _care_plan(shelf: Shelf, row: Json, sent: Json) -> None:
    assert _links(row, "goals") == [shelf.named(one) for one in sent.get("goal", [])]
    assert _links(row, "conditions") == [shelf.named(one) for one in sent.get("addresses", [])]
    states = [one["detail"].get("status") for one in sent.get("activity", []) if "detail" in one]
    assert [one.get("status") for one in row.get("activities", [])] == states


def _goal(_: Shelf, row: Json, sent: Json) -> None:
    due = [one.get("dueDate") for one in sent.get("target", []) if one]
    assert [one.get("due_on") for one in row.get("targets", [])] == due or not any(due)


def _care_team(_: Shelf, row: Json, sent: Json) -> None:
    members = [one for one in sent["participant"] if one.get("member")]
    assert [bool(one["name"]) for one in row["participants"]] == [True] * len(members)
    for shown, member in zip(row["participants"], members, strict=True):
        assert ("role" in shown) == bool(member.get("role"))


def _family_history(_: Shelf, row: Json, sent: Json) -> None:
    assert row["relationship"]
    assert len(row.get("conditions", [])) == len(sent.get("condition", []))
    assert all(one["title"] for one in row.get("conditions", []))
    assert sent.get("name") is None or sent["name"] not in json.dumps(row)


def _order(shelf: Shelf, row: Json, sent: Json) -> None:
    is_dated = bool({"occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"} & sent.keys())
    assert ("occurrence" in row) == is_dated
    expected = "scheduled" if is_dated else "to_be_scheduled"
    assert row.get("scheduling") == (expected if sent["status"] == "active" else None)
    assert bool(row.get("prescriber")) == ("requester" in sent)
    _reasons(shelf, row, sent)


def _device(_: Shelf, row: Json, sent: Json) -> None:
    assert (row.get("serial_number"), row.get("lot_number")) == (sent.get("serialNumber"), sent.get("lotNumber"))
    assert row.get("model") == sent.get("modelNumber")


def _questionnaire(_: Shelf, row: Json, sent: Json) -> None:
    def questions(items: list[Json]) -> list[str | None]:
        return [text for one in items for text in (one.get("text"), *questions(one.get("item", [])))]

    def shown(items: list[Json]) -> list[str | None]:
        return [text for one in items for text in (one["question"], *shown(one.get("items", [])))]

    assert shown(row["items"]) == questions(sent.get("item", []))


CHECKS: dict[Category, Callable[[Shelf, Json, Json], None]] = {
    Category.LAB: _observation,
    Category.VITAL: _observation,
    Category.SOCIAL_HISTORY: _observation,
    Category.MEDICATION: _medication,
    Category.CONDITION: _condition,
    Category.ALLERGY: _allergy,
    Category.IMMUNIZATION: _immunization,
    Category.PROCEDURE: _procedure,
    Category.ENCOUNTER: _encounter,
    Category.REPORT: _report_or_result,
    Category.DOCUMENT: _document,
    Category.IMAGING: _imaging,
    Category.CARE_PLAN: _care_plan,
    Category.GOAL: _goal,
    Category.CARE_TEAM: _care_team,
    Category.FAMILY_HISTORY: _family_history,
    Category.ORDER: _order,
    Category.DEVICE: _device,
    Category.QUESTIONNAIRE_RESPONSE: _questionnaire,
}


# --- one entry with what belongs to it -------------------------------------------------------------------------------


def test_a_visit_has_everything_that_names_it(shelf: Shelf) -> None:
    expected: dict[str | None, set[str]] = {}
    for _, row in shelf.shown:
        sent = shelf.sent[row["record_id"]]
        visits = [sent.get("encounter"), *sent.get("context", {}).get("encounter", ())]
        visit = next((shelf.named(one) for one in visits if one), None)
        expected.setdefault(visit, set()).add(row["record_id"])
    visits = [(one, row["record_id"]) for one, row, _ in shelf.of(Category.ENCOUNTER)]
    kinds: set[str] = set()
    for patient_id, visit in visits:
        during = shelf.get(patient_id, f"/{visit}")["during"]
        assert {row["record_id"] for row in during} == expected.get(visit, set())
        kinds |= {row["category"] for row in during}
    assert {"lab", "vital", "report", "order", "document", "medication", "procedure", "imaging"} <= kinds


def test_a_report_has_its_results_and_a_panel_its_members_in_order(shelf: Shelf) -> None:
    looked_at = Counter[str]()
    for patient_id, row in shelf.shown:
        wanted = [one for one in (*_links(row, "members"), *_links(row, "results")) if one]
        if not wanted or looked_at[row["category"]] > 20:
            continue
        linked = shelf.get(patient_id, f"/{row['record_id']}")["linked"]
        assert [one["record_id"] for one in linked][: len(wanted)] == list(dict.fromkeys(wanted))
        assert all(one["title"] and one["category"] for one in linked)
        looked_at[row["category"]] += 1
    assert looked_at["report"] > 10


def test_a_document_has_its_text(shelf: Shelf) -> None:
    found = pages = 0
    for patient_id, row, sent in shelf.of(Category.DOCUMENT):
        texts = [
            base64.b64decode(one["attachment"]["data"]).decode().strip()
            for one in sent["content"]
            if str(one["attachment"].get("contentType")).startswith("text/plain") and "data" in one["attachment"]
        ]
        shown = shelf.get(patient_id, f"/{row['record_id']}").get("attached_texts", [])
        kinds = [str(one["attachment"].get("contentType")) for one in sent["content"]]
        if any(kind.startswith("text/html") for kind in kinds):
            pages += 1
            assert shown
            assert not re.search(r"</?\w+[^>]*>", "".join(shown))
            continue
        assert [re.sub(r"[\d*-]", "", one) for one in shown] == [re.sub(r"[\d*-]", "", one) for one in texts]
        found += len(texts)
    assert found > 0
    assert pages > 0


def test_an_imaging_has_the_reports_that_name_it(shelf: Shelf) -> None:
    reports = [(row["record_id"], sent) for _, row, sent in shelf.of(Category.REPORT)]
    found = 0
    for patient_id, row, _ in shelf.of(Category.IMAGING):
        expected = {
            report_id
            for report_id, sent in reports
            for one in (*sent.get("imagingStudy", ()), *(media["link"] for media in sent.get("media", ())))
            if shelf.named(one) == row["record_id"]
        }
        shown = shelf.get(patient_id, f"/{row['record_id']}").get("reported_in", [])
        assert {one["record_id"] for one in shown} == expected
        found += len(expected)
    assert found > 0


def test_orders_that_wait_to_be_scheduled_are_found(shelf: Shelf) -> None:
    for wanted in ("to_be_scheduled", "scheduled"):
        expected = {row["record_id"] for _, row, _ in shelf.of(Category.ORDER) if row.get("scheduling") == wanted}
        found = {
            row["record_id"]
            for patient_id in shelf.tokens
            for row in shelf.get(patient_id, f"?category=order&scheduling={wanted}")["items"]
        }
        assert found == expected


def test_an_order_leaves_the_list_once_it_is_scheduled(portal: Portal) -> None:
    waiting = order('Says "scheduling":"scheduled"')
    chart = Chart(portal, waiting, order("Done", status="completed"))

    def found(scheduling: str) -> list[str]:
        token = token_of(chart.person.session["account"]["account_id"])
        answer = portal.call("GET", f"/v1/patients/me/records?scheduling={scheduling}", token=token)
        return [row["title"] for row in answer.json["items"]]

    assert (len(found("to_be_scheduled")), found("scheduled")) == (1, [])
    chart.take({**waiting, "occurrenceDateTime": "2026-12-24"})
    assert (found("to_be_scheduled"), len(found("scheduled"))) == ([], 1)


def test_what_belongs_to_an_entry_is_not_there_for_those_who_do_not_see_it(portal: Portal) -> None:
    open_, secret = fhir.lab(""), fhir.lab("", meta={"security": [{"code": "R"}]})
    study = {"resourceType": "ImagingStudy", "id": fhir.fresh("i"), "status": "available", "started": "2026-01-02"}
    report = {
        "resourceType": "DiagnosticReport",
        "id": fhir.fresh("r"),
        "status": "final",
        "code": {"text": "Panel"},
        "effectiveDateTime": "2026-01-03",
        "result": [{"reference": f"Observation/{one['id']}"} for one in (secret, open_)],
        "imagingStudy": [{"reference": f"ImagingStudy/{study['id']}"}],
        "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(b"All is well.").decode()}],
    }
    hidden = {**report, "id": fhir.fresh("r"), "meta": {"security": [{"code": "R"}]}}
    chart = Chart(portal, open_, secret, study, report, hidden)
    rows = chart.records()

    def detail(kind: str, *scopes: Scope) -> Json:
        """The first entry of a type that shows."""
        own = chart.person.session["account"]["account_id"]
        token = token_of(new_caregiver(chart.patient_id, *scopes) if scopes else own)
        path = f"/v1/patients/{chart.patient_id}/records"
        found = sorted(record_id for record_id, row in rows.items() if row["resource_type"] == kind)
        answers = [portal.call("GET", f"{path}/{record_id}", token=token) for record_id in found]
        shown: Json = next(answer.json for answer in answers if answer.status == 200)
        return shown

    assert len(detail("DiagnosticReport")["linked"]) == 3
    theirs = detail("DiagnosticReport", Scope.RESULTS)
    assert [one["resource_type"] for one in theirs["linked"]] == ["ImagingStudy", "Observation"]
    assert theirs["attached_texts"] == ["All is well."]
    assert len(detail("ImagingStudy")["reported_in"]) == 2
    assert len(detail("ImagingStudy", Scope.RESULTS)["reported_in"]) == 1


def test_what_belongs_to_an_entry_costs_a_fixed_number_of_round_trips(portal: Portal) -> None:
    def cost(results: int) -> int:
        labs = [fhir.lab("") for _ in range(results)]
        report: dict[str, Any] = {
            "resourceType": "DiagnosticReport",
            "id": fhir.fresh("r"),
            "status": "final",
            "code": {"text": "Panel"},
            "result": [{"reference": f"Observation/{one['id']}"} for one in labs],
        }
        chart = Chart(portal, *labs, report)
        (record_id,) = [key for key, row in chart.records().items() if row["category"] == "report"]
        token = token_of(chart.person.session["account"]["account_id"])
        with recorded() as calls:
            answer = portal.call("GET", f"/v1/patients/me/records/{record_id}", token=token)
        assert len(answer.json["linked"]) == results
        return len([call for call in calls if call.service == "dynamodb"])

    assert cost(2) == cost(60) <= 4
