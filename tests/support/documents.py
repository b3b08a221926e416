"""Documents that patients send: asked for, sent by the form, seen to."""

import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from PIL import Image
from reportlab.pdfgen import canvas

from tests.support.portal import Answer, Person, Portal

PATH = "/v1/patients/me/documents"


def ask(person: Person, *, token: str | None = None, path: str = PATH, key: str | None = None, **body: Any) -> Answer:
    """Add a document, whose file is to be sent."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    asked = {"title": "Vaccinations of 1999", **body}
    return person.portal.call("POST", path, asked, headers=headers, token=token or person.token)


def send(
    form: dict[str, Any], content: bytes, *, name: str = "file.bin", origin: str | None = None, **more: str
) -> int:
    """Send a file by its form, as a browser does; the status. `more` are fields that are set or added."""
    boundary, parts = uuid.uuid4().hex, []
    for field, value in {**form["fields"], **more}.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode())
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts += [f"{head}Content-Type: text/html\r\n\r\n".encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **({"Origin": origin} if origin else {})}
    try:
        with urlopen(Request(form["url"], data=b"".join(parts), headers=headers, method="POST")) as answer:
            status: int = answer.status
            return status
    except HTTPError as refused:
        with refused:
            return refused.code


@dataclass(frozen=True)
class Sent:
    """A document whose file was sent."""

    person: Person
    document_id: str

    @property
    def path(self) -> str:
        return f"{PATH}/{self.document_id}"

    @property
    def json(self) -> dict[str, Any]:
        answer = self.person.get(self.path)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    @property
    def upload_id(self) -> str:
        """The id of its file."""
        from chalicelib.models import documents

        row = documents.find((self.person.patient.patient_id,), self.document_id)
        assert row is not None
        return str(row.upload_id)

    def download(self) -> tuple[dict[str, str], bytes]:
        """The headers, in lower case, and the bytes of its download."""
        with urlopen(self.json["download_url"]) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def sent(person: Person, content: bytes, **body: Any) -> Sent:
    """A document whose file is in quarantine; nothing was seen to yet."""
    made = ask(person, **body)
    assert made.status == 201, made.text
    assert send(made.json["upload"], content) == 204
    return Sent(person, made.json["document_id"])


def taken(person: Person, content: bytes, **body: Any) -> Sent:
    """A document whose file was seen to, whatever became of it."""
    document = sent(person, content, **body)
    person.portal.drain()
    return document


def keys(portal: Portal, name: str) -> list[str]:
    """The keys of the objects in a bucket, `Quarantine` or `Records`."""
    bucket = portal.aws.deployed.outputs[f"{name}BucketName"]
    return [one["Key"] for one in portal.aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def jpeg(**exif: Any) -> bytes:
    """A picture that is wider than high, lies on its side, and tells where it was taken."""
    picture, about = Image.new("RGB", (40, 20), (200, 10, 10)), Image.Exif()
    about[0x0112], about[0x010E] = 6, "Taken at home"
    about.get_ifd(0x8825).update({1: "N", 2: (41.0, 52.0, 3.0)})
    out = BytesIO()
    picture.save(out, "JPEG", exif=about, comment=b"a comment of the camera's", **exif)
    return out.getvalue()


def pdf(*lines: str) -> bytes:
    """A PDF of one page for each line."""
    out = BytesIO()
    page = canvas.Canvas(out)
    page.setAuthor("A maker of PDFs")
    for line in lines or ("Polio, 1999",):
        page.drawString(72, 700, line)
        page.showPage()
    page.save()
    return out.getvalue()


def every_way(portal: Portal) -> None:
    """Documents that are taken, refused, replaced while they are scanned, never come, or are taken away meanwhile."""
    from chalicelib.domain.caregivers import Scope
    from infra.local.scanner import EICAR
    from tests.support.aws_calls import failing, unreachable
    from tests.support.people import new_caregiver, token_of

    person = portal.register()
    kept = taken(person, pdf(), dated="1999-05-04")
    assert kept.json["status"] == "ready"
    for content in (EICAR, b"MZ\x90"):
        assert taken(person, content).json["status"] == "refused"
    gone = sent(person, jpeg())
    assert person.call("DELETE", gone.path).status == 204
    caregiver = token_of(new_caregiver(person.patient.patient_id, Scope.EVERYTHING))
    path = f"/v1/patients/{person.patient.patient_id}/documents"
    assert portal.call("GET", f"{path}/{kept.document_id}", token=caregiver).json["download_url"]
    assert person.get(PATH).status == 200
    sent(person, pdf())
    with failing(lambda call: call.operation == "PutObject", unreachable(), times=1):
        portal.drain()
    ask(person)
    portal.advance(hours=1, minutes=3)
    portal.drain()
    portal.advance(minutes=10)
    portal.drain()
