"""The README names every code a sender or operator can meet, and no other."""

from __future__ import annotations

import importlib
import pkgutil
import re

import connectors.cap
from connectors.cap import settings
from schemas import places
from schemas.texts import Text
from tests.connectors.cap.world import ROOT

FROM_ELSEWHERE = {places.UNKNOWN_CODE.code, places.US_CODE_FROM_MEXICO.code, "http-500"}
README = (ROOT / "connectors" / "cap" / "README.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([a-z]+(?:-[a-z0-9]+)*)`")


def complaints() -> set[str]:
    """The codes of all messages about documents and feeds; those about settings name their place by themselves."""
    modules = [
        importlib.import_module(f"connectors.cap.{found.name}")
        for found in pkgutil.iter_modules(connectors.cap.__path__)
    ]
    texts = [value for module in modules for value in vars(module).values() if isinstance(value, Text) and value.code]
    about_settings = {value.code for value in vars(settings).values() if isinstance(value, Text)} | {
        "not-a-certificate"
    }
    return {text.code for text in texts} - about_settings


def test_every_code_is_in_the_readme() -> None:
    assert complaints() | FROM_ELSEWHERE <= set(CODE.findall(README))


def test_the_readme_names_no_code_that_does_not_exist() -> None:
    section = README.partition("## What is wrong")[2].partition("## Decisions")[0]
    named = {code for code in CODE.findall(section) if "-" in code}

    assert named <= complaints() | FROM_ELSEWHERE
