"""Backups among others: the right one is gone on from and the right ones are deleted, whatever clocks say or breaks."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.conftest import Lab, config_of, find_backups, start_of

from onetrainer_web.engine.loop.checkpoint import prune_backups
from onetrainer_web.engine.loop.resuming import choose_backup
from onetrainer_web.engine.runtime.errors import BackupError
from onetrainer_web.engine.runtime.paths import RunPaths, run_paths
from onetrainer_web.protocol.backups import BackupDamagedError, read_backups
from onetrainer_web.protocol.commands import Resume
from onetrainer_web.protocol.events import Progress, Step, Warned, read_events
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder

EACH_STEP = {"backup_after": 1, "backup_after_unit": "STEP", "epochs": 3}


def steps_of(backups: list[Path]) -> list[int]:
    return [json.loads((path / "meta.json").read_text())["train_progress"]["global_step"] for path in backups]


def losses(folder: RunFolder) -> dict[int, float]:
    steps = [event for event in read_events(folder.events) if isinstance(event, Step)]
    return {step.progress.global_step: step.metrics["loss/train_step"] for step in steps}


def warnings(folder: RunFolder) -> list[str]:
    return [event.message for event in read_events(folder.events) if isinstance(event, Warned)]


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    target = path.rename(path.with_name(".elsewhere"))
    path.symlink_to(target)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "an empty meta.json": (lambda b: (b / "meta.json").write_bytes(b""), "meta.json is not valid JSON"),
    "no meta.json": (lambda b: (b / "meta.json").unlink(), "meta.json is missing"),
    "a meta.json of something else": (lambda b: (b / "meta.json").write_text("[3]"), "where the training stood"),
    "a pipe": (lambda b: pipe(b / "meta.json"), "meta.json is neither a file nor a folder"),
    "a lost file": (lambda b: (b / "optimizer" / "optimizer.pt").unlink(), "optimizer/optimizer.pt is missing"),
    "a torn file": (lambda b: os.truncate(b / "lora" / "lora.safetensors", 100), "lora.safetensors has 100 bytes of"),
    "a linked file": (lambda b: link(b / "lora" / "lora.safetensors"), "lora/lora.safetensors is a link"),
    "an empty folder": (lambda b: (shutil.rmtree(b), b.mkdir()), "meta.json is missing"),
    "a link": (link, "its folder is a link"),
    "a file": (lambda b: (shutil.rmtree(b), b.write_text("")), "its folder is a file"),
}


def test_the_order_is_that_of_writing_in_every_time_zone_and_what_is_damaged_touches_only_itself(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    whole = lab.train(**EACH_STEP)
    assert steps_of(find_backups(whole.backups)) == [1, 2, 3, 4, 5]

    for name, (damage, reason) in DAMAGE.items():
        folder = lab.workspace / "damage" / name
        shutil.copytree(whole.backups, folder)
        newest = find_backups(folder)[-1]
        damage(newest)
        assert steps_of(find_backups(folder)) == [1, 2, 3, 4], name
        (found,) = read_backups(folder).damaged
        assert f"{newest.name} is damaged and was passed over: " in found.passed_over, name
        assert reason in found.passed_over, name

    # One that is written again at the same step stands for the old one, which is then the least of all.
    folder = lab.create(**EACH_STEP)
    shutil.copytree(whole.backups, folder.backups)
    lab.train(folder, backup=find_backups(folder.backups)[3])
    assert steps_of(find_backups(folder.backups)) == [5, 1, 2, 3, 4, 5]

    # Gone back to step 2 in a zone whose clocks show less, beside one whose meta.json is empty.
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    folder = lab.create(**EACH_STEP, rolling_backup=True, rolling_backup_count=2)
    shutil.copytree(whole.backups, folder.backups)
    torn, second = find_backups(folder.backups)[0], find_backups(folder.backups)[1]
    (torn / "meta.json").write_bytes(b"")
    lab.train(folder, backup=second)

    assert losses(folder) == {step: loss for step, loss in losses(whole).items() if step > 2}
    assert steps_of(find_backups(folder.backups)) == [4, 5]
    assert all(path.stat().st_mtime >= folder.record.stat().st_mtime for path in find_backups(folder.backups))
    assert [message for message in warnings(folder) if torn.name in message] == [
        f"The backup {torn.name} is damaged and was passed over: meta.json is not valid JSON: Expecting value: "
        "line 1 column 1 (char 0)."
    ]
    monkeypatch.delenv("TZ")
    time.tzset()

    run = start_of(folder)
    assert choose_backup(run, Resume()) == find_backups(folder.backups)[-1]
    with pytest.raises(BackupDamagedError, match=r"is damaged: meta\.json is not valid JSON"):
        choose_backup(run, Resume(backup=torn.name))
    for path in find_backups(folder.backups):
        shutil.rmtree(path)
    with pytest.raises(BackupError, match="No backup in .* is whole"):
        choose_backup(run, Resume())


def test_runs_that_share_a_folder_of_backups_neither_delete_nor_take_each_others(lab: Lab) -> None:
    shared = {**EACH_STEP, "workspace_dir": "shared", "rolling_backup": True, "rolling_backup_count": 1}
    first = lab.train(**shared)
    left = lab.workspace / "shared" / "backup" / f".half-backup.{first.run_id}.writing"
    left.mkdir()
    lock = HeldLock(first.lock)
    second = lab.train(**{**shared, "epochs": 1})
    assert left.exists(), "the first is still writing it"
    lock.release()
    lab.train(first, backup=find_backups(left.parent)[0])
    assert not left.exists()
    assert steps_of(find_backups(left.parent)) == [5, 1]
    for folder, step in ((first, 5), (second, 1)):
        chosen = choose_backup(start_of(folder), Resume())
        assert chosen is not None
        assert steps_of([chosen]) == [step]


def test_what_others_should_read_they_can_read_and_what_a_killed_start_was_writing_goes(lab: Lab) -> None:
    folder = lab.create(epochs=1, backup_before_save=True)
    left = [folder.backups / ".2026-01-01_00-00-00-backup-3-1-0.writing", folder.saves / ".model.writing"]
    for path in left:
        path.mkdir(parents=True)
    umask = os.umask(0o022)
    os.umask(umask)
    lab.train(folder)
    assert not [path for path in left if path.exists()]
    written = [path for path in folder.path.rglob("*") if path.is_file() and path != folder.record]
    assert {path.suffix for path in written} >= {".safetensors", ".pt", ".json"}
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {oct(0o666 & ~umask)}


def test_names_of_one_second_do_not_collide(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onetrainer_web.engine.runtime.paths.timestamp", lambda: "2026-10-25_02-30-00")
    folder = lab.create()
    paths: RunPaths = run_paths(folder, config_of(folder))
    taken = [paths.backup(Progress()), paths.backup(Progress(global_step=1))]
    for path in taken:
        path.mkdir(parents=True)
    assert paths.backup(Progress()).name == f"{taken[0].name}-2"
    assert prune_backups(paths.backups, 1) == [damaged.passed_over for damaged in read_backups(paths.backups).damaged]
    assert all(path.is_dir() for path in taken), "what is damaged is left to people"
