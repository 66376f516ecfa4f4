"""What was warned of already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.reminders import Warned
    from hub.store import Connection


def note(conn: Connection, warned: Warned) -> bool:
    """Note this warning as given; False when it was before."""
    ending = warned.ending
    done = conn.execute(
        "INSERT INTO reminder (what, agency, id, ends_at, days) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (ending.what, ending.agency, ending.id, ending.ends_at, warned.days),
    )
    return done.rowcount == 1
