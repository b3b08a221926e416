"""The rules that make fields of lines: right or unsure, and never sure of what is not there."""

import math
from datetime import date

import pytest

from chalicelib.domain.picture_readings import FIELDS, Content, Field, PictureKind
from chalicelib.domain.picture_readings.cards import has_card_number, masked
from chalicelib.domain.picture_readings.fields import read
from chalicelib.domain.picture_readings.finds import SURE
from chalicelib.domain.picture_readings.lines import Line, rows_of, text_of
from chalicelib.domain.picture_readings.values import days, phones
from tests.support.pictures import SAMPLES, Sample

TODAY = date(2026, 11, 23)
CARD, LABEL, LETTER = PictureKind


def line(text: str, left: float, top: float, *, height: float = 30, confidence: float = 0.99, turn: float = 0) -> Line:
    """A line as an engine sees it on a paper that lies turned by so many degrees."""
    width = 0.55 * height * len(text)
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    first, second, third, fourth = ((x * cos - y * sin, x * sin + y * cos) for x, y in corners)
    return Line(text, (confidence,) * len(text), (first, second, third, fourth))


def column(*texts: str, confidence: float = 0.99) -> list[Line]:
    """Lines one beneath the other, far enough apart to be of different things."""
    return [line(text, 40, 40 + 80 * place, confidence=confidence) for place, text in enumerate(texts)]


def field(kind: PictureKind, lines: list[Line], name: str) -> Field:
    return {one.name: one for one in read(kind, lines, TODAY).fields}[name]


def seen(sample: Sample, turn: float = 0) -> Content:
    lines = [line(text, left, top, height=abs(size), turn=turn) for left, top, size, text in sample.words]
    return read(PictureKind(sample.kind), lines, TODAY)


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 3, -8, 44, 90, 180, 270, 262])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_a_paper_is_the_same_however_it_lies(sample: Sample, turn: float) -> None:
    content = seen(sample, turn)
    assert content.text == seen(sample).text
    assert {one.name: one.value for one in content.fields} == sample.fields
    assert [one.name for one in content.fields if not one.is_certain] == []


def test_a_short_piece_that_is_taken_for_one_on_its_head_turns_nothing() -> None:
    lines = [line("Blue Prairie Health Plan", 40, 40), line("PCN: ADV", 40, 120)]
    text, confidences, (first, second, third, fourth) = lines[1].text, lines[1].confidences, lines[1].corners
    rows = rows_of([lines[0], Line(text, confidences, (third, fourth, first, second))])
    assert [text_of(row) for row in rows] == ["Blue Prairie Health Plan", "PCN: ADV"]


def test_nothing_read_is_nothing_found() -> None:
    content = read(CARD, [], TODAY)
    assert content.text == ()
    assert {one.value for one in content.fields} == {None}


# --- doubt -----------------------------------------------------------------------------------------------------------


def test_one_letter_that_is_unclear_makes_its_field_unsure_and_no_other() -> None:
    clear, place = column("Member ID: XQP904417326", "Plan: Oro Familiar"), len("Member ID: XQP90")
    doubtful = (*clear[0].confidences[:place], 0.6, *clear[0].confidences[place + 1 :])
    lines = [Line(clear[0].text, doubtful, clear[0].corners), clear[1]]
    found = field(CARD, lines, "member_id")
    assert (found.value, found.confidence, found.is_certain) == ("XQP904417326", 0.6, False)
    assert field(CARD, lines, "plan").is_certain


def test_a_label_that_is_unclear_does_not_matter_where_it_is_read() -> None:
    clear = line("Member ID: XQP904417326", 40, 40)
    doubtful = (*(0.5,) * len("Member ID:"), *clear.confidences[len("Member ID:") :])
    assert field(CARD, [Line(clear.text, doubtful, clear.corners)], "member_id").is_certain


def test_below_so_much_confidence_nothing_is_certain() -> None:
    for confidence, is_certain in ((SURE, True), (SURE - 0.001, False)):
        lines = column("Member ID: XQP904417326", confidence=confidence)
        assert field(CARD, lines, "member_id").is_certain is is_certain


@pytest.mark.parametrize(
    ("kind", "name", "texts"),
    [
        (CARD, "member_id", ("Member ID: XQP904417326", "Member ID: XQP904417328")),
        (CARD, "phone", ("Customer service: 312-555-0142", "Member services: 312-555-0143")),
        (LABEL, "medicine", ("LISINOPRIL 10 MG", "AMLODIPINE 5 MG")),
        (LABEL, "quantity", ("Qty: 30", "Quantity: 90")),
        (LABEL, "pharmacy_phone", ("Tel: 312-555-0142", "Tel: 312-555-0199")),
        (LETTER, "date", ("November 16, 2026", "November 17, 2026", "Dear Jordan")),
        (LETTER, "phone", ("312-555-0142", "312-555-0143")),
        (LETTER, "appointment_on", ("Dear Jordan", "Your appointments are on", "May 3, 2027 and May 9, 2027")),
    ],
)
def test_two_candidates_make_a_field_unsure(kind: PictureKind, name: str, texts: tuple[str, ...]) -> None:
    found = field(kind, column(*texts), name)
    assert found.value
    assert not found.is_certain


def test_the_same_twice_is_one_candidate() -> None:
    lines = column("Member ID: XQP904417326", "ID: xqp904417326")
    assert field(CARD, lines, "member_id") == Field("member_id", "XQP904417326", 0.99, is_certain=True)


@pytest.mark.parametrize(
    ("kind", "name", "text", "value"),
    [
        (CARD, "member_id", "Member ID: XQP9O4417326", "XQP9O4417326"),
        (CARD, "member_id", "Member ID: call us", "call us"),
        (CARD, "bin", "RxBIN: 61001", "61001"),
        (CARD, "subscriber_name", "Name: JORDANWHITFIELD", "JORDANWHITFIELD"),
        (CARD, "plan", "Plan: PPOSilver 2500", "PPOSilver 2500"),
        (CARD, "phone", "Customer service: 112-555-0142", None),
        (LABEL, "filled_on", "Filled: 02/30/2026", "02/30/2026"),
        (LABEL, "filled_on", "Filled: 14/10/2026", "2026-10-14"),
        (LABEL, "filled_on", "Filled: 12/24/2026", "2026-12-24"),
        (LABEL, "filled_on", "Filled: 10/14/2006", "2006-10-14"),
        (LABEL, "refills_left", "Refills: 3 before 11/02/2027", "3 before 11/02/2027"),
        (LABEL, "refills_left", "Refills: 99", "99"),
        (LABEL, "quantity", "Qty: 3O", "3O"),
        (LABEL, "rx_number", "Rx# 720441B", "720441B"),
        (LETTER, "date", "November 31, 2026", "November 31, 2026"),
        (LETTER, "date", "November 16, 2027", "2027-11-16"),
    ],
)
def test_what_cannot_be_is_shown_as_it_stands_and_is_not_certain(
    kind: PictureKind, name: str, text: str, value: str | None
) -> None:
    found = field(kind, column(text), name)
    assert (found.value, found.is_certain) == (value, False)


def test_a_day_in_numbers_is_unsure_on_a_paper_in_spanish_where_it_may_be_two_days() -> None:
    spanish = column("Fecha de surtido: 04/05/2026", "Cantidad: 30", "TOME UNA TABLETA POR LA BOCA")
    assert field(LABEL, spanish, "filled_on") == Field("filled_on", "2026-04-05", 0.99, is_certain=False)
    assert field(LABEL, column("Filled: 04/05/2026", "Qty: 30"), "filled_on").is_certain


def test_an_instruction_whose_end_is_not_clear_is_unsure() -> None:
    lines = [line("TAKE 1 TABLET BY MOUTH", 40, 40), line("WITH FOOD", 140, 76), line("Qty: 30", 40, 200)]
    found = field(LABEL, lines, "instructions")
    assert (found.value, found.is_certain) == ("TAKE 1 TABLET BY MOUTH", False)


def test_a_name_at_the_top_that_does_not_say_what_it_is_is_unsure() -> None:
    lines = [line("Quillfeather and Sons", 40, 40, height=44), line("Member ID: XQP904417326", 40, 200)]
    assert field(CARD, lines, "payer") == Field("payer", "Quillfeather and Sons", 0.99, is_certain=False)


def test_the_day_of_birth_is_no_appointment_and_a_day_by_which_to_call_is_unsure() -> None:
    lines = column("Dear Jordan", "To keep your appointment call before December 1, 2026.")
    assert not field(LETTER, lines, "appointment_on").is_certain
    assert field(LETTER, column("Dear Jordan", "You were born on May 3, 1960."), "appointment_on").value is None


def test_a_fax_is_no_telephone() -> None:
    assert field(LETTER, column("Fax: 312-555-0142"), "phone").value is None
    assert field(CARD, column("Fax: 312-555-0142"), "phone").value is None


def test_no_refills_is_none_left() -> None:
    assert field(LABEL, column("NO REFILLS - CALL YOUR DOCTOR"), "refills_left").value == "0"
    assert field(LABEL, column("SIN RESURTIDOS"), "refills_left").value == "0"


def test_every_kind_has_its_fields_and_in_their_order() -> None:
    for kind, names in FIELDS.items():
        assert [one.name for one in read(kind, column("x"), TODAY).fields] == list(names)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("November 16, 2026", "2026-11-16"),
        ("Nov. 16 2026", "2026-11-16"),
        ("16 November 2026", "2026-11-16"),
        ("16 de noviembre de 2026", "2026-11-16"),
        ("1 de enero del 2027", "2027-01-01"),
        ("14-OCT-2026", "2026-10-14"),
        ("11/16/2026", "2026-11-16"),
        ("11-16-26", "2026-11-16"),
        ("2026-11-16", "2026-11-16"),
        ("ison December8,2026at 10:30", "2026-12-08"),
    ],
)
def test_days_are_read_as_people_write_them(text: str, day: str) -> None:
    (found,) = days(text, is_spanish=False)
    assert (found.value.text, found.value.is_sure) == (day, True)


@pytest.mark.parametrize("text", ["1/2/3/4", "call 312-555-0142", "10:30 AM", "1500 Corner St, IL 60601", "Rx 12-34"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert days(text, is_spanish=False) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call (312) 555-0142 now", ["+13125550142"]),
        ("1-800-555-0142 or 312.555.0199", ["+18005550142", "+13125550199"]),
        ("+1 312 555 0142", ["+13125550142"]),
        ("Rx 7204418", []),
        ("77-4410952-03", []),
        ("3125550142-03", []),
    ],
)
def test_telephones_are_told_from_other_numbers(text: str, found: list[str]) -> None:
    assert [one.value.text for one in phones(text) if one.value.is_sure] == found


# --- payment cards ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4111111111111111", "••••••••••••1111"),
        ("Card 4111 1111 1111 1111 exp 12/27", "Card •••• •••• •••• 1111 exp 12/27"),
        ("4111-1111-1111-1111 12/27", "••••-••••-••••-1111 12/27"),
        ("3782 822463 10005", "•••• •••••• •0005"),
        ("4222222222222", "•••••••••2222"),
        ("6304000000000000000", "•••••••••••••••0000"),
    ],
)
def test_numbers_of_payment_cards_are_masked_but_for_their_last_four(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert has_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        *("4111 1111 1111 1112", "XQP904417326", "0098765", "77-4410952-03", "411111111111", "0000 0000 0000 0000"),
        "41111111111111110000000000",
    ],
)
def test_other_numbers_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


def test_a_card_number_in_several_pieces_of_a_row_is_masked_in_all_of_them() -> None:
    lines = [line("Member ID: 4111", 40, 40), line("1111", 500, 40), line("1111", 620, 40), line("1111", 740, 40)]
    content = read(CARD, lines, TODAY)
    assert content.text == ("Member ID: ••••  ••••  ••••  1111",)
    assert {one.value for one in content.fields} == {None}
