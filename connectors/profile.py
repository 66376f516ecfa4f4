"""An agency's profile for the command line: which gateway, as whom, with which key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from marshmallow import ValidationError

from connectors.addresses import Endpoint
from connectors.config import ConfigError, Identity, read_toml
from schemas import forms
from schemas.fields import Body, Line
from schemas.flaws import flatten
from schemas.sensitivity import PUBLIC


class ProfileFile(Body):
    """The members of a profile file; paths are relative to it."""

    gateway = Endpoint(PUBLIC, required=True)  # https://us.example.org
    agency = forms.agency(PUBLIC, required=True)
    client_id = Line(PUBLIC, 200, required=True)
    key_file = Line(PUBLIC, 1000, required=True)  # PEM, EC P-256
    issuer = Line(PUBLIC, 500, required=True)  # of the node; the assertion names it as its audience
    audience = Line(PUBLIC, 200)  # default: "us/api" or "mx/api", after the agency's country
    token_endpoint = Endpoint(PUBLIC)  # default: <gateway>/oauth/token
    ca_file = Line(PUBLIC, 1000)


PROFILE_FILE = ProfileFile()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A gateway and the identity to use there."""

    gateway: str
    agency: str
    identity: Identity
    ca_file: Path | None

    def kafka_identity(self) -> Identity:
        """The same agency asking for a token of the node's Kafka."""
        me = self.identity
        return Identity(
            token_endpoint=me.token_endpoint,
            issuer=me.issuer,
            client_id=me.client_id,
            key_file=me.key_file,
            audience=me.audience.rpartition("/")[0] + "/kafka",
            ca_file=me.ca_file,
        )


def load(path: Path) -> Profile:
    """
    Read a profile.

    Raises:
        ConfigError: with every problem found.
    """
    raw = read_toml(path)
    try:
        read = PROFILE_FILE.load(raw)
    except ValidationError as error:
        raise ConfigError(*flatten(error.messages)) from error
    folder = path.absolute().parent
    ca_file = folder / read["ca_file"] if "ca_file" in read else None
    return Profile(
        gateway=read["gateway"],
        agency=read["agency"],
        ca_file=ca_file,
        identity=Identity(
            token_endpoint=read.get("token_endpoint", f"{read['gateway']}/oauth/token"),
            issuer=read["issuer"],
            client_id=read["client_id"],
            key_file=folder / read["key_file"],
            audience=read.get("audience", f"{read['agency'][:2]}/api"),
            ca_file=ca_file,
        ),
    )
