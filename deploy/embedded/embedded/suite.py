"""The whole suite in one process: four services behind path prefixes, the broker in memory, the outside in the sandbox."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from environs import Env
from kombu.transport.memory import Channel
from peewee import PeeweeException
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import clients.service
import clients.settings
import notifications.service
import notifications.settings
import payments.service
import payments.settings
import scheduling.service
import scheduling.settings
from chassis.app import create_app
from chassis.clock import Clock
from chassis.consumer import EventConsumer
from chassis.http_server import HttpServer
from chassis.jobs import Job, JobRunner
from chassis.processes import housekeeping
from chassis.relay import Relay
from chassis.service import Service, migrate
from chassis.settings import ServiceSettings, WrongSettings, read_settings
from chassis.store import StoreDown
from chassis.worker import QueueWorker
from contracts.registry import SERVICES
from embedded import secrets_file
from embedded.console import ConsoleSettings, WrongConsole, console_blueprint, is_console_page
from embedded.console_build import Build
from embedded.delivered import Delivered
from embedded.demo_sign_in import sign_in_blueprint
from embedded.front import PLACES, create_front
from embedded.passing import Interrupted, Source, Way
from embedded.secrets_file import Secrets
from sandbox.app import Sandbox, create_sandbox
from sandbox.clock import SandboxClock
from sandbox.settings import SandboxSettings

log = logging.getLogger(__name__)

S = TypeVar("S", bound=ServiceSettings)

_THREADS, _INSIDE_THREADS = 24, 12
_POOL = 12
_SENDERS_AT_ONCE = 4
_LOOK_SECONDS = 0.01
_LOOKS_IN_A_ROW = 3
_READY_SECONDS = 30.0
_KEEP_MARKS_SECONDS = 2.0
# An event that no consumer has, although everything was idle at so many looks in a row, is lost in the broker.
_LOOKS_UNTIL_LOST = 5
# How long a stop takes at most: what is then still under way ends as a kill would end it, and is made good at the next start.
_REQUESTS_SECONDS, _REST_SECONDS, _STOP_SECONDS = 3.0, 2.0, 9.0


class CannotStart(Exception):
    """One line that says what is in the way."""


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

    def __init__(
        self, *, data_dir: Path, host: str, port: int, stopping: threading.Event, console: Path | None = None
    ) -> None:
        """`port` 0 chooses a free one. `stopping` is set by whoever wants the suite to end, also while it starts. `console` is where the
        sources of the console are that is built and served."""
        self.data_dir = data_dir
        self.port = port
        self._host = host
        self._front = create_front(lambda: self.ready)
        self._app: Any = self._front
        self._console = Build(console, data_dir / "console-build.log") if console else None
        self._relays: list[Relay] = []
        self._consumers: list[EventConsumer] = []
        self._workers: list[QueueWorker] = []
        self._runners: list[JobRunner] = []
        self._jobs: list[Job] = []
        self.services: Sequence[Service] = ()
        self._stopping = stopping
        self._advancing, self._looking = threading.Lock(), threading.Lock()
        self._started: list[_Part] = []
        # What a stop calls, in this order; the parts end after the door.
        self._door: list[Callable[[], None]] = []
        self._behind: list[Callable[[], None]] = []
        self._stores: list[Callable[[], None]] = []

    @property
    def ready(self) -> bool:
        """Whether everything answers and every event that is published is taken."""
        ready = [role.ready for roles in (self._consumers, self._workers, self._relays) for role in roles]
        return bool(ready) and all(ready) and not self._stopping.is_set()

    def start(self) -> None:
        """Bring the stores up to date, start every part, and return once all are ready. `stop` is called in any case.

        Raises:
            CannotStart: with what is in the way.
        """
        try:
            self._open()
            if not self._stopping.is_set():
                self._start_parts()
        except (StoreDown, PeeweeException, sqlite3.Error, OSError) as error:
            raise CannotStart(f"{self.data_dir}: {error}") from error
        deadline = time.monotonic() + _READY_SECONDS
        while not self.ready and not self._stopping.is_set():
            if time.monotonic() > deadline:
                raise CannotStart(f"not every part was ready within {_READY_SECONDS:.0f} seconds, see the log")
            time.sleep(_LOOK_SECONDS)

    def build_console(self) -> None:
        """Build the console where it is not built yet; called once the suite is ready, which it must not hold up."""
        if self._console:
            self._console.go()

    def stop(self) -> bool:
        """Answer what was asked and finish what was begun, within seconds; False where something had to be left under way."""
        self._stopping.set()
        deadline = time.monotonic() + _STOP_SECONDS
        bringing = [part.stop for part in self._started if isinstance(part, JobRunner | Relay)]
        taking = [part.stop for part in self._started if isinstance(part, EventConsumer | QueueWorker)]
        rest = [self._rest] if self._started else []
        clean = True
        for side_by_side in (self._door, rest, bringing, taking, self._behind, self._stores):
            clean &= _all_within(deadline, side_by_side)
        return clean

    def advance(self, seconds: float) -> datetime:
        """Let time pass, stopping at each moment on the way at which something falls due, so that it happens at its time."""
        way = Way(now=self.clock.now, move_to=self._move_to, settle=self._settle, interrupted=self._stopping.is_set)
        with self._advancing:
            try:
                return way.go(seconds, self._sources())
            except Interrupted:
                raise ServiceUnavailable("the suite is ending") from None

    # --- starting -----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Take the data directory and the port, and build what stands on them."""
        self._lock = _lock(self.data_dir)
        self.secrets = secrets_file.load_or_make(self.data_dir)
        if self._console:
            self._open_console(self._console)
        outside = HttpServer(
            self._dispatch, host=self._host, port=self.port, threads=_THREADS, patience=_REQUESTS_SECONDS
        )
        try:
            outside.start()
        except OSError as error:
            # cheroot's text: "No socket could be created -- (address: [Errno 98] Address already in use)"
            reason = str(error).rpartition("] ")[2].rstrip(")")
            raise CannotStart(f"cannot listen on {self._host} port {self.port}: {reason}") from error
        self._door.append(outside.stop)
        self.port = outside.port
        # The suite's parts call each other on a listener of their own: however many callers wait outside, those calls are served.
        inside = HttpServer(
            self._dispatch, host="127.0.0.1", port=0, threads=_INSIDE_THREADS, patience=_REQUESTS_SECONDS
        )
        inside.start()
        self._behind.append(inside.stop)
        self.addresses = Addresses(
            outside=f"http://{_shown(self._host)}:{outside.port}", inside=f"http://127.0.0.1:{inside.port}"
        )
        self.clock = SandboxClock.at(self.data_dir / "sandbox")
        self.sandbox: Sandbox = create_sandbox(
            _sandbox_settings(self.data_dir, self.addresses), clock=self.clock, advance=self.advance
        )
        self.sandbox.start()
        self._behind.append(self.sandbox.stop)
        told = {**os.environ, "CONSOLE_PUBLIC_URL": self.addresses.outside} if self._console else os.environ
        services = build_services(self.data_dir, self.addresses, self.secrets, self.sandbox, self.clock, told)
        for service in services:
            self._stores += [service.wakeups.close, service.store.close]
            try:
                migrate(service)
            except (PeeweeException, StoreDown) as error:
                raise CannotStart(f"{service.settings.store_url.removeprefix('sqlite:///')}: {error}") from error
        self._delivered = Delivered(self.data_dir / "drained.json", services)
        self._delivered.republish()
        self.services = services

    def _open_console(self, build: Build) -> None:
        try:
            settings = ConsoleSettings.read(os.environ)
        except WrongConsole as error:
            raise CannotStart(str(error)) from None
        served = [console_blueprint(build, settings, ready=lambda: self.ready, places=PLACES)]
        if settings.demo:
            served.append(sign_in_blueprint(lambda: self.secrets.auth_jwt_secret))
        self._front = self._app = create_front(lambda: self.ready, served)
        self._door.append(build.stop)
        build.start()

    def _start_parts(self) -> None:
        for service in self.services:
            consumer = EventConsumer(service)
            jobs = [*service.jobs(), *housekeeping(service), consumer.inbox.retries()]
            self._jobs += jobs
            self._relays.append(Relay(service))
            self._consumers.append(consumer)
            self._runners.append(JobRunner(jobs, service.wakeups, service.metrics))
            self._workers += [QueueWorker(service, worker, _SENDERS_AT_ONCE) for worker in service.workers().values()]
        apps: dict[str, Any] = {f"/{service.name}": create_app(service) for service in self.services}
        self._app = DispatcherMiddleware(self._front, {**apps, "/sandbox": self.sandbox.wsgi})
        parts: list[_Part] = [*self._consumers, *self._workers, *self._relays, *self._runners]
        for part in parts:
            part.start()
            self._started.append(part)
        threading.Thread(target=self._keep_marks_forever, name="marks", daemon=True).start()

    def _dispatch(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self._console and is_console_page(environ.get("PATH_INFO", "")):
            return self._front(environ, start_response)
        return self._app(environ, start_response)

    # --- time, and rest -----------------------------------------------------------------------------------------

    def _sources(self) -> list[Source]:
        return [
            *(Source(next_due=job.next_due) for job in self._jobs if job.next_due is not None),
            Source(next_due=self.sandbox.next_due),
        ]

    def _move_to(self, moment: datetime) -> None:
        self.clock.advance(max((moment - self.clock.now()).total_seconds(), 0.0))
        self.sandbox.run_due()

    def _settle(self, seconds: float) -> bool:
        """Have every job look at the clock, then wait until nothing is under way; False where that took too long."""
        for runner in self._runners:
            runner.wake()
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < _LOOKS_IN_A_ROW:
            if self._stopping.is_set():
                return False
            if time.monotonic() > deadline:
                log.warning("the suite did not come to rest within %.1f seconds", seconds)
                return False
            time.sleep(_LOOK_SECONDS)
            quiet = quiet + 1 if self._at_rest() else 0
        return True

    def _rest(self) -> None:
        """Come to rest for good, if that does not take long, and note how far events have arrived."""
        deadline = time.monotonic() + _REST_SECONDS
        while time.monotonic() < deadline and not self._at_rest():
            time.sleep(_LOOK_SECONDS)
        with self._looking:
            self._delivered.move()
            self._delivered.keep()

    def _at_rest(self) -> bool:
        """Whether events, jobs, senders and webhooks are all through."""
        return self.sandbox.idle() and self._nothing_in_hand() and not self._held_up()

    def _nothing_in_hand(self) -> bool:
        return all(part.idle for part in self._started) and not any(
            queue.qsize() for name, queue in list(Channel.queues.items()) if not name.endswith(".dead")
        )

    def _held_up(self) -> dict[str, str]:
        with self._looking:
            return self._delivered.move()

    def _keep_marks_forever(self) -> None:
        """Note how far events have arrived, so that little is published again after a kill; see to those that do not arrive."""
        looks, last = 0, dict[str, str]()
        while not self._stopping.wait(_KEEP_MARKS_SECONDS):
            try:
                held_up = self._held_up()
                with self._looking:
                    self._delivered.keep()
                looks = looks + 1 if held_up and held_up == last and self._nothing_in_hand() else 0
                last = held_up
                if looks == _LOOKS_UNTIL_LOST:
                    for name in held_up:
                        self._delivered.republish_lost(name)
            except Exception:
                log.exception("the marks are not kept, more is published again at the next start")


def _all_within(deadline: float, steps: Sequence[Callable[[], None]]) -> bool:
    """Run `steps` side by side; False where one failed or was not through at the deadline."""
    through = []

    def run(step: Callable[[], None]) -> None:
        try:
            step()
            through.append(step)
        except Exception:
            log.exception("a part did not end cleanly")

    threads = [threading.Thread(target=run, args=(step,), name="stop", daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
    return len(through) == len(steps)


def _lock(data_dir: Path) -> IO[str]:
    """The data directory, made if need be, for this process alone."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (data_dir / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise CannotStart(f"{data_dir} is in use by another suite: end that one, or choose another DATA_DIR") from None
    return file


def _shown(host: str) -> str:
    """The host as it stands in an address that works on this machine."""
    if host in {"", "0.0.0.0", "::"}:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def build_services(
    data_dir: Path,
    addresses: Addresses,
    secrets: Secrets,
    sandbox: Sandbox,
    clock: Clock,
    environment: Mapping[str, str] = os.environ,
) -> Sequence[Service]:
    """The four services on SQLite and the memory broker, each with the settings that its own process would read from the environment;
    real keys there replace the sandbox's.

    Raises:
        CannotStart: a setting is wrong, or a real key comes without what goes with it.
    """
    for given, needed in (("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"), ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")):
        if environment.get(given) and not environment.get(needed):
            raise CannotStart(f"{given} is set: {needed} is needed as well")

    stripe, twilio = environment.get("STRIPE_SECRET_KEY"), environment.get("TWILIO_ACCOUNT_SID")
    outside = {
        "SMTP_URL": environment.get("SMTP_URL") or f"smtp://127.0.0.1:{sandbox.smtp_port}",
        "MAIL_FROM": environment.get("MAIL_FROM") or "bookings@timeblu.example",
        "TWILIO_FROM": environment.get("TWILIO_FROM") or "+15005550006",
    }
    if not stripe:
        outside |= {
            "STRIPE_SECRET_KEY": sandbox.keys.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRETS": sandbox.keys.stripe_webhook_secret,
            "STRIPE_API_BASE": f"{addresses.inside}/sandbox/stripe",
        }
    if not twilio:
        outside |= {
            "TWILIO_ACCOUNT_SID": sandbox.keys.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": sandbox.keys.twilio_auth_token,
            "TWILIO_API_BASE": f"{addresses.inside}/sandbox/twilio",
        }
    own = {
        "BROKER_URL": "memory://",
        "AUTH_JWT_SECRET": secrets.auth_jwt_secret,
        "AUTH_JWKS_URL": environment.get("AUTH_JWKS_URL", ""),
        "SERVICE_JWT_SECRET": secrets.service_jwt_secret,
        "STORE_POOL_SIZE": str(_POOL),
        **{f"{name.upper()}_URL": addresses.internal(name) for name in SERVICES},
        **{f"{name.upper()}_PUBLIC_URL": addresses.public(name) for name in SERVICES},
    }

    def built(name: str, read: Callable[[Env], S], build: Callable[[S, Clock], Service]) -> Service:
        store_url = f"sqlite:///{data_dir.resolve() / name}.db"
        told = {**environment, **outside, **own, "STORE_URL": store_url, "PUBLIC_URL": addresses.public(name)}
        try:
            return build(read_settings(read, told), clock)
        except WrongSettings as error:
            raise CannotStart(str(error)) from None

    return [
        built("scheduling", scheduling.settings.Settings.read, scheduling.service.build),
        built("clients", clients.settings.Settings.read, clients.service.build),
        built("payments", payments.settings.Settings.read, payments.service.build),
        built("notifications", notifications.settings.Settings.read, notifications.service.build),
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
