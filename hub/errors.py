"""What can go wrong in the hub, as a tree; `hub.problems` maps each leaf to a status, once.

HubError
├── Refused              commits the transaction it is raised in: its audit entry must outlive it
│   ├── Denied           the policy says no, and the caller may know that
│   ├── NotVisible       missing or forbidden: the caller cannot tell which
│   ├── Gone             it was public, and is no longer
│   ├── Conflict         what is stored contradicts it: an identity taken, a thing decided already
│   └── BorderRefused    another node's batch is not taken, for the reason that `code` names
├── NotAuthenticated     no token, or one with any defect
├── ClientRefused        the token endpoint does not accept this client (RFC 6749 section 5.2)
├── Invalid              the request or event has flaws, each with its path
├── Outdated             the resource has changed since the caller looked (If-Match)
├── MatchRequired        a change must say which version it changes
├── KeyReused            an Idempotency-Key came back with another body
├── StillRunning         a request with this Idempotency-Key has not ended
├── TooLarge             over a stated limit of bytes
├── TooMany              over the agency's rate; try again after `retry_after_s`
└── Unavailable          something the answer needs is away; nothing was disclosed or stored
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from schemas.flaws import Flaw


class HubError(Exception):
    """The root; `text` is what the caller may read, in English and Spanish."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class Refused(HubError):
    """A decision went against the caller; the audit entry that says so is kept."""


class Denied(Refused):
    """The policy does not allow this, and saying so gives nothing away."""


class NotVisible(Refused):
    """Missing and forbidden look exactly alike."""

    def __init__(self) -> None:
        super().__init__(Text("nothing here for you", "no hay nada aquí para usted"))


class Gone(Refused):
    """A public document whose alert is over: what was public may be said to have been (RFC 9110 section 15.5.11)."""

    def __init__(self) -> None:
        super().__init__(Text("this is no longer public", "esto ya no es público"))


class Conflict(Refused):
    """The request contradicts what is stored."""


class BorderRefused(Refused):
    """A batch of another node, or a key in it, is not taken; `code` is the last part of the problem's type."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text)
        self.code = code


class NotAuthenticated(HubError):
    """The token is absent or defective; the caller is not told which check failed."""

    def __init__(self, *, missing: bool = False) -> None:
        super().__init__(
            Text("a bearer token is required", "se requiere un token")
            if missing
            else Text("invalid token", "token no válido")
        )
        self.missing = missing


class ClientRefused(HubError):
    """The token endpoint refuses; `code` is the OAuth error code (RFC 6749 section 5.2)."""

    def __init__(self, code: str, text: Text) -> None:
        super().__init__(text)
        self.code = code


class Invalid(HubError):
    """The request cannot be understood as it stands; every flaw is named."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__(Text("the request has flaws", "la solicitud tiene defectos"))
        self.flaws = flaws


class Outdated(HubError):
    """Somebody else has changed the resource meanwhile (RFC 9110 section 13.1.1)."""

    def __init__(self) -> None:
        super().__init__(Text("it has changed meanwhile; read it again", "ha cambiado entretanto; vuelva a leerlo"))


class MatchRequired(HubError):
    """A change without If-Match could undo another's without knowing it (RFC 6585 section 3)."""

    def __init__(self) -> None:
        super().__init__(Text("say in If-Match which version this changes", "indique en If-Match qué versión cambia"))


class KeyReused(HubError):
    """The same Idempotency-Key with another body (draft-ietf-httpapi-idempotency-key-header)."""

    def __init__(self) -> None:
        super().__init__(
            Text("this Idempotency-Key was used with another body", "esta Idempotency-Key ya se usó con otro contenido")
        )


class StillRunning(HubError):
    """A request with the same Idempotency-Key is being answered right now."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "a request with this Idempotency-Key is still running",
                "una solicitud con esta Idempotency-Key sigue en curso",
            )
        )


class TooLarge(HubError):
    """More bytes than the stated limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            Text(
                "the body is over the limit of {limit} bytes", "el contenido supera el límite de {limit} bytes"
            ).format(limit=limit_bytes)
        )


class TooMany(HubError):
    """Over the agency's rate."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            Text(
                "too many requests; try again in {seconds} s", "demasiadas solicitudes; intente de nuevo en {seconds} s"
            ).format(seconds=retry_after_s)
        )
        self.retry_after_s = retry_after_s


class Unavailable(HubError):
    """A part the answer needs is away; try again."""

    def __init__(self, text: Text | None = None) -> None:
        super().__init__(
            text or Text("temporarily unavailable; try again", "no disponible por el momento; intente de nuevo")
        )
