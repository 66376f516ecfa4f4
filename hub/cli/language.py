"""The language of the command line: the locale's, English or Spanish."""

from __future__ import annotations

import os


def of_environment() -> str:
    """`es` when the locale is Spanish, else `en` (POSIX order: LC_ALL, LC_MESSAGES, LANG)."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "es" if value.lower().startswith("es") else "en"
    return "en"


LANGUAGE = of_environment()
