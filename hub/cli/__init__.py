"""`puente`: the node's commands, and those that an agency's side adds through entry points."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points

import click

from hub.cli.language import LANGUAGE, say
from hub.cli.sections import OTHERS, SECTIONS
from hub.embedded.errors import EmbeddedError
from hub.errors import HubError
from hub.settings import SettingsError
from schemas.texts import Text

ABOUT = Text(
    "A hub for missing-child and trafficking alerts between agencies of two countries.",
    "Un centro de alertas de menores desaparecidos y trata entre agencias de dos países.",
)

# Exit status: 0 done, 1 refused or not found, 2 wrong use or settings, 3 something needed is away.
USAGE, AWAY = 2, 3
PLUGINS = "puente.commands"
LONG = 200  # characters of a command's first sentence: none is cut off


# Where the node's commands are; each module is loaded when its command is asked for.
MODULES = {
    "audit": "hub.cli.audit",
    "init": "hub.cli.init",
    "peer": "hub.cli.peers",
    "backup": "hub.cli.copies",
    "restore": "hub.cli.copies",
    "demo": "hub.cli.demo",
    **dict.fromkeys(
        (
            *("up", "migrate", "gateway", "management", "ingest", "sequencer", "notary", "reconciler", "relay"),
            *("keeper", "dispatcher", "sender", "mailer", "outflow", "border", "checkpoint", "stream"),
        ),
        "hub.cli.node",
    ),
}

# What the hub adds to groups of entry points: what works on the database, or checks what it has signed.
ADDED = {"grant": "hub.cli.grants", "receipts": "hub.cli.certificates"}


class Commands(click.Group):
    """The node's commands and those of entry points, loaded one at a time: an agency's machine needs no server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, in order."""
        return sorted({*super().list_commands(ctx), *MODULES, *(plugin.name for plugin in entry_points(group=PLUGINS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command."""
        if cmd_name in MODULES:
            own: click.Command = getattr(import_module(MODULES[cmd_name]), cmd_name)
            return own
        for plugin in entry_points(group=PLUGINS, name=cmd_name):
            loaded: click.Command = plugin.load()
            if cmd_name in ADDED and isinstance(loaded, click.Group):
                for each in getattr(import_module(ADDED[cmd_name]), cmd_name).commands.values():
                    loaded.add_command(each)
            return loaded
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By who uses them, each with its first sentence; what another package adds comes last."""
        named = {name for _, names in SECTIONS for name in names}
        others = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, names in (*SECTIONS, (OTHERS, others)):
            known = [(name, command) for name in names if (command := self.get_command(ctx, name)) is not None]
            rows = [(name, command.get_short_help_str(limit=LONG)) for name, command in known]
            if rows:
                with formatter.section(title.in_(LANGUAGE)):
                    formatter.write_dl(rows)


@click.group(cls=Commands, help=ABOUT.in_(LANGUAGE), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="puente", help=say("Show the version.", "Muestra la versión."))
def cli() -> None:
    """Collects the commands below."""


def main() -> None:
    """Run a command; what goes wrong is one clear line and an exit status."""
    try:
        cli(prog_name="puente")
    except SettingsError as error:
        for problem in error.problems:
            click.echo(problem.in_(LANGUAGE), err=True)
        sys.exit(USAGE)
    except (EmbeddedError, HubError) as error:
        click.echo(error.text.in_(LANGUAGE), err=True)
        sys.exit(AWAY)
