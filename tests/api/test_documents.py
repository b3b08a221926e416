"""Documents of a patient's own: sent, scanned, cleaned, downloaded, taken away (AC 8)."""

import io
import json
import uuid
import zipfile
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from chalicelib.auth.limits import Limit
from chalicelib.domain.audit import Action
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import Role
from chalicelib.domain.uploads import MAX_BYTES, MAX_FILES, MAX_SIZE
from chalicelib.models import audit, uploads
from chalicelib.services import documents
from infra.local.scanner import EICAR
from tests.support.documents import PATH, Sent, ask, jpeg, keys, pdf, send, sent, taken
from tests.support.links import account_id_of
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Person, Portal


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (8, 4), (1, 2, 3, 4)).save(out, "PNG")
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


def _locked() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt("", "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- from beginning to end -------------------------------------------------------------------------------------------


def test_a_document_is_asked_for_sent_scanned_cleaned_and_downloaded(portal: Portal) -> None:
    person = portal.register()
    made = ask(person, title=" Vaccinations\tof 1999 ", kind="report", dated="1999-05-04", file_name="C:\\x\\Impf.pdf")
    assert made.status == 201
    shown = {name: made.json[name] for name in ("status", "title", "kind", "dated", "file_name", "uploaded_by")}
    assert shown == {
        "status": "awaiting_upload",
        "title": "Vaccinations of 1999",
        "kind": "report",
        "dated": "1999-05-04",
        "file_name": "Impf.pdf",
        "uploaded_by": "self",
    }
    assert send(made.json["upload"], pdf("Polio, 1999")) == 204
    portal.drain()
    document = Sent(person, made.json["document_id"])
    done = document.json
    assert (done["status"], done["content_type"], done["refused_because"]) == ("ready", "application/pdf", None)
    headers, body = document.download()
    assert (headers["content-type"], headers["content-length"]) == ("application/pdf", str(done["size"]))
    assert headers["content-disposition"] == 'attachment; filename="portal-file.pdf"'
    assert [page.extract_text().strip() for page in PdfReader(io.BytesIO(body)).pages] == ["Polio, 1999"]
    assert done["uploaded_at"] >= done["created_at"]
    (row,) = person.get(PATH).json["items"]
    assert row == {name: value for name, value in done.items() if name != "download_url"}


def test_after_the_scan_nothing_is_left_in_quarantine_and_the_keys_say_nothing(portal: Portal) -> None:
    document = sent(portal.register(), pdf(), file_name="HIV.pdf")
    assert document.upload_id in keys(portal, "Quarantine")
    portal.drain()
    assert document.upload_id not in keys(portal, "Quarantine")
    assert f"uploads/{document.upload_id}" in keys(portal, "Records")
    assert document.json["file_name"] == "HIV.pdf"
    assert "HIV" not in document.json["download_url"]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (pdf(), "application/pdf"),
        (jpeg(), "image/jpeg"),
        (_png(), "image/png"),
        ("\ufeffBlood pressure < 120, Größe 1,80\n".encode(), "text/plain; charset=utf-8"),
    ],
)
def test_a_file_is_what_its_content_is_whatever_its_name_and_its_sender_say(
    portal: Portal, content: bytes, media_type: str
) -> None:
    document = taken(portal.register(), content, file_name="page.html", content_type="text/plain")
    assert (document.json["status"], document.json["content_type"]) == ("ready", media_type)
    headers, _ = document.download()
    assert headers["content-type"] == media_type
    assert headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (EICAR, "threat"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "web_page"),
        (b"see: <svg onload=alert(1)>", "web_page"),
        (_zip(), "packed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "packed"),
        (pdf() + _zip(), "two_kinds"),
        (jpeg() + _zip(), "two_kinds"),
        (_locked(), "encrypted"),
        (b"%PDF-1.7\nnothing of the kind", "broken"),
        (jpeg()[:300], "broken"),
        (b"MZ\x90\x00\x03", "wrong_type"),
        (b"\x00\x00\x00\x18ftypheic", "wrong_type"),
        ("Größe".encode("latin-1"), "wrong_type"),
        (b"line\x1b[31m", "wrong_type"),
    ],
)
def test_what_is_not_taken_is_gone_and_its_sender_is_told_why(portal: Portal, content: bytes, reason: str) -> None:
    person = portal.register()
    document = taken(person, content, content_type="application/pdf")
    found = document.json
    assert (found["status"], found["refused_code"], found["download_url"]) == ("refused", reason, None)
    assert len(found["refused_because"]) > 30
    assert not [key for name in ("Quarantine", "Records") for key in keys(portal, name) if document.upload_id in key]
    assert person.get("/v1/me/notices").json["items"][0]["title"] == "We could not take a file"


def test_the_email_about_a_file_that_was_not_taken_says_nothing_of_it(portal: Portal) -> None:
    from tests.support.sign_in import confirm_email

    person = portal.register()
    confirm_email(portal, person)
    taken(person, EICAR, title="Chlamydia", file_name="Chlamydia.pdf")
    email = portal.emails(person.patient.email)[-1]
    assert email.subject == "We could not take a file that you sent"
    assert "Chlamydia" not in f"{email.subject}{email.text}{email.html}"


def test_a_picture_loses_where_it_was_taken_and_stands_upright(portal: Portal) -> None:
    raw = jpeg()
    assert Image.open(io.BytesIO(raw)).getexif().get_ifd(0x8825)
    _, body = taken(portal.register(), raw).download()
    picture = Image.open(io.BytesIO(body))
    assert picture.size == (20, 40)
    assert dict(picture.getexif()) == {}
    assert b"Exif" not in body
    assert b"comment" not in body


# --- the form --------------------------------------------------------------------------------------------------------


def test_a_form_takes_10_megabytes_and_not_a_byte_more_nor_nothing(portal: Portal) -> None:
    person = portal.register()
    form = ask(person).json["upload"]
    assert form["max_size"] == MAX_SIZE == 10 * 1024 * 1024
    assert send(form, b"x" * (MAX_SIZE + 1)) == 400
    assert send(form, b"") == 400
    assert send(form, b"x" * MAX_SIZE) == 204
    portal.drain()
    assert person.get(PATH).json["items"][0]["status"] == "ready"


def test_a_form_is_for_its_own_key_and_no_field_can_be_added_or_changed(portal: Portal) -> None:
    person = portal.register()
    one, other = ask(person).json["upload"], ask(person).json["upload"]
    assert "file_name" not in one["fields"]
    for changed in (
        {"key": other["fields"]["key"]},
        {"x-amz-signature": other["fields"]["x-amz-signature"]},
        {"policy": other["fields"]["policy"]},
        {"acl": "public-read"},
        {"Content-Type": "text/html"},
        {"x-amz-server-side-encryption": "AES256"},
        {"success_action_redirect": "https://elsewhere.example"},
    ):
        assert send(one, pdf(), **changed) == 403
    assert keys(portal, "Quarantine") == []


def test_the_policy_of_a_form_ends_with_its_ten_minutes(portal: Portal) -> None:
    import base64

    made = ask(portal.register())
    policy = json.loads(base64.b64decode(made.json["upload"]["fields"]["policy"]))
    assert policy["expiration"][:16] == made.json["upload"]["expires_at"][:16]
    assert ["content-length-range", 1, MAX_SIZE] in policy["conditions"]
    assert {"key": made.json["upload"]["fields"]["key"]} in policy["conditions"]


def test_asking_again_is_the_same_document_and_tells_of_the_form_as_long_as_it_is_awaited(portal: Portal) -> None:
    person, key = portal.register(), str(uuid.uuid4())
    first, again = ask(person, key=key), ask(person, key=key)
    assert (first.status, again.status) == (201, 201)
    assert first.json["document_id"] == again.json["document_id"]
    assert ask(person, key=key, title="Another").status == 422
    assert send(again.json["upload"], pdf()) == 204
    portal.drain()
    assert (ask(person, key=key).json["status"], ask(person, key=key).json["upload"]) == ("ready", None)
    ask(person, key=(late := str(uuid.uuid4())))
    portal.advance(minutes=10, seconds=1)
    assert ask(person, key=late).json["upload"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": " \t\u200b"}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"kind": "will"}, "/kind"),
        ({"dated": "soon"}, "/dated"),
        ({"content_type": "text/html"}, "/content_type"),
        ({"content_type": "image/svg+xml"}, "/content_type"),
        ({"file_name": "x" * 201}, "/file_name"),
        ({"status": "ready"}, "/status"),
    ],
)
def test_what_cannot_be_meant_is_named(portal: Portal, body: dict[str, Any], pointer: str) -> None:
    refused = ask(portal.register(), **body)
    assert refused.status == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [pointer]


def test_browsers_of_the_configured_origins_may_send_to_quarantine_and_no_others(portal: Portal) -> None:
    url = ask(portal.register()).json["upload"]["url"]

    def preflight(origin: str) -> tuple[int, str | None]:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        try:
            with urlopen(Request(url, method="OPTIONS", headers=asked)) as answer:
                return answer.status, answer.headers["Access-Control-Allow-Origin"]
        except HTTPError as refused:
            with refused:
                return refused.code, refused.headers["Access-Control-Allow-Origin"]

    assert preflight("http://127.0.0.1:8000") == (200, "http://127.0.0.1:8000")
    assert preflight("https://elsewhere.example")[0] == 403


# --- quarantine ------------------------------------------------------------------------------------------------------


def test_nothing_leads_to_a_file_before_it_is_clean(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    assert document.json["download_url"] is None
    form = ask(document.person).json["upload"]
    with pytest.raises(HTTPError) as refused, urlopen(f"{form['url']}/{document.upload_id}"):
        pass
    refused.value.close()
    assert refused.value.code == 403


def test_no_policy_lets_the_api_read_from_quarantine() -> None:
    from tests.architecture.sources import ROOT

    for path in (ROOT / ".chalice").glob("policy-*.json"):
        for statement in json.loads(path.read_text(encoding="utf-8"))["Statement"]:
            if (
                "QuarantineBucketArn" in json.dumps(statement.get("Resource"))
                and path.name != "policy-clean_uploads.json"
            ):
                assert (path.name, statement["Action"]) == ("policy-api_handler.json", ["s3:PutObject"])


# --- who -------------------------------------------------------------------------------------------------------------


def test_caregivers_with_everything_add_read_and_remove_and_whoever_cares_for_the_patient_reads(portal: Portal) -> None:
    person = portal.register()
    pid = person.patient.patient_id
    path = f"/v1/patients/{pid}/documents"
    daughter = token_of(new_caregiver(pid, Scope.EVERYTHING))
    other = token_of(new_caregiver(pid, *(set(Scope) - {Scope.EVERYTHING})))
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=pid))
    stranger = token_of(new_staff(Role.CLINICIAN))
    made = ask(person, token=daughter, path=path)
    assert (made.status, made.json["uploaded_by"], made.json["uploaded_by_me"]) == (201, "caregiver", True)
    assert send(made.json["upload"], pdf()) == 204
    portal.drain()
    one = f"{path}/{made.json['document_id']}"
    for token, read, add in ((daughter, 200, 201), (clinician, 200, 404), (stranger, 403, 404), (other, 404, 404)):
        assert portal.call("GET", path, token=token).status == read
        assert portal.call("GET", one, token=token).status == read
        assert ask(person, token=token, path=path).status == add
    for token, removed in ((clinician, 404), (other, 404), (daughter, 204), (daughter, 404)):
        assert portal.call("DELETE", one, token=token).status == removed


def test_everybody_but_the_patient_who_gets_the_link_is_in_the_history(portal: Portal) -> None:
    document = taken(portal.register(), pdf())
    pid = document.person.patient.patient_id
    assert document.json["download_url"]

    def downloads() -> list[tuple[str, object]]:
        entries = audit.find_entries(f"patient#{pid}")
        return [(one.actor_id, one.details["by"]) for one in entries if one.action == Action.DOCUMENT_DOWNLOAD]

    assert downloads() == []
    doctor = new_staff(Role.CLINICIAN, cares_for=pid)
    answer = portal.call("GET", f"/v1/patients/{pid}/documents/{document.document_id}", token=token_of(doctor))
    assert answer.json["download_url"]
    assert downloads() == [(doctor, "staff")]
    log = [one["text"] for one in document.person.get("/v1/patients/me/access-log").json["items"]]
    assert "Got the link to a document of your own." in log


def test_what_happens_to_a_document_is_in_the_history(portal: Portal) -> None:
    person = portal.register()
    both = [taken(person, content) for content in (pdf(), EICAR)]
    assert person.call("DELETE", both[1].path).status == 204
    entries = audit.find_entries(f"patient#{person.patient.patient_id}")
    found = {one.action for one in entries}
    assert {"document:create", "document:remove", "upload:take", "upload:refuse"} <= found
    assert "Vaccinations" not in json.dumps([one.details for one in entries])


# --- lists, limits, leaving -------------------------------------------------------------------------------------------


def test_documents_are_listed_newest_first_page_by_page(portal: Portal) -> None:
    person = portal.register()
    made = [ask(person).json["document_id"] for _ in range(5)]
    found: list[str] = []
    query: str | None = "?limit=2"
    while query:
        page = person.get(PATH + query).json
        found += [one["document_id"] for one in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert found == made[::-1]


def test_documents_of_merged_patients_are_listed_together(portal: Portal) -> None:
    from tests.support import merging

    kept, gone = portal.register(), portal.register()
    theirs = taken(gone, pdf()).document_id
    mine = taken(kept, pdf()).document_id
    merging.merged(portal, kept.patient.patient_id, gone.patient.patient_id, keep_account_id=account_id_of(kept))
    kept.session = portal.sign_in(kept.username).json
    assert [one["document_id"] for one in kept.get(PATH).json["items"]] == [mine, theirs]
    assert kept.get(f"{PATH}/{theirs}").json["status"] == "ready"
    assert kept.call("DELETE", f"{PATH}/{theirs}").status == 204


def test_so_many_a_day_and_no_more(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "A_DAY", Limit(2, 86_400))
    person, key = portal.register(), str(uuid.uuid4())
    assert [ask(person).status, ask(person, key=key).status, ask(person).status] == [201, 201, 429]
    assert ask(person, key=key).status == 201
    portal.advance(days=1, seconds=1)
    assert ask(portal_again(person)).status == 201


def portal_again(person: Person) -> Person:
    """The same person, signed in again."""
    person.session = person.portal.sign_in(person.username).json
    return person


def _tally(portal: Portal, person: Person) -> tuple[int, int]:
    key = f"uploads#{person.patient.patient_id}"
    (row,) = (one for one in portal.rows("accounts") if one["pk"]["S"] == key)
    return int(row["files"]["N"]), int(row["bytes"]["N"])


def test_room_is_held_for_what_is_awaited_and_given_back_to_the_byte(portal: Portal) -> None:
    person = portal.register()
    ask(person)
    assert _tally(portal, person) == (1, MAX_SIZE)
    good = taken(person, pdf())
    assert _tally(portal, person) == (2, MAX_SIZE + good.json["size"])
    bad = taken(person, EICAR)
    assert _tally(portal, person) == (3, MAX_SIZE + good.json["size"])
    for one in (good, bad):
        assert person.call("DELETE", one.path).status == 204
    assert _tally(portal, person) == (1, MAX_SIZE)


@pytest.mark.parametrize(("files", "size"), [(MAX_FILES, 0), (1, MAX_BYTES - MAX_SIZE + 1)])
def test_whoever_has_as_much_as_one_may_is_told_so(portal: Portal, files: int, size: int) -> None:
    from chalicelib.models.transaction import transaction

    person = portal.register()
    with transaction() as tx:
        tx.put(uploads.Tally(f"uploads#{person.patient.patient_id}", "tally", files=files, bytes=size))
    refused = ask(person)
    assert (refused.status, refused.json["code"]) == (409, "uploads_full")
    assert person.get(PATH).json["items"] == []


def test_what_is_taken_away_is_gone_with_its_bytes(portal: Portal) -> None:
    document = taken(portal.register(), pdf())
    url, upload_id = document.json["download_url"], document.upload_id
    assert document.person.call("DELETE", document.path).status == 204
    assert document.person.get(document.path).status == 404
    portal.drain()
    assert f"uploads/{upload_id}" not in keys(portal, "Records")
    with pytest.raises(HTTPError) as gone, urlopen(url):
        pass
    gone.value.close()
    # S3 tells nobody who may not list a bucket that a file is not there.
    assert gone.value.code in {403, 404}


def test_what_is_taken_away_while_it_is_scanned_leaves_nothing(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    upload_id = document.upload_id
    assert document.person.call("DELETE", document.path).status == 204
    portal.drain()
    assert not [key for name in ("Quarantine", "Records") for key in keys(portal, name) if upload_id in key]


def test_a_file_that_never_comes_is_given_up_after_an_hour(portal: Portal) -> None:
    person = portal.register()
    document = Sent(person, ask(person).json["document_id"])
    portal.drain()
    assert document.json["status"] == "awaiting_upload"
    portal.advance(hours=1, minutes=3)
    portal.drain()
    document = Sent(portal_again(person), document.document_id)
    assert (document.json["status"], document.json["refused_code"]) == ("refused", "never_came")
    assert _tally(portal, person) == (1, 0)


def test_an_account_that_is_removed_takes_its_documents_along(portal: Portal) -> None:
    from tests.support import leaving

    person = portal.register()
    upload_ids = [taken(person, pdf()).upload_id, sent(person, pdf()).upload_id]
    leaving.closed(person)
    portal.drain()
    assert f"uploads/{upload_ids[0]}" in keys(portal, "Records")
    portal.advance(days=30, minutes=1)
    portal.drain()
    left = [key for name in ("Quarantine", "Records") for key in keys(portal, name)]
    assert not [key for key in left if any(one in key for one in upload_ids)]
    assert not [
        row
        for row in portal.rows("patients")
        if row["kind"]["S"] == "document" and row["pk"]["S"] == person.patient.patient_id
    ]


def test_the_copy_of_an_account_names_its_documents(portal: Portal) -> None:
    from tests.support import leaving

    person = portal.register()
    document = taken(person, pdf(), title="Vaccinations")
    _, file, _ = leaving.download(leaving.exported(person)["download_url"])
    (row,) = json.loads(file)["documents"]
    assert (row["document_id"], row["title"], row["status"]) == (document.document_id, "Vaccinations", "ready")
