"""The store under load, in deadlock, cut off and migrated by many: on both databases, without a lost connection or a half-done change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import peewee
import psycopg
import pytest
from shared.chassis.tests.driver import ROOT, Bench, together

import chassis.store
from chassis.store import Store, StoreDown, sqlstate
from support.waiting import wait_until


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url, pool_size=8)
    _create(made)
    yield made
    made.close()


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Store]:
    made = Store(postgres_url, pool_size=8)
    _create(made)
    yield made
    made.close()


def _create(store: Store) -> None:
    with store.transaction():
        store.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)")
        store.execute("INSERT INTO counters VALUES (1, 0), (2, 0)")


def add(store: Store, id: int = 1) -> None:
    with store.transaction():
        ((n,),) = store.execute(f"SELECT n FROM counters WHERE id = %s {store.for_update}", (id,))
        store.execute("UPDATE counters SET n = %s WHERE id = %s", (n + 1, id))


def count(store: Store, id: int = 1) -> int:
    with store.reading():
        return int(store.execute("SELECT n FROM counters WHERE id = %s", (id,))[0][0])


def in_use(store: Store) -> int:
    return len(store.database._in_use)


# --- units of work --------------------------------------------------------------------------------------------------


def test_fifty_threads_with_eight_connections_lose_nothing_and_leave_none_open(store: Store) -> None:
    def work(_: int) -> None:
        for _ in range(10):
            store.run(lambda: add(store))
            count(store)

    assert [result for result in together(50, work) if result] == []
    assert count(store) == 500
    assert in_use(store) == 0


def test_what_a_unit_of_work_noted_is_there_within_it_alone(store: Store) -> None:
    def failing() -> None:
        with store.transaction():
            store.notes["seen"] = 2
            raise ZeroDivisionError

    with store.transaction():
        store.notes["seen"] = 1
        with store.transaction():
            assert store.notes == {"seen": 1}
    with pytest.raises(ZeroDivisionError):
        failing()
    with store.transaction():
        assert store.notes == {}


def test_a_statement_alone_is_a_unit_of_work_or_part_of_the_one_that_is_open(store: Store, store_url: str) -> None:
    other = Store(store_url)
    insert = store.question("INSERT INTO counters VALUES (%s, 0) RETURNING id", (3,))

    def given_up() -> None:
        with store.transaction():
            assert store.alone(insert) == [(3,)]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        given_up()
    assert store.alone(insert) == [(3,)]
    with other.reading():
        assert other.execute("SELECT count(*) FROM counters") == [(3,)]
    with pytest.raises(peewee.IntegrityError):
        store.alone(insert)
    assert in_use(store) == 0
    other.close()


@pytest.mark.integration
def test_a_statement_alone_finds_a_connection_that_lives(postgresql: Store, postgres_url: str) -> None:
    add(postgresql)
    _terminate_all(postgres_url)
    assert postgresql.alone(postgresql.question("SELECT n FROM counters WHERE id = 1")) == [(1,)]


@pytest.mark.integration
@pytest.mark.parametrize("uses", range(3, 7))
def test_what_fails_in_a_pipeline_leaves_a_connection_that_works(postgres_url: str, uses: int) -> None:
    # psycopg prepares what it is given for the sixth time: asked in vain, or the COMMIT that is not come to.
    store = Store(postgres_url, pool_size=1)
    fails, asked = store.question("SELECT 1 / %s::int", (0,)), store.question("SELECT %s::int", (7,))

    def failing() -> None:
        with store.transaction(fails, asked):
            pass

    def failing_at_its_end() -> None:
        with store.transaction(), store.as_one(left=True):
            store.write(*fails[:2])

    def failing_outside() -> None:
        with store.reading(), store.asked_together(fails, asked):
            pass

    for fail in (failing, failing_at_its_end, failing_outside):
        with pytest.raises(peewee.DataError, match="division by zero"):
            fail()  # a ROLLBACK that psycopg has not seen before would else make it forget what it prepared
        for _ in range(uses):
            with store.transaction(asked):
                pass
        with pytest.raises(peewee.DataError, match="division by zero"):
            fail()
        with store.transaction(asked):
            assert store.ask(asked) == [(7,)]
        store.close()
    assert in_use(store) == 0


def test_what_is_left_outside_of_a_unit_of_work_is_done_at_once(store: Store, store_url: str) -> None:
    other = Store(store_url)
    with store.reading(), store.as_one(left=True):
        store.write("UPDATE counters SET n = %s WHERE id = %s", (5, 1))
    assert count(other) == 5
    other.close()


def test_a_unit_of_work_inside_another_joins_it(store: Store) -> None:
    def fail_outside() -> None:
        with store.transaction():
            with store.transaction():
                store.execute("UPDATE counters SET n = 7 WHERE id = 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_outside()

    assert count(store) == 0


def test_callbacks_run_after_the_commit_and_never_after_a_rollback(store: Store) -> None:
    seen: list[int] = []

    def change(fail: bool) -> None:
        before = len(seen)
        with store.transaction():
            store.execute("UPDATE counters SET n = n + 1 WHERE id = 1")
            with store.transaction():
                store.after_commit(lambda: seen.append(count(store)))
            assert len(seen) == before
            if fail:
                raise ZeroDivisionError

    change(fail=False)
    with pytest.raises(ZeroDivisionError):
        change(fail=True)
    change(fail=False)
    store.after_commit(lambda: seen.append(-1))

    assert seen == [1, 2, -1]


def test_after_an_error_the_connection_is_fit_for_others(store: Store) -> None:
    for _ in range(20):
        with pytest.raises(peewee.PeeweeException), store.transaction():
            store.execute("INSERT INTO counters VALUES (1, 1)")
        with pytest.raises(peewee.PeeweeException), store.reading():
            store.execute("SELECT nothing FROM nowhere")
        add(store)

    assert count(store) == 20
    assert in_use(store) == 0


def test_a_swallowed_error_does_not_commit_half_a_unit_of_work(postgresql: Store) -> None:
    def swallow() -> None:
        with postgresql.transaction():
            postgresql.execute("UPDATE counters SET n = 5 WHERE id = 1")
            with pytest.raises(peewee.IntegrityError):
                postgresql.execute("INSERT INTO counters VALUES (1, 1)")
            postgresql.execute("UPDATE counters SET n = 6 WHERE id = 1")

    with pytest.raises(peewee.InternalError):
        swallow()

    assert count(postgresql) == 0
    assert in_use(postgresql) == 0


def test_a_full_pool_is_waited_for_and_then_refused(store_url: str) -> None:
    store = Store(store_url, pool_size=1)
    store.database._wait_timeout = 0.2
    with store.reading():
        (refused,) = together(1, lambda _: store.answers())
        assert refused is False
        waiting = threading.Thread(target=lambda: add_later.append(store.answers()))
        add_later: list[bool] = []
        store.database._wait_timeout = 10
        waiting.start()
    waiting.join()
    assert add_later == [True]
    store.close()


def test_a_unit_of_work_inside_of_a_reading_is_one_all_the_same(store: Store) -> None:
    def change_and_fail() -> None:
        with store.transaction():
            store.execute("UPDATE counters SET n = 5 WHERE id = %s", (1,))
            raise ZeroDivisionError

    with store.reading():
        with pytest.raises(ZeroDivisionError):
            change_and_fail()
        with store.transaction(store.question("SELECT n FROM counters WHERE id = %s", (1,))):
            store.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (2,))
            assert store.ask(store.question("SELECT n FROM counters WHERE id = %s", (1,))) == [(0,)]
        assert not store.in_transaction
    assert (count(store, 1), count(store, 2)) == (0, 1)


def test_a_question_that_fails_with_the_beginning_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(peewee.PeeweeException), store.transaction(store.question("SELECT nothing FROM nowhere")):
        raise AssertionError("it must not begin")
    assert not store.in_transaction
    add(store)
    assert count(store, 1) == 1


# --- run again ------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_deadlocks_are_run_again(postgresql: Store) -> None:
    barrier = threading.Barrier(2, timeout=10)
    tries: list[int] = []

    def cross(number: int) -> None:
        first, second = (1, 2) if number else (2, 1)

        def act() -> None:
            with postgresql.transaction():
                tries.append(number)
                postgresql.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (first,))
                if tries.count(number) == 1:
                    barrier.wait()
                postgresql.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (second,))

        postgresql.run(act)

    assert together(2, cross) == [None, None]
    assert len(tries) >= 3, "one of the two ran again"
    assert count(postgresql, 1) == count(postgresql, 2) == 2


@pytest.mark.integration
def test_serialization_failures_are_run_again(postgresql: Store) -> None:
    def work(_: int) -> None:
        def act() -> None:
            with postgresql.transaction():
                postgresql.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                add(postgresql)

        for _ in range(3):
            postgresql.run(act)

    assert together(4, work) == [None] * 4
    assert count(postgresql) == 12


@pytest.mark.integration
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("40001", peewee.OperationalError),
        ("40P01", peewee.OperationalError),
        ("57P01", peewee.OperationalError),
        ("53300", peewee.OperationalError),
        ("55P03", peewee.OperationalError),
        ("25006", peewee.InternalError),
        ("23505", peewee.IntegrityError),
        ("22P02", peewee.DataError),
    ],
)
def test_every_error_keeps_its_code_and_only_a_store_that_is_gone_is_down(
    postgresql: Store, code: str, kind: type[Exception]
) -> None:
    def raise_it() -> None:
        with postgresql.transaction():
            postgresql.execute(f"DO $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '{code}'; END $$")

    with pytest.raises((kind, StoreDown)) as caught:
        raise_it()

    error = caught.value if not isinstance(caught.value, StoreDown) else caught.value.__cause__
    assert isinstance(error, kind)
    assert sqlstate(error) == code
    assert isinstance(caught.value, StoreDown) == (code in {"57P01", "53300", "25006"})


def test_two_that_add_the_same_row_at_once_both_succeed(store: Store) -> None:
    barrier = threading.Barrier(2, timeout=10)

    def add_if_missing(_: int) -> None:
        tries: list[int] = []

        def act() -> None:
            with store.transaction():
                tries.append(1)
                missing = not store.execute("SELECT 1 FROM counters WHERE id = 7")
                if store.on_postgresql and len(tries) == 1:
                    barrier.wait()
                if missing:
                    store.execute("INSERT INTO counters VALUES (7, 0)")

        store.run(act)

    assert together(2, add_if_missing) == [None, None]


def test_an_error_of_another_kind_is_not_run_again(store: Store) -> None:
    tries: list[int] = []

    def act() -> None:
        tries.append(1)
        with store.transaction():
            store.execute("SELECT nope FROM counters")

    with pytest.raises(peewee.PeeweeException):
        store.run(act)
    assert tries == [1]


# --- cut off --------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_a_killed_connection_is_a_store_that_is_down_once_and_then_recovers(
    postgresql: Store, postgres_url: str
) -> None:
    def lose_it() -> None:
        with postgresql.transaction():
            postgresql.execute("UPDATE counters SET n = 99 WHERE id = 1")
            _terminate_all(postgres_url)
            postgresql.execute("UPDATE counters SET n = 100 WHERE id = 1")

    with pytest.raises(StoreDown):
        lose_it()

    add(postgresql)
    assert count(postgresql) == 1
    assert in_use(postgresql) == 0


@pytest.mark.integration
def test_connections_that_died_in_the_pool_trouble_nobody(postgresql: Store, postgres_url: str) -> None:
    barrier = threading.Barrier(6, timeout=10)

    def hold(_: int) -> None:
        with postgresql.reading():
            postgresql.execute("SELECT 1")
            barrier.wait()

    together(6, hold)
    _terminate_all(postgres_url)

    assert [result for result in together(6, lambda _: add(postgresql)) if result] == []
    assert count(postgresql) == 6


@pytest.mark.integration
def test_a_commit_whose_connection_is_killed_is_down_and_not_a_bug(postgresql: Store, postgres_url: str) -> None:
    def lose_it_at_the_end() -> None:
        with postgresql.transaction():
            postgresql.execute("UPDATE counters SET n = 99 WHERE id = 1")
            _terminate_all(postgres_url)

    with pytest.raises(StoreDown):
        lose_it_at_the_end()

    assert count(postgresql) == 0


@pytest.mark.integration
def test_what_a_process_that_hangs_has_locked_is_free_again_in_time(
    postgres_url: str, postgresql: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert postgresql.run(lambda: _setting(postgresql, "idle_in_transaction_session_timeout")) == "1min"
    monkeypatch.setitem(chassis.store._SERVER_SETTINGS, "idle_in_transaction_session_timeout", "300ms")
    hanging = Store(postgres_url)

    def hang() -> None:
        with hanging.transaction():
            hanging.execute("UPDATE counters SET n = 99 WHERE id = 1")
            add(postgresql)
            hanging.execute("UPDATE counters SET n = 100 WHERE id = 1")

    with pytest.raises(StoreDown):
        hang()

    assert count(postgresql) == 1
    assert in_use(hanging) == 0
    add(hanging)
    hanging.close()


@pytest.mark.integration
def test_a_server_notices_a_process_that_vanished_without_a_word(postgresql: Store) -> None:
    assert {name: _setting(postgresql, name) for name in ("tcp_keepalives_idle", "tcp_user_timeout")} == {
        "tcp_keepalives_idle": "10",
        "tcp_user_timeout": "30000",
    }


def test_a_store_that_was_never_there(tmp_path: Path) -> None:
    removed = Store(f"sqlite:///{tmp_path}/folder/store.db")
    (tmp_path / "folder").rmdir()
    for store in (Store("postgresql://nobody:nothing@127.0.0.1:9/none"), removed):
        assert not store.answers()
        with pytest.raises(StoreDown), store.transaction():
            pass
        assert in_use(store) == 0


def _terminate_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- migrations -----------------------------------------------------------------------------------------------------


def _migrations(directory: Path, *bodies: str) -> Path:
    """A folder of migrations whose n-th does as the n-th body says."""
    folder = directory / "ledger" / "migrations"
    folder.mkdir(parents=True)
    for number, body in enumerate(bodies, start=1):
        (folder / f"{number:04d}_step.py").write_text(f"def up(migrator, db):\n    {body}\n")
    return folder


_MAKE = 'db.execute_sql("CREATE TABLE made (n INTEGER)")'


def test_ten_threads_migrate_once(store_url: str, tmp_path: Path) -> None:
    folder = _migrations(tmp_path, _MAKE, 'db.execute_sql("INSERT INTO made VALUES (1)")')
    stores = [Store(store_url) for _ in range(10)]

    applied = together(10, lambda number: stores[number].migrate(folder))

    assert sorted(applied) == [[]] * 9 + [["0001_step", "0002_step"]]
    with stores[0].reading():
        assert stores[0].execute("SELECT n FROM made") == [(1,)]
    for store in stores:
        store.close()


def test_a_migration_that_fails_changes_nothing_and_runs_again(store_url: str, tmp_path: Path) -> None:
    folder = _migrations(tmp_path, _MAKE, 'db.execute_sql("CREATE TABLE other (n INTEGER)"); 1 / 0')
    store = Store(store_url)

    with pytest.raises(ZeroDivisionError):
        store.migrate(folder)
    (folder / "0002_step.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("CREATE TABLE other (n INTEGER)")\n'
    )

    assert store.migrate(folder) == ["0002_step"]
    assert store.migrate(folder) == []
    store.close()


def test_a_starter_that_is_killed_in_a_migration_holds_nobody_up(store_url: str, tmp_path: Path) -> None:
    folder = _migrations(
        tmp_path,
        _MAKE,
        f'db.execute_sql("INSERT INTO made VALUES (1)"); open({str(tmp_path / "half")!r}, "w").close(); import time; time.sleep(60)',
    )
    code = f"from pathlib import Path; from chassis.store import Store; Store({store_url!r}).migrate(Path({str(folder)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    wait_until(lambda: (tmp_path / "half").exists(), deadline=30, what="the migration to be half done")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)

    (folder / "0002_step.py").write_text('def up(migrator, db):\n    db.execute_sql("INSERT INTO made VALUES (2)")\n')
    store = Store(store_url)
    began = time.monotonic()
    assert store.migrate(folder) == ["0002_step"]

    assert time.monotonic() - began < 10
    with store.reading():
        assert store.execute("SELECT n FROM made") == [(2,)]
    store.close()


def test_the_revision_is_the_newest_of_the_services_own(stored: Bench) -> None:
    assert stored.service.store.revision() == "0001_initial"


def _setting(store: Store, name: str) -> str:
    with store.reading():
        return str(store.execute(f"SHOW {name}")[0][0])


def test_a_statement_planned_anew_is_never_prepared_and_answers_as_any_other(store: Store) -> None:
    with store.reading():
        for _ in range(10):
            assert store.execute("SELECT n FROM counters WHERE id = %s", (1,), planned_anew=True) == [(0,)]
        with pytest.raises(peewee.PeeweeException):
            store.execute("SELECT n FROM nowhere WHERE id = %s", (1,), planned_anew=True)
    if store.on_postgresql:
        with store.reading():
            kept = store.execute("SELECT statement FROM pg_prepared_statements")
        assert [statement for (statement,) in kept if "counters" in statement] == []


@pytest.mark.integration
def test_more_is_sent_together_than_either_side_can_hold(postgresql: Store) -> None:
    texts = [f"{number:03}" + "x" * 500_000 for number in range(60)]
    with postgresql.transaction():
        postgresql.execute("CREATE TABLE texts (text TEXT)")
        answers = postgresql.execute_each("INSERT INTO texts VALUES (%s) RETURNING text", [(text,) for text in texts])
    assert [answer for ((answer,),) in answers] == texts
