"""Forgetting a client: what scheduling holds of the person is blanked, and the clients service is told what stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.erasing import blank_traffic
from scheduling.operations.client_replicas import merged_into, sessions_of
from scheduling.operations.context import SYSTEM, Scheduling, unit_of_work
from scheduling.operations.finding import answering, the_account
from scheduling.operations.sessions import record
from scheduling.store import histories
from scheduling.store.models import (
    Account,
    Cancellation,
    Change,
    Client,
    Sanction,
    Series,
    Session,
)

_ERASED = "(erased)"
_TEXTS = ("notes", "session_notes", "client_message")
_KEPT = [
    {"what": "sessions", "why": "times, prices and deposits are the provider's books; they name nobody any more"},
]


@unit_of_work
def erase_client(context: Scheduling, account_id: str, client_id: str, version: int) -> None:
    """Blank the replica of the client, and of all who were merged into them, the texts of their sessions and of the sessions' history; answer with what was done.

    Safe to repeat. The client need not be known: a later event of theirs then finds that there is nothing to keep.
    """
    account = the_account(account_id)
    # Whoever was merged by an event that came late has given their sessions to one who may be blanked already.
    everybody = merged_into(account_id, answering(account_id, client_id))
    texts = _texts_of(account_id, everybody)
    for one in everybody:
        _blank_replica(account_id, one, version)
    _end_series(context, account_id, everybody)
    sessions = sessions_of(context, account_id, *everybody)
    blanked = {"clients": len(everybody), "sessions": 0, "cancellations": 0, "history": 0}
    for session in sessions:
        blanked["history"] += _blank_history(session)
        blanked["cancellations"] += _blank_reasons(session)
        blanked["sessions"] += _blank_session(context, account, session)
    _blank_reasons_of_others(context, account_id, sessions)
    blanked |= blank_traffic(context.store, subjects=[*everybody, *(session.id for session in sessions)], texts=texts)
    context.store.forget_after_commit()
    context.outbox.publish(
        "scheduling.client_erased",
        subject=client_id,
        account_id=account_id,
        sequence=version,
        data={
            "id": client_id,
            "account_id": account_id,
            "version": version,
            "service": "scheduling",
            "blanked": blanked,
            "kept": _KEPT if sessions else [],
        },
    )


def _texts_of(account_id: str, client_ids: list[str]) -> list[str | None]:
    rows = Client.select().where(Client.account_id == account_id, Client.id.in_(client_ids))
    return [text for row in rows for text in (row.name, row.email, row.phone)]


def _blank_replica(account_id: str, client_id: str, version: int) -> None:
    known = Client.get_or_none(Client.id == client_id, Client.account_id == account_id)
    client = known or Client(id=client_id, account_id=account_id, version=version, deleted=True, merged_into=None)
    client.name, client.email, client.phone, client.search, client.erased = "", None, None, "", True
    client.save(force_insert=known is None)


def _end_series(context: Scheduling, account_id: str, client_ids: list[str]) -> None:
    """Series of the client make no more sessions, and keep no texts."""
    query = Series.select().where(Series.account_id == account_id, Series.client_id.in_(client_ids)).order_by(Series.id)
    for series in query.for_update() if context.store.on_postgresql else query:
        reason = series.template["outside_hours"] and _ERASED
        series.template |= {"notes": "", "session_notes": "", "outside_hours": reason}
        series.extend_at = None
        series.version += 1
        series.updated_at = context.clock.now()
        series.save()


def _blank_session(context: Scheduling, account: Account, session: Session) -> int:
    written = [name for name in _TEXTS if getattr(session, name)]
    for name in written:
        setattr(session, name, "")
    if not written:
        return 0
    changes: dict[str, list[Any]] = {name: [_ERASED, ""] for name in written}
    record(context, account, session, "session.updated", actor=SYSTEM, action="erased", changes=changes)
    return 1


def _blank_reasons(session: Session) -> int:
    Sanction.update(reason=_ERASED).where(
        (Sanction.session_id == session.id) | (Sanction.other_id == session.id)
    ).execute()
    by_people = (
        (Cancellation.session_id == session.id) & Cancellation.reason.is_null(False) & (Cancellation.by != SYSTEM.by)
    )
    blanked: int = Cancellation.update(reason=None).where(by_people).execute()
    return blanked


def _blank_reasons_of_others(context: Scheduling, account_id: str, sessions: list[Session]) -> None:
    """Why others were put over these sessions goes from the others' history, also where one of the two has moved since."""
    ids = {session.id for session in sessions}
    given: dict[str, set[str]] = {}
    still = {pair.session_id for pair in Sanction.select().where(Sanction.other_id.in_(ids))}
    for change in histories.explained(account_id):
        subject, over = histories.subject_of(change), histories.overlapped(change)
        if over and (subject in still or ids.intersection(over)):
            histories.rewrite(change, reason=_ERASED)
            given.setdefault(subject, set()).add(str(change.reason))
    _blank_reasons_of_series(context, account_id, given)


def _blank_reasons_of_series(context: Scheduling, account_id: str, given: Mapping[str, set[str]]) -> None:
    """The series of these sessions go on without the reasons that were given for them: each keeps its own for what it has yet to make."""
    their_series = Session.select(Session.id, Session.series_id).where(
        Session.id.in_(list(given)), Session.series_id.is_null(False)
    )
    reasons: dict[str, set[str]] = {}
    for session in their_series:
        reasons.setdefault(str(session.series_id), set()).update(given[session.id])
    query = Series.select().where(Series.account_id == account_id, Series.id.in_(list(reasons))).order_by(Series.id)
    for series in query.for_update() if context.store.on_postgresql else query:
        members = Session.select(Session.id).where(Session.series_id == series.id)
        for kept in (Change, Sanction):
            those = kept.session_id.in_(members) & kept.reason.in_(list(reasons[series.id]))
            kept.update(reason=_ERASED).where(those).execute()
        if series.template.get("outside_hours") in reasons[series.id]:
            series.template |= {"outside_hours": _ERASED}
            series.version += 1
            series.updated_at = context.clock.now()
            series.save()


def _blank_history(session: Session) -> int:
    """Texts and reasons go; who did what when, and to which fields, stays."""
    blanked = 0
    for change in Change.select().where(Change.session_id == session.id):
        kept = {name: [_ERASED, _ERASED] if name in _TEXTS else values for name, values in change.changes.items()}
        reason = change.reason if change.actor == SYSTEM.name else change.reason and _ERASED
        if (kept, reason) == (change.changes, change.reason):
            continue
        Change.update(changes=kept, reason=reason).where(
            Change.session_id == session.id, Change.version == change.version
        ).execute()
        blanked += 1
    return blanked
