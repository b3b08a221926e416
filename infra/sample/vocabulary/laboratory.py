"""What the sample clinic measures: LOINC code, UCUM unit, adult reference range and panic limits."""

from dataclasses import dataclass
from decimal import Decimal

from infra.sample.vocabulary.systems import Concept, Json, codeable, loinc


@dataclass(frozen=True, slots=True)
class Analyte:
    """One measured quantity. Ranges are (low, high) in `unit`, None an open end; `male` replaces `normal` for men."""

    code: str
    display: str
    text: str
    unit: str
    normal: tuple[str | None, str | None] = (None, None)
    critical: tuple[str | None, str | None] = (None, None)
    male: tuple[str | None, str | None] | None = None
    unit_text: str | None = None

    def concept(self) -> Json:
        return codeable(self.text, loinc(self.code, self.display))

    def normal_for(self, gender: str) -> tuple[str | None, str | None]:
        return self.male if gender == "male" and self.male else self.normal

    def interpret(self, value: Decimal, gender: str) -> tuple[str, str] | None:
        """The code and words of HL7's v3-ObservationInterpretation; None where there is no range to judge by."""
        low, high = self.normal_for(gender)
        for limit, outside, words in (
            (self.critical[0], -1, ("LL", "Critical low")),
            (self.critical[1], 1, ("HH", "Critical high")),
            (low, -1, ("L", "Low")),
            (high, 1, ("H", "High")),
        ):
            if limit is not None and (value - Decimal(limit)) * outside > 0:
                return words
        return ("N", "Normal") if low or high else None


@dataclass(frozen=True, slots=True)
class Panel:
    """A group of analytes that is ordered and reported as one."""

    concept: Concept
    text: str
    analytes: tuple[Analyte, ...]


HBA1C = Analyte(
    "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "Hemoglobin A1c", "%", ("4.0", "5.6"), (None, "15.0")
)
GLUCOSE = Analyte("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "Glucose", "mg/dL", ("70", "99"), ("50", "450"))
SODIUM = Analyte(
    "2951-2", "Sodium [Moles/volume] in Serum or Plasma", "Sodium", "mmol/L", ("136", "145"), ("120", "160")
)
POTASSIUM = Analyte(
    "2823-3", "Potassium [Moles/volume] in Serum or Plasma", "Potassium", "mmol/L", ("3.5", "5.1"), ("2.5", "6.5")
)
CREATININE = Analyte(
    "2160-0",
    "Creatinine [Mass/volume] in Serum or Plasma",
    "Creatinine",
    "mg/dL",
    ("0.50", "1.10"),
    (None, "10.00"),
    male=("0.70", "1.30"),
)
EGFR = Analyte(
    "98979-8",
    "Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula"
    " (CKD-EPI 2021)/1.73 sq M",
    "Estimated kidney filtration (eGFR)",
    "mL/min/{1.73_m2}",
    ("60", None),
    unit_text="mL/min/1.73m2",
)
UREA = Analyte("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "Urea nitrogen", "mg/dL", ("7", "20"))
CHOLESTEROL = Analyte(
    "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "Total cholesterol", "mg/dL", (None, "199")
)
TRIGLYCERIDE = Analyte(
    "2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "Triglycerides", "mg/dL", (None, "149")
)
HDL = Analyte(
    "2085-9",
    "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
    "HDL cholesterol",
    "mg/dL",
    ("50", None),
    male=("40", None),
)
LDL = Analyte(
    "13457-7",
    "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
    "LDL cholesterol",
    "mg/dL",
    (None, "99"),
)
TSH = Analyte(
    "3016-3",
    "Thyrotropin [Units/volume] in Serum or Plasma",
    "Thyroid stimulating hormone (TSH)",
    "m[IU]/L",
    ("0.40", "4.50"),
    unit_text="mIU/L",
)
ALBUMIN_RATIO = Analyte(
    "9318-7",
    "Albumin/Creatinine [Mass Ratio] in Urine",
    "Urine albumin to creatinine ratio",
    "mg/g",
    (None, "29"),
)
HEMOGLOBIN = Analyte(
    "718-7",
    "Hemoglobin [Mass/volume] in Blood",
    "Hemoglobin",
    "g/dL",
    ("12.0", "15.5"),
    ("7.0", "20.0"),
    male=("13.5", "17.5"),
)
HEMATOCRIT = Analyte(
    "4544-3",
    "Hematocrit [Volume Fraction] of Blood by Automated count",
    "Hematocrit",
    "%",
    ("36.0", "46.0"),
    male=("41.0", "53.0"),
)
LEUKOCYTES = Analyte(
    "6690-2",
    "Leukocytes [#/volume] in Blood by Automated count",
    "White blood cells",
    "10*3/uL",
    ("4.0", "11.0"),
    ("1.0", "50.0"),
)
PLATELETS = Analyte(
    "777-3", "Platelets [#/volume] in Blood by Automated count", "Platelets", "10*3/uL", ("150", "400"), ("20", "1000")
)
FERRITIN = Analyte("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", "Ferritin", "ng/mL", ("13", "150"))
INR = Analyte(
    "6301-6",
    "INR in Platelet poor plasma by Coagulation assay",
    "INR",
    "{INR}",
    ("0.8", "1.1"),
    (None, "5.0"),
    unit_text="INR",
)
TROPONIN = Analyte(
    "10839-9", "Troponin I.cardiac [Mass/volume] in Serum or Plasma", "Troponin I", "ng/mL", (None, "0.04")
)
CRP = Analyte(
    "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "C-reactive protein", "mg/L", (None, "5")
)
LEAD = Analyte("5671-3", "Lead [Mass/volume] in Blood", "Lead", "ug/dL", (None, "3.5"), unit_text="mcg/dL")

METABOLIC = Panel(
    loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma"),
    "Basic metabolic panel",
    (CREATININE, EGFR, POTASSIUM),
)
LIPIDS = Panel(
    loinc("24331-1", "Lipid 1996 panel - Serum or Plasma"), "Lipid panel", (CHOLESTEROL, TRIGLYCERIDE, HDL, LDL)
)
BLOOD_COUNT = Panel(
    loinc("58410-2", "CBC panel - Blood by Automated count"),
    "Complete blood count",
    (HEMOGLOBIN, HEMATOCRIT, LEUKOCYTES, PLATELETS),
)
