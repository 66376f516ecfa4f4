"""The keys that a node signs with at the border, on disk: one file a key, made once, and never the issuer's.

The next key is made while the present one is valid, and begins later, so that the other side has heard of it by then.
The earlier one ends an overlap after the later has begun, whatever it was made for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hub import keys
from hub.border.anchor import BorderKey
from hub.errors import Unavailable
from hub.signing import SigningKey, seal
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

LIFE = timedelta(days=400)
OVERLAP = timedelta(days=30)
SINCE = timedelta(
    hours=1
)  # the first key is older than it is: a clock that is set back would leave the node without one
MOST = 8  # anchors hold no more
_NAME = "border-{no}.key"  # beside the node's other keys, so that a copy of those holds these too

NO_KEY = Text("no border key is valid now", "ninguna clave de frontera es válida ahora")
A_GAP = Text(
    "the next key would begin only after the present one has ended",
    "la clave siguiente empezaría después de terminar la actual",
)
WAITS = Text("the next key is made already, and begins at {at}", "la clave siguiente ya existe y empieza el {at}")
TOO_MANY = Text("more than {most} keys would be valid", "serían válidas más de {most} claves").format(most=MOST)


class NoRollOver(Exception):
    """There is no key to sign with, or no next one may be made; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A key of this node, with its private half."""

    signing: SigningKey
    valid_from: datetime
    valid_until: datetime

    @property
    def public(self) -> BorderKey:
        """As the anchor holds it."""
        jwk = self.signing.jwk
        return BorderKey(
            kid=self.signing.kid, x=jwk["x"], y=jwk["y"], valid_from=self.valid_from, valid_until=self.valid_until
        )


def read(folder: Path) -> tuple[OwnKey, ...]:
    """Every key there is, in the order they were made."""
    found: list[OwnKey] = []
    while (path := folder / _NAME.format(no=len(found) + 1)).exists():
        key = _loaded(path)
        if found:  # the one before ends when the two have been valid together for long enough
            ends = min(found[-1].valid_until, key.valid_from + OVERLAP)
            found[-1] = replace(found[-1], valid_until=max(ends, found[-1].valid_from + timedelta(seconds=1)))
        found.append(key)
    return tuple(found)


def first(folder: Path, at: datetime) -> tuple[OwnKey, ...]:
    """The same, with the first key made if there is none yet; if two processes make it at once, one stays."""
    if not (folder / _NAME.format(no=1)).exists():
        keys.kept(folder / _NAME.format(no=1), lambda: _made(_whole(at - SINCE)))
    return read(folder)


def roll_over(folder: Path, at: datetime, *, after: timedelta | None) -> OwnKey:
    """
    Make the next key, which begins `after` from now; unless told, in an overlap, or sooner if the present one ends.

    Raises:
        NoRollOver: a next one waits already, or the present one would have ended before.
    """
    present = first(folder, at)
    newest = present[-1]
    if newest.valid_from > at:
        raise NoRollOver(WAITS.format(at=newest.valid_from.isoformat()))
    if sum(key.valid_until > at for key in present) >= MOST:
        raise NoRollOver(TOO_MANY)
    left = max(newest.valid_until - at, timedelta())
    begins = _whole(at + (min(OVERLAP, left / 2) if after is None else after))
    if newest.valid_until > at and begins > newest.valid_until:
        raise NoRollOver(A_GAP)
    keys.kept(folder / _NAME.format(no=len(present) + 1), lambda: _made(begins))
    return read(folder)[-1]


def signing(held: Sequence[OwnKey], at: datetime) -> OwnKey:
    """
    The newest key that is valid now.

    Raises:
        NoRollOver: none is.
    """
    valid = [key for key in held if key.valid_from <= at < key.valid_until]
    if not valid:
        raise NoRollOver(NO_KEY)
    return valid[-1]


class Signer:
    """Signs as the node at any time; a key that is made while a worker runs is found without a word to it."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._held: tuple[OwnKey, ...] = ()

    def held(self) -> tuple[OwnKey, ...]:
        """Every key of the node, as it is on disk now."""
        if not self._held or (self._folder / _NAME.format(no=len(self._held) + 1)).exists():
            self._held = first(self._folder, self._now())
        return self._held

    def sign_for(self, known: Collection[str], payload: Mapping[str, Any], typ: str) -> str:
        """
        The payload, sealed for the purpose that `typ` names, for a peer that has said which of our keys it `known`s.

        A key that it has not confirmed is not used while an older one is valid: a signature that it cannot check would
        keep out the very envelope that tells it of the key.

        Raises:
            Unavailable: no key is valid now.
        """
        at = self._now()
        valid = [key for key in self.held() if key.valid_from <= at < key.valid_until]
        confirmed = [key for key in valid if key.signing.kid in known]
        if confirmed:
            key = confirmed[-1]
        elif valid:
            key = valid[0]
        else:
            raise Unavailable(NO_KEY)
        return seal(key.signing, payload, typ)


def _made(begins: datetime) -> bytes:
    told = {
        "valid_from": begins.isoformat(),
        "valid_until": (begins + LIFE).isoformat(),
        "private_pem": keys.new_private_pem().decode(),
    }
    return json.dumps(told, indent=2).encode()


def _loaded(path: Path) -> OwnKey:
    told = json.loads(path.read_text("utf-8"))
    return OwnKey(
        signing=SigningKey(told["private_pem"].encode()),
        valid_from=datetime.fromisoformat(told["valid_from"]),
        valid_until=datetime.fromisoformat(told["valid_until"]),
    )


def _whole(at: datetime) -> datetime:
    """To the second below: what is signed says no more."""
    return at.astimezone(UTC).replace(microsecond=0)
