"""`puente peer check`: what an operator looks at of a border, each thing with a verdict."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from hub import border_keys, main, main_border
from hub.border.checking import Found, Verdict, is_well, verdicts
from hub.cli.config import with_config
from hub.cli.language import LANGUAGE, say
from hub.picture import Picture
from hub.settings import Settings
from hub.store import Connection, connect
from hub.store import peers as stored
from hub.store.peers import Peer


@click.command(
    help=say(
        "Look at the border to a node: TLS, keys, clocks, rules, what waits, the last receipt. Exit status 1 when"
        " something is wrong.\n\n\b\nExample: puente peer check mx --json",
        "Revisa la frontera con un nodo: TLS, claves, relojes, reglas, lo que espera, el último recibo. Termina con 1"
        " cuando algo está mal.\n\n\b\nEjemplo: puente peer check us --json",
    )
)
@click.argument("peer", metavar="NODE")
@click.option("--json", "as_json", is_flag=True, help=say("For programs.", "Para programas."))
@with_config
def check(peer: str, config: Path | None, *, as_json: bool) -> None:
    """Connects to the other side, and changes nothing."""
    told, at = main.settings(config), main.now()
    with connect(main.database_url(told), name="puente-cli") as conn:
        held = stored.peer(conn, peer)
        if held is None:
            click.echo(say("no such node is known here", "aquí no se conoce ese nodo"), err=True)
            sys.exit(1)
        found = verdicts(_found(told, conn, held), at)
    if as_json:
        click.echo(json.dumps({each.what.code: _told(each) for each in found} | {"is_well": is_well(found)}, indent=2))
    else:
        width = max(len(each.what.in_(LANGUAGE)) for each in found)
        for each in found:
            mark = say("ok   ", "bien ") if each.is_well else say("WRONG", "MAL  ")
            click.echo(f"{mark}  {each.what.in_(LANGUAGE):{width}}  {each.found.in_(LANGUAGE)}")
    sys.exit(0 if is_well(found) else 1)


def _told(verdict: Verdict) -> dict[str, object]:
    return {"found": verdict.found.in_(LANGUAGE), "is_well": verdict.is_well}


def _found(told: Settings, conn: Connection, peer: Peer) -> Found:
    from hub.workers import tls

    crossing = stored.crossing(conn, peer.node)
    assert crossing is not None  # noqa: S101 - it is made with the peer
    rules = Picture.unread(main.limits(told)).refresh(conn).rules
    lag = stored.lag(conn, peer.node)
    seen = tls.look(peer.url, main_border.context_for(told, peer.authority))
    return Found(
        state=peer.state,
        reason=peer.reason,
        tls_version=seen.version,
        tls_issuer=seen.issuer,
        tls_until=seen.until,
        tls_failure=seen.failure,
        our_keys=tuple(key.public for key in border_keys.read(told.state_dir)),
        their_keys=tuple(stored.keys_of(conn, peer.node).values()),
        skew_s=None if crossing.skew_ms is None else crossing.skew_ms / 1000,
        our_policy=rules.version,
        their_policy=crossing.their_policy,
        our_rules=rules.directory.version,
        their_rules=crossing.their_rules,
        lag_events=lag.events,
        unreceipted=lag.unreceipted,
        oldest_s=lag.oldest_s,
        receipted_at=crossing.receipted_at,
        heard_at=crossing.heard_at,
        failure=crossing.failure,
    )
