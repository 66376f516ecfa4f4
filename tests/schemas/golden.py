"""Rewrite the golden projections after a wanted change: ``python -m tests.schemas.golden``, then read the diff."""

from __future__ import annotations

import json

from schemas.masks import NAMES
from tests.schemas.test_projection import EXAMPLES, GOLDEN, seen


def main() -> None:
    """One file per example, holding each of its projections."""
    GOLDEN.mkdir(exist_ok=True)
    for example, event in EXAMPLES.items():
        views = {name: seen(event, name) for name in NAMES}
        text = json.dumps(views, indent=1, ensure_ascii=False, sort_keys=True)
        (GOLDEN / f"{example}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
