"""The whole suite in one process: four services behind path prefixes, the broker in memory, the outside in the sandbox."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

from kombu.transport.memory import Channel
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import clients.service
import clients.settings
import notifications.service
import notifications.settings
import payments.service
import payments.settings
import scheduling.service
import scheduling.settings
from chassis import outbox
from chassis.clock import Clock
from chassis.consumer import EventConsumer
from chassis.http_server import HttpServer
from chassis.jobs import Job, JobRunner
from chassis.processes import housekeeping
from chassis.relay import Relay
from chassis.service import Service, migrate
from chassis.web import create_app
from chassis.worker import QueueWorker
from embedded import secrets_file
from embedded.front import create_front
from embedded.secrets_file import Secrets
from sandbox.app import Sandbox, create_sandbox
from sandbox.clock import SandboxClock
from sandbox.settings import SandboxSettings

log = logging.getLogger(__name__)

_TWILIO = "https://api.twilio.com"
_THREADS, _INSIDE_THREADS = 24, 12
_POOL = 12
_SENDERS_AT_ONCE = 4
_LOOK_SECONDS = 0.02
_LOOKS_IN_A_ROW = 3
_SETTLE_SECONDS = 30.0
_CHECKPOINT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the suite is reached: by people and callers, and by its own parts."""

    outside: str
    inside: str

    def public(self, name: str) -> str:
        return f"{self.outside}/{name}"

    def internal(self, name: str) -> str:
        return f"{self.inside}/{name}"


class _Part(Protocol):
    """Something with threads of its own that knows when it has nothing to do."""

    @property
    def idle(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Suite:
    """Everything, started and stopped together. What is in memory alone is made good from the stores at the next start."""

    def __init__(self, *, data_dir: Path, host: str, port: int) -> None:
        self.data_dir = data_dir
        self._app: Any = create_front("The suite is starting.")
        self.secrets = secrets_file.load_or_make(data_dir)
        self._lock = _lock(data_dir)
        self.clock = SandboxClock.at(data_dir / "sandbox")
        # The suite's parts call each other on a listener of their own: however many callers wait outside, those calls are served.
        self._inside = HttpServer(self._dispatch, host="127.0.0.1", port=0, threads=_INSIDE_THREADS)
        self._outside = HttpServer(self._dispatch, host=host, port=port, threads=_THREADS)
        self._inside.start()
        self._outside.start()
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", "localhost"} else host
        self.addresses = Addresses(
            outside=f"http://{shown}:{self._outside.port}", inside=f"http://127.0.0.1:{self._inside.port}"
        )
        self.sandbox: Sandbox = create_sandbox(
            _sandbox_settings(data_dir, self.addresses), clock=self.clock, advance=self.advance
        )
        self.sandbox.start()
        self.services = build_services(data_dir, self.addresses, self.secrets, self.sandbox, self.clock)
        self._relays: list[Relay] = []
        self._consumers: list[EventConsumer] = []
        self._workers: list[QueueWorker] = []
        self._jobs: list[Job] = []
        self._runners: list[JobRunner] = []
        self._stopping = threading.Event()
        self._advancing = threading.Lock()
        self._checkpoints = threading.Thread(target=self._checkpoint_forever, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Bring the stores up to date, start every part, and answer."""
        for service in self.services:
            migrate(service)
        self._republish()
        for service in self.services:
            consumer = EventConsumer(service)
            runner = JobRunner(
                [*service.jobs(), *housekeeping(service), consumer.inbox.retries()], service.wakeups, service.metrics
            )
            self._jobs += [*service.jobs(), consumer.inbox.retries()]
            self._relays.append(Relay(service))
            self._consumers.append(consumer)
            self._runners.append(runner)
            self._workers += [QueueWorker(service, worker, _SENDERS_AT_ONCE) for worker in service.workers().values()]
        apps: dict[str, Any] = {f"/{service.name}": create_app(service) for service in self.services}
        self._app = DispatcherMiddleware(create_front(""), {**apps, "/sandbox": self.sandbox.wsgi})
        for part in self._parts:
            part.start()
        self._checkpoints.start()

    def stop(self) -> None:
        """Answer what was asked, finish what was begun, and note what the broker had delivered."""
        self._stopping.set()
        self._outside.stop()
        self._settle(seconds=5)
        self._checkpoint()
        for part in reversed(self._parts):
            part.stop()
        self.sandbox.stop()
        self._inside.stop()
        for service in self.services:
            service.wakeups.close()
            service.store.close()

    def advance(self, seconds: float) -> datetime:
        """Let time pass, stopping at each moment on the way at which something falls due, so that it happens at its time."""
        with self._advancing:
            end = self.clock.now() + timedelta(seconds=seconds)
            self._settle()
            while (moment := self._next_due()) is not None and moment <= end:
                self._move_to(moment)
                self._settle()
            self._move_to(end)
            self._settle()
            return self.clock.now()

    @property
    def _parts(self) -> list[_Part]:
        return [*self._consumers, *self._workers, *self._relays, *self._runners]

    def _dispatch(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._app(environ, start_response)

    def _move_to(self, moment: datetime) -> None:
        self.clock.advance(max((moment - self.clock.now()).total_seconds(), 0.0))
        self.sandbox.run_due()

    def _next_due(self) -> datetime | None:
        """The next moment that lies ahead; what was due before and is still there waits for something else than time."""
        now = self.clock.now()
        moments = [job.next_due() for job in self._jobs if job.next_due is not None]
        ahead = [moment for moment in (*moments, self.sandbox.next_due()) if moment is not None and moment > now]
        return min(ahead, default=None)

    def _settle(self, seconds: float = _SETTLE_SECONDS) -> bool:
        """Wait until nothing is under way: events, jobs, senders, webhooks; False where that took too long."""
        for runner in self._runners:
            runner.wake()
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < _LOOKS_IN_A_ROW:
            if time.monotonic() > deadline:
                log.warning("the suite did not come to rest within %.0f seconds", seconds)
                return False
            time.sleep(_LOOK_SECONDS)
            quiet = quiet + 1 if self._at_rest() else 0
        return True

    def _at_rest(self) -> bool:
        return self.sandbox.idle() and all(part.idle for part in self._parts) and self._delivered()

    def _delivered(self) -> bool:
        """Whether the broker holds nothing and the outboxes are empty."""
        if any(queue.qsize() for name, queue in Channel.queues.items() if not name.endswith(".dead")):
            return False
        for service in self.services:
            with service.store.reading():
                unpublished, _ = outbox.backlog(service.store, service.clock.now())
            if unpublished:
                return False
        return True

    # --- the memory broker forgets; the stores do not ---------------------------------------------------------------

    def _republish(self) -> None:
        """Publish again what the broker may have forgotten: every event since it was last seen empty. Inboxes ignore repeats."""
        drained = self._drained()
        for service in self.services:
            repeated = outbox.republish_after(service.store, drained.get(service.name, ""))
            if repeated:
                log.info("%d events of %s since the last clean drain are published again", repeated, service.name)

    def _checkpoint_forever(self) -> None:
        while not self._stopping.wait(_CHECKPOINT_SECONDS):
            try:
                self._checkpoint()
            except Exception:
                log.exception("the checkpoint failed, more is published again at the next start")

    def _checkpoint(self) -> None:
        """Note the newest event of each outbox, where all of them were delivered and handled."""
        newest = {service.name: outbox.newest_id(service.store) for service in self.services}
        # Looked at after the ids were read: what is younger is not covered, what is older was seen to be through.
        through = self._in_transit_idle() and self._delivered() and self._in_transit_idle()
        if not through or newest == self._drained():
            return
        temporary = self.data_dir / "drained.json.new"
        temporary.write_text(json.dumps(newest))
        temporary.replace(self.data_dir / "drained.json")

    def _in_transit_idle(self) -> bool:
        """Whether no event is on its way; jobs may be at work."""
        return all(part.idle for part in self._parts if not isinstance(part, JobRunner))

    def _drained(self) -> dict[str, str]:
        try:
            drained: dict[str, str] = json.loads((self.data_dir / "drained.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return drained


def _lock(data_dir: Path) -> IO[str]:
    """The data directory for this process alone; raises OSError where another suite runs on it."""
    file = (data_dir / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OSError(f"{data_dir} is in use by another suite") from None
    return file


def build_services(
    data_dir: Path,
    addresses: Addresses,
    secrets: Secrets,
    sandbox: Sandbox,
    clock: Clock,
    environment: Mapping[str, str] = os.environ,
) -> Sequence[Service]:
    """The four services on SQLite and the memory broker; real keys in the environment replace the sandbox's."""

    def common(name: str) -> dict[str, Any]:
        return {
            "store_url": f"sqlite:///{data_dir.resolve() / name}.db",
            "broker_url": "memory://",
            "public_url": addresses.public(name),
            "auth_jwt_secret": secrets.auth_jwt_secret,
            "service_jwt_secret": secrets.service_jwt_secret,
            "store_pool_size": _POOL,
            **{
                f"{peer}_url": addresses.internal(peer)
                for peer in ("scheduling", "clients", "payments", "notifications")
            },
            **{f"{peer}_public_url": addresses.public(peer) for peer in ("scheduling", "payments", "notifications")},
        }

    stripe_key = environment.get("STRIPE_SECRET_KEY")
    twilio_sid = environment.get("TWILIO_ACCOUNT_SID")
    return [
        scheduling.service.build(scheduling.settings.Settings(**common("scheduling")), clock),
        clients.service.build(clients.settings.Settings(**common("clients")), clock),
        payments.service.build(
            payments.settings.Settings(
                **common("payments"),
                stripe_secret_key=stripe_key or sandbox.keys.stripe_secret_key,
                stripe_api_base=None if stripe_key else f"{addresses.inside}/sandbox/stripe",
                stripe_webhook_secrets=tuple(environment.get("STRIPE_WEBHOOK_SECRETS", "").split(","))
                if stripe_key
                else (sandbox.keys.stripe_webhook_secret,),
            ),
            clock,
        ),
        notifications.service.build(
            notifications.settings.Settings(
                **common("notifications"),
                smtp_url=environment.get("SMTP_URL") or f"smtp://127.0.0.1:{sandbox.smtp_port}",
                mail_from=environment.get("MAIL_FROM", "bookings@timeblu.example"),
                twilio_account_sid=twilio_sid or sandbox.keys.twilio_account_sid,
                twilio_auth_token=environment.get("TWILIO_AUTH_TOKEN", "")
                if twilio_sid
                else sandbox.keys.twilio_auth_token,
                twilio_api_base=_TWILIO if twilio_sid else f"{addresses.inside}/sandbox/twilio",
                twilio_from=environment.get("TWILIO_FROM", "+15005550006"),
            ),
            clock,
        ),
    ]


def _sandbox_settings(data_dir: Path, addresses: Addresses) -> SandboxSettings:
    return SandboxSettings(
        data_dir=data_dir / "sandbox",
        public_url=addresses.public("sandbox"),
        stripe_webhook_urls=[f"{addresses.public('payments')}/v1/webhooks/stripe"],
        twilio_inbound_url=f"{addresses.public('notifications')}/v1/webhooks/twilio",
        # Signatures are made for the outside address; the calls go to the listener that is the suite's own.
        rewrites={addresses.outside: addresses.inside},
    )
