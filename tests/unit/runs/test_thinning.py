"""Thin curves keep their peaks."""

from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.runs.thinning import thin

VALUES = st.lists(st.none() | st.floats(allow_nan=False), max_size=300)


@given(VALUES, st.integers(4, 60))
def test_a_thinned_curve_is_short_and_keeps_its_ends_and_extremes(values: list[float | None], max_points: int) -> None:
    points = list(enumerate(values))
    thinned = thin(points, max_points)
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
    assert thin(points, 4) == points
