"""Finding clients among a thousand of many scripts: on both stores what the rules say, in their order, through whichever way they are looked for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from faker import Faker
from services.clients.tests.driver import Caller, Suite, build_suite

from chassis.service import migrate
from chassis.store import Store
from clients.domain import search
from clients.domain.contact import phone_digits

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


@pytest.fixture(params=["the most recent", "looking on", "the index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the most recent clients are all of them, or a part that is looked on from, or too few to find anybody among."""
    if request.param == "the index":
        monkeypatch.setattr("clients.store.search._MOST_RECENT", 3)
    if request.param == "looking on":
        monkeypatch.setattr("clients.store.search._MOST_RECENT", 100)
        monkeypatch.setattr("clients.store.search._LOOK_ON", 0)
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
    provider.made(name="Hans-Gerd O’Brien", email="hgb@web.example")
    provider.made(name="Ingerd Abrie")
    assert provider.found("q=ann") == ["Berg, Anneliese", "Anna Berg", "Johanna", "Marianne"]
    assert provider.found("q=ann%20berg") == ["Berg, Anneliese", "Anna Berg"]
    assert provider.found("q=gerd") == provider.found("q=brie") == ["Hans-Gerd O’Brien", "Ingerd Abrie"]
    assert provider.found("q=hans-g") == provider.found("q=o'b") == provider.found("q=b@web") == ["Hans-Gerd O’Brien"]


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


def test_what_some_have_is_looked_on_for_and_what_few_have_is_not(
    provider: Caller, thousand: list[dict[str, Any]], asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.store.search._MOST_RECENT", 100)
    assert len(ids(provider, "com", "&limit=60")) == 60
    assert [("recent" in sql, "hits" in sql) for sql, _ in asked if "LIKE" in sql][:2] == [(True, False)] * 2
    asked.clear()
    assert ids(provider, people()[3]["name"])
    assert [("recent" in sql, "hits" in sql) for sql, _ in asked if "LIKE" in sql][:2] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("typed", "index"),
    [
        ("muller", "trigrams"),
        ("xq", "parts"),
        ("ж", "parts"),
        ("йоа", "parts"),
        ("o'b", "parts"),
        ("0151 2345", "trigrams"),
    ],
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
            for (name,) in store.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'clients'"):
                if name not in {"clients_pkey", f"clients_{index}"}:
                    store.execute(f"DROP INDEX {name}")
            assert f"clients_{index}" in str(store.execute(f"EXPLAIN {sql}", parameters))


def test_who_was_there_before_the_indexes_is_found_through_them(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migration 0003, on clients as 0002 left them: one field of what is searched a line."""
    monkeypatch.setattr("clients.store.search._MOST_RECENT", 1)
    suite = build_suite(store_url)
    store, old = suite.service.store, people()[:80]
    suite.account("acc_one")
    provider = suite.caller("acc_one")
    made = [
        provider.made(**{**person, "name": f"{person['name']} Jr. (x-{number})"}) for number, person in enumerate(old)
    ]
    with store.transaction():
        for client in made:
            lines = [
                search.fold(client["name"]),
                search.fold(client["email"] or ""),
                *(phone_digits(client["phone"]) if client["phone"] else ()),
            ]
            store.execute("UPDATE clients SET search = %s WHERE id = %s", ("\n".join(lines), client["id"]))
        made_by_0003 = (
            "TRIGGER clients_found, TRIGGER clients_found_otherwise, TRIGGER clients_found_no_more, TABLE client_pairs, TABLE client_rows"
            if store.on_sqlite
            else "INDEX clients_parts, INDEX clients_trigrams, FUNCTION client_parts"
        )
        for what in made_by_0003.split(", "):
            store.execute(f"DROP {what}")
        store.execute("DELETE FROM clients_migrations WHERE name LIKE %s", ("0003%",))
    assert migrate(suite.service) == ["0003_search"]
    texts = searched(made)
    with store.reading():
        assert dict(store.execute("SELECT id, search FROM clients")) == texts
    for typed in ("jr", "x-1", "(x", ".", "49", made[40]["name"][:3]):
        assert ids(provider, typed) == expected(typed, texts)[:50]
    store.close()
