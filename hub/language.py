"""The language of an answer's words: English or Spanish, by `Accept-Language` (RFC 9110 section 12.5.4). Pure."""

from __future__ import annotations

import re

# A range is `*`, `es` or `es-MX` (also `es_MX`, which some clients write), with a weight of 0 to 1 where it has one.
_RANGE = re.compile(r"(\*|[a-z]{1,8})(?:[-_][a-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]*)?))?", re.IGNORECASE)


def preferred(accepted: str) -> str:
    """`es` or `en`; English where the client prefers neither. What is no range in `accepted` is passed over."""
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        read = _RANGE.fullmatch(part.strip())
        if read is None or (weight := float(read[2] or 1)) > 1:
            continue
        language = read[1].lower()
        weights[language] = max(weights.get(language, 0), weight)
    others = weights.get("*", 0)
    return "es" if weights.get("es", others) > weights.get("en", others) else "en"
