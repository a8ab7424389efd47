"""Email addresses and phone numbers as they are typed, as they are kept and as they are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
)

# What people write between digits. Letters are refused: libphonenumber would turn them into digits, or search a sentence for a number.
_AS_WRITTEN = re.compile(r"\+?[\d\s()./\-]+")


class NotAnAddress(ValueError):
    """What was typed is no email address or phone number; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Email:
    """`address` as it is kept and written to; `key` is the same for addresses that reach the same mailbox in practice."""

    address: str
    key: str


def email(text: str) -> Email:
    """The address in `text`: syntax alone is checked, as a mail server that is down says nothing about the person.

    RFC 5321 leaves the case of the local part to the receiving server; no server in use tells apart by it, people do not either.

    Raises:
        NotAnAddress: it is none.
    """
    try:
        # test_environment lets the reserved top-level domain `.test` pass, which rehearsals with a local mailbox use.
        address = validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise NotAnAddress(str(wrong)) from None
    return Email(address=address, key=address.casefold())


def phone(text: str, country: str) -> str:
    """The number in `text` in E.164 (`+4915112345678`); without a country code it is one of `country` (ISO 3166-1).

    Its length is checked, not its range: lists of ranges age, and a real number must not be refused for that.

    Raises:
        NotAnAddress: no such number can be dialled.
    """
    typed = unicodedata.normalize("NFKC", text).strip()
    if not _AS_WRITTEN.fullmatch(typed):
        raise NotAnAddress("A phone number has digits, spaces and + ( ) . / - alone.")
    try:
        number = phonenumbers.parse(typed, country)
    except NumberParseException:
        raise NotAnAddress("Not a phone number.") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise NotAnAddress(_WHY.get(reason, "Not a phone number."))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


_WHY = {
    ValidationResult.TOO_SHORT: "Too short for a phone number.",
    ValidationResult.TOO_LONG: "Too long for a phone number.",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "The area code is missing.",
    ValidationResult.INVALID_COUNTRY_CODE: "There is no such country code.",
}


def phone_digits(e164: str) -> tuple[str, str]:
    """The digits of a number as they are dialled from abroad (without the plus) and at home (with the trunk prefix)."""
    digits = e164.removeprefix("+")
    # No country code is the beginning of another one.
    code = next(length for length in (1, 2, 3) if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE)
    own = digits[code:]
    zeros = len(own[:-1]) - len(own[:-1].lstrip("0"))
    number = PhoneNumber(
        country_code=int(digits[:code]),
        national_number=int(own),
        # Italy's, which are dialled from abroad too.
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    at_home = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return digits, "".join(filter(str.isdigit, at_home))
