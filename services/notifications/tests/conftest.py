"""The service beside a sandbox, both behind a real server, on each store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cheroot.wsgi import PathInfoDispatcher, Server
from services.notifications.tests.driver import SECRET, Practice, StandingClock, account, client

from chassis.app import create_app
from chassis.service import CHASSIS_MIGRATIONS, migrate
from notifications import store
from notifications.operations.context import Notifications
from notifications.service import build
from notifications.settings import Settings
from sandbox.app import create_sandbox
from sandbox.settings import SandboxSettings
from support.backing import Schema

MakePractice = Callable[..., Practice]


@pytest.fixture(scope="session")
def schema() -> Schema:
    """What a store of this service holds before anything happens."""
    return CHASSIS_MIGRATIONS, Path(store.__file__).parent / "migrations"


@pytest.fixture
def make_practice(tmp_path: Path) -> Iterator[MakePractice]:
    """Makes a service on a store, which has heard of nothing yet; keyword arguments are settings."""
    ends: list[Callable[[], object]] = []

    def make(store_url: str, **settings: object) -> Practice:
        clock = StandingClock()
        lease_clock = StandingClock(moment=datetime.now(UTC))
        server = Server(("127.0.0.1", 0), _not_yet, numthreads=12)
        server.expiration_interval = 0.05
        server.prepare()
        url = f"http://127.0.0.1:{server.bind_addr[1]}"
        sandbox = create_sandbox(
            SandboxSettings(
                data_dir=tmp_path / "sandbox",
                public_url=f"{url}/sandbox",
                twilio_inbound_url=f"{url}/notifications/v1/webhooks/twilio",
                timeout_seconds=0.3,
            ),
            clock,
        )
        sandbox.start()
        service = build(
            Settings(
                **{
                    "store_url": store_url,
                    "broker_url": "memory://",
                    "public_url": f"{url}/notifications",
                    "service_jwt_secret": "another secret of the tests, also long enough",
                    "auth_jwt_secret": SECRET,
                    "store_pool_size": 30,
                    "smtp_url": f"smtp://127.0.0.1:{sandbox.smtp_port}",
                    "smtp_timeout": 5.0,
                    "mail_from": "bookings@timeblu.example",
                    "twilio_account_sid": sandbox.keys.twilio_account_sid,
                    "twilio_auth_token": sandbox.keys.twilio_auth_token,
                    "twilio_from": "+15005550006",
                    "twilio_api_base": f"{url}/sandbox/twilio",
                    "twilio_timeout": 2.0,
                    **settings,
                }  # type: ignore[arg-type]
            ),
            clock,
            lease_clock,
        )
        migrate(service)
        app = create_app(service)
        server.wsgi_app = PathInfoDispatcher({"/notifications": app, "/sandbox": sandbox.wsgi})  # type: ignore[no-untyped-call]
        threading.Thread(target=server.serve, daemon=True).start()
        context = Notifications(
            settings=service.settings,  # type: ignore[arg-type]
            clock=clock,
            store=service.store,
            outbox=service.outbox,
            wakeups=service.wakeups,
            real_clock=lease_clock,
        )
        ends.extend([server.stop, sandbox.stop, service.wakeups.close, service.store.close])
        return Practice(
            service=service,
            context=context,
            app=app,
            clock=clock,
            sandbox=sandbox,
            url=url,
            lease_clock=lease_clock,
        )

    yield make
    for end in ends:
        end()


@pytest.fixture
def practice(make_practice: MakePractice, store_url: str) -> Practice:
    """A practice on plan max whose one client has email and phone, on SQLite and once more on PostgreSQL."""
    made = make_practice(store_url)
    made.hear("account.created", account())
    made.hear("client.created", client())
    return made


def _not_yet(environ: object, start_response: object) -> list[bytes]:
    raise AssertionError("nothing is served yet")
