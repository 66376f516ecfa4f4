"""The language of the person at the terminal, read once from the environment."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

from schemas.texts import Text, language_of

LANGUAGE = language_of(os.environ)

if LANGUAGE == "es":  # what click says on its own ("Usage:", "No such command") it looks up here
    gettext.bindtextdomain("messages", str(Path(__file__).with_name("locale")))


def say(en: str, es: str) -> str:
    """One of two wordings: the one for this terminal."""
    return Text(en, es).in_(LANGUAGE)
