"""What a person or a test sees and does: mailbox, texts, faults, clock, Stripe's hooks, and a page over it all."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults, Planned, Target
from sandbox.mailbox import Mailbox
from sandbox.stripe.money import written
from sandbox.stripe.resources import public
from sandbox.stripe.world import World
from sandbox.twilio.messages import NUMBER, Messages

FARTHEST = 10 * 366 * 86400
"""Seconds that the clock moves on at once, at most: ten years."""
EVERYTHING = 1_000_000
"""Mails, texts and refunds are counted by tests that make thousands: all are shown unless fewer are asked for."""


class BadRequest(Exception):
    """Answered with 422 and its text."""


class Dashboard:
    def __init__(
        self,
        *,
        world: World,
        faults: Faults,
        mailbox: Mailbox,
        messages: Messages,
        clock: Clock,
        advance: Callable[[float], datetime],
        smtp_port: Callable[[], int],
    ) -> None:
        self._world = world
        self._faults = faults
        self._mailbox = mailbox
        self._messages = messages
        self._clock = clock
        self._advance = advance
        self._smtp_port = smtp_port

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("dashboard", __name__)
        for method, path, view in (
            ("GET", "/", self._index),
            ("GET", "/healthz", self._healthz),
            ("GET", "/readyz", self._healthz),
            ("GET", "/mail", self._mail),
            ("GET", "/mail/<id_>", self._one_mail),
            ("GET", "/mail/<id_>/view", self._view_mail),
            ("GET", "/sms", self._sms),
            ("POST", "/sms", self._text_back),
            ("GET", "/smtp", self._smtp),
            ("GET", "/twilio", self._twilio),
            ("GET", "/stripe", self._stripe),
            ("GET", "/stripe/refunds", self._refunds),
            ("GET", "/stripe/hooks", self._hooks),
            ("POST", "/stripe/hooks", self._steer_hooks),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._plan_fault),
            ("GET", "/clock", self._now),
            ("POST", "/clock", self._jump),
            ("POST", "/reset", self._reset),
        ):
            blueprint.add_url_rule(path, view_func=view, methods=[method], endpoint=view.__name__.strip("_"))
        blueprint.register_error_handler(BadRequest, _unprocessable)
        return blueprint

    def _index(self) -> Response | WerkzeugResponse:
        if not request.environ.get("PATH_INFO"):  # mounted and called without the slash that relative links need
            return redirect(f"{self._world.settings.public_url}/")
        return _page(
            "index.html",
            mails=self._mailbox.listed(limit=50),
            texts=self._messages.listed(limit=50),
            refunds=self._all("refund", 50),
            written=written,
            now=self._clock.now().isoformat(timespec="seconds"),
            faults=self._faults.left(),
            smtp_port=self._smtp_port(),
        )

    def _healthz(self) -> Response:
        self._world.store.get_meta("hold")
        return jsonify({"status": "ok"})

    def _mail(self) -> Response:
        limit, offset = _window()
        return jsonify({"data": self._mailbox.listed(to=request.args.get("to", ""), limit=limit, offset=offset)})

    def _one_mail(self, id_: str) -> tuple[Response, int] | Response:
        mail = self._mailbox.find(id_)
        return jsonify(mail) if mail else (jsonify({"error": "no such mail"}), 404)

    def _view_mail(self, id_: str) -> Response:
        mail = self._mailbox.find(id_)
        if mail is None:
            return _page("message.html", status=404, title="This mail is not here", text="It may have been reset.")
        return _page("mail.html", mail=mail)

    def _sms(self) -> Response:
        limit, offset = _window()
        to, sender = request.args.get("to"), request.args.get("from")
        return jsonify({"data": self._messages.listed(to=to, sender=sender, limit=limit, offset=offset)})

    def _text_back(self) -> tuple[Response, int]:
        # JSON with a message's own names, or a form with those that Twilio sends.
        body = {name.lower(): value for name, value in (request.form or _json()).items()}
        sender, to, text = (str(body.get(name) or "") for name in ("from", "to", "body"))
        if not NUMBER.fullmatch(sender):
            raise BadRequest("`from` must be a phone number, E.164")
        return jsonify(self._messages.receive(sender=sender, to=to, body=text)), 201

    def _smtp(self) -> Response:
        return jsonify({"host": self._world.settings.smtp_host, "port": self._smtp_port()})

    def _twilio(self) -> Response:
        keys = self._world.keys
        return jsonify(
            {
                "account_sid": keys.twilio_account_sid,
                "auth_token": keys.twilio_auth_token,
                "api_base": f"{self._world.settings.public_url}/twilio",
            }
        )

    def _stripe(self) -> Response:
        keys = self._world.keys
        return jsonify(
            {
                "api_base": f"{self._world.settings.public_url}/stripe",
                "secret_key": keys.stripe_secret_key,
                "webhook_secret": keys.stripe_webhook_secret,
                **self._steering(),
            }
        )

    def _steering(self) -> dict[str, Any]:
        deliveries = self._world.deliveries
        return {"hold": deliveries.hold, "repeat": deliveries.repeat, "shuffle": deliveries.shuffle}

    def _refunds(self) -> Response:
        return jsonify({"data": self._all("refund", _window()[0])})

    def _all(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """Objects of every account, newest first, each with the `account` it lives on (null: the platform)."""
        with self._world.store.read() as view:
            rows = view.execute(
                "SELECT account, body FROM stripe_object WHERE kind = ? ORDER BY seq DESC LIMIT ?", (kind, limit)
            ).fetchall()
        return [public(json.loads(row["body"])) | {"account": row["account"] or None} for row in rows]

    def _hooks(self) -> Response:
        with self._world.store.read() as view:
            waiting = view.execute("SELECT count(*) FROM delivery WHERE channel = 'stripe'").fetchone()[0]
        return jsonify(self._steering() | {"waiting": waiting})

    def _steer_hooks(self) -> Response:
        body = _json()
        repeat = body.get("repeat")
        for name in ("hold", "shuffle"):
            if not isinstance(body.get(name, False), bool):
                raise BadRequest(f"`{name}` must be true or false")
        if repeat is not None and (not isinstance(repeat, int) or isinstance(repeat, bool) or not 1 <= repeat <= 20):
            raise BadRequest("`repeat` must be a number from 1 to 20")
        self._world.deliveries.steer(hold=body.get("hold"), repeat=repeat, shuffle=body.get("shuffle"))
        return self._hooks()

    def _list_faults(self) -> Response:
        return jsonify({"data": [asdict(planned) for planned in self._faults.left()]})

    def _plan_fault(self) -> Response:
        body = _json()
        target, fault, count = body.get("target"), body.get("fault"), body.get("count", 1)
        if target not in list(Target):
            raise BadRequest(f"`target` must be one of {', '.join(Target)}")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise BadRequest("`count` must be a number, 0 clears")
        if fault is None and count == 0:
            self._faults.clear(target)
            return self._list_faults()
        if fault not in list(Fault):
            raise BadRequest(f"`fault` must be one of {', '.join(Fault)}")
        method, path = str(body.get("method", "")).upper(), str(body.get("path", ""))
        self._faults.plan(Planned(target=target, fault=fault, count=count, method=method, path=path))
        return self._list_faults()

    def _now(self) -> Response:
        return _clock(self._clock.now())

    def _jump(self) -> Response:
        seconds = _json().get("advance_seconds")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= FARTHEST:
            raise BadRequest(f"`advance_seconds` must be a number of seconds above 0, {FARTHEST} at most")
        return _clock(self._advance(float(seconds)))

    def _reset(self) -> Response:
        """Forgets what passed through: mail, texts, payments, faults, what waits for delivery. The clock, the secrets,
        connected accounts and webhook endpoints stay, so that a running suite keeps working; `{"everything": true}`
        forgets accounts and endpoints too."""
        everything = request.get_json(silent=True) == {"everything": True}
        self._faults.clear()
        with self._world.store.write() as tx:
            for table in (
                "mail",
                "mail_recipient",
                "mail_shown",
                "sms",
                "opt_out",
                "delivery",
                "due",
                "stripe_answer",
                "stripe_balance",
            ):
                tx.execute(f"DELETE FROM {table}")
            tx.execute(
                "DELETE FROM stripe_object WHERE ? OR kind NOT IN ('account', 'account_link', 'webhook_endpoint')",
                (everything,),
            )
        self._world.deliveries.steer(hold=False, repeat=1, shuffle=False)
        return jsonify({"reset": True})


def _page(template: str, *, status: int = 200, **values: Any) -> Response:
    return Response(render_template(template, **values), status=status)


def _clock(now: datetime) -> Response:
    return jsonify({"now": now.astimezone(UTC).isoformat().replace("+00:00", "Z")})


def _json() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _window() -> tuple[int, int]:
    try:
        limit, offset = int(request.args.get("limit", EVERYTHING)), int(request.args.get("offset", 0))
    except ValueError:
        raise BadRequest("`limit` and `offset` must be numbers") from None
    return max(1, min(limit, EVERYTHING)), max(0, offset)


def _unprocessable(error: BadRequest) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 422
