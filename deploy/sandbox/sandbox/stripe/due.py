"""What Stripe does by itself when time passes: pages end, refunds settle or fail, banks decide disputes."""

from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.stripe import checkout, disputes, refunds
from sandbox.stripe.resources import PLATFORM
from sandbox.stripe.world import Work, World

KEY_SECONDS = 24 * 3600
EVENT_SECONDS = 30 * 86400

ACTIONS: dict[str, Callable[[Work, str], None]] = {
    checkout.EXPIRE: checkout.expire_by_time,
    refunds.SUCCEED: refunds.succeed,
    refunds.FAIL: refunds.fail,
    disputes.WIN: disputes.win,
    disputes.LOSE: disputes.lose,
}


def next_due(world: World) -> datetime | None:
    """The moment, by the suite's clock, at which something is next to be done; it may have passed already."""
    with world.store.read() as view:
        row = view.execute("SELECT min(at) AS at FROM due").fetchone()
    return datetime.fromtimestamp(row["at"], UTC) if row["at"] is not None else None


def run_due(world: World) -> int:
    """Does all that has fallen due, each in a transaction of its own, oldest first. Returns how many."""
    done = 0
    while _run_one(world):
        done += 1
    return done


def _run_one(world: World) -> bool:
    now = world.clock.now().timestamp()
    with world.store.read() as view:
        if view.execute("SELECT 1 FROM due WHERE at <= ? LIMIT 1", (now,)).fetchone() is None:
            return False
    with world.store.write() as tx:
        row = tx.execute(
            "DELETE FROM due WHERE (subject, action) = (SELECT subject, action FROM due WHERE at <= ? ORDER BY at LIMIT 1)"
            " RETURNING action, subject",
            (now,),
        ).fetchone()
        if row is None:
            return False
        owner = tx.execute("SELECT account FROM stripe_object WHERE id = ?", (row["subject"],)).fetchone()
        account = owner["account"] if owner else PLATFORM
        ACTIONS[row["action"]](Work(world=world, tx=tx, account=account, now=int(now)), row["subject"])
    return True


def prune(world: World) -> None:
    """Idempotency keys are forgotten after 24 hours, events after 30 days."""
    now = world.now()
    with world.store.write() as tx:
        tx.execute("DELETE FROM stripe_answer WHERE at <= ?", (now - KEY_SECONDS,))
        tx.execute("DELETE FROM stripe_object WHERE kind = 'event' AND created <= ?", (now - EVENT_SECONDS,))


def wait_seconds(world: World, longest: float) -> float:
    """Real seconds until the next thing falls due, if the clock is left alone."""
    due = next_due(world)
    if due is None:
        return longest
    return min(max((due - world.clock.now()).total_seconds(), 0.0), longest)
