"""Stripe's objects as rows: made, found, listed page by page, expanded, and never seen from another account."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.store import Transaction
from sandbox.stripe.errors import invalid, no_such

Body = dict[str, Any]
PLATFORM = ""

PREFIXES = {
    "account": "acct_",
    "checkout.session": "cs_test_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "refund": "re_",
    "event": "evt_",
    "dispute": "du_",
    "balance_transaction": "txn_",
    "webhook_endpoint": "we_",
    "application_fee": "fee_",
    "transfer": "tr_",
    "transfer_reversal": "trr_",
    "fee_refund": "fr_",
    "payout": "po_",
    "payment_method": "pm_",
    "request": "req_",
    "line_item": "li_",
    "price": "price_",
    "product": "prod_",
}

EXPANDABLE = {
    "checkout.session": {"payment_intent"},
    "payment_intent": {"latest_charge"},
    "charge": {"balance_transaction", "payment_intent", "application_fee", "transfer", "failure_balance_transaction"},
    "refund": {"charge", "payment_intent", "balance_transaction", "failure_balance_transaction", "transfer_reversal"},
    "dispute": {"charge", "payment_intent"},
    "balance_transaction": {"source"},
    "application_fee": {"charge", "balance_transaction"},
    "payout": {"balance_transaction"},
    "transfer": {"balance_transaction"},
}
"""Fields that hold an id and can be asked for whole."""

INCLUDABLE = {"checkout.session": {"line_items"}, "charge": {"refunds"}}
"""Lists inside an object that are left out unless they are asked for."""


def new_id(kind: str) -> str:
    """Stripe's prefix and 24 random characters (a Checkout Session's is longer, as it is a secret in a link)."""
    length = 29 if kind == "checkout.session" else 12
    return PREFIXES[kind] + secrets.token_hex(length)


@dataclass(frozen=True, kw_only=True)
class Found:
    """An object and the account it lives on."""

    body: Body
    account: str


def insert(tx: Transaction, account: str, body: Body) -> None:
    tx.execute(
        "INSERT INTO stripe_object (id, kind, account, created, status, payment_intent, charge, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            body["id"],
            body["object"],
            account,
            body.get("created", 0),
            body["type"] if body["object"] == "event" else body.get("status"),
            body.get("payment_intent"),
            body.get("charge"),
            json.dumps(body),
        ),
    )


def save(tx: Transaction, body: Body) -> None:
    tx.execute(
        "UPDATE stripe_object SET status = ?, payment_intent = ?, body = ? WHERE id = ?",
        (body.get("status"), body.get("payment_intent"), json.dumps(body), body["id"]),
    )


def delete(tx: Transaction, id_: str) -> None:
    tx.execute("DELETE FROM stripe_object WHERE id = ?", (id_,))


def find(view: Transaction, kind: str, id_: str) -> Found | None:
    """Wherever it lives: for what Stripe does itself and for its hosted pages."""
    row = view.execute("SELECT account, body FROM stripe_object WHERE id = ? AND kind = ?", (id_, kind)).fetchone()
    return Found(body=json.loads(row["body"]), account=row["account"]) if row else None


def get(view: Transaction, account: str, kind: str, id_: str, param: str = "id", *, status: int = 404) -> Body:
    """The object on that account, or Stripe's `resource_missing`."""
    found = find(view, kind, id_)
    if found is None or found.account != account:
        raise no_such(kind, id_, param, status=status)
    return found.body


def where(view: Transaction, kind: str, field: str, value: str) -> list[Body]:
    """All objects of a kind that refer to one `payment_intent` or `charge`, oldest first."""
    if field not in ("payment_intent", "charge"):
        raise ValueError(field)
    rows = view.execute(
        f"SELECT body FROM stripe_object WHERE {field} = ? AND kind = ? ORDER BY seq", (value, kind)
    ).fetchall()
    return [json.loads(row["body"]) for row in rows]


_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    view: Transaction,
    account: str,
    kind: str,
    params: Body,
    *,
    url: str,
    match: Iterable[tuple[str, str | list[str] | None]] = (),
) -> Body:
    """A list object, newest first. `match`: columns or JSON fields (`$.customer`) that must equal, or be one of; None: any."""
    conditions, values = ["kind = ?", "account = ?"], [kind, account]
    for column, wanted in match:
        if wanted is not None:
            conditions.append(f"{_column(column)} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([wanted] if isinstance(wanted, str) else wanted))
    for comparison, moment in params.get("created", {}).items():
        conditions.append(f"created {_COMPARE[comparison]} ?")
        values.append(moment)
    return _paged(view, conditions, values, params, url=url, owner=(account, kind))


def _column(name: str) -> str:
    if name in ("status", "payment_intent", "charge"):
        return name
    if name.startswith("$."):
        return f"json_extract(body, '{name}')"
    raise ValueError(name)


def _paged(
    view: Transaction, conditions: list[str], values: list[Any], params: Body, *, url: str, owner: tuple[str, str]
) -> Body:
    limit, newest_first = params.get("limit", 10), True
    for cursor, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in params:
            conditions.append(f"seq {comparison} ?")
            values.append(_position(view, params[cursor], cursor, owner))
            newest_first = comparison == "<"
    rows = view.execute(
        f"SELECT body FROM stripe_object WHERE {' AND '.join(conditions)} ORDER BY seq"
        f" {'DESC' if newest_first else 'ASC'} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    data = [json.loads(row["body"]) for row in rows[:limit]]
    if not newest_first:
        data.reverse()
    return {"object": "list", "data": data, "has_more": len(rows) > limit, "url": url}


def _position(view: Transaction, id_: str, cursor: str, owner: tuple[str, str]) -> int:
    account, kind = owner
    row = view.execute(
        "SELECT seq FROM stripe_object WHERE id = ? AND account = ? AND kind = ?", (id_, account, kind)
    ).fetchone()
    if row is None:
        raise no_such(kind, id_, cursor, status=400)
    return int(row["seq"])


def render(view: Transaction, account: str, body: Body, expand: list[str]) -> Body:
    """The object as it is answered: without the sandbox's own notes (`_…`), with what `expand` asks for."""
    whole = _public(body)
    for path in expand:
        steps = path.split(".")
        if len(steps) > 4:
            raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
        if body.get("object") == "list":
            if steps[0] != "data":
                raise _cannot_expand(path)
            for original, item in zip(body["data"], whole["data"], strict=True):
                _expand(view, account, original, item, steps[1:], path)
        else:
            _expand(view, account, body, whole, steps, path)
    return whole


def _expand(view: Transaction, account: str, original: Body, whole: Body, steps: list[str], path: str) -> None:
    if not steps:
        return
    kind, (step, *rest) = str(original.get("object")), steps
    if step in INCLUDABLE.get(kind, ()):
        whole[step] = _included(view, original, step)
        return
    if step not in EXPANDABLE.get(kind, ()):
        raise _cannot_expand(path)
    id_ = original.get(step)
    if not isinstance(id_, str):
        return
    row = view.execute("SELECT body FROM stripe_object WHERE id = ? AND account = ?", (id_, account)).fetchone()
    if row is None:
        return
    below = json.loads(row["body"])
    if not isinstance(whole.get(step), dict):
        whole[step] = _public(below)
    _expand(view, account, below, whole[step], rest, path)


def _included(view: Transaction, original: Body, step: str) -> Body:
    if step == "line_items":
        data, url = original["_line_items"], f"/v1/checkout/sessions/{original['id']}/line_items"
    else:
        data, url = where(view, "refund", "charge", original["id"])[::-1], f"/v1/charges/{original['id']}/refunds"
    return {"object": "list", "data": [_public(each) for each in data], "has_more": False, "url": url}


def _cannot_expand(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")


def _public(body: Body) -> Body:
    if body.get("object") == "list":
        return body | {"data": [_public(item) for item in body["data"]]}
    return {key: value for key, value in body.items() if not key.startswith("_")}


def public(body: Body) -> Body:
    """The object without the sandbox's own notes."""
    return _public(body)


def merged(old: dict[str, str] | None, new: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update: given keys replace, empty values unset, None unsets all."""
    if new is None:
        return {}
    return {key: value for key, value in ((old or {}) | new).items() if value != ""}
