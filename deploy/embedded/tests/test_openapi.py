"""The committed OpenAPI documents are what the services answer; one that is out of date has a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.registry import SERVICES
from embedded import openapi


def test_the_committed_documents_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, capsys.readouterr().err


def test_what_was_written_passes_the_check_and_is_not_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert openapi.main([], tmp_path) == 0
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(SERVICES)
    assert capsys.readouterr().out.count("wrote") == len(SERVICES)
    assert openapi.main(["--check"], tmp_path) == 0
    assert openapi.main([], tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_a_document_that_is_out_of_date_is_named_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    openapi.main([], tmp_path)
    (tmp_path / "clients.json").unlink()
    stale = json.dumps({"openapi": "3.1.0"})
    (tmp_path / "payments.json").write_text(stale)
    capsys.readouterr()

    assert openapi.main(["--check"], tmp_path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "console/openapi/clients.json" in lines[0]
    assert "console/openapi/payments.json" in lines[1]
    assert (tmp_path / "payments.json").read_text() == stale
    assert not (tmp_path / "clients.json").exists()
