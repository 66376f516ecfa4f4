"""The composition root of the processes that tell without being asked, beside `hub.main`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hub import keys, main, main_rules
from hub.picture import Picture
from hub.subscribing import PARTS
from hub.webhooks import Signer

if TYPE_CHECKING:
    from hub.settings import Settings


def run_dispatcher(told: Settings) -> None:
    """The dispatcher, until SIGTERM."""
    from hub.workers import dispatcher

    worker = dispatcher.Dispatcher(
        database_url=main.database_url(told),
        node=told.node.id,
        picture=Picture.unread(main.limits(told)),
        ladders=main_rules.ladders(told),
        heartbeat=timedelta(minutes=told.delivery.heartbeat_min),
        now=main.now,
    )
    dispatcher.run(worker, main.until_told())


def run_sender(told: Settings) -> None:
    """The sender of webhooks, until SIGTERM."""
    from hub.workers import membership, sender
    from hub.workers.posting import Poster
    from hub.workers.topics import work_topic

    node, delivery, networks = told.node.id, told.delivery, main.webhook_networks(told)
    stopping = main.until_told()
    member = membership.Membership(
        main.kafka_settings(told), work_topic(told.kafka.topic_prefix), f"{node}-node.delivery", PARTS
    )
    member.join(stopping)
    ca_file = told.file(delivery.webhook_ca_file) if delivery.webhook_ca_file else None
    worker = sender.Sender(
        database_url=main.database_url(told),
        node=node,
        gateway=main.gateway_url(told),
        picture=Picture.unread(main.limits(told)),
        signer=Signer(keys.webhook_key(told.state_dir)),
        poster=lambda: Poster(
            now=main.now,
            allow_networks=networks,
            ca_file=ca_file,
            per_host=delivery.webhooks_at_once,  # one host may serve many agencies; who is slow is held back by agency
            most=delivery.webhooks_at_once,
        ),
        parts=member.parts,
        most=delivery.webhooks_at_once,
        now=main.now,
    )
    sender.run(worker, stopping)
