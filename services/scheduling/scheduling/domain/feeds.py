"""A calendar as an iCalendar document (RFC 5545) that calendar programs subscribe to."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from icalendar import Calendar, Event

# How often a program should look again; most have their own mind about it.
_REFRESH = timedelta(minutes=15)
# Part of every fingerprint: to be changed with what `document` writes of the same feed.
_FORM = "1"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing in a calendar. `id` is that by which every other message of ours names it, too; `version` becomes its SEQUENCE.

    Moments are told as UTC, so that the document needs no description of timezones; dates are whole days, the end excluded.
    """

    id: str
    version: int
    status: str
    """TENTATIVE, CONFIRMED or CANCELLED."""
    starts: datetime | date
    ends: datetime | date
    summary: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A calendar's name, its timezone for programs that ask, and what is in it."""

    name: str
    timezone: str
    entries: Sequence[Entry]


def fingerprint(feed: Feed) -> str:
    """Another one where the document is another, and cheaper to have than that."""
    return sha256(f"{_FORM} {feed!r}".encode()).hexdigest()[:32]


def document(feed: Feed) -> bytes:
    """The feed as text/calendar; the same feed is the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//Timeblu//Timeblu//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # RFC 7986, and what programs knew before it.
    calendar.add("name", _text(feed.name))
    calendar.add("x-wr-calname", _text(feed.name))
    calendar.add("x-wr-timezone", feed.timezone)
    calendar.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for entry in feed.entries:
        calendar.add_component(_event(entry))
    encoded: bytes = calendar.to_ical()
    return encoded


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", f"{entry.id}@timeblu")
    event.add("sequence", entry.version)
    # Without a METHOD this is when the entry was last revised (RFC 5545, 3.8.7.2).
    event.add("dtstamp", _whole_seconds(entry.updated_at))
    event.add("created", _whole_seconds(entry.created_at))
    event.add("last-modified", _whole_seconds(entry.updated_at))
    event.add("dtstart", _whole_seconds(entry.starts))
    event.add("dtend", _whole_seconds(entry.ends))
    event.add("summary", _text(entry.summary))
    if entry.description:
        event.add("description", _text(entry.description))
    event.add("status", entry.status)
    event.add("transp", "TRANSPARENT" if entry.status == "CANCELLED" else "OPAQUE")
    return event


def _text(value: str) -> str:
    """Without the control characters that iCalendar's TEXT cannot hold; lines end in one way."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in lines if char in "\n\t" or unicodedata.category(char) != "Cc")


def _whole_seconds(value: datetime | date) -> datetime | date:
    return value.replace(microsecond=0) if isinstance(value, datetime) else value
