"""Warn of what ends soon: once at each threshold, in the audit, for everybody who reads it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import reminders
from hub.directory import Agency, Kind
from hub.policy import Decision
from hub.principal import Principal
from hub.store import audit, credentials
from hub.store import reminders as noted
from schemas.texts import Text

if TYPE_CHECKING:
    from datetime import datetime

    from hub.picture import View
    from hub.reminders import Ending, Warned
    from hub.store import Connection

SOON = Text("ends soon", "termina pronto")


def warn(conn: Connection, view: View, node: str, at: datetime) -> list[Warned]:
    """
    Put on record what has come to a threshold before its end and was not warned of at it; what that was.

    Each with its entry in one transaction, so that none is lost or told twice, whoever else is at it.
    """
    directory = view.rules.directory
    active = [agency for agency in directory.agencies.values() if agency.is_active]
    keys = credentials.ending(conn, before=at + reminders.LONGEST)
    endings = [
        *reminders.endings(active),
        *reminders.endings_of_grants(view.rules),
        *(one for one in reminders.endings_of_keys(keys) if directory.active(one.agency) is not None),
    ]
    told = []
    for warned in reminders.due(endings, at):
        with conn.transaction():
            if noted.note(conn, warned):
                _record(conn, view, _whose(directory.agencies.get(warned.ending.agency), node), warned)
                told.append(warned)
    return told


def _whose(agency: Agency | None, node: str) -> Agency:
    """The agency whose entry it is; the node's own operator for what belongs to no single one."""
    country = node.upper()
    return agency or Agency(
        id=f"{node}-operator", name="", kind=Kind.OPERATOR, country=country, jurisdictions=(country,)
    )


def _record(conn: Connection, view: View, agency: Agency, warned: Warned) -> None:
    ending: Ending = warned.ending
    audit.record(
        conn,
        Principal(agency=agency, client_id="keeper", scopes=frozenset()),
        "warn",
        Decision(True, SOON),
        policy=view.rules.version,
        subject=f"{ending.what} {ending.id}",
        detail={"ends_at": ending.ends_at.isoformat(), "days": warned.days},
    )
