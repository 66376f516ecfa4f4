"""How far each field may travel: every field of the published language declares one of these beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class Sensitivity(IntEnum):
    """
    Who may see a field at most; a label may raise it, never lower it.

    A field is visible at a clearance if its own sensitivity and that of everything around it are not above it.
    """

    PUBLIC = 0
    PARTNER = 1  # agencies and vetted nonprofits
    ENFORCEMENT = 2  # law enforcement and prosecution
    PROTECTED = 3  # identifies a victim: named recipient with live consent or a legal duty

    @property
    def slug(self) -> str:
        """The name on the wire: ``public`` ... ``protected``."""
        return self.name.lower()


class Coarse(NamedTuple):
    """A coarser member that stands in where the field itself is hidden (an age band for an age)."""

    name: str  # of the member that appears beside the hidden one
    sensitivity: Sensitivity  # of the coarse member
    by: str  # function in schemas.coarse
    lapses_to: Sensitivity | None = None  # None means: stays as it is
    of: str | None = None  # the sibling it is worked out from, if that is another: what hides that one hides it too


Metadata = Mapping[str, Any]


def _sealed(**members: Any) -> Metadata:
    return MappingProxyType(members)


PUBLIC: Metadata = _sealed(sensitivity=Sensitivity.PUBLIC)
PARTNER: Metadata = _sealed(sensitivity=Sensitivity.PARTNER)
ENFORCEMENT: Metadata = _sealed(sensitivity=Sensitivity.ENFORCEMENT)
PROTECTED: Metadata = _sealed(sensitivity=Sensitivity.PROTECTED)
# Public while the alert is active, then protected: a recovered child's name must not stay in circulation.
LAPSING: Metadata = _sealed(sensitivity=Sensitivity.PUBLIC, lapses_to=Sensitivity.PROTECTED)
# The same for what was never public.
LAPSING_ENFORCEMENT: Metadata = _sealed(sensitivity=Sensitivity.ENFORCEMENT, lapses_to=Sensitivity.PROTECTED)
# Public while the alert is active, then for law enforcement: suspects are no victims.
LAPSING_TO_ENFORCEMENT: Metadata = _sealed(sensitivity=Sensitivity.PUBLIC, lapses_to=Sensitivity.ENFORCEMENT)
# Envelope members that even a mere notice carries.
NOTICE: Metadata = _sealed(sensitivity=Sensitivity.PUBLIC, notice=True)


def with_coarse(metadata: Metadata, coarse: Coarse) -> Metadata:
    """The same sensitivity, with a coarser member where the field itself is hidden."""
    return _sealed(**metadata, coarse=coarse)
