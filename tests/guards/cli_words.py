"""Prints what `puente --help` says at every level, as JSON; the language is read once, from the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from hub.cli import cli


def words(command: click.Command, path: str, context: click.Context) -> Iterator[tuple[str, str]]:
    """Each command's help, and each option's, by where it stands."""
    yield path, command.help or ""
    for each in command.params:
        if isinstance(each, click.Option) and each.help:
            yield f"{path} {each.opts[0]}", each.help
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from words(below, f"{path} {name}", context)


if __name__ == "__main__":
    print(json.dumps(dict(words(cli, "puente", click.Context(cli)))))
