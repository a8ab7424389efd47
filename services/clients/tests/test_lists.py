"""Lists: as one types, by tag, page by page, and what changed."""

from urllib.parse import quote

import pytest
from services.clients.tests.driver import Caller, Suite


@pytest.fixture
def practice(provider: Caller) -> Caller:
    """A provider with four clients."""
    provider.made(name="Anna Müller", email="anna@example.com", phone="0151 23456789", tags=["VIP"])
    provider.made(name="Bertil Åkesson", email="bertil_a@example.se", tags=["vip", "Morning"])
    provider.made(name="Conor O’Brien", email="conor%1@example.ie")
    provider.made(name="Đorđe", phone="+381601234567")
    return provider


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["Đorđe", "Conor O’Brien", "Bertil Åkesson", "Anna Müller"]),
        ("MULLER", ["Anna Müller"]),
        ("mü an", ["Anna Müller"]),
        ("akesson", ["Bertil Åkesson"]),
        ("o'b", ["Conor O’Brien"]),
        ("dorde", ["Đorđe"]),
        ("example", ["Conor O’Brien", "Bertil Åkesson", "Anna Müller"]),
        ("anna@example", ["Anna Müller"]),
        ("0151 234", ["Anna Müller"]),
        ("+381 60", ["Đorđe"]),
        ("_a", ["Bertil Åkesson"]),
        ("%", ["Conor O’Brien"]),
        ("%1", ["Conor O’Brien"]),
        ("\\", []),
        ("nobody", []),
        ("a' OR '1'='1", []),
    ],
)
def test_clients_are_found_as_one_types_the_most_recent_first(practice: Caller, typed: str, names: list[str]) -> None:
    assert practice.found(f"q={quote(typed)}") == names


def test_what_was_changed_is_found_by_what_it_is_now(practice: Caller) -> None:
    anna = practice.get("/v1/clients?q=anna").json["data"][0]
    practice.patch(f"/v1/clients/{anna['id']}", {"name": "Johanna", "email": None, "phone": "0160 1111111"})
    assert practice.found("q=johanna") == ["Johanna"]
    assert practice.found("q=muller") == practice.found("q=23456789") == practice.found("q=anna%40example") == []


def test_a_tag_is_found_whatever_its_case(practice: Caller) -> None:
    assert practice.found("tag=Vip") == ["Bertil Åkesson", "Anna Müller"]
    assert practice.found("tag=vip&q=anna") == ["Anna Müller"]
    assert practice.found("tag=vi") == []


def test_a_tag_given_twice_is_kept_once_as_first_written(provider: Caller) -> None:
    assert provider.made(name="Anna", tags=["VIP", "new", "vip"])["tags"] == ["VIP", "new"]


def test_pages_follow_each_other_without_gap_or_repetition(practice: Caller) -> None:
    names, query = [], "limit=3"
    while True:
        answer = practice.get(f"/v1/clients?{query}").json
        names += [client["name"] for client in answer["data"]]
        if answer["next_cursor"] is None:
            break
        query = f"limit=3&cursor={answer['next_cursor']}"
    assert names == ["Đorđe", "Conor O’Brien", "Bertil Åkesson", "Anna Müller"]


def test_who_follows_changes_hears_of_each_in_order_and_of_deletions(suite: Suite, practice: Caller) -> None:
    ids = {client["name"]: client["id"] for client in practice.get("/v1/clients").json["data"]}
    suite.pass_time(hours=1)
    since = quote(suite.clock.now().isoformat())
    practice.patch(f"/v1/clients/{ids['Đorđe']}", {"notes": "x"})
    practice.delete(f"/v1/clients/{ids['Anna Müller']}")
    first = practice.get(f"/v1/clients?updated_since={since}&limit=1").json
    rest = practice.get(f"/v1/clients?updated_since={since}&limit=1&cursor={first['next_cursor']}").json
    assert [(client["name"], client["deleted_at"] is None) for client in first["data"] + rest["data"]] == [
        ("Đorđe", True),
        ("Anna Müller", False),
    ]
    assert rest["next_cursor"] is None
