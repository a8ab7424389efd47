"""`/v1/webhooks/twilio`: how a text message fared, and what clients text back; signed by Twilio."""

from __future__ import annotations

from flask import Response, request

from chassis.problems import BadRequest, NotFound
from chassis.web import Blueprint, any_body, public
from notifications.operations.context import Notifications
from notifications.operations.receipts import take_receipt
from notifications.operations.wishes import text_back

_NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks")

    @routes.post("/twilio")
    @public
    @any_body
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
