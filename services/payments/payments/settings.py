"""Everything that an operator tells payments, from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from environs import Env
from marshmallow import validate

from chassis.settings import ServiceSettings, chassis_settings
from payments.domain.charging import ChargeModel, Dashboard


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """The variable's name is the field's in capitals."""

    stripe_secret_key: str = field(repr=False)
    """The platform's secret key; a test key works the same way"""
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    """Comma-separated: the platform's endpoint, that of connected accounts, and the old ones while they are rotated"""
    stripe_api_base: str | None = None
    """Where Stripe's API answers; only for a stand-in"""
    stripe_timeout_seconds: float = 10.0
    """How long an answer of Stripe is waited for; after that it is not known what it would have been"""
    connect_dashboard: Dashboard = Dashboard.EXPRESS
    """What providers get at Stripe: express, or full (see README.md for who bears what)"""
    connect_return_url: str | None = None
    """Where Stripe sends the provider after onboarding; by default to the console, or a page of ours where there is none"""
    charge_model: ChargeModel = ChargeModel.DIRECT
    """direct: charged on the provider's own account; destination: on the platform's, and passed on"""
    application_fee_percent: Decimal = Decimal(0)
    """The platform's share of each deposit charged, 0–50"""
    payment_minutes: int = 30
    """How long a slot that a client booked waits for its deposit"""
    refund_workers: int = 8
    """Refunds that one process makes at Stripe at the same time"""
    webhook_retention_days: int = 30
    """How long processed webhooks are remembered, against replays"""
    reconciliation_days: int = 7
    """How far back the daily comparison with Stripe looks"""

    @classmethod
    def read(cls, env: Env) -> Settings:
        return cls(
            **chassis_settings(env),
            stripe_secret_key=env.str("STRIPE_SECRET_KEY", validate=validate.Length(min=8)),
            stripe_webhook_secrets=tuple(
                env.list("STRIPE_WEBHOOK_SECRETS", subcast=str, validate=validate.Length(min=1)) or ()
            ),
            stripe_api_base=(env.str("STRIPE_API_BASE", None) or "").rstrip("/") or None,
            stripe_timeout_seconds=env.float("STRIPE_TIMEOUT_SECONDS", 10.0, validate=validate.Range(1, 15)) or 10.0,
            connect_dashboard=Dashboard(
                env.str("CONNECT_DASHBOARD", "express", validate=validate.OneOf(list(Dashboard))) or "express"
            ),
            connect_return_url=env.str("CONNECT_RETURN_URL", None) or None,
            charge_model=ChargeModel(
                env.str("CHARGE_MODEL", "direct", validate=validate.OneOf(list(ChargeModel))) or "direct"
            ),
            application_fee_percent=env.decimal("APPLICATION_FEE_PERCENT", Decimal(0), validate=validate.Range(0, 50))
            or Decimal(0),
            payment_minutes=env.int("PAYMENT_MINUTES", 30, validate=validate.Range(min=1)),
            refund_workers=env.int("REFUND_WORKERS", 8, validate=validate.Range(1, 64)),
            reconciliation_days=env.int("RECONCILIATION_DAYS", 7, validate=validate.Range(1, 366)),
            webhook_retention_days=env.int("WEBHOOK_RETENTION_DAYS", 30, validate=validate.Range(min=2)),
        )
