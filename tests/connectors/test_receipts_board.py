"""The board of a duty officer: each fact with its time, as the clock on the wall shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.admin.receipts import Clock, board

TIJUANA = Clock(datetime(2026, 11, 26, 20, 30, tzinfo=UTC), ZoneInfo("America/Tijuana"))
NODE: dict[str, Any] = {
    "node": "mx",
    "sent": "2026-11-26T20:03:06+00:00",
    "received": "2026-11-26T20:03:07+00:00",
    "sequence": 12,
    "brought": "event",
    "outcome": "stored",
    "position": 42,
}
FGE: dict[str, Any] = {
    "agency": "mx-bcn-fge",
    "name": "FGE Baja California",
    "kind": "prosecutor",
    "country": "MX",
    "node": "mx",
    "may_read": True,
    "sent": "2026-11-26T20:03:06+00:00",
    "received": "2026-11-26T20:03:07+00:00",
    "delivered": "2026-11-26T20:03:08+00:00",
    "read": "2026-11-26T20:03:41+00:00",
    "acknowledged": "2026-11-26T20:04:10+00:00",
    "declined": None,
    "reason": None,
    "ack_required_by": "2026-11-26T20:13:05+00:00",
    "overdue": False,
    "escalated": None,
    "escalated_at": None,
    "unreached": False,
    "proposed": [],
}
UNREAD = {"delivered": None, "read": None, "acknowledged": None, "ack_required_by": None}
COUNTS = {"recipients": 1, "received": 1, "delivered": 1, "read": 1, "acknowledged": 1, "declined": 0, "overdue": 0}


def lines(*rows: dict[str, Any], node: dict[str, Any] = NODE, language: str = "en") -> list[str]:
    """The board."""
    page = {
        "type": "alert.missing_child.issued",
        "event": "019e",
        "accepted": "2026-11-26T20:03:05+00:00",
        "nodes": [node],
        "counts": COUNTS,
    }
    return list(board(page, rows, TIJUANA, language))


def test_an_agency_is_a_line_of_dated_facts() -> None:
    assert lines(FGE)[2] == (
        "  FGE Baja California  received 12:03:07  delivered 12:03:08  read 12:03:41  acknowledged 12:04:10"
    )


def test_in_spanish_it_is_the_same_board() -> None:
    told = lines(FGE, language="es")

    assert told[2] == (
        "  FGE Baja California  recibido 12:03:07  entregado 12:03:08  leído 12:03:41  confirmado 12:04:10"
    )
    assert told[3] == ("1 destinatarios: 1 recibido, 1 entregado, 1 leído, 1 confirmado, 0 rechazado, 0 vencido")


def test_the_node_across_is_told_with_its_receipt() -> None:
    assert lines(FGE)[1].split("  ")[1] == "node mx"
    assert lines(FGE)[1].endswith("sent 12:03:06  received 12:03:07  sequence 12  stored  position 42 there")


@pytest.mark.parametrize(
    ("differs", "end"),
    [
        (
            {"received": None, "outcome": None, "position": None},
            "not received yet  sequence 12  no receipt yet",
        ),
        ({"received": None, "outcome": "refused:foreign-place", "position": None}, "REFUSED there: foreign-place"),
        ({"brought": "recall", "outcome": "applied"}, "taken back there  position 42 there"),
    ],
)
def test_what_the_node_has_not_answered_or_refused_is_said(differs: dict[str, Any], end: str) -> None:
    assert lines(FGE, node=NODE | differs)[1].endswith(end)


def test_of_what_has_not_happened_the_first_is_said() -> None:
    unread, nowhere = lines(FGE | UNREAD, FGE | UNREAD | {"received": None})[2:4]

    assert unread.endswith("received 12:03:07  not read yet")
    assert nowhere.endswith("California  not received yet")


def test_a_decline_has_its_reason_in_words() -> None:
    declined = UNREAD | {"declined": "2026-11-26T20:05:00+00:00", "reason": "not-ours"}

    assert lines(FGE | declined)[2].endswith("declined 12:05:00  (not ours)")


def test_who_has_yet_to_acknowledge_is_told_with_the_time_and_who_was_called() -> None:
    waiting = FGE | {"acknowledged": None}
    late = waiting | {"overdue": True, "escalated": 2, "escalated_at": "2026-11-26T20:23:05+00:00"}

    assert lines(waiting)[2].endswith("read 12:03:41  to acknowledge by 12:13:05")
    assert lines(late)[2].endswith("OVERDUE since 12:13:05  step 2 called 12:23:05")
    assert lines(late | {"unreached": True})[2].endswith("step 2 REACHES NOBODY since 12:23:05")
    assert lines(late, language="es")[2].endswith("VENCIDO desde 12:13:05  paso 2 llamado 12:23:05")


def test_whose_it_may_be_instead_is_told() -> None:
    elsewhere = UNREAD | {
        "declined": "2026-11-26T20:05:00+00:00",
        "reason": "not-ours",
        "proposed": ["mx-son-fge", "mx-bcs-fge"],
    }

    assert lines(FGE | elsewhere)[2].endswith("(not ours)  perhaps for mx-son-fge, mx-bcs-fge")


def test_another_day_is_told_with_its_date_in_this_zone() -> None:
    before_midnight_here = FGE | {"read": "2026-11-26T07:59:59+00:00"}

    assert "read 2026-11-25 23:59:59" in lines(before_midnight_here)[2]


def test_who_may_no_longer_read_it_is_marked() -> None:
    assert lines(FGE | {"may_read": False})[2].endswith("[may no longer read it]")
