"""Calls from one service to another over real sockets, and texts that travel in links."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from shared.chassis.tests.ledger.service import settings_for

from chassis import peers
from chassis.auth import Verifier
from chassis.links import BadLink, Links
from chassis.peers import Peer, PeerRefused
from chassis.problems import Unavailable
from support.servers import free_port

SETTINGS = settings_for("sqlite:////unused", "memory://")


class _Peer(BaseHTTPRequestHandler):
    """Answers as the path says, and closes each connection after one answer without a word of it, as a server does that restarts."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        status = int(self.path.strip("/").partition("?")[0])
        body = b'{"code": "slot_taken", "detail": "taken"}' if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "9")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Peer,), {"seen": seen}))
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", seen
    made.shutdown()
    made.server_close()


def peer(url: str) -> Peer:
    return Peer(base_url=url, secret=SETTINGS.service_jwt_secret, name="clients")


def test_a_call_carries_a_token_for_one_account_and_one_scope(
    server: tuple[str, list[dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = server
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    answer = peer(url).post("/200", json={"a": 1}, account_id="acc_one", scope="clients:write", idempotency_key="k-1")

    assert answer == {"code": "slot_taken", "detail": "taken"}
    caller = Verifier(SETTINGS).verify(seen[0]["authorization"])
    assert caller.account_id == "acc_one"
    assert caller.scopes == {"clients:write"}
    assert seen[0]["idempotency-key"] == "k-1"


def test_a_connection_that_the_peer_has_closed_is_no_failure(server: tuple[str, list[dict[str, str]]]) -> None:
    calling = peer(server[0])

    for _ in range(20):
        assert calling.get("/200", account_id="acc_one", scope="clients:read")["code"] == "slot_taken"


def test_a_refusal_tells_its_problem(server: tuple[str, list[dict[str, str]]]) -> None:
    with pytest.raises(PeerRefused) as refused:
        peer(server[0]).get("/409", account_id="acc_one", scope="clients:read")

    assert refused.value.status == 409
    assert refused.value.problem["code"] == "slot_taken"


@pytest.mark.parametrize("path", ["/500", "/503", "/429"])
def test_a_peer_that_cannot_answer_is_unavailable(server: tuple[str, list[dict[str, str]]], path: str) -> None:
    with pytest.raises(Unavailable) as unavailable:
        peer(server[0]).get(path, account_id="acc_one", scope="clients:read")

    assert unavailable.value.retry_after == 9


def test_a_peer_that_is_down_or_silent_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_READ_SECONDS", 0.3)
    with pytest.raises(Unavailable):
        peer(f"http://127.0.0.1:{free_port()}").get("/200", account_id="acc_one", scope="clients:read")

    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable):
        peer(f"http://127.0.0.1:{silent.getsockname()[1]}").get("/200", account_id="acc_one", scope="clients:read")


def test_a_link_is_good_for_its_purpose_and_its_secret_alone() -> None:
    links = Links("a secret")
    text = links.sign("refund-quote", {"id": "q1"})

    assert links.read("refund-quote", text) == {"id": "q1"}
    for bad in (text[:-1], text + "x", "", "é", "a.b.c", text.swapcase()):
        with pytest.raises(BadLink):
            links.read("refund-quote", bad)
    with pytest.raises(BadLink):
        links.read("payment-link", text)
    with pytest.raises(BadLink):
        Links("another").read("refund-quote", text)


def test_drawn_links_are_never_the_same_and_known_as_ours() -> None:
    links = Links("a secret")
    drawn = {links.draw("payment-link") for _ in range(100)}

    assert len(drawn) == 100
    assert all(links.genuine("payment-link", text) for text in drawn)
    assert not links.genuine("manage-link", next(iter(drawn)))
    assert not links.genuine("payment-link", "guessed")
