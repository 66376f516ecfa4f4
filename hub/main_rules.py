"""Rules that are files: read whole, or refused with every problem."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, cast

from marshmallow import ValidationError

from hub.ladder_rows import load_ladders
from hub.settings import SettingsError
from schemas.flaws import flatten
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hub.ladders import Ladders
    from hub.settings import Settings


def read(path: Path, load: Callable[[dict[str, Any], bytes], Any]) -> tuple[Any, list[Text]]:
    """What `load` makes of a TOML file, or None and every problem."""
    try:
        raw = path.read_bytes()
        return load(tomllib.loads(raw.decode("utf-8")), raw), []
    except ValidationError as error:
        found = list(flatten(error.messages))
        return None, [Text("{f}{p}: {t}", "{f}{p}: {t}").format(f=path, p=flaw.path, t=flaw.text) for flaw in found]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return None, [Text("{f}: {why}", "{f}: {why}").format(f=path, why=error)]


def ladders(told: Settings) -> Ladders:
    """
    Who must acknowledge what, from its file.

    Raises:
        SettingsError: with every problem of it.
    """
    found, problems = read(told.file(told.node.escalation_file), load_ladders)
    if found is None:
        raise SettingsError(problems)
    return cast("Ladders", found)
