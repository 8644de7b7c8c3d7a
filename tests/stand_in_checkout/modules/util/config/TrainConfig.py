import sys
from types import SimpleNamespace
from typing import Any

from modules.util.config.SampleConfig import SampleConfig


class Format(str):
    def file_extension(self) -> str:
        return "" if self == "DIFFUSERS" else ".safetensors"


class TrainConfig:
    @staticmethod
    def default_values() -> "TrainConfig":
        return TrainConfig()

    def from_dict(self, data: dict[str, Any]) -> "TrainConfig":
        vars(self).update(data)
        self.samples = [SampleConfig.default_values().from_dict(sample) for sample in data["samples"]]
        self.cloud = SimpleNamespace(enabled=False)
        self.output_model_format = Format(data["output_model_format"])
        if data["train_device"] == "unheard-of":
            sys.stdout.write("Could not set train_device as unheard-of\n")
        return self

    def get_last_backup_path(self) -> str | None:
        raise AssertionError("the bridge names the backup itself")
