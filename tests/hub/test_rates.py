"""Rates: each agency has its own, urgent alerts have theirs, and who is over it hears when to come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.errors import TooMany
from hub.rates import WINDOW_S, Rates
from hub.settings import RateSettings
from tests.support.cast import POLICE, SHELTER

SLOW = RateSettings(reads_per_s=0.3, publishes_per_s=0.2, urgent_per_s=0.5, tokens_per_s=0.1)


def spent(rates: Rates, budget: str, who: str = POLICE.id, *, most: int = 100) -> int:
    """How many requests fit now."""
    for number in range(most):
        try:
            rates.spend(budget, who)
        except TooMany:
            return number
    return most


def test_what_fits_is_the_rate_over_ten_seconds() -> None:
    rates = Rates(SLOW, processes=1)

    assert [spent(rates, budget) for budget in ("read", "publish", "urgent", "token")] == [3, 2, 5, 1]


def test_a_burst_within_the_window_is_no_excess() -> None:
    assert spent(Rates(RateSettings(), processes=1), "read", most=500) == 500


def test_one_agency_does_not_use_up_anothers_rate() -> None:
    rates = Rates(SLOW, processes=1)
    spent(rates, "read", POLICE.id)

    assert spent(rates, "read", SHELTER.id) == 3


@pytest.mark.parametrize("other", ["read", "publish", "token"])
def test_no_other_traffic_uses_up_what_urgent_alerts_may_have(other: str) -> None:
    rates = Rates(SLOW, processes=1)
    spent(rates, other)

    assert spent(rates, "urgent") == 5


def test_each_process_allows_its_share() -> None:
    assert spent(Rates(replace(SLOW, reads_per_s=1.0), processes=2), "read") == 5


def test_even_the_smallest_share_lets_one_request_through() -> None:
    assert spent(Rates(replace(SLOW, reads_per_s=0.0), processes=8), "read") == 1


def test_who_is_over_its_rate_hears_when_to_come_back() -> None:
    rates = Rates(SLOW, processes=1)
    spent(rates, "publish")

    with pytest.raises(TooMany) as refused:
        rates.spend("publish", POLICE.id)

    assert 1 <= refused.value.retry_after_s <= WINDOW_S
    assert str(refused.value.retry_after_s) in refused.value.text.es
