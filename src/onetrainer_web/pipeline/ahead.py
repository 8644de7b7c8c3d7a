"""Having the next things ready: helper threads work a bounded number of inputs ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Input = TypeVar("Input")
Output = TypeVar("Output")


def map_ahead(
    function: Callable[[Input], Output], inputs: Iterable[Input], num_threads: int, num_ahead: int
) -> Iterator[tuple[Input, Output]]:
    """Each input with its result, in order, while threads work on the following `num_ahead` inputs.

    Must do no torch work in `function`: a thread that has once entered an OpenMP region can halve the speed of the
    training thread when there are more threads than cores.

    Raises:
        Exception: What `function` raised, when its result is due.
    """
    waiting: deque[tuple[Input, Future[Output]]] = deque()
    source = iter(inputs)
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="data")
    try:
        waiting.extend((item, pool.submit(function, item)) for item in islice(source, num_ahead))
        while waiting:
            item, future = waiting.popleft()
            waiting.extend((following, pool.submit(function, following)) for following in islice(source, 1))
            yield item, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
