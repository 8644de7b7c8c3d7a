from typing import Any


class SampleConfig:
    @staticmethod
    def default_values(model_type: Any = None) -> "SampleConfig":
        del model_type
        return SampleConfig().from_dict({"enabled": True, "prompt": "", "width": 64, "height": 64, "seed": 42})

    def from_dict(self, data: dict[str, Any]) -> "SampleConfig":
        vars(self).update(data)
        return self

    def to_dict(self) -> dict[str, Any]:
        return {"__version": 0, **vars(self)}
