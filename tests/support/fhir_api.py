"""The FHIR API as a client uses it: one resource, a page, a walk from page to page."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from tests.support.fhir import Json
from tests.support.portal import Answer, Portal

BASE = "/fhir/R4"
MEDIA_TYPE = "application/fhir+json"


def fhir_id(portal_id: str) -> str:
    """A portal's id as FHIR allows it."""
    return portal_id.replace("_", "-", 1)


class Reader:
    """Somebody who reads with a token."""

    def __init__(self, portal: Portal, token: str | None) -> None:
        self.portal, self.token = portal, token

    def get(self, path: str, **headers: str) -> Answer:
        """One answer, which is FHIR whatever it says."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.portal.call("GET", f"{BASE}/{path}", token=self.token, headers=named)
        assert answer.header("content-type") == MEDIA_TYPE, answer.text
        assert answer.header("x-request-id")
        return answer

    def read(self, path: str) -> Json:
        """A resource that is there."""
        answer = self.get(path)
        assert answer.status == 200, answer.text
        found: Json = answer.json
        return found

    def pages(self, path: str) -> Iterator[Json]:
        """Every page of a search, as its `next` links lead on."""
        following: str | None = f"{BASE}/{path}"
        while following is not None:
            page = self.read(following.removeprefix(f"{BASE}/"))
            assert (page["resourceType"], page["type"]) == ("Bundle", "searchset")
            links = {link["relation"]: link["url"] for link in page["link"]}
            yield page
            parts = urlsplit(links["next"]) if "next" in links else None
            following = f"{parts.path}?{parts.query}" if parts is not None else None

    def entries(self, path: str) -> list[Json]:
        """Every entry of a search, over all pages."""
        return [entry for page in self.pages(path) for entry in page.get("entry", ())]

    def search(self, path: str) -> list[Json]:
        """Every resource that a search finds, over all pages."""
        return [entry["resource"] for entry in self.entries(path) if entry["search"]["mode"] == "match"]

    def ids(self, path: str) -> list[str]:
        """The ids of what a search finds."""
        return [resource["id"] for resource in self.search(path)]


def token(value: str) -> str:
    """A value as it stands in a query."""
    return quote(value, safe="")
