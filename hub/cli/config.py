"""The option that every command of a node takes: where its settings are."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.language import LANGUAGE
from schemas.texts import Text

CONFIG_HELP = Text(
    "Settings file; else $PUENTE_CONFIG, else config/hub.toml.",
    "Archivo de ajustes; si no, $PUENTE_CONFIG o config/hub.toml.",
)
with_config = click.option(
    "--config", "config", type=click.Path(path_type=Path), help=CONFIG_HELP.in_(LANGUAGE), default=None
)
