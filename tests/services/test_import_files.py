"""The worker that takes files in: ended at any moment, two at once, and what breaks it; every resource counts once."""

import importlib
from collections import Counter
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.errors import Unavailable
from chalicelib.models import import_files as storage
from chalicelib.models.import_files import LEASED
from chalicelib.services.import_files import batches, worker
from tests.support import fhir, sizes
from tests.support.aws_calls import AwsCall, failing, hooked, unreachable
from tests.support.crowd import at_once
from tests.support.import_files import Import, ndjson, read, take, uploaded
from tests.support.killed import Killed, killed_at
from tests.support.portal import Portal
from tests.support.promises import Promise


def _file() -> bytes:
    """Everything that a file may bring: each stage, what is only kept, what is refused, in several batches."""
    patient, doctor = fhir.patient(), fhir.practitioner("Hopper")
    visit = fhir.encounter(patient)
    today = clock.stamp(clock.now())
    results = [fhir.lab(patient, effectiveDateTime=today) for _ in range(3)]
    kept = {"resourceType": "Basic", "id": fhir.fresh("b")}
    return ndjson(*results, "{bad", visit, kept, fhir.lab("Patient/nobody"), patient, doctor)


EXACT = {"created": 6, "kept_raw": 1, "refused": 2}


def _finish(portal: Portal, import_id: str) -> Import:
    """What comes after a crash: the lease runs out, and the message comes back."""
    clock.advance(LEASED)
    for _ in range(3):
        worker.work(import_id)
    return read(portal, import_id)


def _stored(portal: Portal) -> Counter[str]:
    return Counter(row["kind"]["S"] for row in portal.rows("patients"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_RESOURCES", 2)


@pytest.mark.promise
def test_a_worker_that_is_ended_at_any_step_is_resumed_and_every_resource_counts_once(
    portal: Portal, promise: Promise
) -> None:
    whole = uploaded(portal, _file())
    with killed_at(None) as steps:
        worker.work(whole)
    assert read(portal, whole).counts() == EXACT
    wrong: list[str] = []
    every = sizes.size("ingest crashes")
    ended = range(1, steps.taken + 1, every)
    for last in ended:
        before = _stored(portal)
        import_id = uploaded(portal, _file())
        with killed_at(last):
            worker.work(import_id)
        done = _finish(portal, import_id)
        new = _stored(portal) - before
        facts = (done.json["status"], done.counts(), new["patient"], new["record"], new["directory"], new["raw"])
        if facts != ("done", EXACT, 1, 4, 1, 7) or [one["line"] for one in done.rejects()] != [4, 7]:
            wrong.append(f"ended at step {last}: {facts}")
        assert not [key for key in _bucket(portal) if key.startswith("uploads/")]
    what = f"a worker ended at {len(ended)} of its {steps.taken} steps: imports that are not whole, or count twice"
    promise("ingest 2", what, asked=0, measured=len(wrong), passed=wrong == [])


def _bucket(portal: Portal) -> list[str]:
    bucket = portal.aws.deployed.outputs["ImportsBucketName"]
    found = portal.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found]


def test_a_patient_hears_once_of_a_file_whose_worker_was_ended(portal: Portal) -> None:
    person = portal.register()
    me, today = {"id": person.patient.resource_id}, clock.stamp(clock.now())
    portal.drain()
    import_id = uploaded(portal, ndjson(*(fhir.lab(me, effectiveDateTime=today) for _ in range(6))))
    transactions = 0

    def kill(call: AwsCall) -> None:
        nonlocal transactions
        transactions += call.operation == "TransactWriteItems"
        if transactions == 2:
            raise Killed

    with pytest.raises(Killed), hooked(kill):
        worker.work(import_id)
    assert _finish(portal, import_id).counts() == {"created": 6}
    posted = [row for row in portal.rows("outbox") if row.get("patient_id") == {"S": person.patient.patient_id}]
    assert sum(row["topic"]["S"] == "notices" for row in posted) == 1


def test_two_workers_at_once_are_as_one(portal: Portal) -> None:
    import_id = uploaded(portal, _file())
    at_once(4, lambda _: worker.work(import_id))
    assert read(portal, import_id).counts() == EXACT


def test_a_worker_whose_lease_ran_out_stores_nothing_beside_the_next_one(portal: Portal) -> None:
    """The slow one finds out with its next transaction, and leaves what it had begun."""
    import_id = uploaded(portal, _file())
    overtaken = False

    def overtake(call: AwsCall) -> None:
        nonlocal overtaken
        if not overtaken and call.operation == "TransactWriteItems" and call.writes_to("patients"):
            overtaken = True
            clock.advance(LEASED)
            worker.work(import_id)

    before = _stored(portal)
    with hooked(overtake):
        worker.work(import_id)
    done = read(portal, import_id)
    assert (done.json["status"], done.counts()) == ("done", EXACT)
    new = _stored(portal) - before
    assert (new["patient"], new["record"], new["raw"]) == (1, 4, 7)


def test_a_worker_who_finds_another_at_work_comes_back_later(portal: Portal) -> None:
    import_id = uploaded(portal, _file())
    row = storage.find(import_id)
    assert row is not None
    assert storage.take(row, "lse_of-another", "etag")
    sent: list[AwsCall] = []
    with hooked(sent.append):
        worker.work(import_id)
    (message,) = (call for call in sent if call.service == "sqs")
    assert message.params["Entries"][0]["DelaySeconds"] > LEASED.total_seconds()
    assert read(portal, import_id).counts() == {}


def test_what_fails_for_a_passing_reason_is_tried_again_later(portal: Portal) -> None:
    import_id = uploaded(portal, _file())
    with failing(lambda call: call.operation == "TransactWriteItems", unreachable()):
        worker.work(import_id)
    assert read(portal, import_id).json["status"] == "queued"
    worker.work(import_id)
    assert read(portal, import_id).counts() == EXACT


def test_a_file_that_never_comes_further_is_given_up(portal: Portal) -> None:
    import_id = uploaded(portal, _file())
    row = storage.find(import_id)
    assert row is not None
    for _ in range(5):
        with killed_at(12):
            worker.work(import_id)
        clock.advance(LEASED)
    worker.work(import_id)
    done = read(portal, import_id)
    assert done.json["status"] == "failed"
    assert "came no further" in done.json["failure"]


def test_a_resource_that_breaks_the_import_is_refused_alone(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in = importlib.import_module("chalicelib.services.imports.take_in")
    monkeypatch.setattr(batches, "MAX_RESOURCES", 50)
    patient = fhir.patient()
    good, bad = [fhir.lab(patient) for _ in range(9)], fhir.lab(patient)
    plan = take_in.plan

    def break_on(resolver: Any, entry: Any, last_four: Any) -> Any:
        if entry.id == bad["id"]:
            raise ZeroDivisionError("a bug that nobody has thought of")
        return plan(resolver, entry, last_four)

    monkeypatch.setattr(take_in, "plan", break_on)
    done = take(portal, ndjson(patient, *good[:4], bad, *good[4:]))
    assert done.counts() == {"created": 10, "refused": 1}
    assert [(one["line"], one["reason"]) for one in done.rejects()] == [
        (6, "the portal could not store this resource; its operators were told")
    ]


def test_what_breaks_everything_is_no_fault_of_the_lines(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in = importlib.import_module("chalicelib.services.imports.take_in")

    def broken(*_: object) -> object:
        raise ZeroDivisionError("a bug of a new version")

    monkeypatch.setattr(batches, "MAX_RESOURCES", 50)
    patient = fhir.patient()
    assert portal.import_fhir(patient).json["created"] == 1
    import_id = uploaded(portal, ndjson(*(fhir.lab(patient) for _ in range(40))))
    with monkeypatch.context() as patched:
        patched.setattr(take_in, "plan", broken)
        with pytest.raises(ZeroDivisionError):
            worker.work(import_id)
    worker.work(import_id)
    assert read(portal, import_id).counts() == {"created": 40}


def test_words_of_s3_that_name_no_upload_do_nothing(portal: Portal) -> None:
    for body in ('{"Event": "s3:TestEvent"}', '{"id": "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV"}', '{"id": "../x"}'):
        worker.receive(body)


def test_a_queue_that_takes_nothing_gives_the_message_back(portal: Portal) -> None:
    import_id = uploaded(portal, _file())
    with failing(lambda call: call.service == "sqs", unreachable()), pytest.raises(Unavailable):
        worker.work(import_id, seconds=0)
    worker.work(import_id)
    assert read(portal, import_id).counts() == EXACT
