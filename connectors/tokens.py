"""
Access tokens for an agency's machine: asked for by private_key_jwt, kept by audience, renewed at half their life.

The assertion is signed by Authlib (ES256); PyJWT stays in the hub's one verifying module.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from connectors.config import Identity
from schemas.texts import Text

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, section 2.2
ASSERTION_LIFE_S = 60
TIMEOUT = httpx.Timeout(5.0, connect=3.0)  # seconds
RETRY_S = 5.0  # between two attempts while the present token still serves
MARGIN_S = 5.0  # a token this close to its end is not sent any more
MAX_ANSWER_BYTES = 65_536

NO_KEY = Text("The key file {name} cannot be read.", "No se puede leer el archivo de clave {name}.", code="no-key")
BAD_KEY = Text(
    "The key file {name} must hold an EC P-256 private key in PEM.",
    "El archivo de clave {name} debe contener una clave privada EC P-256 en PEM.",
    code="bad-key",
)
BAD_AUTHORITY = Text(
    "The file of trusted authorities {name} cannot be used.",
    "No se puede usar el archivo de autoridades de confianza {name}.",
    code="bad-ca-file",
)
UNREACHABLE = Text(
    "The token endpoint cannot be reached ({why}).",
    "No se puede alcanzar el punto de tokens ({why}).",
    code="unreachable",
)
REFUSED = Text(
    "The token endpoint refused this client: {error} (HTTP {status}).",
    "El punto de tokens rechazó a este cliente: {error} (HTTP {status}).",
    code="token-refused",
)
BAD_ANSWER = Text(
    "The token endpoint's answer is not a token (HTTP {status}).",
    "La respuesta del punto de tokens no es un token (HTTP {status}).",
    code="bad-token-answer",
)


class NoToken(Exception):
    """No valid token can be had now; ``transient`` says whether waiting may help."""

    def __init__(self, text: Text, *, transient: bool) -> None:
        super().__init__(text)
        self.text = text
        self.code = text.code
        self.transient = transient


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token and its life on the monotonic clock, in seconds."""

    value: str = field(repr=False)
    scope: str
    obtained: float
    life_s: float

    def serves(self, now: float) -> bool:
        """Whether it may still be sent."""
        return now < self.obtained + self.life_s - MARGIN_S

    def is_fresh(self, now: float) -> bool:
        """Whether it is in the first half of its life."""
        return now < self.obtained + self.life_s / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a token is to be good for; everything left out means as much as the client may have."""

    scope: str = ""
    jurisdictions: tuple[str, ...] = ()


ANYTHING = Wanted()


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """
    A verifying TLS context, with ``ca_file`` in place of the system's authorities if given.

    Raises:
        NoToken: the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise NoToken(BAD_AUTHORITY.format(name=ca_file and ca_file.name), transient=False) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def read_key(path: Path) -> ECKey:
    """
    The EC P-256 private key in ``path``.

    Raises:
        NoToken: unreadable, or not such a key.
    """
    try:
        key = ECKey.import_key(path.read_bytes())
    except OSError as error:
        raise NoToken(NO_KEY.format(name=path.name), transient=False) from error
    except (JoseError, ValueError, TypeError) as error:
        raise NoToken(BAD_KEY.format(name=path.name), transient=False) from error
    if not key.is_private or key.curve_name != "P-256":
        raise NoToken(BAD_KEY.format(name=path.name), transient=False)
    return key


class TokenSource:
    """Tokens for one identity; safe to share between threads."""

    def __init__(
        self,
        identity: Identity,
        *,
        language: str = "en",
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Read the key and prepare the connection; nothing is asked for yet. `context`: what `trust` gave already.

        Raises:
            NoToken: the key or the file of authorities cannot be used.
        """
        self._identity = identity
        self._key = read_key(identity.key_file)
        self._http = httpx.Client(
            verify=context or trust(identity.ca_file), timeout=TIMEOUT, headers={"Accept-Language": language}
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[Wanted, AccessToken] = {}
        self._not_before: dict[Wanted, float] = {}

    def token(self, wanted: Wanted = ANYTHING) -> AccessToken:
        """
        A token that serves now; past half its life a new one is asked for, and while that fails the old one goes on.

        Raises:
            NoToken: none is held and none can be had.
        """
        with self._lock:
            now = self._clock()
            held = self._held.get(wanted)
            if held and held.serves(now) and (held.is_fresh(now) or now < self._not_before.get(wanted, 0.0)):
                return held
            try:
                self._held[wanted] = held = self._ask(wanted)
            except NoToken:
                if not held or not held.serves(now):
                    raise
                self._not_before[wanted] = now + RETRY_S
            return held

    def forget(self, wanted: Wanted = ANYTHING) -> None:
        """Drop a token that its receiver refused."""
        with self._lock:
            self._held.pop(wanted, None)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, wanted: Wanted) -> AccessToken:
        asked = self._clock()  # before the request: the token's life began no earlier
        try:
            answer = self._http.post(self._identity.token_endpoint, data=self._form(wanted))
        except httpx.HTTPError as error:
            raise NoToken(UNREACHABLE.format(why=type(error).__name__), transient=True) from error
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer)
        return _token(answer, asked)

    def _form(self, wanted: Wanted) -> dict[str, str]:
        me = self._identity
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": private_key_jwt_sign(
                self._key, me.client_id, me.issuer, alg="ES256", expires_in=ASSERTION_LIFE_S
            ),
            "resource": me.audience,  # RFC 8707
        }
        if wanted.scope:
            form["scope"] = wanted.scope
        if wanted.jurisdictions:
            form["jurisdictions"] = " ".join(wanted.jurisdictions)
        return form


def _refusal(answer: httpx.Response) -> NoToken:
    transient = answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
    said = _json(answer).get("error")
    # RFC 6749, section 5.2: a short code; anything else from a stranger is not repeated.
    error = said if isinstance(said, str) and said.replace("_", "").isalnum() and len(said) <= 64 else "-"
    return NoToken(REFUSED.format(error=error, status=answer.status_code), transient=transient)


def _token(answer: httpx.Response, asked: float) -> AccessToken:
    content = _json(answer)
    value, life, kind = content.get("access_token"), content.get("expires_in"), content.get("token_type")
    ok = isinstance(value, str) and value and type(life) in (int, float) and str(kind).lower() == "bearer"
    if not ok or not 0 < float(str(life)) <= 86_400:
        raise NoToken(BAD_ANSWER.format(status=answer.status_code), transient=True)
    return AccessToken(value=str(value), scope=str(content.get("scope", "")), obtained=asked, life_s=float(str(life)))


def _json(answer: httpx.Response) -> dict[str, object]:
    if len(answer.content) > MAX_ANSWER_BYTES:
        return {}
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
