"""What a client is invited to by email and what the provider's calendar program subscribes to are the same entries."""

from __future__ import annotations

from datetime import UTC, datetime

import icalendar

from notifications.domain import invitations
from notifications.domain.kinds import Invitation
from scheduling.domain import feeds

STARTS, ENDS = datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)
TOLD = ("uid", "sequence", "dtstart", "dtend", "status", "summary", "description")


def test_a_session_is_one_entry_in_both() -> None:
    for status, written in (("pending", "TENTATIVE"), ("confirmed", "CONFIRMED"), ("cancelled", "CANCELLED")):
        invitation = invitations.document(
            Invitation.REQUEST,
            [
                invitations.Appointment(
                    session_id="ses_1",
                    version=7,
                    status=status,
                    starts_at=STARTS,
                    ends_at=ENDS,
                    summary="Coaching",
                    description="Bring papers",
                    organizer=("Praxis", "praxis@example.com"),
                    attendee=None,
                )
            ],
            ENDS,
        )
        entry = feeds.Entry(
            id="ses_1",
            version=7,
            status=written,
            starts=STARTS,
            ends=ENDS,
            summary="Coaching",
            description="Bring papers",
            created_at=STARTS,
            updated_at=STARTS,
        )
        feed = feeds.document(feeds.Feed(name="Praxis", timezone="Europe/Berlin", entries=[entry]))
        ((invited,), (subscribed,)) = (
            icalendar.Calendar.from_ical(document).walk("VEVENT") for document in (invitation, feed)
        )
        assert {name: invited.decoded(name) for name in TOLD} == {name: subscribed.decoded(name) for name in TOLD}
