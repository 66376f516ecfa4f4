"""The language of the person at the terminal, read once from the environment."""

from __future__ import annotations

import os

from schemas.texts import Text, language_of

LANGUAGE = language_of(os.environ)


def say(en: str, es: str) -> str:
    """One of two wordings: the one for this terminal."""
    return Text(en, es).in_(LANGUAGE)
