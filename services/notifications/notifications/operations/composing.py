"""Putting a message together from the state at the moment of sending."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from babel import Locale
from jinja2 import TemplateError, TemplateRuntimeError

from contracts.sessions import DepositStatus, RefundDecision
from notifications.domain import templates
from notifications.domain.invitations import Appointment, document
from notifications.domain.kinds import TERMS, Audience, Channel, Invitation, Kind
from notifications.domain.letters import Letter
from notifications.domain.preferences import Preferences
from notifications.domain.templates import Source, Variables
from notifications.domain.wording import LANGUAGES, Wording, wished
from notifications.operations.context import Notifications
from notifications.operations.templates import template_for
from notifications.store import replicas
from notifications.store.models import Account, Client, Delivery, Deposit, Refund, Session

log = logging.getLogger(__name__)
T = TypeVar("T")
UNSUBSCRIBE = "unsubscribe"
_WITHOUT_MONEY = {"amount": 0, "held_amount": 0, "due_amount": 0, "refunded_amount": 0, "status": None, "reason": None}


class Message:
    """One delivery and everything known about it, loaded within the unit of work that sends it.

    It is about one session; where one act has changed several, `together` holds the same of each, itself included.
    """

    def __init__(
        self,
        delivery: Delivery,
        session: Session,
        account: Account,
        client: Client,
        wishes: Preferences,
        *,
        cancellation_id: str | None,
    ) -> None:
        self.delivery = delivery
        self.session = session
        self.account = account
        self.client = client
        self.wishes = wishes
        self.kind = Kind(delivery.kind)
        self.cancellation_id = cancellation_id
        self.together: Sequence[Message] = (self,)
        self.deposit: Deposit | None = replicas.deposit(session.id)
        self.refund: Refund | None = (
            replicas.refund(delivery.refund_id)
            if delivery.refund_id
            else replicas.refund_of(session.id, cancellation_id)
            if cancellation_id
            else None
        )

    @property
    def to_client(self) -> bool:
        return TERMS[self.kind].audience is Audience.CLIENT

    @property
    def holds_link(self) -> bool:
        """Whether something is due of its session and there is a link to pay it by."""
        money = self._money()
        return money["status"] == DepositStatus.REQUIRED and bool(money["due_amount"] and self._payment_url())

    def email(self, context: Notifications) -> Letter:
        """The email that this delivery is now. Raises jinja2.TemplateError."""
        wording, variables = self._wording(), self._variables(context)
        to, to_name = (
            (self.client.email, self.client.name) if self.to_client else (self.account.email, self.account.name)
        )
        return Letter(
            key=self.delivery.key,
            sender=context.settings.mail_from,
            sender_name=self.wishes.sender_name or self.account.name,
            reply_to=(self.wishes.reply_to or self.account.email) if self.to_client else None,
            to=to or "",
            to_name=to_name,
            content=self._rendered(lambda source: templates.render_email(source, variables, wording.language)),
            language=wording.language,
            invitation=self._invitation(context),
            unsubscribe_url=variables.unsubscribe_url or None,
        )

    def text(self, context: Notifications) -> str:
        """The text message that this delivery is now. Raises jinja2.TemplateError."""
        variables = self._variables(context)
        return self._rendered(lambda source: templates.render_sms(source, variables))

    def _rendered(self, render: Callable[[Source], T]) -> T:
        """By the account's own template; one that once was right and no longer is does not keep the message from being sent."""
        locale, source = self._template
        try:
            return render(source)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            if locale.language not in LANGUAGES:
                raise TemplateRuntimeError(str(error)) from error
            log.exception(
                "the account's template of %s cannot be rendered, the one that came with us is used", self.kind
            )
            return render(templates.shipped(self.kind, str(locale.language)))

    @cached_property
    def _template(self) -> tuple[Locale, Source]:
        """What it is made of, and the reader's locale in which that is written."""
        wishes = (self.client.locale, self.account.locale) if self.to_client else (self.account.locale,)
        return template_for(self.account.id, self.kind, Channel(self.delivery.channel), wished(*wishes))

    @property
    def _names_unsubscribing(self) -> bool:
        """Reminders do: an email in its headers, a text message where its template asks for it (to sign a link for each takes long)."""
        by_email = self.delivery.channel == Channel.EMAIL
        return TERMS[self.kind].reminder and (by_email or "unsubscribe_url" in self._template[1].sms)

    def _wording(self) -> Wording:
        timezone = self.client.timezone if self.to_client else None
        return Wording(locale=self._template[0], timezone=timezone or self.account.timezone)

    def _variables(self, context: Notifications) -> Variables:
        session, wording, money = self.session, self._wording(), self._money()
        currency = money.get("currency", "EUR")

        def amount(value: int) -> str:
            return wording.money(value, currency) if value else ""

        payment_url, several = self._payment_url(), len(self.together) > 1
        # Without its link a sum that is due would only puzzle the client.
        due = (
            amount(money["due_amount"])
            if money["status"] == DepositStatus.REQUIRED and (payment_url or not self.to_client)
            else ""
        )
        return Variables(
            client_name=self.client.name,
            provider_name=self.account.name,
            service_name=session.service_name,
            when=wording.span(session.starts_at, session.ends_at),
            date=wording.date(session.starts_at),
            short_date=wording.short_date(session.starts_at),
            time=wording.time(session.starts_at),
            timezone=wording.zone(session.starts_at),
            notes=session.notes,
            client_message=session.client_message,
            price=wording.money(session.price["amount"], session.price["currency"]) if session.price else "",
            deposit=amount(money["amount"]),
            due=due,
            held=amount(money["held_amount"]),
            refund=self._refund(wording, currency),
            payment_url=payment_url if due else "",
            manage_url=(not several and session.manage_url) or "",
            unsubscribe_url=self._unsubscribe_url(context) if self._names_unsubscribing else "",
            reason=self._reason(),
            outcome=self._outcome(),
            occurrences=tuple(wording.span(each.session.starts_at, each.session.ends_at) for each in self.together)
            if several
            else (),
            links=self._links(wording) if several else (),
            payments=self._payments(wording) if several else (),
        )

    def _payment_url(self) -> str:
        return (self.deposit and self.deposit.payment_url) or self.session.payment_url or ""

    def _links(self, wording: Wording) -> tuple[tuple[str, str], ...]:
        """When each of several sessions is, and the client's own link of it."""
        sessions = [each.session for each in self.together]
        return tuple(
            (wording.span(each.starts_at, each.ends_at), each.manage_url) for each in sessions if each.manage_url
        )

    def _payments(self, wording: Wording) -> tuple[tuple[str, str, str], ...]:
        """What is to be paid of several sessions: when, how much, and where."""
        due = [(each.session, each._money(), each._payment_url()) for each in self.together if each.holds_link]
        return tuple(
            (wording.date(session.starts_at), wording.money(money["due_amount"], money["currency"]), url)
            for session, money, url in due
        )

    def _money(self) -> dict[str, Any]:
        """The deposit: payments' word where it is known, else scheduling's."""
        return self.deposit.as_dict() if self.deposit else self.session.deposit or _WITHOUT_MONEY

    def _refund(self, wording: Wording, currency: str) -> str:
        if len(self.together) > 1:
            return ""  # Each has its own, which its own message will tell.
        if self.refund and self.refund.amount:
            return wording.money(self.refund.amount, self.refund.currency)
        quote = (self._cancellation() or {}).get("quote")
        return wording.money(quote["amount"], currency) if quote and quote["amount"] else ""

    def _reason(self) -> str:
        if self.kind is Kind.REFUND_FAILED:
            return (self.refund and (self.refund.failure or self.refund.reason)) or ""
        if self.kind is Kind.DEPOSIT_NOT_ASKED:
            return self._money()["reason"] or ""
        return (self._cancellation() or {}).get("reason") or ""

    def _outcome(self) -> str:
        """What becomes of the deposits of the cancelled sessions: of several the one that is most worth knowing."""
        outcomes = {each._own_outcome() for each in self.together}
        return next((outcome for outcome in ("refund", "undecided", "keep", "unpaid") if outcome in outcomes), "")

    def _own_outcome(self) -> str:
        cancellation, money = self._cancellation(), self._money()
        status = money["status"]
        if cancellation is None or status in (None, DepositStatus.NOT_ASKED):
            return ""
        if status in (DepositStatus.REQUIRED, DepositStatus.CANCELED) and not money["held_amount"]:
            return "unpaid"
        quote = cancellation.get("quote")
        if status == DepositStatus.DISPUTED:
            return "undecided"
        if (
            cancellation["refund"] == RefundDecision.SKIP
            or status == DepositStatus.KEPT
            or (quote and not quote["amount"])
        ):
            return "keep"
        return "refund" if cancellation["refund"] == RefundDecision.REFUND else "undecided"

    def _cancellation(self) -> dict[str, Any] | None:
        """The cancellation that the message is about."""
        return next((each for each in self.session.cancellations if each["id"] == self.cancellation_id), None)

    def _invitation(self, context: Notifications) -> tuple[str, bytes] | None:
        method = TERMS[self.kind].invitation
        if method is None:
            return None
        appointments = [self._appointment(each.session, method) for each in self.together]
        return method.value, document(method, appointments, context.now())

    def _appointment(self, session: Session, method: Invitation) -> Appointment:
        return Appointment(
            session_id=session.id,
            version=session.version,
            status="cancelled" if method is Invitation.CANCEL else session.status,
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            summary=f"{session.service_name} – {self.account.name}",
            description=session.notes,
            organizer=(self.account.name, self.account.email),
            attendee=(self.client.name, self.client.email) if self.client.email else None,
        )

    def _unsubscribe_url(self, context: Notifications) -> str:
        token = context.links.sign(UNSUBSCRIBE, {"account": self.client.account_id, "client": self.client.id})
        return f"{context.settings.public_url}/v1/unsubscribe/{token}"
