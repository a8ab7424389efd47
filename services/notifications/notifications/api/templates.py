"""`/v1/templates`: the words of the messages, and an account's own in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from chassis.problems import Invalid
from chassis.web import (
    Blueprint,
    Body,
    Page,
    Query,
    caller,
    decode_cursor,
    encode_cursor,
    field_errors,
    if_match,
    once,
    requires,
)
from contracts.fields import UtcTime
from notifications.domain.kinds import Channel, Kind
from notifications.domain.preferences import channels
from notifications.domain.template_check import FILTERS, VARIABLES
from notifications.domain.templates import PARTS, Source
from notifications.domain.wording import template_locale
from notifications.operations import templates
from notifications.operations.context import Notifications
from notifications.operations.templates import Preview, Shown

_PATH = "/<kind>/<channel>/<locale>"


class TemplateQuery(Query):
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)


class TemplateBody(Body):
    """An email has all three, a text message `text` alone."""

    subject = fields.String()
    text = fields.String(required=True)
    html = fields.String()


class PreviewBody(Body):
    """What is to be shown; without texts, the account's present template."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Kind]))
    channel = fields.String(required=True, validate=validate.OneOf([channel.value for channel in Channel]))
    locale = fields.String(required=True, validate=validate.Length(max=35))
    subject = fields.String()
    text = fields.String()
    html = fields.String()

    @validates_schema
    def _there_is_such_a_message(self, data: dict[str, Any], **_: Any) -> None:
        if template_locale(data["locale"]) is None:
            raise ValidationError("A language such as de, or with a country, de-AT.", "locale")
        if data["channel"] not in channels(Kind(data["kind"])):
            raise ValidationError("This kind is not sent by this channel.", "channel")


class TemplateOut(Schema):
    kind = fields.String()
    channel = fields.String()
    locale = fields.String()
    own = fields.Boolean(metadata={"description": "the account's own version, rather than what came with the service"})
    subject = fields.Function(lambda shown: shown.source.subject if shown.channel is Channel.EMAIL else None)
    text = fields.Function(lambda shown: shown.source.text if shown.channel is Channel.EMAIL else shown.source.sms)
    html = fields.Function(lambda shown: shown.source.html if shown.channel is Channel.EMAIL else None)
    version = fields.Integer()
    updated_at = UtcTime(allow_none=True)


class TemplatePage(Page):
    data = fields.List(fields.Nested(TemplateOut))
    variables = fields.List(fields.String(), metadata={"description": "what templates may use"})
    filters = fields.List(fields.String())
    parts = fields.List(fields.String(), metadata={"description": "pieces of HTML, used as parts.button(url, label)"})


class PreviewOut(Schema):
    subject = fields.String(allow_none=True)
    text = fields.String()
    html = fields.String(allow_none=True)
    encoding = fields.String(allow_none=True, metadata={"description": "of a text message: GSM-7 or UCS-2"})
    segments = fields.Integer(allow_none=True, metadata={"description": "how many text messages it is"})


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("templates", __name__, url_prefix="/v1/templates")

    @routes.get("")
    @requires("notifications:read", "notifications:write")
    @routes.arguments(TemplateQuery, location="query")
    @routes.response(200, TemplatePage)
    def index(query: dict[str, Any]) -> dict[str, Any]:
        """Every template by kind, channel and locale: what came with the service, or the account's own in its place."""
        limit = query["limit"]
        after = tuple(map(str, decode_cursor(query["cursor"], 3))) if query["cursor"] else ()
        rest = [each for each in templates.list_templates(context, caller().account_id) if each.key > after]
        page = rest[:limit]
        return {
            "data": page,
            "next_cursor": encode_cursor(list(page[-1].key)) if len(rest) > limit else None,
            "variables": VARIABLES,
            "filters": FILTERS,
            "parts": PARTS,
        }

    @routes.get(_PATH)
    @requires("notifications:read", "notifications:write")
    @routes.response(200, TemplateOut)
    def show(kind: str, channel: str, locale: str) -> Shown:
        """One template; version 0 where the account never had its own."""
        return templates.get_template(context, caller().account_id, *templates.place(kind, channel, locale))

    @routes.put(_PATH)
    @requires("notifications:write")
    @routes.arguments(TemplateBody)
    @routes.response(200, TemplateOut)
    def replace(body: dict[str, Any], kind: str, channel: str, locale: str) -> Shown:
        """Put the account's own version in place. One that uses an unknown variable, or cannot be rendered, is refused."""
        place, seen = templates.place(kind, channel, locale), if_match()
        source = _source(body, place[1])
        return context.store.run(lambda: templates.replace_template(context, caller().account_id, *place, source, seen))

    @routes.delete(_PATH)
    @requires("notifications:write")
    @routes.response(204)
    def remove(kind: str, channel: str, locale: str) -> Response:
        """Use what came with the service again."""
        place, seen = templates.place(kind, channel, locale), if_match()
        context.store.run(lambda: templates.remove_template(context, caller().account_id, *place, seen))
        return Response(status=204)

    @routes.post("/preview")
    @requires("notifications:read", "notifications:write")
    @routes.arguments(PreviewBody)
    @once(context.store)
    @routes.response(200, PreviewOut)
    def preview(body: dict[str, Any]) -> dict[str, Any]:
        """How a message would look to a client of that locale, with made-up content; nothing is saved or sent."""
        place = templates.place(body["kind"], body["channel"], body["locale"])
        given = any(name in body for name in ("subject", "text", "html"))
        source = _source(body, place[1]) if given else None
        return _shown(templates.preview(context, caller().account_id, *place, source))

    return routes


def _source(body: dict[str, Any], channel: Channel) -> Source:
    if channel is Channel.SMS:
        surplus: dict[str, list[str]] = {
            name: ["A text message has none."] for name in ("subject", "html") if name in body
        }
        if surplus:
            _refuse(surplus)
        return Source(sms=body.get("text", ""))
    missing: dict[str, list[str]] = {
        name: ["Missing data for required field."] for name in ("subject", "text", "html") if name not in body
    }
    if missing:
        _refuse(missing)
    return Source(subject=body["subject"], text=body["text"], html=body["html"])


def _refuse(messages: Mapping[str, list[str]]) -> NoReturn:
    raise Invalid(errors=field_errors(messages))


def _shown(preview: Preview) -> dict[str, Any]:
    if preview.email is not None:
        return {"subject": preview.email.subject, "text": preview.email.text, "html": preview.email.html}
    assert preview.length is not None
    return {"text": preview.text, "encoding": preview.length.encoding, "segments": preview.length.segments}
