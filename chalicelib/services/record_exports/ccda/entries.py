"""A record as a program reads it in the document: the statement of its section's template, where it has a code.

All that it says stands in the section's table as well, to whose row it refers.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from chalicelib.domain.records.categories import Category
from chalicelib.services.record_exports.ccda import xml
from chalicelib.services.record_exports.ccda.header import uuid_of
from chalicelib.services.record_exports.ccda.xml import code_of, interval, snomed, tag, template
from chalicelib.services.record_exports.gathering import View

_OVER: Final = frozenset(
    {"completed", "resolved", "inactive", "remission", "finished", "final", "amended", "corrected"}
)
_ENDED: Final = frozenset({"stopped", "cancelled", "revoked", "entered-in-error", "not-done", "rejected"})
_HELD: Final = frozenset({"on-hold", "suspended", "onleave"})
_NO_KNOWN_ALLERGY: Final = "716186003"


def entry_of(category: Category, view: View, row: str) -> Element | None:
    """The entry of a record, or None where no program could tell what it is; `row` is the id of its row."""
    make = _ENTRIES.get(category)
    if make is None or not (xml.has_code(view["code"]) or _has_coded_part(view)):
        return None
    return tag("entry", make(view, row), typeCode="DRIV")


def _has_coded_part(view: View) -> bool:
    return any(xml.has_code(one["code"]) for one in view.get("components", ()))


def _status(view: View) -> Element:
    status = view["status"] or ""
    if status in _ENDED:
        return tag("statusCode", code="aborted")
    if status in _HELD:
        return tag("statusCode", code="suspended")
    return tag("statusCode", code="completed" if status in _OVER else "active")


def _id(view: View) -> Element:
    return tag("id", root=uuid_of(view["record_id"]))


def _row(row: str) -> Element:
    return tag("text", tag("reference", value=f"#{row}"))


def _code(view: View, row: str, name: str = "code", xsi_type: str | None = None) -> Element:
    return code_of(name, view["code"], view["title"], row=row, xsi_type=xsi_type)


def _times(view: View) -> tuple[object, object]:
    period = view.get("period") or {}
    return period.get("start") or view["occurred_at"], period.get("end")


def _concern(view: View, root: str, inner: Element) -> Element:
    """The act around a problem or an allergy: since when it is of concern, and whether it still is."""
    is_over = _status(view).get("code") != "active"
    ended = view.get("abatement") if is_over else None
    return tag(
        "act",
        template(root, "2015-08-01"),
        _id(view),
        tag("code", code="CONC", codeSystem="2.16.840.1.113883.5.6"),
        tag("statusCode", code="completed" if is_over else "active"),
        interval("effectiveTime", view["occurred_at"], ended),
        tag("entryRelationship", inner, typeCode="SUBJ"),
        classCode="ACT",
        moodCode="EVN",
    )


def _allergy(view: View, row: str) -> Element:
    is_none = view["code"]["code"] == _NO_KNOWN_ALLERGY
    substance = tag("code", nullFlavor="NA") if is_none else _code(view, row)
    entity = tag("playingEntity", substance, classCode="MMAT")
    inner = tag(
        "observation",
        template("4.7", "2014-06-09"),
        _id(view),
        tag("code", code="ASSERTION", codeSystem="2.16.840.1.113883.5.4"),
        _row(row),
        tag("statusCode", code="completed"),
        interval("effectiveTime", view["occurred_at"]),
        snomed("value", "419199007", "Allergy to substance", "CD"),
        tag("participant", tag("participantRole", entity, classCode="MANU"), typeCode="CSM"),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if is_none else None,
    )
    return _concern(view, "4.30", inner)


def _condition(view: View, row: str) -> Element:
    onset, abatement = view.get("onset"), view.get("abatement")
    inner = tag(
        "observation",
        template("4.4", "2015-08-01"),
        _id(view),
        snomed("code", "64572001", "Condition"),
        _row(row),
        tag("statusCode", code="completed"),
        interval("effectiveTime", onset if xml.is_time(onset) else view["occurred_at"], abatement),
        _code(view, row, "value", "CD"),
        classCode="OBS",
        moodCode="EVN",
    )
    return _concern(view, "4.3", inner)


def _medication(view: View, row: str) -> Element:
    return tag(
        "substanceAdministration",
        template("4.16", "2014-06-09"),
        _id(view),
        _row(row),
        _status(view),
        interval("effectiveTime", *_times(view), typed=True),
        tag("doseQuantity", nullFlavor="UNK"),
        _product("4.23", _code(view, row)),
        classCode="SBADM",
        moodCode="INT",
    )


def _immunization(view: View, row: str) -> Element:
    lot = tag("lotNumberText", text=view["lot_number"]) if view.get("lot_number") else None
    return tag(
        "substanceAdministration",
        template("4.52", "2015-08-01"),
        _id(view),
        _row(row),
        tag("statusCode", code="completed"),
        xml.time("effectiveTime", view["occurred_at"]),
        _product("4.54", _code(view, row), lot),
        classCode="SBADM",
        moodCode="EVN",
        negationInd="true" if view["status"] == "not-done" else "false",
    )


def _product(root: str, *material: Element | None) -> Element:
    made = tag("manufacturedProduct", template(root, "2014-06-09"), tag("manufacturedMaterial", *material))
    made.set("classCode", "MANU")
    return tag("consumable", made)


def _observation(root: str, extension: str) -> Callable[[Mapping[str, Any], View, str], Element]:
    """What was measured: the record itself, or one of its components."""

    def make(part: Mapping[str, Any], view: View, row: str) -> Element:
        said = part.get("interpretation") or {}
        code = said.get("code")
        return tag(
            "observation",
            template(root, extension),
            tag("id", root=uuid_of(view["record_id"])) if part is view else tag("id", nullFlavor="NI"),
            code_of("code", part["code"], part["title"]),
            _row(row),
            tag("statusCode", code="aborted" if view["status"] in _ENDED else "completed"),
            xml.time("effectiveTime", view["occurred_at"]),
            xml.value_of(part),
            tag("interpretationCode", code=code, codeSystem="2.16.840.1.113883.5.83") if code else None,
            classCode="OBS",
            moodCode="EVN",
        )

    return make


def _organizer(root: str, observation: tuple[str, str], code: Element | None = None) -> Callable[[View, str], Element]:
    """A cluster of what was measured at once."""
    one = _observation(*observation)

    def make(view: View, row: str) -> Element:
        parts: list[Mapping[str, Any]] = list(view.get("components", ()))
        if view.get("value") is not None or not parts:
            parts.insert(0, view)
        return tag(
            "organizer",
            template(root, "2015-08-01"),
            _id(view),
            code if code is not None else _code(view, row),
            tag("statusCode", code="aborted" if view["status"] in _ENDED else "completed"),
            interval("effectiveTime", view["occurred_at"], view["occurred_at"]),
            *(tag("component", one(part, view, row)) for part in parts),
            classCode="CLUSTER",
            moodCode="EVN",
        )

    return make


def _social(view: View, row: str) -> Element:
    return _observation("4.38", "2015-08-01")(view, view, row)


def _coded(name: str, root: Element, view: View, row: str, *more: Element | None, **attributes: str) -> Element:
    """An entry that begins with the record's own code, as most do."""
    return tag(name, root, _id(view), _code(view, row), _row(row), *more, **attributes)


def _procedure(view: View, row: str) -> Element:
    more = _status(view), interval("effectiveTime", *_times(view))
    return _coded("procedure", template("4.14", "2014-06-09"), view, row, *more, classCode="PROC", moodCode="EVN")


def _encounter(view: View, row: str) -> Element:
    took = interval("effectiveTime", *_times(view))
    return _coded("encounter", template("4.49", "2015-08-01"), view, row, took, classCode="ENC", moodCode="EVN")


def _device(view: View, row: str) -> Element:
    identity = tag("id", extension=view["udi"], root="2.16.840.1.113883.3.3719") if view.get("udi") else None
    role = tag(
        "participantRole",
        template("4.37"),
        identity,
        tag("playingDevice", _code(view, row)),
        tag("scopingEntity", tag("id", root="2.16.840.1.113883.3.3719")),
        classCode="MANU",
    )
    return tag(
        "supply",
        template("4.50", "2014-06-09"),
        _id(view),
        _row(row),
        _status(view),
        tag("participant", role, typeCode="PRD"),
        classCode="SPLY",
        moodCode="EVN",
    )


def _goal(view: View, row: str) -> Element:
    return _coded("observation", template("4.121"), view, row, *_ahead(view), classCode="OBS", moodCode="GOL")


def _planned(mood: str) -> Callable[[View, str], Element]:
    def make(view: View, row: str) -> Element:
        root = template("4.39", "2014-06-09")
        return _coded("act", root, view, row, *_ahead(view), classCode="ACT", moodCode=mood)

    return make


def _ahead(view: View) -> tuple[Element | None, ...]:
    return tag("statusCode", code="active"), xml.time("effectiveTime", view["occurred_at"])


_ENTRIES: Final[Mapping[Category, Callable[[View, str], Element]]] = {
    Category.ALLERGY: _allergy,
    Category.CONDITION: _condition,
    Category.MEDICATION: _medication,
    Category.IMMUNIZATION: _immunization,
    Category.LAB: _organizer("4.1", ("4.2", "2015-08-01")),
    Category.VITAL: _organizer("4.26", ("4.27", "2014-06-09"), snomed("code", "46680005", "Vital signs")),
    Category.SOCIAL_HISTORY: _social,
    Category.PROCEDURE: _procedure,
    Category.ENCOUNTER: _encounter,
    Category.DEVICE: _device,
    Category.GOAL: _goal,
    Category.ORDER: _planned("RQO"),
    Category.CARE_PLAN: _planned("INT"),
}
"""What makes the entries of a category; those without are in their section's table alone."""
