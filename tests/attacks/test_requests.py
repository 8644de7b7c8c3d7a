"""What requests may bring: nothing of it makes the server stumble, and what it takes in it can read again."""

import ast
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.server.conftest import WaitUntil, create
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import onetrainer_web
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.files.json_files import MAX_BYTES
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService

ODD_NAMES = ("a" * 300, "a" * 5000, "ä" * 200, "nul\0", "line\nbreak", "\x1b[31m", "%", "\ud7ff\x7f")
CONTROL = ("nul\0", "es\x1bcape", "bell\a", "delete\x7f")
TRAINER = {"engine", "pipeline", "bridge"}
"""What never runs within the server."""


def test_no_name_in_an_address_makes_the_server_stumble(app: FastAPI, client: TestClient) -> None:
    """The client lets an error of the server through, so that none of these passes."""
    asked = 0
    for path, operations in app.openapi()["paths"].items():
        for method in operations.keys() & {"get", "put", "delete", "patch", "post"} if "{" in path else ():
            for name in ODD_NAMES:
                address = path.replace("{", "\0").split("\0")
                odd = quote(name, safe="").join([address[0], *(part.partition("}")[2] for part in address[1:])])
                answer = client.request(method, odd, json={} if method != "get" else None)
                assert answer.status_code < 500, (method, odd, answer.text)
                asked += 1
    assert asked > 200
    for name in ODD_NAMES:
        assert client.get(f"/{quote(name, safe='')}").status_code < 500
        assert client.get("/api/runs", params={"search": name}).status_code in (200, 400)


def test_nothing_that_the_api_answers_acts_as_a_page(
    app: FastAPI, client: TestClient, training_config: dict[str, Any], service: RunService
) -> None:
    """Of what is there and of what is not, on every route."""
    client.post("/api/config/save/mine", json=training_config)
    run = create(service, TrainConfig(train_device="cpu"))
    there = {"config_name": "mine", "run_id": run.id, "name": "squares", "file_name": "0.png"}
    answered: set[tuple[str, int]] = set()
    for path, operations in app.openapi()["paths"].items():
        if path in ("/api/events", "/api/system/doctor"):  # the first does not end, the second looks for long
            continue
        for method in operations.keys() & {"get", "put", "delete", "patch", "post"}:
            address = re.sub(r"{(\w+)}", lambda found: there.get(found[1], "0"), path)
            answer = client.request(method, address, headers={} if method == "get" else {"Origin": "http://evil"})
            answered.add((path, answer.status_code))
            if "sandbox" not in answer.headers.get("content-security-policy", ""):
                assert answer.headers["location"], path  # it leads elsewhere
            assert answer.headers["x-content-type-options"] == "nosniff", path
    assert {("/api/config/export/{config_name}", 200), ("/api/runs/{run_id}", 200)} <= answered


@pytest.mark.parametrize("path", ["/" + "a" * 300, "/" + "a" * 60_000, "/a%00b", "/assets/" + "b/" * 3000])
def test_a_path_that_no_file_can_have_is_not_found_without_a_trace(
    path: str, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = httpx.get(address + path)
    assert answer.status_code in (400, 404)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("text", CONTROL)
def test_control_characters_are_refused_wherever_text_enters(
    text: str, client: TestClient, workspace: Workspace
) -> None:
    client.post("/api/datasets", json={"name": "cats"})
    config = {"base_model_name": text}
    for method, path, body in (
        ("PUT", "/api/secrets", {"huggingface_token": text}),
        ("PUT", "/api/secrets", {"cloud": {"password": text}}),
        ("POST", "/api/runs", {"name": text, "config_dict": {}}),
        ("POST", "/api/runs", {"config_dict": config}),
        ("PATCH", "/api/runs/unknown", {"name": text}),
        ("PUT", "/api/config/current", config),
        ("PATCH", "/api/config/current", {"changes": config}),
        ("POST", "/api/config/validate", {"config_dict": {text: 1}}),
        ("POST", "/api/config/import", {"config": {"concepts": [{"path": text}]}}),
        ("PUT", "/api/views/faces", {"search": text}),
        ("POST", "/api/samples/custom", {"prompt": text}),
        ("PATCH", "/api/datasets/cats/captions", {"captions": {"a.png": text}}),
        ("PUT", f"/api/views/{quote(text)}", {}),
        ("GET", f"/api/folders?path={quote(text)}", None),
    ):
        answer = client.request(method, path, json=body)
        assert answer.status_code == 400, (path, answer.text)
        assert "U+00" in answer.json()["detail"], (path, answer.text)
    upload = client.post("/api/config/import", files={"file": ("a.json", json.dumps(config))})
    assert (upload.status_code, "U+00" in upload.json()["detail"]) == (400, True)
    assert not workspace.secrets.exists()
    assert not workspace.views.exists()


@pytest.mark.parametrize("secrets", [{"huggingface_token": "hf_\nX-Evil: 1"}, {"cloud": {"host": "a\r\nb"}}])
def test_a_secret_is_one_line(secrets: dict[str, Any], client: TestClient) -> None:
    answer = client.put("/api/secrets", json=secrets)
    assert answer.status_code == 400
    assert "one line" in answer.json()["detail"]
    assert "Evil" not in answer.text


def test_line_breaks_and_tabs_are_text(client: TestClient) -> None:
    assert (
        client.patch("/api/config/current", json={"changes": {"base_model_name": "a\tb\nc\\u0000"}}).status_code == 200
    )


def test_a_secret_that_no_program_can_be_given_is_told_in_the_log_of_the_run(
    service: RunService, workspace: Workspace, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.secrets.write_text(json.dumps({"huggingface_token": "a\0b"}))
    run = create(service, TrainConfig(train_device="cpu"))
    wait_until(lambda: service.get(run.id).status == "interrupted")
    assert "cannot be started" in workspace.run_folder(run.id).log.read_text()
    assert "Supervision failed" not in caplog.text


def test_a_listener_is_told_which_topics_there_are(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address.replace("http", "ws") + "/ws?topics=zzz"):
        pass
    assert refused.value.response.status_code == 400
    assert "zzz" in json.loads(refused.value.response.body)["detail"]


def test_what_is_no_number_is_refused(client: TestClient) -> None:
    for body in ({"cfg_scale": False}, {"seed": True}, {"steps": True}, {"width": False}):
        answer = client.post("/api/samples/custom", json={"prompt": "a square", **body})
        assert answer.status_code == 400, body
        assert "no numbers" in answer.json()["detail"]
    assert client.post("/api/training/stop", json={"timeout_s": True}).status_code == 400
    assert client.post("/api/runs/unknown/resume", json={"epochs": True}).status_code == 400


def test_an_upload_without_a_picture_leaves_none(client: TestClient, workspace: Workspace) -> None:
    client.post("/api/datasets", json={"name": "cats"})
    answer = client.put("/api/datasets/cats/files/a.png")
    assert (answer.status_code, "came empty" in answer.json()["detail"]) == (400, True)
    assert list((workspace.datasets / "cats").iterdir()) == []
    assert client.put("/api/datasets/cats/files/a.txt").status_code == 200


def test_what_could_not_be_read_again_is_not_written(client: TestClient, workspace: Workspace) -> None:
    before = client.put("/api/config/current", json={"learning_rate": 0.5}).json()["revision"]
    concepts = [{"path": "x" * 1000}] * 2400
    assert len(json.dumps(concepts)) < MAX_BYTES
    for method, path in (("PUT", "/api/config/current"), ("POST", "/api/config/save/large")):
        answer = client.request(method, path, json={"concepts": concepts})
        assert answer.status_code == 400, path
        assert "larger than 5 MiB" in answer.json()["detail"]
    assert client.post("/api/runs", json={"config_dict": {"concepts": concepts}}).status_code == 400
    assert client.get("/api/config/current").json()["revision"] == before
    assert list(workspace.configs.iterdir()) == []


@pytest.mark.parametrize("path", ["validate", "validate?deep=true", "import", "curves", "diff"])
def test_a_configuration_of_a_hundred_thousand_concepts_is_refused_in_a_word(path: str, client: TestClient) -> None:
    absurd = {"concepts": [{"path": "x"}] * 100_000}
    bodies = {"import": {"config": absurd}, "diff": {"left": {"config": absurd}, "right": {}}}
    answer = client.post(f"/api/config/{path}", json=bodies.get(path, absurd))
    assert answer.status_code == 400
    assert "100000 items" in answer.json()["detail"]
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    "config",
    [
        {"resolution": "9" * 5000},
        {"train_device": "cuda:" + "9" * 5000},
        {"model_type": "WAN_21", "frames": "9" * 5000},
        {"optimizer_defaults": {f"optimizer {number}": {} for number in range(100_000)}},
        {"__version": "9" * 5000},
    ],
    ids=lambda config: next(reversed(config)),
)
def test_no_absurd_value_makes_validation_stumble(config: dict[str, Any], client: TestClient) -> None:
    for path in ("/api/config/validate", "/api/config/validate?deep=true"):
        answer = client.post(path, json=config)
        assert answer.status_code in (200, 400), answer.text
        assert len(answer.content) < 20_000
    statistics = client.get("/api/datasets/none/statistics", params={"resolution": "9" * 20})
    assert statistics.status_code in (400, 404)
    assert client.get(f"/api/samples/sample_{'9' * 90}").status_code in (400, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/views/flux%2Flora"),
        ("POST", "/api/config/save/flux%2flora"),
        ("GET", "/api/config/load/a%2Fb"),
        ("GET", "/api/datasets/a%2Fb/pictures"),
    ],
)
def test_a_name_with_a_slash_is_refused_in_words(method: str, path: str, client: TestClient) -> None:
    answer = client.request(method, path, json={})
    assert answer.status_code == 404
    assert "cannot hold a slash" in answer.json()["detail"]


def test_small_pictures_come_in_a_few_sizes(client: TestClient, workspace: Workspace, training_config: object) -> None:
    del training_config  # makes the data set
    for size in (16, 17, 60, 63, 64, 100, 127):
        answer = client.get("/api/datasets/squares/files/0.png", params={"thumbnail": size})
        assert answer.status_code == 200
    assert len(list(workspace.thumbnails.rglob("*.webp"))) == 3  # 16, 32, 64


def test_every_program_that_the_server_starts_is_given_its_environment() -> None:
    """None inherits it by itself, and so the access token."""
    starts: list[str] = []
    house = Path(onetrainer_web.__file__).parent
    for path in house.rglob("*.py"):
        if path.relative_to(house).parts[0] in TRAINER:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen"):
                starts.append(path.name)
                assert "env" in {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"
    assert len(starts) >= 6
