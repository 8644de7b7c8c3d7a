"""Makes long curves short without hiding their peaks, and rough ones smooth or plain."""

import math
from collections.abc import Sequence

Point = tuple[int, float | None]


def thin(points: Sequence[Point], max_points: int) -> list[Point]:
    """At most `max_points` of the points, in their order: of every stretch the smallest and the largest value.

    The first and the last point are always kept. Points without a value are kept only there.

    Args:
        points: Step and value, by step.
        max_points: At least 4.
    """
    if len(points) <= max_points:
        return list(points)
    num_stretches = (max_points - 2) // 2
    inner = len(points) - 2
    kept = {0, len(points) - 1}
    for stretch in range(num_stretches):
        start = 1 + stretch * inner // num_stretches
        end = 1 + (stretch + 1) * inner // num_stretches
        valued = [(value, index) for index in range(start, end) if (value := points[index][1]) is not None]
        if valued:
            kept |= {min(valued)[1], max(valued)[1]}
    return [points[index] for index in sorted(kept)]


def smooth(points: Sequence[Point], weight: float) -> list[Point]:
    """The exponential moving average of a curve, corrected for its start; gaps stay gaps.

    Args:
        points: Step and value, by step: all of them, since the extremes that `thin` keeps are no fair choice.
        weight: Of what came before, from 0, which changes nothing, to below 1.
    """
    average, uncounted = 0.0, 1.0
    found: list[Point] = []
    for step, value in points:
        if value is None or not math.isfinite(value):
            found.append((step, value))
            continue
        average = weight * average + (1 - weight) * value
        uncounted *= weight
        found.append((step, average / (1 - uncounted)))
    return found


def epoch_means(points: Sequence[Point], steps_per_epoch: float) -> list[Point]:
    """The mean of each whole epoch, at its last step; an epoch without a value has no point.

    Args:
        points: Step, counted from 1, and value, by step.
        steps_per_epoch: All epochs are taken to be equally long.
    """
    if not points or steps_per_epoch <= 0:
        return []
    num_whole = math.floor(points[-1][0] / steps_per_epoch + 1e-6)
    values: list[list[float]] = [[] for _ in range(num_whole)]
    for step, value in points:
        epoch = math.ceil(step / steps_per_epoch - 1e-6) - 1
        if value is not None and math.isfinite(value) and 0 <= epoch < num_whole:
            values[epoch].append(value)
    return [
        (round((epoch + 1) * steps_per_epoch), sum(of_epoch) / len(of_epoch))
        for epoch, of_epoch in enumerate(values)
        if of_epoch
    ]
