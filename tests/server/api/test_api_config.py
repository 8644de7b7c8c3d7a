"""Configurations by the API: the current one with revisions, named ones, import, export, comparison."""

import errno
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from onetrainer_web.app.demo import draw_missing_demo_pictures
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.system.gpus import list_gpus


def test_a_change_of_the_current_configuration_gives_a_new_revision(client: TestClient) -> None:
    before = client.get("/api/config/current")
    assert before.headers["etag"] == f'"{before.json()["revision"]}"'
    changed = client.patch("/api/config/current", json={"changes": {"learning_rate": 0.5, "unet.train": False}}).json()
    assert changed["config"]["learning_rate"] == 0.5
    assert changed["config"]["unet"]["train"] is False
    assert changed["revision"] != before.json()["revision"]
    assert client.get("/api/config/current").json() == changed


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_stale_revision_is_refused_with_the_current_one(client: TestClient, quote: str) -> None:
    seen = client.get("/api/config/current").json()["revision"]
    header = {"If-Match": f"{quote}{seen}{quote}"}
    first = client.patch("/api/config/current", json={"changes": {"epochs": 3}}, headers=header)
    assert first.status_code == 200
    second = client.patch("/api/config/current", json={"changes": {"epochs": 4}}, headers=header)
    assert second.status_code == 412
    assert first.json()["revision"] in second.json()["detail"]
    assert second.headers["etag"] == first.headers["etag"]
    replaced = client.put("/api/config/current", json={"epochs": 5}, headers=header)
    assert replaced.status_code == 412
    assert client.get("/api/config/current").json()["config"]["epochs"] == 3


def test_one_change_that_does_not_fit_changes_nothing(client: TestClient) -> None:
    before = client.get("/api/config/current").json()
    for changes in (
        {"epochs": 7, "nonsense": 1},
        {"epochs": 7, "learning_rate": "fast"},
        {"": 1},
        {"samples.9.seed": 1},
    ):
        assert client.patch("/api/config/current", json={"changes": changes}).status_code == 400
    assert client.get("/api/config/current").json() == before


def test_a_replaced_configuration_tells_what_was_not_understood(client: TestClient) -> None:
    replaced = client.put("/api/config/current", json={"epochs": 7, "nonsense": 1}).json()
    assert replaced["config"]["epochs"] == 7
    assert [note["path"] for note in replaced["notes"]] == ["nonsense"]


def test_a_file_that_was_damaged_by_hand_can_be_replaced(client: TestClient, workspace: Workspace) -> None:
    workspace.current_config.parent.mkdir(parents=True, exist_ok=True)
    workspace.current_config.write_text("{")
    assert client.get("/api/config/current").status_code == 400
    assert client.put("/api/config/current", json={"epochs": 7}).status_code == 200
    assert client.get("/api/config/current").json()["config"]["epochs"] == 7


def test_files_that_were_changed_by_hand_tell_what_was_not_understood(client: TestClient, workspace: Workspace) -> None:
    client.post("/api/config/save/mine", json={"epochs": 3})
    for path in (workspace.configs / "mine.json", workspace.current_config):
        path.write_text('{"__version": 10, "epochs": 0, "nonsense": 1}')
    told = client.get("/api/config/notes/mine").json()
    assert [(note["path"], note["code"]) for note in told["notes"]] == [
        ("epochs", "clamped"),
        ("nonsense", "unknown_key"),
    ]
    assert told["migrated_from"] == 10
    assert client.get("/api/config/current").json()["notes"] == told["notes"]


def test_a_start_tells_what_it_did_not_understand(client: TestClient, training_config: dict[str, Any]) -> None:
    odd = training_config | {"nonsense": 1}
    for path in ("/api/training/start", "/api/runs"):
        answer = client.post(path, json={"config_dict": odd}).json()
        assert [note["path"] for note in answer["notes"]] == ["nonsense"], path


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/config/current", {"secrets": {"huggingface_token": "hf_1"}}),
        ("PATCH", "/api/config/current", {"changes": {"secrets.huggingface_token": "hf_1"}}),
        ("PATCH", "/api/config/current", {"changes": {"secrets": {"huggingface_token": "hf_1"}}}),
        ("POST", "/api/config/validate", {"secrets": {"cloud": {"password": "hf_1"}}}),
        ("POST", "/api/config/import", {"config": {"secrets": {"huggingface_token": "hf_1"}}}),
        ("POST", "/api/config/save/x", {"secrets": {"huggingface_token": "hf_1"}}),
        ("POST", "/api/training/start", {"config_dict": {"secrets": {"huggingface_token": "hf_1"}}}),
        ("POST", "/api/runs", {"config_dict": {"secrets": {"huggingface_token": "hf_1"}}}),
    ],
)
def test_a_secret_inside_a_configuration_is_refused(
    client: TestClient, method: str, path: str, body: dict[str, Any]
) -> None:
    response = client.request(method, path, json=body)
    assert response.status_code == 400
    assert "/api/secrets" in response.json()["detail"]
    assert "hf_1" not in response.json()["detail"]


def test_secrets_are_written_and_never_read(client: TestClient, workspace: Workspace) -> None:
    response = client.put("/api/secrets", json={"huggingface_token": "hf_1", "cloud": {"password": "p"}})
    assert response.json()["secrets"]["huggingface_token"] is True
    assert "hf_1" not in response.text + client.get("/api/secrets").text
    assert json.loads(workspace.secrets.read_text())["huggingface_token"] == "hf_1"
    client.put("/api/secrets", json={"huggingface_token": ""})
    told = client.get("/api/secrets").json()["secrets"]
    assert (told["huggingface_token"], told["cloud.password"]) == (False, True)


def test_a_configuration_is_saved_listed_loaded_and_deleted(client: TestClient, workspace: Workspace) -> None:
    saved = client.post("/api/config/save/my lora", json={"epochs": 3}).json()
    assert saved["name"] == "my lora"
    assert (workspace.configs / "my lora.json").is_file()
    listed = client.get("/api/config/list").json()
    assert "my lora.json" in listed["configs"]
    assert {"name": "my lora", "kind": "own", "model_type": None}.items() <= listed["details"][-1].items()
    (preset,) = [one for one in listed["details"] if one["name"] == "sdxl_lora"]
    assert (preset["model_type"], preset["training_method"]) == ("STABLE_DIFFUSION_XL_10_BASE", "LORA")
    assert client.get("/api/config/load/my lora").json()["epochs"] == 3
    assert client.delete("/api/config/my lora").status_code == 200
    assert client.delete("/api/config/my lora").status_code == 404


def test_saving_without_a_body_saves_the_current_configuration(client: TestClient) -> None:
    client.patch("/api/config/current", json={"changes": {"epochs": 9}})
    client.post("/api/config/save/now")
    assert client.get("/api/config/load/now").json()["epochs"] == 9


def test_an_own_configuration_hides_a_preset_that_cannot_be_deleted(client: TestClient) -> None:
    preset = client.get("/api/config/load/demo_lora").json()
    assert client.delete("/api/config/demo_lora").status_code == 400
    client.post("/api/config/save/demo_lora", json={"epochs": 77})
    assert client.get("/api/config/load/demo_lora").json()["epochs"] == 77
    names = client.get("/api/config/list").json()["configs"]
    assert names.count("demo_lora.json") == 1
    client.delete("/api/config/demo_lora")
    assert client.get("/api/config/load/demo_lora").json() == preset


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "a%2Fb", "%2e%2e%2fx", "a%5Cb", "x" * 200, "a%00b", "%20", "a%0Ab", "a.json.json"]
)
def test_names_that_are_no_file_names_are_refused(client: TestClient, workspace: Workspace, name: str) -> None:
    before = sorted(workspace.folder.rglob("*.json"))
    for method, path in (("POST", "save"), ("GET", "load")):
        assert client.request(method, f"/api/config/{path}/{name}").status_code in (400, 404, 405)
    assert sorted(workspace.folder.rglob("*.json")) == before


def test_a_start_by_name_path_and_relative_path_finds_the_file(
    client: TestClient, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    client.post("/api/config/save/mine", json=training_config)
    for path in ("mine", "mine.json", "configs/mine.json", str(workspace.configs / "mine.json")):
        response = client.post("/api/runs", json={"config_path": path})
        assert response.status_code == 200, response.text


def test_files_outside_the_allowed_roots_are_refused(
    service: Any, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    from onetrainer_web.api.app import create_app
    from onetrainer_web.settings import Settings

    shared, private = workspace.folder.parent / "shared", workspace.folder.parent / "private"
    for folder in (shared, private):
        folder.mkdir()
        (folder / "c.json").write_text(json.dumps(training_config))
    (shared / "link.json").symlink_to(private / "c.json")
    app = create_app(service, workspace, Settings(host="127.0.0.1", allowed_roots=[shared]))
    client = TestClient(app, base_url="http://localhost")
    statuses = {
        path: client.post("/api/runs", json={"config_path": str(path)}).status_code
        for path in (shared / "c.json", private / "c.json", shared / "link.json", shared / ".." / "private" / "c.json")
    }
    assert list(statuses.values()) == [200, 400, 400, 400]


def test_a_configuration_that_names_what_may_not_be_read_is_refused(
    service: Any, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    from onetrainer_web.api.app import create_app
    from onetrainer_web.settings import Settings

    shared = workspace.folder.parent / "shared"
    shared.mkdir()
    private = str(shared / ".." / "private")
    client = TestClient(
        create_app(service, workspace, Settings(host="127.0.0.1", allowed_roots=[shared])), base_url="http://localhost"
    )
    assert client.post("/api/config/validate?deep=true", json=training_config).json()["valid"]
    changes: dict[str, dict[str, Any]] = {
        "concepts.0.path": {"concepts": [{"path": private}]},
        "base_model_name": {"base_model_name": private},
        "vae.model_name": {"vae": {"model_name": "~/vae.safetensors"}},
        "output_model_destination": {"output_model_destination": "../model.safetensors"},
        "samples.0.base_image_path": {"samples": [{"base_image_path": private}]},
    }
    for path, change in changes.items():
        report = client.post("/api/config/validate", json=training_config | change).json()
        assert [(issue["path"], issue["code"]) for issue in report["issues"]] == [(path, "path_refused")]
        for kind in ("train", "sample"):
            body = {"config_dict": training_config | change, "kind": kind}
            assert client.post("/api/runs", json=body).status_code == 400
    client.put("/api/config/current", json=training_config | changes["base_model_name"])
    assert client.post("/api/samples/default").status_code == 400
    run = client.post("/api/runs", json={"config_dict": training_config}).json()["id"]
    drawn = client.post(f"/api/runs/{run}/sample", json={"samples": [{"base_image_path": private}]})
    assert (drawn.status_code, "outside" in drawn.json()["detail"]) == (400, True)


def test_a_configuration_of_an_old_version_is_imported(client: TestClient) -> None:
    imported = client.post(
        "/api/config/import", json={"config": {"__version": 9, "epochs": 3, "nonsense": 1}, "filename": "old.json"}
    ).json()
    assert imported["config"]["epochs"] == 3
    assert imported["migrated_from"] == 9
    assert [note["path"] for note in imported["notes"]] == ["nonsense"]


def test_an_import_tells_what_lies_in_files_of_its_own(client: TestClient) -> None:
    settings = {"__version": 11, "concepts": None, "samples": [], "concept_file_name": "training_concepts/mine.json"}
    for config, filename, paths in (
        (settings, "mine.json", ["concept_file_name"]),
        (settings | {"concepts": []}, "mine.json", []),
        ({"concept_file_name": "training_concepts/concepts.json"}, "#preset.json", []),
    ):
        answer = client.post("/api/config/import", json={"config": config, "filename": filename}).json()
        assert [note["path"] for note in answer["notes"]] == paths


def test_a_file_is_imported_by_upload(client: TestClient) -> None:
    file = ("mine.json", json.dumps({"__version": 11, "epochs": 3}).encode(), "application/json")
    imported = client.post("/api/config/import", files={"file": file}).json()
    assert imported["config"]["epochs"] == 3
    assert imported["migrated_from"] is None


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff\xfe", b"{", b'{"a":' * 60 + b"1" + b"}" * 60, b"x" * (5 * 2**20 + 1), b"x" * (7 * 2**20)]
    + [b'{"save_filename_prefix": "\\ud800"}'],
)
def test_an_upload_that_is_no_configuration_is_refused(client: TestClient, content: bytes) -> None:
    response = client.post("/api/config/import", files={"file": ("x.json", content)})
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


def test_an_upload_without_a_file_is_refused(client: TestClient) -> None:
    given: list[dict[str, Any]] = [{"files": {"other": ("x.json", b"{}")}}, {"data": {"file": "text"}}]
    for request in (*given, {"json": {}}, {"json": []}):
        assert client.post("/api/config/import", **request).status_code == 400


def test_an_export_holds_concepts_inside_or_in_a_file_of_their_own(client: TestClient) -> None:
    packed = client.get("/api/config/export/demo_lora").json()
    settings = ZipFile(BytesIO(client.get("/api/config/export/demo_lora?form=settings").content))
    config, concepts, samples = (
        json.loads(settings.read(name))
        for name in ("demo_lora.json", "training_concepts/concepts.json", "training_samples/samples.json")
    )
    assert packed["concepts"]
    assert config["concepts"] is None
    assert packed == config | {"concepts": concepts, "samples": samples}
    assert client.get("/api/config/export/demo_lora?form=other").status_code == 400


def test_two_configurations_are_compared(client: TestClient) -> None:
    found = client.post("/api/config/diff", json={"left": {"config": {"epochs": 3}}, "right": {}}).json()
    assert [(item["path"], item["left"]) for item in found] == [("epochs", 3)]
    assert found[0]["label"]
    same = client.post("/api/config/diff", json={"left": {"name": "demo_lora"}, "right": {"name": "demo_lora"}})
    assert same.json() == []
    (unknown,) = client.post("/api/config/diff", json={"left": {"config": {"epoch": 3}}}).json()
    assert unknown["path"] == "epoch"
    assert "epochs" in unknown["notes"][0]


def test_a_run_is_compared_with_its_source(client: TestClient, training_config: dict[str, Any]) -> None:
    training_config["concepts"][0]["seed"] = 1  # left out, every reading draws its own
    run = client.post("/api/runs", json={"config_dict": training_config}).json()
    sides = {"left": {"run_id": run["id"]}, "right": {"config": training_config}}
    assert client.post("/api/config/diff", json=sides).json() == []
    assert client.post("/api/config/diff", json={"left": {"run_id": "nowhere"}}).status_code == 404
    assert client.post("/api/config/diff", json={"left": {"run_id": "a", "name": "b"}}).status_code == 400


def test_a_configuration_is_drawn_as_curves(client: TestClient) -> None:
    cosine = {"learning_rate_scheduler": "COSINE", "learning_rate_warmup_steps": 0}
    found = client.post("/api/config/curves", json=cosine).json()
    assert found["learning_rate"]["y"][0] == 1
    assert found["learning_rate"]["y"][-1] == pytest.approx(0)
    assert found["warmup_steps"] == 0
    assert set(found["timesteps"]["y"]) == {1}


@pytest.mark.parametrize(
    "extreme",
    [
        {"timestep_shift": 0},
        {"min_noising_strength": 1},
        {"timestep_distribution": "LOGIT_NORMAL", "noising_weight": -1},
        {"timestep_distribution": "BETA", "noising_weight": 1e300, "noising_bias": 1e300},
        {"timestep_distribution": "HEAVY_TAIL", "noising_weight": "inf"},
        {"timestep_distribution": "INVERTED_PARABOLA", "noising_weight": "-inf"},
    ],
)
def test_settings_that_make_no_distribution_have_no_curve(client: TestClient, extreme: dict[str, Any]) -> None:
    found = client.post("/api/config/curves", json={**extreme, "learning_rate_warmup_steps": "inf"}).json()
    assert found["timesteps"] is None
    assert found["warmup_steps"] == 2**53


def test_the_catalogue_is_narrowed_to_a_choice(client: TestClient) -> None:
    everything = client.get("/api/config/fields").json()["fields"]
    narrowed = client.get("/api/config/fields?training_method=FINE_TUNE&optimizer=ADAMW").json()["fields"]
    assert 0 < len(narrowed) < len(everything)
    assert client.get("/api/config/fields?optimizer=nonsense").status_code == 400


def test_a_sent_configuration_may_name_files_of_the_workspace_for_its_concepts_and_samples(
    client: TestClient, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    concepts = training_config.pop("concepts")
    config = training_config | {"concept_file_name": "mine.json", "sample_definition_file_name": "samples.json"}
    report = client.post("/api/config/validate?deep=true", json=config).json()
    assert not report["valid"]
    assert {"concept_file_name", "sample_definition_file_name"} <= {issue["path"] for issue in report["issues"]}

    (workspace.folder / "mine.json").write_text(json.dumps(concepts))
    (workspace.folder / "samples.json").write_text('[{"prompt": "a square"}]')
    assert client.post("/api/config/validate?deep=true", json=config).json()["issues"] == []
    assert client.post("/api/training/start", json={"config_dict": config}).status_code == 200
    current = client.get("/api/config/current").json()["config"]
    assert (current["concepts"][0]["name"], current["samples"][0]["prompt"]) == ("squares", "a square")


def test_the_deep_check_and_the_start_say_the_same(client: TestClient) -> None:
    config = {"concepts": [{"path": "datasets/nowhere"}], "base_model_name": "models/nowhere"}
    shallow = client.post("/api/config/validate", json=config).json()
    deep = client.post("/api/config/validate?deep=true", json=config).json()
    assert shallow["valid"] is True
    assert deep["valid"] is False
    start = client.post("/api/training/start", json={"config_dict": config})
    assert start.status_code == 400
    assert all(error in start.json()["detail"] for error in deep["errors"])


def test_the_deep_check_finds_nothing_wrong_with_a_demo_that_was_never_started(client: TestClient) -> None:
    demo = client.get("/api/config/load/demo_lora").json()
    report = client.post("/api/config/validate?deep=true", json=demo).json()
    assert report["errors"] == []


def test_a_large_model_for_a_card_that_is_not_there_is_pointed_at(client: TestClient) -> None:
    def codes(**config: str) -> set[str]:
        report = client.post("/api/config/validate?deep=true", json=config).json()
        return {issue["code"] for issue in report["issues"]}

    assert ("no_gpu" in codes(train_device="cuda")) is not bool(list_gpus())
    assert "no_gpu" not in codes(train_device="cpu")
    assert "no_gpu" not in codes(train_device="cuda", base_model_name="tiny")


def test_the_demos_pictures_are_there_whole_or_not_at_all_and_torn_ones_are_mended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(concepts=[ConceptConfig(path="datasets/demo_lora")])
    folder = workspace.datasets / "demo_lora"

    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}

    save, saved = Image.Image.save, list[Path]()

    def save_until_the_disk_is_full(image: Image.Image, path: Path) -> None:
        saved.append(path)
        if len(saved) == 5:
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")
        save(image, path)

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", save_until_the_disk_is_full)
        with pytest.raises(OSError, match="No space"):
            draw_missing_demo_pictures(config, workspace)
    assert not list(workspace.datasets.iterdir())

    together = Barrier(4)

    def start(_: int) -> dict[str, bytes]:
        together.wait()
        draw_missing_demo_pictures(config, workspace)
        return files()

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(start, range(4)))
    whole = files()
    assert len(whole) == 48
    assert all(whole.values())
    assert seen == [whole] * 4
    assert list(workspace.datasets.iterdir()) == [folder]

    (folder / "02_glim.txt").write_text("a glim")
    for name in ("07_glim.png", "07_glim.txt"):
        (folder / name).unlink()
    mine = {**files(), "own.png": b"no picture"}
    (folder / "own.png").write_bytes(mine["own.png"])
    draw_missing_demo_pictures(config, workspace)
    assert files() == mine, "what people changed stays"

    (folder / "03_glim.png").write_bytes(b"")
    (folder / "05_glim.png").write_bytes(whole["05_glim.png"][:50])
    draw_missing_demo_pictures(config, workspace)
    assert files() == {**whole, "02_glim.txt": b"a glim", "own.png": mine["own.png"]}


def test_a_drawing_of_the_demo_that_broke_off_at_a_caption_is_completed(workspace: Workspace) -> None:
    config = TrainConfig(concepts=[ConceptConfig(path="datasets/demo_lora")])
    folder = workspace.datasets / "demo_lora"

    def drawn() -> dict[str, bytes]:
        draw_missing_demo_pictures(config, workspace)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    whole = drawn()
    for last_caption in (b"", None):
        for path in sorted(folder.iterdir())[7:]:
            path.unlink()
        if last_caption is not None:
            (folder / "03_glim.txt").write_bytes(last_caption)
        assert drawn() == whole
    (folder / "03_glim.txt").write_bytes(b"")
    assert drawn() == {**whole, "03_glim.txt": b""}, "somebody has emptied this one"
