"""The elements that the portal relies on, per type: name, `*` for a list, `!` for required, and the datatype.

A subset of https://hl7.org/fhir/R4/profiles-resources.html. `name[x]` is a choice of the datatypes named, `code<set>` a
code of the value set below. What is not named here is neither looked at nor shown.
"""

from collections.abc import Mapping
from typing import Final

VALUE_SETS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(codes.split())
    for name, codes in {
        "observation": "registered preliminary final amended corrected cancelled entered-in-error unknown",
        "report": "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown",
        "request": "draft active on-hold revoked completed entered-in-error unknown",
        "medicationrequest": "active on-hold cancelled completed entered-in-error stopped draft unknown",
        "immunization": "completed entered-in-error not-done",
        "event": "preparation in-progress not-done on-hold stopped completed entered-in-error unknown",
        "encounter": "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
        "goal": "proposed planned accepted active on-hold completed cancelled entered-in-error rejected",
        "careteam": "proposed active suspended inactive entered-in-error",
        "document": "current superseded entered-in-error",
        "imagingstudy": "registered available cancelled entered-in-error unknown",
        "familyhistory": "partial completed entered-in-error health-unknown",
        "device": "active inactive entered-in-error unknown",
        "response": "in-progress completed amended entered-in-error stopped",
        "comparator": "< <= >= >",
        "clinical": "active recurrence relapse inactive remission resolved",
        "verification": "unconfirmed provisional differential confirmed refuted entered-in-error",
        "gender": "male female other unknown",
    }.items()
}

DATATYPES: Final[Mapping[str, str]] = {
    "Address": "use:code text:string line*:string city:string state:string postalCode:string"
    " country:string period:Period",
    "Annotation": "text:string time:dateTime",
    "Attachment": "contentType:string url:string title:string creation:dateTime size:integer data:string"
    " language:string",
    "CodeableConcept": "coding*:Coding text:string",
    "Coding": "system:string code:string display:string userSelected:boolean",
    "ContactPoint": "system:code value:string use:code rank:integer period:Period",
    "Dosage": "sequence:integer text:string patientInstruction:string additionalInstruction*:CodeableConcept"
    " timing:Timing asNeeded[x]:boolean|CodeableConcept site:CodeableConcept route:CodeableConcept"
    " method:CodeableConcept doseAndRate*:DoseAndRate",
    "DoseAndRate": "dose[x]:Range|Quantity rate[x]:Ratio|Range|Quantity",
    "HumanName": "use:code text:string family:string given*:string prefix*:string suffix*:string period:Period",
    "Identifier": "use:code type:CodeableConcept system:string value:string period:Period",
    "Period": "start:dateTime end:dateTime",
    "Quantity": "value:decimal comparator:code<comparator> unit:string system:string code:string",
    "Range": "low:Quantity high:Quantity",
    "Ratio": "numerator:Quantity denominator:Quantity",
    "Reference": "reference:string type:string identifier:Identifier display:string",
    "SampledData": "origin:Quantity data:string",
    "Timing": "event*:dateTime repeat:Repeat code:CodeableConcept",
    "Repeat": "bounds[x]:Duration|Range|Period count:integer frequency:integer frequencyMax:integer period:decimal"
    " periodMax:decimal periodUnit:code when*:code dayOfWeek*:code timeOfDay*:time",
    "ReferenceRange": "low:Quantity high:Quantity type:CodeableConcept appliesTo*:CodeableConcept age:Range"
    " text:string",
    "Meta": "lastUpdated:instant versionId:string",
    "Performer": "function:CodeableConcept actor:Reference role:CodeableConcept",
}

_OBSERVED: Final = (
    " value[x]:Quantity|CodeableConcept|string|boolean|integer|Range|Ratio|SampledData|time|dateTime|Period"
    " dataAbsentReason:CodeableConcept interpretation*:CodeableConcept referenceRange*:ReferenceRange"
)
_CLINICAL: Final = " encounter:Reference note*:Annotation"
_REASON: Final = " reasonCode*:CodeableConcept reasonReference*:Reference"

BACKBONES: Final[Mapping[str, str]] = {
    "Observation.component": "code!:CodeableConcept" + _OBSERVED,
    "AllergyIntolerance.reaction": "substance:CodeableConcept manifestation*:CodeableConcept description:string"
    " onset:dateTime severity:code",
    "CarePlan.activity": "reference:Reference detail:CarePlan.detail outcomeCodeableConcept*:CodeableConcept",
    "CarePlan.detail": "code:CodeableConcept status:code description:string"
    " scheduled[x]:Timing|Period|string location:Reference",
    "CareTeam.participant": "role*:CodeableConcept member:Reference onBehalfOf:Reference period:Period",
    "Device.name": "name:string type:code",
    "Device.udi": "deviceIdentifier:string carrierHRF:string",
    "DiagnosticReport.media": "comment:string link:Reference",
    "DispenseRequest": "numberOfRepeatsAllowed:integer quantity:Quantity expectedSupplyDuration:Quantity"
    " performer:Reference validityPeriod:Period",
    "DocumentReference.content": "attachment!:Attachment",
    "DocumentReference.context": "encounter*:Reference period:Period facilityType:CodeableConcept",
    "Encounter.diagnosis": "condition:Reference use:CodeableConcept",
    "Encounter.hospitalization": "dischargeDisposition:CodeableConcept admitSource:CodeableConcept",
    "Encounter.location": "location:Reference status:code period:Period",
    "Encounter.participant": "type*:CodeableConcept individual:Reference period:Period",
    "FamilyMemberHistory.condition": "code!:CodeableConcept outcome:CodeableConcept contributedToDeath:boolean"
    " onset[x]:Age|Range|Period|string note*:Annotation",
    "Goal.target": "measure:CodeableConcept due[x]:date|Duration"
    " detail[x]:Quantity|Range|CodeableConcept|string|boolean|integer|Ratio",
    "ImagingStudy.series": "uid:string number:integer modality:Coding description:string numberOfInstances:integer"
    " bodySite:Coding started:dateTime",
    "Immunization.protocol": "series:string doseNumber[x]:integer|positiveInt|string targetDisease*:CodeableConcept",
    "QuestionnaireResponse.item": "linkId:string text:string item*:QuestionnaireResponse.item"
    " answer*:QuestionnaireResponse.answer",
    "QuestionnaireResponse.answer": "value[x]:boolean|decimal|integer|date|dateTime|time|string|uri|Attachment|Coding"
    "|Quantity|Reference item*:QuestionnaireResponse.item",
    "Communication": "language:CodeableConcept preferred:boolean",
}

RECORDS: Final[Mapping[str, str]] = {
    "AllergyIntolerance": "clinicalStatus:CodeableConcept<clinical> verificationStatus:CodeableConcept<verification>"
    " type:code category*:code criticality:code code:CodeableConcept patient!:Reference"
    " onset[x]:dateTime|Age|Period|Range|string recordedDate:dateTime recorder:Reference asserter:Reference"
    " lastOccurrence:dateTime reaction*:AllergyIntolerance.reaction" + _CLINICAL,
    "CarePlan": "status!:code<request> intent!:code category*:CodeableConcept title:string description:string"
    " subject!:Reference period:Period created:dateTime author:Reference contributor*:Reference careTeam*:Reference"
    " addresses*:Reference goal*:Reference activity*:CarePlan.activity" + _CLINICAL,
    "CareTeam": "status:code<careteam> category*:CodeableConcept name:string subject:Reference period:Period"
    " participant*:CareTeam.participant reasonCode*:CodeableConcept managingOrganization*:Reference" + _CLINICAL,
    "Condition": "clinicalStatus:CodeableConcept<clinical> verificationStatus:CodeableConcept<verification>"
    " category*:CodeableConcept severity:CodeableConcept code:CodeableConcept bodySite*:CodeableConcept"
    " subject!:Reference onset[x]:dateTime|Age|Period|Range|string"
    " abatement[x]:dateTime|Age|Period|Range|string|boolean recordedDate:dateTime recorder:Reference asserter:Reference"
    + _CLINICAL,
    "Device": "status:code<device> type:CodeableConcept patient:Reference manufacturer:string manufactureDate:dateTime"
    " expirationDate:dateTime lotNumber:string serialNumber:string modelNumber:string deviceName*:Device.name"
    " udiCarrier*:Device.udi owner:Reference note*:Annotation",
    "DiagnosticReport": "status!:code<report> category*:CodeableConcept code!:CodeableConcept subject:Reference"
    " effective[x]:dateTime|Period issued:instant performer*:Reference resultsInterpreter*:Reference result*:Reference"
    " imagingStudy*:Reference conclusion:string conclusionCode*:CodeableConcept presentedForm*:Attachment"
    " media*:DiagnosticReport.media encounter:Reference",
    "DocumentReference": "status!:code<document> docStatus:code type:CodeableConcept category*:CodeableConcept"
    " subject:Reference date:instant author*:Reference description:string content!*:DocumentReference.content"
    " context:DocumentReference.context",
    "Encounter": "status!:code<encounter> class!:Coding type*:CodeableConcept serviceType:CodeableConcept"
    " subject:Reference participant*:Encounter.participant period:Period diagnosis*:Encounter.diagnosis"
    " hospitalization:Encounter.hospitalization location*:Encounter.location serviceProvider:Reference" + _REASON,
    "FamilyMemberHistory": "status!:code<familyhistory> patient!:Reference date:dateTime relationship!:CodeableConcept"
    " sex:CodeableConcept deceased[x]:boolean|Age|Range|date|string condition*:FamilyMemberHistory.condition"
    " note*:Annotation",
    "Goal": "lifecycleStatus!:code<goal> achievementStatus:CodeableConcept category*:CodeableConcept"
    " priority:CodeableConcept description!:CodeableConcept subject!:Reference start[x]:date|CodeableConcept"
    " target*:Goal.target statusDate:date expressedBy:Reference addresses*:Reference note*:Annotation",
    "ImagingStudy": "status!:code<imagingstudy> modality*:Coding subject!:Reference started:dateTime"
    " numberOfSeries:integer numberOfInstances:integer procedureCode*:CodeableConcept description:string"
    " series*:ImagingStudy.series referrer:Reference interpreter*:Reference location:Reference" + _REASON + _CLINICAL,
    "Immunization": "status!:code<immunization> statusReason:CodeableConcept vaccineCode!:CodeableConcept"
    " patient!:Reference occurrence[x]!:dateTime|string recorded:dateTime location:Reference manufacturer:Reference"
    " lotNumber:string expirationDate:date site:CodeableConcept route:CodeableConcept doseQuantity:Quantity"
    " performer*:Performer reasonCode*:CodeableConcept protocolApplied*:Immunization.protocol" + _CLINICAL,
    "Media": "status!:code<event> type:CodeableConcept modality:CodeableConcept view:CodeableConcept subject:Reference"
    " created[x]:dateTime|Period issued:instant operator:Reference reasonCode*:CodeableConcept bodySite:CodeableConcept"
    " content!:Attachment" + _CLINICAL,
    "MedicationRequest": "status!:code<medicationrequest> intent!:code category*:CodeableConcept doNotPerform:boolean"
    " reported[x]:boolean|Reference medication[x]!:CodeableConcept|Reference subject!:Reference authoredOn:dateTime"
    " requester:Reference recorder:Reference dosageInstruction*:Dosage dispenseRequest:DispenseRequest"
    + _REASON
    + _CLINICAL,
    "Observation": "status!:code<observation> category*:CodeableConcept code!:CodeableConcept subject:Reference"
    " effective[x]:dateTime|Period|Timing|instant issued:instant performer*:Reference bodySite:CodeableConcept"
    " method:CodeableConcept specimen:Reference hasMember*:Reference derivedFrom*:Reference"
    " component*:Observation.component" + _OBSERVED + _CLINICAL,
    "Procedure": "status!:code<event> statusReason:CodeableConcept category:CodeableConcept code:CodeableConcept"
    " subject!:Reference performed[x]:dateTime|Period|string|Age|Range recorder:Reference performer*:Performer"
    " location:Reference bodySite*:CodeableConcept outcome:CodeableConcept complication*:CodeableConcept"
    " followUp*:CodeableConcept report*:Reference" + _REASON + _CLINICAL,
    "QuestionnaireResponse": "status!:code<response> questionnaire:string subject:Reference encounter:Reference"
    " authored:dateTime author:Reference source:Reference item*:QuestionnaireResponse.item",
    "ServiceRequest": "status!:code<request> intent!:code category*:CodeableConcept priority:code doNotPerform:boolean"
    " code:CodeableConcept orderDetail*:CodeableConcept subject!:Reference"
    " occurrence[x]:dateTime|Period|Timing authoredOn:dateTime requester:Reference performer*:Reference"
    " bodySite*:CodeableConcept patientInstruction:string" + _REASON + _CLINICAL,
}

OTHERS: Final[Mapping[str, str]] = {
    "Patient": "active:boolean identifier*:Identifier name*:HumanName telecom*:ContactPoint gender:code<gender>"
    " birthDate:date deceased[x]:boolean|dateTime address*:Address communication*:Communication",
    "RelatedPerson": "active:boolean name*:HumanName telecom*:ContactPoint",
    "Practitioner": "active:boolean name*:HumanName telecom*:ContactPoint",
    "PractitionerRole": "active:boolean practitioner:Reference organization:Reference code*:CodeableConcept"
    " specialty*:CodeableConcept location*:Reference",
    "Organization": "active:boolean name:string alias*:string telecom*:ContactPoint address*:Address",
    "Location": "status:code name:string alias*:string telecom*:ContactPoint address:Address",
    "Medication": "code:CodeableConcept status:code",
}
