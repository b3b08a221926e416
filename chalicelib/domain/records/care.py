"""Rows of health and care over time: conditions, allergies, visits, plans, goals, teams, family, questionnaires."""

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.records import elements, phrases, results, rows, titles
from chalicelib.domain.records.dosage import quantity_words
from chalicelib.domain.records.elements import Source, only_known


def condition(source: Source) -> dict[str, Any]:
    """A Condition; `onset` and `abatement` are dates where the clinic gave dates, else words."""
    resource = source.resource
    return only_known(
        clinical_status=elements.code_word(resource.get("clinicalStatus")),
        verification_status=elements.code_word(resource.get("verificationStatus")),
        severity=titles.words(resource.get("severity")),
        onset=elements.choice_words(resource, "onset"),
        abatement=elements.choice_words(resource, "abatement"),
        body_site=", ".join(elements.concept_list(resource.get("bodySite"))),
        categories=elements.concept_list(resource.get("category")),
        recorder=source.name(resource.get("recorder")) or source.name(resource.get("asserter")),
        notes=source.notes(),
    )


def allergy(source: Source) -> dict[str, Any]:
    """An AllergyIntolerance with the reactions that were seen."""
    resource = source.resource
    return only_known(
        clinical_status=elements.code_word(resource.get("clinicalStatus")),
        verification_status=elements.code_word(resource.get("verificationStatus")),
        allergy_type=resource.get("type"),
        categories=[word for word in resource.get("category") or () if word],
        criticality=resource.get("criticality"),
        onset=elements.choice_words(resource, "onset"),
        last_reaction_at=elements.day(resource.get("lastOccurrence")),
        reactions=[shown for one in resource.get("reaction") or () if (shown := _reaction(one))],
        recorder=source.name(resource.get("recorder")) or source.name(resource.get("asserter")),
        notes=source.notes(),
    )


def _reaction(element: Mapping[str, Any]) -> dict[str, Any]:
    return only_known(
        manifestations=elements.concept_list(element.get("manifestation")),
        severity=element.get("severity"),
        substance=titles.words(element.get("substance")),
        description=titles.clean(element.get("description")),
        onset=elements.day(element.get("onset")),
    )


def encounter(source: Source) -> dict[str, Any]:
    """An Encounter; its results, orders and documents are those records whose `encounter_id` it is."""
    resource = source.resource
    stay = resource.get("hospitalization") or {}
    return only_known(
        encounter_class=encounter_class(resource),
        period=elements.period(resource.get("period")),
        practitioners=people_of(source, resource.get("participant"), "individual", "type"),
        location=", ".join(source.name_list(one.get("location") for one in resource.get("location") or ())),
        organization=source.name(resource.get("serviceProvider")),
        reasons=source.reasons(),
        diagnoses=source.name_list(one.get("condition") for one in resource.get("diagnosis") or ()),
        discharged_to=titles.words(stay.get("dischargeDisposition")),
    )


def encounter_class(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """The class as `{code, text}`: "AMB" is "Office visit"."""
    coding = resource.get("class") or {}
    text = phrases.ENCOUNTER_CLASSES.get(coding.get("code") or "") or titles.coding_words(coding)
    return {"code": coding.get("code"), "text": text} if text else None


def people_of(
    source: Source, participants: Iterable[Mapping[str, Any]] | None, member: str, role: str
) -> list[rows.Person]:
    """Those who took part and have a name, each with their role where it is known."""
    found: list[rows.Person] = []
    for participant in participants or ():
        name = source.name(participant.get(member))
        role_words = elements.first_words(*(participant.get(role) or ()))
        if not name:
            continue
        person: rows.Person = {"name": name}
        if role_words and not phrases.says_nothing(role_words):
            person["role"] = role_words
        found.append(person)
    return found


def care_plan(source: Source) -> dict[str, Any]:
    """A CarePlan with its activities, goals and the conditions that it addresses."""
    resource = source.resource
    return only_known(
        intent=resource.get("intent"),
        description=titles.clean(resource.get("description")),
        categories=elements.concept_list(resource.get("category")),
        period=elements.period(resource.get("period")),
        activities=[shown for one in resource.get("activity") or () if (shown := _activity(source, one))],
        goals=source.links(resource.get("goal")),
        conditions=source.links(resource.get("addresses")),
        authors=source.name_list([resource.get("author"), *(resource.get("contributor") or ())]),
        notes=source.notes(),
    )


def _activity(source: Source, element: Mapping[str, Any]) -> dict[str, Any]:
    detail = element.get("detail") or {}
    return only_known(
        title=titles.words(detail.get("code")) or source.name(element.get("reference")),
        status=detail.get("status"),
        description=titles.clean(detail.get("description")),
        scheduled=elements.choice_words(detail, "scheduled"),
    )


def goal(source: Source) -> dict[str, Any]:
    """A Goal and what it is measured by."""
    resource = source.resource
    return only_known(
        achievement=elements.code_word(resource.get("achievementStatus")),
        priority=titles.words(resource.get("priority")),
        categories=elements.concept_list(resource.get("category")),
        targets=[shown for one in resource.get("target") or () if (shown := _target(one))],
        conditions=source.links(resource.get("addresses")),
        authors=source.name_list([resource.get("expressedBy")]),
        notes=source.notes(),
    )


def _target(element: Mapping[str, Any]) -> dict[str, Any]:
    return only_known(
        measure=titles.words(element.get("measure")),
        detail=elements.choice_words(element, "detail"),
        due_on=elements.day(element.get("dueDate")) or quantity_words(element.get("dueDuration")),
    )


def care_team(source: Source) -> dict[str, Any]:
    """A CareTeam by the names and roles of its members."""
    resource = source.resource
    return only_known(
        participants=people_of(source, resource.get("participant"), "member", "role"),
        categories=elements.concept_list(resource.get("category")),
        organization=next(iter(source.name_list(resource.get("managingOrganization"))), None),
        period=elements.period(resource.get("period")),
        reasons=elements.concept_list(resource.get("reasonCode")),
        notes=source.notes(),
    )


def family_history(source: Source) -> dict[str, Any]:
    """A FamilyMemberHistory: the relative by relationship only, never by name."""
    resource = source.resource
    return only_known(
        relationship=titles.words(resource.get("relationship")),
        deceased=elements.choice_words(resource, "deceased"),
        conditions=[_relative_condition(one) for one in resource.get("condition") or ()],
        notes=source.notes(),
    )


def _relative_condition(element: Mapping[str, Any]) -> dict[str, Any]:
    return only_known(
        title=titles.words(element["code"]) or "Health condition",
        outcome=titles.words(element.get("outcome")),
        onset=elements.choice_words(element, "onset"),
    )


def questionnaire_response(source: Source) -> dict[str, Any]:
    """A QuestionnaireResponse as questions and answers, groups inside groups as sent."""
    resource = source.resource
    return only_known(
        items=[_item(item) for item in resource.get("item") or ()],
        authors=source.name_list([resource.get("author")]),
    )


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    answers = item.get("answer") or ()
    inner = [_item(one) for one in elements.flat([item.get("item"), *(answer.get("item") for answer in answers)])]
    values = [shown for answer in answers if (shown := _answer(answer)) is not None]
    return {"question": titles.clean(item.get("text")), "answers": values} | only_known(items=inner)


def _answer(answer: Mapping[str, Any]) -> rows.Value:
    for name in ("valueDecimal", "valueDate", "valueUri"):
        if answer.get(name) is not None:
            plain: rows.Value = answer[name]
            return plain
    if coding := answer.get("valueCoding"):
        return results.value_of({"valueCodeableConcept": {"coding": [coding]}})
    if quantity := answer.get("valueQuantity"):
        return quantity_words(quantity)
    if attachment := answer.get("valueAttachment"):
        return titles.clean(attachment.get("title")) or "Attachment"
    reference = answer.get("valueReference") or {}
    return results.value_of(answer) if not reference else titles.clean(reference.get("display"))
