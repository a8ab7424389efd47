"""Stripe's hosted pages, onboarding and Checkout: what a person sees, finished by a POST."""

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from sandbox.store import Transaction
from sandbox.stripe import accounts, checkout
from sandbox.stripe.cards import Card, card_for
from sandbox.stripe.money import written
from sandbox.stripe.resources import PLATFORM, Body, Found, find, save
from sandbox.stripe.world import Work, World

Page = Response | WerkzeugResponse


class StripePages:
    def __init__(self, world: World) -> None:
        self._world = world

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("stripe_pages", __name__)
        blueprint.add_url_rule("/setup/e/<account>/<token>", view_func=self._onboarding, methods=["GET", "POST"])
        blueprint.add_url_rule("/c/pay/<session>", view_func=self._checkout, methods=["GET"])
        blueprint.add_url_rule("/c/pay/<session>", view_func=self._pay, methods=["POST"])
        blueprint.add_url_rule("/receipts/<charge>", view_func=self._receipt, methods=["GET"])
        blueprint.add_url_rule("/express/<account>", view_func=self._express, methods=["GET"])
        return blueprint

    def _work(self, tx: Transaction, account: str) -> Work:
        return Work(world=self._world, tx=tx, account=account, now=self._world.now())

    def _onboarding(self, account: str, token: str) -> Page:
        """GET shows it; POST finishes it. `outcome` `later` leaves it unfinished, `restricted` finds something wrong."""
        with self._world.store.write() as tx:
            link, found = find(tx, "account_link", f"link_{token}"), find(tx, "account", account)
            if link is None or found is None or link.body["_account"] != account:
                return _message(404, "This link is not known", "Ask for a new one where you came from.")
            if link.body["_used"] or link.body["expires_at"] <= self._world.now():
                return redirect(link.body["_refresh_url"], 303)
            if request.method == "GET":
                return Response(render_template("onboarding.html", account=found.body))
            link.body["_used"] = True
            save(tx, link.body)
            self._finish(self._work(tx, PLATFORM), found.body, request.form.get("outcome", "complete"))
        return redirect(link.body["_return_url"], 303)

    def _finish(self, work: Work, account: Body, outcome: str) -> None:
        if outcome == "restricted":
            accounts.restrict(work, account | {"details_submitted": True}, "requirements.past_due")
        elif outcome != "later":
            accounts.complete_onboarding(work, account)

    def _checkout(self, session: str) -> Page:
        with self._world.store.read() as view:
            found = self._payable(view, session)
            return self._form(view, found) if isinstance(found, Found) else found

    def _payable(self, view: Transaction, session: str) -> Found | Page:
        """The session, or the page that says why nothing can be paid here."""
        found = find(view, "checkout.session", session)
        if found is None:
            return _message(404, "This page does not exist", "The link is not complete, or was never made.")
        if found.body["status"] == "complete":
            status = 200 if request.method == "GET" else 409
            return _message(status, "This has been paid", "There is nothing left to do here. Thank you.")
        if found.body["status"] == "expired" or found.body["expires_at"] <= self._world.now():
            return _message(410, "This page has ended", "Nothing was charged. Ask for a new link where you came from.")
        return found

    def _form(self, view: Transaction, found: Found, problem: str = "", status: int = 200) -> Page:
        session = found.body
        text = render_template(
            "checkout.html",
            session=session,
            items=session["_line_items"],
            total=written(session["amount_total"], session["currency"]),
            written=written,
            merchant=_merchant(view, found),
            problem=problem,
        )
        return Response(text, status=status)

    def _pay(self, session: str) -> Page:
        form = request.get_json(silent=True) if request.is_json else request.form
        typed = form if isinstance(form, dict) else {}
        number, email = str(typed.get("number", "")), str(typed.get("email") or "")
        card = card_for(number)
        with self._world.store.write() as tx:
            found = self._payable(tx, session)
            if not isinstance(found, Found):
                return found
            if card is None:
                return self._form(tx, found, "Your card number is incorrect.", 402)
            charge = self._charge(self._work(tx, found.account), found.body, card, number, email or None)
            if not charge["paid"]:
                return self._form(tx, found, charge["failure_message"], 402)
        return redirect(found.body["success_url"].replace("{CHECKOUT_SESSION_ID}", session), 303)

    def _charge(self, work: Work, session: Body, card: Card, number: str, email: str | None) -> Body:
        last4 = "".join(filter(str.isdecimal, number))[-4:]
        return checkout.pay(work, session, card, last4, email)

    def _receipt(self, charge: str) -> Page:
        with self._world.store.read() as view:
            found = find(view, "charge", charge)
        if found is None:
            return _message(404, "This receipt does not exist", "")
        paid = written(found.body["amount"], found.body["currency"])
        back = written(found.body["amount_refunded"], found.body["currency"])
        text = f"Paid: {paid}." + (f" Refunded: {back}." if found.body["amount_refunded"] else "")
        return _message(200, "Receipt", text)

    def _express(self, account: str) -> Page:
        return _message(200, "Express dashboard", f"Here the provider of {account} would see payouts and payments.")


def _merchant(view: Transaction, found: Found) -> str:
    account = find(view, "account", found.account) if found.account else None
    if account is None:
        return "Timeblu"
    profile = account.body["business_profile"]
    return str(profile.get("name") or account.body.get("email") or account.body["id"])


def _message(status: int, title: str, text: str) -> Page:
    return Response(render_template("message.html", title=title, text=text), status=status)
