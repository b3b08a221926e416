"""The shapes of records in lists. The fields of Row that are not optional stand in every row, null where unknown.

What only some categories have is left out of a row where the clinic said nothing of it: never null, never empty.
Numbers are the bundle's, as sent (FhirDecimal or int).
"""

from decimal import Decimal
from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads the one of Python 3.12 and newer, or this one.

from chalicelib.domain.records.categories import Category

Number = int | Decimal


class Code(TypedDict):
    """A code of a code system, as sent."""

    system: str | None
    code: str | None
    display: str | None


class Quantity(TypedDict):
    """A number with its unit; `comparator` (<, <=, >=, >) where the true value lies beyond it."""

    value: Number | None
    unit: str | None
    comparator: NotRequired[str]


class Span(TypedDict, total=False):
    """A range: either end may be open."""

    low: Quantity
    high: Quantity


class Ratio(TypedDict, total=False):
    """Two quantities, such as a titre."""

    numerator: Quantity
    denominator: Quantity


class Period(TypedDict, total=False):
    """From when to when: dates or times, either end may be open."""

    start: str
    end: str


class Samples(TypedDict, total=False):
    """A series of measurements, such as an ECG; the samples themselves are in the resource only."""

    origin: Quantity


Value = str | bool | int | Decimal | Span | Ratio | Period | Samples | None


class Interpretation(TypedDict):
    """What the laboratory says of a value: `text` in words ("High"), `code` as sent ("H")."""

    code: str | None
    text: str


class ReferenceRange(TypedDict, total=False):
    """The values to be expected: `low` and `high` as sent, or `text`. `kind` and `applies_to` are words."""

    low: Number
    high: Number
    unit: str
    text: str
    kind: str
    applies_to: list[str]


class Component(TypedDict):
    """One of several values of one observation, such as the systolic blood pressure.

    `unit_code` is the unit as UCUM writes it, where people write it otherwise.
    """

    title: str
    code: Code | None
    value: Value
    unit: str | None
    unit_code: NotRequired[str]
    comparator: NotRequired[str]
    value_code: NotRequired[Code]
    data_absent_reason: NotRequired[str]
    interpretation: NotRequired[Interpretation]
    reference_range: NotRequired[ReferenceRange]
    reference_ranges: NotRequired[list[ReferenceRange]]


class Link(TypedDict):
    """Another record: `record_id` is null while it has not arrived."""

    record_id: str | None
    title: str | None


class Person(TypedDict):
    """Somebody who took part, by name."""

    name: str
    role: NotRequired[str]


class Attachment(TypedDict, total=False):
    """What a document holds. Its content is in the resource only."""

    title: str
    content_type: str
    language: str
    size: int
    created_at: str


class Reaction(TypedDict, total=False):
    """How somebody reacted to what they are allergic to."""

    manifestations: list[str]
    severity: str
    substance: str
    description: str
    onset: str


class Activity(TypedDict, total=False):
    """One activity of a care plan."""

    title: str
    status: str
    description: str
    scheduled: str


class Target(TypedDict, total=False):
    """What a goal is measured by: `detail` in words."""

    measure: str
    detail: str
    due_on: str


class RelativeCondition(TypedDict, total=False):
    """A condition of a relative."""

    title: str
    outcome: str
    onset: str


class Item(TypedDict):
    """One question of a questionnaire, or a group of them."""

    question: str | None
    answers: list[Value]
    items: NotRequired[list["Item"]]


Scheduling = Literal["to_be_scheduled", "scheduled"]
"""How far an order is that is still to be done: whether it says when."""


class HeldBack(TypedDict):
    """What a result waits for, as its reader has chosen: a clinician's `comment`, or a `visit`."""

    until: Literal["comment", "visit"]


class Row(TypedDict):
    """A record as lists show it."""

    record_id: str | None
    resource_type: str
    category: Category
    title: str
    status: str | None
    code: Code | None
    occurred_at: str | None
    recorded_at: str | None

    truncated: NotRequired[bool]
    held_back: NotRequired[HeldBack]
    encounter_id: NotRequired[str]
    notes: NotRequired[list[str]]
    performers: NotRequired[list[str]]
    recorder: NotRequired[str]
    reasons: NotRequired[list[str]]
    body_site: NotRequired[str]
    location: NotRequired[str]
    description: NotRequired[str]
    period: NotRequired[Period]
    categories: NotRequired[list[str]]
    intent: NotRequired[str]
    do_not_perform: NotRequired[bool]

    value: NotRequired[Value]
    unit: NotRequired[str | None]
    unit_code: NotRequired[str]
    comparator: NotRequired[str]
    value_code: NotRequired[Code]
    data_absent_reason: NotRequired[str]
    interpretation: NotRequired[Interpretation]
    reference_range: NotRequired[ReferenceRange]
    reference_ranges: NotRequired[list[ReferenceRange]]
    components: NotRequired[list[Component]]
    members: NotRequired[list[Link]]
    method: NotRequired[str]

    dosage: NotRequired[str]
    prescriber: NotRequired[str]
    as_needed: NotRequired[bool]
    is_reported: NotRequired[bool]
    refills_allowed: NotRequired[int]
    quantity: NotRequired[Quantity]
    supply_duration: NotRequired[Quantity]

    clinical_status: NotRequired[str]
    verification_status: NotRequired[str]
    severity: NotRequired[str]
    onset: NotRequired[str]
    abatement: NotRequired[str]
    criticality: NotRequired[str]
    allergy_type: NotRequired[str]
    reactions: NotRequired[list[Reaction]]
    last_reaction_at: NotRequired[str]

    lot_number: NotRequired[str]
    expires_on: NotRequired[str]
    manufacturer: NotRequired[str]
    route: NotRequired[str]
    dose: NotRequired[Quantity]
    dose_number: NotRequired[str]
    status_reason: NotRequired[str]

    performed: NotRequired[str]
    outcome: NotRequired[str]
    reports: NotRequired[list[Link]]

    encounter_class: NotRequired[Interpretation]
    practitioners: NotRequired[list[Person]]
    organization: NotRequired[str]
    diagnoses: NotRequired[list[str]]
    discharged_to: NotRequired[str]

    results: NotRequired[list[Link]]
    conclusion: NotRequired[str]
    attachments: NotRequired[list[Attachment]]
    authors: NotRequired[list[str]]
    document_type: NotRequired[str]

    modality: NotRequired[str]
    series_count: NotRequired[int]
    image_count: NotRequired[int]

    activities: NotRequired[list[Activity]]
    goals: NotRequired[list[Link]]
    conditions: NotRequired[list[Link] | list[RelativeCondition]]
    achievement: NotRequired[str]
    priority: NotRequired[str]
    targets: NotRequired[list[Target]]
    participants: NotRequired[list[Person]]
    relationship: NotRequired[str]
    deceased: NotRequired[str]

    model: NotRequired[str]
    serial_number: NotRequired[str]
    udi: NotRequired[str]
    device_names: NotRequired[list[str]]
    manufactured_on: NotRequired[str]

    occurrence: NotRequired[str]
    scheduling: NotRequired[Scheduling]
    instructions: NotRequired[str]
    details: NotRequired[list[str]]
    items: NotRequired[list[Item]]
