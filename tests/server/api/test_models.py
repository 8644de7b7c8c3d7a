"""What the API tells of model files, and which it does not look into."""

from pathlib import Path

from fastapi.testclient import TestClient

from onetrainer_web.api.app import create_app
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings
from onetrainer_web.tiny.paths import tiny_model_folder


def test_a_file_of_the_workspace_is_told(client: TestClient, workspace: Workspace) -> None:
    weights = tiny_model_folder() / "vae" / "diffusion_pytorch_model.safetensors"
    (workspace.models / "vae.safetensors").write_bytes(weights.read_bytes())
    found = client.get("/api/models/info", params={"path": "models/vae.safetensors"}).json()
    assert (found["kind"], found["problems"]) == ("autoencoder", [])
    assert {use["program"]: use["place"] for use in found["uses"]}["ComfyUI"] == "models/vae"
    assert client.get("/api/models/info", params={"path": "models/none.safetensors"}).status_code == 404
    refused = client.get("/api/models/info", params={"path": "configs"})
    assert (refused.status_code, "Choose a model file" in refused.json()["detail"]) == (400, True)


def test_nothing_is_told_of_what_lies_outside_the_allowed_folders(
    service: RunService, workspace: Workspace, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(b"")
    (workspace.models / "link.safetensors").symlink_to(outside)
    limited = create_app(service, workspace, Settings(host="127.0.0.1", allowed_roots=[workspace.folder]))
    with TestClient(limited, base_url="http://localhost:8000") as client:
        for path in (str(outside), "models/link.safetensors"):
            answer = client.get("/api/models/info", params={"path": path})
            assert (answer.status_code, "outside the folders" in answer.json()["detail"]) == (400, True)
        # Of a folder, such links are left out.
        assert client.get("/api/models/info", params={"path": "models"}).status_code == 400
