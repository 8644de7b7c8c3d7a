"""Thin curves keep their peaks; smooth ones have none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.runs.thinning import epoch_means, smooth, thin

VALUES = st.lists(st.none() | st.floats(allow_nan=False), max_size=300)


@given(VALUES, st.integers(4, 60))
def test_a_thinned_curve_is_short_and_keeps_its_ends_and_extremes(values: list[float | None], max_points: int) -> None:
    points = list(enumerate(values))
    thinned = thin(points, len(points), max_points)
    assert len(thinned) <= max_points
    assert [point for point in points if point in thinned] == thinned
    if points:
        assert (thinned[0], thinned[-1]) == (points[0], points[-1])
    numbers = [value for value in values if value is not None]
    if numbers:
        kept = [value for _, value in thinned if value is not None]
        assert (min(kept), max(kept)) == (min(numbers), max(numbers))


def test_a_short_curve_stays_whole() -> None:
    points = [(1, 1.0), (2, None), (3, 3.0)]
    assert thin(points, len(points), 4) == points


def test_a_smoothed_curve_is_that_of_all_points_not_of_the_extremes() -> None:
    spiky = [(step, 51.0 if step % 50 == 0 else 1.0) for step in range(10_000)]
    after = [value for step, value in thin(smooth(spiky, 0.99), len(spiky), 100) if step > 1000 and value is not None]
    before = [value for step, value in smooth(thin(spiky, len(spiky), 100), 0.99) if step > 1000 and value is not None]
    assert max(after) < 3, "the mean is 2"
    assert min(before) > 20, "half of the points that were kept are peaks"


def test_smoothing_is_corrected_for_its_start_and_leaves_gaps() -> None:
    points = [(1, 2.0), (2, None), (3, 5.0), (4, float("nan"))]
    first, gap, third, nan = smooth(points, 0.5)
    assert (first, gap, third) == ((1, 2.0), (2, None), (3, pytest.approx(4.0)))
    assert nan[1] != nan[1]
    assert list(smooth(points[:3], 0)) == points[:3]


def test_the_mean_of_an_epoch_stands_at_its_last_step_however_long_it_was() -> None:
    curve = [(1, 1.0), (2, 3.0), (3, None), (4, 8.0), (5, 9.0)]
    assert epoch_means(curve, [2, 4]) == [(2, 2.0), (4, 8.0)]
    assert epoch_means(curve, [1, 3, 3, 5]) == [(1, 1.0), (3, 3.0), (5, 8.5)]
    assert epoch_means(curve, []) == epoch_means([], [2]) == []
