"""
One TOML file per connector becomes a frozen ``Config``; all its problems are reported together.

``[connector]``, ``[kafka]`` and ``[oauth]`` are the same for every kind. The kind's module (``KINDS``) declares the
rest in ``SETTINGS``, a marshmallow schema of the remaining sections (``[source]``, ``[label]``, its own), and turns
them into a source with ``open_source(config, files)``.
"""

from __future__ import annotations

import hashlib
import importlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from marshmallow import Schema, ValidationError, validates_schema

from connectors.addresses import Endpoint, HostPort, on_loopback
from connectors.source import Source
from schemas import forms
from schemas.fields import Body, Code, Formed, Jurisdiction, Line, Many, Number, One
from schemas.flaws import Flaw, flatten, flaw
from schemas.sensitivity import PUBLIC
from schemas.texts import Text

KINDS = {"cap": "connectors.cap.source", "table": "connectors.table.source"}
COMMON = ("connector", "kafka", "oauth")
MAX_CONFIG_BYTES = 1_000_000

TOPIC_PREFIX = Text("letters, digits, dots, - and _", "letras, dígitos, puntos, - y _")
UNREADABLE = Text("The file cannot be read ({why}).", "No se puede leer el archivo ({why}).", code="unreadable")
TOO_LARGE = Text("The file is larger than 1 MB.", "El archivo pasa de 1 MB.", code="too-large")
NOT_TOML = Text("This is not valid TOML: {why}.", "No es TOML válido: {why}.", code="not-toml")
NOT_CODED = Text("The file must be UTF-8.", "El archivo debe estar en UTF-8.", code="bad-encoding")
CLEAR_OFF_LOOPBACK = Text(
    "sasl_plaintext would show the token to the network: use sasl_ssl for brokers on other machines.",
    "sasl_plaintext expondría el token en la red: use sasl_ssl con brokers de otros equipos.",
    code="not-tls",
)
NEEDED = Text(
    "This section is needed to publish; only check works without it.",
    "Esta sección es necesaria para publicar; sin ella solo funciona check.",
    code="required",
)
BAD_OVERRIDE = Text(
    "Write --set SECTION.KEY=VALUE, such as --set kafka.topic_prefix=demo.",
    "Escriba --set SECCIÓN.CLAVE=VALOR, por ejemplo --set kafka.topic_prefix=demo.",
    code="bad-override",
)


class ConfigError(Exception):
    """A configuration that cannot be used; ``flaws`` holds everything wrong with it, by path in the file."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("; ".join(f"{one.path or '/'}: {one.text}" for one in flaws))
        self.flaws = flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The node's brokers, as an agency reaches them."""

    bootstrap: tuple[str, ...]
    topic_prefix: str = ""
    security: str = "sasl_ssl"  # or sasl_plaintext, on loopback only
    delivery_timeout_s: float = 30.0  # without an acknowledgement for so long, a record is not published
    ca_file: Path | None = None  # None = the system's authorities


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How an agency's machine proves who it is at its node's token endpoint (private_key_jwt, RFC 7523)."""

    token_endpoint: str
    issuer: str  # what the assertion names as its audience
    client_id: str
    key_file: Path  # PEM, EC P-256 private key
    audience: str  # of the tokens asked for: "us/kafka", "us/api"
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One connector instance; ``settings`` is whatever its kind made of the remaining sections."""

    name: str
    kind: str
    agency: str
    jurisdictions: tuple[str, ...]  # of the source itself, for what has no place of its own
    folder: Path  # of the file; relative paths start here
    state_dir: Path
    poll_s: float
    kafka: KafkaSettings | None
    oauth: Identity | None
    label: Mapping[str, Any]  # as written: what `check` shows
    settings: Any
    digest: str  # of the effective configuration: what was read under another one is read again

    def at(self, path: str) -> Path:
        """``path`` as written in the file, made absolute."""
        return (self.folder / path).absolute()


class Kind(Protocol):
    """What the module of a kind of source offers."""

    SETTINGS: Schema

    def open_source(self, config: Config, files: Sequence[Path] = ()) -> Source:
        """The source that ``config`` describes; ``files`` stand in for its own documents (``connector check``)."""


class ConnectorSection(Body):
    """``[connector]``"""

    name = forms.slug(PUBLIC, required=True)
    kind = Code(PUBLIC, KINDS, required=True)
    agency = forms.agency(PUBLIC, required=True)
    jurisdictions = Many(Jurisdiction(PUBLIC), 64, least=1, unique=True, required=True)
    state_dir = Line(PUBLIC, 1000, required=True)
    poll_s = Number(PUBLIC, 0.1, 86_400, load_default=30.0)  # seconds between two readings of the source


class KafkaSection(Body):
    """``[kafka]``"""

    bootstrap = Many(HostPort(PUBLIC), 16, least=1, required=True)
    topic_prefix = Formed(PUBLIC, "[A-Za-z0-9._-]{0,64}", TOPIC_PREFIX, load_default="")
    security = Code(PUBLIC, ("sasl_ssl", "sasl_plaintext"), load_default="sasl_ssl")
    delivery_timeout_s = Number(PUBLIC, 2, 300, load_default=30.0)
    ca_file = Line(PUBLIC, 1000, load_default=None)

    @validates_schema
    def _no_token_in_the_clear(self, kafka: dict[str, Any], **_: Any) -> None:
        hosts = [broker.rpartition(":")[0] for broker in kafka.get("bootstrap", ())]
        if kafka.get("security") == "sasl_plaintext" and not all(map(on_loopback, hosts)):
            raise ValidationError(CLEAR_OFF_LOOPBACK, "security")


class OauthSection(Body):
    """``[oauth]``"""

    token_endpoint = Endpoint(PUBLIC, required=True)
    issuer = Line(PUBLIC, 500, required=True)
    client_id = Line(PUBLIC, 200, required=True)
    key_file = Line(PUBLIC, 1000, required=True)
    audience = Line(PUBLIC, 200, required=True)
    ca_file = Line(PUBLIC, 1000, load_default=None)


class CommonSections(Body):
    """The sections that every kind shares."""

    connector = One(PUBLIC, ConnectorSection, required=True)
    kafka = One(PUBLIC, KafkaSection)
    oauth = One(PUBLIC, OauthSection)


COMMON_SECTIONS = CommonSections()


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """
    Read the connector described by ``path``; ``overrides`` ("kafka.topic_prefix=demo.") win over the file.

    Raises:
        ConfigError: with every problem found, not only the first.
    """
    raw = read_toml(path)
    for override in overrides:
        _apply(raw, override)
    common, flaws = _loaded(COMMON_SECTIONS, {key: raw[key] for key in COMMON if key in raw})
    kind = _kind_of(raw)
    settings: Any = None
    if kind is not None:
        settings, more = _loaded(kind.SETTINGS, {key: value for key, value in raw.items() if key not in COMMON})
        flaws += more
    if flaws:
        raise ConfigError(*flaws)
    return _config(path, raw, common, settings)


def read_toml(path: Path) -> dict[str, Any]:
    """
    The content of a TOML file of at most 1 MB.

    Raises:
        ConfigError: unreadable, too large, not UTF-8 or not TOML.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(flaw(path.name, TOO_LARGE))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(flaw(path.name, UNREADABLE.format(why=error.strerror))) from error
    except UnicodeDecodeError as error:
        raise ConfigError(flaw(path.name, NOT_CODED)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(flaw(path.name, NOT_TOML.format(why=error))) from error


def open_source(config: Config, files: Sequence[Path] = ()) -> Source:
    """The source of ``config``; ``files`` stand in for its own documents."""
    return _module(config.kind).open_source(config, files)


def publishing(config: Config) -> tuple[KafkaSettings, Identity]:
    """
    The two sections that only ``run`` needs.

    Raises:
        ConfigError: one is missing.
    """
    missing = [flaw(f"/{name}", NEEDED) for name in ("kafka", "oauth") if getattr(config, name) is None]
    if missing or config.kafka is None or config.oauth is None:
        raise ConfigError(*missing)
    return config.kafka, config.oauth


def _loaded(schema: Schema, sections: Mapping[str, Any]) -> tuple[Any, list[Flaw]]:
    try:
        return schema.load(sections), []
    except ValidationError as error:
        return None, list(flatten(error.messages))


def _kind_of(raw: Mapping[str, Any]) -> Kind | None:
    section = raw.get("connector")
    name = section.get("kind") if isinstance(section, Mapping) else None
    return _module(name) if isinstance(name, str) and name in KINDS else None


def _module(kind: str) -> Kind:
    return cast(Kind, importlib.import_module(KINDS[kind]))


def _apply(raw: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    *sections, key = name.strip().split(".")
    if not equals or not sections or not key:
        raise ConfigError(flaw("--set", BAD_OVERRIDE))
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    for section in sections:
        raw = raw.setdefault(section, {})
        if not isinstance(raw, dict):
            raise ConfigError(flaw("--set", BAD_OVERRIDE))
    raw[key] = value


def _digest(raw: Mapping[str, Any]) -> str:
    meaning = {key: value for key, value in raw.items() if key not in ("kafka", "oauth")}
    return hashlib.sha256(repr(sorted(meaning.items())).encode()).hexdigest()


def _config(path: Path, raw: Mapping[str, Any], common: Mapping[str, Any], settings: Any) -> Config:
    folder = path.absolute().parent
    connector, kafka, oauth = common["connector"], common.get("kafka"), common.get("oauth")
    return Config(
        name=connector["name"],
        kind=connector["kind"],
        agency=connector["agency"],
        jurisdictions=tuple(connector["jurisdictions"]),
        folder=folder,
        state_dir=(folder / connector["state_dir"]).absolute(),
        poll_s=connector["poll_s"],
        kafka=kafka
        and KafkaSettings(**{**kafka, "bootstrap": tuple(kafka["bootstrap"]), "ca_file": _at(folder, kafka)}),
        oauth=oauth and Identity(**{**oauth, "key_file": folder / oauth["key_file"], "ca_file": _at(folder, oauth)}),
        label=raw.get("label", {}),
        settings=settings,
        digest=_digest(raw),
    )


def _at(folder: Path, section: Mapping[str, Any]) -> Path | None:
    return folder / section["ca_file"] if section["ca_file"] else None
