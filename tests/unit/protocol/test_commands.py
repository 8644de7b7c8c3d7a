"""Commands are numbered, whoever appends them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onetrainer_web.protocol.commands import (
    Launch,
    Resume,
    Sample,
    Stop,
    append_command,
    config_asked_for,
    config_of_today,
    last_resume_id,
    read_commands,
)


def test_commands_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    assert read_commands(path) == []
    written = [append_command(path, command) for command in (Launch(), Stop(save=False), Resume(backup="b"))]
    assert [command.id for command in written] == [1, 2, 3]
    assert read_commands(path) == written
    assert last_resume_id(written) == 3
    assert last_resume_id(written[:2]) == 0


def test_those_who_append_at_the_same_time_get_different_numbers(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append_command(path, Sample(samples=[{"seed": number}])), range(40)))
    assert [command.id for command in read_commands(path)] == list(range(1, 41))


@pytest.mark.parametrize("cut", [1, 2, 10])
def test_a_torn_line_takes_no_number_twice(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "commands.jsonl"
    append_command(path, Launch())
    append_command(path, Stop())
    path.write_bytes(path.read_bytes()[:-cut])
    append_command(path, Stop(save=False))
    ids = [command.id for command in read_commands(path)]
    assert ids == list(range(1, len(ids) + 1))


def test_a_trainer_on_several_devices_follows_their_choice() -> None:
    several = {"train_device": "cuda", "multi_gpu": True, "device_indexes": ""}
    chosen = config_of_today(several, [Launch(devices=["cuda:2", "cuda:0"])])
    assert chosen == several | {"device_indexes": "2,0"}
    assert config_of_today(several, [Launch(devices=["cuda:1"])]) == several | {
        "train_device": "cuda:1",
        "device_indexes": "1",
    }
    processes = several | {"train_device": "cpu", "device_indexes": "0,1"}
    assert config_of_today(processes, [Launch(devices=["cpu"])]) == processes


def test_a_trainer_follows_what_was_decided_since_its_run_was_asked_for() -> None:
    any_gpu = {"train_device": "cuda", "epochs": 1}
    first, second = Launch(devices=["cuda:1"]), Launch(devices=["cuda:3"])
    assert config_of_today(any_gpu, [Launch()]) == any_gpu
    assert config_of_today(any_gpu, [first, Resume(epochs=5), second]) == {"train_device": "cuda:3", "epochs": 5}
    assert config_asked_for(any_gpu, [first, Resume(epochs=5), second]) == {"train_device": "cuda", "epochs": 5}
    assert config_asked_for(any_gpu, [Resume(epochs=5), first, Resume(epochs=7), Resume()])["epochs"] == 7
    assert config_of_today(any_gpu, [first, Launch()]) == any_gpu  # started by hand
    for device in ("cuda:7", "cpu", "unheard-of"):  # one that is not there is the trainer's to tell of
        assert config_of_today({"train_device": device}, [Launch(devices=["cuda:0"])]) == {"train_device": device}
