"""Language tags of info blocks (BCP 47): does the language exist, and which of our two is it."""

from __future__ import annotations

import re

import langcodes

from schemas.bilingual import LANGUAGES
from schemas.forms import LANGUAGE_PATTERN


def exists(tag: str) -> bool:
    """Whether a tag is well formed and made of subtags that are registered: ``en-EN`` is not."""
    return bool(re.fullmatch(LANGUAGE_PATTERN, tag, re.ASCII)) and langcodes.tag_is_valid(tag)


def of(tag: str) -> str | None:
    """``en`` or ``es`` if the tag is one of these, whatever region it claims; else None."""
    primary = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return primary if primary in LANGUAGES else None


def written(tag: str) -> str:
    """The tag in a form the published language accepts; ``und`` (undetermined) if there is none."""
    hyphened = tag.strip().replace("_", "-")
    return hyphened if re.fullmatch(LANGUAGE_PATTERN, hyphened, re.ASCII) else "und"
