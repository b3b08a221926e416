"""Forty-one quarterly visits from September 2016 to September 2026, with what was measured at each."""

from datetime import date
from decimal import Decimal

from infra.sample.charting import results
from infra.sample.charting.chart import FOLLOW_UP, OFFICE, VIDEO, Chart, Visit, VisitKind
from infra.sample.charting.times import course, weekday
from infra.sample.clinic import FARAHANI, MBATHA, NI_RIAIN, OKONKWO
from infra.sample.vocabulary import laboratory, vitals
from infra.sample.vocabulary.laboratory import Analyte, Panel

_MARCH, _JUNE, _SEPTEMBER, _DECEMBER = 3, 6, 9, 12
_SEEN_BY = {_MARCH: NI_RIAIN, _JUNE: FARAHANI, _SEPTEMBER: OKONKWO, _DECEMBER: MBATHA}

_ON_WARFARIN = (date(2019, 6, 10), date(2022, 3, 21))

# Each measurement as a course: values at a few months, joined by straight lines, and how far it strays from them.
_COURSES: dict[Analyte, tuple[dict[str, str], str]] = {
    laboratory.HBA1C: (
        {"2016-09": "7.4", "2018-06": "8.1", "2019-06": "9.2", "2021-06": "7.3", "2026-12": "6.9"},
        "0.1",
    ),
    laboratory.CREATININE: ({"2016-09": "0.95", "2020-09": "1.15", "2023-03": "1.38", "2026-12": "1.42"}, "0.02"),
    laboratory.EGFR: ({"2016-09": "63", "2020-09": "50", "2023-03": "40", "2026-12": "38"}, "1"),
    laboratory.POTASSIUM: ({"2016-09": "4.20", "2021-03": "4.60", "2026-12": "4.70"}, "0.10"),
    laboratory.CHOLESTEROL: ({"2016-09": "221", "2021-09": "204", "2022-09": "168", "2026-12": "160"}, "3"),
    laboratory.TRIGLYCERIDE: ({"2016-09": "188", "2021-09": "171", "2026-12": "142"}, "5"),
    laboratory.HDL: ({"2016-09": "46", "2026-12": "52"}, "1"),
    laboratory.LDL: ({"2016-09": "137", "2021-09": "121", "2022-09": "86", "2026-12": "79"}, "2"),
    laboratory.HEMOGLOBIN: ({"2016-09": "13.1", "2019-09": "10.8", "2020-09": "12.4", "2026-12": "12.2"}, "0.1"),
    laboratory.HEMATOCRIT: ({"2016-09": "39.5", "2019-09": "33.1", "2020-09": "37.6", "2026-12": "37.0"}, "0.3"),
    laboratory.LEUKOCYTES: ({"2016-09": "6.8", "2026-12": "6.2"}, "0.4"),
    laboratory.PLATELETS: ({"2016-09": "244", "2026-12": "218"}, "6"),
    laboratory.TSH: ({"2016-09": "6.80", "2017-09": "5.10", "2018-09": "2.50", "2026-12": "2.10"}, "0.15"),
    laboratory.INR: ({"2019-06": "1.9", "2020-03": "2.5", "2022-06": "2.4"}, "0.2"),
    laboratory.ALBUMIN_RATIO: ({"2016-09": "24", "2020-09": "61", "2026-12": "118"}, "4"),
    vitals.SYSTOLIC: ({"2016-09": "152", "2018-09": "144", "2020-09": "136", "2026-12": "130"}, "3"),
    vitals.DIASTOLIC: ({"2016-09": "88", "2020-09": "80", "2026-12": "72"}, "2"),
    vitals.HEART_RATE: ({"2016-09": "76", "2019-06": "96", "2020-03": "72", "2026-12": "68"}, "2"),
    vitals.WEIGHT: ({"2016-09": "81.5", "2020-09": "79.0", "2026-12": "70.5"}, "0.4"),
    vitals.HEIGHT: ({"2016-09": "162.5", "2026-12": "159.5"}, "0.0"),
}


def write(chart: Chart) -> dict[str, Visit]:
    """Enters the visits and answers them by month, such as `2019-06`."""
    months = [(year, month) for year in range(2016, 2027) for month in _SEEN_BY]
    return {
        f"{year}-{month:02}": _quarterly(chart, weekday(year, month, 6 + (year * 5 + month) % 17))
        for year, month in months
        if (2016, _SEPTEMBER) <= (year, month) <= (2026, _SEPTEMBER)
    }


def _quarterly(chart: Chart, on: date) -> Visit:
    visit = chart.visit(on, _kind(on), time=f"{8 + on.day % 7:02}:{15 * (on.day % 4):02}", clinician=_SEEN_BY[on.month])
    results.laboratory(chart, visit, laboratory.HBA1C, _value(laboratory.HBA1C, on))
    if _ON_WARFARIN[0] < on < _ON_WARFARIN[1]:
        results.laboratory(chart, visit, laboratory.INR, _value(laboratory.INR, on))
    if _kind(on) is not VIDEO:
        results.blood_pressure(chart, visit, _value(vitals.SYSTOLIC, on), _value(vitals.DIASTOLIC, on))
    if on.month in {_MARCH, _SEPTEMBER}:
        _vital(chart, visit, vitals.WEIGHT)
        _panel(chart, visit, laboratory.METABOLIC)
    if on.month == _SEPTEMBER:
        _yearly(chart, visit)
    return visit


def _kind(on: date) -> VisitKind:
    if (on.year, on.month) == (2020, _JUNE):
        return VIDEO
    return OFFICE if on.month == _SEPTEMBER else FOLLOW_UP


def _yearly(chart: Chart, visit: Visit) -> None:
    _vital(chart, visit, vitals.HEART_RATE)
    _vital(chart, visit, vitals.HEIGHT)
    height = _value(vitals.HEIGHT, visit.on) / 100
    results.vital(chart, visit, vitals.BMI, (_value(vitals.WEIGHT, visit.on) / height**2).quantize(Decimal("0.1")))
    for analyte in (laboratory.TSH, laboratory.ALBUMIN_RATIO):
        results.laboratory(chart, visit, analyte, _value(analyte, visit.on))
    for ordered in (laboratory.LIPIDS, laboratory.BLOOD_COUNT):
        _panel(chart, visit, ordered)


def _vital(chart: Chart, visit: Visit, analyte: Analyte) -> None:
    results.vital(chart, visit, analyte, _value(analyte, visit.on))


def _panel(chart: Chart, visit: Visit, ordered: Panel) -> None:
    results.panel(chart, visit, ordered, tuple(_value(analyte, visit.on) for analyte in ordered.analytes))


def _value(analyte: Analyte, on: date) -> Decimal:
    points, wobble = _COURSES[analyte]
    return course(on, points, wobble)
