"""What a training reads of its configuration is what people are told has an effect."""

from typing import Any

import pytest
from tests.engine.conftest import Lab

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.obeyed import OBEYED
from onetrainer_web.config.optimizer_tables import LACKING, PARAMETERS
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.unsupported import NOT_OBEYED

METHODS = {"LORA": "KOHYA_LORA", "FINE_TUNE": "SAFETENSORS", "EMBEDDING": "SAFETENSORS"}
WHOLE_LISTS = {f"optimizer.{name}" for names in LACKING.values() for name in names}
"""Parameters of an optimizer are read as a list, from which those that its library lacks are dropped."""
TOLD = set(NOT_OBEYED)
"""Read to be told of."""
IDENTITY = {"unet.attention_mask"}
"""A part of what the text cache goes by, for all families alike."""


class Reads:
    """The settings that were read, by their paths."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self._owners: dict[int, tuple[ConfigModel, str]] = {}
        """By id: an object of a configuration, kept so that its id is given to no other, and its path."""

    def note(self, owner: ConfigModel, name: str, value: Any) -> None:
        """Take note that a setting was read."""
        if name not in type(owner).model_fields or (parent := self._path_of(owner)) is None:
            return
        path = f"{parent}{name}"
        self.paths.add(path)
        for item, suffix in [(value, "."), *((one, "[].") for one in (value if isinstance(value, list) else []))]:
            if isinstance(item, ConfigModel):
                self._owners[id(item)] = (item, f"{path}{suffix}")

    def _path_of(self, owner: ConfigModel) -> str | None:
        """Where an object stands; None for a changed copy of one whose own reads are seen."""
        if isinstance(owner, TrainConfig):
            return ""
        if isinstance(owner, SampleConfig):  # they come by commands, too
            return "samples[]."
        return self._owners.get(id(owner), (owner, None))[1]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Sees whatever is read of any configuration from here on."""
    found = Reads()

    def read(owner: ConfigModel, name: str) -> Any:
        value = object.__getattribute__(owner, name)
        if not name.startswith("_"):
            found.note(owner, name, value)
        return value

    monkeypatch.setattr(ConfigModel, "__getattribute__", read, raising=False)
    return found


def test_a_training_reads_no_setting_that_is_said_to_have_no_effect(lab: Lab, reads: Reads) -> None:
    settings = lab.settings(
        epochs=1,
        sample_after_unit="EPOCH",
        validation=True,
        ema="CPU",
        masked_training=True,
        text_encoder={"train": True},
    )
    reads.paths.clear()
    for method, output_format in METHODS.items():
        lab.train(**{**settings, "training_method": method, "output_model_format": output_format})
    assert reads.paths - OBEYED <= WHOLE_LISTS | TOLD | IDENTITY
    assert {"learning_rate", "unet.train", "concepts[].image.enable_crop_jitter", "samples[].prompt"} <= reads.paths
    assert {f"optimizer.{name}" for name in PARAMETERS[TrainConfig().optimizer.optimizer]} <= reads.paths
