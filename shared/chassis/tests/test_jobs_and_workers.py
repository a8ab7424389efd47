"""What runs beside requests and events: jobs woken by commits, senders' workers, and the time from a commit to its effect."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from shared.chassis.tests.driver import Bench, send_raw

from chassis import broker as chassis_broker
from chassis.inbox import Event, Message
from chassis.jobs import Job, JobRunner
from chassis.service import Done, Worker
from chassis.store import StoreDown
from chassis.worker import QueueWorker
from support.backing import Broker
from support.waiting import wait_until

QUEUE = "notifications.email"


def runner(bench: Bench, *jobs: Job) -> JobRunner:
    made = JobRunner(jobs, bench.service.wakeups, bench.service.metrics)
    bench._start(made)
    return made


def test_a_job_runs_again_at_once_while_there_is_work_then_waits_until_it_is_woken(stored: Bench) -> None:
    todo, done = [3, 2, 1], threading.Semaphore(0)

    def run() -> int:
        done.release()
        return todo.pop() if todo else 0

    made = runner(stored, Job(name="work", run=run, every=timedelta(hours=1), wake="work"))
    for _ in range(4):
        assert done.acquire(timeout=5)
    wait_until(lambda: made.idle, what="the job to rest")
    while done.acquire(timeout=0.5):
        pass  # a listener that has just connected wakes everybody once

    with stored.service.store.transaction():
        stored.service.wakeups.after_commit("work")
        assert not done.acquire(timeout=0.05), "before the commit nobody is woken"
    assert done.acquire(timeout=5)
    made.wake()
    assert done.acquire(timeout=5), "as when the clock has jumped"


def test_a_job_that_fails_runs_again_and_holds_up_no_other(stored: Bench) -> None:
    ran, others = threading.Semaphore(0), threading.Semaphore(0)

    def fail() -> int:
        ran.release()
        raise ZeroDivisionError if ran._value % 2 else StoreDown

    def good() -> int:
        others.release()
        return 0

    runner(
        stored,
        Job(name="bad", run=fail, every=timedelta(hours=1)),
        Job(name="good", run=good, every=timedelta(seconds=0.01)),
    )

    for _ in range(2):
        assert ran.acquire(timeout=5)
    for _ in range(5):
        assert others.acquire(timeout=5)


def test_jobs_end_at_once_whenever_they_are_stopped(stored: Bench) -> None:
    for _ in range(30):
        made = JobRunner(
            [Job(name="work", run=lambda: 0, every=timedelta(hours=1))], stored.service.wakeups, stored.service.metrics
        )
        made.start()
        began = time.monotonic()
        made.stop()
        assert time.monotonic() - began < 5
        assert not any(thread.is_alive() for thread in made._threads)


@pytest.mark.integration
def test_a_wake_up_crosses_processes_and_is_coalesced(postgres_url: str, benches: Callable[..., Bench]) -> None:
    here, there = benches(postgres_url), benches(postgres_url)
    woken = there.service.wakeups.subscribe("work")

    def notified() -> bool:
        here.service.wakeups.notify("work")
        return woken.wait(0.1)

    wait_until(notified, what="the listener to listen")
    woken.clear()
    for _ in range(1000):
        here.service.wakeups.notify("work")
    assert woken.wait(2)


# --- workers --------------------------------------------------------------------------------------------------------


def work_message(bench: Bench, number: int, **changes: str) -> Message:
    message = bench.message(id=f"evt-{number}", subject=f"del_{number}")
    body = f'{{"id":"del_{number}","account_id":"acc_one","version":1,"channel":"email"}}'
    headers = {
        **message.headers,
        "cloudEvents_type": "delivery.due",
        "cloudEvents_dataschema": "urn:timeblu:delivery.due:1",
        **changes,
    }
    return Message(headers=headers, body=body.encode())


def start_worker(
    bench: Bench,
    call: Callable[[Event], object],
    *,
    take: Callable[[Sequence[Event]], Sequence[Event | None]] = list,
    settle: Callable[[Sequence[Done[Event, object]]], None] = lambda _: None,
    concurrency: int = 4,
) -> QueueWorker:
    made = QueueWorker(bench.service, Worker(queue=QUEUE, take=take, call=call, settle=settle), concurrency)
    bench._start(made)
    wait_until(lambda: made.ready, what="the worker to be ready")
    return made


@pytest.mark.integration
def test_a_worker_works_on_several_at_once_and_finishes_them_when_it_is_stopped(suite: Bench, broker: Broker) -> None:
    url = suite.service.settings.broker_url
    done: list[str] = []
    barrier = threading.Barrier(4, timeout=10)

    def run(event: Event) -> None:
        barrier.wait()
        done.append(event.subject)

    made = start_worker(suite, run)
    send_raw(url, [work_message(suite, number) for number in range(8)], queue=QUEUE)
    wait_until(lambda: len(done) >= 4, what="four at once")
    suite.stop(made)

    assert sorted(done) == [f"del_{number}" for number in range(8)]
    assert broker.depth(url, QUEUE) == 0


@pytest.mark.integration
def test_what_a_worker_cannot_read_goes_to_the_dead_letters_and_failing_work_does_not(
    suite: Bench, broker: Broker
) -> None:
    url = suite.service.settings.broker_url
    done: list[str] = []

    def run(event: Event) -> None:
        done.append(event.subject)
        if event.subject == "del_1":
            raise ZeroDivisionError

    start_worker(suite, run)
    unreadable = [
        Message(headers={"compression": "zip"}, body=b"\xff"),
        work_message(suite, 8, cloudEvents_dataschema="urn:timeblu:delivery.due:9"),
        work_message(suite, 9, cloudEvents_type="no.such", cloudEvents_dataschema="urn:timeblu:no.such:1"),
    ]
    send_raw(url, [*unreadable, *(work_message(suite, number) for number in range(3))], queue=QUEUE)

    wait_until(lambda: sorted(done) == ["del_0", "del_1", "del_2"], what="the readable ones")
    wait_until(lambda: broker.depth(url, "notifications.dead") == 3, what="the others to be dead-lettered")
    assert broker.depth(url, QUEUE) == 0


@pytest.mark.integration
def test_work_that_met_a_store_that_is_down_is_given_back_when_the_worker_is_stopped(
    suite: Bench, broker: Broker
) -> None:
    url = suite.service.settings.broker_url
    begun = threading.Event()

    def take(events: Sequence[Event]) -> Sequence[Event]:
        begun.set()
        raise StoreDown

    made = start_worker(suite, lambda event: None, take=take)
    send_raw(url, [work_message(suite, 0)], queue=QUEUE)
    assert begun.wait(10)
    suite.stop(made)

    wait_until(lambda: broker.depth(url, QUEUE) == 1, what="the work to be back in its queue")


@pytest.mark.integration
def test_what_came_of_work_is_kept_until_the_store_answers_and_acknowledged_then(suite: Bench, broker: Broker) -> None:
    url = suite.service.settings.broker_url
    called: list[str] = []
    settled: list[tuple[str, object]] = []
    down = [True, True]

    def call(event: Event) -> int:
        called.append(event.subject)
        return len(called)

    def settle(done: Sequence[Done[Event, object]]) -> None:
        if down:
            down.pop()
            raise StoreDown
        settled.extend((each.task.subject, each.outcome) for each in done)

    made = start_worker(suite, call, settle=settle)
    send_raw(url, [work_message(suite, 0)], queue=QUEUE)
    wait_until(lambda: settled == [("del_0", 1)], what="it to be settled")
    suite.stop(made)

    assert called == ["del_0"]
    assert broker.depth(url, QUEUE) == 0


@pytest.mark.integration
def test_what_waits_is_taken_and_settled_together_and_never_more_than_half_again_the_calls(
    suite: Bench, broker: Broker
) -> None:
    url = suite.service.settings.broker_url
    here, going, lock = threading.Event(), threading.Event(), threading.Lock()
    open_now: set[str] = set()
    most, calling, most_calling = 0, 0, 0
    portions: list[int] = []

    def take(events: Sequence[Event]) -> Sequence[Event | None]:
        nonlocal most
        assert here.wait(10)  # so that the others come together
        with lock:
            open_now.update(event.subject for event in events)
            most = max(most, len(open_now))
            portions.append(len(events))
        return list(events)

    def call(event: Event) -> None:
        nonlocal calling, most_calling
        with lock:
            calling += 1
            most_calling = max(most_calling, calling)
        assert going.wait(10)
        with lock:
            calling -= 1

    def settle(done: Sequence[Done[Event, object]]) -> None:
        with lock:
            open_now.difference_update(each.task.subject for each in done)

    made = start_worker(suite, call, take=take, settle=settle)
    send_raw(url, [work_message(suite, number) for number in range(30)], queue=QUEUE)
    wait_until(lambda: broker.depth(url, QUEUE) == 30 - 2 * 4, what="as many as are fetched ahead")
    here.set()
    wait_until(lambda: len(open_now) == 6, what="as many as may be open")
    going.set()
    wait_until(lambda: sum(portions) == 30 and not open_now, what="all to be settled")
    suite.stop(made)

    assert (most, most_calling) == (6, 4)
    assert len(portions) < 30, "nothing was taken together"
    assert broker.depth(url, QUEUE) == 0


@pytest.mark.integration
def test_one_that_fails_holds_up_none_of_those_it_was_taken_or_settled_with(suite: Bench, broker: Broker) -> None:
    url = suite.service.settings.broker_url
    held, settled = threading.Event(), list[str]()

    def take(events: Sequence[Event]) -> Sequence[Event | None]:
        assert held.wait(10)  # so that the others come together
        if any(event.subject == "del_3" for event in events):
            raise ZeroDivisionError
        # Fewer than were given: the others are asked for again.
        return [None if event.subject == "del_4" else event for event in events[:3]]

    def settle(done: Sequence[Done[Event, object]]) -> None:
        if any(each.task.subject == "del_1" for each in done):
            raise ZeroDivisionError
        settled.extend(each.task.subject for each in done)

    made = start_worker(suite, lambda event: None, take=take, settle=settle)
    send_raw(url, [work_message(suite, number) for number in range(8)], queue=QUEUE)
    wait_until(lambda: broker.depth(url, QUEUE) == 0, what="all to have arrived")
    held.set()
    wait_until(lambda: sorted(settled) == ["del_0", "del_2", "del_5", "del_6", "del_7"], what="the good ones")
    suite.stop(made)

    assert broker.depth(url, QUEUE) == 0


# --- measured -------------------------------------------------------------------------------------------------------


def test_from_commit_to_effect_when_idle(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, not asserted: the goal is a median under 25 ms, and a busy machine must not fail a build."""
    bench.relay()
    bench.consumer()
    handled = threading.Event()
    act = bench.service.handlers()["account.created"]
    taking = bench._started[1].inbox
    seconds: list[float] = []

    def handle(event: Event) -> None:
        act(event)
        bench.service.store.after_commit(handled.set)

    taking._handlers = {**taking._handlers, "account.created": handle}
    for number in range(25):
        handled.clear()
        bench.publish(subject=f"acc_{number}")
        began = time.perf_counter()
        assert handled.wait(10)
        seconds.append(time.perf_counter() - began)
        wait_until(lambda: bench.unpublished() == 0, what="the relay to rest", interval=0.002)

    with capsys.disabled():
        kind = "embedded" if bench.service.store.on_sqlite else "suite"
        median, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
        print(f"\ncommit to effect, {kind}: median {median:.1f} ms, worst {worst:.1f} ms")


def test_a_queue_declared_by_nobody_else_is_declared_by_whoever_starts_first(suite: Bench, broker: Broker) -> None:
    suite.relay()
    event_id = suite.publish()
    wait_until(lambda: suite.unpublished() == 0, what="it to be published")

    assert broker.depth(suite.service.settings.broker_url, "payments.events") == 1
    suite.consumer()
    suite.wait_status(event_id, "done")


@pytest.mark.integration
def test_the_topology_can_be_declared_again_by_anybody(broker_url: str) -> None:
    for _ in range(2):
        with chassis_broker.connect(broker_url) as connection:
            chassis_broker.declare(connection)
