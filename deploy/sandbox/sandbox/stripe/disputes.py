"""Disputes: opened by card 4000000000000259, lost when closed, decided by Stripe's own words of evidence."""

from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.ledger import fee, record
from sandbox.stripe.params import Anything, Boolean, Metadata, Text, body, fields, listing
from sandbox.stripe.resources import Body, get, insert, merged, new_id, page, save
from sandbox.stripe.world import Work

FEE = 1500
ANSWER_WITHIN = 9 * 86400
DECIDED_AFTER = 2.0
"""Seconds of suite time between submitted evidence and the bank's word."""
WIN = "dispute.win"
LOSE = "dispute.lose"
EVIDENCE = {"winning_evidence": WIN, "losing_evidence": LOSE}
"""https://docs.stripe.com/testing#disputes"""

RETRIEVE = body()
LIST = listing(charge=Text(), payment_intent=Text())
CLOSE = body()
UPDATE = body(
    metadata=Metadata(),
    submit=Boolean(),
    evidence=fields(
        uncategorized_text=Text(max_length=20000, unsettable=True),
        product_description=Text(unsettable=True),
        customer_name=Text(unsettable=True),
        customer_email_address=Text(unsettable=True),
        cancellation_policy_disclosure=Text(unsettable=True),
        cancellation_rebuttal=Text(unsettable=True),
        refund_policy_disclosure=Text(unsettable=True),
        refund_refusal_explanation=Text(unsettable=True),
        service_date=Text(unsettable=True),
        service_documentation=Anything(),
        access_activity_log=Text(unsettable=True),
    ),
)


def open_dispute(work: Work, charge: Body) -> None:
    """The cardholder says it was fraud: the amount and a fee are taken back at once."""
    amount, currency = charge["amount"], charge["currency"]
    dispute: Body = {
        "id": new_id("dispute"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": work.now,
        "currency": currency,
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": work.now + ANSWER_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    }
    entry = record(
        work,
        work.account,
        type_="adjustment",
        amount=-amount,
        currency=currency,
        source=dispute["id"],
        description=f"Chargeback withdrawal for {charge['id']}",
        fees=[fee(FEE, currency, "stripe_fee", "Dispute fee")],
    )
    dispute["balance_transactions"].append(entry)
    charge |= {"disputed": True, "dispute": dispute["id"], "_dispute_status": dispute["status"]}
    insert(work.tx, work.account, dispute)
    save(work.tx, charge)
    emit(work, "charge.dispute.created", dispute)
    emit(work, "charge.dispute.funds_withdrawn", dispute)


def retrieve(work: Work) -> Body:
    return get(work.tx, work.account, "dispute", work.path["id"])


def list_(work: Work) -> Body:
    match = [(name, work.params.get(name)) for name in ("charge", "payment_intent")]
    return page(work.tx, work.account, "dispute", work.params, url="/v1/disputes", match=match)


def update(work: Work) -> Body:
    """Evidence; with `submit` (the default) it goes to the bank, which decides by Stripe's words for tests."""
    dispute, params = retrieve(work), work.params
    if "metadata" in params:
        dispute["metadata"] = merged(dispute["metadata"], params["metadata"])
    if "evidence" in params:
        _check_open(dispute)
        dispute["evidence"] |= params["evidence"]
        dispute["evidence_details"]["has_evidence"] = True
        if params.get("submit", True):
            dispute["status"] = "under_review"
            dispute["evidence_details"]["submission_count"] += 1
            words = str(dispute["evidence"].get("uncategorized_text", ""))
            work.later(DECIDED_AFTER, EVIDENCE.get(words, LOSE), dispute["id"])
    _keep(work, dispute)
    emit(work, "charge.dispute.updated", dispute)
    return dispute


def close(work: Work) -> Body:
    """Not answering it: it is lost."""
    dispute = retrieve(work)
    _check_open(dispute)
    _decide(work, dispute, "lost")
    return dispute


def win(work: Work, id_: str) -> None:
    dispute = get(work.tx, work.account, "dispute", id_)
    if dispute["status"] != "under_review":
        return
    entry = record(
        work,
        work.account,
        type_="adjustment",
        amount=dispute["amount"],
        currency=dispute["currency"],
        source=dispute["id"],
        description=f"Chargeback reversal for {dispute['charge']}",
    )
    dispute["balance_transactions"].append(entry)
    _decide(work, dispute, "won")
    emit(work, "charge.dispute.funds_reinstated", dispute)


def lose(work: Work, id_: str) -> None:
    dispute = get(work.tx, work.account, "dispute", id_)
    if dispute["status"] == "under_review":
        _decide(work, dispute, "lost")


def _check_open(dispute: Body) -> None:
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise invalid(f"This dispute is already closed or under review: it is `{dispute['status']}`.")


def _decide(work: Work, dispute: Body, status: str) -> None:
    dispute["status"] = status
    _keep(work, dispute)
    emit(work, "charge.dispute.closed", dispute)


def _keep(work: Work, dispute: Body) -> None:
    """Kept, and noted on its charge: one that was won can be refunded again."""
    charge = get(work.tx, work.account, "charge", dispute["charge"])
    charge["_dispute_status"] = dispute["status"]
    dispute["is_charge_refundable"] = dispute["status"] == "won"
    save(work.tx, charge)
    save(work.tx, dispute)
