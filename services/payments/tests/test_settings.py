"""What an operator sets: wrong settings stop the start with a line that names them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chassis.settings import WrongSettings, read_settings
from payments.settings import Settings

GOOD = {
    "STORE_URL": "sqlite:////tmp/payments.db",
    "BROKER_URL": "memory://",
    "PUBLIC_URL": "http://127.0.0.1:8000/payments/",
    "SERVICE_JWT_SECRET": "s" * 32,
    "AUTH_JWT_SECRET": "s" * 32,
    "STRIPE_SECRET_KEY": "sk_test_1234",
    "STRIPE_WEBHOOK_SECRETS": "whsec_new,whsec_old",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_good_settings_are_typed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("APPLICATION_FEE_PERCENT", "2.5")
    environment.setenv("CONNECT_DASHBOARD", "full")
    settings = read_settings(Settings.read)
    assert settings.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert (settings.application_fee_percent, settings.connect_dashboard.value) == (Decimal("2.5"), "full")
    assert "sk_test" not in repr(settings)
    assert "whsec" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", None),
        ("STRIPE_WEBHOOK_SECRETS", None),
        ("CONNECT_DASHBOARD", "custom"),
        ("CHARGE_MODEL", "separate"),
        ("APPLICATION_FEE_PERCENT", "51"),
        ("PAYMENT_MINUTES", "0"),
        ("REFUND_WORKERS", "many"),
    ],
)
def test_a_wrong_one_is_named(environment: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    with pytest.raises(WrongSettings, match=name):
        read_settings(Settings.read)
