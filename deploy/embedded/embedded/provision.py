"""The demo account of a first start: provisioned over HTTP like any other, its Stripe account connected to the sandbox."""

from __future__ import annotations

import logging
import time
from typing import Any

import requests

from chassis.auth import SCOPES, issue

ACCOUNT = "acc_demo"
log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 30.0
_DEMO = {
    "name": "Demo Practice",
    "email": "demo@timeblu.example",
    "username": "demo",
    "plan": "max",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "locale": "en",
    "country": "DE",
}


def provision_demo(base_url: str, auth_secret: str) -> None:
    """See to it that the demo account is there and can take payments; what is there already stays as it is.

    Raises:
        RuntimeError: the suite refused a step, or did not come to it in time.
    """
    session = requests.Session()
    session.headers["Authorization"] = (
        f"Bearer {issue(auth_secret, account_id=ACCOUNT, scope=' '.join(SCOPES), ttl=300)}"
    )
    known = session.get(f"{base_url}/scheduling/v1/account", timeout=10)
    if known.status_code == 200:
        return
    _expect(session.put(f"{base_url}/scheduling/v1/accounts/{ACCOUNT}", json=_DEMO, timeout=10), 200, 201)
    # Payments hears of the account by event; until then it says 503.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (started := session.post(f"{base_url}/payments/v1/connect", json={}, timeout=10)).status_code == 503:
        if time.monotonic() > deadline:
            raise RuntimeError("payments has not heard of the demo account")
        time.sleep(0.05)
    onboarding: dict[str, Any] = _expect(started, 200, 201)
    _expect_page(requests.post(onboarding["onboarding_url"], timeout=10))
    while not _expect(session.get(f"{base_url}/payments/v1/connect", timeout=10), 200)["charges_enabled"]:
        if time.monotonic() > deadline:
            raise RuntimeError("the demo account's Stripe account does not take charges")
        time.sleep(0.05)
    log.info("the demo account %s is provisioned", ACCOUNT)


def _expect(answer: requests.Response, *statuses: int) -> Any:
    if answer.status_code not in statuses:
        raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def _expect_page(answer: requests.Response) -> None:
    if answer.status_code >= 400:
        raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.status_code}")
