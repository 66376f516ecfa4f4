"""Whatever a person reads is there in English and in Spanish, and the two are not the same."""

from __future__ import annotations

import ast
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hub import errors
from hub.errors import HubError
from schemas.flaws import Flaw
from schemas.texts import Text
from tests.guards.source import PACKAGES, ROOT, Module, modules

Said = list[tuple[str, str, str]]
SAYING = {"Text", "say"}
FLAW = Flaw(path="/id", code="conflict", text=Text("a", "b"))
RAISED: dict[type[HubError], HubError] = {
    errors.Denied: errors.Denied(Text("no", "no se permite")),
    errors.NotVisible: errors.NotVisible(),
    errors.Gone: errors.Gone(),
    errors.Conflict: errors.Conflict(Text("taken", "ocupado")),
    errors.BorderRefused: errors.BorderRefused("clock", Text("late", "tarde")),
    errors.NotAuthenticated: errors.NotAuthenticated(missing=True),
    errors.ClientRefused: errors.ClientRefused("invalid_client", Text("no", "no se acepta")),
    errors.Invalid: errors.Invalid((FLAW,)),
    errors.Outdated: errors.Outdated(),
    errors.MatchRequired: errors.MatchRequired(),
    errors.KeyReused: errors.KeyReused(),
    errors.StillRunning: errors.StillRunning(),
    errors.TooLarge: errors.TooLarge(1),
    errors.TooMany: errors.TooMany(1),
    errors.Unavailable: errors.Unavailable(),
}


def wording(node: ast.expr) -> str | None:
    """A text as it stands in the source, with `{}` for what an f-string fills in; None if it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def texts(module: Module) -> Iterator[tuple[int, str, str]]:
    """Every pair of wordings in a module, with its line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
            pair = [wording(arg) for arg in node.args[:2]]
            if len(pair) == 2 and pair[0] is not None and pair[1] is not None:
                yield node.lineno, pair[0], pair[1]


def bare(text: str) -> str:
    """The letters of a text, without what is filled in."""
    return re.sub(r"\{[^}]*\}|[^A-Za-zÁÉÍÓÚÑáéíóúñ]", "", text)


def filled_in(text: str) -> set[str | None]:
    """The names of a text's places to fill in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(scope="module")
def said() -> Said:
    """Every text of ours: where it is, in English and in Spanish."""
    return [(f"{module.name}:{line}", en, es) for module in modules(*PACKAGES) for line, en, es in texts(module)]


def test_the_guard_sees_the_texts(said: Said) -> None:
    assert len(said) > 300


def test_every_text_says_something_different_in_spanish(said: Said) -> None:
    assert [(where, en) for where, en, es in said if bare(en) and es in ("", en)] == []


def test_both_wordings_are_filled_in_with_the_same(said: Said) -> None:
    with_places = [(where, en, es) for where, en, es in said if "{" in en + es]

    assert [(where, en) for where, en, es in with_places if filled_in(en) != filled_in(es)] == []


@pytest.mark.parametrize("error", RAISED.values(), ids=lambda error: type(error).__name__)
def test_every_error_speaks_both_languages(error: HubError) -> None:
    assert isinstance(error.text, Text)
    assert error.text.es not in ("", str(error.text))


def test_the_errors_above_are_all_there_are() -> None:
    below = [HubError]
    for each in below:
        below.extend(each.__subclasses__())

    assert {each for each in below if not each.__subclasses__()} == set(RAISED)


def test_every_command_and_option_is_explained_in_both_languages() -> None:
    english, spanish = (json.loads(process.communicate(timeout=60)[0]) for process in [spoken("C"), spoken("es_MX")])

    assert english.keys() == spanish.keys() > {"puente", "puente init", "puente demo", "puente connector run"}
    assert [where for where in english if not english[where].strip()] == []
    assert [where for where in english if english[where] == spanish[where]] == []
    assert [where for where, words in (english | spanish).items() if r"\b" in words] == []


def spoken(locale: str) -> subprocess.Popen[str]:
    """The words of the command line, asked for in a locale; both run at once."""
    command = [sys.executable, "-m", "tests.guards.cli_words"]
    environment = {**os.environ, "LC_ALL": f"{locale}.UTF-8", "LANGUAGE": "", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
