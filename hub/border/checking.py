"""What an operator looks at of a border, and whether each thing is as it should be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from hub.border.anchor import BorderKey

MOST_SKEW_S = 30.0  # at ten times this, batches are refused
LEAST_LEFT = timedelta(days=30)
MOST_QUIET = timedelta(seconds=30)  # an empty batch comes and goes every five
MOST_LAG_S = 60.0

STATE = Text("state", "estado", code="state")
TLS = Text("TLS", "conexión TLS", code="tls")
CERTIFICATE = Text("certificate", "certificado", code="certificate")
OUR_KEY = Text("our key", "nuestra clave", code="our-key")
THEIR_KEY = Text("their key", "su clave", code="their-key")
SKEW = Text("clocks", "relojes", code="clock")
POLICY = Text("policy", "política", code="policy")
RULES = Text("directory", "directorio", code="directory")
LAG = Text("waiting", "en espera", code="lag")
RECEIPT = Text("last receipt", "último recibo", code="receipt")
HEARD = Text("last heard", "último contacto", code="heard")
FAILURE = Text("in the way", "impedimento", code="failure")

NONE = Text("none", "ninguno")
NEVER = Text("never", "nunca")
UNKNOWN = Text("not known yet", "aún no se conoce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found out about the border to a peer."""

    state: str
    reason: str | None
    tls_version: str | None
    tls_issuer: str | None
    tls_until: datetime | None
    tls_failure: str | None
    our_keys: tuple[BorderKey, ...]
    their_keys: tuple[BorderKey, ...]
    skew_s: float | None
    our_policy: str
    their_policy: str | None
    our_rules: int
    their_rules: int | None
    lag_events: int
    unreceipted: int
    oldest_s: float
    receipted_at: datetime | None
    heard_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was looked at; `what.code` is its name for programs."""

    what: Text
    found: Text
    is_well: bool


def verdicts(found: Found, at: datetime) -> list[Verdict]:
    """Everything that is looked at, in order."""
    return [*_link(found, at), *_keys(found, at), *_rules(found), *_progress(found, at)]


def _link(found: Found, at: datetime) -> Iterator[Verdict]:
    state = _plain(found.state if found.reason is None else f"{found.state} ({found.reason})")
    yield Verdict(STATE, state, found.state == "open")
    if found.tls_failure is not None:
        yield Verdict(TLS, _plain(found.tls_failure), False)
        return
    yield Verdict(TLS, _plain(f"{found.tls_version}"), found.tls_version == "TLSv1.3")
    until = found.tls_until
    left = Text("by {issuer}, {days} days left", "de {issuer}, quedan {days} días")
    days = (until - at).days if until is not None else 0
    yield Verdict(CERTIFICATE, left.format(issuer=found.tls_issuer, days=days), days >= 7)


def _keys(found: Found, at: datetime) -> Iterator[Verdict]:
    for what, keys in ((OUR_KEY, found.our_keys), (THEIR_KEY, found.their_keys)):
        valid = [key for key in keys if key.is_valid(at)]
        if not valid:
            yield Verdict(what, Text("none is valid now", "ninguna es válida ahora"), False)
            continue
        newest = max(valid, key=lambda key: key.valid_from)
        last = max(key.valid_until for key in keys)
        told = Text("{kid}, {age} days old, {left} days left", "{kid}, de hace {age} días, quedan {left} días")
        told = told.format(kid=newest.kid[:8], age=(at - newest.valid_from).days, left=(last - at).days)
        yield Verdict(what, told, last - at >= LEAST_LEFT)


def _rules(found: Found) -> Iterator[Verdict]:
    skew = UNKNOWN if found.skew_s is None else _plain(f"{found.skew_s:+.1f} s")
    yield Verdict(SKEW, skew, found.skew_s is None or abs(found.skew_s) <= MOST_SKEW_S)
    both = Text("ours {ours}, theirs {theirs}", "la nuestra {ours}, la suya {theirs}")
    yield Verdict(POLICY, both.format(ours=found.our_policy, theirs=found.their_policy or UNKNOWN), True)
    yield Verdict(RULES, both.format(ours=found.our_rules, theirs=found.their_rules or UNKNOWN), True)


def _progress(found: Found, at: datetime) -> Iterator[Verdict]:
    lag = Text(
        "{events} positions to look at, {unreceipted} envelopes without a receipt, the oldest {s} s old",
        "{events} posiciones por revisar, {unreceipted} sobres sin recibo, el más antiguo de hace {s} s",
    )
    lag = lag.format(events=found.lag_events, unreceipted=found.unreceipted, s=round(found.oldest_s, 1))
    yield Verdict(LAG, lag, found.oldest_s <= MOST_LAG_S)
    for what, when in ((RECEIPT, found.receipted_at), (HEARD, found.heard_at)):
        ago = Text("{s} s ago", "hace {s} s")
        told = NEVER if when is None else ago.format(s=round((at - when).total_seconds(), 1))
        yield Verdict(what, told, when is not None and at - when <= MOST_QUIET)
    yield Verdict(FAILURE, NONE if found.failure is None else _plain(found.failure), found.failure is None)


def _plain(told: str) -> Text:
    """A name or number, the same in both languages."""
    return Text(told, told)


def is_well(found: Iterable[Verdict]) -> bool:
    """Whether everything is."""
    return all(verdict.is_well for verdict in found)
