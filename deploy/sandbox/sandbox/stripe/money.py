"""What Stripe knows of currencies: their decimals, smallest charges, steps, and how it writes an amount."""

from sandbox.stripe.errors import StripeError, invalid

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
HUNDREDS = frozenset({"isk", "ugx"})
"""Zero-decimal in life, two-decimal for Stripe, in whole units."""
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
"""https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts; others are about half a dollar."""
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "$", "aud": "$", "nzd": "$", "hkd": "$", "sgd": "$"}


def decimals(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def written(amount: int, currency: str) -> str:
    """`€20.00`, `KWD 1.500`"""
    number = f"{amount / 10 ** decimals(currency):,.{decimals(currency)}f}"
    return f"{SYMBOLS[currency]}{number}" if currency in SYMBOLS else f"{currency.upper()} {number}"


def minimum(currency: str) -> int:
    default = 500 if currency in THREE_DECIMAL else 50
    return MINIMUM.get(currency, default)


def too_small(currency: str) -> StripeError:
    least = written(minimum(currency), currency)
    return invalid(
        f"The Checkout Session's total amount due must add up to at least {least} {currency}", code="amount_too_small"
    )


def check_step(amount: int, currency: str, param: str) -> None:
    """Three-decimal currencies go in tens of their smallest unit; ISK and UGX in hundreds."""
    step = 10 if currency in THREE_DECIMAL else 100 if currency in HUNDREDS else 1
    if amount % step:
        raise invalid(
            f"Invalid amount: {currency.upper()} amounts must be evenly divisible by {step}.",
            code="parameter_invalid_integer",
            param=param,
        )


def processing_fee(amount: int, currency: str) -> int:
    """About what Stripe takes of a European card: 1.5 % and a quarter, never more than the amount."""
    fixed = 0 if currency in ZERO_DECIMAL else 250 if currency in THREE_DECIMAL else 25
    return min(amount, round(amount * 0.015) + fixed)
