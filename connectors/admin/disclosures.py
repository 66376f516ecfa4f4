"""``puente disclosures``: who saw our events, when, as what and under which grant."""

from __future__ import annotations

import json
from pathlib import Path

import click

from connectors.admin import asking
from connectors.agency_cli import with_profile
from connectors.spoken import say

COLUMNS = ("at", "agency", "by", "projection", "grant", "purpose", "event")
UNREAD = ("accepted_at", "type", "event")


@click.command(
    help=say(
        """Say who saw your agency's events, or one EVENT (the hub's id); entries show within a second.

        \b
        puente disclosures --as ana.toml
        puente disclosures 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --json --as ana.toml   with the members shown
        puente disclosures --unread --as ana.toml""",
        """Dice quién vio los eventos de su agencia, o un EVENT (id del hub); se ve en menos de un segundo.

        \b
        puente disclosures --as ana.toml
        puente disclosures 019ec1f0-7c3a-7e55-8c1b-0242ac120002 --json --as ana.toml   con los miembros vistos
        puente disclosures --unread --as ana.toml""",
    )
)
@click.argument("event", required=False)
@click.option("--unread", is_flag=True, help=say("Those nobody else has read.", "Los que nadie más ha leído."))
@with_profile
@asking.as_json
def disclosures(event: str | None, unread: bool, profile: Path, as_json: bool) -> None:
    """``puente disclosures``"""
    path = "/v1/disclosures/unread" if unread else "/v1/disclosures"
    query = {"event": event} if event and not unread else {}
    rows = []
    with asking.gateway(profile) as opened:
        more = True
        while more:
            page = opened.ask("GET", path, query=query).body
            shown = page.get("fields", {})
            for row in page["events" if unread else "disclosures"]:
                members = shown.get(row["event"], {}).get(row.get("shown_as", row.get("projection")))
                rows.append({**row, "fields": members} if as_json and members is not None else row)
            more = page["more"]
            query["after"] = page["next"]
    for row in rows:  # a line each: what is cut off at the edge of a table is of no use to who must answer for it
        line = " ".join(str(row[name] or "-") for name in (UNREAD if unread else COLUMNS))
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else line)
