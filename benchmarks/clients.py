"""Finding clients among a million as one types, and taking them in by the file."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence

import psycopg
from faker import Faker

from benchmarks.agenda import Caller
from benchmarks.ground import Ground
from benchmarks.report import Row, Section, percentile, say
from chassis.auth import issue
from clients.domain.search import searchable
from support.processes import Role
from support.suite import Deployment

_CLIENTS, _IMPORTED = 1_000_000, 20_000
_ASKED, _IMPORTS = 40, 3
_TARGET_MS, _TARGET_ROWS = 50.0, 2000.0
_ACCOUNT, _OTHER = "acc_bench", "acc_other"
_LOCALES = ("de_DE", "en_US", "fr_FR", "tr_TR", "pl_PL", "ru_RU", "ja_JP", "ko_KR")
_SCOPE = "clients:read clients:write"
# Of every name some are many and most are few, as the third power of a chance spreads them. One of twenty is another account's.
_FILL = """
    INSERT INTO clients (id, account_id, version, name, email, email_key, email_set_at, duplicate_allowed, phone, contact_email, contact_sms, search,
        created_at, updated_at)
    SELECT 'cli_' || lpad(to_hex(n), 32, '0'), CASE WHEN n %% 20 = 0 THEN %(other)s ELSE %(account)s END, 1,
        first[f] || ' ' || last[l], email, email, now(), false, '+4915' || digits, true, true,
        ' ' || folded_first[f] || ' ' || folded_last[l] || ' ' || replace(replace(email, '@', '@ '), '.', '. ') || ' 4915' || digits || ' 015' || digits, now(), now()
    FROM generate_series(1, %(count)s) AS n,
        LATERAL (SELECT ceil(power(random() + n * 0, 3) * %(firsts)s)::int AS f, ceil(power(random() + n * 0, 3) * %(lasts)s)::int AS l) AS which,
        LATERAL (SELECT 'c' || n || '@' || (ARRAY['gmail.com', 'web.de', 'client.example'])[1 + n %% 3] AS email,
            lpad((n::bigint * 7919 %% 1000000000)::text, 9, '0') AS digits) AS made,
        (SELECT %(first)s::text[] AS first, %(last)s::text[] AS last, %(folded_first)s::text[] AS folded_first, %(folded_last)s::text[] AS folded_last) AS names"""


def measure(ground: Ground) -> list[Section]:
    """One store with a million clients; it is searched first, and then files are taken in."""
    url = ground.postgres.database()
    deployment = Deployment(processes=ground.processes, broker_url="memory://", store_urls={"clients": url})
    roles = [deployment.start_role("clients", role) for role in ("api", "jobs")]
    firsts, lasts = _names()
    count = ground.some(_CLIENTS)
    say(f"{count:,} clients …")
    _fill(url, firsts, lasts, count)
    token = issue(deployment.auth_secret, account_id=_ACCOUNT, scope=_SCOPE, ttl=36_000)
    found = _finding(Caller(roles[0].url, token), ground, firsts, lasts, count)
    taken = _taking_in(roles[0], token, ground)
    for role in roles:
        role.terminate()
    return [found, taken]


def _names() -> tuple[list[str], list[str]]:
    """First and last names of several scripts, each once, in an order of their own."""
    found = []
    for kind in ("first_name", "last_name"):
        names: dict[str, None] = {}
        for locale in _LOCALES:
            fake = Faker(locale)
            fake.seed_instance(1)
            names.update(dict.fromkeys(getattr(fake, kind)() for _ in range(600)))
        mixed = list(names)
        random.Random(1).shuffle(mixed)
        found.append(mixed)
    return found[0], found[1]


def _fill(url: str, firsts: Sequence[str], lasts: Sequence[str], count: int) -> None:
    """Straight into the store, whose indexes for searching are made afterwards, as the migration makes them for those who are there."""
    asked = {
        "account": _ACCOUNT, "other": _OTHER, "count": count, "first": list(firsts), "last": list(lasts), "firsts": len(firsts),
        "lasts": len(lasts), "folded_first": [_folded(name) for name in firsts], "folded_last": [_folded(name) for name in lasts],
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as store:
        for account in (_ACCOUNT, _OTHER):
            store.execute(
                "INSERT INTO accounts (id, version, plan, timezone, country) VALUES (%s, 1, 'max', 'Europe/Berlin', 'DE')",
                (account,),
            )
        indexes = store.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'clients' AND indexdef LIKE '%%USING gin%%'",
            (),
        ).fetchall()
        for name, _ in indexes:
            store.execute(f'DROP INDEX "{name}"')
        store.execute("SELECT setseed(0.5)")
        store.execute(_FILL, asked)
        store.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            store.execute(definition)
        store.execute("VACUUM ANALYZE clients")


def _folded(name: str) -> str:
    return searchable(name, None, None).strip()


def _finding(caller: Caller, ground: Ground, firsts: Sequence[str], lasts: Sequence[str], count: int) -> Section:
    chance = random.Random(2)
    # By the third power the first of the list are the many.
    many, few = firsts[:20], [*firsts[-200:], *lasts[-200:]]
    numbers = [f"{chance.randrange(1, count) * 7919 % 10**9:09}" for _ in range(_ASKED)]
    kinds = {
        "one letter": [*"aesnr", "ж", "김", "q", "x", "0"],
        "two letters": ["an", "ma", "er", "xq", "ий", "qy", "子", "49", "zw", "jö"],
        "three letters": [name[:3] for name in (*many[:5], *few[:5])] + ["ann", "ski", "ung"],
        "a name of many": many,
        "a name of few": few,
        "two names": [f"{first} {last}" for first, last in zip(chance.sample(list(firsts), 40), chance.sample(list(lasts), 40), strict=True)],
        "part of a name": [name[1:5] for name in chance.sample(few, 20)],
        "part of an email": [f"c{chance.randrange(1, count)}@" for _ in range(20)] + ["@web", "gmail.c"],
        "part of a number": [f"015{number[:5]}" for number in numbers[:10]] + [number[2:7] for number in numbers[10:20]] + [f"+4915 {number}" for number in numbers[20:]],
        "nobody": ["qxqxqx", "zzz zzz", "жжжж", "no such client"],
    }  # fmt: skip
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(ground.some(_ASKED) + 2):
        for kind, typed in kinds.items():
            # The first two rounds are not counted.
            milliseconds = caller.milliseconds("/v1/clients", q=typed[number % len(typed)])
            if number >= 2:
                took[kind].append(milliseconds)
    everything = [value for values in took.values() for value in values]
    p95 = percentile(everything, 95)
    return Section(
        title="Finding clients",
        how=(
            f"`GET /v1/clients?q=…` among {count:,} clients, 19 of 20 of one account, 50 to a page, one request at a time over one connection, until the last byte; from PostgreSQL each time. "
            "Names of eight locales, few of them frequent; of each kind frequent and rare ones take turns."
        ),
        rows=[
            *(Row(what=kind, values=values, unit="ms") for kind, values in took.items()),
            Row(
                what="**all of them, 95th percentile**",
                values=[p95],
                unit="ms",
                target=f"< {_TARGET_MS:.0f} ms",
                met=p95 < _TARGET_MS,
            ),
        ],
    )


def _taking_in(api: Role, token: str, ground: Ground) -> Section:
    count = ground.some(_IMPORTED)
    caller, rates = Caller(api.url, token), []
    for number in range((_IMPORTS if ground.share == 1 else 1) + 1):
        rows = [
            {
                "name": f"Ingeborg Müller-{number} {n}",
                "email": f"import{number}.{n}@client.example",
                "phone": f"0160 {number}{n:07}",
            }
            for n in range(count)
        ]
        began = time.perf_counter()
        report = json.loads(caller.send("/v1/clients/import", json.dumps(rows).encode(), expected=202))
        while report["status"] != "completed":
            time.sleep(0.05)
            report = json.loads(caller.get(f"/v1/clients/import/{report['id']}"))
        rates.append(count / (time.perf_counter() - began))
        if report["created"] != count:
            raise RuntimeError(f"{report['created']} of {count} rows were taken in")
        say(f"import {number}: {rates[-1]:.0f} rows a second")
    row = Row(what="", values=rates[1:], unit="rows/s")
    return Section(
        title="Taking clients in",
        how=(
            f"`POST /v1/clients/import` of {count:,} new clients as JSON, each with a name, an email and a number typed as at home, beside those who are there, until its report says that it is completed: "
            "checked, compared with who is there, stored, indexed, and each told in an event."
        ),
        rows=[
            Row(
                what="**an import**",
                values=row.values,
                unit="rows/s",
                target=f"≥ {_TARGET_ROWS:,.0f} rows/s",
                met=row.median >= _TARGET_ROWS,
            )
        ],
    )
