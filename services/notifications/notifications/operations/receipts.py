"""What is told afterwards of a message that was taken: by Twilio of a text, by a mail server of an email; in any order and any number of times."""

from __future__ import annotations

from notifications.domain.bounces import Bounce
from notifications.domain.kinds import TERMS, Audience, Channel, Kind
from notifications.domain.outcomes import without_addresses
from notifications.domain.statuses import DeliveryStatus
from notifications.operations.context import Notifications
from notifications.operations.ending import reached, succeed
from notifications.operations.wishes import bounced, stop_number
from notifications.store import deliveries

_TAKEN = frozenset({"accepted", "scheduled", "queued", "sending", "sent"})
_ARRIVED = frozenset({"delivered", "read"})
_NOT_ARRIVED = frozenset({"undelivered", "failed", "canceled"})
_FINAL = (DeliveryStatus.DELIVERED, DeliveryStatus.UNDELIVERED)


def take_receipt(
    context: Notifications,
    *,
    delivery_id: str | None,
    provider_id: str,
    status: str,
    error_code: str | None,
    error: str | None,
) -> bool:
    """Note what Twilio says of its message `provider_id`; returns whether it is one of ours.

    `delivery_id` stood in the address that Twilio called: so a receipt also settles what was unsure.
    """
    with context.store.transaction():
        delivery = deliveries.locked(delivery_id or deliveries.id_by_provider(provider_id) or "")
        if delivery is None or delivery.channel != "sms" or (delivery.provider_id or provider_id) != provider_id:
            return False
        if delivery.status in _FINAL:
            return True
        told = without_addresses(f"{error_code}: {error or status}" if error_code else None)
        if status in _ARRIVED:
            reached(context, delivery, DeliveryStatus.DELIVERED, provider_id=provider_id, error=None)
        elif status in _NOT_ARRIVED:
            if error_code == "21610" and delivery.address:
                stop_number(context, delivery.address, source="twilio 21610")
            reached(context, delivery, DeliveryStatus.UNDELIVERED, provider_id=provider_id, error=told or status)
        elif status in _TAKEN:
            succeed(context, delivery, provider_id=provider_id)
        return True


def take_bounce(context: Notifications, bounce: Bounce) -> bool:
    """Note that an email came back, and of an address that takes no mail tell so; returns whether it is one of ours."""
    with context.store.transaction():
        delivery = deliveries.locked(deliveries.id_by_provider(bounce.message_id) or "")
        if delivery is None or delivery.channel != Channel.EMAIL:
            return False
        if delivery.status != DeliveryStatus.UNDELIVERED:
            reached(
                context,
                delivery,
                DeliveryStatus.UNDELIVERED,
                provider_id=bounce.message_id,
                error=bounce.error,
            )
            if bounce.bad_address and TERMS[Kind(delivery.kind)].audience is Audience.CLIENT:
                bounced(context, delivery, source="bounced")
        return True
