"""The composition root of the process that writes topics for agencies to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import keys
from hub.cursor import Cursors
from hub.main import database_url, kafka_settings, limits, now, until_told
from hub.picture import Picture

if TYPE_CHECKING:
    from hub.settings import Settings


def run_outflow(told: Settings) -> None:
    """The outflow, until SIGTERM."""
    from hub.outflow import Fingerprint
    from hub.workers import outflow
    from hub.workers.out_turns import Outflow
    from hub.workers.watchdog import watched

    key = keys.cursor_key(told.state_dir)
    worker = Outflow(
        database_url=database_url(told),
        kafka=kafka_settings(told),
        prefix=told.kafka.topic_prefix,
        picture=Picture.unread(limits(told)),
        prints=Fingerprint(key),
        cursors=Cursors(key),
        now=now,
    )
    outflow.run(worker, watched(until_told()))
