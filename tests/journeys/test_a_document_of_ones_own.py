"""A scan of an old vaccination card, sent by a browser from its phone, over HTTP alone."""

import json
import time
import uuid
from collections.abc import Iterator
from io import BytesIO
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from infra.local.scanner import EICAR
from tests.support import fhir
from tests.support.documents import PATH, jpeg, send
from tests.support.program import Json, Program, running

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("document") / "log.txt") as program:
        yield program


def _sign_up(program: Program) -> str:
    patient = fhir.patient()
    assert program.import_fhir(json.dumps(patient).encode()).json["refused"] == []
    (found,) = program.find_patients(patient["id"])
    started = program.start_registration(found, program.issue_code(found["patient_id"]).json["activation_code"])
    _, session = program.finish_registration(
        started.json, f"{uuid.uuid4().hex}@example.org", "seven green teapots sing"
    )
    return str(session["access_token"])


def _sent(program: Program, token: str, content: bytes) -> Json:
    """What became of a file that a browser of the portal's own origin sent."""
    key, asked = str(uuid.uuid4()), {"title": "Vaccinations", "file_name": "IMG_0042.JPG"}
    made = program.must("POST", PATH, asked, token=token, Idempotency_Key=key)
    origin = f"http://127.0.0.1:{program.portal}"
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    with urlopen(Request(made["upload"]["url"], method="OPTIONS", headers=preflight)) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert send(made["upload"], content, origin=origin) == 204
    for _ in range(200):
        found: Json = program.must("GET", f"{PATH}/{made['document_id']}", token=token)
        if found["status"] in {"ready", "refused"}:
            return found
        time.sleep(0.1)
    raise AssertionError("the file was not seen to")


def test_a_document_is_sent_and_comes_back_clean_and_a_bad_one_does_not(program: Program) -> None:
    token = _sign_up(program)
    done = _sent(program, token, jpeg())
    assert (done["status"], done["file_name"]) == ("ready", "IMG_0042.JPG")
    with urlopen(done["download_url"]) as answer:
        picture = Image.open(BytesIO(answer.read()))
        assert answer.headers["Content-Disposition"] == 'attachment; filename="portal-file.jpg"'
    assert (picture.size, dict(picture.getexif())) == ((20, 40), {})
    bad = _sent(program, token, EICAR)
    assert (bad["status"], bad["refused_code"], bad["download_url"]) == ("refused", "threat", None)
    items = program.must("GET", PATH, token=token)["items"]
    assert [one["status"] for one in items] == ["refused", "ready"]
    assert program.call("DELETE", f"{PATH}/{done['document_id']}", token=token).status == 204
    assert program.call("GET", f"{PATH}/{done['document_id']}", token=token).status == 404
