"""What the harness asks of a peer, on its command line, and how the peer answers: `publish N` and `trickle N PAUSE`, in a line of JSON."""

from __future__ import annotations

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks.peers.effect import Effects, event

BROKER_URL = os.environ.get("BROKER_URL", "")
STORE_URL = os.environ.get("STORE_URL", "")
QUEUE = os.environ.get("QUEUE", "")
Publish = Callable[[str, dict[str, Any]], None]


def events(number: int) -> list[tuple[str, dict[str, Any]]]:
    """So many events, each with an id of its own."""
    return [(f"evt_{uuid.uuid4().hex}", event(index)) for index in range(number)]


def timed(publish: Publish, number: int, warm_up: int = 20) -> None:
    """Publish one after the other, and print how long it took; a few more go first, so that everything is connected."""
    for event_id, data in events(warm_up):
        publish(event_id, data)
    ready = events(number)
    began = time.perf_counter()
    for event_id, data in ready:
        publish(event_id, data)
    answer({"seconds": time.perf_counter() - began, "published": warm_up + number})


def trickle(publish: Publish, number: int, pause: float) -> None:
    """Publish one at a time, wait for its effect, and rest; print how many seconds each effect took."""
    effects = Effects(STORE_URL)
    took = []
    for event_id, data in events(number):
        time.sleep(pause * random.uniform(0.5, 1.5))
        began = time.perf_counter()
        publish(event_id, data)
        effects.wait_for(event_id)
        took.append(time.perf_counter() - began)
    answer({"took": took})


def answer(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def obey(publish: Publish) -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["publish", number]:
            timed(publish, int(number))
        case ["trickle", number, pause]:
            trickle(publish, int(number), float(pause))
        case asked:
            raise SystemExit(f"asked for {asked}")
