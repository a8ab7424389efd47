"""What falls due by the clock: each job on a thread of its own, woken by commits, polling as the safety net."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.store import StoreDown
from chassis.telemetry import Metrics, logged
from chassis.wakeups import Wakeups

log = logging.getLogger(__name__)
_PAUSE_AFTER_ERROR = 1.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """`run` does a portion of what is due and returns how much that was; any number of processes may run the same job.

    It is called again at once while it returns more than 0, else after `every` or when `wake` is notified. `next_due` tells the
    earliest moment at which there will be something to do, None where nothing is planned.
    """

    name: str
    run: Callable[[], int]
    every: timedelta
    wake: str | None = None
    next_due: Callable[[], datetime | None] | None = None


class JobRunner:
    """Runs `jobs` until it is stopped; a job that fails is logged and tried again."""

    def __init__(self, jobs: Sequence[Job], wakeups: Wakeups, metrics: Metrics) -> None:
        self._jobs = jobs
        self._wakeups = wakeups
        self._metrics = metrics
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._alarms: list[threading.Event] = []
        self._busy = 0
        self._busy_lock = threading.Lock()

    @property
    def idle(self) -> bool:
        """Whether no job is at work and none was just woken."""
        return self._busy == 0 and not any(alarm.is_set() for alarm in self._alarms)

    def start(self) -> None:
        for job in self._jobs:
            alarm = self._wakeups.subscribe(job.wake) if job.wake else threading.Event()
            self._alarms.append(alarm)
            thread = threading.Thread(target=self._run, args=(job, alarm), name=f"job-{job.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Have every job look now: the clock has jumped."""
        for alarm in self._alarms:
            alarm.set()

    def stop(self, timeout: float = 30) -> None:
        """Let what runs finish, then end."""
        self._stopping.set()
        self.wake()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _run(self, job: Job, alarm: threading.Event) -> None:
        while not self._stopping.is_set():
            with self._busy_lock:
                self._busy += 1
            alarm.clear()
            try:
                if self._stopping.is_set():
                    return  # the alarm that was just cleared may have been the one to stop
                with logged(job=job.name), self._metrics.job_seconds.labels(job.name).time():
                    done = job.run()
            except StoreDown:
                log.warning("the store is down, job %s waits", job.name)
                done = -1
            except Exception:
                log.exception("job %s failed, it will run again", job.name)
                done = -1
            finally:
                with self._busy_lock:
                    self._busy -= 1
            if done < 0:
                self._stopping.wait(_PAUSE_AFTER_ERROR * random.uniform(1, 2))
            elif done == 0:
                # Jitter keeps many processes from looking in step.
                alarm.wait(job.every.total_seconds() * random.uniform(0.9, 1.1))
