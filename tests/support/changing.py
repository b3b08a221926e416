"""A record that changes while time passes, and its patient who asks what has changed."""

from typing import Any
from urllib.parse import quote

from chalicelib import clock
from tests.support import fhir
from tests.support.fhir import Json
from tests.support.people import token_of
from tests.support.portal import Answer, Person, Portal


class Chart:
    """Somebody with an account and a record that the clinic goes on writing."""

    def __init__(self, portal: Portal, *resources: Json) -> None:
        self.portal = portal
        self.person: Person = portal.register()
        if resources:
            self.take(*resources)

    @property
    def patient_id(self) -> str:
        return self.person.patient.patient_id

    def of(self, resource: Json) -> Json:
        """A resource about this patient."""
        name = "patient" if resource["resourceType"] in {"AllergyIntolerance", "Immunization"} else "subject"
        rest = {key: value for key, value in resource.items() if key not in {"subject", "patient"}}
        return {**rest, name: fhir.about({"id": self.person.patient.resource_id})}

    def take(self, *resources: Json, raw: str | None = None) -> Json:
        """Have the clinic's system send resources about this patient, and let what follows happen."""
        sent = raw or fhir.json_text(fhir.bundle(*(self.of(one) for one in resources)))
        done: Json = self.portal.import_fhir(sent).json
        assert done["refused"] == [], done
        self.portal.drain()
        return done

    def later(self, **by: float) -> str:
        """Let time pass, and then a bit; returns the moment in between."""
        self.portal.advance(**(by or {"days": 30}))
        moment = clock.stamp(clock.now())
        self.portal.advance(seconds=5)
        return moment

    def ask(self, query: str = "", *, token: str | None = None, language: str | None = None) -> Answer:
        """One page of what changed, with a session that is not over."""
        account_id = self.person.session["account"]["account_id"]
        headers = {"Accept-Language": language} if language else {}
        path = f"/v1/patients/{self.patient_id}/changes{query}"
        return self.portal.call("GET", path, token=token or token_of(account_id), headers=headers)

    def since(self, moment: str | None, query: str = "", *, limit: int = 100, **more: Any) -> list[Json]:
        """Everything that changed since a moment, page by page."""
        items: list[Json] = []
        start = f"since={quote(moment)}&" if moment else ""
        cursor = ""
        while True:
            page = self.ask(f"?{start}limit={limit}{query}{cursor}", **more)
            assert page.status == 200, page.text
            assert len(page.json["items"]) <= limit
            items += page.json["items"]
            if page.json["next_cursor"] is None:
                return items
            cursor = f"&cursor={quote(page.json['next_cursor'])}"

    def one(self, moment: str | None, **more: Any) -> Json:
        """The only change since a moment."""
        (item,) = self.since(moment, **more)
        return item

    def records(self, token: str | None = None) -> dict[str, Json]:
        """The whole record by id, as lists show it."""
        found: dict[str, Json] = {}
        cursor, account_id = "", self.person.session["account"]["account_id"]
        token = token or token_of(account_id)
        while True:
            path = f"/v1/patients/{self.patient_id}/records?limit=100{cursor}"
            page = self.portal.call("GET", path, token=token).json
            found |= {row["record_id"]: row for row in page["items"]}
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={quote(page['next_cursor'])}"
