"""`puente --help`: every command has its place among those of who uses it."""

from __future__ import annotations

import click
from click.testing import CliRunner

from hub.cli import cli
from hub.cli.language import LANGUAGE
from hub.cli.sections import SECTIONS


def test_every_command_has_one_place() -> None:
    named = [name for _, names in SECTIONS for name in names]

    assert sorted(named) == cli.list_commands(click.Context(cli))


def test_the_sections_come_in_their_order_and_hold_everything() -> None:
    told = CliRunner().invoke(cli, ["--help"]).output

    headings = [line for line in told.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings[1:] == [f"{title.in_(LANGUAGE)}:" for title, _ in SECTIONS]  # the first one is that of the options


def test_no_sentence_is_cut_off() -> None:
    assert "..." not in CliRunner().invoke(cli, ["--help"]).output.partition("\n")[2]
