"""Numbers of payment cards in what people type (PY 1)."""

import pytest

from chalicelib.domain import card_numbers


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "my card 4111-1111-1111-1111 ok",
        "3782 822463 10005",
        "room 12 4111 1111 1111 1111",
        "٤١١١١١١١١١١١١١١١",
    ],
)
def test_a_card_number_is_seen_however_it_is_grouped(text: str) -> None:
    assert card_numbers.is_in(text)


@pytest.mark.parametrize(
    "text", ["4111111111111112", "120/80 and 118/79", "call +1 312 555 0100", "12345678901234567890", ""]
)
def test_other_numbers_are_none(text: str) -> None:
    assert not card_numbers.is_in(text)
