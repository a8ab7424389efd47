"""Signing in at an identity provider: the code flow with PKCE, and what of it stays in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from deploy.embedded.tests.driver import Running
from playwright.sync_api import Browser, Page, expect

from chassis.auth import SCOPES
from e2e.conftest import ROOT
from support.browser import Complaints, person
from support.identity import IdentityProvider, identity_provider
from support.servers import free_port

ACCOUNT = "acc_signed_in"
SCOPE = " ".join(scope for scope in SCOPES if scope != "ops")


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider(port=free_port(), account_id=ACCOUNT, scope=SCOPE) as running:
        yield running


@pytest.fixture(scope="module")
def url(built: None, provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A suite whose people sign in at the provider, with an account of theirs."""
    place: Path = tmp_path_factory.mktemp("signed-in")
    (place / "logs").mkdir()
    environment = {
        "CONSOLE": str(ROOT / "console"),
        "CONSOLE_OIDC_AUTHORITY": provider.url,
        "CONSOLE_OIDC_CLIENT_ID": provider.client_id,
        "AUTH_JWKS_URL": f"{provider.url}/jwks",
    }
    running = Running(data_dir=place / "data", logs=place / "logs", environment=environment).start()
    requests.put(
        f"{running.base}/scheduling/v1/accounts/{ACCOUNT}",
        json={"name": "Practice of Ada", "email": "ada@practice.example", "username": "ada", "plan": "max", "timezone": "Europe/Berlin", "currency": "EUR", "locale": "en"},
        headers={"Authorization": f"Bearer {provider.access_token('ops')}"},
        timeout=60,
    ).raise_for_status()  # fmt: skip
    yield running.base
    running.end()


@pytest.fixture
def visitor(url: str, browser: Browser) -> Iterator[Page]:
    context, complaints = person(browser, url), Complaints()
    page = context.new_page()
    complaints.listen(page)
    yield page
    context.close()
    assert complaints.said == []


def test_who_signs_in_at_the_provider_is_led_back_to_where_it_began(visitor: Page, url: str) -> None:
    visitor.goto("/dashboard")
    visitor.get_by_role("button", name="Continue with your organisation’s sign-in").click()
    visitor.get_by_role("button", name="I am Ada").click()

    expect(visitor).to_have_url(f"{url}/dashboard")
    expect(visitor.get_by_role("button", name="Practice of Ada")).to_be_visible()
    # Without the scope for it, there is no operations page to be led to.
    expect(visitor.get_by_role("link", name="Operations")).to_have_count(0)
    kept = visitor.evaluate(
        "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"
    )
    assert "eyJ" not in kept


def test_after_a_reload_the_provider_is_asked_again_and_nobody_else(visitor: Page, url: str) -> None:
    visitor.goto("/clients")
    visitor.get_by_role("button", name="Continue with your organisation’s sign-in").click()
    visitor.get_by_role("button", name="I am Ada").click()
    expect(visitor).to_have_url(f"{url}/clients")

    visitor.reload()
    visitor.get_by_role("button", name="I am Ada").click()

    expect(visitor.get_by_role("heading", name="Clients", level=1)).to_be_visible()


def test_a_way_back_that_nobody_began_is_refused(visitor: Page) -> None:
    visitor.goto("/sign-in/callback?code=stolen&state=invented")

    expect(visitor.get_by_role("alert")).to_contain_text("Signing in did not work")


def test_a_token_that_the_services_refuse_leads_back_to_the_sign_in_and_in_no_circle(
    visitor: Page, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "audience", "somebody-else")
    visitor.goto("/clients")
    visitor.get_by_role("button", name="Continue with your organisation’s sign-in").click()
    visitor.get_by_role("button", name="I am Ada").click()

    expect(visitor.get_by_role("button", name="Continue with your organisation’s sign-in")).to_be_visible()
