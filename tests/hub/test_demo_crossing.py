"""The demo's story of the crossing: what stayed is listed once, under its country, with the origin's reason."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from hub.demo import crossing
from hub.demo.cast import load_cast
from hub.demo.expecting import Expected
from hub.demo.reading import Reading, Verdict
from hub.demo.stage import Node, Running
from hub.fleet import Fleet
from hub.grants import GrantSet
from hub.policy import Decision
from hub.settings import load_settings
from schemas import envelope
from schemas.texts import Text
from tests.support.events import alert, case

PLAYERS = load_cast(Path("config/demo/agencies.toml"))
NODES = {
    node: Node(load_settings(Path(f"config/demo/{node}.toml"), {}), Fleet(Path("run"), {}), {}, GrantSet())
    for node in ("us", "mx")
}
HOME = Decision(False, Text("not released to this country", "no liberado para este país"))
REFUSED = Decision(False, Text("refused by the hub", "rechazado por el hub"))
ALERT, CASE = envelope.load(alert("issued")), envelope.load(case("opened"))


def told(*expected: Expected, language: str = "en") -> str:
    """What is said when every reader got none of these."""
    readers = [player for player in PLAYERS if player.reader is not None]
    readings = [Reading(one, [Verdict(each, None) for each in expected], []) for one in readers]
    console = Console(width=200)
    with console.capture() as words:
        late = crossing.tell(Running(NODES, lambda: False), PLAYERS, readings, console, language)
    assert late == []
    return words.get()


def test_where_nothing_crossed_it_says_so() -> None:
    assert "No alert crossed." in told(Expected(ALERT, HOME, None, None))


def test_what_stayed_is_listed_once_under_its_country_and_reason() -> None:
    words = told(Expected(ALERT, HOME, None, None), Expected(CASE, HOME, None, None))

    us, mx = words.partition("What stayed in MX, and why:")[::2]
    assert "What stayed in US, and why:" in us
    assert (us.count(ALERT.type), mx.count(CASE.type), mx.count("not released to this country")) == (1, 1, 1)


def test_in_spanish_it_is_the_same_story() -> None:
    assert "Lo que se quedó en US, y por qué:" in told(Expected(ALERT, HOME, None, None), language="es")


def test_what_the_hub_never_took_is_not_said_to_have_stayed() -> None:
    assert "stayed" not in told(Expected(ALERT, REFUSED, None, None, is_refused=True))
