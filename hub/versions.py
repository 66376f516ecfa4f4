"""Versions of a grant: the newest approved one counts, and earlier ones go on where it does not speak. Pure.

An approval is of one version by one source. So when the next version is in force, the one before still speaks for
sources that have not approved the next, and, as far as the next allows as well, for what was accepted before.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.grants import Grant, GrantState, Owner, covers_type
from schemas.places import covers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

STANDING = (GrantState.IN_FORCE, GrantState.SUSPENDED)


def in_use(versions: Iterable[Grant]) -> tuple[Grant, ...]:
    """What decisions rest on: of each grant the version that stands, and what earlier ones still speak for."""
    by_id: defaultdict[str, list[Grant]] = defaultdict(list)
    for grant in versions:
        by_id[grant.id].append(grant)
    return tuple(one for held in by_id.values() for one in _standing(held))


def _standing(versions: list[Grant]) -> Iterator[Grant]:
    approved = sorted(
        (one for one in versions if one.state in (*STANDING, GrantState.SUPERSEDED)), key=lambda one: -one.version
    )
    current = next((one for one in approved if one.state in STANDING), None)
    if current is None:
        return
    yield current
    later = [current]
    for earlier in approved:
        if earlier.version >= current.version:
            continue
        for owner in earlier.owners or ():
            yield from _still(earlier, owner, later)
        later.append(earlier)


def _still(earlier: Grant, owner: Owner, later: list[Grant]) -> Iterator[Grant]:
    """What `earlier` still speaks for on behalf of one source, if anything; `later` is newest first."""
    left: Grant | None = replace(earlier, state=later[0].state, is_replaced=True)
    until = None
    for newer in later:
        approved = newer.owner(owner.agency)
        if approved is not None and left is not None:
            left, until = narrowed(left, newer), approved.events_from
    if left is not None:
        yield replace(left, owners=(replace(owner, events_until=until),))


def narrowed(earlier: Grant, later: Grant) -> Grant | None:
    """What both versions open, for as long as the later one does; None if that is nothing."""
    types = _both(earlier.types, later.types, _covers_pattern)
    places = _both(earlier.jurisdictions, later.jurisdictions, covers)
    if not (types and places):
        return None
    return replace(
        earlier,
        types=types,
        jurisdictions=places,
        max_tlp=min(earlier.max_tlp, later.max_tlp),
        clearance=min(earlier.clearance, later.clearance),
        requires=tuple(dict.fromkeys(earlier.requires + later.requires)),
        valid_from=later.valid_from,
        valid_until=later.valid_until,
    )


def _covers_pattern(wide: str, narrow: str) -> bool:
    return covers_type((wide,), narrow)


def _both(left: tuple[str, ...], right: tuple[str, ...], covering: Callable[[str, str], bool]) -> tuple[str, ...]:
    """What lies in both: of each pair in which one covers the other, the narrower."""
    found = [one for one in left if any(covering(other, one) for other in right)]
    found += [one for one in right if any(covering(other, one) for other in left)]
    return tuple(dict.fromkeys(found))
