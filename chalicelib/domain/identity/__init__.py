"""Who somebody is: usernames, contacts, names, clinic numbers, activation codes and age, as people mean them."""

from chalicelib.domain.identity.ages import age_on, could_be_born_on, earliest_birth_date, is_of_age, latest_birth_date
from chalicelib.domain.identity.contacts import (
    Email,
    NotAnEmail,
    NotAPhone,
    canonical_email,
    mask_email,
    mask_phone,
    parse_email,
    parse_phone,
)
from chalicelib.domain.identity.names import family_keys, names_match
from chalicelib.domain.identity.numbers import (
    canonical_activation_code,
    canonical_clinic_number,
    format_activation_code,
    has_right_check_digit,
    new_clinic_number,
)
from chalicelib.domain.identity.usernames import UsernameReason, canonical_username, check_username

__all__ = [
    "Email",
    "NotAPhone",
    "NotAnEmail",
    "UsernameReason",
    "age_on",
    "canonical_activation_code",
    "canonical_clinic_number",
    "canonical_email",
    "canonical_username",
    "check_username",
    "could_be_born_on",
    "earliest_birth_date",
    "family_keys",
    "format_activation_code",
    "has_right_check_digit",
    "is_of_age",
    "latest_birth_date",
    "mask_email",
    "mask_phone",
    "names_match",
    "new_clinic_number",
    "parse_email",
    "parse_phone",
]
