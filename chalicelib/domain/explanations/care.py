"""Conditions, allergies, visits, plans, papers and the rest of a record: what stands there, in plain words."""

from collections.abc import Iterable

from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.explanations.treatments import reasons

_MOST_STEPS = 5


def tell_condition(teller: Teller) -> None:
    """How a condition stands, and since when."""
    view = teller.facts.view
    if view["status"] is not None:
        teller.status("condition")
    if view.get("verification_status") in {"unconfirmed", "provisional", "differential"}:
        teller.record("explain.condition.not_sure", "verification_status")
    if view.get("verification_status") == "refuted" and view["status"] != "refuted":
        teller.record("explain.condition.refuted", "verification_status")
    teller.day(
        view.get("onset") or view["occurred_at"], "onset" if view.get("onset") else "occurred_at", "explain.start"
    )
    teller.day(view.get("abatement"), "abatement", "explain.end")


def tell_allergy(teller: Teller) -> None:
    """How an allergy stands, and what it did."""
    view = teller.facts.view
    teller.status("allergy")
    if view.get("criticality") in {"high", "low"}:
        teller.record(f"explain.allergy.risk_{view['criticality']}", "criticality")
    found = [name for one in view.get("reactions", ()) for name in one.get("manifestations", ())]
    _quoted(teller, "explain.allergy.reactions", "reactions", found)
    teller.day(view.get("onset"), "onset", "explain.start")


def tell_encounter(teller: Teller) -> None:
    """How a visit stands, when it is or was, and why."""
    teller.status("visit")
    teller.day(teller.facts.view["occurred_at"], "occurred_at")
    reasons(teller)


def tell_plan(teller: Teller) -> None:
    """How a plan or a goal stands, since when, and its steps."""
    view = teller.facts.view
    teller.status("plan")
    period = view.get("period", {})
    teller.day(period.get("start") or view["occurred_at"], "period", "explain.start")
    teller.day(period.get("end"), "period", "explain.end")
    _quoted(teller, "explain.plan.steps", "activities", (one.get("title") for one in view.get("activities", ())))
    if view.get("achievement"):
        progress = teller.quote(teller.reader.value("achievement", view["achievement"]))
        teller.record("explain.plan.progress", "achievement", progress=progress)
    for one in view.get("targets", ()):
        teller.day(one.get("due_on"), "targets", "explain.plan.due")


def tell_document(teller: Teller) -> None:
    """When a paper is from; what it says is read in it."""
    teller.status("document")
    teller.day(teller.facts.view["occurred_at"], "occurred_at")
    teller.portal("explain.document.read")


def tell_imaging(teller: Teller) -> None:
    """When pictures were taken; what they show stands in a report."""
    teller.status("imaging")
    teller.day(teller.facts.view["occurred_at"], "occurred_at")
    teller.portal("explain.imaging.report")


def tell_relatives(teller: Teller) -> None:
    """What the record has of a relative."""
    view = teller.facts.view
    teller.status("family")
    _quoted(teller, "explain.family.conditions", "conditions", (one.get("title") for one in view.get("conditions", ())))


def tell_other(teller: Teller) -> None:
    """Whatever has a status and a date."""
    teller.status("other")
    teller.day(teller.facts.view["occurred_at"], "occurred_at")


def _quoted(teller: Teller, key: str, field: str, found: Iterable[str | None]) -> None:
    """Words of the record in a row, the first few of them."""
    names = list(dict.fromkeys(teller.quote(name) for name in found if name and teller.fits(name)))
    if names:
        teller.record(key, field, these=", ".join(f"“{name}”" for name in names[:_MOST_STEPS]))
