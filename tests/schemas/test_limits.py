"""What is valid JSON and absurd must cost next to nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from schemas import envelope
from schemas.flaws import MAX_FLAWS, Malformed
from tests.support.events import alert, case

MANY_NAMES = {f"k{number}": 1 for number in range(19_000)}
WRONG_CODES = {"geocodes": [{"a": 1}] * 95}


@pytest.mark.parametrize(
    "event",
    [
        alert(data={"areas": [{"geocodes": [1] * 190}] * 100}),
        alert(data={"areas": [WRONG_CODES] * 100}),
        alert(data={"areas": [[]] * 19_000}),
        alert(data=MANY_NAMES),
        alert(data={"child": MANY_NAMES}),
        alert(data={"headline": MANY_NAMES}),
        alert(label={"marks": MANY_NAMES}),
        alert(jurisdictions=["X"] * 19_000),
        case(data={"victims": [{"vic_MethodsOfControl": ["x"] * 17}] * 200}),
    ],
)
def test_a_flood_of_flaws_is_refused_within_50_ms(event: dict[str, Any]) -> None:
    start = time.process_time()

    with pytest.raises(Malformed) as refused:
        envelope.load(event)

    assert time.process_time() - start < 0.05
    assert len(refused.value.flaws) <= MAX_FLAWS
