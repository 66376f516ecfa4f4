"""The last words of the demo: what keeps it from being right is told, and only then does it fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.demo.arriving import UNREAD, Late
from hub.demo.feeding import Fed, Source
from hub.demo.report import Outcome, show_outcome
from hub.demo.stage import Node
from hub.fleet import Fleet
from hub.grants import GrantSet
from hub.settings import load_settings
from schemas import envelope
from schemas.texts import Text
from tests.support.events import alert

NODE = Node(load_settings(Path("config/demo/us.toml"), {}), Fleet(Path("us/run"), {}), {}, GrantSet())
EVENT = envelope.load(alert("issued"))
SOURCE = Source(Path("cap-us.toml"), NODE, ())
WELL = Fed(SOURCE, (EVENT,), (), None)
FAILED = Fed(SOURCE, (EVENT,), (), Text("the broker is away", "el broker no está"))


def ended(*fed: Fed, late: tuple[Late, ...] = (), **differs: Any) -> tuple[bool, str]:
    """Whether it was right, and its last words."""
    console = Console(width=400)
    outcome = Outcome(**{"events": 1, "readers": 2, "cells": 2, "wrong": 0} | differs)
    with console.capture() as words:
        is_right = show_outcome(console, outcome, fed, late, "en")
    return is_right, words.get()


def test_it_is_right_when_everything_came_as_expected() -> None:
    is_right, words = ended(WELL)

    assert is_right
    assert "Every reader got exactly what it may have: 1 events, 2 readers, 2 decisions" in words


def test_a_connector_that_failed_is_named_with_its_reason() -> None:
    is_right, words = ended(WELL, FAILED)

    assert not is_right
    assert "The connector cap-us failed: the broker is away" in words
    assert "Every reader" not in words


def test_an_event_that_did_not_arrive_is_named_with_where_it_is() -> None:
    is_right, words = ended(WELL, late=(Late(NODE, EVENT, UNREAD),))

    assert not is_right
    assert f"{EVENT.type} {EVENT.subject} of {EVENT.source} is late: the hub has not read it from Kafka" in words
    assert "node us are in us/run" in words
    assert "Every reader" not in words


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({"wrong": 1}, "1 of 2 answers are not as expected."),
        ({"events": 0, "cells": 0}, "nothing was published"),
    ],
)
def test_an_answer_that_is_wrong_or_none_at_all_is_told(differs: dict[str, Any], expected: str) -> None:
    is_right, words = ended(WELL, **differs)

    assert not is_right
    assert expected in words
