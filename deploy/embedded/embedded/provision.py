"""The demo account of a first start: provisioned over HTTP like any other, its Stripe account connected to the sandbox."""

from __future__ import annotations

import logging
import time
from pathlib import Path
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


class CannotProvision(Exception):
    """The suite refused a step, or did not come to it in time."""


def provision_demo(data_dir: Path, base_url: str, auth_secret: str, *, connect: bool = True) -> None:
    """See to it that the demo account is there and can take payments; once that was done, it is the owner's to change.

    `connect` has it onboarded at the sandbox's Stripe; at the real one only a person can do that.

    Raises:
        CannotProvision: with the step, and what was answered.
    """
    done = data_dir / "demo-provisioned"
    if done.exists():
        return
    session = requests.Session()
    session.headers["Authorization"] = (
        f"Bearer {issue(auth_secret, account_id=ACCOUNT, scope=' '.join(SCOPES), ttl=300)}"
    )
    try:
        _make_account(session, base_url)
        if connect:
            _connect_stripe(session, base_url)
    except requests.RequestException as error:
        raise CannotProvision(f"the demo account cannot be provisioned: {error}") from error
    done.touch()
    log.info("the demo account %s is provisioned", ACCOUNT)


def _make_account(session: requests.Session, base_url: str) -> None:
    """It may be there, where an earlier start was ended in the middle."""
    if session.get(f"{base_url}/scheduling/v1/account", timeout=10).status_code != 200:
        _expect(session.put(f"{base_url}/scheduling/v1/accounts/{ACCOUNT}", json=_DEMO, timeout=10), 200, 201)


def _connect_stripe(session: requests.Session, base_url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def in_time(what: str) -> None:
        if time.monotonic() > deadline:
            raise CannotProvision(what)
        time.sleep(0.02)

    # Payments hears of the account by event; until then it says 503.
    while (started := session.post(f"{base_url}/payments/v1/connect", json={}, timeout=10)).status_code == 503:
        in_time("payments has not heard of the demo account")
    # Where it leads then is a page for people.
    page = requests.post(_expect(started, 200, 201)["onboarding_url"], timeout=10, allow_redirects=False)
    if page.status_code >= 400:
        raise CannotProvision(f"POST {page.url}: {page.status_code}")
    while not _expect(session.get(f"{base_url}/payments/v1/connect", timeout=10), 200)["charges_enabled"]:
        in_time("the demo account's Stripe account does not take charges")


def _expect(answer: requests.Response, *statuses: int) -> Any:
    if answer.status_code == 401:
        raise CannotProvision(f"{answer.url} does not take this DATA_DIR's tokens: another suite has this port")
    if answer.status_code not in statuses:
        raise CannotProvision(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()
