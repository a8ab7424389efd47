"""A few sessions under random commands, beside a model that is small enough to be believed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from services.scheduling.tests.driver import NOW, World, build_world

from contracts.sessions import SessionStatus
from scheduling.domain.transitions import TABLE, Action

_RULES = {rule.action: rule for rule in TABLE}
_MINUTES = 30
_FIRST = NOW + timedelta(days=1, hours=1)
slots = st.integers(0, 5)


@dataclass(kw_only=True)
class Model:
    """What the test believes of one session."""

    id: str
    starts_at: datetime
    status: SessionStatus
    before: SessionStatus | None = None
    version: int = 1
    over: set[str] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    """Books, moves, confirms, ends, cancels and restores sessions of half an hour in three hours of one calendar."""

    sessions: Bundle[str] = Bundle("sessions")
    world: World

    def __init__(self) -> None:
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.world = build_world(f"sqlite:///{Path(self._place.name) / 'store.sqlite3'}")
        self.models: dict[str, Model] = {}

    @initialize()
    def open_always(self) -> None:
        calendar = self.world.a.get("/calendars")["data"][0]["id"]
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        self.world.a.patch(
            f"/calendars/{calendar}",
            {"working_hours": [{"weekday": day, "start": "00:00", "end": "24:00"} for day in days]},
        )
        self.type = self.world.session_type(duration_minutes=_MINUTES)
        self.client = self.world.new_client()

    def teardown(self) -> None:
        self.world.close()
        self._place.cleanup()

    @rule(target=sessions, slot=slots, status=st.sampled_from(["pending", "confirmed"]), force=st.booleans())
    def book(self, slot: int, status: str, force: bool) -> Any:
        starts_at = _FIRST + timedelta(minutes=_MINUTES * slot)
        body = {"service_id": self.type, "client_id": self.client, "starts_at": starts_at.isoformat(), "status": status}
        in_the_way = self._at(starts_at)
        answer = self.world.a("POST", "/sessions", body | self._flags(force))
        if in_the_way and not force:
            assert answer.get_json()["code"] == "slot_taken"
            assert {conflict["id"] for conflict in answer.get_json()["conflicts"]} == in_the_way
            return multiple()
        made = answer.get_json()
        assert answer.status_code == 201, made
        self.models[made["id"]] = Model(id=made["id"], starts_at=starts_at, status=SessionStatus(status))
        self._sanction(made["id"], in_the_way)
        return made["id"]

    @rule(id=sessions, action=st.sampled_from([Action.CONFIRM, Action.COMPLETE, Action.NO_SHOW, Action.CANCEL]))
    def step(self, id: str, action: Action) -> None:
        model = self.models[id]
        step = _RULES[action]
        started = model.starts_at <= self.world.clock.now()
        answer = self.world.a("POST", f"/sessions/{id}/{action.value.replace('_', '-')}", {})
        if model.status not in step.sources or (step.once_started and not started):
            assert answer.get_json()["code"] == "invalid_transition"
            return
        assert answer.status_code == 200
        assert step.target is not None
        if action is Action.CANCEL:
            model.before = model.status
        model.status = step.target
        model.version += 1

    @rule(id=sessions, force=st.booleans())
    def restore(self, id: str, force: bool) -> None:
        model = self.models[id]
        answer = self.world.a("POST", f"/sessions/{id}/restore", self._flags(force))
        if model.status is not SessionStatus.CANCELLED:
            assert answer.get_json()["code"] == "invalid_transition"
            return
        met = self._at(model.starts_at)
        if met - model.over and not force:
            assert answer.get_json()["code"] == "slot_taken"
            return
        assert answer.status_code == 200, answer.get_json()
        assert model.before is not None
        model.status, model.before, model.version = model.before, None, model.version + 1
        self._sanction(id, met)

    @rule(id=sessions, slot=slots, force=st.booleans())
    def reschedule(self, id: str, slot: int, force: bool) -> None:
        model = self.models[id]
        starts_at = _FIRST + timedelta(minutes=_MINUTES * slot)
        answer = self.world.a(
            "POST", f"/sessions/{id}/reschedule", {"starts_at": starts_at.isoformat()} | self._flags(force)
        )
        if starts_at == model.starts_at:
            assert answer.get_json()["version"] == model.version
            return
        if model.status not in _RULES[Action.RESCHEDULE].sources:
            assert answer.get_json()["code"] == "invalid_transition"
            return
        met = self._at(starts_at) - {id}
        if met and not force:
            assert answer.get_json()["code"] == "slot_taken"
            return
        assert answer.status_code == 200, answer.get_json()
        for other in model.over:
            self.models[other].over.discard(id)
        model.starts_at, model.version, model.over = starts_at, model.version + 1, set()
        self._sanction(id, met)

    @rule(id=sessions, text=st.sampled_from(["", "one", "two"]))
    def annotate(self, id: str, text: str) -> None:
        before = self.world.a.get(f"/sessions/{id}")
        after = self.world.a.patch(f"/sessions/{id}", {"notes": text})
        self.models[id].version += before["notes"] != text
        assert after["notes"] == text

    @rule(id=consumes(sessions))
    def leave_alone(self, id: str) -> None:
        """Nothing more happens to this one; it keeps its place."""

    @precondition(lambda self: self.world.clock.now() < _FIRST + timedelta(hours=4))
    @rule(minutes=st.sampled_from([60, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(minutes=minutes)

    @invariant()
    def the_service_agrees_with_the_model(self) -> None:
        shown = {row["id"]: row for row in self.world.a.get("/sessions?limit=200")["data"]}
        assert shown.keys() == self.models.keys()
        for model in self.models.values():
            row = shown[model.id]
            assert (row["status"], row["version"]) == (model.status, model.version)
            assert datetime.fromisoformat(row["starts_at"]) == model.starts_at
            assert (row["cancellation"] is not None) is (model.status is SessionStatus.CANCELLED)

    @invariant()
    def each_version_is_one_event_and_nothing_is_broken(self) -> None:
        for model in self.models.values():
            assert [sequence for _, sequence, _ in self.world.events(model.id)] == list(range(1, model.version + 1))
        assert self.world.broken_invariants() == {}

    def _at(self, starts_at: datetime) -> set[str]:
        """Who has this slot."""
        live = (model for model in self.models.values() if model.status is not SessionStatus.CANCELLED)
        return {model.id for model in live if model.starts_at == starts_at}

    def _sanction(self, id: str, others: set[str]) -> None:
        for other in others - {id}:
            self.models[id].over.add(other)
            self.models[other].over.add(id)

    @staticmethod
    def _flags(force: bool) -> dict[str, Any]:
        return {"allow_overlap": True, "override_reason": "on purpose"} if force else {}


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
