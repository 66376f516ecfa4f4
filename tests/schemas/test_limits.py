"""What is valid JSON and absurd must cost next to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import envelope
from schemas.flaws import MAX_FLAWS, Malformed
from tests.support.effort import calls_of
from tests.support.events import alert, case

VALUES = 19_000  # about as many as an event may hold
MANY_NAMES = {f"k{number}": 1 for number in range(VALUES)}
WRONG_CODES = {"geocodes": [{"a": 1}] * 95}


@pytest.mark.parametrize(
    "event",
    [
        alert(data={"areas": [{"geocodes": [1] * 190}] * 100}),
        alert(data={"areas": [WRONG_CODES] * 100}),
        alert(data={"areas": [[]] * VALUES}),
        alert(data=MANY_NAMES),
        alert(data={"child": MANY_NAMES}),
        alert(data={"headline": MANY_NAMES}),
        alert(label={"marks": MANY_NAMES}),
        alert(jurisdictions=["X"] * VALUES),
        case(data={"victims": [{"vic_MethodsOfControl": ["x"] * 17}] * 200}),
    ],
)
def test_a_flood_of_flaws_is_refused_with_little_work(event: dict[str, Any]) -> None:
    def load() -> None:
        with pytest.raises(Malformed) as refused:
            envelope.load(event)
        assert len(refused.value.flaws) <= MAX_FLAWS

    assert calls_of(load) < 10 * VALUES
