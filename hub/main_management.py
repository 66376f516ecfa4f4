"""The composition root of health and metrics, beside `hub.main`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hub import border_keys, main
from hub.store import open_pool

if TYPE_CHECKING:
    from flask import Flask


def management_app() -> Flask:
    """Health and metrics."""
    from hub.web.management import create_management_app

    main.end_with_granian()
    main.log_to_stderr()
    told = main.settings()
    pool = open_pool(main.database_url(told), name="puente-management", most=2)

    def own_key_left_s() -> float | None:
        ends = [key.valid_until for key in border_keys.read(told.state_dir)]
        return (max(ends) - main.now()).total_seconds() if ends else None

    return create_management_app(pool, os.environ["PROMETHEUS_MULTIPROC_DIR"], own_key_left_s)
