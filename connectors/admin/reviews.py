"""``puente review``: grants that nobody has confirmed for long are asked about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from connectors.admin.asking import as_json, at, gateway, show
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = {
    "grant": say("grant", "permiso"),
    "agency": say("owner", "propietaria"),
    "answer": say("answer", "respuesta"),
}


@click.group(help=say("Whether grants are still wanted.", "Si los permisos siguen haciendo falta."))
def review() -> None:
    """``puente review``"""


@review.command(
    help=say(
        """Ask the owners of every grant without a word of theirs within 90 days; silence ends their part when it is
        due. They answer with 'puente grant confirm'.

        \b
        puente review start --due 30 --as olga.toml""",
        """Pregunta a quienes respaldan permisos sin confirmar en 90 días; el silencio termina su parte al vencer.
        Responden con 'puente grant confirm'.

        \b
        puente review start --due 30 --as olga.toml""",
    )
)
@click.option("--due", default=30, show_default=True, help=say("Days to answer.", "Días para responder."))
@with_profile
def start(due: int, profile: Path) -> None:
    """``puente review start``"""
    with gateway(profile) as opened:
        _print(opened.ask("POST", "/v1/reviews", body={"due_days": due}).body)


@review.command(
    "show",
    help=say(
        """Show the newest review, or one by its id: which grants were confirmed, which lapsed, which are open.

        \b
        puente review show --as olga.toml""",
        """Muestra la última revisión, o una por su id: qué permisos se confirmaron, vencieron o siguen abiertos.

        \b
        puente review show --as olga.toml""",
    ),
)
@click.argument("review_id", required=False)
@with_profile
@as_json
def show_(review_id: str | None, profile: Path, as_json: bool) -> None:
    """``puente review show``"""
    with gateway(profile) as opened:
        if review_id is None:
            found = opened.ask("GET", "/v1/reviews", query={"limit": "1"}).body["reviews"]
        else:
            found = [opened.ask("GET", at("reviews", review_id)).body]
    for one in found:
        if as_json:
            click.echo(json.dumps(one, ensure_ascii=False))
        else:
            _print(one)


def _print(shown: Mapping[str, Any]) -> None:
    click.echo(
        say(
            f"{shown['id']}: by {shown['started_by']}, due {shown['due_at']}",
            f"{shown['id']}: de {shown['started_by']}, vence {shown['due_at']}",
        )
    )
    show(shown["grants"], COLUMNS, as_json=False)
