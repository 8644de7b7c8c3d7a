"""Folders from elsewhere: what lies in runs, data sets and configurations reaches nothing outside and stops nothing."""

import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.server.conftest import COMMAND, WaitUntil

from onetrainer_web.api.app import create_app
from onetrainer_web.app.allowed_paths import AllowedPaths, PathRefusedError
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.commands import Launch, append_command
from onetrainer_web.protocol.events import BackedUp, EventWriter, Progress, SampleDrawn, Saved, Stopped
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings

SECRET = "hf_SECRET"
START = Progress(epoch=0, epoch_step=0, epoch_sample=0, global_step=0)


@pytest.fixture
def secret(workspace: Workspace) -> Iterator[Path]:
    """A file of the workspace that no answer may hold."""
    workspace.secrets.write_text(json.dumps({"huggingface_token": SECRET}))
    yield workspace.secrets
    assert SECRET in workspace.secrets.read_text()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder outside the workspace, which must stay as it is."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "key").write_text(SECRET)
    yield folder
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("key", SECRET)]


def _ended_run(workspace: Workspace, *events: Any, config: dict[str, Any] | None = None) -> RunFolder:
    """A run as it is copied from elsewhere: its journal says what its maker wanted."""
    settings = config_to_dict(TrainConfig(train_device="cpu")) | (config or {})

    def fill(folder: RunFolder) -> None:
        append_command(folder.commands, Launch())
        writer = EventWriter(folder.events)
        for event in (*events, Stopped()):
            writer.write(event)
        writer.close()

    return create_run(workspace.runs, TrainTask(config=settings), prepare=fill)


def _sample(path: str) -> SampleDrawn:
    return SampleDrawn(path=path, kind="default", index=0, settings={}, progress=START)


def test_a_sample_is_a_file_that_its_run_drew(
    client: TestClient, workspace: Workspace, secret: Path, wait_until: WaitUntil
) -> None:
    wanted = [
        "../../secrets.json",
        str(secret),
        "/proc/self/environ",
        "samples/link.png",
        "samples/pipe.png",
        "a\0b",
        ".",
    ]
    own = ["samples/page.html", "samples/drawing.svg", "samples/picture.png"]
    folder = _ended_run(workspace, *map(_sample, [*wanted, *own]))
    folder.samples.mkdir()
    (folder.samples / "link.png").symlink_to(secret)
    os.mkfifo(folder.samples / "pipe.png")
    for path in own:
        (folder.path / path).write_text("<script>alert(1)</script>")
    wait_until(lambda: client.get("/api/samples/list").json()["total"] == len(wanted) + len(own))
    answers = [client.get(f"/api/samples/sample_{number:03d}/image") for number in range(1, 11)]
    assert [answer.status_code for answer in answers] == [404] * len(wanted) + [200] * len(own)
    for answer, kind in zip(answers[-3:], ["application/octet-stream"] * 2 + ["image/png"], strict=True):
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get("content-disposition") == (None if kind == "image/png" else "attachment")
    assert client.get("/api/samples/sample_001/image?thumbnail=64").status_code == 404


def test_outputs_are_those_that_a_run_may_write(
    client: TestClient, workspace: Workspace, elsewhere: Path, wait_until: WaitUntil
) -> None:
    (workspace.models / "mine.safetensors").write_bytes(b"model")
    (workspace.models / "other.safetensors").write_bytes(b"model")
    saved = [
        "../../secrets.json",
        str(elsewhere),
        "../../models/mine.safetensors",
        "../../models/other.safetensors",
        ".",
    ]
    backed_up = [str(elsewhere), "backup/own", "backup/link", "../../datasets"]
    folder = _ended_run(
        workspace,
        *(Saved(path=path, progress=START) for path in saved),
        *(BackedUp(path=path, progress=START) for path in backed_up),
        config={"output_model_destination": "models/mine"},
    )
    (folder.backups / "own").mkdir(parents=True)
    (folder.backups / "link").symlink_to(elsewhere)
    run = f"/api/runs/{folder.run_id}"
    wait_until(lambda: client.get(run).status_code == 200)

    def names(kind: str) -> set[str]:
        return {output["path"] for output in client.get(f"{run}/{kind}").json()["outputs"]}

    assert names("saves") == {"../../models/mine.safetensors", "."}
    assert names("backups") == {"backup/own"}
    assert client.delete(f"{run}/files/..%2F..%2Fmodels%2Fmine.safetensors").status_code == 404
    assert client.post(f"{run}/resume", json={"backup": "elsewhere"}).status_code == 404
    assert folder.record.is_file()


def test_links_of_a_run_lead_nowhere(
    client: TestClient, workspace: Workspace, secret: Path, elsewhere: Path, wait_until: WaitUntil
) -> None:
    folder = _ended_run(workspace)
    (folder.path / "samples").symlink_to(elsewhere)
    folder.log.symlink_to(secret)
    run = f"/api/runs/{folder.run_id}"
    wait_until(lambda: client.get(run).status_code == 200)
    answers = [client.get(f"{run}{path}") for path in ("/log", "/files", "/files/trainer.log", "/files/samples/key")]
    answers += [client.get(f"{run}/archive"), client.get(f"{run}/archive?folder=samples")]
    assert not any(SECRET in answer.text for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 200, 404]
    assert "it is a link" in answers[0].json()["text"]
    assert client.post(f"{run}/resume").status_code == 200
    wait_until(lambda: "link" in (client.get(run).json()["error"] or ""))
    assert client.delete(run).status_code == 200


def _odd_folders(workspace: Workspace, elsewhere: Path) -> dict[str, str]:
    """Makes one of each kind; gives what is said of each, by its name as it is shown."""

    def run(name: str | bytes) -> Path:
        made = create_run(workspace.runs, TrainTask(config=config_to_dict(TrainConfig(train_device="cpu"))))
        return made.path.rename(workspace.runs / os.fsdecode(name))

    for name in (b"na\xefve", "two\nlines", "a#b?c"):
        run(name)
    for name in ("run.json", "events.jsonl", "commands.jsonl", "trainer.lock"):
        pipe = run(name) / name
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    (run("empty") / "run.json").write_bytes(b"")
    (workspace.runs / "bare").mkdir()
    (workspace.runs / "link").symlink_to(elsewhere)
    return {
        **dict.fromkeys(("na\\udcefve", "two\nlines", "a#b?c"), "the name of a run has"),
        **{name: f"{name}: it is no regular file" for name in ("run.json", "events.jsonl", "commands.jsonl")},
        "trainer.lock": "trainer.lock: it is no regular file",
        "empty": "run.json: Invalid JSON",
        "bare": "it has no run.json",
        "link": "it is a link",
    }


def test_odd_folders_touch_only_themselves(
    service: RunService,
    client: TestClient,
    workspace: Workspace,
    elsewhere: Path,
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (workspace.runs / "notes.txt").touch()  # a file is nobody's run
    expected = _odd_folders(workspace, elsewhere)
    run = service.start_training(TrainConfig(train_device="cpu"), "steps=1")
    wait_until(lambda: service.get(run.id).status == "completed")

    def listed() -> dict[str, dict[str, str]]:
        return {odd["name"]: odd for odd in client.get("/api/runs").json()["unreadable"]}

    wait_until(lambda: listed().keys() == expected.keys())
    for name, odd in listed().items():
        assert odd["reason"].startswith(f"This folder cannot be read: {expected[name]}")
        assert client.delete(f"/api/runs/{odd['id']}").status_code == 200, name
        assert name not in listed()
    assert sorted(os.listdir(workspace.runs)) == [run.id, "notes.txt"]
    assert "Supervision failed" not in caplog.text


def test_a_run_whose_record_was_emptied_says_so(
    client: TestClient, workspace: Workspace, wait_until: WaitUntil
) -> None:
    folder = _ended_run(workspace)
    wait_until(lambda: client.get(f"/api/runs/{folder.run_id}").status_code == 200)
    folder.record.write_bytes(b"")
    answer = client.get(f"/api/runs/{folder.run_id}/config")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"The run folder '{folder.run_id}' cannot be read: run.json")
    assert client.delete(f"/api/runs/{folder.run_id}").status_code == 200


def _picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)
    return path


def test_links_of_a_data_set_lead_nowhere(client: TestClient, workspace: Workspace, elsewhere: Path) -> None:
    folder = _picture(workspace.datasets / "cats" / "cat.png").parent
    _picture(folder / "kept.png")
    (folder / "link.png").symlink_to(elsewhere / "key")
    (folder / "cat.txt").symlink_to(elsewhere / "key")
    (folder / "twin.png").symlink_to("cat.png")
    (folder / "notes.bin").write_text("no picture")
    os.mkfifo(folder / "kept.txt")
    (workspace.datasets / "far").symlink_to(elsewhere)
    sets = "/api/datasets"
    listed = client.get(f"{sets}/cats/pictures")
    assert [picture["name"] for picture in listed.json()["pictures"]] == ["cat.png", "kept.png", "twin.png"]
    answers = [
        listed,
        *(client.get(f"{sets}/{path}") for path in ("cats/files/link.png", "cats/archive", "far/archive")),
    ]
    answers += [client.get(f"{sets}/cats/statistics"), client.get(f"{sets}/far/pictures"), client.get(sets)]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 200, 200, 200, 200]
    assert not any(SECRET in answer.text for answer in answers)
    assert ZipFile(BytesIO(answers[2].content)).namelist() == ["cats/cat.png", "cats/kept.png"]
    assert [found["linked_to"] for found in answers[-1].json()["datasets"]] == [None, str(elsewhere)]
    for name in ("far", "cats"):
        assert client.delete(f"{sets}/{name}").status_code == 200
    assert client.get(sets).json() == {"datasets": []}


def test_allowed_roots_hold_for_links_too(
    service: RunService, workspace: Workspace, tmp_path: Path, elsewhere: Path
) -> None:
    settings = Settings(workspace=workspace.folder, allowed_roots=[tmp_path / "allowed"])
    client = TestClient(create_app(service, workspace, settings), base_url="http://localhost:8000")
    pictures = _picture(tmp_path / "allowed" / "pictures" / "own.png").parent
    (workspace.datasets / "near").symlink_to(pictures)
    (workspace.datasets / "far").symlink_to(elsewhere)
    (workspace.configs / "far.json").symlink_to(elsewhere / "key")
    (workspace.configs / "gone.json").symlink_to(elsewhere / "gone")
    os.mkfifo(workspace.configs / "pipe.json")
    assert [found["name"] for found in client.get("/api/datasets").json()["datasets"]] == ["near"]
    assert client.get("/api/datasets/far/archive").status_code == 404
    assert [client.get(f"/api/config/load/{name}").status_code for name in ("far", "gone", "pipe")] == [400, 404, 404]
    assert client.get("/api/config/list").status_code == 200

    config = {"concepts": [{"path": str(pictures), "name": "own"}]}
    (pictures / "link.png").symlink_to(elsewhere / "key")
    report = client.post("/api/config/validate?deep=true", json=config).json()
    assert [issue["code"] for issue in report["issues"] if issue["severity"] == "error"] == ["path_refused"]
    assert "link.png" in report["errors"][0]
    assert client.post("/api/config/preview", json=config).json()["total"] == 1


def test_a_run_from_elsewhere_reaches_no_further_than_a_request(
    workspace: Workspace, elsewhere: Path, wait_until: WaitUntil
) -> None:
    allowed = AllowedPaths(workspace, [workspace.folder])
    ended = _ended_run(workspace, config={"output_model_destination": str(elsewhere / "key")})
    config = config_to_dict(TrainConfig(train_device="cpu")) | {"concepts": [{"path": str(elsewhere)}]}
    waiting = create_run(workspace.runs, TrainTask(config=config))
    service = RunService(workspace, Launcher(COMMAND, check_paths=allowed.check), "http://this-server")
    service.start()
    try:
        wait_until(lambda: service.get(waiting.run_id).status == "interrupted")
        assert "lies outside the folders" in (service.get(waiting.run_id).error or "")
        assert not waiting.events.exists(), "no trainer was started"
        for run in (ended, waiting):
            with pytest.raises(PathRefusedError, match="lies outside the folders"):
                service.resume(run.run_id)
    finally:
        service.close()


def test_a_pipe_in_place_of_a_model_is_no_model(client: TestClient, workspace: Workspace) -> None:
    os.mkfifo(workspace.models / "pipe.safetensors")
    report = client.post("/api/config/validate?deep=true", json={"base_model_name": "models/pipe.safetensors"}).json()
    assert any("it is no regular file" in text for text in report["errors"])


@pytest.mark.parametrize("kind", ["PPM", "GIF", "EPS", "ICO"])
def test_what_is_called_a_picture_is_read_as_no_other_kind(kind: str, client: TestClient, workspace: Workspace) -> None:
    (workspace.datasets / "cats").mkdir()
    Image.new("RGB", (16, 16)).save(workspace.datasets / "cats" / "cat.png", kind)
    answer = client.get("/api/datasets/cats/files/cat.png?thumbnail=64")
    assert answer.status_code == 400, answer.text
