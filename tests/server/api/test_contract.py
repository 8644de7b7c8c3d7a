"""The contract, endpoint by endpoint, asked of the real application; the fields are those the reference names."""

import errno
import importlib.util
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from onetrainer_web.api.app import create_app
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings

STATUS_KEYS = {"is_training", "status", "progress", "max_step", "max_epoch", "error"}
PROGRESS_KEYS = {"epoch", "epoch_step", "epoch_sample", "global_step"}
METADATA_KEYS = {
    "prompt",
    "negative_prompt",
    "seed",
    "steps",
    "cfg_scale",
    "width",
    "height",
    "kind",
    "run_id",
    "global_step",
    "epoch",
}
Wait = Callable[..., None]


def _status(client: TestClient) -> dict[str, Any]:
    return client.get("/api/training/status").json()


def _start(client: TestClient, config: dict[str, Any], wait_until: Wait) -> None:
    response = client.post("/api/training/start", json={"config_path": None, "config_dict": config})
    assert response.json() == {"success": True, "message": "Training started"}, response.text
    wait_until(lambda: _status(client)["progress"])


def test_nothing_trains_in_a_fresh_workspace(client: TestClient) -> None:
    state = _status(client)
    assert {key: state[key] for key in STATUS_KEYS} == {
        "is_training": False,
        "status": "idle",
        "progress": None,
        "max_step": 0,
        "max_epoch": 0,
        "error": None,
    }
    progress = client.get("/api/training/progress").json()
    assert progress == {"is_training": False, "progress": None, "max_step": 0, "max_epoch": 0}


@pytest.mark.parametrize("command", ["stop", "backup", "save"])
def test_commands_while_nothing_runs_are_refused(client: TestClient, command: str) -> None:
    response = client.post(f"/api/training/{command}")
    assert response.status_code == 400
    assert "No training is running" in response.json()["detail"]


def test_a_training_is_started_told_and_stopped(
    client: TestClient, training_config: dict[str, Any], wait_until: Wait
) -> None:
    _start(client, training_config, wait_until)
    state = _status(client)
    assert state["is_training"] is True
    assert state["status"] == "running"
    assert set(state["progress"]) == PROGRESS_KEYS
    assert state["max_step"] > 0
    progress = client.get("/api/training/progress").json()
    assert set(progress) == {"is_training", "progress", "max_step", "max_epoch"}
    assert set(progress["progress"]) == PROGRESS_KEYS

    second = client.post("/api/training/start", json={"config_dict": training_config})
    assert second.status_code == 400
    assert "already running" in second.json()["detail"]

    assert client.post("/api/training/backup").json() == {"success": True, "message": "Backup command sent"}
    assert client.post("/api/training/save").json() == {"success": True, "message": "Save command sent"}
    assert client.post("/api/training/stop").json() == {"success": True, "message": "Stop command sent"}
    wait_until(lambda: not _status(client)["is_training"])
    assert _status(client)["status"] == "stopped"


@pytest.mark.parametrize("body", [{}, {"config_path": None, "config_dict": None}, {"config_path": ""}])
def test_a_start_without_a_configuration_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    response = client.post("/api/training/start", json=body)
    assert response.status_code == 400
    assert "config_path" in response.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/nowhere/config.json", "nowhere.json", "nowhere", "a/b.json", "~nobody/x", "x" * 4000]
)
def test_a_start_from_a_missing_file_is_not_found(client: TestClient, path: str) -> None:
    response = client.post("/api/training/start", json={"config_path": path})
    assert response.status_code == 404


def test_a_start_with_both_unusable_tells_of_both(client: TestClient) -> None:
    secret = {"secrets": {"huggingface_token": "hf_x"}}
    response = client.post("/api/training/start", json={"config_path": "/nowhere/x.json", "config_dict": secret})
    assert response.status_code == 400
    assert "/nowhere/x.json" in response.json()["detail"]
    assert "secret" in response.json()["detail"]


def test_a_start_with_an_unusable_file_takes_the_configuration_and_says_so(
    client: TestClient, training_config: dict[str, Any]
) -> None:
    response = client.post(
        "/api/training/start", json={"config_path": "/nowhere/x.json", "config_dict": training_config}
    )
    assert response.status_code == 200, response.text
    assert "config_dict" in response.json()["message"]


@pytest.mark.parametrize("name", ["demo_lora", "demo_finetune"])
def test_a_demo_starts_by_its_name_and_brings_its_pictures(client: TestClient, workspace: Workspace, name: str) -> None:
    response = client.post("/api/training/start", json={"config_path": name})
    assert response.status_code == 200, response.text
    assert len(list((workspace.datasets / name).glob("*.png"))) > 10


def test_what_was_started_is_the_current_configuration(client: TestClient, training_config: dict[str, Any]) -> None:
    client.post("/api/training/start", json={"config_dict": training_config | {"learning_rate": 0.00123}})
    assert client.get("/api/config/current").json()["config"]["learning_rate"] == 0.00123


def test_the_current_configuration_is_complete(client: TestClient) -> None:
    config = client.get("/api/config/current").json()["config"]
    assert config["model_type"] == "STABLE_DIFFUSION_15"
    assert config["learning_rate"] == client.get("/api/config/defaults").json()["learning_rate"]


def test_listed_configurations_can_be_loaded_with_and_without_json(client: TestClient) -> None:
    names = client.get("/api/config/list").json()["configs"]
    assert {"demo_lora.json", "demo_finetune.json"} <= set(names)
    for name in names:
        loaded = client.get(f"/api/config/load/{name}")
        assert loaded.status_code == 200
        assert loaded.json() == client.get(f"/api/config/load/{name.removesuffix('.json')}").json()
        assert "model_type" in loaded.json()


def test_a_configuration_that_is_not_listed_is_not_found(client: TestClient) -> None:
    assert client.get("/api/config/load/nowhere").status_code == 404


def test_the_contracts_own_partial_configuration_is_valid(client: TestClient) -> None:
    response = client.post("/api/config/validate", json={"model_type": "stable_diffusion", "learning_rate": 0.0001})
    report = response.json()
    assert report["valid"] is True
    assert report["errors"] == []
    assert all(isinstance(warning, str) for warning in report["warnings"])


def test_a_configuration_with_mistakes_is_told_all_of_them(client: TestClient) -> None:
    report = client.post("/api/config/validate", json={"learning_rate": -1, "epochs": "many"}).json()
    assert report["valid"] is False
    assert len(report["errors"]) >= 2


def test_schema_and_defaults_fit_each_other(client: TestClient) -> None:
    import jsonschema

    schema = client.get("/api/config/schema").json()
    assert schema["type"] == "object"
    jsonschema.Draft202012Validator(schema).validate(client.get("/api/config/defaults").json())
    assert all(described["title"] and described["description"] for described in schema["properties"].values())


def test_samples_are_asked_for_listed_and_fetched(
    client: TestClient, training_config: dict[str, Any], wait_until: Wait
) -> None:
    assert client.get("/api/samples/list").json()["samples"] == []
    assert client.get("/api/samples/latest?count=10").json()["samples"] == []
    assert client.get("/api/samples/sample_001").status_code == 404
    _start(client, training_config, wait_until)

    asked = {
        "prompt": "a beautiful landscape",
        "negative_prompt": "blurry, low quality",
        "seed": 42,
        "steps": 30,
        "cfg_scale": 7.5,
        "width": 512,
        "height": 512,
    }
    response = client.post("/api/samples/custom", json=asked)
    assert response.json() == {"success": True, "message": "Custom sample generation requested"}
    wait_until(lambda: client.get("/api/samples/list").json()["samples"])
    response = client.post("/api/samples/default")
    assert response.json() == {"success": True, "message": "Default sample generation requested"}
    wait_until(lambda: client.get("/api/samples/list").json()["total"] >= 2)

    listed = client.get("/api/samples/list").json()["samples"]
    first = client.get("/api/samples/sample_001").json()
    assert listed[0] == first
    assert first["id"] == "sample_001"
    assert set(first["metadata"]) >= METADATA_KEYS
    assert {key: first["metadata"][key] for key in asked} == asked
    assert first["metadata"]["kind"] == "custom"
    latest = client.get("/api/samples/latest?count=1").json()["samples"]
    assert [sample["id"] for sample in latest] == [listed[-1]["id"]]

    picture = client.get("/api/samples/sample_001/image")
    assert picture.headers["content-type"].startswith("image/")
    known = {"If-None-Match": picture.headers["etag"]}
    assert client.get("/api/samples/sample_001/image", headers=known).status_code == 304
    Image.new("RGB", (64, 32), "red").save(first["path"])  # what the stand-in wrote is no picture
    assert client.get("/api/samples/sample_001/image", headers=known).status_code == 200
    small = client.get("/api/samples/sample_001/image?thumbnail=16")
    assert small.headers["content-type"] == "image/webp"


@pytest.mark.slow
def test_the_doctor_says_what_is_missing(client: TestClient) -> None:
    report = client.get("/api/system/doctor").json()
    findings = {finding["subject"]: finding for finding in report["findings"]}
    assert findings["torch"]["is_fine"]
    assert findings["secrets"]["text"] == "none set"
    assert report["is_fine"] == all(finding["is_fine"] for finding in findings.values())


def test_the_machine_is_told_with_real_figures(client: TestClient) -> None:
    info = client.get("/api/system/info").json()
    assert set(info) == {"os", "cpu", "memory", "disk", "gpu", "onetrainer"}  # this server was given one
    assert set(info["os"]) == {"system", "release", "version", "machine", "processor"}
    assert set(info["cpu"]) == {"count", "usage_percent"}
    assert set(info["memory"]) == {"total_gb", "used_gb", "available_gb", "usage_percent"}
    assert set(info["disk"]) == {"total_gb", "used_gb", "free_gb", "usage_percent"}
    assert set(info["gpu"]) == {"available", "count", "devices"}
    assert info["memory"]["total_gb"] > 0
    resources = client.get("/api/system/resources").json()
    assert set(resources) == {"cpu_percent", "memory_percent", "disk_percent", "gpu_memory"}
    assert resources["cpu_percent"] > 0


def test_the_load_of_the_last_minutes_is_kept_without_a_listener(client: TestClient, wait_until: Wait) -> None:
    wait_until(lambda: len(client.get("/api/system/history").json()["readings"]) >= 2)
    first, second, *_ = client.get("/api/system/history").json()["readings"]
    assert first["time"] < second["time"]
    assert second["resources"]["memory_percent"] > 0


def test_the_process_is_the_trainers_while_one_lives(
    client: TestClient, training_config: dict[str, Any], wait_until: Wait
) -> None:
    keys = {"pid", "cpu_percent", "memory_percent", "memory_mb", "num_threads", "status"}
    server = client.get("/api/system/processes").json()
    assert set(server) == keys
    _start(client, training_config, wait_until)
    trainer = client.get("/api/system/processes").json()
    assert set(trainer) == keys
    assert trainer["pid"] != server["pid"]


def test_the_websocket_greets_answers_pings_and_tells_the_state(
    client: TestClient, training_config: dict[str, Any], wait_until: Wait
) -> None:
    state: dict[str, Any] = {}
    # Leaving the test client's socket cancels the application's side of it, and may tell so.
    with suppress(CancelledError), client.websocket_connect("ws://localhost:8000/ws") as websocket:
        connected = websocket.receive_json()
        assert connected["type"] == "connected"
        assert set(connected["data"]) >= STATUS_KEYS
        for ping in ("ping", '"ping"'):
            websocket.send_text("something else")
            websocket.send_text(ping)
            assert websocket.receive_json() == {"type": "pong"}
        _start(client, training_config, wait_until)
        state = websocket.receive_json()
        while not (state["type"] == "training_state" and state["data"]["progress"]):
            state = websocket.receive_json()
    assert set(state["data"]) >= STATUS_KEYS
    assert state["data"]["is_training"] is True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/training/status", 405),
        ("GET", "/api/training/start", 405),
        ("POST", "/api/system/info", 405),
    ],
)
def test_errors_are_one_string(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"detail"}
    assert isinstance(response.json()["detail"], str)


def test_a_bug_is_one_sentence_without_a_trace(app: FastAPI) -> None:
    def break_down() -> None:
        raise RuntimeError("a secret of the code")

    app.add_api_route("/api/bug", break_down)
    with TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False) as client:
        response = client.get("/api/bug")
    assert response.status_code == 500
    assert set(response.json()) == {"detail"}
    assert "secret" not in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full. Free some space"),
        (RuntimeError("database or disk is full"), "disk is full. Free some space"),
        (OSError(errno.EROFS, "Read-only file system"), "disk is read-only. Make it writable"),
    ],
)
def test_a_disk_that_cannot_be_written_is_told(app: FastAPI, error: Exception, said: str) -> None:
    def write() -> None:
        raise error

    app.add_api_route("/api/full", write)
    with TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False) as client:
        response = client.get("/api/full")
    assert response.status_code == 507
    assert said in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"config_path": 5}', b'{"config_dict": []}', b'{"a": "\\ud800"}', b"[" * 100_000],
    ids=["empty", "torn", "list", "null", "number", "no object", "surrogate", "deep"],
)
def test_malformed_bodies_are_bad_requests(client: TestClient, body: bytes) -> None:
    response = client.post("/api/training/start", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_that_is_not_marked_as_json_is_told_how(client: TestClient, kind: str) -> None:
    response = client.post("/api/training/start", content=b'{"config_path": "x"}', headers={"Content-Type": kind})
    assert response.status_code == 400
    assert "Content-Type: application/json" in response.json()["detail"]


@pytest.mark.parametrize("path", ["training/start", "runs", "samples/custom", "samples/default"])
def test_without_the_trainer_all_but_runs_is_served(
    path: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    service = RunService(workspace, Launcher())
    service.start()
    with TestClient(create_app(service, workspace, Settings()), base_url="http://localhost:8000") as client:
        response = client.post(f"/api/{path}", json={"config_path": "demo_lora", "prompt": "a circle"})
        assert response.status_code == 501
        assert "pip install 'onetrainer-web[train]'" in response.json()["detail"]
        assert client.get("/api/training/status").json()["status"] == "idle"
    service.close()


def test_a_body_beyond_the_limit_is_a_bad_request(client: TestClient) -> None:
    body = b'{"config_dict": {"a": "' + b"x" * (6 * 1024 * 1024) + b'"}}'
    response = client.post("/api/training/start", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert "5 MiB" in response.json()["detail"]
