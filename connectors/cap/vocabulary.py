"""The code lists of CAP (1.2 section 3.2) that documents are read against, and which of them decide our types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from schemas.alert import CATEGORIES, CERTAINTIES, RESPONSES, SEVERITIES, URGENCIES

__all__ = ["CATEGORIES", "CERTAINTIES", "RESPONSES", "SEVERITIES", "URGENCIES"]

STATUSES: Mapping[str, str] = MappingProxyType(
    # System messages serve the alerting network itself and must not reach a duty officer as an alert.
    {"Actual": "actual", "Exercise": "exercise", "Test": "test", "System": "test"}
)
DRAFT = "Draft"
ALERT, UPDATE, CANCEL = "Alert", "Update", "Cancel"
MESSAGES = (ALERT, UPDATE, CANCEL)
RECEIPTS = ("Ack", "Error")
PUBLIC, RESTRICTED, PRIVATE = "Public", "Restricted", "Private"
SCOPES = (PUBLIC, RESTRICTED, PRIVATE)

# EAS event codes of missing persons (47 CFR 11.31; MEP since 8 September 2025) and their programme.
MISSING_CODES: Mapping[str, str] = MappingProxyType({"CAE": "AMBER", "MEP": "MEP"})
# Event names, folded, for sources that send no code.
MISSING_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "child abduction": "AMBER",
        "child abduction emergency": "AMBER",
        "amber alert": "AMBER",
        "alerta amber": "AMBER",
        "abduccion de nino": "AMBER",
        "missing and endangered person": "MEP",
        "missing and endangered persons": "MEP",
        "missing endangered person": "MEP",
        "protocolo alba": "ALBA",
        "alerta alba": "ALBA",
        "alerta nacional de busqueda": "ALERTA_NACIONAL",
        "missing child": "OTHER",
        "nina desaparecida": "OTHER",
        "nino desaparecido": "OTHER",
        "persona menor de edad desaparecida": "OTHER",
    }
)


def nearest(written: str, codes: Iterable[str]) -> str | None:
    """The code that ``written`` is but for its case; None if there is none."""
    folded = written.casefold()
    return next((code for code in codes if code.casefold() == folded), None)


def fold(text: str) -> str:
    """Lower case without accents and with single spaces, to compare names of events."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", plain))
