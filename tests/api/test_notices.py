"""The portal's own copy of every notice: listed, read one by one, and noted as read."""

import json
import re
from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.domain.notices import RULES, DeliveryStatus, NoticeKind
from chalicelib.models import notices
from chalicelib.models.transaction import transaction
from tests.support.aws_calls import recorded
from tests.support.crowd import at_once
from tests.support.forged import altered
from tests.support.notices import keep_read, tell, told
from tests.support.portal import Person, Portal

NOTICE = {"notice_id", "patient_id", "title", "text", "sent_at", "read_at", "channels", "target"}


@pytest.fixture(scope="module")
def reader(portal: Portal) -> Person:
    """Somebody with seven notices, of which the second and the fifth were read."""
    reader = portal.register()
    ids = [tell(reader, NoticeKind.USERNAME_REMINDER) for _ in range(6)]
    portal.drain()
    for number in (1, 4):
        assert reader.call("POST", f"/v1/me/notices/{ids[number]}/read").status == 200
    return reader


def walk(person: Person, query: str = "") -> list[str]:
    """The ids of every notice, page by page."""
    found, cursor = [], ""
    while True:
        page = person.get(f"/v1/me/notices?limit=2{query}{cursor}").json
        found += [item["notice_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_new_notice_stands_first_and_says_how_it_went_out(portal: Portal) -> None:
    person = portal.register()
    notice_id = told(person)
    first, *rest = person.get("/v1/me/notices").json["items"]
    assert first.keys() == NOTICE
    assert (first["notice_id"], first["read_at"], first["patient_id"]) == (notice_id, None, None)
    assert first["title"] == "Your password was changed"
    assert {"channel": "email", "status": "sent"} in first["channels"]
    assert first["target"] == {"kind": "account", "id": person.session["account"]["account_id"]}
    assert [notice["title"] for notice in rest] == ["Please confirm your email address"]
    assert person.get(f"/v1/me/notices/{notice_id}").json == first


def test_a_notice_about_a_patient_leads_to_them(portal: Portal) -> None:
    person = portal.register()
    notice = person.get(f"/v1/me/notices/{told(person, NoticeKind.NEW_RESULTS)}").json
    assert notice["patient_id"] == person.patient.patient_id
    assert notice["target"] == {"kind": "records", "id": person.patient.patient_id}


def test_it_speaks_the_language_in_which_it_is_read(portal: Portal) -> None:
    person = portal.register()
    path = f"/v1/me/notices/{told(person)}"
    spanish = person.get(path, headers={"Accept-Language": "es-MX"})
    assert spanish.header("content-language") == "es"
    assert spanish.json["title"] == "Su contraseña cambió"
    assert person.get(path).json["title"] == "Your password was changed"


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_words_and_none_of_what_only_a_message_carries(portal: Portal, kind: NoticeKind) -> None:
    """AC 4: neither a code nor a link, nor whose it is."""
    person = portal.register()
    if kind is not NoticeKind.EMAIL_CONFIRMATION:
        # Registering has asked for that one.
        tell(person, kind)
    portal.drain()
    notice = person.get("/v1/me/notices").json["items"][0]
    assert notice["title"]
    assert notice["target"]["kind"] == RULES[kind].target
    told_here = notice["title"] + notice["text"]
    secret = ("http", "/l/", "@", person.patient.first_name, person.patient.last_name, person.username)
    assert [word for word in secret if word in told_here] == []
    # The ages of the law and the days of an undo are in the words themselves, and are nobody's.
    assert set(re.findall(r"\d+", told_here)) <= {"12", "18", "30"}


def test_a_kind_that_a_later_version_wrote_is_a_message_without_its_own_words(portal: Portal) -> None:
    """OP 4: versions N and N-1 work on the same tables."""
    person = portal.register()
    notice_id = told(person)
    portal.aws.client("dynamodb").update_item(
        TableName=next(
            name for name in portal.aws.client("dynamodb").list_tables()["TableNames"] if "accounts" in name
        ),
        Key={"pk": {"S": person.session["account"]["account_id"]}, "sk": {"S": f"notice#{notice_id}"}},
        UpdateExpression="SET notice_kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "of_next_year"}},
    )
    notice = person.get("/v1/me/notices").json["items"][0]
    assert (notice["notice_id"], notice["title"], notice["target"]["kind"]) == (
        notice_id,
        "A message for you",
        "account",
    )


def test_a_walk_sees_every_notice_once_the_newest_first(reader: Person) -> None:
    everything = [item["notice_id"] for item in reader.get("/v1/me/notices?limit=100").json["items"]]
    assert len(everything) == 7
    assert walk(reader) == everything == sorted(everything, reverse=True)


def test_a_walk_while_others_arrive_sees_what_was_there_once(portal: Portal) -> None:
    """AP 4."""
    person = portal.register()
    for _ in range(3):
        tell(person, NoticeKind.USERNAME_REMINDER)
    portal.drain()
    there = walk(person)
    page = person.get("/v1/me/notices?limit=2").json
    seen = [item["notice_id"] for item in page["items"]]
    while page["next_cursor"]:
        told(person, NoticeKind.USERNAME_REMINDER)
        page = person.get(f"/v1/me/notices?limit=2&cursor={page['next_cursor']}").json
        seen += [item["notice_id"] for item in page["items"]]
    assert seen == there


def test_unread_ones_are_listed_alone(reader: Person) -> None:
    items = reader.get("/v1/me/notices?limit=100").json["items"]
    unread = [item["notice_id"] for item in items if item["read_at"] is None]
    assert len(unread) == 5
    assert walk(reader, "&unread=true") == unread
    assert walk(reader, "&unread=false") == [item["notice_id"] for item in items]


def test_unread_ones_are_found_behind_many_that_were_read(portal: Portal) -> None:
    person = portal.register()
    oldest = told(person)
    keep_read(person, 150)
    assert person.get("/v1/me/notices?limit=1&unread=true").json["items"][0]["notice_id"] == oldest
    keep_read(person, 860)
    first = person.get("/v1/me/notices?limit=2&unread=true").json
    # So many lie between that the first page ends before it comes to it.
    assert first["items"] == []
    assert first["next_cursor"]
    assert walk(person, "&unread=true")[0] == oldest


@pytest.mark.parametrize("query", ["unread=perhaps", "unread=1", "unread=", "unread=true&unread=true", "kind=security"])
def test_a_filter_that_is_none_is_refused(reader: Person, query: str) -> None:
    assert reader.get(f"/v1/me/notices?{query}").status == 422


def test_a_cursor_belongs_to_its_reader_and_its_filter(portal: Portal, reader: Person) -> None:
    cursor = reader.get("/v1/me/notices?limit=2").json["next_cursor"]
    for refused in (
        reader.get(f"/v1/me/notices?limit=2&unread=true&cursor={cursor}"),
        portal.register().get(f"/v1/me/notices?limit=2&cursor={cursor}"),
        reader.get(f"/v1/me/notices?limit=2&cursor={altered(cursor)}"),
    ):
        assert (refused.status, refused.json["code"]) == (400, "invalid_cursor")


def test_a_page_takes_two_round_trips(reader: Person) -> None:
    """DESIGN, section 3: signing in, and the query."""
    with recorded() as calls:
        assert reader.get("/v1/me/notices?limit=2").status == 200
    assert [call.operation for call in calls] == ["BatchGetItem", "Query"]


def test_a_notice_is_read_once_and_stays_read(portal: Portal) -> None:
    person = portal.register()
    path = f"/v1/me/notices/{told(person)}"
    at = clock.now().replace(microsecond=0)
    with clock.frozen(at):
        first = person.call("POST", f"{path}/read")
        clock.advance(timedelta(minutes=5))
        again = person.call("POST", f"{path}/read")
    assert (first.status, again.status) == (200, 200)
    assert first.json == again.json == person.get(path).json
    assert first.json["read_at"] == at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_reading_leaves_one_audit_entry_however_often(portal: Portal) -> None:
    """AC 5."""
    person = portal.register()
    notice_id = told(person)
    person.call("POST", f"/v1/me/notices/{notice_id}/read")
    with recorded() as calls:
        person.call("POST", f"/v1/me/notices/{notice_id}/read")
    assert [call for call in calls if call.is_write] == []
    account = f"account#{person.session['account']['account_id']}"
    entries = [row for row in portal.rows("audit") if row["pk"]["S"] == account]
    read = [json.loads(row["about"]["S"]) for row in entries if row["action"]["S"] == "notice:read"]
    assert read == [{"notice_id": notice_id}]


def test_what_a_channel_reports_later_leaves_a_notice_read(portal: Portal) -> None:
    """A read notice never becomes unread."""
    person = portal.register()
    notice_id = told(person)
    read = person.call("POST", f"/v1/me/notices/{notice_id}/read").json["read_at"]
    copy = notices.find(person.session["account"]["account_id"], notice_id)
    assert copy is not None
    with transaction() as tx:
        notices.note_progress(tx, copy, dict.fromkeys(copy.progress(), DeliveryStatus.BOUNCED))
    after = person.get(f"/v1/me/notices/{notice_id}").json
    assert {"channel": "email", "status": "bounced"} in after["channels"]
    assert after["read_at"] == read is not None


@pytest.mark.race
def test_readers_at_once_read_it_at_one_time(portal: Portal) -> None:
    person = portal.register()
    path = f"/v1/me/notices/{told(person)}/read"
    answers = at_once(8, lambda _number: person.call("POST", path))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["read_at"] for answer in answers}) == 1


def test_anothers_notice_is_as_one_that_is_not_there(portal: Portal, reader: Person) -> None:
    """AC 2."""
    theirs = reader.get("/v1/me/notices").json["items"][0]["notice_id"]
    me = portal.register()
    for method, path in (("GET", theirs), ("POST", f"{theirs}/read")):
        assert me.call(method, f"/v1/me/notices/{path}").status == 404
        assert me.call(method, f"/v1/me/notices/{path.replace(theirs, 'ntc_' + '0' * 26)}").status == 404
    assert theirs in walk(reader, "&unread=true")
