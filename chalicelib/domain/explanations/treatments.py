"""Medications, procedures, vaccines, devices and orders: what the record says of them, in plain words."""

from typing import Final

from chalicelib.domain.explanations.teller import Teller

_TAKEN: Final = frozenset({None, "active", "on-hold"})
"""Statuses of medications of which the record still says how to take them."""


def tell_medication(teller: Teller) -> None:
    """How a medication stands, when it was ordered, and how the record says to take it, in its own words."""
    view = teller.facts.view
    if view.get("do_not_perform"):
        teller.record("explain.medicine.not_to_use", "do_not_perform")
    else:
        teller.status("medicine")
    teller.day(view["occurred_at"], "occurred_at")
    reasons(teller)
    if view["status"] in _TAKEN and not view.get("do_not_perform"):
        _tell_dosage(teller)
        teller.portal("explain.medicine.questions")
    else:
        teller.portal("explain.medicine.over")


def _tell_dosage(teller: Teller) -> None:
    dosage = teller.facts.view.get("dosage")
    if not dosage:
        teller.record("explain.medicine.no_dosage", "dosage")
    elif teller.fits(dosage):
        teller.record("explain.medicine.dosage", "dosage", dosage=teller.quote(dosage))
    else:
        teller.record("explain.medicine.long_dosage", "dosage")


def tell_procedure(teller: Teller) -> None:
    """Whether and when a procedure was done."""
    teller.status("procedure")
    teller.day(teller.facts.view["occurred_at"], "occurred_at")
    reasons(teller)


def tell_immunization(teller: Teller) -> None:
    """Whether and when a vaccine was given."""
    view = teller.facts.view
    teller.status("vaccine")
    teller.day(view["occurred_at"], "occurred_at")
    if teller.fits(view.get("status_reason")):
        teller.record("explain.reason", "status_reason", reasons=teller.quote(view["status_reason"]))
    if teller.fits(view.get("dose_number")):
        teller.record("explain.vaccine.dose", "dose_number", number=teller.quote(view["dose_number"]))


def tell_device(teller: Teller) -> None:
    """How a device stands."""
    teller.status("device")


def tell_order(teller: Teller) -> None:
    """What an order is: what it is for, and whether it has a date yet."""
    view = teller.facts.view
    if view.get("do_not_perform"):
        teller.record("explain.order.not_to_do", "do_not_perform")
    else:
        teller.status("order")
    if view.get("scheduling") == "to_be_scheduled":
        teller.record("explain.order.no_day", "scheduling")
    elif view.get("occurrence") and view["status"] in {"active", "on-hold", "draft"}:
        teller.day(view["occurrence"], "occurrence", "explain.order.planned")
    teller.day(view["occurred_at"], "occurred_at", "explain.order.ordered")
    reasons(teller)


def reasons(teller: Teller) -> None:
    """Why it was done or ordered, in the record's own words."""
    said = ", ".join(teller.facts.view.get("reasons", ()))
    if teller.fits(said):
        teller.record("explain.reason", "reasons", reasons=teller.quote(said))
