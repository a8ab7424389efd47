"""`/v1/webhooks`: from Twilio, how a text message fared and what clients text back; from a mail server, what bounced."""

from __future__ import annotations

import hmac

from flask import Response, request

from chassis.problems import BadRequest, NotFound, Unauthenticated
from chassis.web import Blueprint, any_body, public
from notifications.domain.bounces import read
from notifications.operations.context import Notifications
from notifications.operations.receipts import take_bounce, take_receipt
from notifications.operations.wishes import text_back

_NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks")

    @routes.post("/twilio")
    @public
    @any_body
    @routes.response(200, {"type": "string"}, content_type="text/xml")
    @routes.alt_response(204, description="It is noted")
    @routes.alt_response(404, "NOT_FOUND")
    def twilio() -> Response:
        """Twilio's requests; a wrong signature is 400 `bad_signature`."""
        form = request.form.to_dict()
        _check_signature(context, form)
        sid = form.get("MessageSid") or form.get("SmsSid")
        status = form.get("MessageStatus")
        if sid and status:
            context.store.run(
                lambda: take_receipt(
                    context,
                    delivery_id=request.args.get("delivery"),
                    provider_id=sid,
                    status=status,
                    error_code=form.get("ErrorCode") or None,
                    error=form.get("ErrorMessage") or None,
                )
            )
            return Response(status=204)
        if form.get("From") and "Body" in form:
            context.store.run(lambda: text_back(context, number=form["From"], text=form["Body"]))
        # Twilio answers STOP by itself; an empty document says that we add nothing.
        return Response(_NO_REPLY, mimetype="text/xml")

    @routes.post("/mail")
    @public
    @any_body
    @routes.response(204)
    @routes.alt_response(401, "UNAUTHORIZED")
    @routes.alt_response(404, "NOT_FOUND")
    def mail() -> Response:
        """A report of mail that came back, as it arrived (RFC 3464), under the password of the settings by HTTP Basic."""
        secret = context.settings.mail_webhook_secret
        if secret is None:
            raise NotFound
        given = (request.authorization and request.authorization.password) or ""
        if not hmac.compare_digest(given.encode(), secret.encode()):
            raise Unauthenticated("the password of this webhook is needed")
        bounce = read(request.get_data())
        if bounce is not None:
            context.store.run(lambda: take_bounce(context, bounce))
        # Whatever else arrives at that mailbox, nobody need send it again.
        return Response(status=204)

    return routes


def _check_signature(context: Notifications, form: dict[str, str]) -> None:
    from twilio.request_validator import RequestValidator

    settings = context.settings
    if not settings.twilio_auth_token:
        raise NotFound
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    # The address as Twilio knows it: behind an ingress the request's own is another.
    url = f"{settings.public_url}/v1/webhooks/twilio{query}"
    if not RequestValidator(settings.twilio_auth_token).validate(
        url, form, request.headers.get("X-Twilio-Signature", "")
    ):
        raise BadRequest("the signature is not Twilio's", code="bad_signature")
