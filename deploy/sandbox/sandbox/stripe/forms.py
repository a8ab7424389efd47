"""Stripe's wire form, `line_items[0][price_data][currency]=eur`, made a tree."""

from collections.abc import Iterable
from typing import TypeAlias

from sandbox.stripe.errors import invalid

Wire: TypeAlias = str | dict[str, "Wire"]


def tree(pairs: Iterable[tuple[str, str]]) -> dict[str, Wire]:
    """`[("a[b]", "1"), ("a[c][]", "2")]` → `{"a": {"b": "1", "c": {"0": "2"}}}`; lists stay dicts of indexes here."""
    root: dict[str, Wire] = {}
    for name, value in pairs:
        at = root
        *parents, last = _steps(name)
        for step in parents:
            below = at.setdefault(_index(at, step), {})
            if isinstance(below, str):
                raise invalid(f"Invalid request: {name} is given both as a value and as a hash", param=name)
            at = below
        at[_index(at, last)] = value
    return root


def _steps(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    return [head, *rest.removesuffix("]").split("][")]


def _index(at: dict[str, Wire], step: str) -> str:
    return step or str(len(at))
