"""Settings: one TOML file, overridden by the environment, checked as a whole at start."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import re
import tomllib
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub import border_settings, delivery_settings, mail_settings, public_settings, token_settings
from hub.border_settings import BorderSettings
from hub.delivery_settings import DeliverySettings
from hub.mail_settings import MailSettings
from hub.public_settings import PublicSettings
from hub.token_settings import TokenSettings
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """The settings cannot be used; `problems` names every one."""

    def __init__(self, problems: list[Text]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """Who this node is."""

    id: str = "us"
    country: str = "US"
    issuer: str = "https://us.puente.invalid"
    state_dir: str = ".puente"
    limits_file: str = "limits.toml"
    escalation_file: str = "escalation.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """PostgreSQL 18 or newer; an empty URL starts the embedded server."""

    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Apache Kafka; an empty bootstrap starts the embedded broker."""

    bootstrap: str = ""
    topic_prefix: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The HTTP side. Off loopback it starts only with a certificate."""

    host: str = "127.0.0.1"
    port: int = 8443
    management_host: str = "127.0.0.1"
    management_port: int = 8444
    certificate_file: str = ""
    key_file: str = ""
    processes: int = 2
    threads: int = 4
    token_cache: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """The process of streams and long polls. Off loopback it starts only with a certificate."""

    host: str = "127.0.0.1"
    port: int = 8446
    url: str = ""
    certificate_file: str = ""
    key_file: str = ""
    most_streams: int = 10_000
    most_per_agency: int = 50
    heartbeat_s: int = 15
    queue_kb: int = 256
    threads: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """Requests per second and agency (tokens: per client address)."""

    reads_per_s: float = 50.0
    publishes_per_s: float = 50.0
    urgent_per_s: float = 20.0
    tokens_per_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Ingest, sequencer and relay."""

    batch: int = 500
    sequencer_poll_ms: int = 5
    lease_ms: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process is told; files are relative to `base`, the folder of the settings file."""

    node: NodeSettings = NodeSettings()
    database: DatabaseSettings = DatabaseSettings()
    kafka: KafkaSettings = KafkaSettings()
    gateway: GatewaySettings = GatewaySettings()
    stream: StreamSettings = StreamSettings()
    tokens: TokenSettings = TokenSettings()
    rates: RateSettings = RateSettings()
    workers: WorkerSettings = WorkerSettings()
    delivery: DeliverySettings = DeliverySettings()
    mail: MailSettings = MailSettings()
    border: BorderSettings = BorderSettings()
    public: PublicSettings = PublicSettings()
    base: Path = Path()

    def file(self, name: str) -> Path:
        """A file named in the settings."""
        return self.base / name

    @property
    def stream_url(self) -> str:
        """Where agencies find streams and long polls: as configured, or where the process listens."""
        own = self.stream
        return own.url or f"{'https' if own.certificate_file else 'http'}://{own.host}:{own.port}"

    @property
    def state_dir(self) -> Path:
        """Where this node keeps keys and embedded services; relative to where the command is run."""
        return Path(self.node.state_dir) / self.node.id


_HINTS = {f.name: typing.get_type_hints(Settings)[f.name] for f in dataclasses.fields(Settings) if f.name != "base"}


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """
    The settings of `path`, with `PUENTE_<SECTION>_<NAME>` of the environment over them.

    Raises:
        SettingsError: with every problem found, not only the first.
    """
    problems: list[Text] = []
    document: dict[str, Any] = {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        problem = Text("{path}: cannot be read ({why})", "{path}: no se puede leer ({why})")
        problems.append(problem.format(path=path, why=error.strerror))
    except UnicodeDecodeError:
        problems.append(Text("{path}: not UTF-8", "{path}: no está en UTF-8").format(path=path))
    except tomllib.TOMLDecodeError as error:
        problems.append(Text("{path}: not TOML ({why})", "{path}: no es TOML ({why})").format(path=path, why=error))
    if problems:
        raise SettingsError(problems)
    problems += mail_settings.flaws_of_file(document.get("mail"))
    for unknown in document.keys() - _HINTS.keys():
        problems.append(Text("[{name}]: unknown section", "[{name}]: sección desconocida").format(name=unknown))
    sections = {
        name: _section(name, hint, document.get(name, {}), environment, problems) for name, hint in _HINTS.items()
    }
    if not problems:
        settings = Settings(**sections, base=path.parent)
        problems = _contradictions(settings)
        if not problems:
            return settings
    raise SettingsError(problems)


def _section(name: str, section: type, given: Any, environment: Mapping[str, str], problems: list[Text]) -> Any:
    types = typing.get_type_hints(section)
    if not isinstance(given, dict):
        problems.append(Text("[{name}]: must be a section", "[{name}]: debe ser una sección").format(name=name))
        given = {}
    values = dict(given)
    for key in values.keys() - types.keys():
        problems.append(Text("{name}: unknown setting", "{name}: ajuste desconocido").format(name=f"{name}.{key}"))
    for key, wanted in types.items():
        variable = f"PUENTE_{name}_{key}".upper()
        if variable in environment:
            values[key] = environment[variable]
        if key in values:
            values[key] = _value(f"{name}.{key}", wanted, values[key], problems)
    return section(**{key: value for key, value in values.items() if key in types})


# The environment has only text; a file says numbers as numbers. A fraction is no whole number, and `true` is neither.
_TAKEN: dict[type, tuple[type, ...]] = {str: (str,), int: (str, int), float: (str, int, float)}
_CALLED = {
    str: Text("text", "texto"),
    int: Text("a whole number from 0 on", "un número entero a partir de 0"),
    float: Text("a number from 0 on", "un número a partir de 0"),
}


def _value(name: str, wanted: type, given: Any, problems: list[Text]) -> Any:
    try:
        if type(given) not in _TAKEN[wanted]:
            raise ValueError
        value = wanted(given)
        if wanted is not str and not 0 <= value < math.inf:  # not a number is in no range
            raise ValueError
    except (OverflowError, ValueError):
        problems.append(
            Text("{name}: must be {what}", "{name}: debe ser {what}").format(name=name, what=_CALLED[wanted])
        )
        return wanted()
    return value


NOT_A_NODE = Text(
    "node.country must be US or MX, and node.id the same in small letters",
    "node.country debe ser US o MX, y node.id lo mismo en minúsculas",
)
NOT_LOOPBACK = Text(
    "{name}.host is not loopback: {name}.certificate_file and key_file are required",
    "{name}.host no es loopback: se requieren {name}.certificate_file y key_file",
)
HALF_TLS = Text(
    "{name}.certificate_file and {name}.key_file go together",
    "{name}.certificate_file y {name}.key_file van juntos",
)
NOT_A_URL = Text("stream.url: http(s)://host, with no path behind it", "stream.url: http(s)://host, sin ruta detrás")
KAFKA_IN_CLEAR = Text(
    "kafka.bootstrap is not loopback: kafka.ca_file is required",
    "kafka.bootstrap no es loopback: se requiere kafka.ca_file",
)
AT_LEAST_ONE = Text("{name}: at least 1", "{name}: al menos 1")
_FROM_ONE_ON = (
    "gateway.processes",
    "gateway.threads",
    "stream.most_streams",
    "stream.most_per_agency",
    "stream.heartbeat_s",
    "stream.queue_kb",
    "stream.threads",
    "workers.batch",
    "workers.sequencer_poll_ms",
    "workers.lease_ms",
    "delivery.webhooks_at_once",
    "mail.per_minute",
    "mail.sessions",
)


def _contradictions(settings: Settings) -> list[Text]:
    node = settings.node
    brokers = [
        address.strip().rpartition(":")[0].strip("[]") for address in settings.kafka.bootstrap.split(",") if address
    ]
    checks = [
        (node.country in ("US", "MX") and node.id == node.country.lower(), NOT_A_NODE),
        (re.fullmatch(r"(https?://[^/?#\s]+)?", settings.stream.url) is not None, NOT_A_URL),
        (bool(settings.kafka.ca_file) or all(map(is_loopback, brokers)), KAFKA_IN_CLEAR),
    ]
    for name, served in (("gateway", settings.gateway), ("stream", settings.stream)):
        has_tls = bool(served.certificate_file)
        checks.append((has_tls or is_loopback(served.host), NOT_LOOPBACK.format(name=name)))
        checks.append((has_tls is bool(served.key_file), HALF_TLS.format(name=name)))
    for name in _FROM_ONE_ON:
        section, _, setting = name.partition(".")
        checks.append((getattr(getattr(settings, section), setting) >= 1, AT_LEAST_ONE.format(name=name)))
    checks += border_settings.contradictions(settings.border)
    checks += delivery_settings.contradictions(settings.delivery)
    checks += public_settings.contradictions(settings.public)
    checks += token_settings.contradictions(settings.tokens)
    checks += mail_settings.contradictions(settings.mail, is_on_loopback=is_loopback(settings.mail.smtp_host))
    return [text for is_kept, text in checks if not is_kept]


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine only; a name that merely begins like a loopback address may be anywhere."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
