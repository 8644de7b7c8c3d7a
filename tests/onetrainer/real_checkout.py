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


def test_start_sample_backup_stop_resume(client: TestClient) -> None:
    assert client.get("/api/system/info").json()["onetrainer"]["missing"] == ""
    config = config_to_dict(read_preset("demo_lora").config)
    config |= {"train_device": "cpu", "temp_device": "cpu", "train_dtype": "FLOAT_32", "epochs": 100_000}
    run = client.post("/api/runs", json={"config_dict": config, "engine": "onetrainer"}).json()
    path = f"/api/runs/{run['id']}"

    def state() -> dict[str, Any]:
        now = client.get(path).json()
        assert now["status"] not in ("failed", "interrupted"), (now["error"], client.get(f"{path}/log").json()["text"])
        return now

    def steps() -> int:
        return (state()["progress"] or {"global_step": 0})["global_step"]

    wait(lambda: steps() >= 3)
    metrics = client.get(f"{path}/metrics").json()["metrics"]
    assert "loss/train_step" in metrics
    assert any(name.startswith("lr/") for name in metrics)

    picture = {"prompt": "a red circle", "width": 64, "height": 64, "diffusion_steps": 2, "seed": 3}
    client.post(f"{path}/sample", json={"samples": [picture]})

    def custom_samples() -> list[dict[str, Any]]:
        drawn = client.get("/api/samples/list").json()["samples"]
        return [sample for sample in drawn if sample["metadata"]["kind"] == "custom"]

    [sample] = wait(custom_samples)
    assert sample["metadata"]["seed"] == 3
    assert Path(sample["path"]).is_file()

    client.post(f"{path}/backup")
    [backup] = wait(lambda: client.get(f"{path}/backups").json()["outputs"])
    client.post(f"{path}/stop", json={})
    wait(lambda: state()["status"] == "stopped")
    result = Path(client.get(path).json()["model_path"])

    client.post(f"{path}/resume", json={"backup": backup["name"]})
    wait(lambda: state()["status"] == "running")
    planned = client.get(f"{path}/events", params={"types": "planned"}).json()["events"][-1]
    assert (planned["resumed_from"], planned["progress"]) == (backup["path"], backup["progress"])
    wait(lambda: steps() > backup["progress"]["global_step"])
    client.post(f"{path}/stop", json={})
    wait(lambda: state()["status"] == "stopped")
    lora = client.app.state.workspace.run_folder(run["id"]).path / result  # type: ignore[attr-defined]
    subprocess.run([sys.executable, "-c", LOAD_LORA, str(tiny_model_folder()), str(lora)], check=True)
