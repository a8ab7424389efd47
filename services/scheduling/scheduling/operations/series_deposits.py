"""The deposits of a series' sessions: each is asked some days before its session starts, not for a whole year at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from chassis.store import moment
from contracts.sessions import SessionStatus
from scheduling.operations.book import deposit_for
from scheduling.operations.context import SYSTEM, Scheduling, unit_of_work
from scheduling.operations.sessions import differences, facts, record, set_deposit
from scheduling.store.models import Account, Session, SessionType

_DUE = "FROM sessions WHERE ask_deposit_at IS NOT NULL AND status IN ('pending', 'confirmed')"


def hold_back(context: Scheduling, session: Session) -> None:
    """Have the deposit of a new session asked nearer to its start, where that is far."""
    if session.deposit is not None and is_early(context, session):
        session.ask_deposit_at = _asked_from(context, session)
        session.deposit = session.payment_secret = None


def is_early(context: Scheduling, session: Session) -> bool:
    """Whether it is a session of a series whose deposit is not asked yet."""
    return session.source == "series" and _asked_from(context, session) > context.clock.now()


def expect(context: Scheduling, session: Session, *, deposit: bool) -> None:
    """Note that an early session will, or will not, be asked a deposit."""
    session.ask_deposit_at = _asked_from(context, session) if deposit else None


def follow_start(context: Scheduling, account: Account, session: Session, session_type: SessionType) -> None:
    """The session may have moved: so does the moment at which its deposit is asked, perhaps to now."""
    if session.ask_deposit_at is None or session.status == SessionStatus.CANCELLED:
        return
    expect(context, session, deposit=True)
    if not is_early(context, session):
        _ask(context, account, session, session_type)


@unit_of_work
def ask_one_due(context: Scheduling) -> int:
    """Ask one deposit whose moment has come, if the plan includes that now; returns how many (0 or 1)."""
    rows = context.store.execute(
        f"SELECT id {_DUE} AND ask_deposit_at <= %s ORDER BY ask_deposit_at LIMIT 1 {context.store.skip_locked}",
        (context.clock.now(),),
    )
    if not rows:
        return 0
    session = Session.get_by_id(rows[0][0])
    account = Account.get_by_id(session.account_id)
    session_type = SessionType.get_by_id(session.service_id)
    before = facts(session)
    _ask(context, account, session, session_type)
    changes = differences(before, session)
    if changes:
        record(
            context,
            account,
            session,
            "session.updated",
            actor=SYSTEM,
            action="deposit",
            changes=changes,
            session_type=session_type,
        )
    else:
        session.save()
    return 1


def next_due(context: Scheduling) -> datetime | None:
    """When the next deposit is to be asked."""
    with context.store.reading():
        return moment(context.store.execute(f"SELECT min(ask_deposit_at) {_DUE}")[0][0])


def _ask(context: Scheduling, account: Account, session: Session, session_type: SessionType) -> None:
    session.ask_deposit_at = None
    if session.its_deposit is None:
        set_deposit(context, session, deposit_for(account, session_type, session.price))


def _asked_from(context: Scheduling, session: Session) -> datetime:
    starts_at: datetime = session.starts_at
    return starts_at - timedelta(days=context.settings.series_ask_days)
