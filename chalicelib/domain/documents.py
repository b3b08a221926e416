"""Documents that a patient keeps beside the chart."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chalicelib.domain.access import ReachKind
from chalicelib.domain.uploads import UploadView


class DocumentKind(StrEnum):
    """What sort of document it is, as its sender says."""

    REPORT = "report"
    LETTER = "letter"
    INSURANCE = "insurance"
    IDENTITY = "identity"
    CONSENT = "consent"
    PHOTO = "photo"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What somebody says of a document that they are going to send; `dated` is the day on it."""

    title: str
    kind: DocumentKind
    dated: date | None


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as those see it who may; `by` is as what its sender reached the patient."""

    document_id: str
    title: str
    kind: DocumentKind
    dated: date | None
    by: ReachKind
    upload: UploadView
