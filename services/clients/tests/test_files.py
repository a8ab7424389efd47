"""Clients by the file: import as spreadsheets and programs write them, export as they read them."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from services.clients.tests.driver import Caller, Suite

HEADER = "Vorname;Nachname;E-Mail;Telefon;Geburtsdatum;Schlagworte\n"


def post_file(caller: Caller, content: str | bytes, kind: str = "text/csv", query: str = "", **headers: str) -> Any:
    return caller.upload(f"/v1/clients/import?{query}", content, kind, **headers)


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["status"] for row in answer.json["rows"]]


def finish(suite: Suite) -> int:
    """Let the service's jobs work until nothing is left; how many portions that were."""
    [job] = [job for job in suite.service.jobs() if job.name == "imports"]
    portions = 0
    while job.run():
        portions += 1
    return portions


def test_a_german_spreadsheet_is_taken_in(provider: Caller) -> None:
    content = HEADER + "Jörg;Groß;joerg@example.com;0151 23456789;01.05.1990;VIP, neu\n;;;;;\nÖzlem;;;;;\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        answer = post_file(provider, content.encode(encoding))
        assert answer.status_code == 200, answer.text
        assert [row["row"] for row in answer.json["rows"]] == [1, 3]
    found = provider.get("/v1/clients?q=joerg").json["data"][0]
    assert (found["name"], found["phone"], found["birth_date"], found["tags"]) == (
        "Jörg Groß",
        "+4915123456789",
        "1990-05-01",
        ["VIP", "neu"],
    )
    assert sorted(provider.found()) == ["Jörg Groß", "Özlem"]


def test_a_year_of_two_digits_is_never_one_to_come(provider: Caller) -> None:
    assert statuses(post_file(provider, "Name;Geburtsdatum\nAnna;1.5.68\n")) == ["created"]
    assert provider.get("/v1/clients").json["data"][0]["birth_date"] == "1968-05-01"


@pytest.mark.parametrize(
    "content",
    [
        b'sep=,\r\nname,email\r\n"M\xfcller, Anna",anna@example.com\r\n',
        b"name\temail\nM\xfcller, Anna\tanna@example.com\n",
        "name|email\rMüller, Anna|anna@example.com\r".encode(),
        '\ufeff"Name";"E-Mail"\n"Müller, Anna";"anna@example.com"'.encode(),
        '\ufeffName\tE-Mail\r\n"Müller, Anna"\tanna@example.com\r\n'.encode("utf-16-le"),
        '\ufeffName\tE-Mail\r\n"Müller, Anna"\tanna@example.com\r\n'.encode("utf-16-be"),
        "\r\n;;\r\n;Name;E-Mail\r\n;Müller, Anna;anna@example.com\r\n;;\r\n".encode(),
        "\ufeff\nsep=|\nname|email\nMüller, Anna|anna@example.com".encode(),
    ],
)
def test_whatever_a_spreadsheet_writes_is_read(provider: Caller, content: bytes) -> None:
    assert statuses(post_file(provider, content)) == ["created"]
    assert provider.get("/v1/clients").json["data"][0]["name"] == "Müller, Anna"


@pytest.mark.parametrize(
    ("charset", "name"),
    [("windows-1251", "Иванова Анна"), ("iso-8859-2", "Łucja Żak"), ("shift_jis", "山田花子"), ("utf-8", "Ζωή")],
)
def test_an_encoding_that_is_told_is_believed(provider: Caller, charset: str, name: str) -> None:
    assert statuses(
        post_file(provider, f"name;tags\n{name};a,b\n".encode(charset), f"text/csv; charset={charset}")
    ) == ["created"]
    assert provider.found() == [name]


def test_cells_of_several_lines_and_quotes_are_read_as_they_are(provider: Caller) -> None:
    assert statuses(post_file(provider, 'name,address,notes\r\n"Anna ""Ann"" M.","A 1\r\nB","x;\ny"\r\n')) == [
        "created"
    ]
    client = provider.get("/v1/clients").json["data"][0]
    assert (client["name"], client["address"].splitlines(), client["notes"]) == ('Anna "Ann" M.', ["A 1", "B"], "x;\ny")


def test_one_bad_row_loses_no_good_one_and_says_what_is_wrong(provider: Caller) -> None:
    answer = post_file(
        provider, "name,email,phone\nA,a@example.com,\n,b@example.com,\nC,not an address,12\nD,,0151 23456789\n"
    )
    assert statuses(answer) == ["created", "failed", "failed", "created"]
    assert {name: answer.json[name] for name in ("total", "created", "duplicates", "failed", "status")} == {
        "total": 4, "created": 2, "duplicates": 0, "failed": 2, "status": "completed",
    }  # fmt: skip
    pointers = [[error["pointer"] for error in row["errors"]] for row in answer.json["rows"]]
    assert pointers == [[], ["/name"], ["/email", "/phone"], []]


def test_repeating_an_import_makes_nothing_twice(suite: Suite, provider: Caller) -> None:
    content = "name,email,phone,notes\nA,a@example.com,,\nB,,0151 23456789,\nC,,,likes tea\nC,,,likes cake\nA again,A@example.com,,\n"
    first = post_file(provider, content)
    assert statuses(first) == ["created"] * 4 + ["duplicate"]
    assert first.json["rows"][4]["client_id"] == first.json["rows"][0]["client_id"]
    again = post_file(provider, content)
    assert statuses(again) == ["duplicate"] * 5
    ids = [[row["client_id"] for row in answer.json["rows"]] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert len(provider.found()) == 4
    assert [type_ for type_, _ in suite.told()] == ["client.created"] * 4


def test_two_who_share_a_number_are_two(provider: Caller) -> None:
    assert statuses(post_file(provider, "name,phone\nA,0151 23456789\nB,0151 23456789\n")) == ["created", "created"]


def test_a_dry_run_says_the_same_and_changes_nothing(suite: Suite, provider: Caller) -> None:
    provider.made(name="Old", email="old@example.com")
    content = "name,email\nA,a@example.com\nA,a@example.com\nOld,old@example.com\nB,wrong\n"
    dry = post_file(provider, content, query="dry_run=true")
    assert (statuses(dry), dry.json["dry_run"]) == (["created", "duplicate", "duplicate", "failed"], True)
    assert provider.found() == ["Old"]
    assert len(suite.told()) == 1
    assert statuses(post_file(provider, content)) == statuses(dry)


def test_a_long_import_goes_on_behind_and_can_be_looked_at(suite: Suite, provider: Caller) -> None:
    rows = [{"name": f"Client {number}", "email": f"c{number % 1100}@example.com"} for number in range(1200)]
    for dry_run in ("true", "false"):
        answer = post_file(provider, json.dumps(rows), "application/json", f"dry_run={dry_run}")
        assert (answer.status_code, answer.json["status"], answer.json["total"]) == (202, "queued", 1200)
        path = answer.headers["Location"].removeprefix("http://127.0.0.1:8000/clients")
        assert finish(suite) == 3
        report = provider.get(path).json
        assert (report["status"], report["created"], report["duplicates"]) == ("completed", 1100, 100)
        assert [row["row"] for row in report["rows"]] == list(range(1, 1201))
    assert len(provider.found("limit=200&q=client")) == 200


@pytest.mark.parametrize("between", [0, 600])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_row_without_email_is_a_duplicate_of_an_earlier_one_of_its_name_and_number_however_far_apart_they_are(
    suite: Suite, provider: Caller, dry_run: bool, between: int
) -> None:
    first = {"name": "Anna", "email": "anna@example.com", "phone": "0151 23456789"}
    others = [{"name": f"Client {number}", "email": f"c{number}@example.com"} for number in range(between)]
    rows = [first, *others, {"name": "Anna", "phone": "0151 23456789"}]
    answer = post_file(provider, json.dumps(rows), "application/json", f"dry_run={str(dry_run).lower()}")
    finish(suite)
    report = provider.get(f"/v1/clients/import/{answer.json['id']}").json

    assert (report["created"], report["duplicates"]) == (between + 1, 1)


def test_an_import_that_was_killed_goes_on_where_it_was_and_repeated_makes_nothing_twice(
    suite: Suite, provider: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.dumps([{"name": f"Client {number}"} for number in range(1200)])
    path = (
        post_file(provider, rows, "application/json").headers["Location"].removeprefix("http://127.0.0.1:8000/clients")
    )
    [job] = [job for job in suite.service.jobs() if job.name == "imports"]
    job.run()
    assert provider.get(path).json["created"] == 500
    store = suite.service.store

    def be_killed() -> None:
        with store.transaction():
            job.run()
            raise KeyboardInterrupt  # the process dies before the second part is committed

    with pytest.raises(KeyboardInterrupt):
        be_killed()
    standing = provider.get(path).json
    assert (standing["status"], standing["created"], len(standing["rows"])) == ("running", 500, 500)
    repeated = (
        post_file(provider, rows, "application/json").headers["Location"].removeprefix("http://127.0.0.1:8000/clients")
    )
    finish(suite)
    first, second = provider.get(path).json, provider.get(repeated).json
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert first["created"] + second["created"] == 1200
    assert first["duplicates"] + second["duplicates"] == 1200
    with store.reading():
        assert store.execute("SELECT count(*) FROM clients") == [(1200,)]
        assert store.execute("SELECT count(*) FROM import_parts") == [(0,)]


def test_two_imports_of_the_same_people_at_once_make_them_once(suite: Suite, provider: Caller) -> None:
    content = "name,email\n" + "".join(f"C{number},c{number}@example.com\n" for number in range(100))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: post_file(provider, content), range(4)))
    assert sum(answer.json["created"] for answer in answers) == 100
    assert sum(answer.json["duplicates"] for answer in answers) == 300


def test_rows_past_the_plans_limit_fail(suite: Suite) -> None:
    suite.account("acc_free", plan="free")
    beginner = suite.caller("acc_free")
    beginner.made(name="First")
    content = "name\n" + "".join(f"C{number}\n" for number in range(25))
    for query in ("dry_run=true", ""):
        answer = post_file(beginner, content, query=query)
        assert statuses(answer) == ["created"] * 19 + ["failed"] * 6
        assert answer.json["rows"][-1]["errors"][0]["code"] == "plan_limit_reached"
    assert statuses(post_file(beginner, "name\nC3\nNew\n")) == ["duplicate", "failed"]
    assert len(beginner.found("limit=200")) == 20


def test_headers_are_mapped_as_said(provider: Caller) -> None:
    answer = post_file(
        provider, "Wer,Kontakt,Farbe\nAnna,anna@example.com,rot\n", query="columns=Wer:name,Kontakt:email"
    )
    assert (statuses(answer), answer.json["ignored_columns"]) == (["created"], ["Farbe"])
    assert provider.get("/v1/clients").json["data"][0]["email"] == "anna@example.com"


@pytest.mark.parametrize(
    ("content", "kind", "query", "status"),
    [
        ("email\na@example.com\n", "text/csv", "", 422),
        ("", "text/csv", "", 422),
        ("name\nA\n", "text/csv", "columns=Wer:name", 422),
        ("name\nA\n", "text/csv", "columns=name:shoe", 422),
        ("name\nA\n", "text/csv", "columns=name", 422),
        ("name\nA\n", "text/csv", "dry_run=perhaps", 422),
        ("name\nA\n", "text/csv; charset=klingon", "", 422),
        (b"name\nM\xfcller\n", "text/csv; charset=utf-8", "", 422),
        ("<a/>", "application/xml", "", 415),
        ('[{"name": "A"}, {"name"', "application/json", "", 400),
        ('[{"name": "A"}] more', "application/json", "", 400),
        ('[{"name": "A"} {"name": "B"}]', "application/json", "", 400),
        ('{"name": "A"}', "application/json", "", 400),
        ('[{"name": NaN}]', "application/json", "", 400),
        (b'[{"name": "\xff"}]', "application/json", "", 400),
        ("[" * 100_000, "application/json", "", 400),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(
    provider: Caller, content: str | bytes, kind: str, query: str, status: int
) -> None:
    answer = post_file(provider, content, kind, query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert provider.found() == []


def test_odd_rows_of_json_fail_alone(provider: Caller) -> None:
    rows = [
        {"name": "A", "id": "cli_old", "version": 3}, {"name": "B", "shoe": 1}, 7, None, [], {"name": "\x00"}, {"name": "C", "notes": "\ud800"},
        {"name": "D", "birth_date": "1990-02-31"}, {"name": "E", "contact": {"sms": False}},
    ]  # fmt: skip
    answer = post_file(provider, json.dumps(rows), "application/json")
    assert statuses(answer) == ["created", *["failed"] * 7, "created"]
    assert provider.get("/v1/clients?q=E").json["data"][0]["contact"] == {"email": True, "sms": False}
    assert statuses(post_file(provider, "[]", "application/json")) == []


def test_import_and_its_report_are_by_account_and_scope(suite: Suite, provider: Caller, stranger: Caller) -> None:
    assert post_file(suite.caller("acc_one", scope="clients:read"), "name\nA\n").status_code == 403
    without_notes = suite.caller("acc_one", scope="clients:read clients:write")
    assert post_file(without_notes, "name,notes\nA,private\n").status_code == 403
    path = post_file(provider, "name\nA\n").headers["Location"].removeprefix("http://127.0.0.1:8000/clients")
    assert provider.get(path).json["rows"][0]["status"] == "created"
    assert stranger.get(path).status_code == 404
    assert post_file(suite.caller("acc_unknown"), "name\nA\n").status_code == 503


def test_the_same_key_gives_the_same_answer_and_another_file_is_refused(provider: Caller) -> None:
    first = post_file(provider, "name\nA\n", Idempotency_Key="k")
    again = post_file(provider, "name\nA\n", Idempotency_Key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    other = post_file(provider, "name\nB\n", Idempotency_Key="k")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_reports_are_forgotten_after_a_month(suite: Suite, provider: Caller) -> None:
    path = post_file(provider, "name\nA\n").headers["Location"].removeprefix("http://127.0.0.1:8000/clients")
    [job] = [job for job in suite.service.jobs() if job.name == "import-retention"]
    assert job.run() == 0
    suite.pass_time(days=31)
    assert job.run() == 1
    assert provider.get(path).status_code == 404


def test_an_export_is_a_table_that_an_import_takes_back(suite: Suite, provider: Caller) -> None:
    suite.account("acc_new")
    other = suite.caller("acc_new")
    provider.made(
        name='=HYPERLINK("x")', email="a@example.com", phone="+4915123456789", birth_date="1990-05-01", address="A 1\nB",
        tags=["one, two"], notes="@secret", locale="de", timezone="Europe/Berlin", contact={"sms": False},
    )  # fmt: skip
    provider.made(name="'-quoted", tags=["a", "b"])
    provider.delete(f"/v1/clients/{provider.made(name='Gone')['id']}")
    exported = provider.get("/v1/clients/export")
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    cells = [cell for row in csv.reader(io.StringIO(exported.text.lstrip("\ufeff"))) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}]
    assert statuses(post_file(other, exported.text)) == ["created", "created"]

    def told(caller: Caller) -> list[Any]:
        hidden = {"id", "account_id", "created_at", "updated_at", "contact_history"}
        return [
            {name: value for name, value in client.items() if name not in hidden}
            for client in caller.get("/v1/clients/export", Accept="application/json").json
        ]

    assert told(other) == told(provider)
    assert len(told(provider)) == 2


def test_an_export_leaves_private_notes_to_their_scope_and_other_accounts_alone(
    suite: Suite, provider: Caller, stranger: Caller
) -> None:
    provider.made(name="Anna", notes="private")
    stranger.made(name="Theirs")
    reader = suite.caller("acc_one", scope="clients:read")
    for kind in ("text/csv", "application/json"):
        text = reader.get("/v1/clients/export", Accept=kind).text
        assert ("Anna" in text, "private" in text, "Theirs" in text) == (True, False, False)
    assert reader.get("/v1/clients/export", Accept="image/png").status_code == 406
    assert stranger.get("/v1/clients/export", Accept="application/json").json[0]["name"] == "Theirs"
