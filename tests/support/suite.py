"""The suite as it is deployed: every role a process of its own, on a real broker and database, the outside in the sandbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.registry import SERVICES
from embedded.practice import Practice
from support.processes import Processes, Role
from support.servers import free_port
from support.waiting import PATIENCE, wait_until

ROLES = ("api", "relay", "consume", "jobs")
SENDERS = ("email", "sms")


def open_practice(made: Practice, **fields: Any) -> Practice:
    """Provision, connect to Stripe, set refund tiers (100 % up to 48 hours before, 50 % up to 24, then nothing), open at all hours."""
    made.provision(**fields)
    made.connect_stripe()
    made.set_refund_policy(
        refund_tiers=[
            {"hours_before": 48, "percentage": 100},
            {"hours_before": 24, "percentage": 50},
            {"hours_before": 0, "percentage": 0},
        ]
    )
    made.open_all_day()
    return made


@dataclass(kw_only=True)
class Deployment:
    """Started roles by name: ("payments", "consume") or ("notifications", "work-email"). Several of one name are numbered from 1."""

    processes: Processes
    broker_url: str
    store_urls: Mapping[str, str]
    more: Mapping[str, str] = field(default_factory=dict)
    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    auth_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    service_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in (*SERVICES, "sandbox", "smtp")}
    )

    def url(self, name: str) -> str:
        """The address of a service's API, or of the sandbox."""
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def addresses(self) -> dict[str, str]:
        return {name: self.url(name) for name in (*SERVICES, "sandbox")}

    def practice(self, account_id: str = "acc_demo") -> Practice:
        """A provider over HTTP."""
        return Practice(self.addresses, auth_secret=self.auth_secret, account_id=account_id)

    def new_practice(self, **fields: Any) -> Practice:
        """A provider of its own: provisioned, connected to Stripe, open at all hours, with refund tiers: 100 % up to 48 hours
        before, 50 % up to 24, then nothing."""
        return open_practice(self.practice(f"acc_{secrets.token_hex(6)}"), **fields)

    def start_sandbox(self) -> Role:
        """The sandbox; started again it knows what it knew."""
        role = self.processes.start(
            "sandbox", "serve", environment=self.sandbox_environment(), port=self.ports["sandbox"]
        )
        self.roles["sandbox", "serve"] = role
        return role

    def start_role(self, service: str, role: str, number: int = 1, *, wait: bool = True) -> Role:
        """One role of a service, started or started again."""
        words = ("work", "--channel", role.removeprefix("work-")) if role.startswith("work-") else (role,)
        started = self.processes.start(
            service,
            *words,
            environment=self.environment(service),
            port=self.ports[service] if role == "api" else None,
            wait=wait,
        )
        self.roles[service, role if number == 1 else f"{role}#{number}"] = started
        return started

    def start(self, *services: str, sandbox: bool = True) -> Deployment:
        """Every role of `services` (all by default), side by side; returns when all are ready."""
        if sandbox:
            self.start_sandbox()
        for service in services or SERVICES:
            for role in self.roles_of(service):
                self.start_role(service, role, wait=False)
        self.wait_ready()
        return self

    def wait_ready(self, deadline: float = PATIENCE) -> None:
        """Until every role that runs is ready."""
        for role in list(self.roles.values()):
            if role.alive():
                role.wait_ready(deadline)

    def ended(self) -> list[str]:
        """The roles that run no more, with the ends of their logs."""
        return [f"{role.name} ended\n{role.tail()}" for role in self.roles.values() if not role.alive()]

    def roles_of(self, service: str) -> Iterator[str]:
        yield from ROLES
        if service == "notifications":
            yield from (f"work-{channel}" for channel in SENDERS)

    def kill(self, service: str, role: str) -> None:
        """kill -9."""
        self.roles[service, role].kill()

    def restart(self, service: str, role: str) -> Role:
        """kill -9 where it still runs, and start again at once."""
        if self.roles[service, role].alive():
            self.kill(service, role)
        return self.start_role(service, role.partition("#")[0], int(role.partition("#")[2] or 1), wait=False)

    def wait_drained(self, deadline: float = PATIENCE) -> None:
        """Until no outbox has anything unpublished and no inbox keeps anything that will still be run."""
        ops = self.practice()

        def drained() -> bool:
            for service in SERVICES:
                if ops.get(service, "/v1/ops/outbox")["unpublished"]:
                    return False
                kept = [
                    e
                    for e in ops.get(service, "/v1/ops/inbox", limit=200)["data"]
                    if e["status"] in {"pending", "running", "waiting"}
                ]
                if kept:
                    return False
            return True

        wait_until(
            drained,
            deadline=deadline,
            interval=0.1,
            what="every event to be published and handled",
            ignoring=(Exception,),
        )

    def violations(self) -> dict[str, Any]:
        """What breaks an invariant, by service and name; empty where all hold."""
        ops = self.practice()
        return {
            f"{service}: {found['name']}": found["ids"]
            for service in SERVICES
            for found in ops.get(service, "/v1/ops/invariants")["data"]
            if found["violations"]
        }

    def environment(self, service: str) -> dict[str, str]:
        """What a process of `service` is told."""
        peers = {name: self.url(name) for name in SERVICES}
        own: dict[str, dict[str, str]] = {
            "payments": {
                "STRIPE_SECRET_KEY": "sk_test_" + "1" * 24,
                "STRIPE_API_BASE": f"{self.url('sandbox')}/stripe",
                "STRIPE_WEBHOOK_SECRETS": "whsec_" + "2" * 24,
            },
            "notifications": {
                "SMTP_URL": f"smtp://127.0.0.1:{self.ports['smtp']}",
                "MAIL_FROM": "bookings@timeblu.example",
                "TWILIO_ACCOUNT_SID": "AC" + "3" * 32,
                "TWILIO_AUTH_TOKEN": "4" * 32,
                "TWILIO_API_BASE": f"{self.url('sandbox')}/twilio",
                "TWILIO_FROM": "+15005550006",
            },
        }
        return {
            "STORE_URL": self.store_urls[service],
            "BROKER_URL": self.broker_url,
            "AUTH_JWT_SECRET": self.auth_secret,
            "SERVICE_JWT_SECRET": self.service_secret,
            "PUBLIC_URL": self.url(service),
            **{f"{name.upper()}_URL": url for name, url in peers.items()},
            **{f"{name.upper()}_PUBLIC_URL": url for name, url in peers.items()},
            **own.get(service, {}),
            **self.more,
        }

    def sandbox_environment(self) -> dict[str, str]:
        """What the sandbox is told."""
        payments, notifications = self.environment("payments"), self.environment("notifications")
        return {
            "HOST": "127.0.0.1",
            "PORT": str(self.ports["sandbox"]),
            "SMTP_PORT": str(self.ports["smtp"]),
            "DATA_DIR": str(self.processes.directory / "sandbox"),
            "SANDBOX_PUBLIC_URL": self.url("sandbox"),
            "STRIPE_WEBHOOK_URLS": f"{self.url('payments')}/v1/webhooks/stripe",
            "STRIPE_SECRET_KEY": payments["STRIPE_SECRET_KEY"],
            "STRIPE_WEBHOOK_SECRET": payments["STRIPE_WEBHOOK_SECRETS"],
            "TWILIO_ACCOUNT_SID": notifications["TWILIO_ACCOUNT_SID"],
            "TWILIO_AUTH_TOKEN": notifications["TWILIO_AUTH_TOKEN"],
            "TWILIO_INBOUND_URL": f"{self.url('notifications')}/v1/webhooks/twilio",
        }
