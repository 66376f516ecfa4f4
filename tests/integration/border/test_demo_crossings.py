"""The demo waits until what was released is in the other node's log, and nothing else is on its way."""

from __future__ import annotations

from pathlib import Path

from hub.demo import arriving, stage
from hub.demo.stage import Running
from hub.fleet import Fleet
from hub.grants import GrantSet
from hub.settings import load_settings
from schemas import envelope
from tests.integration.border.conftest import released
from tests.support.crossing import Pair, Side


def node(side: Side) -> stage.Node:
    """A side as the demo knows it."""
    told = load_settings(Path(f"config/demo/{side.node}.toml"), {})
    return stage.Node(told, Fleet(Path("run"), {}), {"PUENTE_DATABASE_URL": side.url}, GrantSet())


def test_an_event_that_has_not_crossed_is_named_with_the_node_it_should_be_at(met: Pair) -> None:
    """Given an alert that was released and not sent, then it is late at the other node; once sent, it is not."""
    event = released()
    met.us.publish(event)
    nodes = {side.node: node(side) for side in (met.us, met.mx)}
    running = Running(nodes, lambda: False)
    wanted = [(nodes["mx"], envelope.load(event))]
    before = arriving.crossings(running, wanted, still_s=0)
    met.cross()
    after = arriving.crossings(running, wanted, still_s=0)
    assert [(late.event.id, str(late.where)) for late in before] == [(event["id"], "it has not crossed to node mx")]
    assert after == []


def test_what_should_stay_is_waited_for_as_well_before_anybody_reads(met: Pair) -> None:
    """Given an alert that nobody expects abroad, then the demo goes on only once the border has dealt with it."""
    met.us.publish(released())
    looks = []

    def sends_meanwhile() -> bool:
        looks.append(met.cross())
        return False

    nodes = {side.node: node(side) for side in (met.us, met.mx)}
    arriving.crossings(Running(nodes, sends_meanwhile), [], still_s=60)
    assert looks == [[("event", "stored")]]
