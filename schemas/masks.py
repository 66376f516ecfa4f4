"""The projections as bits of a mask: which of them show a given member."""

from __future__ import annotations

from schemas.sensitivity import Sensitivity

NAMES = ("notice", "public", "partner", "enforcement", "full", "public~", "partner~", "enforcement~")
BITS = {name: 1 << position for position, name in enumerate(NAMES)}
ALL = (1 << len(NAMES)) - 1
_CLEARANCES = {
    Sensitivity.PUBLIC: "public",
    Sensitivity.PARTNER: "partner",
    Sensitivity.ENFORCEMENT: "enforcement",
}


def from_level(active: Sensitivity, lapsed: Sensitivity, *, in_notice: bool = False) -> int:
    """Who sees a member of one sensitivity while the alert is active and another when it is over: the owner always."""
    shown = BITS["full"] | (BITS["notice"] if in_notice else 0)
    for clearance, name in _CLEARANCES.items():
        if active <= clearance:
            shown |= BITS[name]
        if lapsed <= clearance:
            shown |= BITS[f"{name}~"]
    return shown


FROM_PARTNER = from_level(Sensitivity.PARTNER, Sensitivity.PARTNER)
