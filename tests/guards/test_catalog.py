"""What click says on its own is said in Spanish where the terminal speaks Spanish, all of it."""

from __future__ import annotations

import os
import re
import string
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo

from tests.guards.catalog import COMPILED, read
from tests.guards.source import ROOT

WORDS = [message for message in read() if message.id]


def wordings(said: str | Sequence[str] | None) -> tuple[str, ...]:
    """One, or those for one and for many."""
    return (said,) if isinstance(said, str) else tuple(said or ())


def pair(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """In English and in Spanish."""
    return wordings(message.id), wordings(message.string)


def places(said: tuple[str, ...]) -> set[str | None]:
    """What is filled in."""
    text = " ".join(said)
    return {name for _, name, _, _ in string.Formatter().parse(text)} | set(re.findall(r"%\(\w+\)s", text))


def told(*words: str, language: str = "") -> str:
    """What `puente` answers at a terminal in Mexico, to somebody who prefers `language`."""
    command = [sys.executable, "-m", "hub.cli", *words]
    environment = {**os.environ, "LC_ALL": "es_MX.UTF-8", "LANGUAGE": language}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_what_the_terminal_reads_is_what_people_wrote() -> None:
    with COMPILED.open("rb") as opened:
        held = read_mo(opened)

    assert sorted(pair(message) for message in held if message.id) == sorted(map(pair, WORDS))
    assert (held.num_plurals, held.plural_expr) == (2, "(n != 1)")


def test_everything_that_click_can_say_is_said_in_spanish() -> None:
    found = extract_from_dir(Path(click.__file__).parent, [("**.py", "python")])
    said = {wordings(ids)[:2] for _, _, ids, _, _ in found}

    assert said - {english for english, spanish in map(pair, WORDS) if all(spanish)} == set()


def test_both_wordings_are_filled_in_with_the_same() -> None:
    assert [english for english, spanish in map(pair, WORDS) if places(english) != places(spanish)] == []


def test_a_wrong_command_is_named_in_spanish() -> None:
    assert "Error: No existe el comando 'nada'." in told("nada")


def test_who_prefers_english_hears_nothing_else() -> None:
    assert "Error: No such command 'nada'." in told("nada", language="en:es")


def test_help_is_headed_in_spanish() -> None:
    assert told("token", "--help").startswith("Uso: puente token")
