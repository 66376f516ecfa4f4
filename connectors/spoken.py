"""The language of the person at the terminal, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from schemas.texts import Language, Text


def language(environment: Mapping[str, str]) -> Language:
    """Spanish if the locale says so (POSIX: LC_ALL, then LC_MESSAGES, then LANG), else English."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "es" if locale.lower().startswith("es") else "en"


LANG = language(os.environ)


def say(en: str, es: str) -> str:
    """One of two wordings: the one for this terminal."""
    return Text(en, es).in_(LANG)
