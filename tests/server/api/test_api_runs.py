"""Runs and their queue by the API."""

import json
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient

from onetrainer_web.protocol.workspace import Workspace

Wait = Callable[..., None]


@pytest.fixture
def create(client: TestClient, training_config: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Makes a run whose stand-in behaves as the name says."""

    def create_one(name: str) -> dict[str, Any]:
        response = client.post("/api/runs", json={"config_dict": training_config, "name": name})
        assert response.status_code == 200, response.text
        return response.json()

    return create_one


def _run(client: TestClient, run_id: str) -> dict[str, Any]:
    return client.get(f"/api/runs/{run_id}").json()


def test_a_run_is_made_followed_renamed_and_deleted(
    client: TestClient, create: Callable[[str], dict[str, Any]], wait_until: Wait
) -> None:
    run = create("steps=5")
    wait_until(lambda: _run(client, run["id"])["status"] == "completed")
    assert client.get(f"/api/runs/{run['id']}/config").json()["resolution"] == "64"
    assert client.patch(f"/api/runs/{run['id']}", json={"name": "  "}).status_code == 400  # nobody could see it
    renamed = client.patch(f"/api/runs/{run['id']}", json={"name": " squares\n"}).json()
    assert renamed["name"] == "squares"
    deleted = client.delete(f"/api/runs/{run['id']}").json()
    assert deleted["run_id"] == run["id"]
    assert deleted["freed_bytes"] > 0
    assert client.get(f"/api/runs/{run['id']}").status_code == 404


def test_runs_are_found_by_tags_and_ordered_by_what_is_measured_or_set(
    client: TestClient, training_config: dict[str, Any], wait_until: Wait
) -> None:
    def create(name: str, **settings: Any) -> str:
        return client.post("/api/runs", json={"name": name, "config_dict": training_config | settings}).json()["id"]

    def listed(**query: Any) -> list[str]:
        return [run["name"] for run in client.get("/api/runs", params=query).json()["runs"]]

    trained = create("steps=3", learning_rate=0.002, lora_rank=4)
    wait_until(lambda: _run(client, trained)["status"] == "completed")
    client.patch("/api/queue", json={"paused": True})
    create("b", learning_rate=0.001, lora_rank=32)
    create("A", learning_rate=0.004, lora_rank=16)
    seen = _run(client, trained)
    assert (seen["learning_rate"], seen["lora_rank"], seen["resolution"]) == (0.002, 4, "64")
    assert seen["loss"] is not None
    assert listed() == ["A", "b", "steps=3"]
    assert listed(sort="name", ascending=True) == ["A", "b", "steps=3"]
    assert listed(sort="learning_rate") == ["A", "steps=3", "b"]
    assert listed(sort="lora_rank", ascending=True) == ["steps=3", "A", "b"]
    assert listed(sort="loss") == listed(sort="duration", ascending=True) == ["steps=3", "A", "b"]

    said = client.patch(f"/api/runs/{trained}", json={"tags": ["cat", " good ", "cat"]}).json()
    assert (said["name"], said["tags"], said["note"]) == ("steps=3", ["cat", "good"], "")
    said = client.patch(f"/api/runs/{trained}", json={"note": "too dark"}).json()
    assert (said["tags"], said["note"]) == (["cat", "good"], "too dark")
    assert listed(search="good dark") == ["steps=3"]
    assert client.patch(f"/api/runs/{trained}", json={"tags": ["x" * 41]}).status_code == 400


def test_a_run_made_from_another_one_says_so_even_when_that_is_gone(
    client: TestClient, create: Callable[[str], dict[str, Any]], workspace: Workspace
) -> None:
    client.patch("/api/queue", json={"paused": True})
    first = create("first")
    assert first["parent"] is None
    config = client.get(f"/api/runs/{first['id']}/config").json()

    again = client.post("/api/runs", json={"parent": first["id"], "name": "again"}).json()
    assert (again["parent"], again["name"]) == (first["id"], "again")
    assert client.get(f"/api/runs/{again['id']}/config").json() == config
    edited = client.post("/api/runs", json={"parent": first["id"], "config_dict": config | {"epochs": 3}}).json()
    assert edited["parent"] == first["id"]
    assert client.get(f"/api/runs/{edited['id']}/config").json()["epochs"] == 3

    client.delete(f"/api/runs/{first['id']}")
    assert _run(client, again["id"])["parent"] == first["id"]
    assert json.loads(workspace.run_folder(again["id"]).record.read_bytes())["parent"] == first["id"]
    for body in ({"parent": first["id"]}, {"parent": first["id"], "config_dict": config}):
        assert client.post("/api/runs", json=body).status_code == 404


def test_a_run_of_a_time_without_parents_is_read(
    client: TestClient, create: Callable[[str], dict[str, Any]], workspace: Workspace
) -> None:
    client.patch("/api/queue", json={"paused": True})
    record = workspace.run_folder(create("old")["id"]).record
    data = json.loads(record.read_bytes())
    del data["parent"]
    older = workspace.runs / "20250101-000000-0000"
    older.mkdir()
    (older / "run.json").write_text(json.dumps(data | {"id": older.name}))
    assert client.post(f"/api/runs/{older.name}/stop").is_success
    assert _run(client, older.name)["parent"] is None


def test_runs_are_listed_newest_first_by_page_filter_and_search(
    client: TestClient, create: Callable[[str], dict[str, Any]]
) -> None:
    client.patch("/api/queue", json={"paused": True})
    ids = [create(f"number {number}")["id"] for number in range(3)]
    listed = client.get("/api/runs").json()
    assert sorted((run["id"] for run in listed["runs"]), reverse=True) == [run["id"] for run in listed["runs"]]
    assert listed["total"] == 3
    page = client.get("/api/runs?offset=1&limit=1").json()
    assert (len(page["runs"]), page["total"]) == (1, 3)
    found = client.get("/api/runs", params={"search": "NUMBER 2"}).json()["runs"]
    assert [run["id"] for run in found] == [ids[2]]
    assert client.get("/api/runs?status=completed").json()["runs"] == []
    assert client.get("/api/runs?status=queued&status=running&kind=train").json()["total"] == 3
    assert client.get("/api/runs?status=nonsense").status_code == 400


def test_a_search_looks_for_words_in_name_model_and_method(client: TestClient) -> None:
    client.patch("/api/queue", json={"paused": True})
    ids: list[str] = []
    for name, *kinds in (("squares", "STABLE_DIFFUSION_15", "LORA"), ("big_circles", "FLUX_DEV_1", "FINE_TUNE")):
        config = dict(zip(("model_type", "training_method"), kinds, strict=True))
        answer = client.post("/api/runs", json={"config_dict": config, "name": name, "kind": "sample"})
        ids.append(answer.json()["id"])
    squares, circles = ids
    for search, found in {
        "": [circles, squares],
        "CIRCLES": [circles],
        "big-circles": [circles],  # as it is also written
        "flux.1": [circles],  # as the page calls the model
        "FLUX_DEV_1": [circles],  # as the configuration does
        "fine-tune": [circles],
        "  lora   squ ": [squares],
        "lora circles": [],  # each word has to be found
        squares: [squares],
        squares[-4:]: [],  # numbers in names are not looked for in ids
    }.items():
        listed = client.get("/api/runs", params={"search": search, "limit": 1}).json()
        assert listed["total"] == len(found), search
        assert [run["id"] for run in listed["runs"]] == found[:1]


def test_the_queue_is_ordered_and_paused(client: TestClient, create: Callable[[str], dict[str, Any]]) -> None:
    assert client.patch("/api/queue", json={"paused": True}).json() == {"paused": True, "run_ids": []}
    first, second = create("a")["id"], create("b")["id"]
    assert set(client.get("/api/queue").json()["run_ids"]) == {first, second}
    for order in ([second, first], [first, second]):
        assert client.patch("/api/queue", json={"run_ids": order}).json()["run_ids"] == order
    assert client.patch("/api/queue", json={"run_ids": ["nowhere"]}).status_code == 400


def test_commands_to_a_run_are_obeyed(
    client: TestClient, create: Callable[[str], dict[str, Any]], wait_until: Wait
) -> None:
    run = f"/api/runs/{create('endless')['id']}"
    wait_until(lambda: client.get(run).json()["status"] == "running")
    sent = [client.post(f"{run}/{command}").json() for command in ("backup", "save")]
    sent.append(client.post(f"{run}/sample", json={"samples": [{"prompt": "a square"}]}).json())
    ids = [command["command_id"] for command in sent]
    assert ids == sorted(ids)

    def taken() -> set[int]:
        events = client.get(f"{run}/events?types=command_taken").json()["events"]
        return {event["command_id"] for event in events}

    wait_until(lambda: taken() == set(ids))
    wait_until(lambda: client.get(f"{run}/backups").json()["outputs"])
    wait_until(lambda: client.get(f"{run}/saves").json()["outputs"])
    stopped = client.post(f"{run}/stop", json={"save": False})
    assert stopped.status_code == 200
    wait_until(lambda: client.get(run).json()["status"] == "stopped")
    assert client.post(f"{run}/backup").status_code == 400

    backup = client.get(f"{run}/backups").json()["outputs"][0]["name"]
    assert client.post(f"{run}/resume", json={"backup": "nowhere"}).status_code == 404
    assert client.post(f"{run}/resume", json={"backup": backup}).status_code == 200
    wait_until(lambda: client.get(run).json()["status"] == "running")
    assert client.post(f"{run}/resume").status_code == 400
    assert client.delete(run).status_code == 400


def test_a_setting_is_tried_with_several_values_or_no_run_is_made(
    client: TestClient, training_config: dict[str, Any]
) -> None:
    client.patch("/api/queue", json={"paused": True})
    wanted = {"config_dict": training_config, "name": "Squares"}
    vary = {"learning_rate": [0.0001, 0.0003], "lora_rank": [4, 8]}
    made = client.post("/api/runs/variants", json=wanted | {"vary": vary}).json()
    runs = made["runs"]
    assert [note["path"] for note in made["notes"]] == ["output_model_destination"]
    assert [run["name"] for run in runs][:2] == [
        "Squares, Learning rate 0.0001, Rank 4",
        "Squares, Learning rate 0.0001, Rank 8",
    ]
    assert client.get("/api/queue").json()["run_ids"] == [run["id"] for run in runs]
    last = client.get(f"/api/runs/{runs[-1]['id']}/config").json()
    assert (last["learning_rate"], last["lora_rank"]) == (0.0003, 8)
    for impossible in ({"lora_rank": [4, -1]}, {"resolution": ["64", "large"]}, {"nothing": [1]}):
        assert client.post("/api/runs/variants", json=wanted | {"vary": impossible}).status_code == 400
    assert client.get("/api/runs").json()["total"] == 4


def test_events_metrics_and_log_are_read_in_pages(
    client: TestClient, create: Callable[[str], dict[str, Any]], wait_until: Wait
) -> None:
    run = f"/api/runs/{create('steps=50 pause=0')['id']}"
    wait_until(lambda: client.get(run).json()["status"] == "completed")
    collected: list[int] = []
    after = 0
    while events := (page := client.get(f"{run}/events?after={after}&limit=7").json())["events"]:
        collected += [event["seq"] for event in events]
        after = page["next_after"]
    assert collected == list(range(1, len(collected) + 1))
    wait_until(lambda: len(client.get(f"{run}/metrics").json()["metrics"]["loss/train_step"]) == 50)
    thinned = client.get(f"{run}/metrics?names=loss/train_step&max_points=10").json()["metrics"]
    assert list(thinned) == ["loss/train_step"]
    assert len(thinned["loss/train_step"]) <= 10
    smoothed = client.get(f"{run}/metrics?names=loss/train_step&max_points=10&smoothing=0.9").json()["metrics"]
    assert smoothed["loss/train_step"][0] == thinned["loss/train_step"][0]
    assert smoothed["loss/train_step"][-1] != thinned["loss/train_step"][-1]
    clock = client.get(f"{run}/metrics?names=clock&max_points=10").json()["metrics"]["clock"]
    events = client.get(f"{run}/events?types=step").json()["events"]
    when = {event["progress"]["global_step"]: datetime.fromisoformat(event["time"]).timestamp() for event in events}
    assert len(clock) <= 10
    assert {point["step"]: point["value"] for point in clock}.items() <= when.items()
    assert {clock[0]["step"], clock[-1]["step"]} == {1, 50}
    assert "clock" not in client.get(f"{run}/metrics").json()["metrics"]
    log = client.get(f"{run}/log?offset=-100").json()
    assert log["next_offset"] == log["size"]


def test_files_of_a_run_are_listed_and_sent_in_ranges(
    client: TestClient, create: Callable[[str], dict[str, Any]], wait_until: Wait
) -> None:
    run = f"/api/runs/{create('steps=3')['id']}"
    wait_until(lambda: client.get(run).json()["status"] == "completed")
    files = client.get(f"{run}/files").json()
    assert "save/step-3.safetensors" in [file["path"] for file in files["files"]]
    assert files["total"] == len(files["files"])
    whole = client.get(f"{run}/files/save/step-3.safetensors")
    assert whole.content == b"a model"
    assert "sandbox" in whole.headers["content-security-policy"]
    part = client.get(f"{run}/files/save/step-3.safetensors", headers={"Range": "bytes=2-"})
    assert (part.status_code, part.content) == (206, b"model")
    beyond = client.get(f"{run}/files/save/step-3.safetensors", headers={"Range": "bytes=99-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */7")
    assert "7 bytes" in beyond.json()["detail"]
    for malformed in ("2-", "pages=2-", "bytes=b-", "bytes=5-2"):
        refused = client.get(f"{run}/files/save/step-3.safetensors", headers={"Range": malformed})
        assert (refused.status_code, list(refused.json())) == (400, ["detail"])
    stored = client.get(f"{run}/files/run.json?download=true")
    assert stored.headers["content-disposition"].startswith("attachment")


def test_a_folder_of_a_run_comes_as_one_zip(
    client: TestClient, create: Callable[[str], dict[str, Any]], wait_until: Wait, workspace: Workspace
) -> None:
    run_id = create("steps=3")["id"]
    wait_until(lambda: client.get(f"/api/runs/{run_id}").json()["status"] == "completed")
    client.patch(f"/api/runs/{run_id}", json={"name": "Ärger / 1"})
    workspace.secrets.write_text("secret")
    (workspace.run_folder(run_id).path / "save" / "link").symlink_to(workspace.secrets)

    answer = client.get(f"/api/runs/{run_id}/archive", params={"folder": "save"})

    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%84rger%20%2F%201%20save.zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["save/step-3.safetensors"]
        assert archive.read("save/step-3.safetensors") == b"a model"
    whole = ZipFile(BytesIO(client.get(f"/api/runs/{run_id}/archive").content)).namelist()
    assert {f"{run_id}/run.json", f"{run_id}/save/step-3.safetensors"} <= set(whole)


@pytest.mark.parametrize("folder", ["nowhere", "..", "../..", "/etc", "save/step-3.safetensors", "x" * 300])
def test_only_folders_of_the_run_are_zipped(
    client: TestClient, create: Callable[[str], dict[str, Any]], folder: str
) -> None:
    run_id = create("steps=3")["id"]
    assert client.get(f"/api/runs/{run_id}/archive", params={"folder": folder}).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "../../secrets.json",
        "%2e%2e/%2e%2e/secrets.json",
        "..%2f..%2fsecrets.json",
        "/etc/passwd",
        "%2fetc/passwd",
        "link",
    ],
)
def test_files_outside_a_run_are_out_of_reach(
    client: TestClient, create: Callable[[str], dict[str, Any]], workspace: Workspace, path: str
) -> None:
    workspace.secrets.write_text("secret")
    run_id = create("endless")["id"]
    (workspace.run_folder(run_id).path / "link").symlink_to(workspace.secrets)
    response = client.get(f"/api/runs/{run_id}/files/{path}")
    assert response.status_code in (400, 404)
    assert response.text != "secret"


@pytest.mark.parametrize("run_id", ["nowhere", "%2e%2e", "%00", "x" * 300])
def test_a_run_that_does_not_exist_is_not_found(client: TestClient, run_id: str) -> None:
    for path in ("", "/config", "/metrics", "/events", "/log", "/files", "/files/run.json", "/backups", "/saves"):
        assert client.get(f"/api/runs/{run_id}{path}").status_code in (400, 404)
    for command in ("stop", "sample", "backup", "save", "resume"):
        assert client.post(f"/api/runs/{run_id}/{command}").status_code in (400, 404, 405)
