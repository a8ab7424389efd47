"""`/v1/pay/{secret}`: the client's payment link, which never goes stale."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect

from chassis.web import Blueprint, public
from payments.api.pages import render, said
from payments.operations import checkouts
from payments.operations.checkouts import LinkState
from payments.operations.context import Payments


def blueprint(context: Payments) -> Blueprint:
    routes = Blueprint("pay", __name__, url_prefix="/v1/pay", description="The client's payment link.")

    @routes.get("/<secret>")
    @public
    @routes.doc(
        responses={303: {"description": "to the open payment page"}, 410: {"description": "not payable, and why"}}
    )
    def pay(secret: str) -> Any:
        """To the payment page, the receipt, or why there is nothing to pay."""
        view = checkouts.follow_link(context, secret)
        if view.url:
            answer: Any = redirect(view.url, code=303)
        elif view.state in {LinkState.PAID, LinkState.PROCESSING}:
            answer = render(view.state.value, view=said(view))
        else:
            answer = render(view.state.value, status=410, view=said(view))
        return _kept_private(answer)

    return routes


def _kept_private(answer: Response) -> Response:
    """The address is the key: it must not travel on in a Referer, nor be kept by anybody on the way."""
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
