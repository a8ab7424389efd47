"""A sandbox behind a real server, as often as a test wants it, and a receiver for what it sends."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from cheroot.wsgi import Server
from deploy.sandbox.tests.driver import Received, Receiver, Running, Serve
from twilio.rest import Client as TwilioClient

from sandbox.app import Sandbox, create_sandbox
from sandbox.settings import SandboxSettings


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = received.answers.pop(0) if received.answers else 200
            received.requests.append(Received(path=self.path, headers=dict(self.headers), body=body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield received
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(tmp_path: Path, receiver: Receiver) -> Serve:
    """Starts a sandbox on the test's folder, as often as wanted: what one knew the next one knows."""

    @contextlib.contextmanager
    def running(**settings: Any) -> Iterator[Running]:
        server = Server(("127.0.0.1", 0), _not_yet, numthreads=24)
        server.expiration_interval = 0.05  # how soon it notices that it is to stop
        server.prepare()
        url = f"http://127.0.0.1:{server.bind_addr[1]}/sandbox"
        sandbox = create_sandbox(
            SandboxSettings(
                data_dir=tmp_path / "sandbox",
                public_url=url,
                stripe_webhook_urls=[f"{receiver.url}/payments/v1/webhooks/stripe"],
                twilio_inbound_url=f"{receiver.url}/notifications/v1/webhooks/twilio",
                **{"refund_settles_after": 3600.0, "refund_fails_after": 3600.0, "timeout_seconds": 0.3} | settings,
            )
        )
        server.wsgi_app = _mounted(sandbox)
        sandbox.start()
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        twilio = TwilioClient(sandbox.keys.twilio_account_sid, sandbox.keys.twilio_auth_token)
        twilio.api.base_url = f"{url}/twilio"
        try:
            yield Running(
                sandbox=sandbox,
                url=url,
                stripe=stripe.StripeClient(
                    sandbox.keys.stripe_secret_key, base_addresses={"api": f"{url}/stripe"}, max_network_retries=0
                ),
                twilio=twilio,
                webhook_secret=sandbox.keys.stripe_webhook_secret,
                receiver=receiver,
            )
        finally:
            server.stop()
            thread.join(timeout=10)
            sandbox.stop()

    return running


def _not_yet(_environ: Any, _start_response: Any) -> Any:
    raise AssertionError("served before it was made")


def _mounted(sandbox: Sandbox) -> Any:
    """Behind a prefix, as the embedded suite mounts it."""

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        assert environ["PATH_INFO"].startswith("/sandbox")
        environ["SCRIPT_NAME"] += "/sandbox"
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/sandbox")
        return sandbox.wsgi(environ, start_response)

    return serve


@pytest.fixture
def running(serve: Serve) -> Iterator[Running]:
    with serve() as served:
        yield served
