"""Medicines by RxNorm: clinical drugs where the clinic sends them, ingredients where it sends no more than that."""

from dataclasses import dataclass

from infra.sample.vocabulary.systems import RXNORM, Concept, Json, codeable


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine as ordered. `rxnorm` is None for one that the clinic names in words only."""

    rxnorm: str | None
    display: str
    text: str
    unit: str = "{tbl}"
    unit_text: str = "tablet"

    def concept(self) -> Json:
        if self.rxnorm is None:
            return codeable(self.text)
        return codeable(self.text, Concept(RXNORM, self.rxnorm, self.display))


METFORMIN_500 = Medicine("861007", "metformin hydrochloride 500 MG Oral Tablet", "Metformin 500 mg tablet")
METFORMIN_1000 = Medicine("861004", "metformin hydrochloride 1000 MG Oral Tablet", "Metformin 1,000 mg tablet")
EMPAGLIFLOZIN = Medicine("1545653", "empagliflozin 10 MG Oral Tablet", "Empagliflozin 10 mg tablet")
LISINOPRIL_10 = Medicine("314076", "lisinopril 10 MG Oral Tablet", "Lisinopril 10 mg tablet")
LISINOPRIL_20 = Medicine("314077", "lisinopril 20 MG Oral Tablet", "Lisinopril 20 mg tablet")
LOSARTAN = Medicine("979492", "losartan potassium 50 MG Oral Tablet", "Losartan 50 mg tablet")
AMLODIPINE = Medicine("197361", "amlodipine 5 MG Oral Tablet", "Amlodipine 5 mg tablet")
SIMVASTATIN = Medicine("312961", "simvastatin 20 MG Oral Tablet", "Simvastatin 20 mg tablet")
ATORVASTATIN = Medicine("617311", "atorvastatin 40 MG Oral Tablet", "Atorvastatin 40 mg tablet")
WARFARIN = Medicine("855332", "warfarin sodium 5 MG Oral Tablet", "Warfarin 5 mg tablet")
APIXABAN = Medicine("1364445", "apixaban 5 MG Oral Tablet", "Apixaban 5 mg tablet")
LEVOTHYROXINE_50 = Medicine("10582", "levothyroxine", "Levothyroxine 50 mcg tablet")
LEVOTHYROXINE_75 = Medicine("10582", "levothyroxine", "Levothyroxine 75 mcg tablet")
ALENDRONATE = Medicine("904431", "alendronic acid 70 MG Oral Tablet", "Alendronate 70 mg tablet")
SERTRALINE = Medicine("312941", "sertraline 50 MG Oral Tablet", "Sertraline 50 mg tablet")
AZITHROMYCIN = Medicine("308460", "azithromycin 250 MG Oral Tablet", "Azithromycin 250 mg tablet")
ACETAMINOPHEN = Medicine("198440", "acetaminophen 500 MG Oral Tablet", "Acetaminophen 500 mg tablet")
IBUPROFEN = Medicine("310965", "ibuprofen 200 MG Oral Tablet", "Ibuprofen 200 mg tablet")
FUROSEMIDE = Medicine("313988", "furosemide 40 MG Oral Tablet", "Furosemide 40 mg tablet")
ALBUTEROL = Medicine(
    "745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", "Albuterol inhaler", "{puff}", "puff"
)
AMOXICILLIN = Medicine("723", "amoxicillin", "Amoxicillin 400 mg per 5 mL liquid", "mL", "mL")
SUMATRIPTAN = Medicine("37418", "sumatriptan", "Sumatriptán 50 mg, tableta", "{tbl}", "tableta")
VITAMIN_D = Medicine(None, "", "Vitamin D3 1,000 units tablet")
IRON = Medicine(None, "", "Iron tablet from the drugstore")
