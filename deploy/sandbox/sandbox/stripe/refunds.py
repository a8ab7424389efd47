"""Refunds: refused beyond what was paid, pending where money or the bank is slow, failed where the card says so."""

from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.ledger import covers, record
from sandbox.stripe.money import check_step, written
from sandbox.stripe.params import Boolean, Choice, Currency, Email, Integer, Metadata, Text, body, listing
from sandbox.stripe.resources import PLATFORM, Body, find, get, insert, merged, new_id, page, save
from sandbox.stripe.world import Work

SUCCEED = "refund.succeed"
FAIL = "refund.fail"
LIVE = ("pending", "requires_action", "succeeded")

CREATE = body(
    amount=Integer(minimum=1),
    charge=Text(),
    currency=Currency(),
    instructions_email=Email(),
    metadata=Metadata(),
    payment_intent=Text(),
    reason=Choice(of=("duplicate", "fraudulent", "requested_by_customer")),
    refund_application_fee=Boolean(),
    reverse_transfer=Boolean(),
)
RETRIEVE = body()
UPDATE = body(metadata=Metadata())
CANCEL = body()
LIST = listing(charge=Text(), payment_intent=Text())


def create(work: Work) -> Body:
    params = work.params
    charge = _charge(work)
    amount = _amount(charge, params.get("amount"))
    refund: Body = {
        "id": new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": merged({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    if params.get("reverse_transfer"):
        refund["transfer_reversal"] = _reverse_transfer(work, charge, amount)
    if params.get("refund_application_fee"):
        _return_fee(work, charge, amount)
    _start(work, charge, refund)
    insert(work.tx, work.account, refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    save(work.tx, charge)
    emit(work, "refund.created", refund)
    emit(work, "charge.refunded", charge, previous={"amount_refunded": charge["amount_refunded"] - amount})
    return refund


def _charge(work: Work) -> Body:
    params = work.params
    if "charge" in params:
        charge = get(work.tx, work.account, "charge", params["charge"], "charge")
        if params.get("payment_intent", charge["payment_intent"]) != charge["payment_intent"]:
            raise invalid("The charge does not belong to the payment_intent given.", param="charge")
    elif "payment_intent" in params:
        intent = get(work.tx, work.account, "payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
        charge = get(work.tx, work.account, "charge", intent["latest_charge"], "charge")
    else:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    _check_refundable(work, charge)
    return charge


def _check_refundable(work: Work, charge: Body) -> None:
    if charge["status"] != "succeeded":
        raise invalid(f"This charge ({charge['id']}) has failed and cannot be refunded.", param="charge")
    if charge["disputed"] and charge["_dispute_status"] != "won":
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge["refunded"]:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    longest = work.world.settings.refundable_for
    if longest is not None and work.now - charge["created"] > longest:
        raise invalid(f"Charge {charge['id']} is too old to be refunded.", code="charge_expired_for_refund")


def _amount(charge: Body, asked: int | None) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if asked is None:
        return left
    check_step(asked, charge["currency"], "amount")
    if asked > left:
        currency = charge["currency"]
        raise invalid(
            f"Refund amount ({written(asked, currency)}) is greater than unrefunded amount on charge "
            f"({written(left, currency)})",
            param="amount",
        )
    return asked


def _start(work: Work, charge: Body, refund: Body) -> None:
    """Whether it is done at once, waits for the bank, for money in the balance, or is only thought to be done."""
    settings = work.world.settings
    if not covers(work, work.account, refund["amount"], refund["currency"]):
        if not settings.refunds_wait_for_money:
            raise invalid(
                "Insufficient funds in your Stripe balance to refund this amount.", code="balance_insufficient"
            )
        refund |= {"status": "pending", "pending_reason": "insufficient_funds"}
        return
    _debit(work, refund)
    if charge["_refund"] == "pending":
        refund |= {"status": "pending", "pending_reason": "processing"}
        work.later(settings.refund_settles_after, SUCCEED, refund["id"])
    elif charge["_refund"] == "fails":
        work.later(settings.refund_fails_after, FAIL, refund["id"])


def _debit(work: Work, refund: Body) -> None:
    entry = record(
        work,
        work.account,
        type_="refund",
        amount=-refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        description="REFUND FOR CHARGE",
    )
    refund["balance_transaction"] = entry["id"]


def _share(part: int, charge: Body, amount: int) -> int:
    whole: int = charge["amount"]
    return (2 * part * amount + whole) // (2 * whole)  # half up


def _reverse_transfer(work: Work, charge: Body, amount: int) -> str:
    if not charge["transfer"]:
        raise invalid(
            "Cannot reverse transfer for this charge because it does not have an associated transfer.",
            param="reverse_transfer",
        )
    transfer = get(work.tx, PLATFORM, "transfer", charge["transfer"])
    back = min(_share(transfer["amount"], charge, amount), transfer["amount"] - transfer["amount_reversed"])
    transfer["amount_reversed"] += back
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    save(work.tx, transfer)
    id_, currency = new_id("transfer_reversal"), charge["currency"]
    record(work, PLATFORM, type_="transfer_refund", amount=back, currency=currency, source=id_)
    record(work, transfer["destination"], type_="payment_refund", amount=-back, currency=currency, source=id_)
    return id_


def _return_fee(work: Work, charge: Body, amount: int) -> None:
    if not charge["application_fee"]:
        if charge["transfer"] and charge["application_fee_amount"]:
            return  # kept back from the transfer: reversing that returns it
        raise invalid("This charge does not have an application fee to refund.", param="refund_application_fee")
    collected = get(work.tx, PLATFORM, "application_fee", charge["application_fee"])
    left = collected["amount"] - collected["amount_refunded"]
    back = min(_share(collected["amount"], charge, amount), left)
    collected["amount_refunded"] += back
    collected["refunded"] = collected["amount_refunded"] == collected["amount"]
    save(work.tx, collected)
    id_, currency = new_id("fee_refund"), charge["currency"]
    record(work, PLATFORM, type_="application_fee_refund", amount=-back, currency=currency, source=id_)
    record(work, work.account, type_="application_fee_refund", amount=back, currency=currency, source=id_)
    emit(work, "application_fee.refunded", collected, account=PLATFORM)


def retrieve(work: Work) -> Body:
    return get(work.tx, work.account, "refund", work.path["id"])


def list_(work: Work) -> Body:
    match = [(name, work.params.get(name)) for name in ("charge", "payment_intent")]
    for kind, name in (("charge", "charge"), ("payment_intent", "payment_intent")):
        if name in work.params:
            get(work.tx, work.account, kind, work.params[name], name)
    return page(work.tx, work.account, "refund", work.params, url="/v1/refunds", match=match)


def update(work: Work) -> Body:
    refund = retrieve(work)
    if "metadata" in work.params:
        refund["metadata"] = merged(refund["metadata"], work.params["metadata"])
    save(work.tx, refund)
    _tell_update(work, refund)
    return refund


def cancel(work: Work) -> Body:
    """Only a refund that waits for the customer can be cancelled; a card's never does."""
    refund = retrieve(work)
    raise invalid(f"Refunds with status `{refund['status']}` cannot be canceled; only `requires_action` can.")


def _tell_update(work: Work, refund: Body, previous: dict[str, Any] | None = None) -> None:
    emit(work, "refund.updated", refund, previous=previous)
    emit(work, "charge.refund.updated", refund, previous=previous)


def succeed(work: Work, id_: str) -> None:
    """The bank has taken a pending refund."""
    found = find(work.tx, "refund", id_)
    if found is None or found.body["status"] != "pending":
        return
    refund, previous = found.body, {"status": "pending", "pending_reason": found.body.get("pending_reason")}
    refund["status"] = "succeeded"
    refund.pop("pending_reason", None)
    save(work.tx, refund)
    _tell_update(work, refund, previous)


def fail(work: Work, id_: str) -> None:
    """The bank has sent a refund back: the money returns to the balance and the charge counts as not refunded."""
    found = find(work.tx, "refund", id_)
    if found is None or found.body["status"] not in LIVE:
        return
    refund, previous = found.body, {"status": found.body["status"]}
    charge = get(work.tx, work.account, "charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    save(work.tx, charge)
    entry = record(
        work,
        work.account,
        type_="refund_failure",
        amount=refund["amount"],
        currency=refund["currency"],
        source=refund["id"],
        description="REFUND FAILURE",
    )
    refund |= {
        "status": "failed",
        "failure_reason": "expired_or_canceled_card",
        "failure_balance_transaction": entry["id"],
    }
    refund.pop("pending_reason", None)
    save(work.tx, refund)
    emit(work, "refund.failed", refund, previous=previous)
    _tell_update(work, refund, previous)


def settle_waiting(work: Work, currency: str) -> None:
    """New money in the balance pays the refunds that waited for it, oldest first."""
    rows = work.tx.execute(
        "SELECT id FROM stripe_object WHERE kind = 'refund' AND account = ? AND status = 'pending' ORDER BY seq",
        (work.account,),
    ).fetchall()
    for row in rows:
        refund = get(work.tx, work.account, "refund", row["id"])
        if refund.get("pending_reason") != "insufficient_funds" or refund["currency"] != currency:
            continue
        if not covers(work, work.account, refund["amount"], currency):
            return
        charge = get(work.tx, work.account, "charge", refund["charge"])
        _debit(work, refund)
        save(work.tx, refund)
        if charge["_refund"] == "succeeds":
            succeed(work, refund["id"])
        else:
            refund["pending_reason"] = "processing"
            save(work.tx, refund)
            action = SUCCEED if charge["_refund"] == "pending" else FAIL
            work.later(work.world.settings.refund_settles_after, action, refund["id"])
