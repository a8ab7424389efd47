"""Rows read, added and changed by statements that are kept: as peewee itself would, on both stores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import peewee
import psycopg
import pytest
from peewee import DatabaseProxy, IntegerField, Model, TextField

from chassis import rows, statements
from chassis.columns import JsonField, UtcDateTimeField
from chassis.statements import Connection
from chassis.store import Store, StoreDown

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
proxy = DatabaseProxy()


class Room(Model):
    id = TextField(primary_key=True)
    name = TextField(column_name="label")
    seats = IntegerField(default=4)
    door = IntegerField(null=True, unique=True)
    equipment = JsonField(null=True)
    opened_at = UtcDateTimeField()
    closed_at = UtcDateTimeField(null=True)

    class Meta:
        database = proxy
        table_name = "rooms"
        only_save_dirty = True


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = Store(store_url, pool_size=4)
    made.bind(proxy)
    with made.transaction():
        Room.create_table()
    yield made
    made.close()


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Store]:
    made = Store(postgres_url, pool_size=4)
    made.bind(proxy)
    with made.transaction():
        Room.create_table()
    yield made
    made.close()


def _room(id: str, **fields: object) -> Room:
    return Room(id=id, name="Attic", opened_at=NOON, **fields)


def test_a_row_that_was_added_is_what_peewee_reads_and_the_other_way_round(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1", equipment={"chairs": [1, 2]}))
        Room.create(id="room_2", name="Cellar", opened_at=NOON, closed_at=NOON)
    with store.reading():
        by_peewee = {room.id: room.__data__ for room in Room.select()}
        by_us = {room.id: room.__data__ for id in by_peewee for room in rows.every(Room, id=id)}
    assert by_us == by_peewee
    assert by_us["room_1"]["equipment"] == {"chairs": [1, 2]}
    assert (by_us["room_1"]["seats"], by_us["room_2"]["closed_at"]) == (4, NOON)


def test_rows_that_were_added_together_are_as_if_one_by_one(store: Store) -> None:
    made = [
        _room(f"room_{n:05}", door=n, equipment={"chairs": n}, closed_at=None if n % 2 else NOON) for n in range(3000)
    ]
    with store.transaction():
        rows.add_all(made)
        rows.add_all([])
    with store.reading():
        found = list(Room.select().order_by(Room.id))
    assert [room.__data__ for room in found] == [room.__data__ for room in made]
    assert not made[0].dirty_fields
    with pytest.raises(peewee.IntegrityError), store.transaction():
        rows.add_all([_room("room_x"), _room("room_00007")])
    with store.reading():
        assert rows.first(Room, id="room_x") is None


def test_rows_are_found_by_all_that_they_must_equal_and_none_is_null(store: Store) -> None:
    with store.transaction():
        for number, closed in enumerate([None, NOON, None]):
            rows.add(_room(f"room_{number}", closed_at=closed))
    with store.reading():
        assert {room.id for room in rows.every(Room, name="Attic", closed_at=None)} == {"room_0", "room_2"}
        assert [room.id for room in rows.every(Room, closed_at=NOON)] == ["room_1"]
        assert rows.first(Room, id="room_1", closed_at=None) is None
        assert rows.first(Room, id="' OR 1=1 --") is None


def test_a_change_stores_what_was_set_and_nothing_else(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1"))
    with store.transaction():
        mine, theirs = rows.first(Room, id="room_1"), rows.first(Room, id="room_1")
        assert mine is not None
        assert theirs is not None
        theirs.seats = 9
        rows.change(theirs)
        mine.name, mine.closed_at = "Loft", NOON + timedelta(hours=1)
        rows.change(mine)
        mine.equipment = []
        rows.change(mine)
        rows.change(mine)  # nothing is left to store
    with store.reading():
        stored = Room.get_by_id("room_1")
    assert (stored.name, stored.seats, stored.equipment) == ("Loft", 9, [])
    assert stored.closed_at == NOON + timedelta(hours=1)


def test_an_update_gives_one_row_its_values_unread(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1", closed_at=NOON))
        rows.add(_room("room_2"))
        rows.update(Room, "room_1", {"name": "Loft", "closed_at": None, "equipment": [1]})
    with store.reading():
        one, two = (rows.first(Room, id=id) for id in ("room_1", "room_2"))
    assert one is not None
    assert two is not None
    assert (one.name, one.closed_at, one.equipment) == ("Loft", None, [1])
    assert (two.name, two.equipment) == ("Attic", None)


def test_a_second_row_of_the_same_key_is_refused_as_peewee_refuses_it(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1"))
    with pytest.raises(peewee.IntegrityError), store.transaction():
        rows.add(_room("room_1"))


def test_of_writes_that_are_sent_together_all_are_kept_or_none(store: Store) -> None:
    _add_together(store, "room_1", "room_2")
    with pytest.raises(peewee.IntegrityError):
        _add_together(store, "room_3", "room_1", "room_4")
    with store.transaction():
        rows.add(_room("room_5"))  # the connection is fit for others
    with store.reading():
        assert [room.id for room in Room.select().order_by(Room.id)] == ["room_1", "room_2", "room_5"]


def test_what_was_read_ahead_is_not_asked_for_again_and_nothing_else_is_answered_from_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction():
        for number in range(4):
            rows.add(_room(f"room_{number}", seats=number % 2))
    ids = {"id": {"room_0", "room_1", "nowhere"}}
    asked: list[str] = []
    execute = store.database.execute_sql

    def count(sql: str, *more: object) -> object:
        asked.append(sql)
        return execute(sql, *more)

    with store.transaction(), rows.ahead((Room, ids)):
        monkeypatch.setattr(store.database, "execute_sql", count)
        found = rows.first(Room, id="room_1", name="Attic")
        assert found is not None
        assert (found.id, found.seats, found.opened_at) == ("room_1", 1, NOON)
        assert rows.first(Room, id="room_1", name="Cellar") is None
        assert rows.first(Room, id="nowhere") is None
        assert asked == []
        assert rows.every(Room, id="room_2")
        assert rows.every(Room, name="Attic")
        assert rows.first(Room, lock=True, id="room_1") is not None
        assert len(asked) == 3
        with rows.ahead((Room, {"name": ["Attic"], "seats": [0, 1]})):
            assert {room.id for room in rows.every(Room, name="Attic", seats=0)} == {"room_0", "room_2"}
            assert rows.first(Room, id="room_0") is not None
            assert len(asked) == 4
        asked.clear()
    with store.transaction():
        assert rows.first(Room, id="room_1") is not None
    assert [sql for sql in asked if sql.startswith("SELECT")] == asked[-1:]


def test_rows_are_locked_by_their_keys_and_those_that_are_not_there_are_left_out(store: Store) -> None:
    with store.transaction():
        for number in (2, 0, 1):
            rows.add(_room(f"room_{number}"))
        assert [room.id for room in rows.locked(Room, {"room_2", "nowhere", "room_0"})] == ["room_0", "room_2"]
        assert rows.locked(Room, []) == []


def test_a_statement_is_run_with_each_of_what_it_is_given_and_every_answer_comes_back(store: Store) -> None:
    with store.transaction():
        statement = (
            "INSERT INTO rooms (id, label, seats, opened_at) VALUES (%s, %s, 1, %s) ON CONFLICT DO NOTHING RETURNING id"
        )
        found = store.execute_each(statement, [(f"room_{number % 2}", "Attic", NOON) for number in range(3)])
        assert found == [[("room_0",)], [("room_1",)], []]
        assert store.execute_each("UPDATE rooms SET seats = %s WHERE id = %s", [(5, "room_0"), (6, "room_1")]) == [
            [],
            [],
        ]
        assert store.execute("SELECT seats FROM rooms ORDER BY id") == [(5,), (6,)]


def _add_together(store: Store, *ids: str) -> None:
    with store.transaction(), store.together():
        for id in ids:
            rows.add(_room(id))


def test_what_is_asked_together_is_answered_once_and_then_asked_anew(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1"))
        asked = rows.question(Room, id="room_1"), rows.question(Room, share=True, id="room_2")
        with store.asked_together(*asked):
            Room.update(name="Loft").where(Room.id == "room_1").execute()
            rows.add(_room("room_2"))
            names = [[room.name for room in rows.every(Room, id="room_1")] for _ in range(2)]
            first, second = (rows.first(Room, share=True, id="room_2") for _ in range(2))
            assert rows.first(Room, id="room_2") is not None  # another question: without the lock
        assert names == [["Attic"], ["Loft"]]
        assert first is None
        assert second is not None


def test_what_is_answered_already_is_not_asked_again(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1"))
        asked = rows.question(Room, id="room_1")
        with store.asked_together(asked):
            Room.update(name="Loft").where(Room.id == "room_1").execute()
            with store.asked_together(asked, rows.question(Room, id="room_2")):
                names = [room.name for room in rows.every(Room, id="room_1")]
            # It was taken there: what is asked now is answered by what is now.
            names += [room.name for room in rows.every(Room, id="room_1")]
    assert names == ["Attic", "Loft"]


@pytest.mark.integration
def test_statements_of_a_pipeline_are_sent_with_its_end(postgresql: Store, postgres_url: str) -> None:
    lock = "SELECT pg_advisory_xact_lock(7)"
    with psycopg.connect(postgres_url, autocommit=True) as other, postgresql.transaction():
        with postgresql.together():
            postgresql.execute(lock)
            postgresql.execute("SELECT 1")
            time.sleep(0.2)  # what was sent would have come to its end
            assert other.execute("SELECT pg_try_advisory_lock(7), pg_advisory_unlock(7)").fetchone() == (True, True)
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (False,)


@pytest.mark.integration
def test_more_than_the_sockets_hold_goes_through_a_pipeline_both_ways(postgresql: Store) -> None:
    texts = [(str(number) * 20_000,) for number in range(1000)]
    with postgresql.transaction():
        assert postgresql.execute_each("SELECT %s::text", texts) == [[text] for text in texts]


def test_what_nobody_asked_for_after_all_is_forgotten(store: Store) -> None:
    with store.transaction():
        with store.asked_together(rows.question(Room, id="room_1")):
            rows.add(_room("room_1"))
        assert rows.first(Room, id="room_1") is not None


@pytest.mark.integration
def test_a_locked_row_is_waited_for(postgres_url: str) -> None:
    store = Store(postgres_url, pool_size=4)
    store.bind(proxy)
    with store.transaction():
        Room.create_table()
        rows.add(_room("room_1"))
    began, seen = threading.Event(), list[int]()

    def look() -> None:
        with store.transaction():
            began.set()
            room = rows.first(Room, lock=True, id="room_1")
            assert room is not None
            seen.append(room.seats)

    other = threading.Thread(target=look)
    with store.transaction():
        room = rows.first(Room, lock=True, id="room_1")
        assert room is not None
        room.seats = 7
        rows.change(room)
        other.start()
        assert began.wait(10)
        other.join(0.2)
        assert other.is_alive()
        assert seen == []
    other.join(10)
    assert seen == [7]
    store.close()


def test_rows_of_one_each_come_side_by_side(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.transaction():
        rows.add(_room("room_1", equipment={"chairs": 2}, closed_at=NOON))
        rows.add(_room("room_2"))
    wanted: list[dict[str, Any]] = [
        {"id": "room_1"},
        {"id": "room_none"},
        {"id": "room_2", "closed_at": None},
        {"id": "room_2", "closed_at": NOON},
    ]
    asked = [rows.question(Room, lock=number == 2, **equal) for number, equal in enumerate(wanted)]
    asked += [rows.question(Room, name="Attic"), store.question("SELECT count(*) FROM rooms")]
    with store.transaction(*asked), monkeypatch.context() as unreachable:
        unreachable.setattr(store.database, "execute_sql", lambda *_: pytest.fail("this was asked ahead"))
        found = [rows.first(Room, lock=number == 2, **equal) for number, equal in enumerate(wanted)]
        assert len(rows.every(Room, name="Attic")) == 2
        assert store.ask(asked[-1]) == [(2,)]
    assert [room and room.id for room in found] == ["room_1", None, "room_2", None]
    assert found[0] is not None
    assert (found[0].equipment, found[0].closed_at, found[0].seats) == ({"chairs": 2}, NOON, 4)


@pytest.mark.integration
def test_postgresql_is_sent_them_as_one_statement(postgresql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    execute = postgresql.database.execute_sql

    def noted(sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    monkeypatch.setattr(postgresql.database, "execute_sql", noted)
    with postgresql.transaction(rows.question(Room, door=1), rows.question(Room, id="room_2", share=True)):
        assert rows.first(Room, door=1) is rows.first(Room, id="room_2", share=True) is None
    assert len(sent) == 1


def test_what_is_written_as_one_is_there_at_its_end_or_not_at_all(store: Store) -> None:
    with store.transaction():
        rows.add(_room("room_1"))
    with store.transaction():
        changed = rows.first(Room, id="room_1")
        assert changed is not None
        with store.as_one():
            changed.seats = 9
            rows.change(changed)
            rows.add(_room("room_2", equipment={"per cent": "%s"}))
            with store.as_one():
                rows.add_all([_room("room_3"), _room("room_4")])
            store.write(
                "INSERT INTO rooms (id, label, seats, opened_at) VALUES (%s, %s, 1, %s)", ("room_5", "%s", NOON)
            )
        assert {room.id: (room.name, room.seats) for room in Room.select()} == {
            "room_1": ("Attic", 9), "room_2": ("Attic", 4), "room_3": ("Attic", 4), "room_4": ("Attic", 4), "room_5": ("%s", 1),
        }  # fmt: skip

    def write_twice() -> None:
        with store.transaction(), store.as_one():
            rows.add(_room("room_6"))
            rows.add(_room("room_1"))

    with pytest.raises(peewee.IntegrityError):
        write_twice()
    with store.transaction(), store.as_one():
        pass
    with store.reading():
        assert rows.first(Room, id="room_6") is None


@pytest.mark.integration
def test_postgresql_is_sent_what_is_written_as_one_as_one(postgresql: Store) -> None:
    def forgo() -> None:
        with postgresql.as_one():
            rows.add(_room("room_1"))
            rows.add(_room("room_2"))
            assert rows.first(Room, id="room_1") is None
            raise ZeroDivisionError

    with postgresql.transaction():
        with pytest.raises(ZeroDivisionError):
            forgo()
        assert rows.first(Room, id="room_1") is None


def test_what_is_left_goes_with_what_comes_next_or_with_the_commit_and_fails_there(store: Store) -> None:
    with store.transaction():
        with store.as_one(left=True):
            rows.add(_room("room_1"))
        assert rows.first(Room, id="room_1") is not None
        with store.as_one(left=True):
            rows.add(_room("room_2", door=1))
        rows.update(Room, "room_2", {"seats": 9})
        with store.as_one(left=True):
            rows.add(_room("room_3"))

    def refused() -> None:
        with store.transaction(), store.as_one(left=True):
            rows.add(_room("room_4"))
            rows.add(_room("room_5", door=1))

    def given_up() -> None:
        with store.transaction():
            with store.as_one(left=True):
                rows.add(_room("room_6"))
            raise ZeroDivisionError

    with pytest.raises(peewee.IntegrityError):
        refused()
    with pytest.raises(ZeroDivisionError):
        given_up()
    with store.transaction():
        assert {room.id: room.seats for room in Room.select()} == {"room_1": 4, "room_2": 9, "room_3": 4}


@pytest.mark.integration
def test_postgresql_is_sent_what_is_left_at_the_end_with_the_commit(
    postgresql: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[object] = []
    wait = Connection.wait

    def noted(connection: Connection, *asked: Any, **how: Any) -> Any:
        ways.append(connection.pgconn.pipeline_status)
        return wait(connection, *asked, **how)

    with postgresql.transaction():
        with postgresql.as_one(left=True):
            rows.add(_room("room_1"))
        monkeypatch.setattr(Connection, "wait", noted)
    # The first begins the pipeline.
    assert all(ways[1:])
    assert len(ways) > 1


@pytest.mark.integration
@pytest.mark.parametrize("way", ["one question", "questions", "a write", "statements together", "peewee's own"])
def test_what_is_left_goes_the_way_of_what_comes_next(
    postgresql: Store, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    ways: list[object] = []
    enqueue, execute = statements._Pipeline._enqueue_sync, psycopg.Cursor.execute

    def ended(pipeline: statements._Pipeline) -> None:
        ways.append(pipeline)
        enqueue(pipeline)

    def executed(cursor: psycopg.Cursor[Any], *asked: Any, **how: Any) -> Any:
        if not cursor.connection.pgconn.pipeline_status:
            ways.append(asked)
        return execute(cursor, *asked, **how)

    with postgresql.transaction():
        monkeypatch.setattr(statements._Pipeline, "_enqueue_sync", ended)
        monkeypatch.setattr(psycopg.Cursor, "execute", executed)
        with postgresql.as_one(left=True):
            rows.add(_room("room_1"))
        with postgresql.as_one(left=True):
            rows.add(_room("room_2"))
        assert not ways
        match way:
            case "one question":
                assert rows.first(Room, id="room_2", lock=True) is not None
            case "questions":
                asked = [rows.question(Room, id=f"room_{number}", lock=True) for number in (1, 2)]
                with postgresql.asked_together(*asked):
                    assert len(ways) == 1
                    assert all(rows.first(Room, id=f"room_{number}", lock=True) for number in (1, 2))
            case "a write":
                rows.update(Room, "room_2", {"seats": 9})
            case "statements together":
                with postgresql.together():
                    rows.update(Room, "room_1", {"seats": 9})
                    rows.update(Room, "room_2", {"seats": 9})
            case _:
                assert Room.select().count() == 2
        assert len(ways) == 1


@pytest.mark.integration
@pytest.mark.parametrize("way", ["as one", "left", "together", "asked together"])
def test_a_connection_killed_while_statements_gather_is_a_store_that_is_down(
    postgresql: Store, postgres_url: str, way: str
) -> None:
    def kill() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    def act() -> None:
        with postgresql.transaction(rows.question(Room, id="room_1"), rows.question(Room, id="room_2", lock=True)):
            if way == "asked together":
                kill()
                with postgresql.asked_together(rows.question(Room, id="room_3"), rows.question(Room, id="room_4")):
                    pytest.fail("nobody answers")
            gathering: dict[str, Callable[[], AbstractContextManager[None]]] = {
                "as one": postgresql.as_one,
                "left": partial(postgresql.as_one, left=True),
            }
            with gathering.get(way, postgresql.together)():
                rows.add(_room("room_1", equipment="x" * 500_000))
                kill()
                rows.add(_room("room_2", equipment="x" * 500_000))

    with pytest.raises(StoreDown):
        act()
    with postgresql.transaction():
        assert rows.every(Room, name="Attic") == []
        rows.add(_room("room_1"))
