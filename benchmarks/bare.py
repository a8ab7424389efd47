"""A bare Flask and peewee view, as one writes it in an afternoon: two inserts and a commit, behind the same server as ours.

No token, no validation, no conflict looked for, no outbox: what these cost is what is compared. `python -m benchmarks.bare api`.
"""

from __future__ import annotations

import os
import signal
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request
from peewee import DatabaseProxy, Model, TextField
from playhouse.pool import PooledPostgresqlDatabase

from chassis.http_server import HttpServer

THREADS, POOL = 16, 20  # as our services have them unless told otherwise
database = DatabaseProxy()


class Booking(Model):
    id = TextField(primary_key=True)
    client_id = TextField()
    service_id = TextField()
    calendar_id = TextField(index=True)
    starts_at = TextField()
    created_at = TextField()

    class Meta:
        database = database


class Change(Model):
    booking_id = TextField(index=True)
    at = TextField()
    what = TextField()

    class Meta:
        database = database


def create_app() -> Flask:
    app = Flask(__name__)

    @app.post("/v1/sessions")
    def book() -> tuple[dict[str, Any], int]:
        body, now = request.get_json(), datetime.now(UTC).isoformat()
        with database.connection_context(), database.atomic():
            booking = {"id": f"ses_{uuid.uuid4().hex}", "created_at": now, **body}
            Booking.insert(**booking).execute()
            Change.insert(booking_id=booking["id"], at=now, what="created").execute()
        return booking, 201

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    pool = PooledPostgresqlDatabase(
        os.environ["STORE_URL"], max_connections=POOL, timeout=30, prefer_psycopg3=True, autoconnect=False
    )
    database.initialize(pool)
    with database.connection_context():
        database.create_tables([Booking, Change])
    server = HttpServer(create_app(), host=os.environ["HTTP_HOST"], port=int(os.environ["HTTP_PORT"]), threads=THREADS)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    server.start()
    stopping.wait()
    server.stop()


if __name__ == "__main__":
    main()
