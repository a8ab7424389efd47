"""The clients service, asked before a booking where scheduling's own replica does not know the client."""

from __future__ import annotations

from typing import Any

from chassis.peers import Peer, PeerRefused
from chassis.problems import Conflict, Invalid, Unavailable


class ClientsService:
    """Makes and finds clients over HTTP; `peer` carries the addresses and tokens."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def make(self, account_id: str, client: dict[str, Any], *, key: str) -> dict[str, Any]:
        """The client of that email, made where there is none; once, however often it is asked with the same `key`.

        Raises:
            Invalid: with pointers below `/client`.
            Conflict: the plan has no room for another client.
            Unavailable: the service is down or does not know the account yet.
        """
        try:
            made: dict[str, Any] = self._peer.post(
                "/v1/clients",
                json=client,
                params={"reuse": "true"},
                account_id=account_id,
                scope="clients:write",
                idempotency_key=key,
            )
        except PeerRefused as refused:
            raise _as_problem(refused) from refused
        return made

    def find(self, account_id: str, client_id: str) -> dict[str, Any] | None:
        """The client that answers for `client_id` (after a merge another one), None where there is none.

        Raises:
            Unavailable: the service is down.
        """
        try:
            found: dict[str, Any] = self._peer.get(
                f"/v1/clients/{client_id}", account_id=account_id, scope="clients:read"
            )
        except PeerRefused as refused:
            if refused.status == 404:
                return None
            raise _as_problem(refused) from refused
        return found


def _as_problem(refused: PeerRefused) -> Exception:
    problem = refused.problem
    if refused.status == 422:
        errors = [
            {"pointer": f"/client{error.get('pointer', '')}", "detail": str(error.get("detail", ""))}
            for error in problem.get("errors", [])
        ]
        return Invalid(
            errors=errors or [{"pointer": "/client", "detail": str(problem.get("detail", "It was refused."))}]
        )
    if refused.status == 409:
        return Conflict(problem.get("detail"), code=str(problem.get("code", "conflict")))
    return Unavailable(f"the clients service refused the call: {refused.status}")
