"""Rows of what was prescribed, ordered, given and done: medications, orders, vaccinations, procedures, devices."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.domain.records import dosage, elements, rows, titles
from chalicelib.domain.records.elements import Source, only_known

_NOT_MEANT: Final = frozenset({"proposal", "option"})
_WHEN: Final = ("DateTime", "Period", "Timing")


def medication_concept(source: Source) -> Mapping[str, Any]:
    """What is prescribed: the code in the request, or that of the Medication (contained or known) that it refers to.

    Of a Medication that is not known yet, the display of the reference is the text.
    """
    concept = source.get("medicationCodeableConcept")
    if concept:
        return dict(concept)
    known = source.known(source.get("medicationReference"))
    if known.code:
        return known.code
    return {"text": known.name} if known.name else {}


def medication(source: Source) -> dict[str, Any]:
    """A MedicationRequest. `dosage` is one text; `as_needed` where every instruction is."""
    resource = source.resource
    dosages = resource.get("dosageInstruction") or []
    dispense = resource.get("dispenseRequest") or {}
    return only_known(
        dosage=dosage.dosage_words(dosages),
        as_needed=True if dosages and all(_is_as_needed(one) for one in dosages) else None,
        prescriber=source.name(resource.get("requester")),
        recorder=source.name(resource.get("recorder")),
        intent=resource.get("intent"),
        do_not_perform=True if resource.get("doNotPerform") else None,
        is_reported=True if resource.get("reportedBoolean") or resource.get("reportedReference") else None,
        reasons=source.reasons(),
        categories=elements.concept_list(resource.get("category")),
        refills_allowed=dispense.get("numberOfRepeatsAllowed"),
        quantity=elements.quantity(dispense.get("quantity")),
        supply_duration=elements.quantity(dispense.get("expectedSupplyDuration")),
        period=elements.period(dispense.get("validityPeriod")),
        notes=source.notes(),
    )


def _is_as_needed(one: Mapping[str, Any]) -> bool:
    return one.get("asNeededBoolean") is True or bool(one.get("asNeededCodeableConcept"))


def order(source: Source) -> dict[str, Any]:
    """A ServiceRequest; `occurrence` is when it is to be done, `scheduling` whether that is known while it is open."""
    resource = source.resource
    return only_known(
        intent=resource.get("intent"),
        priority=resource.get("priority"),
        do_not_perform=True if resource.get("doNotPerform") else None,
        occurrence=elements.choice_words(resource, "occurrence"),
        scheduling=_scheduling(resource),
        prescriber=source.name(resource.get("requester")),
        performers=source.name_list(resource.get("performer")),
        location=next(iter(source.name_list(resource.get("locationReference"))), None),
        categories=elements.concept_list(resource.get("category")),
        details=elements.concept_list(resource.get("orderDetail")),
        instructions=titles.clean(resource.get("patientInstruction")),
        body_site=", ".join(elements.concept_list(resource.get("bodySite"))),
        reasons=source.reasons(),
        notes=source.notes(),
    )


def _scheduling(resource: Mapping[str, Any]) -> rows.Scheduling | None:
    if resource.get("status") != "active" or resource.get("doNotPerform") or resource.get("intent") in _NOT_MEANT:
        return None
    return "scheduled" if any(resource.get(f"occurrence{kind}") for kind in _WHEN) else "to_be_scheduled"


def immunization(source: Source) -> dict[str, Any]:
    """An Immunization; `occurrence` where its date is no more than a text."""
    resource = source.resource
    protocols = resource.get("protocolApplied") or ()
    return only_known(
        occurrence=titles.clean(resource.get("occurrenceString")),
        lot_number=titles.clean(resource.get("lotNumber")),
        expires_on=elements.day(resource.get("expirationDate")),
        manufacturer=source.name(resource.get("manufacturer")),
        body_site=titles.words(resource.get("site")),
        route=titles.words(resource.get("route")),
        dose=elements.quantity(resource.get("doseQuantity")),
        dose_number=next((found for one in protocols if (found := _dose_number(one))), None),
        status_reason=titles.words(resource.get("statusReason")),
        location=source.name(resource.get("location")),
        performers=source.name_list(one.get("actor") for one in resource.get("performer") or ()),
        reasons=elements.concept_list(resource.get("reasonCode")),
        notes=source.notes(),
    )


def _dose_number(protocol: Mapping[str, Any]) -> str | None:
    names = ("doseNumberPositiveInt", "doseNumberInteger", "doseNumberString")
    return next((str(protocol[name]) for name in names if protocol.get(name)), None)


def procedure(source: Source) -> dict[str, Any]:
    """A Procedure; `performed` says when where the clinic gave words or an age in place of a date."""
    resource = source.resource
    is_dated = "performedDateTime" in resource or "performedPeriod" in resource
    return only_known(
        performed=None if is_dated else elements.choice_words(resource, "performed"),
        period=elements.period(resource.get("performedPeriod")),
        performers=source.name_list(one.get("actor") for one in resource.get("performer") or ()),
        recorder=source.name(resource.get("recorder")),
        location=source.name(resource.get("location")),
        body_site=", ".join(elements.concept_list(resource.get("bodySite"))),
        outcome=titles.words(resource.get("outcome")),
        diagnoses=elements.concept_list(resource.get("complication")),
        instructions="; ".join(elements.concept_list(resource.get("followUp"))),
        status_reason=titles.words(resource.get("statusReason")),
        reports=source.links(resource.get("report")),
        reasons=source.reasons(),
        notes=source.notes(),
    )


def device(source: Source) -> dict[str, Any]:
    """A Device that the patient has or had, with what identifies it in a recall."""
    resource = source.resource
    carriers = resource.get("udiCarrier") or ()
    udis = (titles.clean(one.get("carrierHRF")) or titles.clean(one.get("deviceIdentifier")) for one in carriers)
    return only_known(
        device_names=[name for one in resource.get("deviceName") or () if (name := titles.clean(one.get("name")))],
        manufacturer=titles.clean(resource.get("manufacturer")),
        model=titles.clean(resource.get("modelNumber")),
        serial_number=titles.clean(resource.get("serialNumber")),
        lot_number=titles.clean(resource.get("lotNumber")),
        manufactured_on=elements.day(resource.get("manufactureDate")),
        expires_on=elements.day(resource.get("expirationDate")),
        udi=next((udi for udi in udis if udi), None),
        organization=source.name(resource.get("owner")),
        notes=source.notes(),
    )
