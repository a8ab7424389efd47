"""Which messages are a session's, so that the journey of a session tells of them as well."""

from __future__ import annotations

from collections.abc import Sequence

from notifications.store.models import Delivery


def related(subjects: Sequence[str]) -> list[str]:
    """The ids of the deliveries of those `subjects` that are sessions."""
    return list(
        Delivery.select(Delivery.id).where(Delivery.session_id.in_(list(subjects))).order_by(Delivery.id).scalars()
    )
