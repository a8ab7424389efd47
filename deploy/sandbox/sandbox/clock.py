"""Time as the suite sees it, so that a day can pass in a test without waiting for it."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from sandbox.store import Store

_OFFSET = "clock_offset_seconds"


class Clock(Protocol):
    """What the sandbox asks of a clock; an embedder may bring its own."""

    def now(self) -> datetime: ...

    def advance(self, seconds: float) -> datetime: ...


class SandboxClock:
    """Real time and an offset that is kept in the store and only grows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._offset = float(store.get_meta(_OFFSET, "0"))

    @classmethod
    def at(cls, data_dir: Path) -> "SandboxClock":
        """For an embedder that needs the clock before it makes the sandbox: the same file, the same offset."""
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(Store(data_dir / "sandbox.sqlite3"))

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=self._offset)

    def advance(self, seconds: float) -> datetime:
        """Moves the clock on and returns the new time. `ValueError` when asked to go back: time never does."""
        if seconds < 0:
            raise ValueError("time does not go back")
        with self._lock:
            self._store.set_meta(_OFFSET, repr(self._offset + seconds))
            self._offset += seconds
        return self.now()
