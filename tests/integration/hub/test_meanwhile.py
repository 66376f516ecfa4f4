"""What another thread of the gateway learns while a request is under way does not make an old answer a present one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.directory import Standing
from hub.ingest import accept
from hub.picture import Stale
from hub.principal import of_agency
from hub.reading import Asking
from hub.store import connect
from schemas import envelope
from tests.support.cast import POLICE
from tests.support.node import Node, missing_child


def test_who_was_suspended_meanwhile_publishes_nothing(node: Node) -> None:
    """Given a request of an agency in good standing, when it is suspended and another thread has seen that, then no."""
    picture = node.hub.picture
    with connect(node.url, name="test") as conn:
        view = picture.refresh(conn)
        asking = Asking(of_agency(view.rules.directory.agencies[POLICE.id]), picture, view, node.clock())
        node.enrol(replace(POLICE, standing=Standing.SUSPENDED))
        picture.refresh(conn)
        with pytest.raises(Stale):
            accept(conn, asking, envelope.load(missing_child()))
    assert node.rows("SELECT 1 FROM event") == []
