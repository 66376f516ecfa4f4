"""Borders as decisions need them: the other nodes' limits, their grants that open something here, whom they know."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from hub.border_rows import load_grant
from hub.borders import Border
from hub.directory import Kind
from hub.limits import load_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.grants import Grant
    from hub.limits import Limits

PEERS = "SELECT p.node, p.country, p.state, l.limits FROM peer p LEFT JOIN peer_limits l ON l.peer = p.node"
KNOWN = "SELECT peer, agency, kind FROM shown_agency WHERE is_known"
PROTECTED = "SELECT peer, reader FROM protected_reader"
RELEASED = "SELECT peer, id, standing FROM released_grant ORDER BY peer, id, no"


def borders_of(
    peers: Iterable[Mapping[str, Any]], known: Iterable[Mapping[str, Any]], protected: Iterable[Mapping[str, Any]]
) -> Mapping[str, Border]:
    """Rows of `PEERS`, `KNOWN` and `PROTECTED` as the policy has them."""
    readers: defaultdict[str, set[str]] = defaultdict(set)
    for row in protected:
        readers[row["peer"]].add(row["reader"])
    knows: defaultdict[str, dict[str, Kind]] = defaultdict(dict)
    for row in known:
        knows[row["peer"]][row["agency"]] = Kind(row["kind"])
    return MappingProxyType(
        {
            row["node"]: Border(
                node=row["node"],
                country=row["country"],
                is_open=row["state"] == "open",
                limits=None if row["limits"] is None else _limits(row["limits"]),
                knows=MappingProxyType(knows[row["node"]]),
                protected=frozenset(readers[row["node"]]),
            )
            for row in peers
        }
    )


def released(rows: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Rows of `RELEASED`: grants of other nodes."""
    return tuple(_grant(row["peer"], row["id"], row["standing"]) for row in rows)


# Loading one takes a millisecond, and most are the same when the rules are read again.
@lru_cache(maxsize=8192)
def _grant(peer: str, grant_id: str, standing: str) -> Grant:
    return load_grant({"id": grant_id, "standing": [orjson.loads(standing)]}, peer)[1][0]


@lru_cache(maxsize=16)
def _limits(text: str) -> Limits:
    return load_limits(orjson.loads(text), text.encode())
