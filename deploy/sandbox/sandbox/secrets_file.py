"""The keys by which the sandbox knows its callers, made once and readable by their owner alone."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sandbox.settings import SandboxSettings


@dataclass(frozen=True, kw_only=True)
class Keys:
    """As Stripe and Twilio shape them, so that the SDKs and secret scanners take them for test keys."""

    stripe_secret_key: str
    stripe_webhook_secret: str
    twilio_account_sid: str
    twilio_auth_token: str


def load_keys(settings: SandboxSettings) -> Keys:
    """Keys given in the settings win; the others are read from `secrets.json`, made there (mode 0600) at the first start."""
    path = settings.data_dir / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "stripe_secret_key": "sk_test_" + secrets.token_hex(24),
        "stripe_webhook_secret": "whsec_" + secrets.token_hex(16),
        "twilio_account_sid": "AC" + secrets.token_hex(16),
        "twilio_auth_token": secrets.token_hex(16),
    }
    if missing := made.keys() - kept.keys():
        kept |= {name: made[name] for name in missing}
        _write_private(path, json.dumps(kept, indent=1))
    given = {name: value for name in made if (value := getattr(settings, name))}
    return Keys(**(kept | given))


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
