"""`/v1/pay/{secret}`: the client's payment link, which never goes stale."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request

from chassis.problems import NotFound, Problem
from chassis.web import Blueprint, public
from payments.api.pages import render, said
from payments.operations import checkouts
from payments.operations.checkouts import LinkState, LinkView
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
        try:
            return kept_private(_shown(checkouts.follow_link(context, secret)))
        except Problem as problem:
            if "text/html" not in request.headers.get("Accept", ""):
                raise
            # A person reads this, not a program.
            return kept_private(_trouble(problem))

    return routes


def _shown(view: LinkView) -> Any:
    if view.url:
        return redirect(view.url, code=303)
    if view.state in {LinkState.PAID, LinkState.PROCESSING}:
        return render(view.state.value, view=said(view))
    return render(view.state.value, status=410, view=said(view))


def _trouble(problem: Problem) -> Response:
    answer = render("unknown" if isinstance(problem, NotFound) else "unavailable", status=int(problem.status))
    if problem.retry_after is not None:
        answer.headers["Retry-After"] = str(problem.retry_after)
    return answer


def kept_private(answer: Response) -> Response:
    """The address is the key: it must not travel on in a Referer, nor be kept by anybody on the way."""
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
