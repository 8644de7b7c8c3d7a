"""Working ahead in threads."""

import threading
from collections.abc import Generator

import pytest

from onetrainer_web.pipeline.ahead import map_ahead


def test_results_come_in_order() -> None:
    assert list(map_ahead(lambda number: number * number, range(50), 4, 8)) == [(n, n * n) for n in range(50)]


def test_no_more_than_asked_is_worked_ahead() -> None:
    started: list[int] = []
    results = map_ahead(lambda number: started.append(number), range(100), num_threads=1, num_ahead=3)
    for taken in range(10):
        next(results)
        assert len(started) <= taken + 1 + 3
    assert isinstance(results, Generator)
    results.close()
    assert len(started) <= 13


def test_the_following_input_is_worked_on_while_the_caller_is_busy() -> None:
    second_done = threading.Event()
    results = map_ahead(lambda number: second_done.set() if number == 1 else None, range(2), 1, 1)
    next(results)
    assert second_done.wait(timeout=30)


def test_a_failure_is_raised_when_its_result_is_due() -> None:
    results = map_ahead(lambda number: 1 // number, [2, 1, 0], 2, 3)
    assert [next(results), next(results)] == [(2, 0), (1, 1)]
    with pytest.raises(ZeroDivisionError):
        next(results)
