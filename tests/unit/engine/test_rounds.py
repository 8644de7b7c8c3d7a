"""Rounds of batches: what several ranks take together is what one takes one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.engine.loop.rounds import plan_rounds


@pytest.mark.parametrize(
    ("to_come", "num_ranks", "num_waiting", "per_update", "limits", "expected"),
    [
        (range(3), 1, 0, 4, [], [[0], [1], [2]]),
        (range(4), 2, 0, 2, [], [[0, 1], [2, 3]]),
        (range(5), 2, 0, 2, [], [[0, 1], [2, 3], [4]]),
        (range(5), 2, 1, 2, [], [[0], [1, 2], [3, 4]]),
        (range(2, 9), 4, 3, 8, [], [[2, 3, 4, 5], [6], [7, 8]]),
        (range(6), 4, 0, 4, [1, 5], [[0], [1, 2, 3], [4], [5]]),
        (range(4), 2, 5, 4, [], [[0], [1, 2], [3]]),
    ],
)
def test_a_round_ends_where_something_ends(
    to_come: range, num_ranks: int, num_waiting: int, per_update: int, limits: list[int], expected: list[list[int]]
) -> None:
    found = plan_rounds(to_come, num_ranks, num_waiting, per_update, limits)
    assert [list(places) for places in found] == expected


@given(
    st.integers(0, 40),
    st.integers(1, 5),
    st.integers(0, 3),
    st.integers(1, 4),
    st.lists(st.integers(-3, 50), max_size=2),
)
def test_updates_stand_behind_the_same_batches_for_any_number_of_ranks(
    num_batches: int, num_ranks: int, num_waiting: int, accumulation: int, limits: list[int]
) -> None:
    per_update = accumulation * num_ranks
    rounds = plan_rounds(range(num_batches), num_ranks, num_waiting % per_update, per_update, limits)
    assert [place for places in rounds for place in places] == list(range(num_batches))
    waiting, updates = num_waiting % per_update, list[int]()
    for places in rounds:
        assert 0 < len(places) <= num_ranks
        waiting += len(places)
        if waiting >= per_update:
            updates.append(places.stop)
            waiting = 0
    assert updates == list(range(per_update - num_waiting % per_update, num_batches + 1, per_update))
    ends = {places.stop for places in rounds}
    assert all(limit in ends for limit in limits if 0 < limit <= num_batches)
