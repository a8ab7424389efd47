"""Where the sandbox's parts meet: settings in, one WSGI application and its threads out."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request

from sandbox.clock import Clock, SandboxClock
from sandbox.dashboard import Dashboard
from sandbox.delivery import Deliveries
from sandbox.faults import ConnectionDropped, Faults
from sandbox.mailbox import Mailbox, Receiver, SmtpServer
from sandbox.secrets_file import Keys, load_keys
from sandbox.settings import SandboxSettings
from sandbox.store import Store
from sandbox.stripe import due, events
from sandbox.stripe.api import StripeApi
from sandbox.stripe.pages import StripePages
from sandbox.stripe.world import World
from sandbox.twilio.api import TwilioApi
from sandbox.twilio.messages import Messages

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks at what has fallen due."""
PRUNE_EVERY = 3600.0
_DROPPED = "sandbox.dropped"


class Sandbox:
    """`wsgi` may be served before `start`; webhooks, mail and what falls due need it started."""

    def __init__(
        self, *, wsgi: WSGIApplication, world: World, smtp: SmtpServer, faults: Faults, mailbox: Mailbox
    ) -> None:
        self.wsgi = wsgi
        self.keys: Keys = world.keys
        self.clock: Clock = world.clock
        self.faults = faults
        self.mailbox = mailbox
        self._world = world
        self._smtp = smtp
        self._stop = threading.Event()
        self._timer: threading.Thread | None = None

    @property
    def smtp_port(self) -> int:
        """The port mail is taken on, once started."""
        return self._smtp.port

    def start(self) -> None:
        self._stop.clear()
        self._smtp.start()
        self._world.deliveries.start()
        self._timer = threading.Thread(target=self._watch_time, name="sandbox-due", daemon=True)
        self._timer.start()

    def stop(self) -> None:
        """Finishes what is under way. What still waits is in the store and goes out after the next start."""
        self._stop.set()
        self._smtp.stop()
        self._world.deliveries.stop()
        if self._timer is not None:
            self._timer.join(timeout=10)
        self._world.store.close()

    def idle(self) -> bool:
        """Nothing is being delivered or about to be: webhooks, status callbacks, texts back. What is held back, and
        what waits long because its receiver is gone, does not count."""
        return self._world.deliveries.idle()

    def next_due(self) -> datetime | None:
        """When, by the suite's clock, the sandbox itself is next to do something; a time gone by means at once."""
        return due.next_due(self._world)

    def run_due(self) -> int:
        """Does what has fallen due: ends Checkout pages, settles refunds, decides disputes. Returns how many."""
        return due.run_due(self._world)

    def _watch_time(self) -> None:
        waited = PRUNE_EVERY
        while not self._stop.is_set():
            try:
                if waited >= PRUNE_EVERY:
                    due.prune(self._world)
                    waited = 0.0
                due.run_due(self._world)
                pause = due.wait_seconds(self._world, LOOK_EVERY) or 0.01
            except Exception:
                log.exception("what fell due could not be done")
                pause = LOOK_EVERY
            waited += pause
            self._stop.wait(pause)


def create_sandbox(
    settings: SandboxSettings, clock: Clock | None = None, advance: Callable[[float], datetime] | None = None
) -> Sandbox:
    """The whole sandbox, its routes rooted at `/`.

    `clock`: the suite's, its own (kept in the store) without. `advance`: what `POST /clock` calls to move the whole suite;
    without it the sandbox's clock alone moves, and what falls due on the way is done before the answer.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(settings.data_dir / "sandbox.sqlite3")
    keys, faults = load_keys(settings), Faults(store)
    clock = clock or SandboxClock(store)
    deliveries = Deliveries(store, settings.rewrites)
    world = World(settings=settings, keys=keys, store=store, clock=clock, deliveries=deliveries)
    deliveries.register(events.CHANNEL, events.preparing(world))
    messages = Messages(settings=settings, keys=keys, store=store, clock=clock, deliveries=deliveries)
    mailbox = Mailbox(store=store)
    smtp = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        store=store,
        receiver=Receiver(mailbox, faults, settings.timeout_seconds),
    )
    dashboard = Dashboard(
        world=world,
        faults=faults,
        mailbox=mailbox,
        messages=messages,
        clock=clock,
        advance=advance or (lambda seconds: _advance_alone(world, seconds)),
        smtp_port=lambda: smtp.port,
    )
    twilio = TwilioApi(messages=messages, keys=keys, faults=faults, timeout_seconds=settings.timeout_seconds)
    app = Flask("sandbox")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its base does not say so
    for blueprint in (
        dashboard.blueprint(), StripeApi(world, faults).blueprint(), StripePages(world).blueprint(), twilio.blueprint(),
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    app.register_error_handler(ConnectionDropped, _mark_dropped)
    return Sandbox(wsgi=_dropping(app), world=world, smtp=smtp, faults=faults, mailbox=mailbox)


def _mark_dropped(_error: ConnectionDropped) -> Response:
    request.environ[_DROPPED] = True
    return Response()


def _dropping(app: WSGIApplication) -> WSGIApplication:
    """Flask turns what is raised in it into a 500; a drop must reach the server, so it is raised again out here."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = app(environ, start_response)
        if environ.get(_DROPPED):
            raise ConnectionDropped
        return body

    return serve


def _advance_alone(world: World, seconds: float) -> datetime:
    """Stops at each moment at which something falls due, so that it happens at its own time."""
    end = world.clock.now().timestamp() + seconds
    while (moment := due.next_due(world)) is not None and moment.timestamp() < end:
        world.clock.advance(max(moment.timestamp() - world.clock.now().timestamp(), 0.0))
        due.run_due(world)
    now = world.clock.advance(max(end - world.clock.now().timestamp(), 0.0))
    due.run_due(world)
    return now
