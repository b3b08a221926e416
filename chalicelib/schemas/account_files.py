"""The shape of the file that an account's export is."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from chalicelib.domain.access import ReachKind
from chalicelib.domain.activity import By
from chalicelib.domain.addresses import AddressStatus
from chalicelib.domain.amendments import AmendmentStatus
from chalicelib.domain.caregivers import CaregiverStatus, Relation, Scope
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.documents import DocumentKind
from chalicelib.domain.notices import Channel, DeliveryStatus, NoticeType
from chalicelib.domain.picture_readings import PictureKind, ReadingStatus
from chalicelib.domain.proxy_requests import ProxyStatus
from chalicelib.domain.push_devices import Platform
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Release
from chalicelib.domain.second_factors import Factor
from chalicelib.domain.shares import OpenedBy, ShareStatus
from chalicelib.domain.staff import Role
from chalicelib.domain.uploads import UploadStatus
from chalicelib.schemas.base import Instant, Shape


class ExportedProfile(Shape):
    """The account itself. `date_of_birth` is there for those who are no patients of the clinic's."""

    account_id: str
    patient_id: str | None
    username: str
    email: str | None
    pending_email: str | None
    mobile_phone: str | None
    mobile_phone_verified: bool
    pending_mobile_phone: str | None
    date_of_birth: date | None
    language: str
    time_zone: str
    roles: list[Role]
    created_at: Instant


class ExportedAddress(Shape):
    """An address that messages go to; the clinic has some of them on file."""

    channel: Channel
    address: str
    source: Literal["you", "clinic"]
    status: AddressStatus


class ExportedPreference(Shape):
    """The channels for one type of notice."""

    notice_type: NoticeType
    lead_time: str | None
    channels: list[Channel]


class ExportedQuietHours(Shape):
    """When it is quiet, by the reader's clock."""

    starts: str
    ends: str


class ExportedRelease(Shape):
    """When one wants to see new results of a category."""

    patient_id: str
    category: Category
    release: Release
    since: Instant


class ExportedPreferences(Shape):
    """What one chose to be told, how, and when."""

    rows: list[ExportedPreference]
    quiet_hours: ExportedQuietHours | None
    release: list[ExportedRelease]


class ExportedFactor(Shape):
    """A second factor, without its secret."""

    method: Factor
    since: Instant


class ExportedSecurity(Shape):
    """What protects the account: that there is something, and never what it is."""

    password_disabled: bool
    security_phrase_is_set: bool
    security_questions: int = Field(description="How many were answered.")
    second_factors: list[ExportedFactor]
    recovery_codes_left: int


class ExportedPasskey(Shape):
    """A passkey, without its key."""

    passkey_id: str
    name: str | None
    created_at: Instant
    last_used_at: Instant | None


class ExportedDevice(Shape):
    """A device that signed in before."""

    device_id: str
    name: str | None
    created_at: Instant
    trusted_until: Instant | None


class ExportedSession(Shape):
    """A session that is open."""

    session_id: str
    device_name: str | None
    transport: str
    created_at: Instant
    refreshed_at: Instant
    expires_at: Instant


class ExportedTerms(Shape):
    """Terms that were accepted."""

    version: str
    account_created_at: Instant


class ExportedPushDevice(Shape):
    """A device that gets push messages, without its token."""

    device_id: str
    platform: Platform
    created_at: Instant
    refreshed_at: Instant


class ExportedChannel(Shape):
    """How a notice went out by one channel."""

    channel: Channel
    status: DeliveryStatus


class ExportedNotice(Shape):
    """The portal's own copy of a message."""

    notice_id: str
    patient_id: str | None
    title: str
    text: str
    sent_at: Instant
    read_at: Instant | None
    channels: list[ExportedChannel]


class ExportedActivity(Shape):
    """Something that happened to the account."""

    activity_id: str
    at: Instant
    kind: str
    by: By
    text: str
    device_name: str | None


class ExportedCaregiver(Shape):
    """Somebody who may act for the account's holder, or was asked to."""

    caregiver_id: str
    status: CaregiverStatus
    name: str | None
    email_masked: str | None
    relation: Relation
    scopes: list[Scope]
    sees_sensitive: bool
    expires_at: Instant | None


class ExportedInCare(Shape):
    """Somebody for whom the account's holder may act; whose name is theirs."""

    patient_id: str
    relation: Relation
    scopes: list[Scope]
    sees_sensitive: bool
    expires_at: Instant | None


class ExportedProxyRequest(Shape):
    """A request to act for somebody, without what was said of them."""

    proxy_request_id: str
    relation: Relation
    scopes: list[Scope]
    requester_name: str | None
    status: ProxyStatus
    created_at: Instant
    decided_at: Instant | None
    reason: str | None


class ExportedAmendment(Shape):
    """A request to correct a record, without what it says."""

    amendment_id: str
    patient_id: str
    status: AmendmentStatus
    created_at: Instant
    decided_at: Instant | None


class ExportedContactChange(Shape):
    """A change of email, phone or username of the last 30 days."""

    change_id: str
    what: Changed
    before: str | None
    after: str | None
    changed_at: Instant
    undone_at: Instant | None


class ExportedPendingChange(Shape):
    """What one asked the clinic to change of what it has on file."""

    change_id: str
    fields: dict[str, Any]
    asked_at: Instant


class ExportedDocument(Shape):
    """A document of one's own, kept beside the health record; its file is downloaded by itself."""

    document_id: str
    title: str
    kind: DocumentKind
    dated: date | None
    file_name: str | None
    status: UploadStatus
    size: int | None
    content_type: str | None
    created_at: Instant
    uploaded_by: ReachKind


class ExportedPictureReading(Shape):
    """What was read from a picture, and what was confirmed of it; the picture is downloaded by itself."""

    reading_id: str
    kind: PictureKind
    status: ReadingStatus
    created_at: Instant
    sent_by: ReachKind
    text: list[str]
    fields: dict[str, str]
    confirmed: dict[str, str] | None
    confirmed_at: Instant | None
    confirmed_by: ReachKind | None


class ExportedOpening(Shape):
    """One time that a share was opened; who opened it is what they said."""

    opened_at: Instant
    by: OpenedBy
    recipient: str | None


class ExportedShare(Shape):
    """A part of a record that one shares or shared, without what opens it."""

    share_id: str
    recipient: str
    status: ShareStatus
    categories: list[Category]
    created_at: Instant
    expires_at: Instant
    openings: list[ExportedOpening]


class ExportedModelConsent(Shape):
    """Since when a language model may say explanations of one's record in other words; null where it may not."""

    given_at: Instant | None


class ExportedQuestion(Shape):
    """A question that one asked about a record, without its answer."""

    question_id: str
    thread_id: str
    patient_id: str
    question: str
    asked_at: Instant


class AccountFile(Shape):
    """The file of `POST /v1/me/export`: all that the portal keeps about an account. The health record is not in it.

    `schema_version` rises where a reader of this one could break; parts and fields may be added to a version.
    """

    schema_: Literal["AccountFile"] = Field(alias="schema")
    schema_version: Literal[1]
    made_at: Instant
    clinic: str
    about: list[str] = Field(description="What this is, in the language of the account.")
    profile: ExportedProfile
    addresses: list[ExportedAddress]
    preferences: ExportedPreferences
    security: ExportedSecurity
    passkeys: list[ExportedPasskey]
    devices: list[ExportedDevice]
    sessions: list[ExportedSession]
    terms: list[ExportedTerms]
    push_devices: list[ExportedPushDevice]
    notices: list[ExportedNotice]
    activity: list[ExportedActivity]
    caregivers: list[ExportedCaregiver]
    in_care: list[ExportedInCare]
    proxy_requests: list[ExportedProxyRequest]
    amendments: list[ExportedAmendment]
    contact_changes: list[ExportedContactChange]
    pending_changes: list[ExportedPendingChange]
    documents: list[ExportedDocument]
    model_consent: ExportedModelConsent
    picture_readings: list[ExportedPictureReading]
    shares: list[ExportedShare]
    questions: list[ExportedQuestion]
