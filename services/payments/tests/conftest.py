"""The service on a store of its own, behind a real server, beside the sandbox's Stripe behind another."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cheroot.wsgi import Server
from services.payments.tests.practice import SECRET, Practice, SuiteClock

from chassis.app import create_app
from chassis.service import CHASSIS_MIGRATIONS, migrate
from payments import store
from payments.service import build
from payments.settings import Settings
from sandbox.app import create_sandbox
from sandbox.settings import SandboxSettings
from support.backing import Schema

Open = Callable[..., Practice]


@pytest.fixture(scope="session")
def schema() -> Schema:
    """What a store of this service holds before anything happens."""
    return CHASSIS_MIGRATIONS, Path(store.__file__).parent / "migrations"


@contextlib.contextmanager
def _serving(server: Server, wsgi: Any) -> Iterator[None]:
    server.wsgi_app = wsgi
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(timeout=10)


def _server() -> Server:
    server = Server(("127.0.0.1", 0), None, numthreads=16)
    server.expiration_interval = 0.05  # how soon it notices that it is to stop
    server.prepare()
    return server


@contextlib.contextmanager
def open_practice(
    store_url: str,
    place: Path,
    *,
    stripe_sleeps: float = 0.2,
    refunds_wait_for_money: bool = True,
    refundable_for: float | None = None,
    **settings: Any,
) -> Iterator[Practice]:
    """A practice on `store_url`; nothing is known to it yet."""
    stripe_server, own_server = _server(), _server()
    sandbox_url = f"http://127.0.0.1:{stripe_server.bind_addr[1]}"
    own_url = f"http://127.0.0.1:{own_server.bind_addr[1]}"
    clock = SuiteClock()
    sandbox = create_sandbox(
        SandboxSettings(
            data_dir=place / "sandbox",
            public_url=sandbox_url,
            stripe_webhook_urls=[f"{own_url}/v1/webhooks/stripe"],
            refund_settles_after=3600.0,
            refund_fails_after=3600.0,
            timeout_seconds=stripe_sleeps,
            refunds_wait_for_money=refunds_wait_for_money,
            refundable_for=refundable_for,
        ),
        clock=clock,
    )
    service = build(
        Settings(
            **{
                "store_url": store_url,
                "broker_url": "memory://",
                "public_url": own_url,
                "service_jwt_secret": SECRET,
                "auth_jwt_secret": SECRET,
                "stripe_secret_key": sandbox.keys.stripe_secret_key,
                "stripe_api_base": f"{sandbox_url}/stripe",
                "stripe_webhook_secrets": ("whsec_an_old_one", sandbox.keys.stripe_webhook_secret),
            }
            | settings
        ),
        clock,
    )
    migrate(service)
    app = create_app(service)
    with _serving(stripe_server, sandbox.wsgi), _serving(own_server, app):
        sandbox.start()
        try:
            yield Practice(
                service=service, http=app.test_client(), clock=clock, sandbox=sandbox, sandbox_url=sandbox_url
            )
        finally:
            sandbox.stop()
            service.wakeups.close()
            service.store.close()


@pytest.fixture
def opened(sqlite_url: str, tmp_path: Path) -> Iterator[Open]:
    """Opens a practice with settings of its own."""
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(open_practice(sqlite_url, tmp_path, **settings))


@pytest.fixture
def stranger(sqlite_url: str, tmp_path: Path) -> Iterator[Practice]:
    """A practice whose account and client are known here, and which is not connected to Stripe."""
    with open_practice(sqlite_url, tmp_path) as practice:
        practice.introduce()
        yield practice


@pytest.fixture
def practice(stranger: Practice) -> Practice:
    """A practice that takes deposits."""
    stranger.connect()
    return stranger


@pytest.fixture
def on_both_stores(store_url: str, tmp_path: Path) -> Iterator[Practice]:
    """A practice that takes deposits, on each store in turn: for what the database itself has to hold."""
    with open_practice(store_url, tmp_path) as practice:
        practice.introduce()
        practice.connect()
        yield practice
