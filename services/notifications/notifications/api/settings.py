"""`/v1/settings`: what an account wants sent, and how."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from chassis.web import Blueprint, Body, caller, if_match, requires
from notifications.domain.kinds import Channel, Kind
from notifications.domain.preferences import DEFAULT_QUOTA, channels
from notifications.operations.context import Notifications
from notifications.operations.preferences import replace_settings, settings_of

_MOST_SWITCHES = 1000
_wall_clock = validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d\Z", error="A time of day such as 21:00.")


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class QuietHoursBody(_Strict):
    start = fields.String(required=True, validate=_wall_clock)
    end = fields.String(required=True, validate=_wall_clock)


class _Named(fields.Dict):
    """Values by name; what is wrong with a name or its value is told where it stands, without marshmallow's `key` and `value`."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, *args, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            if isinstance(error.messages, dict):
                error.messages = {name: wrong.get("key") or wrong["value"] for name, wrong in error.messages.items()}
            raise


def _switches(prefix: str) -> _Named:
    return _Named(
        keys=fields.String(validate=validate.And(validate.Regexp(rf"^{prefix}_\w+\Z"), validate.Length(max=80))),
        values=fields.Boolean(truthy={True}, falsy={False}),
        load_default=dict,
        validate=validate.Length(max=_MOST_SWITCHES),
    )


class SmsBody(_Strict):
    enabled = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    calendars = _switches("cal")
    services = _switches("svc")
    quota = fields.Integer(strict=True, load_default=DEFAULT_QUOTA, validate=validate.Range(min=0, max=1_000_000))


def _known_channels(kinds: dict[str, dict[str, bool]]) -> None:
    errors = {
        kind: {
            channel: ["This kind is not sent by this channel."] for channel in set(chosen) - set(channels(Kind(kind)))
        }
        for kind, chosen in kinds.items()
        if set(chosen) - set(channels(Kind(kind)))
    }
    if errors:
        raise ValidationError(errors)


class SettingsBody(Body):
    """PUT replaces all: what is absent is as by default."""

    kinds = _Named(
        keys=fields.String(validate=validate.OneOf([kind.value for kind in Kind])),
        values=_Named(
            keys=fields.String(validate=validate.OneOf([channel.value for channel in Channel])),
            values=fields.Boolean(truthy={True}, falsy={False}),
        ),
        load_default=dict,
        validate=_known_channels,
    )
    quiet_hours = fields.Nested(QuietHoursBody, load_default=None, allow_none=True)
    sms = fields.Nested(SmsBody, load_default=dict)
    sender_name = fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(min=1, max=100), validate.Regexp(r"^[^\r\n]*\Z")]
    )
    reply_to = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=254))


class SmsOut(Schema):
    enabled = fields.Boolean()
    calendars = fields.Dict(keys=fields.String(), values=fields.Boolean())
    services = fields.Dict(keys=fields.String(), values=fields.Boolean())
    quota = fields.Integer()


class SettingsOut(Schema):
    kinds = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Boolean()))
    quiet_hours = fields.Nested(QuietHoursBody, allow_none=True)
    sms = fields.Nested(SmsOut)
    sender_name = fields.String(allow_none=True)
    reply_to = fields.String(allow_none=True)
    version = fields.Integer()


def blueprint(context: Notifications) -> Blueprint:
    routes = Blueprint("settings", __name__, url_prefix="/v1/settings")

    @routes.get("")
    @requires("notifications:read", "notifications:write")
    @routes.response(200, SettingsOut)
    def show() -> dict[str, Any]:
        """The account's settings; every kind with every channel that it may use."""
        return settings_of(context, caller().account_id)

    @routes.put("")
    @requires("notifications:write")
    @routes.arguments(SettingsBody)
    @routes.response(200, SettingsOut)
    def replace(body: dict[str, Any]) -> dict[str, Any]:
        """Replace all; sessions to come follow within a minute."""
        seen = if_match()
        return context.store.run(lambda: replace_settings(context, caller().account_id, body, seen))

    return routes
