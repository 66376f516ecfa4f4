"""`config/hub.toml` names every setting with its default and a word about it, and names no other."""

from __future__ import annotations

import dataclasses
import re
import tomllib

from hub.settings import Settings
from tests.guards.source import ROOT

TEXT = (ROOT / "config" / "hub.toml").read_text("utf-8")
SAID = tomllib.loads(TEXT)
DEFAULTS = {name: section for name, section in dataclasses.asdict(Settings()).items() if name != "base"}


def test_every_setting_stands_in_the_file_with_its_default() -> None:
    assert SAID == DEFAULTS


def test_a_default_is_written_as_what_it_is() -> None:
    kinds = {(name, key): type(value) for name, section in DEFAULTS.items() for key, value in section.items()}

    assert {(name, key): type(SAID[name][key]) for name, key in kinds} == kinds


def test_every_setting_has_a_comment() -> None:
    settings = [line for line in TEXT.splitlines() if re.match(r"\w+ = ", line)]

    assert len(settings) == sum(map(len, DEFAULTS.values()))
    assert [line for line in settings if not re.search(r"\s# .{3,}", line)] == []
