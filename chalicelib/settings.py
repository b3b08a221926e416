"""Everything that a deployment may set. This is the only module that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment's settings; see the README for what each variable means."""

    stage: str
    stack: str
    portal_url: str
    api_url: str
    origins: frozenset[str]
    clinic_name: str
    clinic_zone: ZoneInfo
    clinic_number_system: str
    minimum_age: int
    security_questions: bool
    email_sender: str
    root_key_secret: str
    records_bucket: str
    queue_email_url: str
    queue_references_url: str
    s3_public_endpoint: str | None

    def table(self, area: str) -> str:
        """The name of an area's DynamoDB table."""
        return f"{self.stack}-{area}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once, at first use."""
    return read(os.environ)


def read(env: Mapping[str, str]) -> Settings:
    """Settings out of an environment; every variable has a default, so that the package imports with none set.

    Raises ValueError for a value that cannot be meant, naming the variable.
    """
    stack = env.get("STACK", "portal-local")
    portal_url = env.get("PORTAL_URL", "http://127.0.0.1:8000").rstrip("/")
    return Settings(
        stage=env.get("STAGE", "local"),
        stack=stack,
        portal_url=portal_url,
        api_url=env.get("API_URL", portal_url).rstrip("/"),
        origins=frozenset(_split(env.get("ORIGINS", ""))) | {_origin_of(portal_url)},
        clinic_name=env.get("CLINIC_NAME", "Sample Clinic"),
        clinic_zone=_zone(env.get("CLINIC_ZONE", "America/Chicago")),
        clinic_number_system=env.get("CLINIC_NUMBER_SYSTEM", "https://sample-clinic.example/clinic-number"),
        minimum_age=_whole(env.get("MINIMUM_AGE", "18"), "MINIMUM_AGE"),
        security_questions=_switch(env.get("SECURITY_QUESTIONS", "on"), "SECURITY_QUESTIONS"),
        email_sender=env.get("EMAIL_SENDER", "portal@sample-clinic.example"),
        root_key_secret=env.get("ROOT_KEY_SECRET", f"{stack}-root-key"),
        records_bucket=env.get("RECORDS_BUCKET", f"{stack}-records"),
        queue_email_url=env.get("QUEUE_EMAIL_URL", ""),
        queue_references_url=env.get("QUEUE_REFERENCES_URL", ""),
        s3_public_endpoint=env.get("S3_PUBLIC_ENDPOINT") or None,
    )


def _split(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]


def _origin_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as unknown:
        raise ValueError(f"CLINIC_ZONE: {name!r} is no IANA time zone") from unknown


def _whole(text: str, name: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{name}: a whole number was expected, got {text!r}")
    return int(text)


def _switch(text: str, name: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError(f"{name}: 'on' or 'off' was expected, got {text!r}")
    return text == "on"
