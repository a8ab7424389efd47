"""`python -m payments reconcile`: what differs between our books and Stripe's, a JSON line each, and what to do about it."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chassis.cli import Command
from contracts.envelope import parse_time

if TYPE_CHECKING:
    from chassis.service import Service

_DAYS = 30
AGREED, DIFFERED, UNKNOWN = 0, 1, 2
"""Exit statuses: nothing is left to do, something is, Stripe could not be asked."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compare deposits and refunds with Stripe, take in what its webhooks would have told, and list every difference as a JSON line. "
        "Exit status: 0 all agrees or was repaired, 1 something is left to do, 2 Stripe could not be asked."
    )
    parser.add_argument("--from", dest="since", type=_moment, help=f"a day or a time; {_DAYS} days ago by default")
    parser.add_argument("--to", dest="until", type=_moment, help="a day or a time, not included; now by default")
    parser.add_argument("--account", help="this account alone")
    parser.add_argument("--dry-run", action="store_true", help="compare, change nothing")


def _moment(text: str) -> datetime:
    """Days are those of UTC: the accounts of one run may live in several timezones."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if len(text) == 10 else parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 2026-11-01 nor 2026-11-01T00:00:00Z") from None


def _run(service: Service, parsed: argparse.Namespace) -> int:
    from payments.gateways.stripe import StripeBusy, StripeUnsure
    from payments.operations.reconciling import Sweep, homes
    from payments.service import context_of

    context = context_of(service)
    until = parsed.until or context.now()
    since = parsed.since or until - timedelta(days=_DAYS)
    if since >= until:
        print(f"{service.name}: --from must lie before --to", file=sys.stderr)
        return UNKNOWN
    status, differences, open_ = AGREED, 0, 0
    try:
        for home in homes(context, parsed.account):
            try:
                for found in Sweep(context, home, since=since, until=until, repair=not parsed.dry_run).run():
                    print(json.dumps(found.as_data(), ensure_ascii=False), flush=True)
                    differences, open_ = differences + 1, open_ + (not found.repaired)
            except (StripeBusy, StripeUnsure) as trouble:
                print(f"{service.name}: {home.name} was not compared to the end: {trouble}", file=sys.stderr)
                status = UNKNOWN
    finally:
        service.wakeups.close()
        service.store.close()
    print(f"{differences} differences, {differences - open_} repaired, {open_} open", file=sys.stderr)
    return status or (DIFFERED if open_ else AGREED)


RECONCILE = Command(text="compare deposits and refunds with Stripe", run=_run, arguments=_arguments)
