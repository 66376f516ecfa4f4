"""The sequencer takes on less after a batch that was too much, and looks less often when all is quiet."""

from __future__ import annotations

from hub.workers.sequencer import QUIET_LOOKS, SLOW_S, BatchSize, pause_s


def test_what_fails_again_and_again_comes_down_to_single_events() -> None:
    size = BatchSize(2000)

    for _ in range(10):
        size.failed()

    assert size.now == 1


def test_a_batch_that_took_long_is_followed_by_a_smaller_one() -> None:
    size = BatchSize(2000)

    size.took(2 * SLOW_S)

    assert size.now == 500


def test_quick_batches_grow_again_up_to_the_limit() -> None:
    size = BatchSize(2000)
    size.failed()

    for _ in range(10):
        size.took(0.001)

    assert size.now == 2000


def test_a_node_at_rest_is_looked_at_less_often() -> None:
    assert pause_s(5, QUIET_LOOKS) > pause_s(5, QUIET_LOOKS - 1) == 0.005
