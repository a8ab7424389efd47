"""The console is served as files under a strict policy, is built beside the suite, and lets nobody in but who sits at this machine."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import psutil
import pytest
import requests
from deploy.embedded.tests.driver import SOON, Running, took
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.auth import AUDIENCE, SCOPES
from embedded.console import ConsoleSettings, WrongConsole, console_blueprint, console_directory, is_console_page
from embedded.console_build import BUILDING, BUILT, FAILED, Build
from embedded.demo_sign_in import sign_in_blueprint
from embedded.front import PLACES, create_front
from support.servers import free_port
from support.waiting import PATIENCE, wait_until

SECRET = "a secret of the tests that is long enough"
ROOT = Path(__file__).resolve().parents[3]
PAGE = '<!doctype html><style nonce="__CSP_NONCE__"></style><meta property=csp-nonce nonce="__CSP_NONCE__">The console'
PAGES = (
    "/ /calendar /clients /clients/cli_01a2 /dashboard /setup /setup/booking /operations /book/demo /manage/a.b-c "
    "/sign-in/callback"
).split()
WRITES = f"""mkdir -p dist/assets && echo '{PAGE}' >dist/index.html && echo 'let it' >dist/assets/index-4f.js && echo 1 >dist/.key"""


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[[str], Build]]:
    """Makes a console of which `script` is the build; `$1` is --check while it is only asked whether there is anything to do."""
    made: list[Build] = []

    def make(script: str) -> Build:
        made.append(Build(_console(tmp_path / "console", script), tmp_path / "console-build.log"))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def built(build: Callable[[str], Build]) -> Build:
    """One that is there already."""
    return _ended(build(WRITES), BUILT)


# --- the page and its files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_the_console_answers_with_its_page(built: Build, path: str) -> None:
    answer = _front(built).get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "The console" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/nowhere", "/calendar/x", "/clients/import", "/setup/a/b", "/book", "/assets/none.js", "/assets/../.key", "/index.html", "/.key"])  # fmt: skip
def test_anything_else_is_a_problem_document(built: Build, path: str) -> None:
    answer = _front(built).get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_the_pages_are_read_and_not_written(built: Build) -> None:
    answer = _front(built).post("/calendar")
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")


def test_only_the_consoles_own_addresses_are_taken_from_the_clients_service() -> None:
    assert [path for path in ("/clients", "/clients/cli_01a2") if not is_console_page(path)] == []
    services = "/clients/ /clients/docs /clients/v1/clients /clients/v1/clients/cli_01a2 /clients/cli_1/2 /clientship"
    assert [path for path in services.split() if is_console_page(path)] == []


def test_each_answer_has_a_nonce_of_its_own_in_the_page_and_in_the_policy(built: Build) -> None:
    front, seen = _front(built), set()
    for _ in range(3):
        answer = front.get("/calendar")
        (nonce,) = set(re.findall(r'nonce="([^"]+)"', answer.text))
        assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]
        assert "__CSP_NONCE__" not in answer.text
        assert len(nonce) >= 22  # 128 bits and more
        seen.add(nonce)
    assert len(seen) == 3


def test_the_policy_lets_the_page_reach_this_suite_alone(built: Build) -> None:
    answer = _front(built).get("/")
    assert re.sub("nonce-[^']+", "nonce-N", answer.headers["Content-Security-Policy"]) == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-N'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_policy_lets_the_page_reach_where_people_sign_in(built: Build) -> None:
    policy = _front(built, _oidc("https://id.example:8443/realms/one")).get("/").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://id.example:8443;" in policy
    assert "frame-src 'self' https://id.example:8443;" in policy


def test_files_are_kept_for_good_and_told_by_their_type(built: Build) -> None:
    answer = _front(built).get("/assets/index-4f.js")
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/javascript", "let it\n")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_console_that_is_built_anew_is_served_at_once(built: Build) -> None:
    front = _front(built)
    (built.dist / "index.html").write_text("another one")
    assert front.get("/").text == "another one"


# --- what the page is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, {"sign_in": {"kind": "demo"}, "sandbox": True}),
        ({"STRIPE_SECRET_KEY": "sk_live"}, {"sign_in": {"kind": "demo"}, "sandbox": False}),
        ({"CONSOLE_OIDC_AUTHORITY": "https://id.example"}, {"sign_in": {"kind": "demo"}, "sandbox": True}),
        (
            {"CONSOLE_OIDC_AUTHORITY": "https://id.example/one", "CONSOLE_OIDC_CLIENT_ID": "console"},
            {
                "sign_in": {"kind": "oidc", "authority": "https://id.example/one", "client_id": "console", "scope": "openid"},
                "sandbox": True,
            },
        ),
        # Where others sign the tokens, the demo account's would be refused.
        ({"AUTH_JWKS_URL": "https://id.example/keys"}, {"sign_in": {"kind": "token"}, "sandbox": True}),
    ],
)  # fmt: skip
def test_the_console_is_told_how_one_signs_in(
    built: Build, environment: Mapping[str, str], told: Mapping[str, Any]
) -> None:
    answer = _front(built, ConsoleSettings.read(environment)).get("/config.json")
    assert (answer.status_code, answer.get_json(), answer.headers["Cache-Control"]) == (200, told, "no-cache")


def test_the_scope_that_is_asked_for_is_the_operators_to_say() -> None:
    told = _oidc("https://id.example", CONSOLE_OIDC_SCOPE="openid timeblu").document()
    assert told["sign_in"]["scope"] == "openid timeblu"


@pytest.mark.parametrize("address", ["id.example", "https://", "https://id.example; script-src *", "https://a b"])
def test_an_authority_that_is_no_address_stops_the_start(address: str) -> None:
    with pytest.raises(WrongConsole, match="CONSOLE_OIDC_AUTHORITY"):
        _oidc(address)


# --- the demo account -----------------------------------------------------------------------------------------------


def test_who_sits_at_this_machine_is_signed_in_as_the_demo_account(built: Build) -> None:
    answer = _sign_in(built)
    told = answer.get_json()
    claims = _claims(told["access_token"])
    assert (answer.status_code, told["expires_in"], answer.headers["Cache-Control"]) == (200, 3600, "no-store")
    assert (claims["account_id"], claims["aud"]) == ("acc_demo", AUDIENCE)
    assert set(claims["scope"].split()) == set(SCOPES)
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_every_name_of_this_machine_will_do(built: Build, host: str) -> None:
    assert (
        _sign_in(built, {"Host": host, "Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"}).status_code == 200
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8000"},  # a name that was made to point here
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "192.168.1.4:8000"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
    ],
    ids=str,
)
def test_nobody_else_is(built: Build, headers: Mapping[str, str]) -> None:
    _refused(_sign_in(built, headers))


@pytest.mark.parametrize("peer", ["192.168.1.4", "203.0.113.7", "::ffff:203.0.113.7", "fe80::1", ""])
def test_no_other_machine_is(built: Build, peer: str) -> None:
    _refused(_sign_in(built, peer=peer))


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_by_each_of_its_addresses(built: Build, peer: str) -> None:
    assert _sign_in(built, peer=peer).status_code == 200


def test_there_is_no_such_way_in_where_people_sign_in_elsewhere(built: Build) -> None:
    answer = _front(built, _oidc("https://id.example")).post("/demo/sign-in", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_what_is_no_json_is_said_so(built: Build) -> None:
    answer = _front(built).post("/demo/sign-in", data="{", content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_json")


# --- while it is being built ----------------------------------------------------------------------------------------


def test_until_it_is_built_every_address_says_so_and_looks_again_by_itself(build: Callable[[str], Build]) -> None:
    waiting = build("[ -z ${1-} ] && " + WRITES)
    front = _front(waiting)
    waiting.start()  # and it may not go yet
    for path in PAGES:
        answer = front.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        assert "The console is being built" in answer.text
        assert "<meta http-equiv=refresh content=2>" in answer.text
        nonce = re.findall("<style nonce='([^']+)'", answer.text)[0]
        assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]
        for place in ("/scheduling/docs", "/clients/docs", "/payments/docs", "/notifications/docs", "/sandbox/"):
            assert f"<a href={place}>" in answer.text
    assert front.get("/assets/index-4f.js").status_code == 404
    waiting.go()
    wait_until(lambda: waiting.state == BUILT, what="the build")
    assert "The console" in front.get("/").text
    assert "refresh" not in front.get("/").text


def test_what_is_built_already_is_served_without_being_told_to_go(build: Callable[[str], Build]) -> None:
    there = build("[ ${1-} = --check ] && " + WRITES)
    there.start()
    wait_until(lambda: there.state == BUILT, what="the look")


def test_a_build_that_fails_is_told_with_its_last_lines_and_what_to_do(build: Callable[[str], Build]) -> None:
    failed = _ended(build("for n in $(seq 40); do echo \"line $n\"; done; echo 'no <registry>' >&2; exit 1"), FAILED)
    answer = _front(failed).get("/calendar")
    assert answer.status_code == 200
    assert "The console could not be built" in answer.text
    assert "line 40\nno &lt;registry&gt;" in answer.text
    assert "line 20" not in answer.text
    assert "<code>make console</code>" in answer.text
    assert "<a href=/scheduling/docs>" in answer.text


def test_a_console_that_somebody_else_has_built_since_is_served(build: Callable[[str], Build]) -> None:
    failed = _ended(build("exit 1"), FAILED)
    subprocess.run(["bash", "-c", WRITES], cwd=failed.dist.parent, check=True)
    later = time.time() + 5
    os.utime(failed.dist / ".key", (later, later))
    page = _front(failed).get("/").text
    assert "The console" in page
    assert "could not" not in page


def test_a_build_that_cannot_be_run_is_one_that_failed(build: Callable[[str], Build]) -> None:
    lost = build("exit 0")
    (lost.dist.parent / "build").chmod(0o644)
    _ended(lost, FAILED)
    assert "console/build" in lost.reason


def test_while_the_suite_is_not_ready_its_pages_are_not_either(built: Build) -> None:
    assert _front(built, ready=False).get("/calendar").status_code == 503


def test_a_stop_ends_the_build_and_all_that_it_started(build: Callable[[str], Build]) -> None:
    running = build(
        "[ -z ${1-} ] || exit 1; sleep 1000 & echo $! >child; (trap '' TERM; echo $BASHPID >deaf; while :; do sleep 0.1; done) & wait"
    )
    running.start()
    running.go()
    here = running.dist.parent
    wait_until(
        lambda: all((here / name).is_file() and (here / name).read_text() for name in ("child", "deaf")),
        what="the build",
    )
    children = [psutil.Process(int((here / name).read_text())) for name in ("child", "deaf")]
    assert children[0].nice() == min(19, psutil.Process().nice() + 10)
    began = time.monotonic()
    running.stop()
    assert took(began) < SOON
    wait_until(lambda: not any(_lives(child) for child in children), what="the children to end")
    assert running.state != BUILT


def test_a_stop_before_it_goes_builds_nothing(build: Callable[[str], Build]) -> None:
    waiting = build("[ -z ${1-} ] || exit 1; touch ran")
    waiting.start()
    waiting.stop()
    assert not (waiting.dist.parent / "ran").exists()


# --- in the suite ---------------------------------------------------------------------------------------------------


def test_the_suite_builds_and_serves_it_and_leads_clients_to_it(suite: Running, tmp_path: Path) -> None:
    console = _console(
        tmp_path / "console", "[ -z ${1-} ] || exit 1; while [ ! -e ../now ]; do sleep 0.05; done; " + WRITES
    )
    suite.environment = {"CONSOLE": str(console)}
    suite.start()  # which waits for no console
    assert "The console is being built" in requests.get(suite.base, timeout=60).text
    (tmp_path / "now").touch()
    wait_until(
        lambda: "nonce" in (text := requests.get(suite.base, timeout=60).text) and "being built" not in text,
        what="the console",
    )
    for path in PAGES:
        assert requests.get(f"{suite.base}{path}", timeout=60).text.endswith("The console\n"), path
    assert requests.get(f"{suite.base}/clients/docs", timeout=60).headers["Content-Type"].startswith("text/html")
    assert stat.S_IMODE((console / "dist/index.html").stat().st_mode) == 0o644
    token = requests.post(f"{suite.base}/demo/sign-in", json={}, timeout=60).json()["access_token"]
    signed_in = {"Authorization": f"Bearer {token}"}
    account = requests.get(f"{suite.base}/scheduling/v1/account", headers=signed_in, timeout=60).json()
    assert account["id"] == "acc_demo"
    opened = requests.get(
        f"{suite.base}/scheduling/v1/manage/some-token",
        headers={"Accept": "text/html"},
        allow_redirects=False,
        timeout=60,
    )
    assert (opened.status_code, opened.headers["Location"]) == (303, f"{suite.base}/manage/some-token")
    assert suite.end() == 0


def test_the_suite_ends_while_the_console_is_being_built(suite: Running, tmp_path: Path) -> None:
    console = _console(tmp_path / "console", "[ -z ${1-} ] || exit 1; echo $$ >pid; sleep 1000")
    suite.environment = {"CONSOLE": str(console)}
    suite.start()
    wait_until(lambda: (console / "pid").is_file() and (console / "pid").read_text() != "", what="the build")
    building = psutil.Process(int((console / "pid").read_text()))
    began = time.monotonic()
    assert suite.end() == 0
    assert took(began) < SOON
    assert not _lives(building)


def test_without_a_console_the_page_of_the_services_stays(suite: Running) -> None:
    suite.environment = {"CONSOLE": "0"}
    suite.start()
    assert "The embedded suite is running." in requests.get(suite.base, timeout=60).text
    for path in ("/config.json", "/calendar", "/clients", "/demo/sign-in"):
        assert requests.get(f"{suite.base}{path}", timeout=60).status_code == 404, path
    opened = requests.get(f"{suite.base}/scheduling/v1/manage/x", headers={"Accept": "text/html"}, timeout=60)
    assert opened.headers["Content-Type"] == "application/problem+json"
    assert suite.end() == 0


def test_a_wrong_authority_is_one_line_and_an_end(suite: Running, tmp_path: Path) -> None:
    suite.environment = {
        "CONSOLE": str(_console(tmp_path / "console", "exit 1")),
        "CONSOLE_OIDC_AUTHORITY": "id.example",
        "CONSOLE_OIDC_CLIENT_ID": "console",
    }
    assert suite.begin().wait(timeout=PATIENCE) == 1
    (line,) = [line for line in suite.errors.splitlines() if not line.startswith("{")]  # the log's are JSON
    assert line.startswith("timeblu: CONSOLE_OIDC_AUTHORITY: ")


def test_the_consoles_directory_is_the_checkouts_or_what_is_said(tmp_path: Path) -> None:
    ours = ROOT / "console"
    assert console_directory({}) == (ours if (ours / "package.json").is_file() else None)
    assert console_directory({"CONSOLE": "0"}) is None
    assert console_directory({"CONSOLE": str(tmp_path)}) is None
    console = _console(tmp_path / "console", "exit 0")
    assert console_directory({"CONSOLE": str(console)}) == console


# --- of the tests ---------------------------------------------------------------------------------------------------


def _console(directory: Path, script: str) -> Path:
    directory.mkdir()
    (directory / "package.json").write_text("{}")
    (directory / "build").write_text(f'#!/usr/bin/env bash\nset -eu\ncd "$(dirname "$0")"\n{script}\n')
    (directory / "build").chmod(0o755)
    return directory


def _ended(build: Build, state: str) -> Build:
    build.start()
    build.go()
    wait_until(lambda: build.state != BUILDING, what="the build")
    assert build.state == state, build.reason
    return build


def _oidc(authority: str, **more: str) -> ConsoleSettings:
    return ConsoleSettings.read({"CONSOLE_OIDC_AUTHORITY": authority, "CONSOLE_OIDC_CLIENT_ID": "console", **more})


def _front(build: Build, settings: ConsoleSettings | None = None, *, ready: bool = True) -> FlaskClient:
    settings = settings or ConsoleSettings.read({})
    served = [console_blueprint(build, settings, ready=lambda: ready, places=PLACES)]
    if settings.demo:
        served.append(sign_in_blueprint(lambda: SECRET))
    return create_front(lambda: ready, served).test_client()


def _sign_in(build: Build, headers: Mapping[str, str] = {}, *, peer: str = "127.0.0.1") -> TestResponse:
    sent = {"Host": f"127.0.0.1:{free_port()}", "Content-Type": "application/json"} | dict(headers)
    return _front(build).post("/demo/sign-in", data="{}", headers=sent, environ_base={"REMOTE_ADDR": peer})


def _refused(answer: TestResponse) -> None:
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert answer.get_json()["code"] == "forbidden"
    assert "access_token" not in answer.text


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE)
    return claims


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
