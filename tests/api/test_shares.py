"""Shares: what whoever has the link and the PIN finds, what the patient hears of it, and how it ends."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import segno

from chalicelib import clock, words
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.shares import LASTS, LONGEST, TRIES, ShareStatus, is_guessable
from chalicelib.domain.staff import Role
from chalicelib.models import audit, caregivers
from chalicelib.models import exports as export_storage
from chalicelib.models import shares as storage
from chalicelib.models.transaction import transaction
from chalicelib.services import share_secrets
from chalicelib.settings import settings
from tests.support import fhir, leaving
from tests.support.aws_calls import failing, unreachable
from tests.support.crowd import fresh_address
from tests.support.html import Page
from tests.support.leaving import download
from tests.support.links import account_id_of
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal
from tests.support.record_exports import counted, counted_in_bundle, counted_in_text, pages_of, strong, text_of
from tests.support.shares import (
    DOCTOR,
    PIN,
    ask,
    ask_manifest,
    decrypted,
    files_of,
    listed,
    made,
    made_by,
    open_page,
    page_of,
    path_of,
    shlink_of,
)

WRONG = "918273"


def _somebody(portal: Portal) -> Person:
    """Somebody with a few records, one of which is sensitive."""
    id_ = fhir.fresh("p")
    subject = f"Patient/{id_}"
    resources = (
        fhir.lab(subject),
        fhir.lab(subject, effectiveDateTime="2020-01-02"),
        fhir.condition(subject, "Hay fever"),
        fhir.condition(subject, "Sensitive matter", meta={"security": [{"code": "R"}]}),
    )
    return portal.register(portal.new_patient(id=id_, resources=resources))


def _revoke(person: Person, share: dict[str, Any]) -> int:
    return person.call("DELETE", f"{path_of('me')}/{share['share_id']}").status


def _actions(person: Person, action: str) -> list[dict[str, object]]:
    entries = audit.find_entries(f"patient#{person.patient.patient_id}")
    return [entry.details for entry in entries if entry.action == action]


def _titles(person: Person) -> list[str]:
    person.portal.drain()
    return [one["title"] for one in person.get("/v1/me/notices").json["items"]]


OPENED, LOCKED = (words.say(f"notice.share_{what}.title", "en") for what in ("opened", "locked"))


class TestMaking:
    def test_a_share_has_a_link_a_smart_health_link_a_picture_and_a_pin(self, portal: Portal) -> None:
        person = _somebody(portal)
        answer = ask(portal, "me", strong(person))
        share = answer.json
        assert (answer.status, share["status"], share["recipient"]) == (201, "building", DOCTOR)
        assert share["url"].startswith(f"{settings().api_url}/l/")
        assert share["smart_health_link"].startswith("shlink:/")
        assert len(share["pin"]) == 6
        assert (share["categories"], share["from"], share["to"], share["openings"]) == ([], None, None, [])
        lasts = datetime.fromisoformat(share["expires_at"]) - datetime.fromisoformat(share["created_at"])
        assert abs(lasts - LASTS) < timedelta(seconds=2)

    def test_the_smart_health_link_says_what_the_specification_asks_for(self, portal: Portal) -> None:
        share = ask(portal, "me", strong(_somebody(portal))).json
        shlink = shlink_of(share)
        assert (len(shlink.key), shlink.flag) == (32, "P")
        assert len(shlink.url) <= 128
        assert len(shlink.url.rpartition("/")[2]) >= 43
        assert len(shlink.label) <= 80
        assert shlink.exp == clock.epoch(datetime.fromisoformat(share["expires_at"]))

    def test_an_address_of_a_region_of_aws_leaves_room_for_the_manifests_token(self) -> None:
        api_url = "https://abcdefghij.execute-api.us-east-1.amazonaws.com"
        token = share_secrets.manifest_token("shr_" + "7" + "Z" * 25)
        assert len(f"{api_url}/v1/shl/{token}") <= 128

    def test_the_picture_is_the_smart_health_link(self, portal: Portal) -> None:
        share = ask(portal, "me", strong(_somebody(portal))).json
        drawn = segno.make_qr(share["smart_health_link"], error="m")
        assert share["qr_svg"] == drawn.svg_inline(scale=4, dark="#000", light="#fff")
        root = ET.fromstring(share["qr_svg"])  # noqa: S314  A picture that the portal drew.
        assert root.tag.rpartition("}")[2] == "svg"

    def test_the_same_request_again_answers_the_same_with_the_pin(self, portal: Portal) -> None:
        token, key = strong(_somebody(portal)), str(uuid.uuid4())
        first, second = (ask(portal, "me", token, key=key) for _ in range(2))
        assert (first.status, second.status, first.json) == (201, 201, second.json)
        assert len(portal.call("GET", path_of("me"), token=token).json["items"]) == 1
        assert ask(portal, "me", token, key=key, recipient="Another").status == 422

    def test_a_pin_of_ones_own_is_not_told_again_and_opens(self, portal: Portal) -> None:
        share = made(_somebody(portal), pin=PIN)
        assert share["pin"] is None
        assert open_page(portal, share, PIN).status == 200

    @pytest.mark.parametrize(
        ("asked", "pointer", "code"),
        [
            ({"pin": "12345"}, "/pin", "pin_expected"),
            ({"pin": "1234567890123"}, "/pin", "pin_expected"),
            ({"pin": "80427a"}, "/pin", "pin_expected"),
            ({"pin": "٨٠٤٢٧١"}, "/pin", "pin_expected"),
            ({"pin": "123456"}, "/pin", "pin_guessable"),
            ({"pin": "135791"}, "/pin", "pin_guessable"),
            ({"pin": "121212"}, "/pin", "pin_guessable"),
            ({"pin": "147258"}, "/pin", "pin_guessable"),
            ({"pin": "04121961"}, "/pin", "pin_guessable"),
            ({"pin": "120461"}, "/pin", "pin_guessable"),
            ({"recipient": "  "}, "/recipient", "missing"),
            ({"categories": ["lab", "lab"]}, "/categories", "given_twice"),
            ({"from": "2024-01-02", "to": "2024-01-01"}, "", "closes_before_it_opens"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "time_is_past"),
            ({"expires_at": "2099-01-01T00:00:00Z"}, "/expires_at", "share_too_long"),
            ({"expires_at": "2026-12-01T00:00:00"}, "/expires_at", "zone_missing"),
            ({"url": "x"}, "/url", "unknown_field"),
        ],
    )
    def test_what_is_wrong_is_named(self, portal: Portal, asked: dict[str, Any], pointer: str, code: str) -> None:
        person = _somebody(portal)
        answer = ask(portal, "me", strong(person), **asked)
        assert answer.status == 422, answer.text
        assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [(pointer, code)]
        assert listed(person) == []

    def test_it_lasts_up_to_90_days(self, portal: Portal) -> None:
        until = clock.stamp(clock.now() + LONGEST - timedelta(minutes=5))
        assert ask(portal, "me", strong(_somebody(portal)), expires_at=until).status == 201

    def test_it_needs_a_step_up_and_is_limited(self, portal: Portal) -> None:
        person = _somebody(portal)
        refused = ask(portal, "me", person.token)
        assert (refused.status, refused.json["code"]) == (403, "step_up_required")
        token = strong(person)
        assert [ask(portal, "me", token).status for _ in range(11)] == [201] * 10 + [429]

    def test_made_pins_differ_and_nobody_would_guess_them(self) -> None:
        pins = [share_secrets.made_pin(f"shr_{number:026}") for number in range(300)]
        assert len(set(pins)) > 290
        assert not [pin for pin in pins if len(pin) != 6 or is_guessable(pin, ())]


class TestOpening:
    def test_whoever_has_link_and_pin_sees_what_is_in_it_and_downloads_it(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        form = portal.call("GET", page_of(share))
        assert form.status == 200
        assert "Solberg" not in form.text
        page = open_page(portal, share, recipient="Practice  of\u202e Dr. Okafor")
        assert page.status == 200
        assert "Ingrid Mae Solberg" in page.text
        assert "Lab results: 2" in page.text
        assert "<script" not in page.text
        files = files_of(page)
        assert set(files) == {"pdf", "json"}
        shown = counted(pages_of(portal, "me", person.token))
        status, pdf, headers = download(files["pdf"])
        assert (status, counted_in_text(text_of(pdf))) == (200, shown)
        assert headers["content-disposition"] == 'attachment; filename="portal-record.pdf"'
        assert counted_in_bundle(download(files["json"])[1]) == shown
        assert all("X-Amz-Expires=300" in url for url in files.values())
        (opening,) = listed(person)[0]["openings"]
        assert (opening["by"], opening["recipient"]) == ("link", "Practice of Dr. Okafor")

    def test_an_app_reads_the_manifest_and_decrypts_the_bundle(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        answer = ask_manifest(portal, share)
        assert (answer.status, answer.header("content-type")) == (200, "application/json")
        assert answer.json["status"] == "finalized"
        (file,) = answer.json["files"]
        assert set(file) == {"contentType", "location", "lastUpdated", "status", "fhirVersion"}
        assert (file["contentType"], file["status"], file["fhirVersion"]) == (
            "application/fhir+json",
            "finalized",
            "4.0.1",
        )
        status, jwe, headers = download(file["location"])
        assert (status, headers["content-type"]) == (200, "application/jose")
        header, plain = decrypted(jwe.decode(), shlink_of(share).key)
        assert header == {"alg": "dir", "enc": "A256GCM", "cty": "application/fhir+json"}
        assert counted_in_bundle(plain) == counted(pages_of(portal, "me", person.token))
        assert plain == download(files_of(open_page(portal, share))["json"])[1]
        openings = listed(person)[0]["openings"]
        assert [(one["by"], one["recipient"]) for one in openings] == [
            ("link", None),
            ("smart_health_link", "Riverside Viewer"),
        ]

    def test_a_small_file_stands_in_the_manifest_where_the_app_has_room_for_it(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        (file,) = ask_manifest(portal, share, embeddedLengthMax=10_000_000).json["files"]
        assert "location" not in file
        _, plain = decrypted(file["embedded"], shlink_of(share).key)
        assert json.loads(plain)["resourceType"] == "Bundle"
        for room in (0, len(file["embedded"]) - 1):
            (away,) = ask_manifest(portal, share, embeddedLengthMax=room).json["files"]
            assert "embedded" not in away
        (fits,) = ask_manifest(portal, share, embeddedLengthMax=len(file["embedded"])).json["files"]
        assert "embedded" in fits

    def test_pages_of_any_origin_may_ask_for_the_manifest_and_the_file(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        origin = {"Origin": "https://viewer.example", "Access-Control-Request-Method": "POST"}
        preflight = portal.call("OPTIONS", shlink_of(share).path, headers=origin)
        assert preflight.status == 204
        assert preflight.header("access-control-allow-origin") == "*"
        assert "POST" in (preflight.header("access-control-allow-methods") or "")
        assert "Content-Type" in (preflight.header("access-control-allow-headers") or "")
        for answer in (ask_manifest(portal, share), ask_manifest(portal, share, WRONG)):
            assert answer.header("access-control-allow-origin") == "*"
            assert answer.header("access-control-allow-credentials") is None
        bucket = portal.aws.client("s3").get_bucket_cors(Bucket=settings().records_bucket)["CORSRules"]
        assert [(rule["AllowedOrigins"], rule["AllowedMethods"]) for rule in bucket] == [(["*"], ["GET"])]

    def test_while_it_is_made_page_and_manifest_say_so_and_nobody_is_told(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = ask(portal, "me", strong(person)).json
        page = open_page(portal, share)
        assert (page.status, Page(page.text).heading) == (200, words.say("page.open_share.building.title", "en"))
        waiting = ask_manifest(portal, share)
        assert (waiting.status, waiting.json) == (200, {"status": "can-change", "files": []})
        assert int(waiting.header("retry-after") or 0) > 0
        assert open_page(portal, share, WRONG).status == 422
        assert listed(person)[0]["openings"] == []
        portal.drain()
        assert files_of(open_page(portal, share))
        assert listed(person)[0]["status"] == "ready"

    def test_only_what_was_chosen_is_in_it(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person, categories=["lab"], **{"from": "2024-01-01", "to": "2024-12-31"})
        page = open_page(portal, share)
        assert counted_in_bundle(download(files_of(page)["json"])[1]) == {"lab": 1}
        assert "January 1, 2024" in page.text
        assert "Hay fever" not in text_of(download(files_of(page)["pdf"])[1])
        (found,) = listed(person)
        assert (found["categories"], found["from"], found["to"]) == (["lab"], "2024-01-01", "2024-12-31")
        assert found["counts"] == {"lab": 1}

    def test_the_link_can_be_opened_any_number_of_times_without_effect(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        before = portal.rows("accounts")
        answers = [portal.call(method, page_of(share)) for method in ("GET", "HEAD") * 5]
        assert {answer.status for answer in answers} == {200}
        assert portal.rows("accounts") == before

    def test_a_pin_is_read_as_people_write_it(self, portal: Portal) -> None:
        share = made(_somebody(portal), pin=PIN)
        assert open_page(portal, share, " 804 271 ").status == open_page(portal, share, "804-271").status == 200

    def test_unknown_links_are_404(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        other = made(_somebody(portal))
        swapped = page_of(share)[:-22] + page_of(other)[-22:]
        assert portal.call("GET", swapped).status == 404
        path, others = shlink_of(share).path, shlink_of(other).path
        asked = {"recipient": "x", "passcode": share["pin"]}
        for wrong in (path[:-43] + others[-43:], "/v1/shl/x", f"/v1/shl/{'é' * 5}", path[:-1]):
            assert portal.call("POST", wrong, asked, source_ip=fresh_address()).status == 404
        assert portal.call("GET", page_of(share)).status == 200

    def test_what_the_portal_does_not_know_of_a_request_is_passed_over_and_what_is_wrong_is_named(
        self, portal: Portal
    ) -> None:
        share = made(_somebody(portal))
        assert ask_manifest(portal, share, aud="https://viewer.example").status == 200
        for wrong in ({"recipient": " "}, {"recipient": 7}, {"embeddedLengthMax": -1}, {"passcode": 123456}):
            assert ask_manifest(portal, share, **wrong).status == 422, wrong

    def test_an_opening_is_not_without_end(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        statuses = [ask_manifest(portal, share).status for _ in range(61)]
        assert statuses == [200] * 60 + [429]


class TestWrongPins:
    def test_an_app_hears_how_many_tries_are_left_and_the_fifth_ends_the_share(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        refused = [ask_manifest(portal, share, WRONG) for _ in range(TRIES)]
        assert [(one.status, one.json["remainingAttempts"]) for one in refused] == [
            (401, left) for left in (4, 3, 2, 1, 0)
        ]
        assert {one.header("content-type") for one in refused} == {"application/problem+json"}
        assert ask_manifest(portal, share).status == 404
        assert portal.call("GET", page_of(share)).status == open_page(portal, share).status == 410
        assert listed(person)[0]["status"] == "locked"
        assert LOCKED in _titles(person)
        assert len(_actions(person, "share:refuse")) == 5

    def test_the_page_and_the_app_count_together(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        for left in (4, 2):
            page = open_page(portal, share, WRONG)
            assert page.status == 422
            assert f"Tries left: {left}" in Page(page.text).described("pin")
            assert ask_manifest(portal, share, WRONG).json["remainingAttempts"] == left - 1
        assert listed(person)[0]["wrong_pins"] == 4
        last = open_page(portal, share, WRONG)
        assert Page(last.text).heading == words.say("page.open_share.tried.title", "en")
        assert open_page(portal, share).status == 410

    def test_the_right_pin_between_does_not_give_tries_back(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        for _ in range(2):
            for _ in range(2):
                assert ask_manifest(portal, share, WRONG).status == 401
            assert ask_manifest(portal, share).status == 200
        assert ask_manifest(portal, share, WRONG).json["remainingAttempts"] == 0
        assert ask_manifest(portal, share).status == 404

    def test_no_pin_is_no_try(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        for _ in range(6):
            answer = ask_manifest(portal, share, passcode=None)
            assert (answer.status, answer.json["remainingAttempts"]) == (401, 5)
        empty = open_page(portal, share, " ")
        assert (empty.status, "type the PIN" in Page(empty.text).described("pin")) == (422, True)
        assert listed(person)[0]["wrong_pins"] == 0

    def test_files_of_a_share_that_ended_are_gone(self, portal: Portal) -> None:
        share = made(_somebody(portal))
        url = files_of(open_page(portal, share))["pdf"]
        location = ask_manifest(portal, share).json["files"][0]["location"]
        for _ in range(TRIES):
            ask_manifest(portal, share, WRONG)
        portal.drain()
        leaving.sweep(portal)
        portal.drain()
        assert {download(one)[0] for one in (url, location)} <= {403, 404}


class TestReceipts:
    def test_each_opening_is_told_kept_and_stands_in_the_history_before_the_answer_leaves(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        assert ask_manifest(portal, share).status == 200
        assert len(_actions(person, "share:open")) == 1
        assert open_page(portal, share).status == 200
        (found,) = listed(person)
        assert (found["opening_count"], len(found["openings"])) == (2, 2)
        assert _titles(person).count(OPENED) == 2
        log = person.get("/v1/patients/me/access-log").json["items"]
        said = [one["text"] for one in log]
        assert said.count(words.say("access_log.share_open.link", "en")) == 1
        assert said.count(words.say("access_log.share_open.smart_health_link", "en")) == 1

    def test_nothing_is_handed_out_where_the_receipt_cannot_be_stored(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        with failing(lambda call: call.operation == "TransactWriteItems", unreachable()):
            assert ask_manifest(portal, share).status == 503
            assert open_page(portal, share).status == 503
        assert listed(person)[0]["openings"] == []

    def test_a_message_says_nothing_of_the_record_nor_for_whom_it_is(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        assert open_page(portal, share, recipient="Dr. Okafor").status == 200
        portal.drain()
        subjects = {email.subject: email for email in portal.emails(person.patient.email)}
        told = subjects[words.say("email.share_opened.subject", "en")]
        for secret in ("Okafor", "Hay fever", share["pin"], share["url"], "shlink", "Solberg"):
            assert secret not in (told.text or "") + (told.html or ""), secret

    def test_the_newest_fifty_are_kept_and_all_are_counted(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        for number in range(52):
            assert ask_manifest(portal, share, recipient=f"Reader {number}").status == 200
        (found,) = listed(person)
        assert found["opening_count"] == 52
        names = [one["recipient"] for one in found["openings"]]
        assert (len(names), names[0], names[-1]) == (50, "Reader 51", "Reader 2")


class TestEnding:
    def test_a_share_that_was_ended_opens_no_more_at_once(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        location = ask_manifest(portal, share).json["files"][0]["location"]
        assert [_revoke(person, share) for _ in range(2)] == [204, 204]
        assert ask_manifest(portal, share).status == 404
        page = portal.call("GET", page_of(share))
        assert (page.status, Page(page.text).heading) == (410, words.say("page.open_share.replaced.title", "en"))
        assert open_page(portal, share).status == 410
        portal.drain()
        assert download(location)[0] in {403, 404}
        (found,) = listed(person)
        assert found["status"] == "revoked"
        assert found["opening_count"] == 1
        assert len(_actions(person, "share:revoke")) == 1

    def test_one_that_is_still_made_leaves_no_file(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = ask(portal, "me", strong(person)).json
        assert _revoke(person, share) == 204
        portal.drain()
        leaving.sweep(portal)
        portal.drain()
        row = storage.find(account_id_of(person), share["share_id"])
        assert row is not None
        for export_id in row.export_ids.values():
            found = portal.aws.client("s3").list_objects_v2(
                Bucket=settings().records_bucket, Prefix=f"shares/{export_id}"
            )
            assert found["KeyCount"] == 0

    def test_time_ends_it_by_the_portals_clock(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person, expires_at=clock.stamp(clock.now() + timedelta(hours=2)))
        portal.advance(hours=1, minutes=59)
        assert ask_manifest(portal, share).status == 200
        portal.advance(minutes=2)
        assert ask_manifest(portal, share).status == 404
        page = portal.call("GET", page_of(share))
        assert (page.status, Page(page.text).heading) == (410, words.say("page.open_share.expired.title", "en"))
        token = token_of(account_id_of(person))
        (found,) = portal.call("GET", path_of("me"), token=token).json["items"]
        assert found["status"] == "expired"

    def test_files_stay_until_the_share_ends_and_no_longer(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person, expires_at=clock.stamp(clock.now() + timedelta(days=10)))
        portal.advance(days=9)
        leaving.sweep(portal)
        portal.drain()
        assert download(ask_manifest(portal, share).json["files"][0]["location"])[0] == 200
        row = storage.find(account_id_of(person), share["share_id"])
        assert row is not None
        portal.advance(days=1, minutes=1)
        leaving.sweep(portal)
        portal.drain()
        assert export_storage.find_some(row.pk, row.export_ids.values()) == {}

    def test_a_closed_account_shares_nothing_and_does_not_when_it_is_opened_again(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        leaving.closed(person)
        assert portal.call("GET", page_of(share)).status == open_page(portal, share).status == 410
        assert ask_manifest(portal, share).status == 404
        row = storage.find(account_id_of(person), share["share_id"])
        assert row is not None
        assert row.ended_as == "revoked"

    def test_nothing_is_left_of_the_shares_of_an_account_that_is_removed(self, portal: Portal) -> None:
        person, doctor = _somebody(portal), f"Dr. {uuid.uuid4().hex}"
        share = made(person, recipient=doctor)
        leaving.closed(person)
        portal.advance(days=31)
        leaving.sweep(portal)
        portal.drain()
        # What was answered to a key is kept for a day, which moto does not see pass.
        left = json.dumps([row for row in portal.rows("accounts") if row.get("kind") != {"S": "served"}])
        assert share["share_id"] not in left
        assert doctor not in left
        assert share_secrets.link_id_of(share["share_id"]) not in left
        assert portal.call("GET", page_of(share)).status == 404


class TestWhose:
    def test_a_caregiver_with_everything_shares_what_they_see_and_the_patient_sees_and_ends_it(
        self, portal: Portal
    ) -> None:
        person = _somebody(portal)
        patient_id = person.patient.patient_id
        caregiver = token_of(new_caregiver(patient_id, Scope.EVERYTHING))
        share = made_by(portal, patient_id, caregiver)
        page = open_page(portal, share)
        assert counted_in_bundle(download(files_of(page)["json"])[1]) == {"lab": 2, "condition": 1}
        assert "Sensitive matter" not in text_of(download(files_of(page)["pdf"])[1])
        (found,) = listed(person)
        assert (found["share_id"], found["is_own"]) == (share["share_id"], False)
        assert OPENED in _titles(person)
        read = person.get(f"{path_of('me')}/{share['share_id']}").json
        assert (read["url"], read["smart_health_link"], read["qr_svg"]) == (None, None, None)
        assert _revoke(person, share) == 204
        assert open_page(portal, share).status == 410

    def test_a_caregiver_sees_their_own_shares_alone(self, portal: Portal) -> None:
        person = _somebody(portal)
        patient_id = person.patient.patient_id
        share = made(person)
        caregiver = token_of(new_caregiver(patient_id, Scope.EVERYTHING))
        path = f"{path_of(patient_id)}/{share['share_id']}"
        assert portal.call("GET", path_of(patient_id), token=caregiver).json["items"] == []
        assert portal.call("GET", path, token=caregiver).status == 404
        assert portal.call("DELETE", path, token=caregiver).status == 404
        assert open_page(portal, share).status == 200

    @pytest.mark.parametrize("scopes", [(Scope.RESULTS,), (Scope.MEDICATIONS, Scope.MESSAGES)])
    def test_a_caregiver_with_less_shares_nothing(self, portal: Portal, scopes: tuple[Scope, ...]) -> None:
        patient_id = _somebody(portal).patient.patient_id
        token = token_of(new_caregiver(patient_id, *scopes))
        assert ask(portal, patient_id, token).status == 404
        assert portal.call("GET", path_of(patient_id), token=token).status == 404

    def test_staff_share_nothing(self, portal: Portal) -> None:
        patient_id = _somebody(portal).patient.patient_id
        token = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
        assert ask(portal, patient_id, token).status in {403, 404}

    def test_it_ends_when_its_maker_loses_the_right(self, portal: Portal) -> None:
        person = _somebody(portal)
        patient_id = person.patient.patient_id
        account_id = new_caregiver(patient_id, Scope.EVERYTHING)
        share = made_by(portal, patient_id, token_of(account_id))
        assert open_page(portal, share).status == 200
        with transaction() as tx:
            caregivers.remove_grant(tx, patient_id, account_id)
        assert ask_manifest(portal, share).status == 404
        assert portal.call("GET", page_of(share)).status == open_page(portal, share).status == 410
        assert listed(person)[0]["status"] == ShareStatus.LOST

    def test_it_ends_when_its_maker_sees_less_than_is_in_it(self, portal: Portal) -> None:
        person = _somebody(portal)
        patient_id = person.patient.patient_id
        account_id = new_caregiver(patient_id, Scope.EVERYTHING, sees_sensitive=True)
        share = made_by(portal, patient_id, token_of(account_id))
        assert counted_in_bundle(download(files_of(open_page(portal, share))["json"])[1])["condition"] == 2
        (grant,) = (one for one in caregivers.find_grants(patient_id) if one.account_id == account_id)
        with transaction() as tx:
            caregivers.remove_grant(tx, patient_id, account_id)
        with transaction() as tx:
            caregivers.put_grant(tx, patient_id, type(grant)(account_id, grant.scopes, sees_sensitive=False))
        assert open_page(portal, share).status == 410
        assert ask_manifest(portal, share).status == 404

    def test_anothers_share_and_a_missing_one_are_the_same(self, portal: Portal) -> None:
        person, other = _somebody(portal), _somebody(portal)
        share = made(other)
        for share_id in (share["share_id"], f"shr_{'0' * 26}", "nothing"):
            path = f"{path_of('me')}/{share_id}"
            assert person.get(path).status == person.call("DELETE", path).status == 404
        assert open_page(portal, share).status == 200


class TestReading:
    def test_the_list_is_paged_the_newest_first(self, portal: Portal) -> None:
        person = _somebody(portal)
        ids = [ask(portal, "me", strong(person), recipient=f"Doctor {number}").json["share_id"] for number in range(5)]
        found: list[str] = []
        cursor, page = "", dict[str, Any]()
        for _ in range(3):
            page = person.get(f"{path_of('me')}?limit=2{cursor}").json
            found += [one["share_id"] for one in page["items"]]
            cursor = f"&cursor={page['next_cursor']}"
        assert found == ids[::-1]
        assert page["next_cursor"] is None

    def test_one_share_shows_its_links_again_without_the_pin(self, portal: Portal) -> None:
        person = _somebody(portal)
        share = made(person)
        read = person.get(f"{path_of('me')}/{share['share_id']}").json
        assert {name: read[name] for name in ("url", "smart_health_link", "qr_svg")} == {
            name: share[name] for name in ("url", "smart_health_link", "qr_svg")
        }
        assert "pin" not in read
        assert _revoke(person, share) == 204
        assert person.get(f"{path_of('me')}/{share['share_id']}").json["url"] is None

    def test_no_row_no_key_and_no_log_has_pin_token_or_key(
        self, portal: Portal, caplog: pytest.LogCaptureFixture
    ) -> None:
        person = _somebody(portal)
        # Long enough not to turn up by chance in a hash.
        own, wrong = "804271936502", "918273640517"
        shares = [made(person), made(person, pin=own)]
        for share, pin in zip(shares, (shares[0]["pin"], own), strict=True):
            assert open_page(portal, share, pin).status == ask_manifest(portal, share, pin).status == 200
            assert ask_manifest(portal, share, wrong).status == 401
        portal.drain()
        secrets = [own, wrong, f'"{shares[0]["pin"]}"', f"'{shares[0]['pin']}'"]
        for share in shares:
            shlink = shlink_of(share)
            secrets += [share["url"].rpartition("/")[2], shlink.url.rpartition("/")[2], share["smart_health_link"]]
            secrets += [shlink.key.hex(), share["smart_health_link"].partition("/")[2][:60]]
        kept = json.dumps([portal.rows(area) for area in ("accounts", "audit", "outbox", "patients")], default=str)
        listed_ = portal.aws.client("s3").list_objects_v2(Bucket=settings().records_bucket, Prefix="shares/")
        keys = " ".join(one["Key"] for one in listed_["Contents"])
        told = " ".join(str(vars(one)) for one in caplog.records)
        assert "http.request" in told
        for place in (kept, keys, told):
            assert [one for one in secrets if one in place] == []
