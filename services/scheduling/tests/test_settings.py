"""The environment is read once, and what is missing is named in one line."""

from __future__ import annotations

import pytest

from chassis.settings import WrongSettings, read_settings
from scheduling.settings import Settings

COMPLETE = {
    "STORE_URL": "sqlite:////tmp/store.sqlite3",
    "BROKER_URL": "memory://",
    "PUBLIC_URL": "http://localhost/scheduling",
    "SERVICE_JWT_SECRET": "s" * 32,
    "AUTH_JWT_SECRET": "a" * 32,
    "CLIENTS_URL": "http://clients/",
    "PAYMENTS_PUBLIC_URL": "http://pay/",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_addresses_end_without_a_slash(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings(Settings.read)
    assert (settings.clients_url, settings.payments_public_url) == ("http://clients", "http://pay")


def test_what_is_missing_is_named_in_one_line(environment: pytest.MonkeyPatch) -> None:
    for name in ("CLIENTS_URL", "PAYMENTS_PUBLIC_URL", "STORE_URL"):
        environment.delenv(name)
    with pytest.raises(WrongSettings) as wrong:
        read_settings(Settings.read)
    text = str(wrong.value)
    assert all(name in text for name in ("CLIENTS_URL", "PAYMENTS_PUBLIC_URL", "STORE_URL"))
    assert "\n" not in text


def test_deposits_of_a_series_are_asked_fourteen_days_ahead_unless_said_otherwise(
    environment: pytest.MonkeyPatch,
) -> None:
    assert read_settings(Settings.read).series_ask_days == 14
    environment.setenv("SERIES_ASK_DAYS", "30")
    assert read_settings(Settings.read).series_ask_days == 30
    environment.setenv("SERIES_ASK_DAYS", "-1")
    with pytest.raises(WrongSettings, match="SERIES_ASK_DAYS"):
        read_settings(Settings.read)


def test_the_console_is_nowhere_unless_it_is_said_where(environment: pytest.MonkeyPatch) -> None:
    assert read_settings(Settings.read).console_public_url is None
    environment.setenv("CONSOLE_PUBLIC_URL", "")
    assert read_settings(Settings.read).console_public_url is None
    environment.setenv("CONSOLE_PUBLIC_URL", "https://book.example/")
    assert read_settings(Settings.read).console_public_url == "https://book.example"
    environment.setenv("CONSOLE_PUBLIC_URL", "javascript:alert(1)")
    with pytest.raises(WrongSettings, match="CONSOLE_PUBLIC_URL"):
        read_settings(Settings.read)
