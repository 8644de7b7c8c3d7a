"""Locked means alive."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onetrainer_web.protocol.lock import (
    LOCK_DESCRIPTOR_VARIABLE,
    HeldLock,
    RunBusyError,
    is_held,
    take_for_child,
)


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "trainer.lock"
    assert not is_held(path)
    lock = HeldLock(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)


def test_a_held_lock_cannot_be_taken_again(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "trainer.lock")
    with pytest.raises(RunBusyError):
        HeldLock(tmp_path / "trainer.lock")
    with pytest.raises(RunBusyError):
        take_for_child(tmp_path / "trainer.lock")
    lock.release()


def test_those_who_ask_do_not_take_each_other_for_the_holder(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "trainer.lock"
    path.touch()
    with path.open() as other:  # at the moment at which it asks
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_held(path)


def test_a_child_inherits_the_lock_and_gives_it_up_by_dying(tmp_path: Path) -> None:
    path = tmp_path / "trainer.lock"
    descriptor = take_for_child(path)
    script = (
        "import sys; from pathlib import Path; from onetrainer_web.protocol.lock import HeldLock;"
        "HeldLock(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        pass_fds=[descriptor],
        env={**os.environ, LOCK_DESCRIPTOR_VARIABLE: str(descriptor)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    os.close(descriptor)
    assert is_held(path)  # before the child has run a single line
    assert child.stdout
    assert child.stdout.readline() == b"ready\n"
    assert is_held(path)
    child.kill()
    child.communicate()
    assert not is_held(path)
