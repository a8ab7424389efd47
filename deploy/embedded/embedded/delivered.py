"""The memory broker forgets, the stores do not: below a mark in each outbox every event has reached all its consumers."""

from __future__ import annotations

import json
import logging
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis import inbox, outbox
from chassis.ids import new_event_id
from chassis.service import Service
from contracts import topology
from contracts.registry import EVENT_TYPES

log = logging.getLogger(__name__)
_AT_ONCE = 500


class Delivered:
    """The marks, one a service: the id of an outbox row. Kept in `path`; without it everything is published again, and inboxes ignore repeats.

    A mark moves over rows that the inboxes of all their consumers hold, so that it never passes one that is on its way. What is
    for a sender's queue is passed over once it is published: its delivery's own row says whether it is done. One thread at a time moves them.
    """

    def __init__(self, path: Path, services: Sequence[Service]) -> None:
        self._path = path
        self._services = services
        self._marks: dict[str, str] = {}
        self._kept: dict[str, str] = {}
        self._handled = {service.name: frozenset(service.handlers()) for service in services}
        self._by_name: Mapping[str, Service] = {service.name: service for service in services}

    def republish(self) -> None:
        """Publish again what the broker may have forgotten. Called before any relay runs."""
        self._marks = self._trusted(self._read())
        self._kept = dict(self._marks)
        for service in self._services:
            repeated = outbox.republish_after(service.store, self._marks.get(service.name, ""))
            if repeated:
                log.info("%d events of %s are published again", repeated, service.name)

    def republish_lost(self, name: str) -> None:
        """Publish again what follows a service's mark, while it runs."""
        service = self._by_name[name]
        repeated = outbox.republish_after(service.store, self._marks.get(name, ""))
        log.warning("%d events of %s did not arrive and are published again", repeated, name)
        service.wakeups.notify(outbox.RELAY)

    def move(self) -> dict[str, str]:
        """Move the marks as far as events have arrived; returns the first event of each service that has not."""
        held_up = {}
        for service in self._services:
            first = self._move(service)
            if first:
                held_up[service.name] = first
        return held_up

    def keep(self) -> None:
        """Write the marks down where they have moved."""
        marks = {name: mark for name, mark in self._marks.items() if mark}
        if marks == self._kept:
            return
        temporary = self._path.with_suffix(".new")
        with temporary.open("w") as file:
            json.dump(marks, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._kept = marks

    def _move(self, service: Service) -> str | None:
        # Ids grow with the time of day. Where that went back, younger events get ids below older ones: no mark lies above this id.
        highest = new_event_id()
        mark = self._marks.get(service.name, "")
        if mark > highest:
            mark = self._marks[service.name] = ""
        while rows := outbox.after(service.store, mark, _AT_ONCE):
            expected: defaultdict[str, list[str]] = defaultdict(list)
            for id_, type_, queue, _ in rows:
                for consumer in self._consumers(type_, queue):
                    expected[consumer].append(id_)
            missing = {
                id_
                for consumer, ids in expected.items()
                for id_ in set(ids) - inbox.seen(self._by_name[consumer].store, ids)
            }
            for id_, _, _, published in rows:
                if not published or id_ in missing:
                    return id_
                mark = id_
                if id_ < highest:
                    self._marks[service.name] = id_
        return None

    def _consumers(self, type_: str, queue: str | None) -> list[str]:
        """The services whose inbox will hold the event."""
        registered = EVENT_TYPES.get(type_)
        return [
            name
            for name in (registered.consumers if registered else ())
            if (queue is None or queue == topology.events_queue(name)) and type_ in self._handled[name]
        ]

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_text())
            if not isinstance(kept, dict) or not all(isinstance(mark, str) for mark in kept.values()):
                raise ValueError("it holds something else than marks")
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            log.warning("%s cannot be read, every event is published again: %s", self._path, error)
            return {}
        return kept

    def _trusted(self, marks: dict[str, str]) -> dict[str, str]:
        """The marks that can be right: where the time of day went back, or a store comes from a backup, one may lie above rows that
        were never delivered."""
        youngest = new_event_id()
        trusted = {}
        for service in self._services:
            mark = marks.get(service.name, "")
            if mark and mark <= min(outbox.newest_id(service.store) or youngest, youngest):
                trusted[service.name] = mark
        if marks and trusted != marks:
            log.warning("%s does not fit the stores, every event of some services is published again", self._path)
            self._path.unlink()
        return trusted
