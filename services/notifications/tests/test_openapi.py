"""The OpenAPI document is what the service does: schemathesis asks all that it tells of, rightly and wrongly."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import strategies as st
from services.notifications.tests.conftest import MakePractice
from services.notifications.tests.driver import ALL, SECRET, Practice, account, client, session

from chassis.auth import issue
from notifications.operations.composing import UNSUBSCRIBE
from support.conformance import Known, ask, document_of, operations_of

_REFUSING = {
    "POST /v1/webhooks/twilio",
    "POST /v1/webhooks/mail",
    "POST /v1/ops/inbox/{event_id}/retry",
    "POST /v1/ops/inbox/{event_id}/discard",
    "POST /v1/ops/dead/{event_id}/requeue",
}


def test_the_document_is_what_the_service_does(
    make_practice: MakePractice, sqlite_url: str, subtests: pytest.Subtests
) -> None:
    practice = make_practice(sqlite_url, mail_webhook_secret="of the mail server")
    document = document_of(practice.app)
    known = _furnish(practice)
    fruitless = []
    operations = list(operations_of(document))
    for operation in operations:
        with subtests.test(operation.label):
            statuses, failures = ask(practice.app, document, operation, known, _tokens())
            if not any(status < HTTPStatus.BAD_REQUEST for status in statuses):
                fruitless.append(f"{operation.label}: {sorted(statuses)}")
            assert not failures, "\n".join(failures)
    # Refusals alone would prove little: for what is new here, _furnish has to know something that hits. Nothing is kept or dead, and webhooks are signed.
    assert {each.partition(":")[0] for each in fruitless} <= _REFUSING, fruitless


def _furnish(practice: Practice) -> Known:
    """Something of everything in acc_one, and how to hit it."""
    for id in ("acc_one", "acc_two"):
        practice.hear("account.created", account(id=id, account_id=id))
    practice.hear("client.created", client())
    for number in range(5):
        practice.hear("session.created", session(id=f"ses_{number}"))
    practice.work()
    words = {"subject": "Hello", "text": "Hello {{ client_name }}", "html": "<p>Hello</p>"}
    for locale in ("de", "de-AT", "fr"):
        answer = practice.call("PUT", f"/v1/templates/confirmation/email/{locale}", words)
        assert answer.status_code == HTTPStatus.OK, answer.text
    token = practice.context.links.sign(UNSUBSCRIBE, {"account": "acc_one", "client": "cli_1"})
    return {
        "/v1/deliveries/{delivery_id}": [row["id"] for row in practice.deliveries()],
        "session_id": ["ses_1"],
        "client_id": ["cli_1"],
        "token": [token],
        "kind": ["confirmation"],
        "channel": ["email"],
        "locale": ["de", "de-AT", "fr"],
        "status": ["sent", "queued,skipped"],
        "q": ["ada"],
        **{name: [text] for name, text in words.items()},
        "quiet_hours": [None, {"start": "21:00", "end": "08:00"}],
        "kinds": [{}, {"reminder_24h": {"sms": False}}],
        "If-Match": ['"1"', "*"],
        "Idempotency-Key": ["once"],
        "to": ["clients"],
    }


def _tokens() -> st.SearchStrategy[str | None]:
    """Mostly what opens all of acc_one; else another account's, one of too few scopes, and none."""
    all_of_it, others, few = (
        issue(SECRET, account_id=id, scope=scope)
        for id, scope in (("acc_one", f"{ALL} ops"), ("acc_two", ALL), ("acc_one", "clients:read"))
    )
    return st.sampled_from([*[all_of_it] * 9, others, few, None])
