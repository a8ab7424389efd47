"""Has the console built beside the running suite, which neither waits for it nor needs it."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

BUILDING, BUILT, FAILED = "building", "built", "failed"
_TOLD_LINES, _TOLD_CHARACTERS = 15, 4000
_END_SECONDS = 2.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Build:
    """`<directory>/build`, once: at first it only looks whether there is anything to do; the work waits until `go`.

    It runs in a process group of its own, so that all of it can be ended, and yields to everything else on this machine.
    """

    def __init__(self, directory: Path, log_file: Path) -> None:
        self._directory = directory
        self._log_file = log_file
        self._state = BUILDING
        self._began = time.time()
        self._go, self._stopping = threading.Event(), threading.Event()
        self._spawning = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    @property
    def dist(self) -> Path:
        """Where the page is, once it is built."""
        return self._directory / "dist"

    @property
    def state(self) -> str:
        """BUILDING, BUILT or FAILED; what failed is BUILT as soon as somebody else has built it."""
        if self._state == FAILED:
            with suppress(OSError):
                if (self.dist / ".key").stat().st_mtime > self._began:
                    self._state = BUILT
        return self._state

    @property
    def reason(self) -> str:
        """The last lines that a build said."""
        try:
            said = self._log_file.read_bytes()[-_TOLD_CHARACTERS:].decode(errors="replace")
        except OSError as error:
            return str(error)
        return "\n".join(_COLOURS.sub("", said).strip().splitlines()[-_TOLD_LINES:])

    def start(self) -> None:
        """Look whether the page is there."""
        self._began = time.time()
        self._thread.start()

    def go(self) -> None:
        """Build it now, where it is not."""
        self._go.set()

    def stop(self) -> None:
        """End what is running of it."""
        with self._spawning:
            self._stopping.set()
        self._go.set()
        process = self._process
        if process is not None and process.poll() is None:
            _signal_group(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_END_SECONDS)
            # Also what the first one started and left behind.
            _signal_group(process, signal.SIGKILL)
        if self._thread.is_alive():
            self._thread.join(timeout=_END_SECONDS)

    def _run(self) -> None:
        try:
            if self._call("--check") == 0:
                self._state = BUILT
                return
            self._go.wait()
            self._state = BUILT if self._call() == 0 else FAILED
        except OSError as error:
            self._log_file.write_text(f"{self._directory / 'build'}: {error}\n")
            self._state = FAILED
        if self._stopping.is_set():
            return
        if self._state == BUILT:
            log.info("the console is built")
        else:
            log.warning("the console could not be built, the suite runs without: %s", self.reason.rpartition("\n")[2])

    def _call(self, *arguments: str) -> int:
        with self._log_file.open("wb") as output, self._spawning:
            if self._stopping.is_set():
                return -signal.SIGTERM
            self._process = subprocess.Popen(
                ["nice", "-n", "10", str(self._directory / "build"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o022,  # the suite's data are for its owner alone, the page is for everybody
            )
        return self._process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
