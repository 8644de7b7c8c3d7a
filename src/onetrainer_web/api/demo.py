"""The demo's training pictures: drawn into the workspace when somebody starts what needs them."""

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.tiny.pictures import DEMO_CONCEPTS, write_demo_pictures


def draw_missing_demo_pictures(config: TrainConfig, workspace: Workspace) -> None:
    """Draw the pictures of each demo that a concept of `config` asks for and that are not there."""
    wanted = {workspace.resolve(concept.path) for concept in config.concepts or () if "\0" not in concept.path}
    for name in DEMO_CONCEPTS:
        folder = workspace.datasets / name
        if folder in wanted and not folder.exists():
            write_demo_pictures(folder, name)
