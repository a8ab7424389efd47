"""What payments holds about a person, whole, for an export of their data."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.holdings import Rows, rows_of
from payments.store.models import Client, Deposit, Payment, Refund, Session
from payments.store.queries import client_now, merged_ids


def held(account_id: str, client_id: str, scopes: frozenset[str]) -> Mapping[str, Rows]:
    """Rows of the client and of all who were merged into them; never what opens a payment."""
    ids = merged_ids(account_id, client_now(client_id))
    deposits = list(
        Deposit.select().where((Deposit.account_id == account_id) & Deposit.client_id.in_(ids)).order_by(Deposit.id)
    )
    deposit_ids = [deposit.id for deposit in deposits]
    clients = Client.select().where((Client.account_id == account_id) & Client.id.in_(ids)).order_by(Client.id)
    sessions = Session.select().where((Session.account_id == account_id) & Session.client_id.in_(ids))
    payments = Payment.select().where(Payment.deposit_id.in_(deposit_ids)).order_by(Payment.id)
    refunds = Refund.select().where(Refund.deposit_id.in_(deposit_ids)).order_by(Refund.id)
    return {
        "clients": rows_of(clients, "id name email merged_into"),
        "sessions": rows_of(sessions.order_by(Session.id), "id service_name starts_at status source created_at"),
        "deposits": rows_of(
            deposits,
            "id session_id status reason amount held_amount due_amount refunded_amount currency created_at updated_at",
        ),
        "payments": rows_of(payments, "id deposit_id kind amount currency payment_intent charge received_at"),
        "refunds": rows_of(
            refunds, "id deposit_id status amount currency percentage reason failure created_at updated_at"
        ),
    }
