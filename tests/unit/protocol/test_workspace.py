"""What the paths of a configuration mean."""

from pathlib import Path

from onetrainer_web.protocol.workspace import Workspace


def test_relative_paths_start_in_the_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.resolve("models/../datasets") == workspace.datasets
    assert workspace.resolve("/elsewhere/model") == Path("/elsewhere/model")
    assert workspace.resolve("~") == Path.home()


def test_the_link_to_a_model_keeps_its_name(tmp_path: Path) -> None:
    """In the hub's cache the file of a model is a link to one that is named by its hash."""
    (tmp_path / "0a1b2c").touch()
    link = tmp_path / "model.safetensors"
    link.symlink_to("0a1b2c")
    assert Workspace(tmp_path).resolve("model.safetensors").name == link.name
