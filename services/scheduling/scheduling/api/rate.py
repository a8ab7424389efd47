"""How often an address may ask what needs no token."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address

from flask import request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from chassis.problems import TooManyRequests


def per_address(limit: int, *, proxies: int) -> Callable[[], None]:
    """What refuses the request at hand when its address has made `limit` within the last minute; each process counts its own.

    The address is the one that the outermost of our `proxies` saw (0: whoever connected): what lies before that anybody may write.

    Raises:
        TooManyRequests: when called; with the seconds until there is room.
    """
    item = RateLimitItemPerMinute(limit)
    limiter = MovingWindowRateLimiter(MemoryStorage())

    def check() -> None:
        address = _network(_address(proxies))
        if not limiter.hit(item, address):
            room = limiter.get_window_stats(item, address).reset_time - time.time()
            raise TooManyRequests(
                f"{limit} requests a minute are taken from one address.", retry_after=max(1, math.ceil(room))
            )

    return check


def _address(proxies: int) -> str:
    forwarded = request.headers.getlist("X-Forwarded-For")
    route = [hop.strip() for hop in ",".join(forwarded).split(",") if hop.strip()]
    if proxies and len(route) >= proxies:
        return route[-proxies]
    return request.remote_addr or ""


def _network(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that a household or a server is given of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))
    return str(parsed)
