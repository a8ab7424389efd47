"""Calls to the outside, kept in the store until they were taken: webhooks and status callbacks, at least once."""

import http.client
import json
import logging
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.store import Store, Transaction

log = logging.getLogger(__name__)

WORKERS = 4
TIMEOUT = 20.0
STOP_SECONDS = 3.0
"""How long a stop waits for a delivery whose receiver does not answer; it is made again after the next start."""
GIVE_UP_AFTER = 3 * 86400.0
"""Stripe repeats a webhook for up to three days."""
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One call still to be made; `payload` is its body, or what the channel makes its body of."""

    seq: int
    channel: str
    url: str
    secret: str
    subject: str
    payload: str
    attempts: int
    made_at: float


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """What goes over the wire. No url: there is nothing to call."""

    url: str
    body: bytes
    headers: dict[str, str]


Prepare = Callable[[Delivery], Outgoing | None]


def enqueue(
    tx: Transaction, *, channel: str, url: str, secret: str, subject: str, payload: str, wait: float = 0.0
) -> None:
    now = time.time()
    tx.execute(
        "INSERT INTO delivery (channel, url, secret, subject, payload, next_at, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (channel, url, secret, subject, payload, now + wait, now),
    )


class Deliveries:
    """One thread picks what is due, a few deliver it. Real time: what waits here waits for the network, not the suite."""

    def __init__(self, store: Store, rewrites: Mapping[str, str]) -> None:
        self._store = store
        self._rewrites = rewrites
        self._prepare: dict[str, Prepare] = {}
        self._ready: queue.Queue[Delivery | None] = queue.Queue()
        self._taken: dict[int, int] = {}  # what is being delivered, and how often it has failed
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._woken = False
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._hold = store.get_meta("hold") == "1"
        self._shuffle = store.get_meta("shuffle") == "1"
        self._repeat = int(store.get_meta("repeat", "1"))

    def register(self, channel: str, prepare: Prepare) -> None:
        """`prepare` is asked anew for each attempt, as a signature carries its time."""
        self._prepare[channel] = prepare

    @property
    def hold(self) -> bool:
        return self._hold

    @property
    def shuffle(self) -> bool:
        return self._shuffle

    @property
    def repeat(self) -> int:
        return self._repeat

    def steer(self, *, hold: bool | None = None, repeat: int | None = None, shuffle: bool | None = None) -> None:
        """How Stripe's webhooks go out from now on; kept across a restart. None leaves a setting as it is."""
        if repeat is not None:
            self._store.set_meta("repeat", str(repeat))
            self._repeat = repeat
        if shuffle is not None:
            self._store.set_meta("shuffle", str(int(shuffle)))
            self._shuffle = shuffle
        if hold is not None:
            self._store.set_meta("hold", str(int(hold)))
            self._hold = hold
        self.wake()

    def wake(self) -> None:
        with self._wake:
            self._woken = True
            self._wake.notify_all()

    def start(self) -> None:
        self._stopping = False
        self._threads = [threading.Thread(target=self._dispatch, name="sandbox-dispatch", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name=f"sandbox-delivery-{number}", daemon=True)
            for number in range(WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """What is under way is finished; the rest stays in the store for the next start."""
        self._stopping = True
        self.wake()
        for _ in range(WORKERS):
            self._ready.put(None)
        for thread in self._threads:
            thread.join(timeout=STOP_SECONDS)
        self._threads = []

    def idle(self, patience: int = 4) -> bool:
        """Nothing is being delivered or waits for it. What is held back, or has failed `patience` times because nobody
        answers there, does not count: it must not stop the suite's clock."""
        with self._lock:
            if any(failed < patience for failed in self._taken.values()):
                return False
        with self._store.read() as view:
            row = view.execute(
                "SELECT 1 FROM delivery WHERE attempts < ? AND NOT (channel = 'stripe' AND ?) LIMIT 1",
                (patience, self._hold),
            ).fetchone()
        return row is None

    def _dispatch(self) -> None:
        while not self._stopping:
            found = self._pick()
            with self._wake:
                if not found and not self._woken:
                    self._wake.wait(timeout=self._until_next())
                self._woken = False

    def _pick(self) -> bool:
        if self._ready.qsize() > BATCH:
            time.sleep(0.005)  # the workers are busy; picking faster would only grow the queue
            return True
        order = "random()" if self._shuffle else "seq"
        with self._lock:
            taken = list(self._taken)
        with self._store.read() as view:
            rows = view.execute(
                f"SELECT * FROM delivery WHERE next_at <= ? AND NOT (channel = 'stripe' AND ?)"
                f" AND seq NOT IN (SELECT value FROM json_each(?)) ORDER BY {order} LIMIT {BATCH}",
                (time.time(), self._hold, json.dumps(taken)),
            ).fetchall()
        picked = [_delivery(row) for row in rows]
        with self._lock:
            # A worker may have finished one between the two looks: it is gone from the table, or waits for a later time.
            picked = [each for each in picked if each.seq not in self._taken]
            self._taken.update({each.seq: each.attempts for each in picked})
        for each in picked:
            self._ready.put(each)
        return bool(picked)

    def _until_next(self) -> float:
        """Seconds to the next one that nobody has taken; none at all where one fell due since the last look."""
        with self._store.read() as view:
            row = view.execute(
                "SELECT min(next_at) AS at FROM delivery WHERE NOT (channel = 'stripe' AND ?)"
                " AND seq NOT IN (SELECT value FROM json_each(?))",
                (self._hold, json.dumps(list(self._taken))),
            ).fetchone()
        return min(max(row["at"] - time.time(), 0.001), 30.0) if row["at"] else 30.0

    def _work(self) -> None:
        connections = Connections(self._rewrites)
        while (delivery := self._ready.get()) is not None:
            if self._stopping:
                continue
            self._deliver(delivery, connections)
        connections.close()

    def _deliver(self, delivery: Delivery, connections: "Connections") -> None:
        try:
            try:
                outgoing = self._prepare[delivery.channel](delivery)
                delivered = outgoing is None or connections.post(outgoing)
            except Exception:
                log.exception("a delivery could not be made", extra={"delivery": delivery.seq})
                delivered = False
            self._settle(delivery, delivered)
        except sqlite3.Error:
            if not self._stopping:  # a stop that did not wait for a slow receiver has closed the store
                raise
        finally:
            with self._lock:
                self._taken.pop(delivery.seq, None)

    def _settle(self, delivery: Delivery, delivered: bool) -> None:
        with self._store.write() as tx:
            if delivered or time.time() - delivery.made_at > GIVE_UP_AFTER:
                tx.execute("DELETE FROM delivery WHERE seq = ?", (delivery.seq,))
            else:
                tx.execute(
                    "UPDATE delivery SET attempts = attempts + 1, next_at = ? WHERE seq = ?",
                    (time.time() + backoff(delivery.attempts), delivery.seq),
                )
        if not delivered:
            self.wake()


def backoff(attempts: int) -> float:
    """Seconds to the next attempt: from half a second, doubling, to a minute at most."""
    return float(min(0.5 * 2**attempts, 60.0)) * random.uniform(0.8, 1.2)


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        seq=row["seq"],
        channel=row["channel"],
        url=row["url"],
        secret=row["secret"],
        subject=row["subject"],
        payload=row["payload"],
        attempts=row["attempts"],
        made_at=row["made_at"],
    )


class Connections:
    """Kept-open connections of one worker, one an address."""

    def __init__(self, rewrites: Mapping[str, str]) -> None:
        self._rewrites = rewrites
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def post(self, outgoing: Outgoing) -> bool:
        """Whether it was answered with a 2xx. A connection that was closed since it was last used is opened anew."""
        url = urlsplit(self._inside(outgoing.url))
        where = (url.scheme, url.netloc)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        for _ in range(2):
            known = self._open.pop(where, None)
            connection = known or _connect(*where)
            try:
                connection.request("POST", target, body=outgoing.body, headers=outgoing.headers)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if known is None:
                    return False
                continue
            if response.will_close:
                connection.close()
            else:
                self._open[where] = connection
            return 200 <= response.status < 300
        return False

    def _inside(self, url: str) -> str:
        for outside, inside in self._rewrites.items():
            if url.startswith(outside):
                return inside + url.removeprefix(outside)
        return url

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def _connect(scheme: str, netloc: str) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(netloc, timeout=TIMEOUT)
