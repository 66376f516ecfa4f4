"""The composition root: the only place that reads settings files, the environment and the clock."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hub import keys, main_rules
from hub.clients import Grantor
from hub.cursor import Cursors
from hub.embedded.process import end_with
from hub.grant_rows import load_grants
from hub.grants import GrantSet
from hub.limits import Limits, laxer, load_limits
from hub.mail_links import MailLinks
from hub.picture import Picture
from hub.public_press import press_of
from hub.settings import Settings, SettingsError, load_settings
from hub.store import open_gateway_pool
from hub.tokens import Issuer, TokenVerifier
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from hub.addresses import Network

logger = logging.getLogger(__name__)
CONFIG_VARIABLE = "PUENTE_CONFIG"
DEFAULT_CONFIG = Path("config/hub.toml")
FLOOR = Path(__file__).with_name("floor.toml")


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def settings(path: Path | None = None) -> Settings:
    """
    The settings of `path`, else of `$PUENTE_CONFIG`, else of `config/hub.toml`.

    Raises:
        SettingsError: with every problem.
    """
    told = configured(path)
    # Where `up` has started a node, the other commands find its services without being told.
    running = running_file(told)
    if running.exists():
        told = load_settings(_chosen(path), {**json.loads(running.read_text("utf-8")), **os.environ})
    return told


def configured(path: Path | None = None) -> Settings:
    """
    The same without what `puente up` has settled: an empty `database.url` means the embedded server.

    Raises:
        SettingsError: with every problem.
    """
    return load_settings(_chosen(path), os.environ)


def _chosen(path: Path | None) -> Path:
    return path or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def database_url(told: Settings) -> str:
    """
    Where the database is.

    Raises:
        SettingsError: nowhere: none is configured, and `up` has started none.
    """
    if told.database.url:
        return told.database.url
    text = Text(
        "no database: database.url is empty, and `puente up` has not started this node",
        "sin base de datos: database.url está vacío y `puente up` no ha iniciado este nodo",
    )
    raise SettingsError([text])


def running_file(told: Settings) -> Path:
    """Addresses of the services and ports that `puente up` settled for this node."""
    return told.state_dir / "running.json"


def limits(told: Settings) -> Limits:
    """
    The hard limits from their file, which may be stricter than the floor that ships with the hub, and never laxer.

    Raises:
        SettingsError: with every problem of it, every laxer row among them.
    """
    path = told.file(told.node.limits_file)
    found, problems = main_rules.read(path, load_limits)
    floor, broken = main_rules.read(FLOOR, load_limits)
    if found is not None and floor is not None:
        problems = [Text("{f}: {t}", "{f}: {t}").format(f=path, t=text) for text in laxer(found, floor)]
    if problems or broken:
        raise SettingsError([*problems, *broken])
    return cast("Limits", found)


def grants(path: Path) -> GrantSet:
    """
    The grants of a file, to be moved into the database.

    Raises:
        SettingsError: with every problem of it.
    """
    found, problems = main_rules.read(path, load_grants)
    if found is None:
        raise SettingsError(problems)
    return cast("GrantSet", found)


def issuer(told: Settings) -> Issuer:
    """The node's token issuer with its key on disk."""
    return Issuer(told.node.issuer, keys.issuer_key(told.state_dir))


def gateway_url(told: Settings) -> str:
    """Where agencies reach the gateway."""
    gateway = told.gateway
    return f"{'https' if gateway.certificate_file else 'http'}://{gateway.host}:{gateway.port}"


def webhook_networks(told: Settings) -> tuple[Network, ...]:
    """Where webhooks may go beside what is public; said at each start, since it leads into somebody's own networks."""
    networks = told.delivery.networks
    if networks:
        logger.warning("webhooks may be posted to %s", ", ".join(map(str, networks)))
    return networks


def gateway_app() -> Flask:
    """The WSGI application of one gateway process; granian calls this in each."""
    from hub.rates import Rates
    from hub.web import create_app
    from hub.web.hub import Hub
    from hub.webhooks import Signer

    end_with_granian()
    log_to_stderr()
    told = settings()
    own = issuer(told)
    gateway, node = told.gateway, told.node.id
    url, audience = gateway_url(told), f"{node}/api"
    return create_app(
        Hub(
            node=node,
            url=url,
            stream_url=told.stream_url,
            pool=open_gateway_pool(database_url(told), name="puente-gateway", most=gateway.threads),
            picture=Picture.unread(limits(told)),
            tokens=TokenVerifier(own.name, audience, {own.key.kid: own.key.public}, cache=gateway.token_cache),
            grantor=Grantor(
                own,
                {audience: told.tokens.api_ttl_s, f"{node}/kafka": told.tokens.kafka_ttl_s},
                frozenset({f"{node}/kafka"}),
                told.tokens.kinds_without_secrets,
            ),
            cursors=Cursors(keys.cursor_key(told.state_dir)),
            rates=Rates(told.rates, gateway.processes),
            signer=Signer(keys.webhook_key(told.state_dir)),
            webhook_networks=webhook_networks(told),
            ladders=main_rules.ladders(told),
            mail=MailLinks(keys.mail_key(told.state_dir), told.mail.public_url) if told.mail.smtp_host else None,
            now=now,
            press=press_of(told, url),
        )
    )


def end_with_granian() -> None:
    """A worker whose parent was killed would go on for good, beside the next gateway's and on the same port."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        end_with(parent.pid, signal.SIGTERM)


def kafka_settings(told: Settings) -> dict[str, Any]:
    """Connection settings of a kafka-python client that speaks as the node itself."""
    from hub.workers.credentials import NodeTokens

    security: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT"}
    if told.kafka.ca_file:
        security = {"security_protocol": "SASL_SSL", "ssl_cafile": str(told.file(told.kafka.ca_file))}
    return {
        "bootstrap_servers": told.kafka.bootstrap.split(","),
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": NodeTokens(issuer(told), told.node.id, now, told.tokens.kafka_ttl_s),
        "bootstrap_timeout_ms": 3000,  # the workers try again by themselves, and look whether they are to stop
        "reconnect_backoff_max_ms": 1000,  # the default, 30 s, is how long a broker would be back before we notice
        "request_timeout_ms": 10_000,
        **security,
    }


def run_ingest(told: Settings) -> None:
    """The ingest worker, until SIGTERM."""
    from hub.workers import ingest
    from hub.workers.watchdog import watched

    worker = ingest.Ingest(
        database_url=database_url(told),
        kafka=kafka_settings(told),
        node=told.node.id,
        prefix=told.kafka.topic_prefix,
        batch=told.workers.batch,
        picture=Picture.unread(limits(told)),
        now=now,
    )
    ingest.run(worker, watched(until_told()))


def run_sequencer(told: Settings) -> None:
    """The sequencer, until SIGTERM."""
    from hub.workers import sequencer

    sequencer.run(database_url(told), told.workers, until_told())


def run_reconciler(told: Settings) -> None:
    """The reconciler, until SIGTERM."""
    from hub.workers import reconciler
    from hub.workers.watchdog import watched

    prefix = told.kafka.topic_prefix
    worker = reconciler.Reconciler(
        database_url=database_url(told), kafka=kafka_settings(told), node=told.node.id, prefix=prefix
    )
    reconciler.run(worker, watched(until_told()))


def run_notary(told: Settings) -> None:
    """The notary, until SIGTERM."""
    from hub.workers import notary

    notary.run(notary.Notary(database_url=database_url(told), sign=issuer(told).sign_head, now=now), until_told())


def run_keeper(told: Settings) -> None:
    """The keeper, until SIGTERM."""
    from hub.workers import keeper

    picture = Picture.unread(limits(told))
    worker = keeper.Keeper(
        database_url=database_url(told),
        node=told.node.id,
        picture=picture,
        ladders=main_rules.ladders(told),
        now=now,
    )
    keeper.run(worker, until_told())


def run_relay(told: Settings) -> None:
    """The relay, until SIGTERM."""
    from hub.workers import relay
    from hub.workers.watchdog import watched

    prefix = told.kafka.topic_prefix
    worker = relay.Relay(database_url=database_url(told), kafka=kafka_settings(told), node=told.node.id, prefix=prefix)
    relay.run(worker, watched(until_told()))


def until_told() -> Callable[[], bool]:
    """A question that is answered yes after SIGTERM or SIGINT."""
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return lambda: stopping


def log_to_stderr() -> None:
    """One line per message. Kafka's client logs record values when it is chatty, so it is kept quiet (KP-10)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("kafka", "urllib3", "httpx", "yoyo"):
        logging.getLogger(name).setLevel(logging.WARNING)
