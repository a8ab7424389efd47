"""Every endpoint of Stripe's API that the sandbox answers, in one table."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe import accounts, charges, checkout, disputes, events, ledger, refunds
from sandbox.stripe.params import Fields
from sandbox.stripe.resources import Body
from sandbox.stripe.world import Work


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    params: Fields
    act: Callable[[Work], Body]

    def match(self, method: str, steps: list[str]) -> dict[str, str] | None:
        """What the path's `{name}`s stand for, if method and path are this endpoint's."""
        own = self.path.split("/")
        if method != self.method or len(own) != len(steps):
            return None
        found = {}
        for mine, given in zip(own, steps, strict=True):
            if mine.startswith("{"):
                found[mine[1:-1]] = given
            elif mine != given:
                return None
        return found


def _endpoint(method: str, path: str, params: Fields, act: Callable[[Work], Body]) -> Endpoint:
    return Endpoint(method=method, path=path, params=params, act=act)


ENDPOINTS = (
    _endpoint("POST", "accounts", accounts.CREATE, accounts.create),
    _endpoint("GET", "accounts", accounts.LIST, accounts.list_),
    _endpoint("GET", "account", accounts.RETRIEVE, accounts.retrieve_own),
    _endpoint("GET", "accounts/{id}", accounts.RETRIEVE, accounts.retrieve),
    _endpoint("POST", "accounts/{id}", accounts.UPDATE, accounts.update),
    _endpoint("DELETE", "accounts/{id}", accounts.DELETE, accounts.delete_account),
    _endpoint("POST", "accounts/{id}/login_links", accounts.LOGIN_LINK, accounts.login_link),
    _endpoint("POST", "account_links", accounts.CREATE_LINK, accounts.create_link),
    _endpoint("POST", "checkout/sessions", checkout.CREATE, checkout.create),
    _endpoint("GET", "checkout/sessions", checkout.LIST, checkout.list_),
    _endpoint("GET", "checkout/sessions/{id}", checkout.RETRIEVE, checkout.retrieve),
    _endpoint("POST", "checkout/sessions/{id}", checkout.UPDATE, checkout.update),
    _endpoint("POST", "checkout/sessions/{id}/expire", checkout.EXPIRE_PARAMS, checkout.expire),
    _endpoint("GET", "checkout/sessions/{id}/line_items", checkout.LINE_ITEMS, checkout.line_items),
    _endpoint("GET", "payment_intents", charges.LIST_INTENTS, charges.list_intents),
    _endpoint("GET", "payment_intents/{id}", charges.RETRIEVE, charges.retrieve_intent),
    _endpoint("POST", "payment_intents/{id}", charges.UPDATE, charges.update_intent),
    _endpoint("GET", "charges", charges.LIST_CHARGES, charges.list_charges),
    _endpoint("GET", "charges/{id}", charges.RETRIEVE, charges.retrieve_charge),
    _endpoint("POST", "charges/{id}", charges.UPDATE, charges.update_charge),
    _endpoint("POST", "refunds", refunds.CREATE, refunds.create),
    _endpoint("GET", "refunds", refunds.LIST, refunds.list_),
    _endpoint("GET", "refunds/{id}", refunds.RETRIEVE, refunds.retrieve),
    _endpoint("POST", "refunds/{id}", refunds.UPDATE, refunds.update),
    _endpoint("POST", "refunds/{id}/cancel", refunds.CANCEL, refunds.cancel),
    _endpoint("GET", "disputes", disputes.LIST, disputes.list_),
    _endpoint("GET", "disputes/{id}", disputes.RETRIEVE, disputes.retrieve),
    _endpoint("POST", "disputes/{id}", disputes.UPDATE, disputes.update),
    _endpoint("POST", "disputes/{id}/close", disputes.CLOSE, disputes.close),
    _endpoint("GET", "events", events.EVENTS, events.list_events),
    _endpoint("GET", "events/{id}", events.EVENT, events.retrieve_event),
    _endpoint("POST", "webhook_endpoints", events.CREATE_ENDPOINT, events.create_endpoint),
    _endpoint("GET", "webhook_endpoints", events.ENDPOINTS, events.list_endpoints),
    _endpoint("GET", "webhook_endpoints/{id}", events.EVENT, events.retrieve_endpoint),
    _endpoint("POST", "webhook_endpoints/{id}", events.UPDATE_ENDPOINT, events.update_endpoint),
    _endpoint("DELETE", "webhook_endpoints/{id}", events.DELETE_ENDPOINT, events.delete_endpoint),
    _endpoint("GET", "balance", ledger.BALANCE, ledger.balance),
    _endpoint("GET", "balance_transactions", ledger.TRANSACTIONS, ledger.list_transactions),
    _endpoint("GET", "balance_transactions/{id}", ledger.TRANSACTION, ledger.retrieve_transaction),
    _endpoint("POST", "payouts", ledger.CREATE_PAYOUT, ledger.create_payout),
    _endpoint("GET", "payouts", ledger.PAYOUTS, ledger.list_payouts),
    _endpoint("GET", "payouts/{id}", ledger.TRANSACTION, ledger.retrieve_payout),
    _endpoint("GET", "application_fees", charges.LIST_FEES, charges.list_fees),
    _endpoint("GET", "application_fees/{id}", charges.RETRIEVE_FEE, charges.retrieve_fee),
)


def endpoint_for(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    steps = path.strip("/").split("/")
    for endpoint in ENDPOINTS:
        found = endpoint.match(method, steps)
        if found is not None:
            return endpoint, found
    return None
