"""What may follow what in a session's life, as one table that the code asks and the docs print."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.sessions import SessionStatus

PENDING, CONFIRMED, CANCELLED = SessionStatus.PENDING, SessionStatus.CONFIRMED, SessionStatus.CANCELLED
COMPLETED, NO_SHOW = SessionStatus.COMPLETED, SessionStatus.NO_SHOW

# These hold their slot: all but the cancelled, as what took place took its time.
LIVE = frozenset({PENDING, CONFIRMED, COMPLETED, NO_SHOW})


class Action(StrEnum):
    CONFIRM = "confirm"
    COMPLETE = "complete"
    NO_SHOW = "no_show"
    CANCEL = "cancel"
    RESTORE = "restore"
    RESCHEDULE = "reschedule"


class NotAllowed(Exception):
    """The action cannot follow the present state; the text says why, for a person."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`action` leads from any status of `sources` to `target`; None is the status that the session had before.

    `once_started`: only when the session's start has passed.
    """

    action: Action
    sources: tuple[SessionStatus, ...]
    target: SessionStatus | None
    once_started: bool = False
    remark: str = ""


TABLE: tuple[Rule, ...] = (
    Rule(action=Action.CONFIRM, sources=(PENDING,), target=CONFIRMED, remark="after its start too"),
    Rule(action=Action.COMPLETE, sources=(CONFIRMED, NO_SHOW), target=COMPLETED, once_started=True),
    Rule(action=Action.NO_SHOW, sources=(CONFIRMED, COMPLETED), target=NO_SHOW, once_started=True),
    Rule(
        action=Action.CANCEL,
        sources=(PENDING, CONFIRMED),
        target=CANCELLED,
        remark="frees the slot, after its start too",
    ),
    Rule(
        action=Action.RESTORE,
        sources=(CANCELLED,),
        target=None,
        remark="takes the slot again; not while a refund is under way",
    ),
    Rule(
        action=Action.RESCHEDULE,
        sources=(PENDING, CONFIRMED),
        target=None,
        remark="another start, duration, calendar or session type; the status stays",
    ),
)
_RULES = {rule.action: rule for rule in TABLE}


def after(
    action: Action, status: SessionStatus, *, started: bool, before: SessionStatus | None = None
) -> SessionStatus:
    """The status that `action` leads to from `status`.

    `started` says whether the session's start has passed, `before` what it was when it was cancelled.

    Raises:
        NotAllowed: the table has no such step.
    """
    rule = _RULES[action]
    if status not in rule.sources:
        raise NotAllowed(f"A session that is {status} cannot take {action}: that needs {' or '.join(rule.sources)}.")
    if rule.once_started and not started:
        raise NotAllowed(f"{action} is for a session that has started.")
    if rule.target is not None:
        return rule.target
    return before if action is Action.RESTORE and before is not None else status


def as_markdown() -> str:
    """The table as a page of the docs."""
    lines = [
        "# What may follow what",
        "",
        "Printed from `services/scheduling/scheduling/domain/transitions.py` by `python -m scheduling.domain.transitions`.",
        "Anything else is 409 `invalid_transition`.",
        "",
        "| action | from | to | when |",
        "|---|---|---|---|",
    ]
    for rule in TABLE:
        target = (
            f"`{rule.target}`" if rule.target else "the status before" if rule.action is Action.RESTORE else "the same"
        )
        when = "; ".join(filter(None, ["once it has started" if rule.once_started else "", rule.remark]))
        lines.append(f"| `{rule.action}` | {' '.join(f'`{source}`' for source in rule.sources)} | {target} | {when} |")
    lines += [
        "",
        "A new session is `confirmed`, or `pending` where that is asked; one that has started may be recorded as `completed` or",
        "`no_show` at once. All but `cancelled` hold their slot.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown(), end="")
