"""``puente connector`` from the outside: what it prints and how it exits."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors.cli import connector
from connectors.journal import Journal
from schemas.texts import language_of
from tests.connectors import endpoints
from tests.connectors.table import sheets

# A broker and a token endpoint that nobody comes to ask.
PUBLISHING = (
    "--set=kafka.bootstrap=['127.0.0.1:9']",
    "--set=kafka.security=sasl_plaintext",
    "--set=oauth.token_endpoint=http://127.0.0.1:9/token",
    "--set=oauth.issuer=https://us.issuer.example",
    "--set=oauth.client_id=us-ca-sdpd",
    "--set=oauth.key_file=agency.pem",
    "--set=oauth.audience=us/kafka",
)


def puente(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(connector, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    sheets.load(tmp_path)
    return tmp_path / "connector.toml"


def test_check_shows_label_events_and_refusals_and_its_exit_status_tells(tmp_path: Path, config: Path) -> None:
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"), ("2", "Nearly", "Bo"))
    result = puente("check", config)

    assert result.exit_code == 1
    assert "tlp: amber" in result.stdout
    assert "rel_to: (none: stays in its country)" in result.stdout
    assert "cases.csv row 2 → case.trafficking.opened" in result.stdout
    assert '- cases.csv row 3 Status [unknown-code] Column "Status": This is none of the codes' in result.stdout
    assert "1 events, 1 refused, 0 documents unread" in result.stdout


def test_check_of_named_files_as_json_lines(tmp_path: Path, config: Path) -> None:
    other = sheets.write_csv(tmp_path, ("9", "Active", ""), name="other.csv")
    result = puente("check", config, other, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]

    assert result.exit_code == 0
    assert [line["kind"] for line in lines] == ["connector", "event", "summary"]
    assert lines[0]["label"] == {"tlp": "amber", "rel_to": [], "audience": []}
    assert lines[1]["event"]["subject"] == "9"


def test_check_says_which_columns_lead_nowhere_and_which_stay(tmp_path: Path) -> None:
    sheets.load(tmp_path, columns='"Name" = "/data/victims/0/prs_FirstName"')
    sheets.write_csv(tmp_path, ("1", "Active", "", "Canary", ""), headings=(*sheets.HEADINGS, "Name", "Shoe size"))
    result = puente("check", tmp_path / "connector.toml")

    assert "Columns that lead nowhere: Shoe size" in result.stdout
    assert "Columns that stay here, being above [table] highest: Name" in result.stdout
    assert "Canary" not in result.stdout


def test_a_source_that_is_not_there_is_unread_and_not_empty(config: Path) -> None:
    result = puente("check", config, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1]) == {"kind": "summary", "events": 0, "refusals": 0, "unknown": 1}


def test_a_configuration_that_cannot_be_used_exits_with_2(tmp_path: Path, config: Path) -> None:
    assert puente("check", config, "--set", "connector.agency=SDPD").exit_code == 2
    assert puente("check", config, "--set", "nonsense").exit_code == 2
    assert puente("run", config, "--once").exit_code == 2  # no broker, no identity
    assert puente("check", tmp_path / "none.toml").exit_code == 2


def test_a_fault_of_its_own_exits_with_70_and_not_as_a_refusal(tmp_path: Path, config: Path) -> None:
    endpoints.write_key(tmp_path)
    sheets.write_csv(tmp_path, ("1", "Active", "Ann"))
    with Journal(tmp_path / "state", "test-cases"):
        pass
    with closing(sqlite3.connect(tmp_path / "state" / "journal.sqlite3")) as journal:
        journal.execute("DROP TABLE issued")

    result = puente("run", config, "--once", *PUBLISHING)

    assert result.exit_code == 70
    assert "OperationalError journal.py:" in result.stderr
    assert "Ann" not in result.stderr


def test_status_of_one_that_never_ran(config: Path) -> None:
    assert puente("status", config).exit_code == 1


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "es_MX.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "es", "LANG": "en_US"}, "es"),
        ({"LANGUAGE": "es", "LC_ALL": "en_US.UTF-8"}, "es"),
        ({"LANGUAGE": "en_US:es", "LANG": "es_MX.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_locale_s(environment: dict[str, str], expected: str) -> None:
    assert language_of(environment) == expected
