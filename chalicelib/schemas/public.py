"""Shapes of what anybody may read."""

from chalicelib.schemas.base import Shape


class RegistrationRules(Shape):
    """How people register here."""

    methods: list[str]
    minimum_age: int
    security_questions: bool


class Config(Shape):
    """What a client needs to know before anybody signs in."""

    clinic_name: str
    logo_url: str | None
    portal_url: str
    official_hosts: list[str]
    senders: list[str]
    languages: list[str]
    features: dict[str, bool]
    registration: RegistrationRules
    apps: dict[str, dict[str, str] | None]
    supported_browsers: list[str]
    time_zone: str
    maintenance: dict[str, str] | None


class Health(Shape):
    """The portal serves."""

    status: str


class Legal(Shape):
    """A text that people agree to."""

    kind: str
    version: str
    title: str
    text: str


class SecurityQuestion(Shape):
    """A question that may be chosen."""

    question_id: str
    text: str


class SecurityQuestionList(Shape):
    """All questions."""

    items: list[SecurityQuestion]
