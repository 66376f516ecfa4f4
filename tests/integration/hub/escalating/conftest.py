"""Escalation at a node whose clock tests move on, and the desks that may be called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.escalating import Escalation, desk
from tests.support.node import Desk, Node
from tests.support.subscribing import subscribe
from tests.support.terminal import Terminal, served


@pytest.fixture
def escalation(node: Node) -> Escalation:
    """Who passes on, looks and carries, a round at a time."""
    return Escalation(node)


@pytest.fixture
def desks(police: Desk, sheriff: Desk) -> None:
    """The sheriff's desk on duty, its supervisor and its command; and the police's own."""
    subscribe(sheriff)
    desk(sheriff, "supervisor")
    desk(sheriff, "command", filter={"types": ["case.*"]})
    subscribe(police, filter={"types": ["case.*"]})


@pytest.fixture
def terminal(node: Node, tmp_path: Path) -> Iterator[Terminal]:
    """The command line, which asks this node."""
    with served(node) as url:
        yield Terminal(tmp_path, url)
