"""Which devices a run needs for itself, and who gets them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.protocol.run_folder import create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.runs.devices import Need, claim, need_of
from onetrainer_web.runs.tracked_run import discover

TWO = ("cuda:0", "cuda:1")
FOUR = tuple(f"cuda:{number}" for number in range(4))


@pytest.mark.parametrize(
    ("train_device", "there", "among"),
    [
        ("cpu", (*TWO, "cpu"), ("cpu",)),
        ("cuda", (*TWO, "cpu"), TWO),
        ("cuda", ("cuda:0", "cpu"), ("cuda:0",)),
        ("cuda:1", (*TWO, "cpu"), ("cuda:1",)),
        ("CUDA:0", (*TWO, "cpu"), ("cuda:0",)),
        ("cuda:2", (*TWO, "cpu"), ("cuda:0",)),
        ("cuda", ("cpu",), ("cpu",)),
        ("cuda", ("mps", "cpu"), ("cpu",)),
        ("mps", ("mps", "cpu"), ("mps",)),
        ("mps", ("cpu",), ("cpu",)),
        ("anything", (*TWO, "cpu"), ("cuda:0",)),
        pytest.param("cuda:" + "9" * 5000, (*TWO, "cpu"), ("cuda:0",), id="more digits than Python reads"),
    ],
)
def test_a_run_needs_what_its_configuration_means_where_it_trains(
    train_device: str, there: tuple[str, ...], among: tuple[str, ...]
) -> None:
    assert need_of(train_device, there) == Need(among)


@pytest.mark.parametrize(
    ("spread_over", "several"), [("", FOUR), ("2, 0", ("cuda:2", "cuda:0")), ("1,1,9,x", ("cuda:1",)), ("9", FOUR)]
)
def test_a_run_on_several_devices_needs_all_of_them(spread_over: str, several: tuple[str, ...]) -> None:
    assert need_of("cuda", (*FOUR, "cpu"), spread_over) == Need(several, len(several))
    assert need_of("cpu", (*FOUR, "cpu"), spread_over) == Need(("cpu",))


def test_a_need_is_said_in_a_word() -> None:
    assert [str(need) for need in (Need(TWO), Need(TWO, 2), Need(TWO[1:]), Need(("cpu",)))] == [
        "cuda",
        "cuda:0, cuda:1",
        "cuda:1",
        "cpu",
    ]


def test_any_gpu_is_one_that_is_free_and_a_named_one_is_waited_for() -> None:
    any_gpu, second = Need(TWO), Need(("cuda:1",))
    claims = claim([("a", second), ("b", any_gpu), ("c", any_gpu)], set(), set())
    assert claims.starts == {"a": ("cuda:1",), "b": ("cuda:0",)}
    assert claim([("c", any_gpu), ("d", second)], {"cuda:0"}, set()).starts == {"c": ("cuda:1",)}


def test_a_holder_gives_way_only_where_that_helps() -> None:
    both = Need(TWO, 2)
    assert claim([("a", both)], {"cuda:0", "cuda:1"}, {"cuda:0"}).in_the_way == []  # a training holds the other
    assert claim([("a", both)], {"cuda:0"}, {"cuda:0"}).in_the_way == ["cuda:0"]
    assert claim([("a", Need(TWO))], {"cuda:0"}, {"cuda:0"}).in_the_way == []  # another is free
    asked = claim([("a", Need(TWO)), ("b", Need(TWO)), ("c", Need(TWO))], set(TWO), set(TWO))
    assert (asked.starts, asked.in_the_way) == ({}, list(TWO))


@dataclass
class Job:
    """A run of a machine of four GPUs, in turns."""

    id: str
    need: Need
    turns: int
    """How long it takes."""
    devices: tuple[str, ...] = ()
    waited: int = field(default=0)


needs = st.lists(st.sampled_from(FOUR), min_size=1, max_size=4, unique=True).flatmap(
    lambda among: st.integers(1, len(among)).map(lambda count: Need(tuple(among), count))
)
jobs = st.lists(st.tuples(needs, st.integers(1, 4)), min_size=1, max_size=12)


@given(jobs)
def test_each_run_gets_all_its_devices_alone_and_none_waits_for_those_behind_it(
    given_jobs: list[tuple[Need, int]],
) -> None:
    waiting = [Job(str(number), need, turns) for number, (need, turns) in enumerate(given_jobs)]
    active: list[Job] = []
    for newcomer in range(sum(turns for _, turns in given_jobs) + 1):
        claims = claim([(job.id, job.need) for job in waiting], {one for job in active for one in job.devices}, set())
        for place, job in enumerate(waiting):
            job.devices = claims.starts.get(job.id, ())
            if job.devices:
                assert len(job.devices) == job.need.count
                assert set(job.devices) <= set(job.need.among)
            else:  # nobody behind it gets what it could use
                behind = {one for other in waiting[place + 1 :] for one in claims.starts.get(other.id, ())}
                assert behind.isdisjoint(job.need.among)
        active += [job for job in waiting if job.devices]
        held = [one for job in active for one in job.devices]
        assert len(held) == len(set(held))
        waiting = [job for job in waiting if not job.devices]
        waiting.append(Job(f"newcomer {newcomer}", Need(FOUR), 4))  # small ones come without end
        for job in active:
            job.turns -= 1
        active = [job for job in active if job.turns]
    assert not [job for job in waiting if not job.id.startswith("newcomer")]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"train_device": "cpu"}, "cpu"),
        ({"train_device": "cpu", "multi_gpu": True, "device_indexes": "0,1"}, "cpu, cpu"),
        ({"train_device": "cpu", "multi_gpu": True}, "cpu"),
        ({"train_device": "cuda", "multi_gpu": True, "device_indexes": "3,0"}, "cuda:3, cuda:0"),
        ({"train_device": "cuda", "multi_gpu": False, "device_indexes": "3,0"}, "cuda"),
    ],
)
def test_a_run_says_on_which_devices_it_trains(settings: dict[str, Any], word: str, tmp_path: Path) -> None:
    tmp_path.joinpath("runs").mkdir()
    folder = create_run(tmp_path / "runs", TrainTask(config=settings))
    assert discover(folder, (*FOUR, "cpu")).device == word
