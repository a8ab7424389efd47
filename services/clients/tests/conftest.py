"""The service on each store, an account that it knows, and a provider who calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite, build_suite

from chassis.service import CHASSIS_MIGRATIONS
from clients import store
from support.backing import Schema


@pytest.fixture(scope="session")
def schema() -> Schema:
    """What a store of this service holds before anything happens."""
    return CHASSIS_MIGRATIONS, Path(store.__file__).parent / "migrations"


@pytest.fixture
def suite(store_url: str) -> Iterator[Suite]:
    """The service on SQLite and, once more, on PostgreSQL."""
    built = build_suite(store_url)
    yield built
    built.service.store.close()


@pytest.fixture
def provider(suite: Suite) -> Caller:
    """Somebody of an account on plan max in Germany."""
    suite.account("acc_one")
    return suite.caller("acc_one")


@pytest.fixture
def stranger(suite: Suite) -> Caller:
    """Somebody of another account."""
    suite.account("acc_two")
    return suite.caller("acc_two")


@pytest.fixture
def session_data() -> Callable[..., dict[str, Any]]:
    """Makes the data of a session's event."""

    def make(id_: str, client_id: str, **others: Any) -> dict[str, Any]:
        starts_at = others.pop("starts_at", datetime(2026, 3, 2, 9, tzinfo=UTC))
        return {
            "id": id_,
            "account_id": "acc_one",
            "version": 1,
            "client_id": client_id,
            "service_id": "svc_1",
            "service_name": "Coaching",
            "calendar_id": "cal_1",
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=1),
            "duration_minutes": 60,
            "timezone": "Europe/Berlin",
            "status": "confirmed",
            "notes": "",
            "client_message": "",
            "price": None,
            "deposit": None,
            "payment_url": None,
            "manage_url": None,
            "source": "manual",
            "series_id": None,
            "auto_confirm_at": None,
            "cancellations": [],
            "created_at": starts_at,
            "updated_at": starts_at,
            **others,
        }

    return make


@pytest.fixture
def deposit_data() -> Callable[..., dict[str, Any]]:
    """Makes the data of a deposit's event."""

    def make(id_: str, session_id: str, client_id: str, **others: Any) -> dict[str, Any]:
        return {
            "id": id_,
            "account_id": "acc_one",
            "version": 1,
            "session_id": session_id,
            "client_id": client_id,
            "status": "paid",
            "reason": None,
            "amount": 2000,
            "held_amount": 2000,
            "due_amount": 0,
            "refunded_amount": 0,
            "currency": "EUR",
            "payment_url": None,
            **others,
        }

    return make
