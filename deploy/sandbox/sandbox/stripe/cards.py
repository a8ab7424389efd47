"""Stripe's test cards (https://docs.stripe.com/testing) and what each of them does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Decline:
    """As Stripe tells it: `code` of the error, `decline_code` of the bank, what the payer reads."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """`refund`: how a refund to it goes: `succeeds`, `fails` (later), `pending` (first)."""

    brand: str = "visa"
    decline: Decline | None = None
    refund: str = "succeeds"
    disputed: bool = False


def _declined(decline_code: str, message: str, code: str = "card_declined") -> Card:
    return Card(decline=Decline(code=code, decline_code=decline_code, message=message))


GENERIC = "Your card was declined."
CARDS = {
    "4242424242424242": Card(),
    "4000056655665556": Card(),
    "5555555555554444": Card(brand="mastercard"),
    "378282246310005": Card(brand="amex"),
    "4000000000000077": Card(),
    "4000000000005126": Card(refund="fails"),
    "4000000000007726": Card(refund="pending"),
    "4000000000000259": Card(disputed=True),
    "4000000000000002": _declined("generic_decline", GENERIC),
    "4000000000009995": _declined("insufficient_funds", "Your card has insufficient funds."),
    "4000000000009987": _declined("lost_card", GENERIC),
    "4000000000009979": _declined("stolen_card", GENERIC),
    "4000000000000069": _declined("expired_card", "Your card has expired.", "expired_card"),
    "4000000000000127": _declined("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc"),
    "4000000000000119": _declined(
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "processing_error",
    ),
}
NOT_A_TEST_CARD = _declined(
    "test_mode_live_card", "Your card was declined. Your request was in test mode, but used a non test card."
)


def card_for(number: str) -> Card | None:
    """The card of a number typed with or without spaces and dashes; None: no card number at all."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isascii() or not digits.isdecimal() or not 12 <= len(digits) <= 19 or not _luhn(digits):
        return None
    return CARDS.get(digits, NOT_A_TEST_CARD)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
