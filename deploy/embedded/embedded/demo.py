"""`make demo`: the main path on a running suite, told hop by hop with its events, their ids and times."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from contracts.envelope import parse_time
from contracts.registry import SERVICES, event_type
from embedded import secrets_file
from embedded.practice import NotInTime, Practice, Refused, on_a_weekday, wait_for
from embedded.provision import ACCOUNT, CannotProvision, provision_demo
from embedded.secrets_file import Damaged

_TIERS = [
    {"hours_before": 48, "percentage": 100},
    {"hours_before": 24, "percentage": 50},
    {"hours_before": 0, "percentage": 0},
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    asked = parser.parse_args()
    base = f"http://127.0.0.1:{asked.port}"
    try:
        secret = secrets_file.load(asked.data_dir).auth_jwt_secret
        requests.get(f"{base}/healthz", timeout=5)
        provision_demo(asked.data_dir, base, secret)
        services = {name: f"{base}/{name}" for name in (*SERVICES, "sandbox")}
        _tell(Practice(services, auth_secret=secret, account_id=ACCOUNT), asked.data_dir)
    except FileNotFoundError:
        print(
            f"demo: {asked.data_dir} holds no suite: start one with `make run`, and name its DATA_DIR", file=sys.stderr
        )
        return 1
    except requests.ConnectionError:
        print(f"demo: nothing answers at {base}: start the suite with `make run`, and name its PORT", file=sys.stderr)
        return 1
    except (CannotProvision, Damaged, Refused, NotInTime) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _tell(practice: Practice, data_dir: Path) -> None:
    email = f"ada.{uuid.uuid4().hex[:8]}@client.example"
    journey = _Journey(data_dir)
    practice.set_refund_policy(refund_tiers=_TIERS)
    _say("The provider has set refund tiers", "100 % up to 48 hours before, 50 % up to 24, then nothing")
    kind = practice.session_type(name="Coaching", percent=25, price=8000)
    _say("A session type with a deposit", f"{kind['name']}, 80.00 EUR, of which 25 % are asked as a deposit")
    client = practice.client("Ada Lovelace", email)
    booked = _book(practice, kind["id"], client["id"])
    _say(
        "A session for the client",
        f"{booked['id']} at {booked['starts_at']}, deposit {booked['deposit']['amount'] / 100:.2f} EUR",
    )
    required = practice.wait_deposit(booked["id"], "required")
    practice.wait_mail(email, required["payment_url"])
    _say("The client's confirmation holds the payment link", required["payment_url"][:70] + "…")
    journey.show(booked["id"])
    answer = practice.pay(required["payment_url"])
    _say("The client opens the link and pays by card", f"Stripe's page answers {answer.status_code}")
    practice.wait_deposit(booked["id"], "paid")
    practice.wait_mail(email, "20.00")
    _say("Stripe's signed webhook arrived", "the session shows the deposit paid, the client has a receipt")
    journey.show(booked["id"])
    quote = practice.get("payments", f"/v1/sessions/{booked['id']}/refund-quote")
    _say("What a cancellation would return now", f"{quote['percentage']} %, {quote['amount'] / 100:.2f} EUR")
    began = datetime.now(UTC)
    practice.cancel(booked["id"], refund="refund", reason="the demo ends here")
    done = practice.wait_deposit(booked["id"], "refunded", "partially_refunded")
    took = (datetime.now(UTC) - began).total_seconds() * 1000
    _say(
        "Cancelled with refund",
        f"the session shows {done['deposit']['status']}, {took:.0f} ms after the request was sent",
    )
    refund = next(
        r for r in practice.refunds_at_stripe() if r["id"] in str(practice.deposit_of(booked["id"])["refunds"])
    )
    _say(
        "Refunded through Stripe Connect",
        f"{refund['id']}, {refund['amount'] / 100:.2f} EUR, on the account {refund['account']}",
    )
    mail = practice.wait_mail(email, "your refund of")
    _say("The client is told", f"“{mail['subject']}”")
    journey.show(booked["id"])
    restored = practice.restore(booked["id"])
    _say("Restored", f"the session is {restored['status']} again")
    practice.wait_deposit(booked["id"], "required")
    print("\nEverything the demo sent is at sandbox/ of the suite's address.")


def _book(practice: Practice, service_id: str, client_id: str) -> Any:
    """At least three days ahead; where an earlier demo has the time, the next one that scheduling offers instead."""
    earliest = wanted = on_a_weekday(3, now=practice.now())
    for week in range(1, 200):
        try:
            return practice.book(
                service_id=service_id, client_id=client_id, starts_at=wanted, notes="Bring your questions."
            )
        except Refused as refused:
            if refused.problem.get("code") not in {"slot_taken", "outside_working_hours"}:
                raise
            offered = (parse_time(each["starts_at"]) for each in refused.problem["alternatives"])
            later = on_a_weekday(7 * week, now=earliest)
            wanted = next((each for each in offered if each >= earliest), later)
    raise NotInTime("no slot is free for years: start a suite on another DATA_DIR")


def _say(what: str, how: str) -> None:
    print(f"\n● {what}\n  {how}", flush=True)


class _Journey:
    """Tells the events of a session that were not told yet, from the services' own outboxes and inboxes."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._told: set[str] = set()

    def show(self, session_id: str) -> None:
        for hops in wait_for(lambda: self._arrived(session_id), "the session's events reach their consumers"):
            id_, type_, occurred, published, received = hops
            told = [f"{service} +{_ms(occurred, at)} ms" for service, at in received.items()]
            # An event without a consumer is published for whoever will subscribe.
            told = told or [f"published +{_ms(occurred, published)} ms"]
            print(f"    {occurred[11:23]}  {type_:22} {id_}  {', '.join(told)}", flush=True)
            self._told.add(id_)

    def _arrived(self, session_id: str) -> list[tuple[str, str, str, str, dict[str, str]]] | None:
        """The events, with the time at which each consumer took them; None while some are on their way."""
        found = []
        for id_, type_, occurred, published in self._events(session_id):
            taken = {service: self._received(service, id_) for service in event_type(type_).consumers}
            received = {service: at for service, at in taken.items() if at}
            if not published or len(received) < len(taken):
                return None
            found.append((id_, type_, occurred, published, received))
        return found

    def _events(self, session_id: str) -> list[tuple[str, str, str, str | None]]:
        found = []
        for service in SERVICES:
            found += self._query(
                service,
                "SELECT id, type, occurred_at, published_at FROM outbox WHERE queue IS NULL"
                " AND (subject = ? OR body LIKE ?)",
                (session_id, f'%"session_id":"{session_id}"%'),
            )
        return sorted((row for row in found if row[0] not in self._told), key=lambda row: row[2])

    def _received(self, service: str, event_id: str) -> str | None:
        rows = self._query(service, "SELECT received_at FROM inbox WHERE event_id = ?", (event_id,))
        return rows[0][0] if rows else None

    def _query(self, service: str, sql: str, parameters: tuple[str, ...]) -> list[Any]:
        path = quote(str((self._data_dir / f"{service}.db").absolute()))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(sql, parameters).fetchall()


def _ms(since: str, until: str) -> int:
    return max(0, round((parse_time(until) - parse_time(since)).total_seconds() * 1000))


if __name__ == "__main__":
    sys.exit(main())
