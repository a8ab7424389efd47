"""Addresses and numbers: kept in one form, compared without regard to how they were typed."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from clients.domain import contact
from clients.domain.contact import NotAnAddress


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("0151 23456789", "DE", "+4915123456789"),
        ("+49 (151) 234-567.89", "DE", "+4915123456789"),
        ("0049 151 23456789", "DE", "+4915123456789"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("+1 500 555 0004", "DE", "+15005550004"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("0664 1234567", "AT", "+436641234567"),
        ("+44 20 7946 0958", "DE", "+442079460958"),
        ("０１５１ ２３４５６７８９", "DE", "+4915123456789"),
    ],
)
def test_a_phone_number_is_kept_in_e164_with_the_accounts_country(typed: str, country: str, kept: str) -> None:
    assert contact.phone(typed, country) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12",
        "call me",
        "0151 CALL ME",
        "+999 123 456",
        "tel 0151 23456789",
        "1" * 30,
        "+49",
        "0151/23456789;ext=3",
        "+",
    ],
)
def test_what_cannot_be_dialled_is_no_phone_number(typed: str) -> None:
    with pytest.raises(NotAnAddress):
        contact.phone(typed, "DE")


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_digits_of_a_number_are_those_that_are_dialled_whatever_the_country(region: str) -> None:
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        kept = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        at_home = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        assert contact.phone_digits(kept) == (kept[1:], "".join(filter(str.isdigit, at_home)))


@pytest.mark.parametrize("typed", ["Anna@Example.com", "anna@example.COM", " anna@example.com "])
def test_emails_are_compared_without_regard_to_case(typed: str) -> None:
    assert contact.email(typed).key == "anna@example.com"


def test_an_email_keeps_the_case_of_its_local_part_and_not_of_its_domain() -> None:
    assert contact.email("Anna.Meier@EXAMPLE.com").address == "Anna.Meier@example.com"


def test_an_international_domain_and_its_ascii_form_are_the_same_address() -> None:
    assert contact.email("anna@münchen.de").key == contact.email("anna@xn--mnchen-3ya.de").key


@pytest.mark.parametrize(
    "typed", ["", "anna", "anna@", "@example.com", "anna@example", "a b@example.com", "Anna <anna@example.com>"]
)
def test_what_no_mail_can_be_sent_to_is_no_email(typed: str) -> None:
    with pytest.raises(NotAnAddress):
        contact.email(typed)


def test_a_reserved_test_domain_is_an_email_for_rehearsals() -> None:
    assert contact.email("anna@mail.test").address == "anna@mail.test"
