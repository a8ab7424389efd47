"""Events and webhooks: what happened is a row of the same transaction, told to every endpoint that wants it."""

import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Callable
from typing import Any

from sandbox.delivery import Delivery, Outgoing, enqueue
from sandbox.stripe.errors import invalid
from sandbox.stripe.params import Boolean, Fields, Many, Metadata, Text, Url, body, listing
from sandbox.stripe.resources import Body, delete, get, insert, merged, new_id, page, public, save
from sandbox.stripe.world import API_VERSION, Work, World

CHANNEL = "stripe"
CONFIGURED = "configured:"
"""Stands for a webhook address of the settings, which may be another by the time it is called."""
SHUFFLE_SECONDS = 0.4
KEPT_SECONDS = 30 * 86400
"""Stripe answers events of the last 30 days."""


def emit(work: Work, type_: str, subject: Body, *, account: str | None = None, previous: Body | None = None) -> None:
    """Records that `type_` happened to `subject` on the account of the work (or `account`) and queues its webhooks."""
    account = work.account if account is None else account
    endpoints = _listeners(work, type_, account)
    event: Body = {
        "id": new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": work.now,
        "data": {"object": public(subject)} | ({"previous_attributes": previous} if previous else {}),
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": work.request_id, "idempotency_key": work.idempotency_key},
        "type": type_,
    }
    if account:
        event["account"] = account
    insert(work.tx, account, event)
    payload, deliveries = json.dumps(event, separators=(",", ":")), work.world.deliveries
    for url, secret in endpoints:
        for _ in range(deliveries.repeat):
            wait = random.uniform(0, SHUFFLE_SECONDS) if deliveries.shuffle else 0.0
            enqueue(work.tx, channel=CHANNEL, url=url, secret=secret, subject=event["id"], payload=payload, wait=wait)
    if endpoints:
        work.tx.after_commit(deliveries.wake)


def _listeners(work: Work, type_: str, account: str) -> list[tuple[str, str]]:
    found = [(f"{CONFIGURED}{place}", "") for place in range(len(work.world.settings.stripe_webhook_urls))]
    for row in work.tx.execute("SELECT body FROM stripe_object WHERE kind = 'webhook_endpoint'"):
        endpoint = json.loads(row["body"])
        wanted = "*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"]
        if wanted and endpoint["_connect"] == bool(account) and endpoint["status"] == "enabled":
            found.append((endpoint["url"], endpoint["_secret"]))
    return found


def preparing(world: World) -> Callable[[Delivery], Outgoing | None]:
    """What makes a request of a queued webhook, for the address and secret as they are now."""

    def prepare(delivery: Delivery) -> Outgoing | None:
        if not delivery.url.startswith(CONFIGURED):
            return _request(delivery.url, delivery.secret, delivery.payload.encode())
        place, urls = int(delivery.url.removeprefix(CONFIGURED)), world.settings.stripe_webhook_urls
        if place >= len(urls):
            return None
        return _request(urls[place], world.keys.stripe_webhook_secret, delivery.payload.encode())

    return prepare


def _request(url: str, secret: str, payload: bytes) -> Outgoing:
    """Signed anew for each attempt, as by Stripe: the signature's time is real and receivers check its age."""
    now = int(time.time())
    return Outgoing(
        url=url,
        body=payload,
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": f"t={now},v1={signature(secret, now, payload)}",
        },
    )


def signature(secret: str, moment: int, payload: bytes) -> str:
    """https://docs.stripe.com/webhooks#verify-manually"""
    return hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()


EVENT = body()
EVENTS = listing(type=Text(), types=Many(of=Text(), at_most=20), delivery_success=Boolean())


def retrieve_event(work: Work) -> Body:
    return get(work.tx, work.account, "event", work.path["id"])


def list_events(work: Work) -> Body:
    types = work.params.get("types")
    if types and "type" in work.params:
        raise invalid("You may only specify one of these parameters: type, types.")
    wanted = work.params.get("type")
    if wanted and wanted.endswith("*"):
        raise invalid("The sandbox lists events of one type, or of all.", param="type")
    return page(work.tx, work.account, "event", work.params, url="/v1/events", match=[("status", types or wanted)])


CREATE_ENDPOINT = body(
    url=Url(required=True),
    enabled_events=Many(of=Text(), required=True),
    api_version=Text(),
    connect=Boolean(),
    description=Text(unsettable=True),
    metadata=Metadata(),
)
UPDATE_ENDPOINT = body(
    url=Url(),
    enabled_events=Many(of=Text()),
    disabled=Boolean(),
    description=Text(unsettable=True),
    metadata=Metadata(),
)
DELETE_ENDPOINT = Fields()
ENDPOINTS = listing(dated=False)


def create_endpoint(work: Work) -> Body:
    """The only answer that shows the endpoint's secret. `connect`: events of connected accounts, instead of one's own."""
    params = work.params
    secret = "whsec_" + secrets.token_hex(16)
    endpoint: dict[str, Any] = {
        "id": new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": work.now,
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": merged({}, params.get("metadata")),
        "status": "enabled",
        "url": params["url"],
        "_secret": secret,
        "_connect": params.get("connect", False),
    }
    insert(work.tx, work.account, endpoint)
    return endpoint | {"secret": secret}


def retrieve_endpoint(work: Work) -> Body:
    return get(work.tx, work.account, "webhook_endpoint", work.path["id"])


def list_endpoints(work: Work) -> Body:
    return page(work.tx, work.account, "webhook_endpoint", work.params, url="/v1/webhook_endpoints")


def update_endpoint(work: Work) -> Body:
    endpoint, params = retrieve_endpoint(work), work.params
    if "metadata" in params:
        endpoint["metadata"] = merged(endpoint["metadata"], params["metadata"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint |= {key: params[key] or None for key in ("url", "enabled_events", "description") if key in params}
    save(work.tx, endpoint)
    return endpoint


def delete_endpoint(work: Work) -> Body:
    endpoint = retrieve_endpoint(work)
    delete(work.tx, endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
