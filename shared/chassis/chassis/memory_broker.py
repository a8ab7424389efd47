"""kombu's broker in memory, waking whoever waits for a message when one arrives, where kombu looks again and again."""

from __future__ import annotations

import threading
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import memory


class _Arrivals:
    """Counts what arrives in any queue of this process."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def tell(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_beyond(self, count: int, seconds: float | None) -> bool:
        """Until there are more than `count`; False where there are not within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count > count, seconds)


_arrivals = _Arrivals()


class Channel(memory.Channel):
    def _put(self, queue: str, message: Any, **options: Any) -> None:
        super()._put(queue, message, **options)
        _arrivals.tell()


class Transport(memory.Transport):
    """For `kombu.Connection(transport=…)`."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Deliver one message, waiting for it up to `timeout` seconds.

        Raises:
            TimeoutError: none came.
        """
        ends = None if timeout is None else monotonic() + timeout
        while True:
            seen = _arrivals.count
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                left = None if ends is None else max(0.0, ends - monotonic())
            if not _arrivals.wait_beyond(seen, left):
                raise TimeoutError
