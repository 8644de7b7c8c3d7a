"""How trainers are started."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from onetrainer_web.errors import TrainerNotInstalledError
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.runs.launcher import Launcher


def test_without_torch_there_is_no_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def find_all_but_torch(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_all_but_torch)
    with pytest.raises(TrainerNotInstalledError, match=r"onetrainer-web\[train\]"):
        Launcher().check_installed()


def test_a_trainer_is_the_worker_module_and_its_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert Launcher().command(folder) == [sys.executable, "-m", "onetrainer_web.engine.worker", str(folder.path)]
