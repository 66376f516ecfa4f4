"""What the management port says of a node."""

from __future__ import annotations

from pathlib import Path

from hub.store import open_pool
from hub.web.management import create_management_app
from tests.support.node import Node


def metric(node: Node, name: str, folder: Path) -> list[str]:
    """A figure without labels, as text; `folder` is that of the processes that count, which may be empty."""
    with open_pool(node.url, name="test-management", most=1) as pool:
        text = create_management_app(pool, str(folder)).test_client().get("/metrics").text
    return [line.partition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
