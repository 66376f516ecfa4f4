"""A node with a public, and a desk whose events it reads."""

from __future__ import annotations

import pytest

from tests.support.cast import POLICE
from tests.support.node import Desk, Node
from tests.support.public import open_to_public


@pytest.fixture
def public_node(node: Node) -> Node:
    """A node whose public reads what is TLP:CLEAR."""
    return open_to_public(node)


@pytest.fixture
def desk(public_node: Node) -> Desk:
    """Publishes at a node with a public."""
    return public_node.desk(POLICE)
