"""In which rounds several ranks take the batches of an epoch, one each.

A round ends at the latest where an update of the weights, the training of a part or the epoch does. So what happens
between two batches of one rank happens between two rounds of several: at the same step, with the same weights.
"""

from collections.abc import Collection


def plan_rounds(
    to_come: range, num_ranks: int, num_waiting: int, per_update: int, num_to_limits: Collection[int] = ()
) -> list[range]:
    """The rounds of what is left of an epoch; of one rank, one for each batch.

    Args:
        to_come: Places of the batches in their epoch.
        num_ranks: Batches of a round at most.
        num_waiting: Batches whose gradients wait already for others.
        per_update: Batches whose gradients make an update.
        num_to_limits: Batches until something ends for which a round must not go on.
    """
    rounds: list[range] = []
    start = to_come.start
    while start < to_come.stop:
        num_done = start - to_come.start
        to_update = max(1, per_update - num_waiting)
        to_limits = [number - num_done for number in num_to_limits if number > num_done]
        end = start + min(num_ranks, to_update, to_come.stop - start, *to_limits)
        num_waiting = (num_waiting + end - start) % per_update if to_update > end - start else 0
        rounds.append(range(start, end))
        start = end
    return rounds
