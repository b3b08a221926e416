"""When somebody wants to see new results: what they hold back shows in no list, chart, change or notice."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from tests.support import fhir, merging
from tests.support.aws_calls import recorded
from tests.support.caregivers import account_id_of, new_invited
from tests.support.changing import Chart
from tests.support.fhir import Json
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Portal
from tests.support.record_exports import file_of, made

VALUE, NOTE, CONCLUSION = "987.65", "A note of Dr. Okafor", "Nothing of concern"
NAME = {"coding": [{"system": fhir.LOINC, "code": "4548-4"}], "text": "Hemoglobin A1c"}


def _today(**back: float) -> str:
    return (clock.now() - timedelta(**back)).isoformat()


def _lab(**changes: Any) -> Json:
    value = {"value": float(VALUE), "unit": "mg"}
    said = {
        "valueQuantity": value,
        "interpretation": [{"coding": [{"code": "H"}], "text": "Alarming"}],
        "referenceRange": [{"high": {"value": 876.5}}],
        "effectiveDateTime": _today(),
    }
    return fhir.lab("Patient/x", **{**said, **changes})


def _panel(**changes: Any) -> Json:
    parts = [{"code": {"coding": [{"system": fhir.LOINC, "code": "8480-6"}]}, "valueQuantity": {"value": float(VALUE)}}]
    vital = [{"coding": [{"code": "vital-signs"}]}]
    code = {"coding": [{"system": fhir.LOINC, "code": "85354-9"}], "text": "Blood pressure"}
    named = {"code": code, "component": parts, "category": vital, "valueQuantity": None}
    made = _lab(**{**named, **changes})
    return {name: value for name, value in made.items() if value is not None}


def _report(**changes: Any) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "id": fhir.fresh("r"),
        "status": "final",
        "code": {"text": "Biopsy"},
        "subject": fhir.about("Patient/x"),
        "effectiveDateTime": _today(),
        "conclusionCode": [{"text": f"Grade {VALUE}"}],
        **changes,
    }


@dataclass
class Reader:
    """Somebody who reads the record of a chart."""

    chart: Chart
    account_id: str

    @property
    def token(self) -> str:
        return token_of(self.account_id)

    def get(self, path: str) -> Answer:
        return self.chart.portal.call("GET", f"/v1/patients/{self.chart.patient_id}/{path}", token=self.token)

    def choose(self, *, etag: str | None = None, **categories: str) -> Answer:
        path, body = f"/v1/patients/{self.chart.patient_id}/release-preferences", {"categories": categories}
        tag = etag or self.get("release-preferences").header("etag") or ""
        return self.chart.portal.call("PUT", path, body, token=self.token, headers={"If-Match": tag})

    def hold(self, **categories: str) -> None:
        """Choose, and let a moment pass."""
        chosen = self.choose(**categories)
        assert chosen.status == 200, chosen.text
        self.chart.portal.advance(seconds=5)

    def row(self, title: str = "Hemoglobin A1c", query: str = "") -> Json:
        (found,) = [one for one in self.get(f"records?limit=100{query}").json["items"] if one["title"] == title]
        return dict(found)

    def everything(self, record_id: str) -> dict[str, Answer]:
        """Every answer in which a result might stand."""
        paths = {
            "the list": "records?limit=100",
            "a list by category": "records?category=lab",
            "a list by code": "records?code=" + quote(f"{fhir.LOINC}|4548-4"),
            "a search": "records?q=hemoglobin",
            "the record": f"records/{record_id}",
            "the explanation": f"records/{record_id}/explanation",
            "the resource": f"records/{record_id}?format=fhir",
            "the summary": "summary",
            "the trend": "trends/4548-4",
            "the trend of a part": "trends/8480-6",
            "the changes": "changes",
            "the changes since": "changes?since=" + quote((clock.now() - timedelta(hours=2)).isoformat()),
            "the changes since the last visit": "changes?since=last_visit",
        }
        return {name: self.get(path) for name, path in paths.items()}


@pytest.fixture
def chart(portal: Portal) -> Chart:
    return Chart(portal)


@pytest.fixture
def reader(chart: Chart) -> Reader:
    return Reader(chart, account_id_of(chart.person))


def _telling(answers: dict[str, Answer]) -> list[str]:
    """The answers in which something stands that only the result says, and that no time of day looks like."""
    return [name for name, answer in answers.items() if any(one in answer.text for one in (VALUE, "Alarming", "876.5"))]


class TestChoosing:
    def test_all_shows_at_once_until_somebody_chooses(self, reader: Reader) -> None:
        found = reader.get("release-preferences")
        assert found.json == {
            "categories": dict.fromkeys(("lab", "vital", "report", "imaging"), "now"),
            "since": dict.fromkeys(("lab", "vital", "report", "imaging")),
        }
        assert found.header("etag") == '"0"'

    def test_a_choice_is_kept_and_what_is_left_out_shows_at_once_again(self, reader: Reader) -> None:
        chosen = reader.choose(lab="after_comment", report="at_visit")
        assert (chosen.status, chosen.header("etag")) == (200, '"1"')
        assert reader.get("release-preferences").json == chosen.json
        assert chosen.json["categories"] == {
            "lab": "after_comment",
            "vital": "now",
            "report": "at_visit",
            "imaging": "now",
        }
        assert [name for name, since in chosen.json["since"].items() if since] == ["lab", "report"]
        assert reader.choose(report="at_visit").json["categories"]["lab"] == "now"

    def test_what_waits_already_goes_on_waiting_since_then(self, reader: Reader) -> None:
        first = reader.choose(lab="after_comment").json["since"]["lab"]
        reader.chart.portal.advance(minutes=5)
        assert reader.choose(lab="at_visit").json["since"]["lab"] == first
        reader.choose()
        reader.chart.portal.advance(minutes=5)
        assert reader.choose(lab="at_visit").json["since"]["lab"] > first

    def test_a_choice_over_one_that_was_not_read_is_refused(self, reader: Reader) -> None:
        assert reader.choose(lab="at_visit").status == 200
        assert reader.choose(lab="now", etag='"0"').status == 412
        path = f"/v1/patients/{reader.chart.patient_id}/release-preferences"
        missing = reader.chart.portal.call("PUT", path, {"categories": {}}, token=reader.token)
        assert missing.status == 428

    @pytest.mark.parametrize("categories", [{"lab": "never"}, {"medication": "at_visit"}, {"lab": None}])
    def test_what_is_no_choice_is_refused(self, reader: Reader, categories: dict[str, Any]) -> None:
        assert reader.choose(**categories).status == 422

    def test_who_sees_no_visits_cannot_wait_for_one(self, chart: Chart) -> None:
        caregiver = Reader(chart, new_caregiver(chart.patient_id, Scope.RESULTS))
        refused = caregiver.choose(lab="at_visit", vital="after_comment")
        assert [(one["pointer"], one["code"]) for one in refused.json["errors"]] == [
            ("/categories/lab", "not_a_choice")
        ]
        assert caregiver.choose(lab="after_comment").status == 200

    @pytest.mark.parametrize("scope", [Scope.MEDICATIONS, Scope.BILLING])
    def test_who_sees_no_results_has_nothing_to_choose(self, chart: Chart, scope: Scope) -> None:
        caregiver = Reader(chart, new_caregiver(chart.patient_id, scope))
        assert caregiver.get("release-preferences").status == 404

    def test_it_is_in_the_copy_of_the_account(self, reader: Reader) -> None:
        from chalicelib.models import accounts
        from chalicelib.services import account_exports

        reader.hold(lab="at_visit")
        account = accounts.find_account(reader.account_id)
        assert account is not None
        found = json.loads(account_exports.build(account, lambda _: None).file.read())["preferences"]["release"]
        assert [(one["patient_id"], one["category"], one["release"]) for one in found] == [
            (reader.chart.patient_id, "lab", "at_visit")
        ]


class TestHeldBack:
    @pytest.mark.parametrize(("choice", "until"), [("after_comment", "comment"), ("at_visit", "visit")])
    def test_no_reader_tells_of_a_result_that_waits(self, reader: Reader, choice: str, until: str) -> None:
        chart = reader.chart
        chart.take(fhir.encounter("Patient/x", period={"start": _today(days=3), "end": _today(days=2)}))
        reader.hold(lab=choice, vital=choice, report=choice)
        chart.take(_lab(), _panel(), _report())
        row = reader.row()
        assert row["held_back"] == {"until": until}
        assert set(row) <= {
            *{"record_id", "resource_type", "category", "title", "status", "code", "occurred_at", "recorded_at"},
            "held_back",
        }
        answers = reader.everything(row["record_id"])
        assert _telling(answers) == []
        assert {name for name, answer in answers.items() if answer.status != 200} == {"the resource"}
        assert (answers["the resource"].status, answers["the resource"].json["code"]) == (403, "held_back")
        assert answers["the record"].json == row
        assert answers["the summary"].json["new_results"] == [row]
        for name in ("the trend", "the trend of a part"):
            trend = answers[name].json
            assert (trend["points"], trend["other_units"], trend["reference_range"]) == ([], [], None)
            assert [one["text"] for one in trend["gaps"]] == ["You chose to see this result later."]
        for name in ("the changes", "the changes since", "the changes since the last visit"):
            added = {one["title"]: one for one in answers[name].json["items"]}
            assert added["Hemoglobin A1c"]["record"] == row
            assert {"Blood pressure", "Biopsy"} <= set(added)

    def test_what_belongs_to_a_result_waits_with_it(self, reader: Reader) -> None:
        reader.hold(lab="after_comment", report="after_comment")
        lab = _lab()
        letter = {"contentType": "text/plain", "data": base64.b64encode(f"It was {VALUE}.".encode()).decode()}
        report = _report(presentedForm=[letter], result=[{"reference": f"Observation/{lab['id']}"}])
        reader.chart.take(lab, report)
        held = reader.row("Biopsy")
        path = f"records/{held['record_id']}"
        assert reader.get(path).json == held
        revealed = reader.get(f"{path}?reveal=true").json
        assert revealed["attached_texts"] == [f"It was {VALUE}."]
        assert [one["held_back"] for one in revealed["linked"]] == [{"until": "comment"}]

    def test_who_reveals_a_visit_sees_no_result_of_it(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        visit = fhir.encounter("Patient/x", period={"start": _today(hours=1)})
        reader.chart.take(visit, _lab(encounter={"reference": f"Encounter/{visit['id']}"}))
        shown = reader.get(f"records/{reader.row('Check-up')['record_id']}?reveal=true")
        assert len(shown.json["during"]) == 1
        assert _telling({"the visit": shown}) == []

    def test_nothing_is_held_back_of_those_who_have_not_chosen(self, reader: Reader) -> None:
        reader.chart.take(_lab())
        assert len(_telling(reader.everything(reader.row()["record_id"]))) >= 9

    def test_what_came_before_the_choice_shows_and_so_do_other_categories(self, reader: Reader) -> None:
        reader.chart.take(_lab())
        reader.chart.portal.advance(seconds=5)
        reader.hold(lab="after_comment")
        reader.chart.take(_panel())
        assert [reader.row(title).get("held_back") for title in ("Hemoglobin A1c", "Blood pressure")] == [None, None]

    def test_a_correction_that_waits_with_its_result_is_not_told(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        sent = _lab(valueQuantity={"value": 3, "unit": "mg"})
        reader.chart.take(sent)
        moment = reader.chart.later(minutes=5)
        reader.chart.take({**sent, "valueQuantity": {"value": float(VALUE), "unit": "mg"}})
        assert _telling(reader.everything(reader.row()["record_id"])) == []
        assert reader.chart.since(moment, token=reader.token) == []

    def test_a_visits_page_holds_its_results_back_and_showing_the_visit_shows_none_of_them(
        self, reader: Reader
    ) -> None:
        visit = fhir.encounter("Patient/x", period={"start": _today(days=3), "end": _today(days=2)})
        reader.chart.take(visit)
        reader.hold(lab="at_visit")
        reader.chart.take(_lab(encounter=fhir.about(f"Encounter/{visit['id']}")))
        path = f"records/{reader.row('Check-up')['record_id']}"
        for query in ("", "?reveal=true"):
            found = reader.get(f"{path}{query}")
            assert [one["held_back"] for one in found.json["during"]] == [{"until": "visit"}]
            assert VALUE not in found.text

    def test_one_own_record_takes_two_round_trips_with_a_choice_as_without(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        reader.chart.take(_lab())
        token, path = reader.token, f"/v1/patients/{reader.chart.patient_id}/records"
        for query in ("", f"/{reader.row()['record_id']}", "?category=lab"):
            with recorded() as calls:
                assert reader.chart.portal.call("GET", f"{path}{query}", token=token).status == 200
            assert len([call for call in calls if call.service == "dynamodb"]) == 2


class TestReleased:
    def test_a_comment_of_its_own_or_of_a_later_version_shows_it(self, reader: Reader) -> None:
        reader.hold(lab="after_comment", report="after_comment")
        result, report = _lab(), _report()
        reader.chart.take(result, report)
        assert [reader.row(title)["held_back"] for title in ("Hemoglobin A1c", "Biopsy")] == [{"until": "comment"}] * 2
        reader.chart.portal.advance(minutes=5)
        reader.chart.take({**result, "note": [{"text": NOTE}]}, {**report, "conclusion": CONCLUSION})
        assert (reader.row()["value"], reader.row()["notes"]) == (float(VALUE), [NOTE])
        assert reader.row("Biopsy")["conclusion"] == CONCLUSION
        assert "held_back" not in json.dumps(reader.get("records?limit=100").json)
        assert len(_telling(reader.everything(reader.row()["record_id"]))) >= 9

    def test_one_that_comes_with_a_comment_never_waits(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        reader.chart.take(_lab(note=[{"text": NOTE}]))
        assert reader.row()["value"] == float(VALUE)

    def test_a_comment_is_no_visit(self, reader: Reader) -> None:
        reader.hold(lab="at_visit")
        reader.chart.take(_lab(note=[{"text": NOTE}]))
        assert reader.row()["held_back"] == {"until": "visit"}
        assert NOTE not in reader.get("records").text

    @pytest.mark.parametrize(
        ("status", "starts_in", "shows"),
        [
            ("finished", 60, True),
            ("in-progress", 60, True),
            ("planned", 60, False),
            ("cancelled", 60, False),
            ("entered-in-error", 60, False),
            ("finished", -60, False),
            ("in-progress", 3600, False),
        ],
    )
    def test_a_visit_that_began_after_it_came_shows_it(
        self, reader: Reader, status: str, starts_in: int, shows: bool
    ) -> None:
        reader.hold(lab="at_visit")
        reader.chart.take(_lab())
        start = (clock.now() + timedelta(seconds=starts_in)).isoformat()
        reader.chart.portal.advance(minutes=5)
        reader.chart.take(fhir.encounter("Patient/x", status=status, period={"start": start}))
        assert ("held_back" not in reader.row()) is shows
        assert (VALUE in reader.get("trends/4548-4").text) is shows
        assert (VALUE in reader.get("changes").text) is shows
        assert (VALUE in reader.get("summary").text) is shows

    def test_a_choice_that_is_taken_back_shows_all(self, reader: Reader) -> None:
        reader.hold(lab="at_visit")
        reader.chart.take(_lab())
        reader.hold()
        assert reader.row()["value"] == float(VALUE)


class TestRevealing:
    def test_it_is_one_request_away_and_written_down_as_the_patients_own_act(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        reader.chart.take(_lab())
        path = f"records/{reader.row()['record_id']}"
        shown = reader.get(f"{path}?reveal=true")
        assert (shown.json["value"], "held_back" in shown.json) == (float(VALUE), False)
        assert VALUE in reader.get(f"{path}?format=fhir&reveal=true").text
        log = reader.get("access-log").json["items"]
        assert [one["text"] for one in log][:2] == ["Opened a result that was held back."] * 2
        assert {one["who"] for one in log[:2]} == {"self"}
        assert reader.row()["held_back"] == {"until": "comment"}

    def test_what_is_not_held_back_is_read_without_a_word(self, reader: Reader) -> None:
        reader.chart.take(_lab())
        reader.hold(lab="after_comment")
        assert reader.get(f"records/{reader.row()['record_id']}?reveal=true").status == 200
        assert "held back" not in reader.get("access-log").text

    def test_it_shows_nothing_that_is_hidden(self, chart: Chart) -> None:
        chart.take(_lab(), fhir.condition("Patient/x", "Gout"))
        caregiver = Reader(chart, new_caregiver(chart.patient_id, Scope.RESULTS))
        caregiver.hold(lab="after_comment")
        gout = next(record_id for record_id, row in chart.records().items() if row["title"] == "Gout")
        assert caregiver.get(f"records/{gout}?reveal=true").status == 404


class TestOthers:
    def test_it_is_the_readers_own_choice(self, chart: Chart, reader: Reader) -> None:
        caregiver = Reader(chart, new_caregiver(chart.patient_id, Scope.EVERYTHING, sees_sensitive=True))
        clinician = Reader(chart, new_staff(Role.CLINICIAN, cares_for=chart.patient_id))
        limited = Reader(chart, new_caregiver(chart.patient_id, Scope.RESULTS))
        reader.hold(lab="after_comment")
        limited.hold(lab="after_comment")
        chart.take(_lab())
        assert ["held_back" in one.row() for one in (reader, limited, caregiver, clinician)] == [
            True,
            True,
            False,
            False,
        ]
        assert _telling(limited.everything(limited.row()["record_id"])) == []

    def test_the_choice_of_a_clinician_about_themselves_is_none_about_their_patients(self, chart: Chart) -> None:
        clinician = Reader(chart, new_staff(Role.CLINICIAN, cares_for=chart.patient_id))
        chart.take(_lab())
        assert clinician.get("release-preferences").status == 404
        assert clinician.row()["value"] == float(VALUE)

    def test_looking_through_a_caregivers_eyes_shows_no_more(self, reader: Reader) -> None:
        caregiver_id, _ = new_invited(reader.chart.person, "results")
        reader.hold(lab="after_comment")
        reader.chart.take(_lab())
        record_id = reader.row()["record_id"]
        for path in ("records", f"records/{record_id}", "summary"):
            found = reader.get(f"{path}?as={caregiver_id}")
            assert found.status == 200
            assert VALUE not in found.text

    def test_what_is_asked_for_as_a_whole_leaves_nothing_out(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        reader.chart.take(_lab())
        found = reader.chart.portal.call("GET", "/fhir/R4/Observation", token=reader.token)
        assert VALUE in found.text
        copy = file_of(made(reader.chart.portal, reader.chart.patient_id, reader.token, format="text"))
        assert VALUE in copy.decode()

    def test_a_choice_lasts_where_files_are_joined(self, portal: Portal) -> None:
        chart = Chart(portal)
        other = portal.new_patient()
        reader = Reader(chart, account_id_of(chart.person))
        reader.hold(lab="after_comment")
        chart.take(_lab())
        merging.merged(portal, other.patient_id, chart.patient_id, keep_account_id=reader.account_id)
        items = portal.call("GET", "/v1/patients/me/records?category=lab", token=reader.token).json["items"]
        assert [one["held_back"] for one in items] == [{"until": "comment"}]


class TestNotices:
    def _told(self, reader: Reader) -> int:
        reader.chart.portal.drain()
        items = reader.chart.portal.call("GET", "/v1/me/notices", token=reader.token).json["items"]
        return len([one for one in items if one["title"] == "New results"])

    def test_of_what_waits_nobody_is_told_who_holds_it_back_and_everybody_else_is(self, reader: Reader) -> None:
        other = Reader(reader.chart, new_caregiver(reader.chart.patient_id, Scope.RESULTS))
        reader.hold(lab="after_comment")
        reader.chart.take(_lab())
        assert (self._told(reader), self._told(other)) == (0, 1)

    def test_the_comment_is_told_to_who_waited_for_it_and_to_nobody_else(self, reader: Reader) -> None:
        other = Reader(reader.chart, new_caregiver(reader.chart.patient_id, Scope.RESULTS))
        waits = Reader(reader.chart, new_caregiver(reader.chart.patient_id, Scope.EVERYTHING))
        reader.hold(lab="after_comment")
        waits.hold(lab="at_visit")
        result = _lab()
        reader.chart.take(result)
        reader.chart.portal.advance(minutes=5)
        reader.chart.take({**result, "note": [{"text": NOTE}]})
        assert [self._told(one) for one in (reader, other, waits)] == [1, 1, 0]

    def test_one_that_does_not_wait_is_told_even_where_another_does(self, reader: Reader) -> None:
        reader.hold(lab="after_comment")
        reader.chart.take(_lab(), _lab(), _report())
        assert self._told(reader) == 1

    def test_with_now_it_is_told_as_ever(self, reader: Reader) -> None:
        reader.hold(lab="now")
        reader.chart.take(_lab())
        assert self._told(reader) == 1
