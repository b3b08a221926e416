"""The sections of the document: which categories stand in which, and the codes and templates of each."""

from dataclasses import dataclass
from typing import Final

from chalicelib.domain.records.categories import Category


@dataclass(frozen=True, slots=True)
class Section:
    """A section by its LOINC code and name; `root` and `extension` are its template's, where C-CDA has one.

    A Continuity of Care Document has the `required` ones even where they are empty.
    """

    categories: tuple[Category, ...]
    code: str
    name: str
    root: str | None = None
    extension: str | None = None
    required: bool = False


SECTIONS: Final = (
    Section((Category.ALLERGY,), "48765-2", "Allergies and adverse reactions", "2.6.1", "2015-08-01", required=True),
    Section((Category.MEDICATION,), "10160-0", "History of medication use", "2.1.1", "2014-06-09", required=True),
    Section((Category.CONDITION,), "11450-4", "Problem list", "2.5.1", "2015-08-01", required=True),
    Section((Category.ENCOUNTER,), "46240-8", "History of encounters", "2.22.1", "2015-08-01"),
    Section(
        (Category.LAB,),
        "30954-2",
        "Relevant diagnostic tests and laboratory data",
        "2.3.1",
        "2015-08-01",
        required=True,
    ),
    Section((Category.VITAL,), "8716-3", "Vital signs", "2.4.1", "2015-08-01", required=True),
    Section((Category.REPORT,), "47045-0", "Study report"),
    Section((Category.IMAGING,), "18726-0", "Radiology studies"),
    Section((Category.PROCEDURE,), "47519-4", "History of procedures", "2.7.1", "2014-06-09"),
    Section((Category.IMMUNIZATION,), "11369-6", "History of immunization", "2.2.1", "2015-08-01"),
    Section((Category.DOCUMENT,), "34109-9", "Note", "2.65", "2016-11-01"),
    Section((Category.ORDER, Category.CARE_PLAN), "18776-5", "Plan of care note", "2.10", "2014-06-09"),
    Section((Category.GOAL,), "61146-7", "Goals", "2.60"),
    Section((Category.CARE_TEAM,), "85847-2", "Patient care team information", "2.500", "2019-07-01"),
    Section((Category.DEVICE,), "46264-8", "History of medical device use", "2.23", "2014-06-09"),
    Section((Category.SOCIAL_HISTORY,), "29762-2", "Social history", "2.17", "2015-08-01", required=True),
    Section((Category.FAMILY_HISTORY,), "10157-6", "History of family member diseases", "2.15", "2015-08-01"),
    Section((Category.QUESTIONNAIRE_RESPONSE,), "74465-6", "Questionnaire response document"),
)
"""Every category is in one of them."""
