"""Where a run writes its result."""

from pathlib import Path

import pytest

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.paths import run_paths
from onetrainer_web.protocol.run_folder import RunFolder


@pytest.mark.parametrize(
    ("destination", "model_format", "written"),
    [
        ("models/model", ModelFormat.LEGACY_SAFETENSORS, "models/model.safetensors"),
        ("models/cat-v1.5", ModelFormat.KOHYA_LORA, "models/cat-v1.5.safetensors"),
        ("models/cat.safetensors", ModelFormat.KOHYA_LORA, "models/cat.safetensors"),
        ("models/cat-v1.5", ModelFormat.DIFFUSERS, "models/cat-v1.5"),
    ],
)
def test_a_file_gets_the_ending_that_it_needs(
    tmp_path: Path, destination: str, model_format: ModelFormat, written: str
) -> None:
    config = TrainConfig(output_model_destination=destination)
    paths = run_paths(RunFolder(tmp_path / "runs" / "1"), config)
    assert paths.result(model_format) == tmp_path / written
