"""Comparing our books with Stripe's: what was charged, refunded and disputed in a period, a page at a time, so that any number fits into memory.

Stripe's lists are compared with ours by the page, and what does not agree is looked at by itself. What a webhook would have told is taken in the
way its webhook would have been, which is safe to repeat; anything else is listed for a person. Whatever is still open is looked at again in the next
run, and settled once it is not found any more.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import peewee

from chassis.ids import new_id
from payments.domain.charging import ChargeModel
from payments.domain.differences import DifferenceKind, what_to_do
from payments.gateways.stripe import (
    ChargeState,
    DisputeState,
    RefundState,
    StripeBusy,
    StripeRefused,
    StripeUnsure,
)
from payments.operations.checkouts import find_page
from payments.operations.context import Payments
from payments.operations.money import (
    InTheWay,
    take_in_dispute,
    take_in_foreign_refund,
    take_in_page,
    take_in_part,
)
from payments.store.models import Checkout, Connection, Difference, PartStatus, Payment, Reconciliation, RefundPart

log = logging.getLogger(__name__)

PLATFORM: Final = "platform"
# What is younger may still be told by its webhook.
_SETTLING = timedelta(minutes=15)
_EVERY, _RETRY = timedelta(hours=24), timedelta(minutes=15)
# Who holds a place for longer is gone; a second one beside it would do no harm, as everything here may be repeated.
_LEASE = timedelta(hours=1)
_PORTION = 500
_META_DEPOSIT, _META_CHECKOUT, _META_PART = "timeblu_deposit", "timeblu_checkout", "timeblu_refund_part"
_ENDED = (PartStatus.FAILED.value, PartStatus.CANCELED.value)
_WAITING = (PartStatus.PENDING.value, PartStatus.REQUIRES_ACTION.value)
# A dispute in one of these states does not change any more.
_DECIDED = ("won", "lost", "warning_closed", "prevented")


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where charges live: on a provider's own account, or (destination charges) on the platform's."""

    name: str

    @property
    def stripe_account(self) -> str:
        return "" if self.name == PLATFORM else self.name

    @property
    def model(self) -> ChargeModel:
        return ChargeModel.DESTINATION if self.name == PLATFORM else ChargeModel.DIRECT

    @property
    def payments(self) -> Any:
        """The condition for our payments by card whose charges live here."""
        own = (Payment.kind == "card") & (Payment.charge_model == self.model.value)
        return own if self.name == PLATFORM else own & (Payment.stripe_account == self.name)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One difference; `subject` is the object at Stripe, or ours where Stripe has none."""

    kind: DifferenceKind
    home: str
    subject: str
    account_id: str | None
    deposit_id: str | None
    payment_intent: str | None
    ours: str | None
    theirs: str | None
    repaired: bool

    def as_data(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "home": self.home,
            "subject": self.subject,
            "account_id": self.account_id,
            "deposit_id": self.deposit_id,
            "payment_intent": self.payment_intent,
            "ours": self.ours,
            "theirs": self.theirs,
            "repaired": self.repaired,
            "what_to_do": what_to_do(self.kind, repaired=self.repaired),
        }


# --- which places, and when -----------------------------------------------------------------------------------------


def homes(context: Payments, account_id: str | None = None) -> list[Home]:
    """Every place where charges of ours may live, or those of one account; accounts that were replaced included."""
    direct = Payment.charge_model == ChargeModel.DIRECT.value
    connected = Connection.stripe_account.is_null(False)
    if account_id is not None:
        direct, connected = (
            direct & (Payment.account_id == account_id),
            connected & (Connection.account_id == account_id),
        )
    with context.store.reading():
        names = {row.stripe_account for row in Connection.select(Connection.stripe_account).where(connected)}
        names |= {row.stripe_account for row in Payment.select(Payment.stripe_account).where(direct).distinct()}
        passed_on = Payment.select().where(Payment.charge_model == ChargeModel.DESTINATION.value)
        if account_id is not None:
            passed_on = passed_on.where(Payment.account_id == account_id)
        if passed_on.exists():
            names.add(PLATFORM)
    return [Home(name=name) for name in sorted(names)]


def reconcile_one(context: Payments) -> int:
    """Compare one place that is due with Stripe; returns how many were (0 or 1)."""
    claimed = context.store.run(lambda: _claim(context))
    if claimed is None:
        return 0
    home, now = Home(name=claimed.home), context.now()
    until = now - _SETTLING
    reach = until - timedelta(days=context.settings.reconciliation_days)
    since = min(claimed.done_until, reach) if claimed.done_until else reach
    try:
        found = sum(1 for _ in Sweep(context, home, since=since, until=until).run())
    except (StripeBusy, StripeUnsure) as trouble:
        log.warning("%s is not compared with Stripe yet: %s", home.name, trouble)
        context.store.run(lambda trouble=trouble: _finish(context, home, now + _RETRY, trouble=str(trouble)))  # type: ignore[misc]
    else:
        log.info("%s was compared with Stripe: %s differences", home.name, found)
        context.store.run(lambda: _finish(context, home, now + _EVERY * random.uniform(0.95, 1), done_until=until))
    return 1


def _claim(context: Payments) -> Reconciliation | None:
    now = context.now()
    with context.store.transaction():
        # A place that is new here is looked at in a day: there is nothing before that.
        context.store.execute(
            """INSERT INTO reconciliations (home, next_at)
               SELECT stripe_account, %s FROM connections WHERE stripe_account IS NOT NULL
               AND stripe_account NOT IN (SELECT home FROM reconciliations) ON CONFLICT (home) DO NOTHING""",
            (now + _EVERY,),
        )
        if context.settings.charge_model is ChargeModel.DESTINATION:
            context.store.execute(
                "INSERT INTO reconciliations (home, next_at) VALUES (%s, %s) ON CONFLICT (home) DO NOTHING",
                (PLATFORM, now + _EVERY),
            )
        rows = context.store.execute(
            f"""SELECT home FROM reconciliations WHERE next_at <= %s AND (lease_until IS NULL OR lease_until <= %s)
                ORDER BY next_at LIMIT 1 {context.store.skip_locked}""",
            (now, now),
        )
        if not rows:
            return None
        row: Reconciliation = Reconciliation.get_by_id(rows[0][0])
        row.lease_until = now + _LEASE
        row.save()
        return row


def _finish(
    context: Payments,
    home: Home,
    next_at: datetime,
    *,
    done_until: datetime | None = None,
    trouble: str | None = None,
) -> None:
    changes: dict[str, Any] = {"next_at": next_at, "lease_until": None, "trouble": trouble}
    if done_until is not None:
        changes["done_until"] = done_until
    with context.store.transaction():
        Reconciliation.update(**changes).where(Reconciliation.home == home.name).execute()


# --- one place, one period ------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Books:
    """What we hold of a page of payments."""

    payments: dict[str, Payment]
    back: dict[str, int]
    """By payment, what we hold for sent back at Stripe, in minor units."""
    waiting: set[str]
    """Payments of which Stripe had not told the end of a refund."""


@dataclass
class Sweep:
    """Compares what `home` charged, refunded and saw disputed from `since` until before `until`; without `repair` nothing is changed."""

    context: Payments
    home: Home
    since: datetime = field(kw_only=True)
    until: datetime = field(kw_only=True)
    repair: bool = field(default=True, kw_only=True)

    def run(self) -> Iterator[Found]:
        """Every difference, repaired or not, as it is found.

        Raises:
            StripeBusy, StripeUnsure: Stripe cannot be asked just now; what was found before stays found.
        """
        began, told = self.context.now(), set()
        try:
            for found in self._differences():
                if (found.kind, found.subject) in told:
                    continue
                told.add((found.kind, found.subject))
                self._keep(found, began)
                yield found
        except StripeRefused as refused:
            if not refused.out_of_reach:
                raise
            # An account with which we have no business any more may be closed.
            if self._took_payments():
                unreachable = self._found(DifferenceKind.ACCOUNT_UNREACHABLE, self.home.name, theirs=refused.code)
                self._keep(unreachable, began)
                yield unreachable
                return
        self._settle_others(began)

    def _differences(self) -> Iterator[Found]:
        yield from self._charges()
        yield from self._refunds()
        yield from self._disputes()
        yield from self._our_refunds()
        yield from self._still_open()

    # --- charges ------------------------------------------------------------------------------------------------

    def _charges(self) -> Iterator[Found]:
        """Stripe's charges page by page; between the oldest of one page and that of the next, ours have to be among them."""
        stripe, newest = self.context.stripe(), self.until
        for page in stripe.charges(self.home.stripe_account, self.home.model, since=self.since, until=self.until):
            if not page:
                continue
            oldest = page[-1].created_at
            intents = {charge.payment_intent for charge in page}
            yield from self._compare(page)
            yield from self._unheard_of(oldest, newest, intents)
            newest = oldest
        yield from self._unheard_of(self.since, newest, set())

    def _compare(self, page: Sequence[ChargeState]) -> Iterator[Found]:
        books = self._books([charge.payment_intent for charge in page if charge.payment_intent])
        for charge in page:
            payment = books.payments.get(charge.payment_intent or "")
            if payment is not None:
                yield from self._compare_payment(payment, charge, books)
            elif _META_DEPOSIT in charge.metadata:
                yield self._take_in_payment(charge)

    def _books(self, intents: list[str]) -> _Books:
        with self.context.store.reading():
            payments = {
                each.payment_intent: each
                for each in Payment.select().where(self.home.payments & Payment.payment_intent.in_(intents))
            }
            parts = list(
                RefundPart.select(RefundPart.payment_id, RefundPart.amount, RefundPart.status).where(
                    RefundPart.payment_id.in_([each.id for each in payments.values()])
                    & RefundPart.stripe_refund.is_null(False)
                    & RefundPart.status.not_in(_ENDED)
                )
            )
        back: dict[str, int] = {}
        for part in parts:
            back[part.payment_id] = back.get(part.payment_id, 0) + part.amount
        return _Books(
            payments=payments, back=back, waiting={part.payment_id for part in parts if part.status in _WAITING}
        )

    def _compare_payment(self, payment: Payment, charge: ChargeState, books: _Books) -> Iterator[Found]:
        ours, theirs = (payment.amount, payment.currency), (charge.amount, charge.currency)
        if ours != theirs:
            yield self._found(
                DifferenceKind.PAYMENT_DIFFERS, charge.id, payment, ours=_money(*ours), theirs=_money(*theirs)
            )
        if charge.refunded != books.back.get(payment.id, 0) or payment.id in books.waiting:
            yield from self._compare_refunds(payment)
        if charge.disputed and payment.dispute is None:
            yield from self._compare_disputes(payment)

    def _take_in_payment(self, charge: ChargeState) -> Found:
        """A payment that we never heard of: its page, if it is one of ours, tells all of it."""
        page = self._page_named(charge)
        repaired = False
        if page is not None and self.repair:
            seen = find_page(self.context, page)
            if seen is not None and seen.payment is not None and seen.payment.payment_intent == charge.payment_intent:
                repaired = self._try(lambda: take_in_page(self.context, page.id, seen))
        return Found(
            kind=DifferenceKind.PAYMENT_UNKNOWN,
            home=self.home.name,
            subject=charge.id,
            account_id=page.account_id if page else None,
            deposit_id=page.deposit_id if page else None,
            payment_intent=charge.payment_intent,
            ours=None,
            theirs=_money(charge.amount, charge.currency),
            repaired=repaired,
        )

    def _page_named(self, charge: ChargeState) -> Checkout | None:
        """The page of ours that the charge names, if it could have been made there; it is read again from Stripe."""
        with self.context.store.reading():
            page: Checkout | None = Checkout.get_or_none(Checkout.id == charge.metadata.get(_META_CHECKOUT, ""))
        if page is None or page.charge_model != self.home.model:
            return None
        return page if self.home.name in {PLATFORM, page.stripe_account} else None

    def _unheard_of(self, begin: datetime, end: datetime, known: set[str | None]) -> Iterator[Found]:
        """Our payments of a span that are not among Stripe's `known`, each asked for by itself before it is called missing."""
        ours = Payment.select().where(
            self.home.payments
            & (Payment.received_at >= begin)
            & (Payment.received_at <= end)
            & (Payment.received_at < self.until)
        )
        for payment in self._by_portions(ours, Payment.id):
            if payment.payment_intent not in known and self._charge_of(payment.payment_intent) is None:
                yield self._missing(payment)

    def _by_portions(self, query: Any, key: peewee.Field) -> Iterator[Any]:
        """Rows by `key`, a text that each has alone; each portion read on its own: nothing is held open while Stripe is asked."""
        last = ""
        while True:
            with self.context.store.reading():
                portion = list(query.where(key > last).order_by(key).limit(_PORTION))
            yield from portion
            if len(portion) < _PORTION:
                return
            last = getattr(portion[-1], key.name)

    def _missing(self, payment: Payment) -> Found:
        return self._found(
            DifferenceKind.PAYMENT_MISSING, payment.id, payment, ours=_money(payment.amount, payment.currency)
        )

    def _charge_of(self, payment_intent: str) -> ChargeState | None:
        try:
            return self.context.stripe().charge_of(self.home.stripe_account, self.home.model, payment_intent)
        except StripeRefused as refused:
            if refused.code == "resource_missing":
                return None
            raise

    # --- refunds ------------------------------------------------------------------------------------------------

    def _refunds(self) -> Iterator[Found]:
        """Refunds of the period, whenever their payment came: those that we do not hold as they are lead to their payment."""
        lists = self.context.stripe().refunds(
            self.home.stripe_account, self.home.model, since=self.since, until=self.until
        )
        for page in lists:
            with self.context.store.reading():
                parts = {
                    part.stripe_refund: part
                    for part in RefundPart.select().where(RefundPart.stripe_refund.in_([each.id for each in page]))
                }
                astray = {seen.payment_intent for seen in page if not _agree(parts.get(seen.id), seen)}
                payments = list(
                    Payment.select().where(self.home.payments & Payment.payment_intent.in_([i for i in astray if i]))
                )
            for payment in payments:
                yield from self._compare_refunds(payment)

    def _our_refunds(self) -> Iterator[Found]:
        """Our refunds of the period whose payment is older: the charges of the period say nothing of them."""
        older = (
            Payment.select(Payment)
            .join(RefundPart, peewee.JOIN.INNER, on=(RefundPart.payment_id == Payment.id))
            .where(
                self.home.payments
                & (Payment.received_at < self.since)
                & (RefundPart.created_at >= self.since)
                & (RefundPart.created_at < self.until)
                & RefundPart.stripe_refund.is_null(False)
            )
            .distinct()
        )
        for payment in self._by_portions(older, Payment.id):
            yield from self._compare_refunds(payment)

    def _compare_refunds(self, payment: Payment) -> Iterator[Found]:
        """All refunds of one payment, one by one."""
        theirs = self.context.stripe().refunds_of(
            self.home.stripe_account, self.home.model, payment_intent=payment.payment_intent
        )
        with self.context.store.reading():
            ours = list(RefundPart.select().where(RefundPart.payment_id == payment.id))
        by_stripe = {part.stripe_refund: part for part in ours if part.stripe_refund}
        by_id = {part.id: part for part in ours}
        for seen in theirs:
            part = by_stripe.get(seen.id) or by_id.get(seen.metadata.get(_META_PART, ""))
            found = self._compare_refund(payment, part, seen)
            if found is not None:
                yield found
        there = {seen.id for seen in theirs}
        for part in ours:
            if part.stripe_refund and part.stripe_refund not in there and part.status not in _ENDED:
                yield self._found(DifferenceKind.REFUND_MISSING, part.stripe_refund, payment, ours=_refund(part))

    def _compare_refund(self, payment: Payment, part: RefundPart | None, seen: RefundState) -> Found | None:
        if _agree(part, seen) or (part is None and seen.status in _ENDED):
            return None
        told = f"{seen.status} {_money(seen.amount, seen.currency)}"
        if part is None:
            repaired = self._try(lambda: take_in_foreign_refund(self.context, payment, seen))
            return self._found(DifferenceKind.REFUND_UNKNOWN, seen.id, payment, theirs=told, repaired=repaired)
        if part.stripe_refund not in {None, seen.id}:
            if seen.status in _ENDED:
                return None
            return self._found(DifferenceKind.REFUND_TWICE, seen.id, payment, ours=_refund(part), theirs=told)
        repaired = False
        if part.amount == seen.amount:
            repaired = self._try(lambda: take_in_part(self.context, part, seen)) and self._agrees_now(part, seen)
        return self._found(
            DifferenceKind.REFUND_DIFFERS, seen.id, payment, ours=_refund(part), theirs=told, repaired=repaired
        )

    def _agrees_now(self, part: RefundPart, seen: RefundState) -> bool:
        with self.context.store.reading():
            return _agree(RefundPart.get_by_id(part.id), seen)

    # --- disputes -----------------------------------------------------------------------------------------------

    def _disputes(self) -> Iterator[Found]:
        """Disputes of the period, whenever their payment came, and ours that were not decided yet."""
        lists = self.context.stripe().disputes(
            self.home.stripe_account, self.home.model, since=self.since, until=self.until
        )
        # The newest of a payment is the one that counts, and comes first.
        compared: set[str] = set()
        for page in lists:
            with self.context.store.reading():
                payments = {
                    each.payment_intent: each
                    for each in Payment.select().where(
                        self.home.payments & Payment.payment_intent.in_([d.payment_intent for d in page])
                    )
                }
            for seen in page:
                payment = payments.get(seen.payment_intent)
                if payment is None or payment.id in compared:
                    continue
                compared.add(payment.id)
                found = self._compare_dispute(payment, seen)
                if found is not None:
                    yield found
        undecided = Payment.select().where(
            self.home.payments & Payment.dispute.is_null(False) & Payment.dispute_status.not_in(_DECIDED)
        )
        for payment in self._by_portions(undecided, Payment.id):
            yield from self._compare_disputes(payment)

    def _compare_disputes(self, payment: Payment) -> Iterator[Found]:
        theirs = self.context.stripe().disputes_of(self.home.stripe_account, self.home.model, payment.payment_intent)
        # The newest is the one that counts.
        found = self._compare_dispute(payment, theirs[0]) if theirs else None
        if found is not None:
            yield found

    def _compare_dispute(self, payment: Payment, seen: DisputeState) -> Found | None:
        if (payment.dispute, payment.dispute_status) == (seen.id, seen.status):
            return None
        repaired = self._try(lambda: take_in_dispute(self.context, payment, seen))
        return self._found(
            DifferenceKind.DISPUTE_DIFFERS,
            seen.id,
            payment,
            ours=payment.dispute_status,
            theirs=seen.status,
            repaired=repaired,
        )

    # --- what was found -----------------------------------------------------------------------------------------

    def _try(self, repair: Callable[[], None]) -> bool:
        """Whether Stripe's state could be taken in."""
        if not self.repair:
            return False
        try:
            self.context.store.run(repair)
        except InTheWay:
            return False  # a refund of ours is at Stripe just now; the next run sees what became of both
        except peewee.IntegrityError as refused:
            log.error("the store refuses what Stripe tells: %s", str(refused).splitlines()[0])
            return False
        return True

    def _found(
        self,
        kind: DifferenceKind,
        subject: str,
        payment: Payment | None = None,
        *,
        ours: str | None = None,
        theirs: str | None = None,
        repaired: bool = False,
    ) -> Found:
        return Found(
            kind=kind,
            home=self.home.name,
            subject=subject,
            account_id=payment.account_id if payment else None,
            deposit_id=payment.deposit_id if payment else None,
            payment_intent=payment.payment_intent if payment else None,
            ours=ours,
            theirs=theirs,
            repaired=repaired,
        )

    def _keep(self, found: Found, began: datetime) -> None:
        if not self.repair:
            return
        log.warning(
            "%s %s: ours %s, Stripe's %s, repaired: %s",
            found.kind,
            found.subject,
            found.ours,
            found.theirs,
            found.repaired,
        )
        row = {
            "account_id": found.account_id,
            "payment_intent": found.payment_intent,
            "deposit_id": found.deposit_id,
            "ours": found.ours,
            "theirs": found.theirs,
            "repaired": found.repaired,
            "last_seen_at": self.context.now(),
            "settled_at": began if found.repaired else None,
        }

        def keep() -> None:
            with self.context.store.transaction():
                Difference.insert(
                    id=new_id("dif"),
                    home=found.home,
                    kind=found.kind.value,
                    subject=found.subject,
                    first_seen_at=began,
                    **row,
                ).on_conflict(
                    conflict_target=[Difference.home, Difference.kind, Difference.subject], update=row
                ).execute()

        self.context.store.run(keep)

    def _still_open(self) -> Iterator[Found]:
        """What earlier runs left open, of whatever period."""
        intents = (
            Difference.select(Difference.payment_intent)
            .where((Difference.home == self.home.name) & Difference.settled_at.is_null())
            .distinct()
        )
        for intent in (row.payment_intent for row in self._by_portions(intents, Difference.payment_intent)):
            charge = self._charge_of(intent)
            if charge is not None:
                yield from self._compare([charge])
                continue
            with self.context.store.reading():
                payment = Payment.get_or_none(self.home.payments & (Payment.payment_intent == intent))
            if payment is not None:
                yield self._missing(payment)

    def _settle_others(self, began: datetime) -> None:
        """What was open and is not found any more."""
        if not self.repair:
            return

        def settle() -> None:
            with self.context.store.transaction():
                Difference.update(settled_at=self.context.now()).where(
                    (Difference.home == self.home.name)
                    & Difference.settled_at.is_null()
                    & (Difference.last_seen_at < began)
                ).execute()

        self.context.store.run(settle)

    def _took_payments(self) -> bool:
        with self.context.store.reading():
            return bool(
                Payment.select()
                .where(self.home.payments & (Payment.received_at >= self.since) & (Payment.received_at < self.until))
                .exists()
            )


def _agree(part: RefundPart | None, seen: RefundState) -> bool:
    return part is not None and (part.stripe_refund, part.status, part.amount) == (seen.id, seen.status, seen.amount)


def _money(amount: int, currency: str) -> str:
    return f"{amount} {currency}"


def _refund(part: RefundPart) -> str:
    return f"{part.status} {part.amount}"


# --- what operators see ---------------------------------------------------------------------------------------------


def list_differences(context: Payments, *, settled: bool, before: str | None, limit: int) -> list[dict[str, Any]]:
    """Newest first; with `settled`, those that were repaired or are gone, too."""
    query = Difference.select()
    if not settled:
        query = query.where(Difference.settled_at.is_null())
    if before is not None:
        query = query.where(Difference.id < before)
    with context.store.reading():
        return [_seen(row) for row in query.order_by(Difference.id.desc()).limit(limit)]


def _seen(row: Difference) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in row.__data__ if name != "home"},
        "stripe_account": None if row.home == PLATFORM else row.home,
        "what_to_do": what_to_do(DifferenceKind(row.kind), repaired=row.repaired),
    }
