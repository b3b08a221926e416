"""Which resources their sender marks as sensitive, by the security labels of HL7 (FHIR R4, section 6.1.1)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.domain.fhir.text import Resource

CONFIDENTIAL: Final = frozenset({"R", "V"})
"""Of HL7 v3 Confidentiality: restricted and very restricted."""

SENSITIVE: Final = frozenset(
    {
        *{"ADOL", "BH", "COGN", "DIA", "DVD", "EMOTDIS", "ETH", "ETHUD", "GDIS", "HIV", "MH", "MST", "OPIOIDUD"},
        *{"PSY", "PSYTHPN", "SCA", "SDV", "SEX", "SPI", "STD", "SUD", "SUICIDE", "TBOO", "VIO"},
    }
)
"""Of HL7 v3 ActCode, InformationSensitivityPolicy: what is about the patient's health and deserves more care."""


def is_sensitive(resource: Resource) -> bool:
    """Whether a label of the resource says so; whichever code system it names, since some senders name none."""
    return any(code in CONFIDENTIAL or code in SENSITIVE for code in _labels(resource))


def _labels(resource: Resource) -> Iterator[str]:
    meta: Any = resource.get("meta")
    labels = meta.get("security") if isinstance(meta, Mapping) else None
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, Mapping):
            yield str(label.get("code") or "").strip().upper()
