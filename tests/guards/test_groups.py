"""`make test` gives a file to one process: what a module sets up is set up once, and there is one broker."""

from __future__ import annotations

import pytest


def test_processes_share_no_file(request: pytest.FixtureRequest) -> None:
    """What pytest-xdist reads the group from; where it finds none, it deals out tests one by one, and says nothing."""
    is_grouped = request.config.getoption("loadgroup", False)

    assert request.node.nodeid.endswith(f"@{request.path.name}") is is_grouped
