"""The iCalendar attachment (RFC 5545, 5546): the same UID for a session's life, a sequence that only grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vCalAddress

from notifications.domain.kinds import Invitation

_STATUS = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """One session as a calendar shows it; `version` becomes its SEQUENCE."""

    session_id: str
    version: int
    status: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    organizer: tuple[str, str]
    """Name and email address."""
    attendee: tuple[str, str] | None


def document(method: Invitation, appointments: Sequence[Appointment], now: datetime) -> bytes:
    """The calendar to attach; its moments are UTC, so that it needs no description of timezones."""
    calendar = Calendar()
    calendar.add("prodid", "-//Timeblu//Timeblu//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    for appointment in appointments:
        calendar.add_component(_event(appointment, now))
    encoded: bytes = calendar.to_ical()
    return encoded


def _event(appointment: Appointment, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{appointment.session_id}@timeblu")
    event.add("sequence", appointment.version)
    event.add("dtstamp", _whole_seconds(now))
    event.add("dtstart", _whole_seconds(appointment.starts_at))
    event.add("dtend", _whole_seconds(appointment.ends_at))
    event.add("summary", appointment.summary)
    if appointment.description:
        event.add("description", appointment.description)
    event.add("status", _STATUS.get(appointment.status, "CONFIRMED"))
    event.add("organizer", _address(*appointment.organizer))
    if appointment.attendee:
        attendee = _address(*appointment.attendee)
        attendee.params["ROLE"] = "REQ-PARTICIPANT"
        attendee.params["RSVP"] = "FALSE"
        event.add("attendee", attendee)
    return event


def _address(name: str, email: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    # A parameter's value knows no quotes and no line ends.
    address.params["CN"] = " ".join(name.replace('"', "'").split())
    return address


def _whole_seconds(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=moment.microsecond)
