"""Makes long curves short without hiding their peaks, and rough ones smooth or plain."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from onetrainer_web.storage.curves import Point, extremes


def thin(points: Iterable[Point], num_points: int, max_points: int) -> list[Point]:
    """At most `max_points` of the points, in their order: of every stretch the smallest and the largest value.

    The first and the last point are always kept. Points without a value are kept only there.

    Args:
        points: Step and value, by step.
        num_points: How many they are, or at most.
        max_points: At least 4.
    """
    if num_points <= max_points:
        return list(points)
    num_stretches, inner = (max_points - 2) // 2, num_points - 2
    kept: dict[int, Point] = {}
    stretch: list[tuple[int, Point]] = []
    # The first point stands in a stretch of its own, as does the last.
    for number, members in groupby(enumerate(points), key=lambda one: (one[0] * num_stretches - 1) // inner):
        stretch = list(members)
        peaks = extremes(stretch)
        kept |= {index: point for index, point in stretch if index in peaks or number < 0}
    kept |= dict(stretch[-1:])
    return [kept[index] for index in sorted(kept)]


def smooth(points: Iterable[Point], weight: float) -> Iterator[Point]:
    """The exponential moving average of a curve, corrected for its start; gaps stay gaps.

    Args:
        points: Step and value, by step: all of them, since the extremes that `thin` keeps are no fair choice.
        weight: Of what came before, from 0, which changes nothing, to below 1.
    """
    average, uncounted = 0.0, 1.0
    for step, value in points:
        if value is None or not math.isfinite(value):
            yield step, value
            continue
        average = weight * average + (1 - weight) * value
        uncounted *= weight
        yield step, average / (1 - uncounted)


def epoch_means(points: Iterable[Point], ends: Sequence[int]) -> list[Point]:
    """The mean of each epoch, at its last step; an epoch without a value has no point.

    Args:
        points: Step, counted from 1, and value, by step.
        ends: The last step of each epoch that is over; what comes behind them is left out.
    """
    sums: dict[int, tuple[float, int]] = {}
    for step, value in points:
        epoch = bisect_left(ends, step)
        if epoch < len(ends) and value is not None and math.isfinite(value):
            total, count = sums.get(epoch, (0.0, 0))
            sums[epoch] = total + value, count + 1
    return [(ends[epoch], total / count) for epoch, (total, count) in sums.items()]
