"""`puente demo`: see it work."""

import click


@click.command()
def demo() -> None:
    """Placeholder."""
