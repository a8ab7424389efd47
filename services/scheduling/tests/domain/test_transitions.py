"""The table of what may follow what is the code's and the docs' one truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.sessions import SessionStatus
from scheduling.domain.transitions import TABLE, Action, NotAllowed, after, as_markdown

_DOCS = Path(__file__).parents[4] / "docs" / "transitions.md"


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("status", SessionStatus)
@pytest.mark.parametrize("started", [True, False])
def test_a_step_is_allowed_exactly_where_the_table_has_it(action: Action, status: SessionStatus, started: bool) -> None:
    rule = next(rule for rule in TABLE if rule.action is action)
    before = SessionStatus.PENDING if status is SessionStatus.CANCELLED else None
    if status in rule.sources and (started or not rule.once_started):
        expected = rule.target or (before if action is Action.RESTORE else status)
        assert after(action, status, started=started, before=before) is expected
    else:
        with pytest.raises(NotAllowed):
            after(action, status, started=started, before=before)


def test_every_action_has_one_rule() -> None:
    assert sorted(rule.action for rule in TABLE) == sorted(Action)


def test_the_docs_print_the_table() -> None:
    assert _DOCS.read_text() == as_markdown(), "run: python -m scheduling.domain.transitions > docs/transitions.md"
