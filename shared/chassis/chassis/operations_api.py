"""What operators see and do in every service: events that are kept, unpublished or dead, journeys, replay, resync and invariants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from chassis import inbox, journey, outbox
from chassis.inbox import InboxStatus
from chassis.problems import Invalid, NotFound
from chassis.service import Service
from chassis.web import Blueprint, Body, Nothing, Page, Query, decode_cursor, encode_cursor, once, requires
from contracts import topology
from contracts.envelope import format_time
from contracts.fields import UtcTime
from contracts.registry import SERVICES

_RESYNC_AT_ONCE = 200
_SUBJECTS_AT_ONCE = 50
_LONGEST_SUBJECT = 200


class KeptQuery(Query):
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)


class InboxListing(KeptQuery):
    status = fields.String(
        load_default=None, validate=validate.OneOf([s.value for s in InboxStatus if s is not InboxStatus.DONE])
    )


class InboxEntryOut(Body):
    id = fields.String(attribute="event_id", dump_only=True, metadata={"description": "the same as event_id"})
    event_id = fields.String()
    handler = fields.String()
    status = fields.String()
    account_id = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    subject = fields.String(allow_none=True)
    attempts = fields.Integer()
    error = fields.String(allow_none=True)
    waiting_for = fields.String(allow_none=True)
    next_attempt_at = UtcTime(allow_none=True)
    received_at = UtcTime()


class InboxPage(Page):
    data = fields.List(fields.Nested(InboxEntryOut))


class OutboxOut(Body):
    unpublished = fields.Integer()
    oldest_age_seconds = fields.Float()


class JourneyQuery(Query):
    subject = fields.List(
        fields.String(validate=validate.Length(min=1)),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": f"up to {_SUBJECTS_AT_ONCE}, repeated or separated by commas"},
    )

    @post_load
    def separate(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        subjects = [subject for given in data["subject"] for subject in given.split(",") if subject]
        if not 1 <= len(subjects) <= _SUBJECTS_AT_ONCE:
            raise ValidationError(f"From 1 to {_SUBJECTS_AT_ONCE} subjects.", "subject")
        if max(map(len, subjects)) > _LONGEST_SUBJECT:
            raise ValidationError(f"No subject is longer than {_LONGEST_SUBJECT}.", "subject")
        return {"subject": subjects}


class StepOut(Body):
    id = fields.String(metadata={"description": "the event's"})
    type = fields.String()
    subject = fields.String()
    sequence = fields.Integer(allow_none=True, metadata={"description": "the subject's version, of published ones"})
    role = fields.String(validate=validate.OneOf([role.value for role in journey.Role]))
    service = fields.String(validate=validate.OneOf(SERVICES))
    at = UtcTime(metadata={"description": "when it happened, or arrived here"})
    published_at = UtcTime(allow_none=True)
    handler = fields.String(allow_none=True)
    status = fields.String()
    attempts = fields.Integer()
    error = fields.String(allow_none=True)


class JourneyOut(Body):
    data = fields.List(fields.Nested(StepOut), metadata={"description": "oldest first, the newest 500"})
    subjects = fields.List(
        fields.String(), metadata={"description": "those asked for, then those that were found to concern them"}
    )
    truncated = fields.Boolean(metadata={"description": "whether there are more than 500"})


class Replay(Body):
    since = UtcTime(load_default=None)
    until = UtcTime(load_default=None)
    subject = fields.String(load_default=None)


class Replayed(Body):
    events = fields.Integer()


class Resync(Body):
    to = fields.String(required=True, validate=validate.OneOf(SERVICES))


class InvariantOut(Body):
    name = fields.String()
    violations = fields.Integer()
    ids = fields.List(fields.String(), metadata={"description": "the first hundred"})


class Invariants(Body):
    data = fields.List(fields.Nested(InvariantOut))


def resync(service: Service, to: str) -> int:
    """Send the present state, one snapshot a subject, to the queue of `to` alone; returns how many."""
    sent = 0
    batch = []
    for snapshot in service.snapshots(to):
        batch.append(snapshot)
        if len(batch) == _RESYNC_AT_ONCE:
            sent += _send(service, to, batch)
            batch = []
    return sent + _send(service, to, batch)


def _send(service: Service, to: str, batch: Sequence[Any]) -> int:
    with service.store.transaction():
        for snapshot in batch:
            service.outbox.send(
                queue=topology.events_queue(to),
                type=snapshot.type,
                subject=snapshot.subject,
                account_id=snapshot.account_id,
                sequence=snapshot.sequence,
                data=snapshot.data,
                occurred_at=snapshot.occurred_at,
            )
    return len(batch)


def blueprints(service: Service) -> list[Blueprint]:
    """The operations routes of a service."""
    ops = Blueprint("operations", __name__, url_prefix="/v1/ops")
    store, wakeups, clock = service.store, service.wakeups, service.clock

    def listing(query: dict[str, Any], status: str | None) -> dict[str, Any]:
        after = tuple(decode_cursor(query["cursor"], 2)) if query["cursor"] else None
        found = inbox.entries(store, status=status, after=after, limit=query["limit"] + 1)
        page = found[: query["limit"]]
        more = len(found) > len(page)
        return {
            "data": page,
            "next_cursor": encode_cursor([format_time(page[-1].received_at), page[-1].event_id]) if more else None,
        }

    @ops.get("/inbox")
    @requires("ops")
    @ops.arguments(InboxListing, location="query")
    @ops.response(200, InboxPage)
    def list_inbox(query: dict[str, Any]) -> dict[str, Any]:
        """Events that are kept: pending, waiting, parked."""
        return listing(query, query["status"])

    @ops.post("/inbox/<event_id>/retry")
    @requires("ops")
    @ops.arguments(Nothing, required=False)
    @once(store)
    @ops.response(200, InboxEntryOut)
    def retry(body: dict[str, Any], event_id: str) -> inbox.InboxEntry:
        """Run a kept event again now."""
        return inbox.run_again(service, event_id)

    @ops.post("/inbox/<event_id>/discard")
    @requires("ops")
    @ops.arguments(Nothing, required=False)
    @once(store)
    @ops.response(200, InboxEntryOut)
    def discard(body: dict[str, Any], event_id: str) -> inbox.InboxEntry:
        """Give a kept event up for good."""
        return inbox.discard(store, event_id)

    @ops.get("/dead")
    @requires("ops")
    @ops.arguments(KeptQuery, location="query")
    @ops.response(200, InboxPage)
    def list_dead(query: dict[str, Any]) -> dict[str, Any]:
        """Dead letters, taken out of the dead-letter queue and kept."""
        return listing(query, InboxStatus.DEAD.value)

    @ops.post("/dead/<event_id>/requeue")
    @requires("ops")
    @ops.arguments(Nothing, required=False)
    @once(store)
    @ops.response(200, InboxEntryOut)
    def requeue(body: dict[str, Any], event_id: str) -> inbox.InboxEntry:
        """Have a dead letter handled after all."""
        if inbox.entry(store, event_id).status != InboxStatus.DEAD:
            raise NotFound(f"{event_id} is no dead letter")
        return inbox.run_again(service, event_id)

    @ops.get("/outbox")
    @requires("ops")
    @ops.response(200, OutboxOut)
    def show_outbox() -> dict[str, Any]:
        """How much is unpublished, and how old the oldest is."""
        with store.reading():
            unpublished, age = outbox.backlog(store, clock.now())
        return {"unpublished": unpublished, "oldest_age_seconds": age}

    @ops.get("/journey")
    @requires("ops")
    @ops.arguments(JourneyQuery, location="query")
    @ops.response(200, JourneyOut)
    def show_journey(query: dict[str, Any]) -> journey.Journey:
        """What became of the events about a subject: published when, handled how. The other services know the rest."""
        return journey.journey(service, query["subject"])

    @ops.post("/outbox/replay")
    @requires("ops")
    @ops.arguments(Replay)
    @once(store)
    @ops.response(200, Replayed)
    def replay(body: dict[str, Any]) -> dict[str, Any]:
        """Publish events again, by time or subject; consumers that have seen one ignore it."""
        if not any(body.values()):
            raise Invalid("say since when, until when, or of which subject", errors=[])
        events = outbox.replay(store, **body)
        wakeups.after_commit(outbox.RELAY)
        return {"events": events}

    @ops.post("/resync")
    @requires("ops")
    @ops.arguments(Resync)
    @once(store)
    @ops.response(200, Replayed)
    def send_snapshots(body: dict[str, Any]) -> dict[str, Any]:
        """Send the present state to one service's queue alone."""
        if body["to"] == service.name:
            raise Invalid.field("/to", "A service is not resynced from itself.")
        return {"events": resync(service, body["to"])}

    @ops.get("/invariants")
    @requires("ops")
    @ops.response(200, Invariants)
    def invariants() -> dict[str, Any]:
        """What must always hold of this service's data, and what breaks it."""
        found = []
        for invariant in service.invariants():
            ids = invariant.query()
            found.append({"name": invariant.name, "violations": len(ids), "ids": ids[:100]})
        return {"data": found}

    return [ops]
