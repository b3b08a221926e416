"""A large file is taken in with memory that does not grow with it, and no slower than by calls."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tests.support import fhir, sizes
from tests.support.aws_process import remote_portal
from tests.support.import_files import Import, ask, bundle_text, ndjson, put, read
from tests.support.portal import Portal
from tests.support.program import PROJECT
from tests.support.promises import Promise

pytestmark = [pytest.mark.slow, pytest.mark.promise]

_OF_ONE_PATIENT = 250
_MOST_GROWTH_MB = 16
_POISON = (
    "{bad",
    '{"resourceType": "Observation", "valueDecimal": NaN}',
    json.dumps(fhir.lab("Patient/nobody-knows")),
    '{"resourceType": "no type"}',
    "\0" * 1_000,
)
_REASONS = ("no valid JSON", "NaN", "no patient is known", "resource type", "no valid JSON")


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """The embedded AWS in another process: its own memory is not what is measured."""
    with remote_portal() as portal:
        yield portal


def _resources(count: int) -> Iterator[fhir.Json]:
    """Of many patients, each of whom comes after what is about them."""
    for place in range(0, count, _OF_ONE_PATIENT):
        patient = fhir.patient()
        for _ in range(min(_OF_ONE_PATIENT, count - place) - 1):
            yield fhir.lab(patient, note=[{"text": "As it was the last time. " * 20}])
        yield patient


def _lines(count: int, every: int) -> Iterator[fhir.Json | str]:
    """So many lines, every n-th of which is poison."""
    good = _resources(count - count // every)
    for line in range(1, count + 1):
        yield _POISON[line // every % len(_POISON)] if line % every == 0 else next(good)


def _work(portal: Portal, import_id: str, seconds: float) -> list[dict[str, Any]]:
    """Have the import worked by a process of its own; what it says after each of its runs."""
    url = portal.aws.client("s3").meta.endpoint_url
    command = [sys.executable, "-m", "tests.bench.import_worker", url, import_id, str(seconds)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"read"')]


def _taken(portal: Portal, body: bytes, seconds: float, **asked: Any) -> tuple[Import, list[dict[str, Any]]]:
    import_id = ask(portal, **asked).json["import_id"]
    bucket = portal.aws.deployed.outputs["ImportsBucketName"]
    portal.aws.client("s3").put_object(Bucket=bucket, Key=f"uploads/{import_id}", Body=body)
    runs = _work(portal, import_id, seconds)
    return read(portal, import_id), runs


def test_a_file_of_any_size_is_taken_in_with_flat_memory_and_poison_is_refused_alone(
    portal: Portal, promise: Promise
) -> None:
    count = sizes.size("ingest")
    every = 1_000 if sizes.is_full() else 50
    body = ndjson(*_lines(count, every))
    done, runs = _taken(portal, body, 20 if sizes.is_full() else 0.5)
    poison = count // every
    assert done.json["status"] == "done"
    promise("ingest 1", f"{count} lines: taken in", asked=count - poison, measured=done.json["created"])
    promise("ingest 1", f"{count} lines, every {every}th poison: refused", asked=poison, measured=done.json["refused"])
    rejects = done.rejects()
    assert [one["line"] for one in rejects] == list(range(every, count + 1, every))
    for one in rejects:
        assert _REASONS[one["line"] // every % len(_POISON)] in one["reason"]
    early = next(run["peak_mb"] for run in runs if run["read"] >= count / 10)
    growth = round(runs[-1]["peak_mb"] - early, 1)
    what = (
        f"{count} lines, {len(body) // 1_000_000} MB: growth of the worker's peak memory ({early:.0f} MB) after a tenth"
    )
    promise("ingest 1", what, asked=f"under {_MOST_GROWTH_MB} MB", measured=growth, passed=growth < _MOST_GROWTH_MB)


def test_a_bundle_on_one_line_is_taken_in_with_the_same_memory(portal: Portal, promise: Promise) -> None:
    count = sizes.size("ingest") // 5
    resources = list(_resources(count))
    urls = {one["id"]: f"urn:uuid:{fhir.fresh('u')}" for one in resources}
    for one in resources:
        if "subject" in one:
            one["subject"] = {"reference": urls[one["subject"]["reference"].removeprefix("Patient/")]}
    body = bundle_text(resources, urls)
    assert b"\n" not in body
    done, runs = _taken(portal, body, 20 if sizes.is_full() else 0.5, format="bundle")
    assert (done.json["status"], done.counts()) == ("done", {"created": count})
    early = next(run["peak_mb"] for run in runs if run["read"] >= count / 10)
    growth = round(runs[-1]["peak_mb"] - early, 1)
    what = f"a Bundle of {count} on one line: growth of the worker's peak memory ({early:.0f} MB) after a tenth"
    promise("ingest 1", what, asked=f"under {_MOST_GROWTH_MB} MB", measured=growth, passed=growth < _MOST_GROWTH_MB)


def test_a_file_costs_no_more_than_calls(portal: Portal, promise: Promise) -> None:
    """The portal's own time on the processor, in turns, with the same resources of other patients; AWS is elsewhere."""
    from chalicelib.services.import_files import worker

    token, count, rounds = portal.client_token(), 500, 3
    by_calls, by_file = [], []
    for _ in range(rounds):
        resources = _resources(count)
        began = time.process_time()
        while some := list(islice(resources, _OF_ONE_PATIENT)):
            assert portal.import_fhir(fhir.bundle(*some), token=token).json["created"] == len(some)
        by_calls.append(time.process_time() - began)
        made = ask(portal).json
        assert put(made["upload_url"], ndjson(*_resources(count))) == 200
        began = time.process_time()
        worker.work(made["import_id"])
        by_file.append(time.process_time() - began)
        assert read(portal, made["import_id"]).counts() == {"created": count}
    ratio = round(min(by_file) / min(by_calls), 2)
    each = 1_000 * min(by_file) / count
    what = f"processor time of {count} resources by a file ({each:.1f} ms each) against calls of {_OF_ONE_PATIENT}"
    promise("ingest 3", what, asked="at most 1.2", measured=ratio, passed=ratio <= 1.2)
