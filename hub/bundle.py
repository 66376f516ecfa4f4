"""Audit bundles: the log, or its later part, with all that is needed to check it far from the node.

A bundle is JSON Lines. The header names issuer, keys, signed heads and the edge of the tree before the first entry;
then come blocks, each the recorded hashes of its leaves and the lines they were made of. The hashes say which entry is
not what was recorded, the signed heads that the record is what was signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from hub import keys, tokens
from hub.errors import NotAuthenticated
from hub.merkle import HASH_BYTES, Edge, Head, Line, grow, leaf_hashes
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric import ec

FORMAT = "puente-audit/1"
BLOCK = 256  # leaves; blocks end where the tree has a complete subtree of this size
MOST_HEADS = 1000
GONE = b"null"  # in the place of an entry that is no longer there

_NO = re.compile(rb'"no":(\d+)')

NOT_A_BUNDLE = Text("this is not an audit bundle", "esto no es un paquete de auditoría")
NOT_A_HEAD = Text(
    "the file named by --since holds no head signed by this node",
    "el archivo indicado con --since no contiene una cabeza firmada por este nodo",
)
TOO_LATE = Text(
    "the bundle begins with entry {first}, after the earlier head of {size} entries: export it from there",
    "el paquete empieza en la entrada {first}, después de la cabeza anterior de {size} entradas: expórtelo desde ahí",
)
BAD_HEAD = Text(
    "signed head {place} is not signed by this node's key, or not about this tree",
    "la cabeza firmada {place} no está firmada con la clave de este nodo, o no trata de este árbol",
)
ALTERED = Text(
    "entry {first} is not what was recorded; in its place stands number {no}",
    "la entrada {first} no es lo que se registró; en su lugar está el número {no}",
)
MISSING = Text("entry {first} is missing", "falta la entrada {first}")
ENDS_EARLY = Text(
    "the bundle ends before entry {first}, of {size}", "el paquete termina antes de la entrada {first}, de {size}"
)
BROKEN_BLOCK = Text(
    "the recorded hashes from entry {first} on are damaged",
    "los hashes registrados desde la entrada {first} están dañados",
)
TOO_MUCH = Text(
    "there is more after the last entry, which is {last}", "hay algo más después de la última entrada, que es {last}"
)
NOT_SIGNED = Text(
    "entries {first} to {last}: among them is one that is not what was signed at {at}",
    "entradas {first} a {last}: entre ellas hay una que no es lo que se firmó el {at}",
)
REWRITTEN = Text(
    "the node signed two logs: this one holds, but its entries 0 to {last} are not those it signed at {at}",
    "el nodo firmó dos registros: este es íntegro, pero sus entradas 0 a {last} no son las que firmó el {at}",
)
OLDER = Text(
    "the bundle ends with entry {last}, but {size} were signed at {at}",
    "el paquete termina en la entrada {last}, pero el {at} se firmaron {size}",
)


class NotChecked(Exception):
    """What was given cannot be checked at all; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class Broken(Exception):
    """The bundle is not what was signed; `text` says where. `first` to `last` are the entries in question."""

    def __init__(self, text: Text, first: int, last: int) -> None:
        super().__init__(str(text))
        self.text = text
        self.first = first
        self.last = last


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a bundle holds: entries from `edge.size` on, up to the last of `heads`, which are signed by `jwks`."""

    issuer: str
    jwks: Mapping[str, Any]
    edge: Edge
    size: int
    heads: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A bundle that holds: which entries, the heads they come to in order of size, and the keys that signed them."""

    first: int
    size: int
    heads: Sequence[Head]
    keys: Sequence[str]


def header(scope: Scope) -> bytes:
    """The first line of a bundle."""
    members = {
        "format": FORMAT,
        "issuer": scope.issuer,
        "from": scope.edge.size,
        "size": scope.size,
        "edge": [each.hex() for each in scope.edge.hashes],
        "jwks": scope.jwks,
        "heads": list(scope.heads),
    }
    return orjson.dumps(members) + b"\n"


def blocks(first: int, size: int) -> Iterator[tuple[int, int]]:
    """The blocks that the entries `first` to `size - 1` are laid out in."""
    while first < size:
        past = min(size, (first // BLOCK + 1) * BLOCK)
        yield first, past
        first = past


def lost(index: int) -> Line:
    """What stands in a bundle for a leaf that is no longer there."""
    return Line(index, bytes(HASH_BYTES), None)


def block(lines: Sequence[Line]) -> bytes:
    """One block: its recorded hashes, then its lines."""
    hashes = b"".join(line.hash for line in lines).hex()
    texts = [GONE if line.text is None else line.text.encode() for line in lines]
    return b"\n".join([b'{"leaves":"%s"}' % hashes.encode(), *texts, b""])


def verify(
    lines: Iterable[bytes], *, trusted: Mapping[str, ec.EllipticCurvePublicKey] | None = None, since: str | None = None
) -> Held:
    """
    Check a bundle, given as its lines without their ends, reading each once.

    `trusted` are the keys to believe, else those in the bundle itself; `since` is a head that was signed earlier, which
    the bundle must then begin with.

    Raises:
        NotChecked: it is no bundle, or begins too late for `since`.
        Broken: it is not what was signed, and where.
    """
    rest = iter(lines)
    scope = _scope(rest)
    believed = trusted if trusted is not None else _own_keys(scope)
    heads = _heads(scope, believed)
    kept = _kept(scope, believed, since)
    by_size = {head.size: head for head in heads}
    marks = sorted({*by_size, kept.size if kept is not None else scope.size})
    edge, held, roots = scope.edge, 0, dict[int, bytes]()
    for first, past in blocks(edge.size, scope.size):
        leaves = _leaves(rest, first, past, scope.size)
        while marks and marks[0] <= past:
            edge, _ = grow(edge, leaves[edge.size - first : marks.pop(0) - first])
            roots[edge.size] = edge.root
            if edge.size in by_size:
                held = _compared(by_size[edge.size], edge.root, held)
        edge, _ = grow(edge, leaves[edge.size - first :])
    if next(rest, None) is not None:
        _broken(TOO_MUCH.format(last=scope.size - 1), scope.size, scope.size)
    if kept is not None and roots[kept.size] != kept.root:
        _broken(REWRITTEN.format(last=kept.size - 1, at=_when(kept)), 0, kept.size - 1)
    return Held(first=scope.edge.size, size=scope.size, heads=heads, keys=tuple(believed))


def _scope(rest: Iterator[bytes]) -> Scope:
    try:
        told = orjson.loads(next(rest, b""))
        if told["format"] != FORMAT:
            raise ValueError
        edge = Edge(told["from"], tuple(bytes.fromhex(each) for each in told["edge"]))
        heads = [str(each) for each in told["heads"]]
        scope = Scope(issuer=str(told["issuer"]), jwks=told["jwks"], edge=edge, size=int(told["size"]), heads=heads)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotChecked(NOT_A_BUNDLE) from error
    if not heads or not edge.size < scope.size or any(len(each) != HASH_BYTES for each in edge.hashes):
        raise NotChecked(NOT_A_BUNDLE)
    return scope


def _own_keys(scope: Scope) -> dict[str, ec.EllipticCurvePublicKey]:
    try:
        return keys.public_keys(scope.jwks)
    except ValueError as error:
        raise NotChecked(NOT_A_BUNDLE) from error


def _heads(scope: Scope, believed: Mapping[str, ec.EllipticCurvePublicKey]) -> list[Head]:
    """The heads of a bundle: each signed, in order, none of a tree it cannot show, and the last of all it shows."""
    found: list[Head] = []
    for place, signed in enumerate(scope.heads, 1):
        before = found[-1].size if found else scope.edge.size - 1
        try:
            head = tokens.read_head(signed, scope.issuer, believed)
        except NotAuthenticated:
            _broken(BAD_HEAD.format(place=place), scope.edge.size, scope.size - 1)
        if not before < head.size <= scope.size or (place == len(scope.heads) and head.size != scope.size):
            _broken(BAD_HEAD.format(place=place), scope.edge.size, scope.size - 1)
        found.append(head)
    return found


def _kept(scope: Scope, believed: Mapping[str, ec.EllipticCurvePublicKey], since: str | None) -> Head | None:
    """The head that somebody kept, if the bundle reaches over it."""
    if since is None:
        return None
    try:
        head = tokens.read_head(since, scope.issuer, believed)
    except NotAuthenticated as error:
        raise NotChecked(NOT_A_HEAD) from error
    if head.size < scope.edge.size:
        raise NotChecked(TOO_LATE.format(first=scope.edge.size, size=head.size))
    if head.size > scope.size:
        text = OLDER.format(last=scope.size - 1, size=head.size, at=_when(head))
        _broken(text, scope.size, head.size - 1)
    return head


def _compared(head: Head, root: bytes, held: int) -> int:
    """The size up to which everything holds, now that this head does; before it, that was `held`."""
    if head.root != root:
        text = NOT_SIGNED.format(first=held, last=head.size - 1, at=_when(head))
        _broken(text, held, head.size - 1)
    return head.size


def _leaves(rest: Iterator[bytes], first: int, past: int, size: int) -> list[bytes]:
    """The leaf hashes of one block, every line checked against the one that was recorded."""
    recorded = _recorded(next(rest, b""), first, past, size)
    found = list(islice(rest, past - first))
    leaves = leaf_hashes(found)
    if b"".join(leaves) != recorded:
        _name(found, leaves, recorded, first, size)
    return leaves


def _recorded(line: bytes, first: int, past: int, size: int) -> bytes:
    if not line:
        _broken(ENDS_EARLY.format(first=first, size=size), first, size - 1)
    try:
        recorded = bytes.fromhex(orjson.loads(line)["leaves"])
    except (ValueError, KeyError, TypeError):
        recorded = b""
    if len(recorded) != HASH_BYTES * (past - first):
        _broken(BROKEN_BLOCK.format(first=first), first, past - 1)
    return recorded


def _name(found: Sequence[bytes], leaves: Sequence[bytes], recorded: bytes, first: int, size: int) -> NoReturn:
    """Name the first entry of a block that is not what was recorded."""
    for place in range(len(recorded) // HASH_BYTES):
        index = first + place
        if place == len(leaves):
            _broken(ENDS_EARLY.format(first=index, size=size), index, size - 1)
        if leaves[place] != recorded[HASH_BYTES * place : HASH_BYTES * (place + 1)]:
            if found[place] == GONE:
                _broken(MISSING.format(first=index), index, index)
            number = _NO.search(found[place])
            _broken(ALTERED.format(first=index, no=int(number[1]) if number else "?"), index, index)
    raise AssertionError("nothing differs")


def _broken(text: Text, first: int, last: int) -> NoReturn:
    raise Broken(text, first, last)


def _when(head: Head) -> str:
    return head.at.isoformat(timespec="seconds")
