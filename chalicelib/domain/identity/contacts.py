"""Email addresses and phone numbers: read, compared, and shown so that only their owner knows them again."""

import unicodedata
from dataclasses import dataclass

_HIDDEN = "***"
# RFC 5321 allows 254; reading takes the longer the more there is.
_LONGEST = 320


class NotAnEmail(ValueError):
    """The text is no email address that mail could be sent to."""


class NotAPhone(ValueError):
    """The text is no phone number that a message could be sent to."""


@dataclass(frozen=True)
class Email:
    """An email address.

    Args:
        display: as typed, in NFC, the domain in lower case: what mail is sent to and what is shown.
        canonical: what carries the uniqueness: NFKC and case-folded before the `@`, IDNA's ASCII form after it.
        is_ascii: False where the part before the `@` needs SMTPUTF8, which Amazon SES does not send to.
    """

    display: str
    canonical: str
    is_ascii: bool


def parse_email(text: str) -> Email:
    """Reads an email address; looks nothing up.

    Raises:
        NotAnEmail: it is none.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # 50 ms, mostly for IDNA's tables.

    if len(text) > _LONGEST:
        raise NotAnEmail("Too long for an email address.")
    try:
        read = validate_email(text.strip(), check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise NotAnEmail("Not an email address.") from error
    canonical = f"{_key(read.local_part)}@{read.ascii_domain.casefold()}"
    return Email(display=read.normalized, canonical=canonical, is_ascii=read.local_part.isascii())


def canonical_email(text: str) -> str:
    """The key under which two spellings of one address meet.

    Raises:
        NotAnEmail: it is none.
    """
    return parse_email(text).canonical


def parse_phone(text: str, *, region: str = "US") -> str:
    """The number in E.164 (`+13125550142`), its extension left out.

    A number of a possible length is taken: numbering plans change faster than their tables, and a code that is sent
    to it proves the rest.

    Raises:
        NotAPhone: it is none.
    """
    import phonenumbers  # noqa: PLC0415  # 70 ms that only a phone number should cost.

    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
    except phonenumbers.NumberParseException as error:
        raise NotAPhone("Not a phone number.") from error
    if not phonenumbers.is_possible_number(number):
        raise NotAPhone("Not a phone number of a possible length.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def mask_email(email: str) -> str:
    """`m***@e***.org`: the first letters and the top-level domain; the mask's length says nothing."""
    local, _, domain = email.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}{_HIDDEN}@{name[:1]}{_HIDDEN}.{top}"


def mask_phone(phone: str) -> str:
    """`***-***-**42`: two digits only, because the last four prove an identity (`phone_last4`)."""
    return f"***-***-**{phone[-2:]}"


def _key(local_part: str) -> str:
    # Folding may leave what NFKC composes, and the other way round, so both are done twice (Unicode's NFKC_Casefold).
    folded = unicodedata.normalize("NFKC", local_part).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()
