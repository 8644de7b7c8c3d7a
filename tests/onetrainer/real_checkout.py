"""The embedded model trained by a real OneTrainer on the CPU, through our API: `make test-onetrainer ONETRAINER=DIR`.

Not part of `make test`, which needs no OneTrainer; the stand-in checkout takes its place there.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onetrainer_web.api.app import create_app
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.presets import read_preset
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings
from onetrainer_web.system.onetrainer import OneTrainer
from onetrainer_web.tiny.paths import tiny_model_folder

PATIENCE_S = 1200.0
LOAD_LORA = """
import sys, torch
from diffusers import StableDiffusionPipeline
pipeline = StableDiffusionPipeline.from_pretrained(sys.argv[1], safety_checker=None)
pipeline.load_lora_weights(sys.argv[2])
assert pipeline.get_active_adapters()
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    service = RunService(workspace, Launcher(onetrainer=OneTrainer(Path(os.environ["ONETRAINER"]))))
    service.start()
    with TestClient(create_app(service, workspace, Settings()), base_url="http://localhost:8000") as client:
        yield client
        client.post("/api/training/stop", json={"save": False, "timeout_s": 1})
        wait(lambda: not client.get("/api/training/status").json()["is_training"])
    service.close()


def wait(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "this did not come true"
        time.sleep(0.1)
    return found


class Run:
    """A run of the API's, followed and told what to do."""

    def __init__(self, client: TestClient, engine: str, **changes: Any) -> None:
        config = config_to_dict(read_preset("demo_lora").config) | {"train_device": "cpu", "temp_device": "cpu"}
        body = {"config_dict": {**config, "epochs": 100_000, **changes}, "engine": engine}
        self._client = client
        self.id = client.post("/api/runs", json=body).json()["id"]
        self.folder = client.app.state.workspace.run_folder(self.id).path  # type: ignore[attr-defined]

    def get(self, what: str = "", **params: Any) -> Any:
        return self._client.get(f"/api/runs/{self.id}{what}", params=params).json()

    def post(self, what: str, **body: Any) -> None:
        answer = self._client.post(f"/api/runs/{self.id}{what}", json=body)
        assert answer.is_success, answer.text

    @property
    def state(self) -> dict[str, Any]:
        now = self.get()
        assert now["status"] not in ("failed", "interrupted"), (now["error"], self.get("/log")["text"])
        return now

    @property
    def num_steps(self) -> int:
        return (self.state["progress"] or {"global_step": 0})["global_step"]

    def last(self, event: str) -> dict[str, Any]:
        return self.get("/events", types=event)["events"][-1]

    def stop(self) -> dict[str, Any]:
        """Stop with a save, which is preceded by a backup.

        Returns:
            The newest backup.
        """
        self.post("/stop")
        wait(lambda: self.state["status"] == "stopped")
        return self.get("/backups")["outputs"][0]


def test_start_sample_backup_stop_resume(client: TestClient) -> None:
    assert client.get("/api/system/info").json()["onetrainer"]["missing"] == ""
    run = Run(client, "onetrainer")
    wait(lambda: run.num_steps >= 3)
    metrics = run.get("/metrics")["metrics"]
    assert "loss/train_step" in metrics
    assert any(name.startswith("lr/") for name in metrics)

    picture = {"prompt": "a red circle", "width": 64, "height": 64, "diffusion_steps": 2, "seed": 3}
    run.post("/sample", samples=[picture])

    def samples(kind: str) -> list[dict[str, Any]]:
        drawn = client.get("/api/samples/list").json()["samples"]
        return [sample for sample in drawn if sample["metadata"]["kind"] == kind]

    [sample] = wait(lambda: samples("custom"))
    assert sample["metadata"]["seed"] == 3
    assert Path(sample["path"]).is_file()
    assert len(samples("default")) == 4

    run.post("/backup")
    [backup] = wait(lambda: run.get("/backups")["outputs"])
    run.stop()
    run.post("/resume", backup=backup["name"])
    wait(lambda: run.state["status"] == "running")
    planned = run.last("planned")
    assert (planned["resumed_from"], planned["progress"]) == (backup["path"], backup["progress"])
    wait(lambda: run.num_steps > backup["progress"]["global_step"])
    newest = run.stop()
    lora = run.folder / run.get()["model_path"]
    subprocess.run([sys.executable, "-c", LOAD_LORA, str(tiny_model_folder()), str(lora)], check=True)

    # Each engine goes on from a backup of the other.
    for engine in ("native", "onetrainer"):
        settings = {"workspace_dir": str(run.folder), "continue_last_backup": True, "sample_after_unit": "NEVER"}
        other = Run(client, engine, **settings)
        wait(lambda other=other, newest=newest: other.num_steps > newest["progress"]["global_step"])
        planned = other.last("planned")
        assert planned["resumed_from"].endswith(newest["name"])
        assert planned["progress"] == newest["progress"]
        assert not other.get("/events", types="warning")["events"]
        newest = other.stop()
