"""What an operator sees of the border on the management port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from hub import peers
from hub.store import open_pool
from hub.web.management import create_management_app
from tests.support.border import Side

FIGURES = ("lag_events", "oldest_unsent_seconds", "receipts_missing", "skew_seconds", "last_receipt_age_seconds")


@pytest.fixture
def management(us: Side, tmp_path: Path) -> Iterator[FlaskClient]:
    """The management port of `us`."""
    pool = open_pool(us.node.url, name="test-management", most=2)
    yield create_management_app(pool, str(tmp_path), lambda: 86_400.0).test_client()
    pool.close()


def gauges(management: FlaskClient) -> dict[str, float]:
    """The figures of the border to `mx`, by name."""
    lines = [line for line in management.get("/metrics").text.splitlines() if line.startswith("puente_border_")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def border(management: FlaskClient) -> dict[str, Any]:
    """What readiness says of the border."""
    return dict(management.get("/health/ready").get_json()["border"])


def test_every_figure_is_there_after_the_first_receipt(management: FlaskClient, us: Side, mx: Side) -> None:
    us.send(mx)

    found = gauges(management)

    assert {f'puente_border_{name}{{peer="mx"}}' for name in FIGURES} <= found.keys()
    assert found['puente_border_receipts_missing{peer="mx"}'] == 0
    assert found['puente_border_is_open{peer="mx"}'] == 1
    assert found['puente_border_key_expires_seconds{peer="ours"}'] == 86_400
    assert found['puente_border_key_expires_seconds{peer="mx"}'] > 86_400


def test_what_has_no_receipt_is_counted_and_ages(management: FlaskClient, us: Side, mx: Side) -> None:
    us.send(mx)
    us.node.rows("UPDATE departure SET receipted_at = NULL, made_at = made_at - interval '1 minute'")
    us.node.rows("UPDATE crossing SET receipted = 0")

    found = gauges(management)

    assert found['puente_border_receipts_missing{peer="mx"}'] > 0
    assert found['puente_border_oldest_unsent_seconds{peer="mx"}'] >= 60
    assert border(management)["mx"]["oldest_unsent_s"] >= 60


def test_the_border_decides_nothing_about_readiness(management: FlaskClient, us: Side) -> None:
    us.node.rows("UPDATE crossing SET failure = 'unreachable'")

    answer = management.get("/health/ready")

    assert answer.status_code == 200
    assert answer.get_json()["border"]["mx"]["failure"] == "unreachable"


def test_a_stopped_border_is_told_and_a_removed_one_is_not(management: FlaskClient, us: Side) -> None:
    with us.connected() as conn:
        peers.stop(conn, "us", "mx", "fork")
    stopped = gauges(management)['puente_border_is_open{peer="mx"}'], border(management)["mx"]["state"]
    with us.connected() as conn:
        peers.remove(conn, "us", "mx", "enough")

    assert stopped == (0.0, "stopped")
    assert border(management) == {}
