"""Finding clients among a thousand of many scripts: on both stores what the rules say, in their order, through whichever way they are looked for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from faker import Faker
from services.clients.tests.driver import Caller, Suite

from chassis.store import Store
from clients.domain import search

LOCALES = (
    "ar_AA", "cs_CZ", "de_DE", "el_GR", "en_US", "es_ES", "fa_IR", "fr_FR", "he_IL", "hi_IN", "hu_HU", "hy_AM", "ja_JP", "ka_GE", "ko_KR",
    "lv_LV", "ne_NP", "pl_PL", "ru_RU", "ta_IN", "th_TH", "tr_TR", "uk_UA", "vi_VN", "zh_CN",
)  # fmt: skip
EACH = 40
SEED = 7


def people() -> list[dict[str, Any]]:
    """Forty of each locale: half of them have a number, every third has no email."""
    found: list[dict[str, Any]] = []
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(SEED)
        for _ in range(EACH):
            number = len(found)
            found.append({"name": fake.name()})
            if number % 3:
                found[-1]["email"] = f"{number}.{fake.ascii_free_email()}"
            if number % 2:
                found[-1]["phone"] = f"+4915{(number * 7919 + 12345678) % 10**9:09}"
    return found


def queries(clients: Sequence[dict[str, Any]]) -> list[str]:
    """What somebody may type who looks for one of them: parts of names of one to many letters, of emails and numbers, of two words at once."""
    chance = random.Random(SEED)

    def part(text: str, length: int) -> str:
        start = chance.randrange(max(1, len(text) - length + 1))
        return text[start : start + length]

    typed = [
        "a",
        "e",
        "an",
        "ma",
        "xq",
        "%",
        "_",
        "'",
        "\\",
        '"',
        "@",
        ".c",
        "49",
        "015",
        "0049 15",
        "nobody at all",
        "m m m m m m m m m",
    ]
    for client in chance.sample(list(clients), 40):
        name, email, phone = client["name"], client.get("email"), client.get("phone")
        typed += [part(name, chance.randint(1, 2)), part(name, chance.randint(3, 8)), name.upper()]
        typed += [f"{part(name, 2)} {part(email or name, 3)}", name.split()[-1][:2]]
        typed += [part(email, chance.randint(2, 9)), email] if email else []
        typed += [f"0{phone[3:7]} {phone[7:10]}", part(phone[1:], 5)] if phone else []
    return list(dict.fromkeys(typed))


def expected(typed: str, texts: Mapping[str, str]) -> list[str]:
    """The rules, applied to each text: those whose words begin with what was typed, then the others that hold it, the most recent first."""
    ways = search.parse(typed).ways
    best, others = [], []
    for id_, text in texts.items():
        if not ways or any(all(f" {part}" in text for part in way) for way in ways):
            best.append(id_)
        elif any(all(part in text for part in way) for way in ways):
            others.append(id_)
    return sorted(best, reverse=True) + sorted(others, reverse=True)


def searched(clients: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What of each is searched, by id."""
    return {each["id"]: search.searchable(each["name"], each["email"], each["phone"]) for each in clients}


def ids(provider: Caller, typed: str, more: str = "") -> list[str]:
    answer = provider.get(f"/v1/clients?q={quote(typed)}{more}")
    assert answer.status_code == 200, answer.text
    return [client["id"] for client in answer.json["data"]]


@pytest.fixture
def thousand(suite: Suite, provider: Caller) -> list[dict[str, Any]]:
    """All of them as the export tells them; another account has the same people."""
    suite.account("acc_two")
    [work] = [job for job in suite.service.jobs() if job.name == "imports"]
    for account in ("acc_one", "acc_two"):
        assert (
            suite.caller(account).upload("/v1/clients/import", json.dumps(people()), "application/json").status_code
            == 202
        )
    while work.run():
        pass
    everybody: list[dict[str, Any]] = provider.get("/v1/clients/export", Accept="application/json").json
    assert len(everybody) == len(LOCALES) * EACH
    return everybody


@pytest.fixture(params=["the most recent", "the index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the most recent clients are all of them, or too few to find anybody among."""
    if request.param == "the index":
        monkeypatch.setattr("clients.store.search._MOST_RECENT", 3)
    return str(request.param)


def test_a_thousand_of_many_scripts_are_found_as_the_rules_say(
    provider: Caller, thousand: list[dict[str, Any]], way: str
) -> None:
    texts = searched(thousand)
    assert [typed for typed in queries(thousand) if ids(provider, typed) != expected(typed, texts)[:50]] == []


def test_pages_of_what_was_found_follow_each_other_without_gap_or_repetition(
    provider: Caller, thousand: list[dict[str, Any]], way: str
) -> None:
    texts = searched(thousand)
    for typed, limit in (("ann", 7), ("мар", 2), ("4915", 200), ("李", 1)):
        found: list[str] = []
        more = f"&limit={limit}"
        while True:
            answer = provider.get(f"/v1/clients?q={quote(typed)}{more}").json
            found += [client["id"] for client in answer["data"]]
            if answer["next_cursor"] is None:
                break
            more = f"&limit={limit}&cursor={answer['next_cursor']}"
        assert found == expected(typed, texts)
        assert found


def test_whoever_was_changed_deleted_restored_or_erased_is_found_by_what_they_are_now(
    provider: Caller, way: str
) -> None:
    others = [provider.made(name=f"Somebody {number}") for number in range(4)]
    anna = provider.made(name="Ännchen Straßer", email="aennchen@example.com", tags=["VIP"])
    path = f"/v1/clients/{anna['id']}"
    assert ids(provider, "änn") == ids(provider, "aße") == ids(provider, "nn", "&tag=vip") == [anna["id"]]
    provider.patch(path, {"name": "Жанна", "email": None})
    assert ids(provider, "änn") == ids(provider, "aennchen") == []
    assert ids(provider, "ж") == ids(provider, "анн") == [anna["id"]]
    provider.delete(path)
    assert ids(provider, "ж") == []
    provider.post(f"{path}/restore")
    assert ids(provider, "ж") == [anna["id"]]
    provider.post(f"{path}/erase")
    assert ids(provider, "ж") == []
    assert ids(provider, "some") == [client["id"] for client in reversed(others)]


def test_who_begins_with_what_was_typed_comes_before_who_only_holds_it(provider: Caller) -> None:
    for name in ("Anna Berg", "Marianne", "Berg, Anneliese", "Johanna"):
        provider.made(name=name)
    assert provider.found("q=ann") == ["Berg, Anneliese", "Anna Berg", "Johanna", "Marianne"]
    assert provider.found("q=ann%20berg") == ["Berg, Anneliese", "Anna Berg"]


@pytest.fixture
def asked(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the store is asked."""
    store, statements = suite.service.store, list[tuple[str, Any]]()
    execute = Store.execute

    def noted(sql: str, parameters: Sequence[Any] = (), **others: Any) -> Any:
        statements.append((sql, parameters))
        return execute(store, sql, parameters, **others)

    monkeypatch.setattr(store, "execute", noted)
    return statements


@pytest.mark.parametrize(
    ("typed", "index"), [("muller", "trigrams"), ("xq", "parts"), ("ж", "parts"), ("йоа", "parts"), ("o'b", "parts")]
)
def test_there_is_an_index_for_whatever_is_typed(
    suite: Suite, provider: Caller, asked: list[tuple[str, Any]], typed: str, index: str
) -> None:
    ids(provider, typed)
    store = suite.service.store
    [(sql, parameters), *_] = [each for each in asked if "hits" in each[0]]
    with store.transaction():
        if store.on_sqlite:
            assert "client_pairs VIRTUAL TABLE INDEX" in str(store.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))
        else:
            # Any other way through so few is the cheaper one.
            store.execute("SET LOCAL enable_seqscan = off")
            others = "SELECT indexname FROM pg_indexes WHERE tablename = 'clients' AND indexdef LIKE '%(account_id%'"
            for (name,) in store.execute(others.replace("%", "%%")):
                store.execute(f"DROP INDEX {name}")
            assert f"clients_{index}" in str(store.execute(f"EXPLAIN {sql}", parameters))
