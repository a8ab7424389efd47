"""The bookkeeper's statement: what moved in a period, by session, and what was kept of it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from services.payments.tests.conftest import Open
from services.payments.tests.practice import DISPUTED, Practice, code_of, until

from payments.domain.charging import ChargeModel


def _statement(practice: Practice, **query: str) -> dict[str, dict[str, str]]:
    answer = practice.call("GET", "/v1/statement.csv", query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/csv"
    return {row["session_id"]: row for row in csv.DictReader(io.StringIO(answer.text))}


def _money(row: dict[str, str]) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in ("paid", "paid_in_cash", "fee", "refunded", "disputed", "kept"))


def test_a_line_a_session_says_what_was_paid_refunded_and_kept(on_both_stores: Practice) -> None:
    practice = on_both_stores
    practice.put_settings(refund_percentage=50)
    kept, refunded, cash = practice.paid_session(), practice.paid_session(), practice.book()
    practice.post(f"/v1/deposits/{practice.deposit(cash)['id']}/mark-paid")
    practice.cancel(refunded)
    unpaid = practice.book()
    rows = _statement(practice)
    assert _money(rows[kept]) == (2000, 0, 0, 0, 0, 2000)
    assert _money(rows[refunded]) == (2000, 0, 0, 1000, 0, 1000)
    assert _money(rows[cash]) == (2000, 2000, 0, 0, 0, 2000)
    assert unpaid not in rows
    assert rows[kept]["currency"] == "EUR"
    assert rows[kept]["service"] == "Coaching"


def test_money_belongs_to_the_period_in_which_it_moved(practice: Practice) -> None:
    session_id = practice.paid_session(hours_ahead=200)
    practice.advance(hours=48)
    noon = practice.clock.now()
    practice.advance(hours=48)
    practice.cancel(session_id)
    assert _money(_statement(practice, to=noon.isoformat())[session_id]) == (2000, 0, 0, 0, 0, 2000)
    assert _money(_statement(practice, **{"from": noon.isoformat()})[session_id]) == (0, 0, 0, 2000, 0, -2000)


def test_a_day_begins_at_midnight_where_the_account_is(practice: Practice) -> None:
    session_id = practice.paid_session()
    today = practice.clock.now().astimezone(ZoneInfo("Europe/Berlin")).date()
    tomorrow = today + timedelta(days=1)
    assert session_id in _statement(practice, **{"from": today.isoformat(), "to": tomorrow.isoformat()})
    assert _statement(practice, **{"from": tomorrow.isoformat()}) == {}
    assert _statement(practice, to=today.isoformat()) == {}


@pytest.mark.parametrize(("model", "left"), [(ChargeModel.DIRECT, 200), (ChargeModel.DESTINATION, 150)])
def test_a_fee_is_shown_and_comes_back_only_with_destination_charges(
    opened: Open, model: ChargeModel, left: int
) -> None:
    practice = opened(charge_model=model, application_fee_percent=Decimal(10))
    practice.introduce()
    practice.connect()
    session_id = practice.paid_session()
    assert _money(_statement(practice)[session_id]) == (2000, 0, 200, 0, 0, 2000)
    practice.post(f"/v1/deposits/{practice.deposit(session_id)['id']}/refunds", 201, amount=500)
    practice.settle_down()
    assert _money(_statement(practice)[session_id]) == (2000, 0, left, 500, 0, 1500)
    assert practice.violations() == {}


def test_what_the_bank_took_back_is_not_kept(practice: Practice) -> None:
    session_id = practice.paid_session(card=DISPUTED)

    def disputed() -> bool:
        practice.settle_down()
        return bool(practice.deposit(session_id)["status"] == "disputed")

    until(disputed, "the client's dispute, which the sandbox tells of in its own time")
    assert _money(_statement(practice)[session_id]) == (2000, 0, 0, 0, 2000, 0)


def test_a_payment_too_much_and_its_way_back_are_both_told(practice: Practice) -> None:
    session_id = practice.book(status="pending", source="online")
    page = practice.open_page(session_id)
    practice.hold_hooks(True)
    practice.pay_at(page)
    practice.hear(practice.cancelled(session_id, None, by="system", reason="deposit_unpaid"))
    practice.hold_hooks(False)
    practice.settle_down()
    assert _money(_statement(practice)[session_id]) == (2000, 0, 0, 2000, 0, 0)


def test_what_a_spreadsheet_would_take_for_a_formula_is_prefixed(practice: Practice) -> None:
    session_id = practice.paid_session(service_name='=HYPERLINK("http://evil")')
    assert _statement(practice)[session_id]["service"] == '\'=HYPERLINK("http://evil")'


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "yesterday"}, 422),
        ({"from": "2026-02-30"}, 422),
        ({"from": "0001-01-01"}, 422),
        ({"from": "2026-11-01T00:00:00"}, 422),
        ({"from": "2026-11-02", "to": "2026-11-01"}, 422),
        ({"month": "11"}, 422),
    ],
)
def test_a_period_that_is_none_is_422(practice: Practice, query: dict[str, str], status: int) -> None:
    answer = practice.call("GET", "/v1/statement.csv", query_string=query)
    assert (answer.status_code, code_of(answer)) == (status, "invalid")


def test_only_the_own_account_is_told_and_only_with_the_scope(practice: Practice) -> None:
    practice.paid_session()
    practice.hear(practice.account_told(account_id="acc_other"))
    other: Any = practice.call("GET", "/v1/statement.csv", account="acc_other")
    assert len(other.text.splitlines()) == 1
    assert practice.call("GET", "/v1/statement.csv", scope="payments:write").status_code == 403
    assert practice.call("GET", "/v1/statement.csv", account="acc_unheard_of").status_code == 503
