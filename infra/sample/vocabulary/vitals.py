"""Vital signs: the LOINC codes and UCUM units that FHIR R4's vital signs profiles require."""

from infra.sample.vocabulary.laboratory import Analyte
from infra.sample.vocabulary.systems import loinc

BLOOD_PRESSURE = loinc("85354-9", "Blood pressure panel with all children optional")
SYSTOLIC = Analyte("8480-6", "Systolic blood pressure", "Systolic", "mm[Hg]", (None, "129"), unit_text="mmHg")
DIASTOLIC = Analyte("8462-4", "Diastolic blood pressure", "Diastolic", "mm[Hg]", (None, "79"), unit_text="mmHg")
WEIGHT = Analyte("29463-7", "Body weight", "Weight", "kg")
HEIGHT = Analyte("8302-2", "Body height", "Height", "cm")
BMI = Analyte("39156-5", "Body mass index (BMI) [Ratio]", "Body mass index", "kg/m2")
HEART_RATE = Analyte("8867-4", "Heart rate", "Heart rate", "/min", ("60", "100"), unit_text="beats/min")
TEMPERATURE = Analyte("8310-5", "Body temperature", "Temperature", "Cel", ("36.1", "37.5"), unit_text="°C")
OXYGEN = Analyte("2708-6", "Oxygen saturation in Arterial blood", "Oxygen saturation", "%", ("95", None), ("85", None))
BMI_PERCENTILE = Analyte(
    "59576-9", "Body mass index (BMI) [Percentile] Per age and sex", "Body mass index percentile", "%"
)
