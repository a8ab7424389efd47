"""What scheduling holds about a person, whole, for an export of their data."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.holdings import Rows, rows_of
from scheduling.operations.client_replicas import merged_into
from scheduling.operations.finding import answering
from scheduling.store.models import Cancellation, Change, Client, Series, Session

_SESSION = (
    "id client_id service_id calendar_id starts_at ends_at status notes client_message price_amount price_currency source series_id "
    "created_at updated_at"
)


def held(account_id: str, client_id: str, scopes: frozenset[str]) -> Mapping[str, Rows]:
    """Rows of the client and of all who were merged into them; private session notes, and the history that tells of them, for their scope alone."""
    ids = merged_into(account_id, answering(account_id, client_id))
    sessions = list(
        Session.select().where(Session.account_id == account_id, Session.client_id.in_(ids)).order_by(Session.id)
    )
    private = "sessions:notes" in scopes
    session_ids = [session.id for session in sessions]
    clients = Client.select().where(Client.account_id == account_id, Client.id.in_(ids))
    cancellations = Cancellation.select().where(Cancellation.session_id.in_(session_ids)).order_by(Cancellation.id)
    history = Change.select().where(Change.session_id.in_(session_ids)).order_by(Change.session_id, Change.version)
    series = Series.select().where(Series.account_id == account_id, Series.client_id.in_(ids)).order_by(Series.id)
    changes = rows_of(history, "session_id at actor action changes reason")
    if not private:
        for change in changes:
            change["changes"] = {name: new for name, new in change["changes"].items() if name != "session_notes"}
    return {
        "clients": rows_of(clients.order_by(Client.id), "id name email phone deleted merged_into created_at"),
        "sessions": rows_of(sessions, _SESSION + (" session_notes" if private else "")),
        "cancellations": rows_of(cancellations, "id session_id at by reason refund restored_at"),
        "history": changes,
        "series": rows_of(series, "id rrule timezone created_at"),
    }
