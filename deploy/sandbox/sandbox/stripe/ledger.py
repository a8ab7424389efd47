"""What an account's balance is and why: balance transactions, payouts, and whether a refund is covered."""

from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.params import Choice, Currency, Integer, Metadata, Text, body, listing
from sandbox.stripe.resources import PLATFORM, Body, get, insert, merged, new_id, page
from sandbox.stripe.world import Work

SETTLES_AFTER = 2 * 86400


def record(
    work: Work,
    account: str,
    *,
    type_: str,
    amount: int,
    currency: str,
    source: str,
    description: str | None = None,
    fees: list[Body] | None = None,
) -> Body:
    """A balance transaction: `amount` (negative: it leaves the balance) less `fees` moves the account's balance."""
    details = fees or []
    fee = sum(each["amount"] for each in details)
    transaction: Body = {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": work.now + SETTLES_AFTER if type_ == "charge" else work.now,
        "balance_type": "payments",
        "created": work.now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details,
        "net": amount - fee,
        "reporting_category": {"application_fee": "platform_earning"}.get(type_, type_),
        "source": source,
        "status": "pending" if type_ == "charge" else "available",
        "type": type_,
    }
    insert(work.tx, account, transaction)
    gross = 0 if type_ == "application_fee_refund" else amount
    work.tx.execute(
        "INSERT INTO stripe_balance (account, currency, net, gross) VALUES (?, ?, ?, ?) ON CONFLICT (account, currency)"
        " DO UPDATE SET net = net + excluded.net, gross = gross + excluded.gross",
        (account, currency, amount - fee, gross),
    )
    return transaction


def fee(amount: int, currency: str, type_: str, description: str) -> Body:
    return {"amount": amount, "application": None, "currency": currency, "description": description, "type": type_}


def covers(work: Work, account: str, amount: int, currency: str) -> bool:
    """Whether a refund of `amount` is paid at once. Fees do not count here: the whole of a first payment can be refunded,
    and the balance goes below zero by them. The platform is taken to have money."""
    if account == PLATFORM:
        return True
    row = work.tx.execute(
        "SELECT gross FROM stripe_balance WHERE account = ? AND currency = ?", (account, currency)
    ).fetchone()
    return row is not None and row["gross"] >= amount


BALANCE = body()
TRANSACTION = body()
TRANSACTIONS = listing(currency=Currency(), payout=Text(), source=Text(), type=Text())


def balance(work: Work) -> Body:
    """All of it is shown as available: the sandbox lets what a card paid be refunded and paid out at once."""
    rows = work.tx.execute(
        "SELECT currency, net FROM stripe_balance WHERE account = ? ORDER BY currency", (work.account,)
    ).fetchall()
    amounts = [_amount(row["net"], row["currency"]) for row in rows] or [_amount(0, "eur")]
    return {
        "object": "balance",
        "available": amounts,
        "livemode": False,
        "pending": [_amount(0, each["currency"]) for each in amounts],
    }


def _amount(amount: int, currency: str) -> Body:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def retrieve_transaction(work: Work) -> Body:
    return get(work.tx, work.account, "balance_transaction", work.path["id"])


def list_transactions(work: Work) -> Body:
    asked = [(f"$.{name}", work.params.get(name)) for name in ("currency", "source", "type", "payout")]
    return page(work.tx, work.account, "balance_transaction", work.params, url="/v1/balance_transactions", match=asked)


CREATE_PAYOUT = body(
    amount=Integer(minimum=1, required=True),
    currency=Currency(required=True),
    description=Text(),
    metadata=Metadata(),
    method=Choice(of=("instant", "standard")),
    statement_descriptor=Text(max_length=22),
)
PAYOUTS = listing(status=Text())


def create_payout(work: Work) -> Body:
    """What empties a balance, so that the next refund has to wait for money."""
    params: dict[str, Any] = work.params
    row = work.tx.execute(
        "SELECT net FROM stripe_balance WHERE account = ? AND currency = ?", (work.account, params["currency"])
    ).fetchone()
    if row is None or row["net"] < params["amount"]:
        raise invalid(
            "You have insufficient funds in your Stripe account for this payout.",
            code="balance_insufficient",
            param="amount",
        )
    payout: Body = {
        "id": new_id("payout"),
        "object": "payout",
        "amount": params["amount"],
        "arrival_date": work.now + 86400,
        "automatic": False,
        "created": work.now,
        "currency": params["currency"],
        "description": params.get("description"),
        "destination": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merged({}, params.get("metadata")),
        "method": params.get("method", "standard"),
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": params.get("statement_descriptor"),
        "status": "paid",
        "type": "bank_account",
    }
    entry = record(
        work, work.account, type_="payout", amount=-params["amount"], currency=params["currency"], source=payout["id"]
    )
    payout["balance_transaction"] = entry["id"]
    insert(work.tx, work.account, payout)
    emit(work, "payout.created", payout)
    emit(work, "payout.paid", payout)
    return payout


def retrieve_payout(work: Work) -> Body:
    return get(work.tx, work.account, "payout", work.path["id"])


def list_payouts(work: Work) -> Body:
    return page(
        work.tx, work.account, "payout", work.params, url="/v1/payouts", match=[("status", work.params.get("status"))]
    )
