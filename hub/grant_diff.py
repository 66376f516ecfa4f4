"""What a grants file would change against what it brought before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.grants import Grant

TERMS = (
    "source",
    "reader",
    "types",
    "jurisdictions",
    "purpose",
    "max_tlp",
    "clearance",
    "requires",
    "valid_from",
    "valid_until",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Grants by id; of the changed ones, the members that differ, as they are and as they would be."""

    added: tuple[Grant, ...]
    changed: tuple[tuple[str, tuple[tuple[str, object, object], ...]], ...]
    removed: tuple[Grant, ...]

    @property
    def is_none(self) -> bool:
        """Whether the file says what is there."""
        return not (self.added or self.changed or self.removed)


def compare(held: Iterable[Grant], wanted: Iterable[Grant]) -> Difference:
    """The difference between the grants that are there and those of a file."""
    before, after = {one.id: one for one in held}, {one.id: one for one in wanted}
    changed = [(id_, _members(before[id_], after[id_])) for id_ in sorted(before.keys() & after.keys())]
    return Difference(
        added=tuple(after[id_] for id_ in sorted(after.keys() - before.keys())),
        changed=tuple((id_, members) for id_, members in changed if members),
        removed=tuple(before[id_] for id_ in sorted(before.keys() - after.keys())),
    )


def _members(before: Grant, after: Grant) -> tuple[tuple[str, object, object], ...]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in TERMS)
    return tuple((name, old, new) for name, old, new in pairs if old != new)
