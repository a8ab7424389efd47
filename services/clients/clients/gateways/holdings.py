"""What other services hold about a person, asked of each over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.peers import Peer, PeerRefused
from chassis.problems import Unavailable


class Holdings:
    """`peers` by the name of the service."""

    def __init__(self, peers: Mapping[str, Peer]) -> None:
        self._peers = peers

    def of(self, account_id: str, client_id: str, *, private: bool) -> dict[str, Any]:
        """By service, by kind of record, the rows; private session notes only with `private`. No unit of work may be open.

        Raises:
            Unavailable: one of them cannot answer: half of what is held is no answer to the person.
        """
        scopes = {
            "scheduling": "sessions:notes" if private else "sessions:read",
            "payments": "payments:read",
            "notifications": "notifications:read",
        }
        found = {}
        for service, scope in scopes.items():
            try:
                answer = self._peers[service].get(f"/v1/held/{client_id}", account_id=account_id, scope=scope)
            except PeerRefused as refused:
                raise Unavailable(f"the {service} service refused the call: {refused.status}") from refused
            found[service] = answer["data"]
        return found
