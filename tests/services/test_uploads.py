"""The worker that sees to files: ended at any moment, told twice, late or wrongly, and what becomes of each file."""

import json
import subprocess
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chalicelib import clock, observability
from chalicelib.domain.uploads import TRIES, NotTaken, Refusal
from chalicelib.models import audit
from chalicelib.models import uploads as storage
from chalicelib.models.outbox import CLAIMED
from chalicelib.models.transaction import transaction
from chalicelib.services import cleaning
from chalicelib.services.uploads import apart, worker
from infra.local import scanner
from infra.local.scanner import EICAR
from tests.support import sizes
from tests.support.aws_calls import failing, unreachable
from tests.support.documents import Sent, ask, jpeg, keys, pdf, send, sent
from tests.support.faults import overtaken_by
from tests.support.killed import killed_at
from tests.support.portal import Portal
from tests.support.promises import Promise


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process for each file, which takes half a second to begin."""
    monkeypatch.setattr(apart, "cleaned", cleaning.cleaned)


def _tag(portal: Portal, document: Sent) -> str:
    bucket = portal.aws.deployed.outputs["QuarantineBucketName"]
    return str(portal.aws.client("s3").head_object(Bucket=bucket, Key=document.upload_id)["ETag"].strip('"'))


def _scanned(portal: Portal, document: Sent, result: str = "NO_THREATS_FOUND", **changes: Any) -> str:
    """GuardDuty's word of a file, as it lies in quarantine now."""
    about = {"bucket": portal.aws.deployed.outputs["QuarantineBucketName"], "key": document.upload_id, **changes}
    about.setdefault("etag", _tag(portal, document) if "etag" not in changes else "")
    return json.dumps(scanner.scanned(about["bucket"], about["key"], about["etag"], result))


def _jobs(portal: Portal, document: Sent) -> list[str]:
    """What asks in the outbox that somebody sees to a file, and is not for later."""
    rows = [row for row in portal.rows("outbox") if row["topic"]["S"] == "uploads" and "not_before" not in row]
    return [row["pk"]["S"] for row in rows if document.upload_id in row["about"]["S"]]


def _work(portal: Portal, document: Sent) -> None:
    for row_id in _jobs(portal, document):
        worker.receive(json.dumps({"id": row_id}))


def _facts(portal: Portal, document: Sent) -> tuple[Any, ...]:
    """What became of a file: status, its entries in the history, its notices, its bytes, its sender's room."""
    entries = audit.find_entries(f"patient#{document.person.patient.patient_id}")
    told = [row for row in portal.rows("outbox") if row.get("notice_kind", {}).get("S") == "upload_refused"]
    mine = [row for row in told if row["account_id"]["S"] == document.person.session["account"]["account_id"]]
    row = storage.find(document.upload_id)
    assert row is not None
    return (
        row.status,
        [entry.action for entry in entries if entry.action.startswith("upload:")],
        len([one for one in mine if one["topic"]["S"] == "notices"]),
        [name for name in ("Quarantine", "Records") for key in keys(portal, name) if document.upload_id in key],
        int(row.held),
    )


@pytest.mark.promise
@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("content", "result", "expected"),
    [
        (jpeg(), "NO_THREATS_FOUND", ("ready", ["upload:take"], 0, ["Records"])),
        (EICAR, "THREATS_FOUND", ("refused", ["upload:refuse"], 1, [])),
        (b"MZ\x90", "NO_THREATS_FOUND", ("refused", ["upload:refuse"], 1, [])),
    ],
)
def test_a_worker_that_is_ended_at_any_step_is_followed_by_one_that_takes_or_refuses_once(
    portal: Portal, promise: Promise, content: bytes, result: str, expected: tuple[Any, ...]
) -> None:
    person = portal.register()

    def see_to(document: Sent) -> None:
        worker.receive(_scanned(portal, document, result, etag=tag, key=upload_id))
        _work(portal, document)

    whole = sent(person, content)
    tag, upload_id = _tag(portal, whole), whole.upload_id
    with killed_at(None) as steps:
        see_to(whole)
    wrong = []
    ended = range(1, steps.taken + 1, sizes.size("upload crashes"))
    for last in ended:
        document = sent(person := portal.register(), content)
        tag, upload_id = _tag(portal, document), document.upload_id
        with killed_at(last):
            see_to(document)
        clock.advance(CLAIMED)
        see_to(document)
        facts = _facts(portal, document)
        size = storage.find(upload_id)
        if facts[:-1] != expected or facts[-1] != (int(size.size or 0) if size else -1):
            wrong.append((last, facts))
    what = f"a worker ended at {len(ended)} of its {steps.taken} steps over a file: lost, doubled, or left behind"
    promise("AC 8", what, asked=0, measured=len(wrong), passed=wrong == [])


def test_what_is_told_ten_times_is_done_once(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    event = _scanned(portal, document)
    for _ in range(10):
        worker.receive(event)
    assert len(_jobs(portal, document)) == 1
    _work(portal, document)
    for _ in range(10):
        worker.receive(event)
        _work(portal, document)
    assert _facts(portal, document)[:-1] == ("ready", ["upload:take"], 0, ["Records"])


@pytest.mark.usefixtures("in_this_process")
def test_two_workers_over_one_file_take_it_once(portal: Portal) -> None:
    from chalicelib.models import outbox

    document = sent(portal.register(), pdf())
    worker.receive(_scanned(portal, document))
    with transaction() as tx:
        other = outbox.post_upload(tx, document.upload_id)
    with overtaken_by(lambda: worker.receive(json.dumps({"id": other}))):
        _work(portal, document)
    assert _facts(portal, document)[:-1] == ("ready", ["upload:take"], 0, ["Records"])


@pytest.mark.usefixtures("in_this_process")
def test_what_is_taken_away_in_the_moment_of_its_cleaning_leaves_no_bytes(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    upload_id, jobs = document.upload_id, _jobs
    worker.receive(_scanned(portal, document))
    (job,) = jobs(portal, document)
    with overtaken_by(lambda: document.person.call("DELETE", document.path)):
        worker.receive(json.dumps({"id": job}))
    assert not [key for name in ("Quarantine", "Records") for key in keys(portal, name) if upload_id in key]


@pytest.mark.parametrize("result", ["FAILED", "UNSUPPORTED", "ACCESS_DENIED", "SOMETHING_NEW"])
def test_what_could_not_be_scanned_is_refused_and_rings(
    portal: Portal, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(observability, "count", counted.append)
    document = sent(portal.register(), pdf())
    worker.receive(_scanned(portal, document, result))
    assert _facts(portal, document)[:-1] == ("refused", ["upload:refuse"], 1, [])
    assert (document.json["refused_code"], counted) == ("not_scanned", ["UploadNotScanned"])


def test_a_scan_that_was_not_completed_makes_nothing_harmless(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    event = json.loads(_scanned(portal, document))
    event["detail"]["scanStatus"] = "SKIPPED"
    worker.receive(json.dumps(event))
    assert document.json["refused_code"] == "not_scanned"


@pytest.mark.parametrize("changed", [{"bucket": "another"}, {"key": "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, {"key": "x"}])
def test_an_event_about_another_file_changes_nothing(portal: Portal, changed: dict[str, str]) -> None:
    document = sent(portal.register(), pdf())
    worker.receive(_scanned(portal, document, "THREATS_FOUND", etag=_tag(portal, document), **changed))
    assert (document.json["status"], _jobs(portal, document)) == ("awaiting_upload", [])
    assert document.upload_id in keys(portal, "Quarantine")


def test_an_event_of_another_kind_is_dropped(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    event = json.loads(_scanned(portal, document))
    worker.receive(json.dumps({**event, "source": "somebody.else"}))
    assert _jobs(portal, document) == []


def test_a_file_that_was_put_in_the_place_of_a_scanned_one_is_scanned_itself(portal: Portal) -> None:
    """Whoever has the form may send twice: what was found of the first says nothing of the second."""
    person = portal.register()
    made = ask(person).json
    document = Sent(person, made["document_id"])
    assert send(made["upload"], pdf("harmless")) == 204
    harmless = _scanned(portal, document)
    assert send(made["upload"], EICAR) == 204
    worker.receive(harmless)
    assert _jobs(portal, document) == []
    worker.receive(_scanned(portal, document, "THREATS_FOUND"))
    assert document.json["refused_code"] == "threat"


def test_a_file_that_is_replaced_before_it_is_cleaned_is_not_cleaned(portal: Portal) -> None:
    person = portal.register()
    made = ask(person).json
    document = Sent(person, made["document_id"])
    assert send(made["upload"], pdf("harmless")) == 204
    worker.receive(_scanned(portal, document))
    assert send(made["upload"], EICAR) == 204
    _work(portal, document)
    assert (document.json["status"], document.json["download_url"]) == ("scanning", None)
    worker.receive(_scanned(portal, document, "THREATS_FOUND"))
    assert _facts(portal, document)[:-1] == ("refused", ["upload:refuse"], 1, [])


def test_a_file_that_is_sent_again_after_it_was_taken_changes_nothing_and_is_removed(portal: Portal) -> None:
    person = portal.register()
    made = ask(person).json
    document = Sent(person, made["document_id"])
    for content in (pdf("first"), EICAR):
        assert send(made["upload"], content) == 204
        portal.drain()
    assert _facts(portal, document)[:-1] == ("ready", ["upload:take"], 0, ["Records"])


def test_a_scan_that_never_comes_is_waited_for_an_hour(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    bucket = portal.aws.deployed.outputs["QuarantineBucketName"]
    worker.receive(json.dumps(scanner.arrived(bucket, document.upload_id, _tag(portal, document), 1)))
    assert document.json["status"] == "scanning"
    rows = [row for row in portal.rows("outbox") if document.upload_id in row["about"]["S"]]
    (waits,) = (row["pk"]["S"] for row in rows if "not_before" in row)
    worker.receive(json.dumps({"id": waits}))
    assert document.json["status"] == "scanning"
    clock.advance(timedelta(minutes=61))
    worker.receive(json.dumps({"id": waits}))
    assert _facts(portal, document)[:-1] == ("refused", ["upload:refuse"], 1, [])


@pytest.mark.usefixtures("in_this_process")
def test_while_storage_is_away_a_file_waits_and_is_given_up_after_so_many_tries(portal: Portal) -> None:
    document = sent(portal.register(), pdf())
    worker.receive(_scanned(portal, document))
    with failing(lambda call: call.operation == "PutObject", unreachable()):
        for _ in range(TRIES):
            _work(portal, document)
    assert document.json["status"] == "scanning"
    _work(portal, document)
    assert _facts(portal, document)[:-1] == ("refused", ["upload:refuse"], 1, [])


def test_a_reader_that_takes_too_long_is_ended_and_the_file_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SECONDS", 0.01)
    with pytest.raises(NotTaken) as refused:
        apart.cleaned(pdf())
    assert refused.value.reason is Refusal.BROKEN


def test_the_process_that_reads_a_file_has_none_of_the_functions_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []
    run = subprocess.run

    def look(*arguments: Any, **more: Any) -> Any:
        given.append(more["env"])
        return run(*arguments, **more)

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", uuid4().hex)
    monkeypatch.setattr(subprocess, "run", look)
    apart.cleaned(b"a note")
    (environment,) = given
    assert set(environment) <= {"PYTHONPATH", "LD_LIBRARY_PATH"}
