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
    codes_by_message: bool
    registration_methods: tuple[str, ...]
    email_sender: str
    root_key_secret: str
    records_bucket: str
    seals_bucket: str
    imports_bucket: str
    quarantine_bucket: str
    library_path: str
    text_recognition: str
    queue_urls: Mapping[str, str]
    s3_public_endpoint: str | None
    email_configuration_set: str | None
    feedback_topic_arn: str
    sns_signing_certificate: str | None
    sms_provider: str
    sms_origination: str | None
    sms_configuration_set: str | None
    push_applications: Mapping[str, str]
    webhook_hosts: frozenset[str]
    ios_app_ids: tuple[str, ...]
    android_apps: tuple[tuple[str, str], ...]
    security_contact: str
    language_model: str
    clinic_phone: str
    clinic_email: str

    def queue_url(self, topic: str) -> str:
        """The URL of a topic's queue; empty where a function was given none."""
        return self.queue_urls.get(topic, "")

    def table(self, area: str) -> str:
        """The name of an area's DynamoDB table."""
        return f"{self.stack}-{area}"


QUEUES = (
    "notices",
    "email",
    "sms",
    "push",
    "events",
    "webhooks",
    "references",
    "exports",
    "purges",
    "imports",
    "uploads",
    "pictures",
)
"""The topics that have a queue of their name."""

_METHODS = ("activation_code", "identity_match", "clinic_number", "invitation")
_PLATFORMS = ("ios", "android", "fire")
_RECOGNITIONS = ("off", "textract", "local")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once, at first use."""
    return read(os.environ)


def read(env: Mapping[str, str]) -> Settings:
    """Settings out of an environment; every variable has a default, so that the package imports with none set.

    Raises ValueError for a value that cannot be meant, naming the variable.
    """
    stack = env.get("STACK", "portal-local")
    stage = env.get("STAGE", "local")
    portal_url = env.get("PORTAL_URL", "http://127.0.0.1:8000").rstrip("/")
    clinic_email = env.get("CLINIC_EMAIL", "help@sample-clinic.example")
    return Settings(
        stage=stage,
        stack=stack,
        portal_url=portal_url,
        api_url=env.get("API_URL", portal_url).rstrip("/"),
        origins=frozenset(_split(env.get("ORIGINS", ""))) | {_origin_of(portal_url)},
        clinic_name=env.get("CLINIC_NAME", "Sample Clinic"),
        clinic_zone=_zone(env.get("CLINIC_ZONE", "America/Chicago")),
        clinic_number_system=env.get("CLINIC_NUMBER_SYSTEM", "https://sample-clinic.example/clinic-number"),
        minimum_age=_whole(env.get("MINIMUM_AGE", "18"), "MINIMUM_AGE"),
        codes_by_message=_switch(env.get("MFA_BY_MESSAGE", "off"), "MFA_BY_MESSAGE"),
        security_questions=_switch(env.get("SECURITY_QUESTIONS", "on"), "SECURITY_QUESTIONS"),
        registration_methods=tuple(
            _choice(method, "REGISTRATION_METHODS", _METHODS)
            for method in _split(env.get("REGISTRATION_METHODS", ",".join(_METHODS)))
        ),
        email_sender=env.get("EMAIL_SENDER", "portal@sample-clinic.example"),
        root_key_secret=env.get("ROOT_KEY_SECRET", f"{stack}-root-key"),
        records_bucket=env.get("RECORDS_BUCKET", f"{stack}-records"),
        seals_bucket=env.get("SEALS_BUCKET", f"{stack}-seals"),
        imports_bucket=env.get("IMPORTS_BUCKET", f"{stack}-imports"),
        quarantine_bucket=env.get("QUARANTINE_BUCKET", f"{stack}-quarantine"),
        library_path=env.get("LD_LIBRARY_PATH", ""),
        text_recognition=_choice(env.get("TEXT_RECOGNITION", "off"), "TEXT_RECOGNITION", _RECOGNITIONS),
        queue_urls={topic: env.get(f"QUEUE_{topic.upper()}_URL", "") for topic in QUEUES},
        s3_public_endpoint=env.get("S3_PUBLIC_ENDPOINT") or None,
        email_configuration_set=env.get("EMAIL_CONFIGURATION_SET") or None,
        feedback_topic_arn=env.get("FEEDBACK_TOPIC_ARN", ""),
        # On AWS the certificate is the one that Amazon SNS names, from Amazon's own host.
        sns_signing_certificate=(env.get("SNS_SIGNING_CERTIFICATE") or None) if stage == "local" else None,
        sms_provider=_choice(env.get("SMS_PROVIDER", "sns"), "SMS_PROVIDER", ("sns", "end_user_messaging")),
        sms_origination=env.get("SMS_ORIGINATION") or None,
        sms_configuration_set=env.get("SMS_CONFIGURATION_SET") or None,
        push_applications={
            platform: arn for platform in _PLATFORMS if (arn := env.get(f"PUSH_{platform.upper()}_ARN", ""))
        },
        webhook_hosts=frozenset(_split(env.get("WEBHOOK_HOSTS", ""))),
        ios_app_ids=tuple(_split(env.get("IOS_APP_IDS", ""))),
        android_apps=tuple(_android_app(app) for app in _split(env.get("ANDROID_APPS", ""))),
        security_contact=env.get("SECURITY_CONTACT", f"mailto:{clinic_email}"),
        language_model=env.get("LANGUAGE_MODEL", "off").removeprefix("off"),
        clinic_phone=env.get("CLINIC_PHONE", "+1 312 555 0100"),
        clinic_email=clinic_email,
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


def _choice(text: str, name: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"{name}: one of {', '.join(choices)} was expected, got {text!r}")
    return text


def _android_app(text: str) -> tuple[str, str]:
    """`org.clinic.portal=AB:CD:…`: a package and the SHA-256 fingerprint of the certificate that signs it."""
    package, equals, fingerprint = text.partition("=")
    if not (package and equals and fingerprint):
        raise ValueError(f"ANDROID_APPS: package=fingerprint was expected, got {text!r}")
    return package, fingerprint
