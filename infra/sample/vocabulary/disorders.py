"""Diagnoses with their SNOMED CT concept and, as is customary for bills, their ICD-10-CM code."""

from dataclasses import dataclass

from infra.sample.vocabulary.systems import ICD10, Json, codeable, snomed


@dataclass(frozen=True, slots=True)
class Disorder:
    """One diagnosis; `text` are the words that the clinic uses with patients."""

    code: str
    display: str
    icd10: str | None
    text: str

    def concept(self, text: str | None = None) -> Json:
        """The coded diagnosis, in other words (another language) where `text` is given."""
        coded = codeable(text or self.text, snomed(self.code, self.display))
        if self.icd10:
            coded["coding"].append({"system": ICD10, "code": self.icd10})
        return coded


DIABETES = Disorder("44054006", "Diabetes mellitus type 2 (disorder)", "E11.9", "Type 2 diabetes")
HYPERTENSION = Disorder("59621000", "Essential hypertension (disorder)", "I10", "High blood pressure")
HYPERLIPIDEMIA = Disorder("55822004", "Hyperlipidemia (disorder)", "E78.5", "High cholesterol")
KIDNEY_DISEASE = Disorder(
    "433144002", "Chronic kidney disease stage 3 (disorder)", "N18.30", "Chronic kidney disease, stage 3"
)
ATRIAL_FIBRILLATION = Disorder("49436004", "Atrial fibrillation (disorder)", "I48.91", "Atrial fibrillation")
HYPOTHYROIDISM = Disorder("40930008", "Hypothyroidism (disorder)", "E03.9", "Underactive thyroid")
KNEE_ARTHRITIS = Disorder("239873007", "Osteoarthritis of knee (disorder)", "M17.9", "Osteoarthritis of the knee")
OSTEOPOROSIS = Disorder("64859006", "Osteoporosis (disorder)", "M81.0", "Osteoporosis")
CATARACT = Disorder("193570009", "Cataract (disorder)", "H26.9", "Cataract")
RETINOPATHY = Disorder(
    "422034002",
    "Retinopathy due to type 2 diabetes mellitus (disorder)",
    "E11.319",
    "Diabetic eye disease (retinopathy)",
)
REFLUX = Disorder("235595009", "Gastroesophageal reflux disease (disorder)", "K21.9", "Acid reflux")
IRON_DEFICIENCY = Disorder("87522002", "Iron deficiency anemia (disorder)", "D50.9", "Iron deficiency anemia")
HEARING_LOSS = Disorder("15188001", "Hearing loss (disorder)", "H91.90", "Hearing loss")
DEPRESSION = Disorder("35489007", "Depressive disorder (disorder)", "F32.A", "Depression")
PNEUMONIA = Disorder("233604007", "Pneumonia (disorder)", "J18.9", "Pneumonia")
STROKE_WARNING = Disorder(
    "266257000", "Transient ischemic attack (disorder)", "G45.9", "Transient ischemic attack (ruled out)"
)
ASTHMA = Disorder("195967001", "Asthma (disorder)", "J45.909", "Asthma")
GESTATIONAL_DIABETES = Disorder(
    "11687002", "Gestational diabetes mellitus (disorder)", "O24.419", "Diabetes of pregnancy"
)
MIGRAINE = Disorder("37796009", "Migraine (disorder)", "G43.909", "Migraine")
EAR_INFECTION = Disorder("65363002", "Otitis media (disorder)", "H66.90", "Middle ear infection")
ECZEMA = Disorder("24079001", "Atopic dermatitis (disorder)", "L20.9", "Eczema")
RHINITIS = Disorder("61582004", "Allergic rhinitis (disorder)", "J30.9", "Hay fever")
HYPERKALEMIA = Disorder("14140009", "Hyperkalemia (disorder)", "E87.5", "High potassium")
HEART_FAILURE = Disorder("84114007", "Heart failure (disorder)", "I50.9", "Heart failure")
