"""`puente demo`: see it work."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from hub import main
from hub.cli.language import LANGUAGE
from hub.demo.play import play
from schemas.texts import Text

HELP = Text(
    "Two nodes on this machine, the shipped samples through the whole path, and what each reader got.\n\n"
    "Exit status 0 when every reader got exactly what it should.\n\n\b\n"
    "Example: puente demo --once --input ~/alerts",
    "Dos nodos en este equipo, las muestras por todo el camino y lo que recibió cada lector.\n\n"
    "Termina con 0 cuando cada lector recibió exactamente lo que debía.\n\n\b\n"
    "Ejemplo: puente demo --once --input ~/alertas",
)
INPUT = Text(
    "A folder of your own: *.xml is read as CAP, *.csv and *.xlsx as HTCDS 2.0 tables.",
    "Una carpeta propia: *.xml se lee como CAP, *.csv y *.xlsx como tablas HTCDS 2.0.",
)
ONCE = Text("End after the comparison.", "Termina tras la comparación.")


@click.command(help=HELP.in_(LANGUAGE))
@click.option(
    "--input", "chosen", type=click.Path(path_type=Path, exists=True, file_okay=False), help=INPUT.in_(LANGUAGE)
)
@click.option("--once", is_flag=True, help=ONCE.in_(LANGUAGE))
@click.option("--config", "folder", type=click.Path(path_type=Path), default=Path("config/demo"), hidden=True)
def demo(chosen: Path | None, folder: Path, *, once: bool) -> None:
    """Starts and ends everything it needs."""
    stopping = main.until_told()
    if not play(folder, Console(), LANGUAGE, chosen=chosen, once=once, stopping=stopping):
        sys.exit(1)
