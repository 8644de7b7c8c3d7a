"""Several processes train one run: the same training as one, and a true end whatever happens to any of them."""

import json
import math
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab, find_backups

from onetrainer_web.config.recurring import Doing
from onetrainer_web.pipeline.entries import LATENTS
from onetrainer_web.protocol.commands import Backup, Sample, Save, Stop, append_command
from onetrainer_web.protocol.events import (
    Activity,
    BackedUp,
    Completed,
    Event,
    Failed,
    Metrics,
    Planned,
    SampleDrawn,
    SamplesDone,
    Saved,
    Skipped,
    Started,
    Step,
    Stopped,
    read_events,
)
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import RunStatus, read_state

PATIENCE_S = 240.0
TWO: Mapping[str, Any] = {"multi_gpu": True, "device_indexes": "0,1"}
SAMPLES = [{"prompt": f"square {number}", "width": 16, "height": 16, "diffusion_steps": 2} for number in range(3)]
RICH: Mapping[str, Any] = {
    "concepts": [
        {"path": "datasets/seven", "seed": 7, "image": {"enable_random_flip": True}},
        {"path": "datasets/squares", "seed": 7, "type": "VALIDATION"},
    ],
    "batch_size": 1,
    "epochs": 3,
    "validation": True,
    "ema": "CPU",
    "dropout_probability": 0.1,
    "text_encoder": {"train": False, "dropout_probability": 0.3},
    "samples": SAMPLES,
    "sample_after_unit": "EPOCH",
    "sample_after": 1,
    "backup_after_unit": "STEP",
    "backup_after": 5,
    "learning_rate_scheduler": "COSINE",
}
"""Epochs of 7 batches, so that updates of two reach over their ends, with all that happens between steps."""

pytestmark = pytest.mark.slow

Process = subprocess.Popen[bytes]


@pytest.fixture
def several(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose processes compute as this one does, with a second dataset."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    lab.add_pictures("seven", 7)
    return lab


def events(folder: RunFolder) -> list[Event]:
    """All events so far."""
    return list(read_events(folder.events))


def finish(folder: RunFolder, process: Process) -> Event:
    """The last event of a run that ends; nothing of it is left then."""
    process.wait(PATIENCE_S)
    assert not is_held(folder.lock)
    assert not members(folder)
    return events(folder)[-1]


def members(folder: RunFolder) -> list[psutil.Process]:
    """The processes of a run, but for the one that started them, in the order of their ranks."""
    found: list[tuple[str, psutil.Process]] = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "onetrainer_web.engine.member" in line and str(folder.path) in line:
            found.append((line[line.index(str(folder.path)) + 1], process))
    return [process for _, process in sorted(found, key=lambda pair: pair[0])]


def wait_for(folder: RunFolder, process: Process, is_it: Callable[[Event], bool]) -> Event:
    """The first event that fits, as soon as it is written."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := next(filter(is_it, events(folder)), None):
            return found
        assert process.poll() is None, folder.log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"nothing came: {folder.log.read_text()}")


def is_doing(doing: Doing) -> Callable[[Event], bool]:
    """Whether an event says that this is going on."""
    return lambda event: isinstance(event, Activity) and event.doing is doing


def story(folder: RunFolder) -> list[Any]:
    """What happened, without times and names of files."""
    kinds = Planned | Step | Metrics | SampleDrawn | SamplesDone | BackedUp | Saved | Skipped | Completed
    told = [event.model_dump(exclude={"time", "seq", "path"}) for event in events(folder) if isinstance(event, kinds)]
    return sorted(told, key=json.dumps)  # samples of one round are drawn in no order


def losses(folder: RunFolder) -> dict[int, float]:
    """The loss of each update by its last step; of one that was done twice, the last one."""
    steps = [event for event in events(folder) if isinstance(event, Step) and event.metrics]
    return {event.progress.global_step: event.metrics["loss/train_step"] for event in steps}


def updates(folder: RunFolder) -> list[Any]:
    """All that is told of updates, samples, backups and measurements, without the steps between updates."""
    return [told for told in story(folder) if told["type"] != "step" or told["metrics"]]


def result(folder: RunFolder) -> dict[str, torch.Tensor]:
    """The weights of a run's result."""
    return load_file(next(folder.path / event.path for event in events(folder) if isinstance(event, Saved)))


def pictures(folder: RunFolder) -> list[bytes]:
    """The pixels of all samples by step and place in the list."""
    drawn = [event for event in events(folder) if isinstance(event, SampleDrawn)]
    drawn.sort(key=lambda event: (event.progress.global_step, event.index))
    return [Image.open(folder.path / event.path).tobytes() for event in drawn]


def test_two_processes_train_as_one_with_twice_the_accumulation(several: Lab) -> None:
    one = several.train(**RICH, gradient_accumulation_steps=2)
    two = several.create(**RICH, **TWO)
    assert isinstance(finish(two, several.start(two)), Completed), two.log.read_text()
    assert updates(two) == updates(one)
    assert len(losses(two)) == 11
    assert all(math.isfinite(loss) for loss in losses(two).values())
    weights, expected = result(two), result(one)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in weights)
    assert pictures(two) == pictures(one)
    assert "The 2 processes met" in two.log.read_text()
    assert [event.ranks for event in events(two) if isinstance(event, Started)] == [2]


def test_a_run_goes_on_with_another_number_of_processes(several: Lab) -> None:
    settings: dict[str, Any] = {
        **RICH,
        "gradient_accumulation_steps": 4,
        "keep_effective_batch": True,
        "epochs": 20,
        "learning_rate_scheduler": "CONSTANT",
        "sample_after_unit": "NEVER",
        "backup_after_unit": "NEVER",
    }
    whole = several.train(**settings)

    first = several.create(**{**settings, **TWO, "epochs": 100})
    process = several.start(first)
    wait_for(first, process, lambda event: isinstance(event, Step) and event.progress.global_step >= 6)
    append_command(first.commands, Stop())
    assert isinstance(finish(first, process), Stopped), first.log.read_text()
    reached = max(event.progress.global_step for event in events(first) if isinstance(event, Step))
    assert reached < 100, "the machine was too slow to stop in time"

    alone = several.train(**settings, backup=find_backups(first.path / "backup")[-1], stop_behind=reached + 3)
    last = several.create(**settings, **TWO, continue_last_backup=True)
    backups = last.path / "backup"
    backups.mkdir()
    newest = find_backups(alone.path / "backup")[-1]
    newest.rename(backups / newest.name)
    assert isinstance(finish(last, several.start(last)), Completed), last.log.read_text()

    found = {**losses(first), **losses(alone), **losses(last)}
    assert found.keys() == losses(whole).keys()
    assert found == pytest.approx(losses(whole), rel=1e-4)


def endless(several: Lab, **changes: Any) -> RunFolder:
    """A run of two processes that only ends when it is ended, with long work of all kinds between its steps."""
    slow = {"prompt": "slow", "width": 16, "height": 16, "diffusion_steps": 900, "noise_scheduler": "DDIM"}
    return several.create(**{**RICH, **TWO, "epochs": 100_000, "samples": [slow] * 4, **changes})


@pytest.mark.parametrize("doing", [Doing.LOADING, Doing.TRAINING, Doing.SAMPLING])
def test_a_killed_process_fails_the_run_by_name_and_leaves_none(several: Lab, doing: Doing) -> None:
    folder = endless(several)
    process = several.start(folder)
    wait_for(folder, process, is_doing(doing))
    victim = members(folder)[doing is not Doing.TRAINING]
    killed_at = time.monotonic()
    victim.kill()
    end = finish(folder, process)
    assert time.monotonic() - killed_at < 60
    assert isinstance(end, Failed), folder.log.read_text()
    assert "ended by SIGKILL" in end.error
    assert end.error.startswith(f"Process {1 + (doing is not Doing.TRAINING)} of 2 (cpu) was ")
    assert ("before the first step" in end.error) is (doing is Doing.LOADING)
    assert process.returncode == 1
    assert read_state(folder).status is RunStatus.FAILED


@pytest.mark.parametrize("doing", [Doing.LOADING, Doing.SAMPLING])
def test_ranks_end_with_whoever_started_them(several: Lab, doing: Doing) -> None:
    folder = endless(several)
    process = several.start(folder)
    wait_for(folder, process, is_doing(doing))
    ranks = members(folder)
    assert len(ranks) == 2
    process.kill()
    process.wait()
    psutil.wait_procs(ranks, PATIENCE_S)
    assert not members(folder)
    assert read_state(folder).status is RunStatus.INTERRUPTED


def test_commands_are_obeyed_by_all_and_a_stop_in_the_middle_of_the_samples(several: Lab) -> None:
    folder = endless(several, sample_after_unit="NEVER", validation=False, backup_after_unit="NEVER")
    process = several.start(folder)
    wait_for(folder, process, lambda event: isinstance(event, Step) and event.progress.global_step >= 2)
    for command in (Backup(), Save(), Sample(samples=SAMPLES)):
        append_command(folder.commands, command)
    wait_for(folder, process, lambda event: isinstance(event, BackedUp))
    wait_for(folder, process, lambda event: isinstance(event, Saved))
    done = wait_for(folder, process, lambda event: isinstance(event, SamplesDone))
    assert isinstance(done, SamplesDone)
    assert done.sample_count == len(SAMPLES)
    num_told = len(events(folder))
    append_command(folder.commands, Sample())
    wait_for(folder, process, lambda _: any(is_doing(Doing.SAMPLING)(event) for event in events(folder)[num_told:]))
    append_command(folder.commands, Stop())
    assert isinstance(finish(folder, process), Stopped), folder.log.read_text()
    assert process.returncode == 0
    last = max(event.progress.global_step for event in events(folder) if isinstance(event, Step))
    assert [event.progress.global_step for event in events(folder) if isinstance(event, BackedUp)][-1] == last
    assert [event.progress.global_step for event in events(folder) if isinstance(event, Saved) and event.final] == [
        last
    ]


def test_a_stop_while_loading_ends_all_at_once(several: Lab) -> None:
    folder = endless(several)
    process = several.start(folder)
    wait_for(folder, process, is_doing(Doing.IMPORTING))
    process.send_signal(signal.SIGINT)
    assert isinstance(finish(folder, process), Stopped), folder.log.read_text()
    assert process.returncode == 0
    assert not any(isinstance(event, Planned) for event in events(folder))


def test_a_broken_picture_leaves_the_plan_of_all_and_is_told_once(several: Lab) -> None:
    broken = several.workspace / "datasets" / "seven" / "3.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    settings: dict[str, Any] = {**RICH, "epochs": 1, "sample_after_unit": "NEVER", "cache_dir": "cache-of-two"}
    two = several.create(**settings, **TWO)
    assert isinstance(finish(two, several.start(two)), Completed), two.log.read_text()
    told = [picture.path for event in events(two) if isinstance(event, Skipped) for picture in event.pictures]
    assert [Path(path).name for path in told] == ["3.png"]
    one = several.train(**{**settings, "cache_dir": "cache-of-one", "gradient_accumulation_steps": 2})
    assert losses(two) == losses(one)


def test_a_loss_that_is_no_number_in_one_process_ends_all_with_one_sentence(several: Lab) -> None:
    settings: dict[str, Any] = {
        **RICH,
        "epochs": 2,
        "sample_after_unit": "NEVER",
        "validation": False,
        "backup_after_unit": "NEVER",
    }
    several.train(**settings)
    cache = several.workspace / "cache"
    latents = next(path for path in sorted(cache.rglob("*.safetensors")) if LATENTS in load_file(path))
    save_file({name: torch.full_like(each, math.nan) for name, each in load_file(latents).items()}, latents)
    folder = several.create(**settings, **TWO)
    end = finish(folder, several.start(folder))
    assert isinstance(end, Failed), folder.log.read_text()
    assert "loss became nan" in end.error


def test_what_fails_in_one_process_between_two_meetings_ends_all_with_its_sentence(several: Lab) -> None:
    folder = endless(several, latent_caching=False, sample_after_unit="NEVER", validation=False)
    process = several.start(folder)
    wait_for(folder, process, lambda event: isinstance(event, Step) and event.progress.global_step >= 2)
    picture = several.workspace / "datasets" / "seven" / "3.png"
    picture.write_bytes(picture.read_bytes()[:-40])
    end = finish(folder, process)
    assert isinstance(end, Failed), folder.log.read_text()
    assert "3.png" in end.error
